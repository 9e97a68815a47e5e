//! Any bytes as a signed note.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai_domain::proof::fuzz_note(bytes));
