//! The ledger: what a record is, how records chain, how their content is sealed, and what a log of them promises.
//!
//! ```text
//! event ──postcard──► body ──AES-256-GCM-SIV, the stream's own key──► Draft
//! Draft ──the log's writer stamps time and predecessor──► header ‖ sealed body ──BLAKE3──► hash, record id
//! ```
//!
//! - [`stream`]: which thing a history belongs to, and where in it a record stands.
//! - [`record`]: the sealed record, its fixed header, its hash and the chain.
//! - [`body`]: what is sealed: who acted, on whose authority, and the event.
//! - [`catalogue`]: every event that is ever stored.
//! - [`keys`]: the keys of streams, and the ring that holds them.
//! - [`opening`]: opening records with them. [`record_key`]: opening a single one.
//! - [`log`]: the [`EventLog`] that engines implement.
//! - [`pieces`], [`block`]: much of a log, read side by side and without copying.
//! - [`continuity`]: does a record belong after what came before it? [`restore`]: records taken over from another log.
//! - [`following`]: how whoever follows it is doing.
//! - [`memory`], [`memory_keys`]: the reference engine and key ring, the contracts as plain data.

pub mod block;
pub mod body;
#[macro_use]
mod catalogue_macro;
pub mod catalogue;
pub mod continuity;
pub mod following;
pub mod keys;
pub mod log;
pub mod memory;
pub mod memory_keys;
pub mod opening;
pub mod pieces;
pub mod record;
pub mod record_key;
pub mod restore;
pub mod stream;

pub use block::{Block, RecordRef};
pub use body::{Context, Opened};
pub use catalogue::{DomainEvent, EventKind};
pub use continuity::{Broken, Continuity};
pub use following::Following;
pub use keys::{KeyError, KeyRing, KeyState, StreamKey};
pub use log::{
    Append, AppendError, Appended, Direction, EventLog, Expected, Followed, Head, Position, ReadError, Recorded,
};
pub use opening::{OpenError, Opener};
pub use pieces::{Piece, Pieces};
pub use record::{Draft, Header, LedgerId, RecordHash, RecordId, SealedRecord};
pub use record_key::RecordKey;
pub use restore::RestoreError;
pub use stream::{Revision, StreamId, StreamKind};
