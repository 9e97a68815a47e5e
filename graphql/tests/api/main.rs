//! The API over HTTP, on a ledger in memory with an invented agency in it.

mod world;

mod admission;
mod changes;
mod documents;
mod files;
mod golden;
mod handling;
