//! Any bytes as the text of a checkpoint.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai_domain::proof::fuzz_checkpoint(bytes));
