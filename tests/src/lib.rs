//! What crosses crates: the conformance suite of event logs, the wrong engines that it must catch, end-to-end tests.

pub mod conformance;
pub mod mutants;
