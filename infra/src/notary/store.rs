//! What the notary asks of the place where it keeps its tree.
//!
//! A tree is kept in *columns*: items of one width, one after the other, as many as the tree's size says. A column only ever
//! grows. What lies beyond the size of the checkpoint is *staged*: nobody relies on it, and after a crash it is written again.

use std::fmt;

use thiserror::Error;

/// Leaves under one item of the next level: the width of a tile (C2SP `tlog-tiles`).
pub(crate) const TILE: u64 = 256;
/// Leaves whose ids are sorted together; few in tests, which lose power at every write of several blocks.
pub(crate) const ID_BLOCK: u64 = if cfg!(test) { 1 << 8 } else { 1 << 16 };

/// A small text that is kept beside the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// The newest checkpoint with a quorum of cosignatures.
    Cosigned,
    /// The verifier key, for whoever wants to give it away.
    PublicKey,
}

impl Text {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cosigned => "cosigned",
            Self::PublicKey => "log.pub",
        }
    }
}

/// What is kept of the tree, apart from the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Column {
    /// For each leaf its data: the hash of the record, 32 bytes.
    Entries,
    /// For each full tile of level `k - 1` its root, 32 bytes: the tiles of level `k`, from 1, one after the other. Tiles of
    /// level 0 are made of the entries.
    Level(u8),
    /// For each leaf the record's place in the log, 8 bytes, little-endian: it rises from leaf to leaf.
    Places,
    /// For each leaf the first 8 bytes of the record's id and the leaf, 8 bytes, little-endian: in blocks of
    /// [`ID_BLOCK`], each sorted. Leaves of an unfinished block have none.
    Ids,
}

impl Column {
    /// Bytes of an item.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Entries | Self::Level(_) => 32,
            Self::Places => 8,
            Self::Ids => 16,
        }
    }

    /// How many items a tree of `size` leaves has in it.
    pub(crate) fn items(self, size: u64) -> u64 {
        match self {
            Self::Entries | Self::Places => size,
            Self::Level(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
            Self::Ids => size - size % ID_BLOCK,
        }
    }
}

impl fmt::Display for Column {
    /// The name of its file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entries => f.write_str("entries"),
            Self::Level(level) => write!(f, "tiles-{level}"),
            Self::Places => f.write_str("positions"),
            Self::Ids => f.write_str("ids"),
        }
    }
}

/// Items that belong into a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    /// Which column.
    pub(crate) column: Column,
    /// Which item is the first.
    pub(crate) first: u64,
    /// The items, one after the other.
    pub(crate) bytes: &'a [u8],
}

/// Why the store does not do it, by what may be done next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Another notary has it.
    #[error("{0} is in use by another notary: stop that one first; two would sign two histories")]
    InUse(String),
    /// The checkpoint is not the one that was loaded: somebody else wrote it.
    #[error("{0}: somebody else has replaced the checkpoint: find out who, and let one notary alone write here")]
    Moved(String),
    /// Something committed is missing or wrong.
    #[error("{0}: restore the notary's store from its backup")]
    Damaged(String),
    /// It may pass: a full disk, a disk that fails. What was staged may be there or not: load again.
    #[error("the notary's store cannot be used now: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// May it pass by itself?
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Keeps the notary's tree. Calls may wait for a disk: make them where that holds up nobody. One notary at a time has it.
///
/// The order of every commit, and of recovery, which is the same code: stage → swap the checkpoint → apply → publish. After
/// any error, nothing that was in memory is trusted: load again.
pub(crate) trait NotaryStore: fmt::Debug + Send + Sync + 'static {
    /// The checkpoint of the last tree that was committed; none if there never was one. It is durable when this returns.
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts items where the committed tree has none yet. They need not be durable.
    fn stage(&self, pieces: &[Piece<'_>]) -> Result<(), StoreError>;

    /// Makes all that was staged durable; then puts the checkpoint `after` in the place of `before`, if that is what is
    /// there, and makes it durable.
    fn swap(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), StoreError>;

    /// So many items of a column. Of a column that ends before, it is an error.
    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError>;

    /// A text; none if it was never kept.
    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts a text in the place of the one before. It is durable when this returns.
    fn keep(&self, text: Text, bytes: &[u8]) -> Result<(), StoreError>;
}

/// What is only read of a store, beside the notary that has it.
pub(crate) trait Shelf: fmt::Debug + Send + Sync + 'static {
    /// The checkpoint of the last tree that was committed; none if there never was one.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// A text; none if it was never kept.
    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError>;

    /// So many items of a column, or as many as there are.
    fn part(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError>;
}
