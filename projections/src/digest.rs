//! The digest of the views at one position: equal for two builds of one version, however they came about.

use std::fmt;

use futures::TryStreamExt as _;
use socai_domain::ledger::Position;

use crate::{
    db::Dialect,
    error::ViewsError,
    models::{self, MODELS},
    sql::Source,
    store::{Views, checkpoint},
    value::encode,
};

/// The context of the digest.
const CONTEXT: &str = "socai 2026-11 views digest v1";

/// BLAKE3 in derive-key mode over all logical rows of all read models, and the position that they reflect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// The position.
    pub position: Option<Position>,
    /// The hash.
    pub hash: [u8; 32],
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.position.map_or_else(|| "the beginning".to_owned(), |position| position.to_string());
        write!(f, "{self} at {at}")
    }
}

impl Views {
    /// The digest now. Reads every row.
    pub async fn digest(&self) -> Result<Digest, ViewsError> {
        digest(self.snapshot().await?.db()).await
    }
}

/// The digest of what is seen from here.
pub(crate) async fn digest(db: &mut impl Source) -> Result<Digest, ViewsError> {
    if db.dialect() == Dialect::Postgres {
        // A table of millions takes longer than an answer to a question may.
        db.ready("").await?.takes_long().await?;
        db.ready("").await?.run("SELECT set_config('statement_timeout', '0', TRUE)").await?;
    }
    let position = checkpoint(db).await?;
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let mut buffer = Vec::new();
    for model in &MODELS {
        hasher.update(format!("{}@{}\n", model.name, model.version).as_bytes());
    }
    if let Some(position) = position {
        hasher.update(position.to_string().as_bytes());
    }
    let mut tables: Vec<_> = models::tables().collect();
    tables.sort_by_key(|table| table.name);
    for table in tables {
        hasher.update(format!("\n{}\n", table.name).as_bytes());
        let scan = table.scan();
        let mut rows = db.ready(&scan).await?.fetch(scan.clone(), Vec::new());
        while let Some(row) = rows.try_next().await? {
            buffer.clear();
            for at in 0..table.columns.len() {
                encode(&row, at, &mut buffer)?;
            }
            hasher.update(&buffer);
        }
    }
    Ok(Digest { position, hash: hasher.finalize().into() })
}
