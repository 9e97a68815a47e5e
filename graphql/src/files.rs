//! Files by content hash: the port to where they are kept, and the tickets by which an uploader may attach them.

use std::{fmt, io};

use axum::body::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use socai_commands::Hold;
use socai_domain::time::Timestamp;
use thiserror::Error;

use crate::session::Caller;

/// The bytes of a file, piece by piece.
pub type FileStream = BoxStream<'static, io::Result<Bytes>>;

/// A file that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
    /// Its length in bytes.
    pub size: u64,
}

/// A file to be sent.
pub struct Found {
    /// Its length in bytes.
    pub size: u64,
    /// Its type by its content, never by its name.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: FileStream,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Found({} bytes of {})", self.size, self.content_type)
    }
}

/// Why a file could not be kept or read.
#[derive(Debug, Error)]
pub enum FilesError {
    /// More bytes than allowed.
    #[error("a file has at most {0} bytes")]
    TooLarge(u64),
    /// The sender stopped in the middle.
    #[error("the upload broke off: {0}")]
    BrokeOff(io::Error),
    /// The store cannot be used now.
    #[error("the file store cannot be used: {0}")]
    Unavailable(String),
}

/// Keeps files by their content. What it answers never tells whether the content was known before.
pub trait Files: Send + Sync + 'static {
    /// Keeps at most `limit` bytes; durable before this answers.
    fn put(&self, bytes: FileStream, limit: u64) -> BoxFuture<'_, Result<Kept, FilesError>>;

    /// Keeps these files from being removed as long as what is given back is held; none if one of them is not there. To be
    /// held from before a command attaches them until nothing of it is on its way any more.
    fn attach(&self, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<Option<Hold>, FilesError>>;

    /// The file with this hash.
    fn get(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Option<Found>, FilesError>>;
}

/// How long a ticket is good, in minutes.
pub const TICKET_MINUTES: i64 = 24 * 60;

/// Writes and reads tickets. A ticket carries its own proof, so nothing is stored and a restart forgets none.
#[derive(Clone)]
pub struct Tickets {
    key: [u8; 32],
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets(…)")
    }
}

impl Tickets {
    /// Tickets under a secret of this server: whoever knows it can attach any file whose hash they know.
    pub fn new(secret: &[u8]) -> Self {
        Self { key: blake3::derive_key("socai 2026-11 upload tickets v1", secret) }
    }

    /// A ticket for `caller`, and until when it is good.
    pub fn issue(&self, caller: &Caller, file: Kept, now: Timestamp) -> (String, Timestamp) {
        let until = now.plus_minutes(TICKET_MINUTES);
        let mut bytes = Vec::with_capacity(80);
        bytes.extend_from_slice(&file.hash);
        bytes.extend_from_slice(&file.size.to_be_bytes());
        bytes.extend_from_slice(&until.as_micros().to_be_bytes());
        let proof = self.proof(caller, &bytes);
        bytes.extend_from_slice(proof.as_bytes());
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        (digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect(), until)
    }

    /// The file of a ticket, if it is this caller's and still good.
    pub fn redeem(&self, caller: &Caller, ticket: &str, now: Timestamp) -> Option<Kept> {
        let digits: Vec<u8> =
            ticket.chars().map(|c| c.to_digit(16).and_then(|d| d.try_into().ok())).collect::<Option<_>>()?;
        let bytes: [u8; 80] = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0))
            .collect::<Vec<u8>>()
            .try_into()
            .ok()?;
        let (told, proof) = bytes.split_at(48);
        // Comparing hashes takes the same time wherever they differ.
        if self.proof(caller, told) != blake3::Hash::from_slice(proof).ok()? {
            return None;
        }
        let until = i64::from_be_bytes(told[40..48].try_into().ok()?);
        let kept = Kept { hash: told[..32].try_into().ok()?, size: u64::from_be_bytes(told[32..40].try_into().ok()?) };
        (now < Timestamp::from_micros(until)).then_some(kept)
    }

    fn proof(&self, caller: &Caller, told: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(caller.organ.uuid().as_bytes()).update(caller.person.uuid().as_bytes()).update(told);
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::id::{OrganId, PersonId};
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros_const(1_772_499_600_000_000);

    fn caller(person: u128, organ: u128) -> Caller {
        let (person, organ) = (PersonId::new(Uuid::from_u128(person)), OrganId::new(Uuid::from_u128(organ)));
        Caller { person, organ, expires: NOW.plus_minutes(60) }
    }

    #[test]
    fn a_ticket_is_for_its_uploader_and_a_day() {
        let (tickets, file) = (Tickets::new(b"secret"), Kept { hash: [7; 32], size: 5 });
        let (ticket, until) = tickets.issue(&caller(1, 2), file, NOW);
        assert_eq!(until, NOW.plus_minutes(1_440));
        assert_eq!(tickets.redeem(&caller(1, 2), &ticket, NOW), Some(file));
        assert_eq!(tickets.redeem(&caller(1, 2), &ticket, until.plus_micros(-1)), Some(file));
        assert_eq!(tickets.redeem(&caller(1, 2), &ticket, until), None);
        assert_eq!(tickets.redeem(&caller(3, 2), &ticket, NOW), None);
        assert_eq!(tickets.redeem(&caller(1, 3), &ticket, NOW), None);
        assert_eq!(Tickets::new(b"other").redeem(&caller(1, 2), &ticket, NOW), None);
    }

    #[test]
    fn a_changed_ticket_is_none() {
        let tickets = Tickets::new(b"secret");
        let (ticket, _) = tickets.issue(&caller(1, 2), Kept { hash: [7; 32], size: 5 }, NOW);
        for at in 0..ticket.len() {
            let mut changed = ticket.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(tickets.redeem(&caller(1, 2), &changed, NOW), None, "digit {at}");
        }
        for wrong in ["", "0", "zz", "ầ", &ticket[1..], &format!("{ticket}00")] {
            assert_eq!(tickets.redeem(&caller(1, 2), wrong, NOW), None, "{wrong}");
        }
    }
}
