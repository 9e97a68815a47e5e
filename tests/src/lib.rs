//! What crosses crates: the wrong engines that the conformance suite of event logs must catch, end-to-end tests.

pub mod mutants;
