//! Any bytes as an audit bundle.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai::bundle::fuzz_bundle(bytes));
