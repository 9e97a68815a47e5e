//! socai infra.

pub mod blobs;
pub mod edxml;
pub mod keyring;
pub mod log;
