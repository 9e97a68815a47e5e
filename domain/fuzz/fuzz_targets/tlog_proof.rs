//! Any bytes as a proof.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai_domain::proof::fuzz_tlog_proof(bytes));
