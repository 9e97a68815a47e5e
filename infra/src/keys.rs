//! The key ring of a data directory with its master key, and the rotation of the latter.

use std::{io, path::Path};

use socai_domain::ledger::{KeyError, LedgerId};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    config::Config,
    files,
    keyring::{MasterKey, MasterKeyError, Ring, RingReader},
};

/// Why the key ring cannot be opened or its master key not be rotated.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The master key cannot be used.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
    /// The ring cannot be used.
    #[error(transparent)]
    Ring(#[from] KeyError),
    /// There is no ring.
    #[error("there is no key ring {0}: nothing to rotate yet")]
    NoRing(String),
    /// There are records and no ring that was made for them.
    #[error("the ledger has records, but {0} is not their key ring: restore that; nothing else opens them")]
    Lost(String),
    /// The ring is of another ledger.
    #[error("the key ring {ring} is of ledger {found}, not of {wanted}: restore the one that belongs to this ledger")]
    OtherLedger {
        /// The ring.
        ring: String,
        /// Whose it is.
        found: LedgerId,
        /// Whose it should be.
        wanted: LedgerId,
    },
    /// A file cannot be written.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

/// Where a new master key waits until every key is wrapped by it.
fn next(master: &Path) -> std::path::PathBuf {
    files::beside(master, "next")
}

/// Opens the ring. Finishes a rotation that was cut off: then the ring opens with either the old master key or the next one.
pub async fn open_ring(config: &Config) -> Result<Ring, KeysError> {
    let path = &config.master_key;
    let ring = Ring::open(&config.key_ring, MasterKey::load(path)?).await;
    let next = next(path);
    match ring {
        Err(KeyError::WrongMaster) if next.exists() => {
            let ring = Ring::open(&config.key_ring, MasterKey::load(&next)?).await?;
            retire(path)?;
            Ok(ring)
        }
        ring => Ok(ring?),
    }
}

/// Opens the ring of this ledger, which has so many records. Only a ledger without any gets a new one.
pub async fn open_ring_of(config: &Config, wanted: LedgerId, records: u64) -> Result<Ring, KeysError> {
    let name = config.key_ring.to_string();
    if records > 0 && !Ring::exists(&config.key_ring).await? {
        return Err(KeysError::Lost(name));
    }
    let ring = open_ring(config).await?;
    let refused = match ring.ledger().await? {
        Some(found) if found == wanted => return Ok(ring),
        Some(found) => KeysError::OtherLedger { ring: name, found, wanted },
        None if records > 0 => KeysError::Lost(name),
        None => {
            ring.bind(wanted).await?;
            // Another new ledger may have been sooner.
            match ring.ledger().await? {
                Some(found) if found != wanted => KeysError::OtherLedger { ring: name, found, wanted },
                _ => return Ok(ring),
            }
        }
    };
    // Why it was refused matters more than how it was closed.
    let _ = ring.close().await;
    Err(refused)
}

/// Opens the ring of this ledger for reading only, also while a server uses it; changes nothing.
pub async fn read_ring_of(config: &Config, wanted: LedgerId) -> Result<RingReader, KeysError> {
    let (place, name) = (&config.key_ring, config.key_ring.to_string());
    if !Ring::exists(place).await? {
        return Err(KeysError::Lost(name));
    }
    let next = next(&config.master_key);
    let ring = match RingReader::open(place, MasterKey::load(&config.master_key)?).await {
        // A rotation was cut off, or is going on.
        Err(KeyError::WrongMaster) if next.exists() => RingReader::open(place, MasterKey::load(&next)?).await?,
        ring => ring?,
    };
    match ring.ledger().await? {
        Some(found) if found == wanted => Ok(ring),
        Some(found) => Err(KeysError::OtherLedger { ring: name, found, wanted }),
        None => Err(KeysError::Lost(name)),
    }
}

/// Wraps every key of the ring by a new master key. The old one stays as `master.key.old`: it opens older copies of the ring.
pub async fn rotate_master(config: &Config) -> Result<(), KeysError> {
    let path = &config.master_key;
    if !Ring::exists(&config.key_ring).await? {
        return Err(KeysError::NoRing(config.key_ring.to_string()));
    }
    let ring = open_ring(config).await?;
    let next = next(path);
    // Left by a rotation that never reached the ring: the ring opened with the old key, and opens with it still.
    if next.exists() {
        ring.settle().await?;
        std::fs::remove_file(&next).map_err(|error| KeysError::Io(next.display().to_string(), error))?;
    }
    let key = MasterKey::generate()?;
    key.save(&next)?;
    ring.rotate(key).await?;
    retire(path)?;
    ring.close().await?;
    Ok(())
}

/// The ring is wrapped by the next master key: it takes the place of the old one.
fn retire(path: &Path) -> Result<(), KeysError> {
    let io = |error| KeysError::Io(path.display().to_string(), error);
    let old = std::fs::read(path).map(Zeroizing::new).map_err(io)?;
    files::replace(&files::beside(path, "old"), &old).map_err(io)?;
    files::rename(&next(path), path).map_err(io)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use socai_domain::ledger::{KeyState, Revision, StreamId, StreamKind};
    use sqlx::Connection as _;
    use uuid::Uuid;

    use super::*;

    fn config(data: &Path) -> Config {
        let flags = BTreeMap::from([("data", data.to_str().unwrap().to_owned())]);
        let config = Config::load(&flags, |_| None).unwrap();
        files::make_private_dir(config.master_key.parent().unwrap()).unwrap();
        MasterKey::generate().unwrap().save(&config.master_key).unwrap();
        config
    }

    fn stream() -> StreamId {
        StreamId::new(StreamKind::Person, Uuid::from_u128(1))
    }

    async fn key(config: &Config) -> [u8; 32] {
        let ring = open_ring(config).await.unwrap();
        let key = ring.keys().sealing(stream(), Revision::FIRST).await.unwrap();
        assert!(matches!(ring.keys().opening(stream(), Revision::FIRST).await, Ok(KeyState::Key(_))));
        ring.close().await.unwrap();
        *key.bytes()
    }

    #[tokio::test]
    async fn keys_stay_through_a_rotation() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        assert!(matches!(rotate_master(&config).await, Err(KeysError::NoRing(_))));
        let before = key(&config).await;
        let master = fs::read(&config.master_key).unwrap();
        rotate_master(&config).await.unwrap();
        assert_eq!(key(&config).await, before);
        assert_ne!(fs::read(&config.master_key).unwrap(), master);
        assert_eq!(fs::read(files::beside(&config.master_key, "old")).unwrap(), master);
    }

    #[tokio::test]
    async fn a_rotation_that_was_cut_off_is_finished_or_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let before = key(&config).await;
        // Cut off before the ring was rotated.
        MasterKey::generate().unwrap().save(&next(&config.master_key)).unwrap();
        assert_eq!(key(&config).await, before);
        rotate_master(&config).await.unwrap();
        assert_eq!(key(&config).await, before);
        // Cut off after it.
        let last = MasterKey::generate().unwrap();
        last.save(&next(&config.master_key)).unwrap();
        let ring = open_ring(&config).await.unwrap();
        ring.rotate(last.clone()).await.unwrap();
        ring.close().await.unwrap();
        assert_eq!(key(&config).await, before);
        assert_eq!(MasterKey::load(&config.master_key).unwrap().fingerprint(), last.fingerprint());
    }

    #[tokio::test]
    async fn the_next_master_key_stays_while_a_rotation_may_still_take_effect() {
        let directory = tempfile::tempdir().unwrap();
        let cluster = socai_test_postgres::Cluster::start().unwrap();
        let config = Config {
            key_ring: crate::config::Location::Postgres(cluster.url("postgres").parse().unwrap()),
            ..config(directory.path())
        };
        let before = key(&config).await;
        let next = next(&config.master_key);
        let other = MasterKey::generate().unwrap();
        other.save(&next).unwrap();
        // One that was interrupted while its commit waited has the row.
        let mut pending = sqlx::PgConnection::connect_with(&cluster.options()).await.unwrap();
        let mut pending = pending.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM socai_keys.ring FOR UPDATE").execute(&mut *pending).await.unwrap();
        assert!(rotate_master(&config).await.is_err());
        assert!(next.exists(), "it may be what the keys are wrapped by");
        pending.rollback().await.unwrap();
        rotate_master(&config).await.unwrap();
        assert_eq!(key(&config).await, before);
    }
}
