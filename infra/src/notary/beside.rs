//! The notary's store, only read, beside the program that has it.
//!
//! What a checkpoint covers was durable before the checkpoint was there, and never changes: whoever reads the checkpoint first
//! finds all of its tree, whatever is being added meanwhile. No lock is taken and nothing is written.

use std::sync::Arc;

use socai_domain::{
    ledger::RecordHash,
    proof::{
        Checkpoint, Note, TlogProof, TreeHash, TreeHead, VerifierKey, checkpoint::NotTheLogs, inclusion,
        key::NotAVerifierKey, leaf_hash,
    },
};
use thiserror::Error;

use super::{
    compare::Comparison,
    directory::DirectoryShelf,
    hashes::Hashes,
    postgres::PostgresShelf,
    store::{Column, NotaryStore, Piece, Shelf, StoreError, Text},
};
use crate::config::Location;

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

/// The tree of a checkpoint: of the newest one when this was opened, or of the newest with a quorum of cosignatures.
#[derive(Debug)]
pub struct Beside {
    store: Arc<ReadOnly>,
    key: VerifierKey,
    note: Note,
    head: TreeHead,
    cosigned: Option<Vec<u8>>,
}

impl Beside {
    /// Reads the newest checkpoint of the store that is kept there. Blocks while it waits for the disk or the database.
    pub fn open(at: &Location) -> Result<Self, BesideError> {
        let key = Self::published_key(at)?.ok_or_else(|| BesideError::Nothing(at.to_string()))?;
        Self::open_with(at, key)
    }

    /// The log's verifier key, as it lies there to be given away.
    pub(crate) fn published_key(at: &Location) -> Result<Option<VerifierKey>, BesideError> {
        let key = shelf(at)?.text(Text::PublicKey)?.map(|key| String::from_utf8_lossy(&key).trim_end().parse());
        key.transpose().map_err(|why| BesideError::Key(format!("{at}/{}", Text::PublicKey.name()), why))
    }

    /// The same, of a log with this key.
    pub(crate) fn open_with(at: &Location, key: VerifierKey) -> Result<Self, BesideError> {
        let store = Arc::new(ReadOnly::open(at)?);
        // Before the newest, which is never behind it.
        let cosigned = store.text(Text::Cosigned)?;
        let note = store.load()?.ok_or_else(|| BesideError::Nothing(store.name.clone()))?;
        let (note, head) = checked(&note, &key, &store)?;
        Ok(Self { store, key, note, head, cosigned })
    }

    /// The tree of the newest checkpoint that had a quorum of cosignatures; none if there never was one.
    pub fn cosigned(&self) -> Result<Option<Self>, BesideError> {
        let Some(cosigned) = &self.cosigned else { return Ok(None) };
        let (note, head) = checked(cosigned, &self.key, &self.store)?;
        if head.size > self.head.size {
            let what = format!("its cosigned checkpoint covers {} records, its newest {}", head.size, self.head.size);
            return Err(BesideError::Tree(self.store.name.clone(), what));
        }
        Ok(Some(Self { store: Arc::clone(&self.store), key: self.key.clone(), note, head, cosigned: None }))
    }

    /// Begins to hold the store against the log.
    pub(crate) fn compare(&self) -> Result<Comparison, StoreError> {
        Comparison::with(Arc::clone(&self.store))
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
        Hashes::new(&*self.store, size)
    }
}

/// Is there a checkpoint in the store that is kept there, of however many records? Blocks.
pub fn has_signed(at: &Location) -> Result<bool, StoreError> {
    Ok(shelf(at)?.checkpoint()?.is_some())
}

/// How many records the checkpoints in the store that is kept there cover, at most; none if nothing was ever signed there.
/// Whether they are whole and this log's, the notary judges. Blocks.
pub fn signed_size(at: &Location) -> Result<u64, StoreError> {
    let shelf = shelf(at)?;
    let mut most = 0;
    for bytes in [shelf.checkpoint()?, shelf.text(Text::Cosigned)?] {
        let note = bytes.and_then(|bytes| Note::parse(&bytes).ok());
        let checkpoint = note.and_then(|note| Checkpoint::parse(note.text()).ok());
        most = most.max(checkpoint.map_or(0, |checkpoint| checkpoint.size()));
    }
    Ok(most)
}

/// A checkpoint that must be this log's.
fn checked(note: &[u8], key: &VerifierKey, store: &ReadOnly) -> Result<(Note, TreeHead), BesideError> {
    let wrong = |why: NotTheLogs| BesideError::Checkpoint(store.name.clone(), why);
    let note = Note::parse(note).map_err(|why| wrong(why.into()))?;
    let head = Checkpoint::open(&note, key).map_err(wrong)?.head();
    Ok((note, head))
}

/// Opens what is there for reading only.
pub(super) fn shelf(at: &Location) -> Result<Arc<dyn Shelf>, StoreError> {
    Ok(match at {
        Location::Path(dir) => Arc::new(DirectoryShelf::new(dir)),
        Location::Postgres(address) => Arc::new(PostgresShelf::open(address)?),
    })
}

/// A store that is only read.
#[derive(Debug)]
pub(super) struct ReadOnly {
    pub(super) shelf: Arc<dyn Shelf>,
    name: String,
}

impl ReadOnly {
    fn open(at: &Location) -> Result<Self, StoreError> {
        Ok(Self { shelf: shelf(at)?, name: at.to_string() })
    }

    fn only_read<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unavailable(format!("{}: it was opened for reading only", self.name)))
    }
}

impl NotaryStore for ReadOnly {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.shelf.checkpoint()
    }

    fn stage(&self, _: &[Piece<'_>]) -> Result<(), StoreError> {
        self.only_read()
    }

    fn swap(&self, _: Option<&[u8]>, _: &[u8]) -> Result<(), StoreError> {
        self.only_read()
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let bytes = self.shelf.part(column, first, count)?;
        if bytes.len() == count.saturating_mul(column.width()) {
            Ok(bytes)
        } else {
            let item = first + count as u64;
            Err(StoreError::Damaged(format!("{}/{column}: it ends before item {item}", self.name)))
        }
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        self.shelf.text(text)
    }

    fn keep(&self, _: Text, _: &[u8]) -> Result<(), StoreError> {
        self.only_read()
    }
}
