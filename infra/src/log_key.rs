//! The log's key: it signs checkpoints and receipts. Ed25519, in PEM. A witness's key is kept in the same way.

use std::{fmt, io, path::Path};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding},
};
use socai_domain::{
    ledger::LedgerId,
    proof::{KeyName, SecretKey, SignatureKind, key::NotAKeyName},
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files;

/// Why there is no key to sign with.
#[derive(Debug, Error)]
pub enum LogKeyError {
    /// It is not there.
    #[error(
        "there is no key {0}: put it back from its copy; if there never was one, make it with `socai keygen --missing`"
    )]
    Missing(String),
    /// It cannot be read.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// It is something else.
    #[error("{0} is not an Ed25519 key in PEM (PKCS#8): put the log's key back from its copy")]
    NotAKey(String),
    /// The log's name.
    #[error(transparent)]
    Origin(#[from] NotAKeyName),
    /// No random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// The name of this ledger's log, its origin, which is also that of its key, or that of its witness: as it was set, with the
/// ledger's id for `LEDGER`.
pub fn origin(set: &KeyName, ledger: LedgerId) -> Result<KeyName, NotAKeyName> {
    KeyName::new(set.as_str().replace("LEDGER", &ledger.to_string()))
}

/// The log's key. Whoever has it can sign another history.
pub struct LogKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogKey(…)")
    }
}

impl LogKey {
    /// Makes a new key in this file, for its owner alone. One that is there stays, and is an error.
    pub fn make(path: &Path) -> Result<(), LogKeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(LogKeyError::NoRandomness)?;
        let name = path.display().to_string();
        let pem = SigningKey::from_bytes(&seed).to_pkcs8_pem(LineEnding::LF);
        let pem = pem.map_err(|_| LogKeyError::NotAKey(name.clone()))?;
        files::create_private(path, pem.as_bytes()).map_err(|error| LogKeyError::Io(name, error))
    }

    /// The key in this file, which only its owner (and their group) may read.
    pub fn load(path: &Path) -> Result<Self, LogKeyError> {
        let name = path.display().to_string();
        let pem = match files::read_secret(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LogKeyError::Missing(name)),
            Err(error) => return Err(LogKeyError::Io(name, error)),
            Ok(pem) => pem,
        };
        let key = str::from_utf8(&pem).ok().and_then(|pem| SigningKey::from_pkcs8_pem(pem).ok());
        Ok(Self(Zeroizing::new(key.ok_or(LogKeyError::NotAKey(name))?.to_bytes())))
    }

    /// The key under the log's name.
    pub fn named(&self, origin: KeyName) -> SecretKey {
        SecretKey::new(origin, SignatureKind::Note, &self.0)
    }

    /// A witness's key under its name.
    pub fn of_witness(&self, name: KeyName) -> SecretKey {
        SecretKey::new(name, SignatureKind::Cosignature, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_reads_back_under_the_logs_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.key");
        let origin = origin(&KeyName::new("socai/LEDGER").unwrap(), LedgerId(Uuid::from_u128(7))).unwrap();
        assert!(matches!(LogKey::load(&path), Err(LogKeyError::Missing(_))));
        LogKey::make(&path).unwrap();
        let load = || LogKey::load(&path).unwrap().named(origin.clone()).public().to_string();
        let first = load();
        assert!(first.starts_with("socai/00000000-0000-0000-0000-000000000007+"), "{first}");
        assert!(matches!(LogKey::make(&path), Err(LogKeyError::Io(..))), "nothing is overwritten");
        assert_eq!(load(), first);
        std::fs::remove_file(&path).unwrap();
        LogKey::make(&path).unwrap();
        assert_ne!(load(), first, "no two are alike");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(&path, open).unwrap();
        assert!(LogKey::load(&path).unwrap_err().to_string().contains("chmod 600"));
        std::fs::remove_file(&path).unwrap();
        files::create_private(&path, b"a key").unwrap();
        assert!(matches!(LogKey::load(&path), Err(LogKeyError::NotAKey(_))));
    }
}
