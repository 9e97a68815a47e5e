//! The outside world of socai: log engines, key ring, notary, witness, blob store, edXML, configuration; and the program's parts.

pub mod app;
pub mod blobs;
pub mod bundle;
pub mod clock;
pub mod config;
pub mod control;
pub mod copy;
pub mod data;
#[cfg(test)]
mod dice;
mod disk;
pub mod doctor;
pub mod edxml;
pub mod export;
pub mod files;
pub mod fsck;
pub mod import;
pub mod keyring;
pub mod keys;
mod known;
mod lease;
pub mod log;
pub mod log_key;
pub mod notary;
pub mod ports;
pub mod postgres;
pub mod server;
pub mod tls;
pub mod token_keys;
pub mod verify;
pub mod verify_proof;
mod waiting;
pub mod witness;

pub use known::known;
