//! Keys that sign notes: their names, their ids, and the text in which a verifier gets them (C2SP `signed-note`).

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use thiserror::Error;

use super::hash::sha256;
use crate::text::misleading;

/// The longest name of a key, in bytes.
pub const MAX_KEY_NAME_LEN: usize = 255;

/// The name of a key, and of the log whose key it is (its origin): like a URL without `https://`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Not the name of a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "not the name of a key: write 1 to {MAX_KEY_NAME_LEN} visible characters without spaces and without +, as in \
     socai.so-vi-du.example/log"
)]
pub struct NotAKeyName;

impl KeyName {
    /// Takes a name.
    pub fn new(name: impl Into<String>) -> Result<Self, NotAKeyName> {
        let name = name.into();
        let usable = |c: char| !c.is_whitespace() && c != '+' && !c.is_control() && !misleading(c);
        let good = (1..=MAX_KEY_NAME_LEN).contains(&name.len()) && name.chars().all(usable);
        if good { Ok(Self(name)) } else { Err(NotAKeyName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for KeyName {
    type Err = NotAKeyName;

    fn from_str(name: &str) -> Result<Self, NotAKeyName> {
        Self::new(name)
    }
}

/// What a key signs, so that no signature of one kind is good for another. The number is part of the key's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SignatureKind {
    /// The text of a note, as it is: how a log signs.
    Note = 1,
    /// A checkpoint and the time at which it was the latest: how a witness signs (C2SP `tlog-cosignature`).
    Cosignature = 4,
}

/// Tells keys of one name apart; it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is needed to check a key's signatures. Its text is `name+id+base64`, a C2SP verifier key (vkey).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    kind: SignatureKind,
    id: KeyId,
    key: VerifyingKey,
}

/// Why a text is not a verifier key that socai can use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAVerifierKey {
    /// Not three parts, or parts of other forms.
    #[error("not a verifier key: write NAME+ID+KEY as it was given, ID being 8 hexadecimal digits and KEY base64")]
    Form,
    /// The first part is not a name.
    #[error(transparent)]
    Name(#[from] NotAKeyName),
    /// A kind of signature that socai does not check.
    #[error("signatures of kind {0} are not known here; give an Ed25519 key (kind 1) or a witness's (kind 4)")]
    Kind(u8),
    /// Bytes that are not a public key of Ed25519, or one of the weak ones.
    #[error("not a public key of Ed25519")]
    Key,
    /// The id does not follow from name and key: one of them was mistyped.
    #[error("the key's id is {given}, but name and key give {computed}: one of them is mistyped")]
    Id {
        /// As written.
        given: KeyId,
        /// As it should be.
        computed: KeyId,
    },
}

impl VerifierKey {
    /// The key of this name that signs things of this kind.
    pub fn new(name: KeyName, kind: SignatureKind, public: [u8; 32]) -> Result<Self, NotAVerifierKey> {
        let key = VerifyingKey::from_bytes(&public).map_err(|_| NotAVerifierKey::Key)?;
        // With a key of small order, one signature is good for many texts.
        if key.is_weak() { Err(NotAVerifierKey::Key) } else { Ok(Self::of(name, kind, key)) }
    }

    fn of(name: KeyName, kind: SignatureKind, key: VerifyingKey) -> Self {
        let hash = sha256(&[name.0.as_bytes(), b"\n", &[kind as u8], key.as_bytes()].concat());
        let [a, b, c, d, ..] = hash.0;
        Self { name, kind, id: KeyId([a, b, c, d]), key }
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// Its id, which follows from name, kind and key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The public key of Ed25519.
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Is this an Ed25519 signature of exactly these bytes? Says so for the one encoding of a signature only.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode([&[self.kind as u8], &self.public()[..]].concat());
        write!(f, "{}+{}+{key}", self.name, self.id)
    }
}

impl FromStr for VerifierKey {
    type Err = NotAVerifierKey;

    fn from_str(text: &str) -> Result<Self, NotAVerifierKey> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(NotAVerifierKey::Form);
        let (name, id, key) = (part()?, part()?, part()?);
        let digits = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let given = u32::from_str_radix(id, 16).ok().filter(|_| digits).ok_or(NotAVerifierKey::Form)?;
        let bytes = BASE64.decode(key).map_err(|_| NotAVerifierKey::Form)?;
        let (kind, public) = bytes.split_first().ok_or(NotAVerifierKey::Form)?;
        let kind = match kind {
            1 => SignatureKind::Note,
            4 => SignatureKind::Cosignature,
            other => return Err(NotAVerifierKey::Kind(*other)),
        };
        let public = public.try_into().map_err(|_| NotAVerifierKey::Key)?;
        let key = Self::new(KeyName::new(name)?, kind, public)?;
        let given = KeyId(given.to_be_bytes());
        if given == key.id { Ok(key) } else { Err(NotAVerifierKey::Id { given, computed: key.id }) }
    }
}

/// A key that signs. The secret half is wiped from memory when this is dropped.
pub struct SecretKey {
    public: VerifierKey,
    secret: SigningKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, …)", self.public)
    }
}

impl SecretKey {
    /// The key of this name made of a seed: 32 random bytes, kept secret.
    pub fn new(name: KeyName, kind: SignatureKind, seed: &[u8; 32]) -> Self {
        let secret = SigningKey::from_bytes(seed);
        Self { public: VerifierKey::of(name, kind, secret.verifying_key()), secret }
    }

    /// What others need to check its signatures.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification and of Go's package `note`.
    const VERIFIER_KEYS: [&str; 2] = [
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ];

    #[test]
    fn foreign_verifier_keys_read_back() {
        for text in VERIFIER_KEYS {
            let key: VerifierKey = text.parse().unwrap();
            assert_eq!((key.to_string().as_str(), key.kind()), (text, SignatureKind::Note));
        }
    }

    #[test]
    fn a_mistyped_key_is_told_from_a_foreign_one() {
        let good = VERIFIER_KEYS[0];
        let error = |text: &str| text.parse::<VerifierKey>().unwrap_err();
        let id = error(&good.replace("foo", "fop"));
        assert!(id.to_string().contains("mistyped"), "{id}");
        // One of the key's own letters: another point of the curve, or none.
        for other in ["+Ael", "+Aem", "+Aen"] {
            let error = error(&good.replace("+Aek", other));
            assert!(matches!(error, NotAVerifierKey::Key | NotAVerifierKey::Id { .. }), "{error}");
        }
        assert_eq!(error(&good.replace("+Aek", "+Buk")), NotAVerifierKey::Kind(6));
        assert_eq!(error(&good.replace("3U2k", "")), NotAVerifierKey::Key);
        for wrong in
            ["", "a", "a+b", "a+530d903a+", "a+530d903+AQ==", "a++30d903a+AQ==", "a+530d903a+*", &format!("{good}\n")]
        {
            assert_eq!(error(wrong), NotAVerifierKey::Form, "{wrong:?}");
        }
        assert_eq!(error(&good.replacen("example.com/foo", "", 1)), NotAVerifierKey::Name(NotAKeyName));
    }

    #[test]
    fn a_weak_key_is_refused() {
        let name = KeyName::new("log.example").unwrap();
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(VerifierKey::new(name, SignatureKind::Note, neutral), Err(NotAVerifierKey::Key));
    }

    #[test]
    fn a_name_is_seen_whole() {
        for good in ["a", "socai.so-vi-du.example/log", "sổ-cái.example", &"a".repeat(255)] {
            assert_eq!(KeyName::new(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(256);
        for wrong in
            ["", " ", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{3000}b", "a\u{202e}b", "a\u{200b}b", "a\u{7}", &long]
        {
            assert_eq!(KeyName::new(wrong), Err(NotAKeyName), "{wrong:?}");
        }
    }

    #[test]
    fn one_seed_makes_other_ids_for_other_kinds_and_names() {
        let id = |name: &str, kind| SecretKey::new(KeyName::new(name).unwrap(), kind, &[7; 32]).public().id();
        assert_ne!(id("a", SignatureKind::Note), id("a", SignatureKind::Cosignature));
        assert_ne!(id("a", SignatureKind::Note), id("b", SignatureKind::Note));
        let key = SecretKey::new(KeyName::new("a").unwrap(), SignatureKind::Cosignature, &[7; 32]);
        assert_eq!(key.public().to_string().parse().as_ref(), Ok(key.public()));
        assert!(!format!("{key:?}").contains("07"), "{key:?}");
    }
}
