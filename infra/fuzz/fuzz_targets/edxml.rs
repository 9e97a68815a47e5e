//! Any bytes as an edXML message.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai::edxml::fuzz_read(bytes));
