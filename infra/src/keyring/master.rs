//! The master key: 32 random bytes in a file of their own. It wraps every stream key of the ring; whoever has both ring
//! and master key reads everything, whoever loses it reads nothing any more.

use std::{
    fmt::{self, Write as _},
    fs, io,
    path::{Path, PathBuf},
};

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use socai_domain::ledger::{Revision, StreamId, StreamKey};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::files;

/// Bytes of a wrapped stream key: nonce (12), sealed key (32), tag (16). All are equally long, so that a destroyed one is
/// overwritten where it stands.
pub(super) const WRAPPED_LEN: usize = 60;

const NONCE_LEN: usize = 12;
const PREFIX: &str = "socai-master-key-1:";
const TICKETS_CONTEXT: &str = "socai 2026-11 upload tickets v1";
const FINGERPRINT_CONTEXT: &str = "socai 2026-11 master key fingerprint v1";

/// The key that wraps stream keys.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// Why a master key could not be made, read or kept.
#[derive(Debug, Error)]
pub enum MasterKeyError {
    /// No random bytes from the operating system.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    /// A key is never overwritten: what it wraps would be lost.
    #[error("{0} is there already and is not overwritten: choose another file")]
    Exists(PathBuf),
    /// Everybody on the machine can read or change it.
    #[error("{0} is open to every user of this machine: chmod 600 it")]
    Open(PathBuf),
    /// Not what `socai keygen` writes.
    #[error("{0} holds no master key: give the file that socai keygen wrote")]
    Malformed(PathBuf),
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// A new key of random bytes.
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(MasterKeyError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Reads the key that [`MasterKey::save`] wrote. A file that every user of the machine may read is refused.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let io = |source| MasterKeyError::Io { path: path.to_owned(), source };
        let malformed = || MasterKeyError::Malformed(path.to_owned());
        if files::open_to_others(path).map_err(io)? {
            return Err(MasterKeyError::Open(path.to_owned()));
        }
        let bytes = Zeroizing::new(fs::read(path).map_err(io)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
        text.trim_end().strip_prefix(PREFIX).and_then(read_hex).map(Self).ok_or_else(malformed)
    }

    /// Writes the key to a new file that only its owner may read, and has it on disk before returning.
    pub fn save(&self, path: &Path) -> Result<(), MasterKeyError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => MasterKeyError::Exists(path.to_owned()),
            _ => MasterKeyError::Io { path: path.to_owned(), source },
        };
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 65));
        text.push_str(PREFIX);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}"); // a String takes everything
        }
        text.push('\n');
        files::create_private(path, text.as_bytes()).map_err(io)
    }

    /// The secret under which upload tickets are written: every server of a ledger has it by itself. Whoever has it can attach any
    /// file whose hash they know. Says nothing about the key.
    pub fn ticket_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(TICKETS_CONTEXT, &self.0))
    }

    /// What the ring keeps to recognise its master key. Says nothing about the key.
    pub fn fingerprint(&self) -> [u8; 32] {
        blake3::derive_key(FINGERPRINT_CONTEXT, &self.0)
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new(&self.0.into())
    }

    /// A stream key, sealed for its stream and generation.
    pub(super) fn wrap(&self, place: KeyPlace, key: &StreamKey) -> Result<[u8; WRAPPED_LEN], getrandom::Error> {
        let mut wrapped = [0; WRAPPED_LEN];
        let (nonce, sealed) = wrapped.split_at_mut(NONCE_LEN);
        getrandom::fill(nonce)?;
        let nonce: [u8; NONCE_LEN] = (&*nonce).try_into().expect("split at its length");
        let payload = Payload { msg: key.bytes(), aad: &place.to_bytes() };
        let bytes = self.cipher().encrypt(&Nonce::from(nonce), payload).expect("only bodies of 64 GiB are refused");
        sealed.copy_from_slice(&bytes);
        Ok(wrapped)
    }

    /// The stream key in `wrapped`; nothing if it was wrapped by another key or for another place, or was changed.
    pub(super) fn unwrap(&self, place: KeyPlace, wrapped: &[u8]) -> Option<StreamKey> {
        let (nonce, sealed) = wrapped.split_at_checked(NONCE_LEN)?;
        let nonce: [u8; NONCE_LEN] = nonce.try_into().ok()?;
        let opened = self.cipher().decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: &place.to_bytes() });
        let bytes = Zeroizing::new(opened.ok()?);
        Some(StreamKey::new(bytes.as_slice().try_into().ok()?))
    }
}

/// A stream and the first revision that a key of it seals.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPlace {
    pub(super) stream: StreamId,
    pub(super) from: Revision,
}

impl KeyPlace {
    fn to_bytes(self) -> [u8; 25] {
        let mut bytes = [0; 25];
        bytes[..17].copy_from_slice(&self.stream.to_bytes());
        bytes[17..].copy_from_slice(&self.from.number().to_le_bytes());
        bytes
    }
}

fn read_hex(digits: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use socai_domain::ledger::StreamKind;
    use uuid::Uuid;

    use super::*;

    fn place(stream: u128, from: u64) -> KeyPlace {
        let stream = StreamId::new(StreamKind::Person, Uuid::from_u128(stream));
        KeyPlace { stream, from: Revision::new(from) }
    }

    #[test]
    fn a_saved_key_loads_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let key = MasterKey::generate().unwrap();
        key.save(&path).unwrap();
        assert_eq!(MasterKey::load(&path).unwrap().fingerprint(), key.fingerprint());
        let other = MasterKey::generate().unwrap();
        assert!(matches!(other.save(&path), Err(MasterKeyError::Exists(_))));
        assert_eq!(MasterKey::load(&path).unwrap().fingerprint(), key.fingerprint());
        assert_ne!(other.fingerprint(), key.fingerprint());
    }

    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::generate().unwrap().save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::Open(_))));
    }

    #[test]
    fn another_file_is_not_taken_for_a_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::Io { .. })));
        let short = format!("{PREFIX}00ff\n");
        for wrong in [b"".as_slice(), b"\xff\xfe", b"socai-master-key-2:00", short.as_bytes()] {
            let _ = fs::remove_file(&path);
            files::create_private(&path, wrong).unwrap();
            assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::Malformed(_))), "{wrong:?}");
        }
    }

    #[test]
    fn a_wrapped_key_opens_only_in_its_place_and_by_its_master() {
        let (master, key) = (MasterKey::generate().unwrap(), StreamKey::new([7; 32]));
        let wrapped = master.wrap(place(1, 0), &key).unwrap();
        assert_eq!(master.unwrap(place(1, 0), &wrapped).unwrap().bytes(), key.bytes());
        assert!(master.unwrap(place(2, 0), &wrapped).is_none());
        assert!(master.unwrap(place(1, 1), &wrapped).is_none());
        assert!(MasterKey::generate().unwrap().unwrap(place(1, 0), &wrapped).is_none());
        for at in 0..WRAPPED_LEN {
            let mut changed = wrapped;
            changed[at] ^= 1;
            assert!(master.unwrap(place(1, 0), &changed).is_none(), "byte {at}");
        }
        assert!(master.unwrap(place(1, 0), &[]).is_none());
    }
}
