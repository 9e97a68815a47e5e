//! A ring, wherever it is kept.

use std::sync::Arc;

use socai_domain::ledger::{KeyError, KeyRing, LedgerId};

use super::{MasterKey, PostgresKeyRing, SqliteKeyRing, postgres::store::TABLE};
use crate::{config::Location, postgres};

/// A ring in a file or in a database.
#[derive(Clone, Debug)]
pub enum Ring {
    /// In a file.
    Sqlite(SqliteKeyRing),
    /// In a database.
    Postgres(PostgresKeyRing),
}

impl Ring {
    /// Is there one?
    pub async fn exists(at: &Location) -> Result<bool, KeyError> {
        match at {
            Location::Path(path) => Ok(path.exists()),
            Location::Postgres(address) => {
                let there = postgres::is_there(address, TABLE).await;
                there.map_err(|error| KeyError::Unavailable(format!("{address}: {error}")))
            }
        }
    }

    /// Opens the ring that is kept there, made anew where there is none. Another master key than the one it was made with (or
    /// rotated to) is [`KeyError::WrongMaster`], and nothing is changed.
    pub async fn open(at: &Location, master: MasterKey) -> Result<Self, KeyError> {
        match at {
            Location::Path(path) => SqliteKeyRing::open(path, master).await.map(Self::Sqlite),
            Location::Postgres(address) => PostgresKeyRing::open(address, master).await.map(Self::Postgres),
        }
    }

    /// What gives and destroys keys.
    pub fn keys(&self) -> Arc<dyn KeyRing> {
        match self {
            Self::Sqlite(ring) => Arc::new(ring.clone()),
            Self::Postgres(ring) => Arc::new(ring.clone()),
        }
    }

    /// The ledger that it was bound to, if it was to any.
    pub async fn ledger(&self) -> Result<Option<LedgerId>, KeyError> {
        match self {
            Self::Sqlite(ring) => ring.ledger().await,
            Self::Postgres(ring) => ring.ledger().await,
        }
    }

    /// Makes it the ring of this ledger, unless it is one's already.
    pub async fn bind(&self, ledger: LedgerId) -> Result<(), KeyError> {
        match self {
            Self::Sqlite(ring) => ring.bind(ledger).await,
            Self::Postgres(ring) => ring.bind(ledger).await,
        }
    }

    /// Waits until no rotation is on its way: one that was interrupted may still take effect in a database.
    pub async fn settle(&self) -> Result<(), KeyError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(ring) => ring.settle().await,
        }
    }

    /// Wraps every key by another master key, in one transaction: afterwards the ring opens with the new one only.
    pub async fn rotate(&self, to: MasterKey) -> Result<(), KeyError> {
        match self {
            Self::Sqlite(ring) => ring.rotate(to).await,
            Self::Postgres(ring) => ring.rotate(to).await,
        }
    }

    /// Finishes what is waiting and lets go of it. A ring dropped without it loses nothing.
    pub async fn close(self) -> Result<(), KeyError> {
        match self {
            Self::Sqlite(ring) => ring.close().await,
            Self::Postgres(ring) => {
                ring.close();
                Ok(())
            }
        }
    }
}
