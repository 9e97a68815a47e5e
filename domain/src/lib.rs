//! What is true of a state agency's documents: the ledger they are kept in, and the rules for each thing in it.
//!
//! Pure: no I/O, no clock, no async runtime, no database. Time, ids, keys and look-ups are arguments.
//!
//! - [`ledger`]: sealed records, hash chains, the event catalogue, and the [`ledger::EventLog`] that engines implement.
//! - [`proof`]: the tree over all records, signed checkpoints, receipts, and proofs that a stranger can check.
//! - [`decide`]: the shape of every decision; [`refusal`]: every reason to refuse one.
//! - [`process`]: what follows from an event in another stream.
//! - [`organ`], [`person`], [`register`], [`incoming`]: a folder per aggregate, in it a file per use case.
//! - [`calendar`], [`deadline`], [`text`], [`document_types`], [`time`], [`id`]: what they are made of.

#[macro_use]
mod stable;
pub mod calendar;
pub mod deadline;
pub mod decide;
pub mod document_types;
pub mod id;
pub mod incoming;
pub mod ledger;
pub mod organ;
pub mod person;
pub mod process;
pub mod proof;
pub mod refusal;
pub mod register;
pub mod testing;
pub mod text;
pub mod time;

pub use stable::StorageStable;
