//! For tests: keys that nobody uses.

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};

/// The private and the public key made of this seed, in PEM.
pub(crate) fn keys(seed: u8) -> (String, String) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    (private, key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap())
}
