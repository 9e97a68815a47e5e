//! The API over HTTP, on a ledger in memory with an invented agency in it.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails here

mod world;

mod admission;
mod building;
mod changes;
mod documents;
mod endless;
mod faulty;
mod figures;
mod files;
mod golden;
mod handling;
mod notary;
mod past;
mod proofs;
mod stalled;
