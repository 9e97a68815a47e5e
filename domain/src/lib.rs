//! What is true of a state agency's documents: the ledger they are kept in, and the rules for each thing in it.
//!
//! Pure: no I/O, no clock, no async runtime, no database. Time, ids, keys and look-ups are arguments.
//!
//! - [`ledger`]: sealed records, hash chains, the event catalogue, and the [`ledger::EventLog`] that engines implement.
//! - One folder per aggregate, one file per use case.

#[macro_use]
mod stable;
pub mod calendar;
pub mod deadline;
pub mod document_types;
pub mod ledger;
pub mod text;
pub mod time;

pub use stable::StorageStable;
