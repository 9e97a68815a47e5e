//! The pair of keys of access tokens: Ed25519, in PEM.

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, spki::der::pem::LineEnding},
};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// A new pair.
#[derive(Debug)]
pub struct TokenKeys {
    /// PKCS#8 PEM. Whoever has it can be anybody.
    pub private: Zeroizing<String>,
    /// SPKI PEM. Checks tokens.
    pub public: String,
}

/// No pair could be made.
#[derive(Debug, Error)]
pub enum NoTokenKeys {
    /// No random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    /// The key cannot be written or read as PEM.
    #[error("not an Ed25519 key in PEM: {0}")]
    Encoding(String),
}

impl TokenKeys {
    /// A new pair of random bytes.
    pub fn generate() -> Result<Self, NoTokenKeys> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(NoTokenKeys::NoRandomness)?;
        let key = SigningKey::from_bytes(&seed);
        seed.zeroize();
        let private = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| NoTokenKeys::Encoding(error.to_string()))?;
        Ok(Self { private, public: public(&key)? })
    }

    /// The public key that belongs to a private one.
    pub fn public_of(private: &str) -> Result<String, NoTokenKeys> {
        let key = SigningKey::from_pkcs8_pem(private).map_err(|error| NoTokenKeys::Encoding(error.to_string()))?;
        public(&key)
    }
}

fn public(key: &SigningKey) -> Result<String, NoTokenKeys> {
    key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|error| NoTokenKeys::Encoding(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_key_follows_from_the_private_one() {
        let keys = TokenKeys::generate().unwrap();
        assert_eq!(TokenKeys::public_of(&keys.private).unwrap(), keys.public);
        assert_ne!(TokenKeys::generate().unwrap().public, keys.public);
        assert!(TokenKeys::public_of(&keys.public).is_err());
    }
}
