//! The notary's store, only read, beside the program that has it.
//!
//! What a checkpoint covers was durable before the checkpoint was there, and never changes: whoever reads the checkpoint first
//! finds all of its tree, whatever is being added meanwhile. No lock is taken and nothing is written.

use std::{fmt, io, path::Path};

use socai_domain::{
    ledger::RecordHash,
    proof::{
        Checkpoint, Note, TlogProof, TreeHash, TreeHead, VerifierKey, checkpoint::NotTheLogs, inclusion,
        key::NotAVerifierKey, leaf_hash,
    },
};
use thiserror::Error;

use super::{
    PUBLIC_KEY,
    hashes::Hashes,
    store::{Column, NotaryStore, Piece, StoreError},
};
use crate::disk::{Disk as _, RealDisk};

const CHECKPOINT: &str = "checkpoint";

/// Why nothing can be proved from it.
#[derive(Debug, Error)]
pub enum BesideError {
    /// Nothing was ever signed here.
    #[error("{0} has no signed checkpoint: start the server once, so that the notary signs one")]
    Nothing(String),
    /// The key that checks the log's signatures.
    #[error("{0}: {1}")]
    Key(String, NotAVerifierKey),
    /// The checkpoint is not one of that key's.
    #[error("the checkpoint in {0} is not one of this log: {1}")]
    Checkpoint(String, NotTheLogs),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tree is not the one that was signed.
    #[error("the tree in {0} is not the one that its checkpoint signs: {1}")]
    Tree(String, String),
}

/// The tree of the newest checkpoint when this was opened.
#[derive(Debug)]
pub struct Beside {
    store: ReadOnly,
    key: VerifierKey,
    note: Note,
    head: TreeHead,
}

impl Beside {
    /// Reads the newest checkpoint of the store in this directory. Blocks while it waits for the disk.
    pub fn open(dir: &Path) -> Result<Self, BesideError> {
        let store = ReadOnly { disk: RealDisk::new(dir), name: dir.display().to_string() };
        let name = store.name.clone();
        let nothing = || BesideError::Nothing(name.clone());
        let key = store.whole(PUBLIC_KEY)?.ok_or_else(nothing)?;
        let key = String::from_utf8_lossy(&key)
            .trim_end()
            .parse::<VerifierKey>()
            .map_err(|why| BesideError::Key(name.clone(), why))?;
        let note = store.load()?.ok_or_else(nothing)?;
        let wrong = |why: NotTheLogs| BesideError::Checkpoint(name.clone(), why);
        let note = Note::parse(&note).map_err(|why| wrong(why.into()))?;
        let head = Checkpoint::open(&note, &key).map_err(wrong)?.head();
        Ok(Self { store, key, note, head })
    }

    /// What checks the log's signatures.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The checkpoint.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Size and root of the tree.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// The leaf of the record at this place of the log; none if the checkpoint does not cover it.
    pub fn leaf_at(&self, place: u64) -> Result<Option<u64>, BesideError> {
        Ok(self.hashes(self.head.size).leaf_at(place)?)
    }

    /// The proof that this record is at this leaf.
    pub fn prove(&self, leaf: u64, record: RecordHash) -> Result<TlogProof, BesideError> {
        let TreeHead { size, root } = self.head;
        let way = self.hashes(size).inclusion(leaf)?.unwrap_or_default();
        let tree = |why: String| BesideError::Tree(self.store.name.clone(), why);
        inclusion::verify(leaf_hash(&record), leaf, size, root, &way).map_err(|why| tree(why.to_string()))?;
        Ok(TlogProof::new(record, leaf, way, self.note.clone()))
    }

    /// The head of the tree of `old` leaves, and the proof that this tree grew from it; none if it has fewer.
    pub fn grown_from(&self, old: u64) -> Result<Option<(TreeHead, Vec<TreeHash>)>, BesideError> {
        let Some(way) = self.hashes(self.head.size).consistency(old)? else { return Ok(None) };
        Ok(Some((TreeHead { size: old, root: self.hashes(old).root()? }, way)))
    }

    fn hashes(&self, size: u64) -> Hashes<'_> {
        Hashes::new(&self.store, size)
    }
}

/// The files of the store, opened for reading only.
struct ReadOnly {
    disk: RealDisk,
    name: String,
}

impl fmt::Debug for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadOnly({})", self.name)
    }
}

impl ReadOnly {
    fn failed(&self, what: impl fmt::Display) -> impl FnOnce(io::Error) -> StoreError {
        let what = format!("{}/{what}", self.name);
        move |error| StoreError::Unavailable(format!("{what}: {error}"))
    }

    /// A small file; none if it is not there.
    fn whole(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let file = match self.disk.open(name, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(self.failed(name))?,
        };
        let length = file.len().map_err(self.failed(name))?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = file.read_at(&mut bytes, 0).map_err(self.failed(name))?;
        bytes.truncate(read);
        Ok(Some(bytes))
    }

    fn only_read<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unavailable(format!("{}: it was opened for reading only", self.name)))
    }
}

impl NotaryStore for ReadOnly {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.whole(CHECKPOINT)
    }

    fn stage(&self, _: &[Piece<'_>]) -> Result<(), StoreError> {
        self.only_read()
    }

    fn swap(&self, _: Option<&[u8]>, _: &[u8]) -> Result<(), StoreError> {
        self.only_read()
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let width = column.width();
        let file = self.disk.open(&column.to_string(), false).map_err(self.failed(column))?;
        let mut bytes = vec![0; count.saturating_mul(width)];
        let read = file.read_at(&mut bytes, first * width as u64).map_err(self.failed(column))?;
        if read == bytes.len() {
            Ok(bytes)
        } else {
            let item = first + count as u64;
            Err(StoreError::Damaged(format!("{}/{column}: it ends before item {item}", self.name)))
        }
    }
}
