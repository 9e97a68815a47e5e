//! Any bytes as a policy.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socai_domain::proof::fuzz_policy(bytes));
