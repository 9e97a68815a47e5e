//! The key of a single record: opens that record's body, and tells nothing of any other's.
//!
//! AES-GCM-SIV makes, from a key and a nonce, the two keys that it really works with (RFC 8452, section 4: "derive keys").
//! The nonce here is the revision, so these two belong to one record alone. They are outputs of a block cipher: whoever has
//! them can neither go back to the stream's key nor on to another record's. So a part of a history can be handed out.

use aes_gcm_siv::aes::{
    Aes256, Block,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use polyval::{Polyval, universal_hash::UniversalHash as _};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    Revision, SealedRecord, StreamKey,
    keys::{DoesNotOpen, bound_to_header, nonce_bytes},
};

/// Bytes of a record's key: 16 that authenticate and 32 that encrypt.
pub const RECORD_KEY_LEN: usize = 48;
/// Bytes of the tag at the end of a sealed body.
const TAG_LEN: usize = 16;

/// The key of one record.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecordKey([u8; RECORD_KEY_LEN]);

impl std::fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecordKey(…)")
    }
}

impl StreamKey {
    /// The key of the record at this revision alone.
    pub fn of_record(&self, revision: Revision) -> RecordKey {
        let cipher = Aes256::new(self.bytes().into());
        let mut key = RecordKey([0; RECORD_KEY_LEN]);
        for (counter, part) in (0_u32..).zip(key.0.chunks_mut(8)) {
            let mut block = Block::default();
            block[..4].copy_from_slice(&counter.to_le_bytes());
            block[4..].copy_from_slice(&nonce_bytes(revision));
            cipher.encrypt_block(&mut block);
            part.copy_from_slice(&block[..8]);
        }
        key
    }
}

impl RecordKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; RECORD_KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be handed out.
    pub fn bytes(&self) -> &[u8; RECORD_KEY_LEN] {
        &self.0
    }

    /// Opens the record's body, as the stream's key does.
    pub fn open(&self, record: &SealedRecord) -> Result<Vec<u8>, DoesNotOpen> {
        let (sealed, tag) = record.body().split_last_chunk::<TAG_LEN>().ok_or(DoesNotOpen)?;
        let [authenticating, encrypting] = [&self.0[..16], &self.0[16..]];
        let encrypting = <&[u8; 32]>::try_from(encrypting).map_err(|_| DoesNotOpen)?;
        let authenticating = <&[u8; 16]>::try_from(authenticating).map_err(|_| DoesNotOpen)?;
        let cipher = Aes256::new(encrypting.into());
        let body = counted(&cipher, tag, sealed);

        let bound = bound_to_header(record.header());
        let mut polyval = Polyval::new(authenticating.into());
        polyval.update_padded(&bound);
        polyval.update_padded(&body);
        let mut lengths = Block::default();
        lengths[..8].copy_from_slice(&bits(bound.len()));
        lengths[8..].copy_from_slice(&bits(body.len()));
        polyval.update(&[lengths]);
        let mut expected = polyval.finalize();
        for (byte, of_nonce) in expected.iter_mut().zip(nonce_bytes(record.header().revision)) {
            *byte ^= of_nonce;
        }
        expected[15] &= 0x7f;
        cipher.encrypt_block(&mut expected);
        // Nobody who could measure the time of this holds a secret that it compares.
        if expected[..] == tag[..] { Ok(body) } else { Err(DoesNotOpen) }
    }
}

/// The counter mode of RFC 8452: it begins with the tag, and counts in the first four bytes, little-endian.
fn counted(cipher: &Aes256, tag: &[u8; TAG_LEN], bytes: &[u8]) -> Vec<u8> {
    let mut counter = *tag;
    counter[15] |= 0x80;
    let [a, b, c, d, ..] = counter;
    let first = u32::from_le_bytes([a, b, c, d]);
    let mut out = Vec::with_capacity(bytes.len());
    for (at, chunk) in (0_u32..).zip(bytes.chunks(16)) {
        counter[..4].copy_from_slice(&first.wrapping_add(at).to_le_bytes());
        let mut stream = Block::from(counter);
        cipher.encrypt_block(&mut stream);
        out.extend(chunk.iter().zip(&stream[..]).map(|(byte, key)| byte ^ key));
    }
    out
}

fn bits(length: usize) -> [u8; 8] {
    (length as u64).wrapping_mul(8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        ledger::{EventKind, LedgerId, RecordHash, StreamId, StreamKind},
        time::Timestamp,
    };

    fn sealed(key: u8, revision: u64, body: &[u8]) -> SealedRecord {
        let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(3));
        let (revision, kind) = (Revision::new(revision), EventKind::new(401));
        let cipher = StreamKey::new([key; 32]).cipher();
        let draft = cipher.seal(stream, revision, kind, Uuid::from_u128(1), Uuid::from_u128(2), body);
        let (genesis, mut bytes) = (RecordHash::genesis(LedgerId(Uuid::nil()), stream), Vec::new());
        draft.stamp(stream, revision, Timestamp::default(), genesis, &mut bytes);
        SealedRecord::from_bytes(bytes).unwrap()
    }

    fn key(key: u8, revision: u64) -> RecordKey {
        StreamKey::new([key; 32]).of_record(Revision::new(revision))
    }

    #[test]
    fn it_opens_what_the_streams_key_sealed_whatever_its_length() {
        for length in (0..70).chain([255, 256, 257, 4_096, 60_000]) {
            let body: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
            for revision in [0, 1, 300, u64::MAX] {
                assert_eq!(key(9, revision).open(&sealed(9, revision, &body)).unwrap(), body, "{length}, {revision}");
            }
        }
    }

    #[test]
    fn it_opens_no_other_record_of_the_stream_and_none_of_another() {
        let record = sealed(9, 4, b"body");
        for other in [key(9, 3), key(9, 5), key(8, 4)] {
            assert_eq!(other.open(&record), Err(DoesNotOpen));
        }
        assert_eq!(key(9, 4).open(&sealed(8, 4, b"body")), Err(DoesNotOpen));
    }

    #[test]
    fn a_changed_bit_of_record_or_key_does_not_open() {
        let record = sealed(9, 4, b"a body of some blocks, a body of some blocks");
        // Version, previous record and recorded time are the hash's to hold: the log's writer stamps them after sealing.
        for at in (1..12).chain(20..68).chain(100..record.bytes().len()) {
            let mut bytes = record.bytes().to_vec();
            bytes[at] ^= 1;
            if let Ok(changed) = SealedRecord::from_bytes(bytes) {
                assert_eq!(key(9, 4).open(&changed), Err(DoesNotOpen), "byte {at}");
            }
        }
        for at in 0..RECORD_KEY_LEN * 8 {
            let mut bytes = *key(9, 4).bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            assert_eq!(RecordKey::new(bytes).open(&record), Err(DoesNotOpen), "bit {at}");
        }
    }
}
