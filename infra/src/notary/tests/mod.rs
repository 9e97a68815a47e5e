//! Tests of the notary: its store under every fault, its life on a log, what it finds and proves.

mod asking;
mod database;
mod finding;
mod life;
mod lost;
mod power;

use std::{sync::Arc, sync::LazyLock};

use socai_domain::{
    ledger::RecordHash,
    proof::{Frontier, KeyName, SecretKey, SignatureKind, TreeHash, leaf_hash},
};

use super::{Notary, NotaryError, directory::DirectoryStore, tree::Leaf};
use crate::{clock::SystemClock, config::Location, disk::Disk, postgres::testing::Server};

/// Records in the tests' longest log.
const RECORDS: u64 = 1_500;

/// The record of this number.
fn record(number: u64) -> RecordHash {
    RecordHash::of(&number.to_le_bytes())
}

/// Its place: an engine's places may have gaps.
fn place(number: u64) -> u64 {
    3 * number + 1
}

fn leaves(range: std::ops::Range<u64>) -> Vec<Leaf> {
    range.map(|number| Leaf::new(record(number), place(number))).collect()
}

/// The root over the first so many records.
fn root(size: u64) -> TreeHash {
    static ROOTS: LazyLock<Vec<TreeHash>> = LazyLock::new(|| {
        let mut frontier = Frontier::new();
        let mut roots = vec![frontier.root()];
        for number in 0..RECORDS {
            frontier.append(leaf_hash(&record(number)));
            roots.push(frontier.root());
        }
        roots
    });
    ROOTS[usize::try_from(size).unwrap()]
}

fn key() -> SecretKey {
    SecretKey::new(KeyName::new("log.example").unwrap(), SignatureKind::Note, &[3; 32])
}

/// The notary of a log of so many records, with its store on this disk.
fn on(disk: Arc<dyn Disk>, records: u64) -> Result<Notary, NotaryError> {
    let store = DirectoryStore::on(disk, "store".into())?;
    Notary::on(Arc::new(store), None, key(), 60, records, Arc::new(SystemClock))
}

/// Where a store is.
enum Place {
    Directory(tempfile::TempDir),
    Database(Server),
}

impl Place {
    fn at(&self) -> Location {
        match self {
            Self::Directory(dir) => dir.path().join("store").into(),
            Self::Database(server) => Location::Postgres(server.address()),
        }
    }

    /// The store is lost.
    fn lose(&self) {
        match self {
            Self::Directory(dir) => std::fs::remove_dir_all(dir.path().join("store")).unwrap(),
            Self::Database(server) => server.run("DROP SCHEMA socai_notary CASCADE"),
        }
    }
}

/// A directory and a database: what a test does in both holds for the port.
fn everywhere() -> [Place; 2] {
    [Place::Directory(tempfile::tempdir().unwrap()), Place::Database(Server::start())]
}
