//! Any bytes as a tile's path and content.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai_domain::proof::fuzz_tile(bytes));
