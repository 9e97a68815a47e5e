//! The contract of a key ring, for every implementation to be tested by.

#![allow(clippy::unwrap_used)] // a test, though others call it

use uuid::Uuid;

use crate::ledger::{KeyError, KeyRing, KeyState, Revision, StreamId, StreamKind};

fn stream(number: u128) -> StreamId {
    StreamId::new(StreamKind::Person, Uuid::from_u128(number))
}

fn revision(number: u64) -> Revision {
    Revision::new(number)
}

/// The key that opens at a revision; none if it was destroyed.
async fn opening(ring: &dyn KeyRing, stream: StreamId, at: u64) -> Option<[u8; 32]> {
    likeliest(&ring.opening(stream, revision(at)).await.unwrap())
}

fn likeliest(state: &KeyState) -> Option<[u8; 32]> {
    state.keys().next().map(|key| *key.bytes())
}

async fn sealing(ring: &dyn KeyRing, stream: StreamId, at: u64) -> Result<[u8; 32], KeyError> {
    ring.sealing(stream, revision(at)).await.map(|key| *key.bytes())
}

/// Runs through what a ring promises, on an empty one. Panics where it does not keep it.
///
/// # Panics
/// Where the ring breaks its contract.
pub async fn contract(ring: &dyn KeyRing) {
    let (one, other) = (stream(1), stream(2));
    assert_eq!(ring.opening(one, revision(0)).await.unwrap_err(), KeyError::Missing(one));
    assert_eq!(sealing(ring, one, 3).await, Err(KeyError::Missing(one)), "an older copy of the ring");
    assert_eq!(ring.renew(one, revision(3)).await, Err(KeyError::Missing(one)));
    assert_eq!(ring.destroy(one, revision(3)).await, Ok(()), "nothing to destroy");

    let first = sealing(ring, one, 0).await.unwrap();
    assert_ne!(first, sealing(ring, other, 0).await.unwrap(), "a key for each stream");
    for at in [0, 1, 9] {
        assert_eq!(sealing(ring, one, at).await, Ok(first));
        assert_eq!(opening(ring, one, at).await, Some(first));
    }

    for _again in 0..2 {
        ring.renew(one, revision(5)).await.unwrap();
        ring.renew(one, revision(2)).await.unwrap();
        let second = sealing(ring, one, 5).await.unwrap();
        assert_ne!(second, first);
        assert_eq!(opening(ring, one, 4).await, Some(first), "older records keep their key");
        assert_eq!(opening(ring, one, 5).await, Some(second));
        assert_eq!(opening(ring, one, 99).await, Some(second));
    }

    // What was sealed with the key before and came late opens, too.
    let either = ring.opening(one, revision(7)).await.unwrap();
    assert!(either.keys().map(|key| *key.bytes()).eq([sealing(ring, one, 5).await.unwrap(), first]));
    let second = opening(ring, one, 5).await;
    for _again in 0..2 {
        ring.destroy(one, revision(5)).await.unwrap();
        assert_eq!(opening(ring, one, 0).await, None);
        assert_eq!(opening(ring, one, 4).await, None);
        assert_eq!(ring.opening(one, revision(7)).await.unwrap().keys().count(), 1);
        assert_eq!(opening(ring, one, 5).await, second);
        assert_eq!(sealing(ring, one, 4).await, Err(KeyError::Destroyed(one)));
        assert_eq!(sealing(ring, one, 6).await.ok(), second);
        assert!(opening(ring, other, 0).await.is_some(), "other streams keep theirs");
    }

    let places = [(other, revision(0)), (one, revision(4)), (one, revision(5)), (other, revision(1))];
    let mut expected = Vec::new();
    for (stream, at) in places {
        expected.push(opening(ring, stream, at.number()).await);
    }
    let together = ring.opening_all(&places).await.unwrap();
    assert!(together.iter().map(likeliest).eq(expected), "asked for together, keys are the same");
    let absent = [(one, revision(0)), (stream(3), revision(0))];
    assert_eq!(ring.opening_all(&absent).await.unwrap_err(), KeyError::Missing(stream(3)));

    // An erasure without a new key ends the stream, until it gets one.
    ring.destroy(other, revision(u64::MAX)).await.unwrap();
    assert_eq!(sealing(ring, other, 7).await, Err(KeyError::Destroyed(other)));
    ring.renew(other, revision(8)).await.unwrap();
    assert!(sealing(ring, other, 8).await.is_ok());
    assert_eq!(opening(ring, other, 7).await, None);
}
