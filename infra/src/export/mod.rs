//! Ways out of the ledger: files for people who work with other tools. All read the log's files and the key ring only, take
//! no lock, and can be used while a server runs.

pub mod events;
mod target;

pub(crate) use events::event_in_json;
pub use target::{Target, TargetError};
