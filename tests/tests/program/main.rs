//! The real program: started as a process, spoken to over HTTP and WebSocket, stopped and killed.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod backup;
mod big_demo;
mod binary;
mod bundle;
mod copy;
mod demo;
mod doctor;
mod duckdb;
mod export;
mod files;
mod fsck;
mod kill;
mod kurrent;
mod notary;
mod office;
mod postgres;
mod postgres_views;
mod proofs;
mod python;
mod s3;
mod scale;
mod serve;
mod several;
mod streaming;
mod tls;
mod witness;
