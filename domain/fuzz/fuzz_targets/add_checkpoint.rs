//! Any bytes as a request to a witness.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai_domain::proof::fuzz_add_checkpoint(bytes));
