//! The outside world of socai: log engines, key ring, blob store, edXML, configuration; and the program's parts.

pub mod app;
pub mod blobs;
pub mod clock;
pub mod config;
pub mod control;
pub mod data;
pub mod edxml;
pub mod files;
pub mod import;
pub mod keyring;
pub mod keys;
pub mod log;
pub mod ports;
pub mod server;
pub mod ticket_secret;
pub mod token_keys;
pub mod verify;
