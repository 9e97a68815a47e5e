//! The real program: started as a process, spoken to over HTTP and WebSocket, stopped and killed.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod binary;
mod bundle;
mod demo;
mod duckdb;
mod export;
mod files;
mod kill;
mod notary;
mod office;
mod proofs;
mod serve;
