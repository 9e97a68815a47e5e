//! What crosses crates: the conformance suite of event logs, end-to-end tests.

pub mod conformance;
