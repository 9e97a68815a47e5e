//! The body of the fuzz target `bundle`: any bytes, and what must hold for whatever is read out of them.

use socai_domain::proof::{KeyName, Policy, SecretKey, SignatureKind};

use super::{container, verify::Question};

/// Checks any bytes as a bundle, for somebody who believes a log that has signed none. Panics where something that must hold
/// does not.
pub fn fuzz_bundle(bytes: &[u8]) {
    let read = container::read(bytes);
    if let Ok((entries, None)) = &read {
        assert_eq!(container::write(entries).as_deref(), Ok(bytes), "what is said to be whole is written in one way");
    }
    let name = KeyName::new("nobody.example").expect("it is a name");
    let key = SecretKey::new(name, SignatureKind::Note, &[7; 32]).public().clone();
    let policy = Policy::new(key, Vec::new(), 0).expect("a log and no witnesses");
    let report = Question { file: bytes, policy: &policy, since: None }.check();
    assert!(!report.faults.is_empty(), "a log that has signed nothing proves nothing");
    assert!(report.faults.iter().all(|fault| !fault.to_string().is_empty()));
}
