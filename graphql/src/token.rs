//! Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037). A token says who somebody is and nothing of what they
//! may do.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lru::LruCache;
use serde::{Deserialize, Serialize};
use socai_domain::{
    id::{OrganId, PersonId},
    time::Timestamp,
};
use thiserror::Error;
use uuid::Uuid;

use crate::session::Caller;

/// The algorithm, and the only one that is taken.
const ALGORITHM: Algorithm = Algorithm::EdDSA;
/// Longer than any token that this program writes.
const LONGEST: usize = 4_096;
/// Tokens whose signature is remembered: checking one takes longer than many a query.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    /// The person.
    sub: Uuid,
    /// Their organ.
    organ: Uuid,
    /// Until when, seconds since 1970.
    exp: i64,
    /// Since when, seconds since 1970.
    iat: i64,
    /// Its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<Uuid>,
}

/// Not a pair of keys for tokens.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not an Ed25519 {0} key in PEM: make one with `socai keygen`")]
pub struct NotAKey(&'static str);

/// Why a token is not taken. For the log: the client learns only that it is not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadToken {
    /// There is none.
    #[error("no bearer token")]
    Missing,
    /// Not a token, of another algorithm, or with other claims.
    #[error("not a token of this server: {0}")]
    Malformed(String),
    /// Signed with another key, or changed.
    #[error("the signature is not ours")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come: a clock is wrong.
    #[error("the token is from the future")]
    NotYetValid,
}

/// Writes tokens with the private key.
#[derive(Clone)]
pub struct Issuer(EncodingKey);

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuer(…)")
    }
}

impl Issuer {
    /// From an Ed25519 private key in PKCS#8 PEM.
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| NotAKey("private"))?;
        let der = key.to_pkcs8_der().map_err(|_| NotAKey("private"))?;
        Ok(Self(EncodingKey::from_ed_der(der.as_bytes())))
    }

    /// A token for a person of an organ, good for `seconds` from `now` on.
    pub fn issue(&self, person: PersonId, organ: OrganId, now: Timestamp, seconds: u32) -> Result<String, NotAKey> {
        let iat = now.as_micros().div_euclid(1_000_000);
        let claims = Claims {
            sub: person.uuid(),
            organ: organ.uuid(),
            exp: iat.saturating_add(seconds.into()),
            iat,
            jti: Some(Uuid::now_v7()),
        };
        jsonwebtoken::encode(&Header::new(ALGORITHM), &claims, &self.0).map_err(|_| NotAKey("private"))
    }
}

/// Checks tokens with the public key.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    /// What tokens say whose signature was found good, by their hash.
    known: Arc<Mutex<LruCache<blake3::Hash, Claims>>>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl Verifier {
    /// From an Ed25519 public key in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_| NotAKey("public"))?;
        let known = Arc::new(Mutex::new(LruCache::new(REMEMBERED)));
        Ok(Self { key: DecodingKey::from_ed_der(key.as_bytes()), known })
    }

    /// Who the token speaks for at `now`, if it is ours and its time is not over.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, BadToken> {
        if token.len() > LONGEST {
            return Err(BadToken::Malformed(format!("{} bytes", token.len())));
        }
        let Claims { sub, organ, exp, iat, .. } = self.claims(token)?;
        let seconds = now.as_micros().div_euclid(1_000_000);
        if exp <= seconds {
            return Err(BadToken::Expired);
        }
        if iat > seconds.saturating_add(60) {
            return Err(BadToken::NotYetValid);
        }
        let expires = Timestamp::from_micros(exp.saturating_mul(1_000_000));
        Ok(Caller { person: PersonId::new(sub), organ: OrganId::new(organ), expires })
    }

    /// What a token says that is signed with our key.
    fn claims(&self, token: &str) -> Result<Claims, BadToken> {
        let hash = blake3::hash(token.as_bytes());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = known().get(&hash) {
            return Ok(claims.clone());
        }
        let mut validation = Validation::new(ALGORITHM);
        validation.validate_exp = false; // by our own clock
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &validation);
        let claims = decoded.map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => BadToken::Signature,
            _ => BadToken::Malformed(error.to_string()),
        })?;
        known().put(hash, claims.claims.clone());
        Ok(claims.claims)
    }

    /// As [`Verifier::verify`], from an `Authorization` header.
    pub fn verify_header(&self, header: Option<&str>, now: Timestamp) -> Result<Caller, BadToken> {
        let (scheme, token) = header.unwrap_or_default().trim().split_once(' ').ok_or(BadToken::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(BadToken::Missing);
        }
        self.verify(token.trim(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::keys;

    const NOW: Timestamp = Timestamp::from_micros_const(1_772_499_600_000_000);

    fn person() -> PersonId {
        PersonId::new(Uuid::from_u128(7))
    }

    fn organ() -> OrganId {
        OrganId::new(Uuid::from_u128(8))
    }

    fn token(seed: u8) -> String {
        Issuer::from_pem(&keys(seed).0).unwrap().issue(person(), organ(), NOW, 60).unwrap()
    }

    fn verifier() -> Verifier {
        Verifier::from_pem(&keys(1).1).unwrap()
    }

    #[test]
    fn a_token_says_who() {
        let caller = verifier().verify(&token(1), NOW).unwrap();
        assert_eq!(caller, Caller { person: person(), organ: organ(), expires: NOW.plus_minutes(1) });
        let header = format!("bearer {}", token(1));
        assert_eq!(verifier().verify_header(Some(&header), NOW), Ok(caller));
    }

    #[test]
    fn its_time_ends() {
        let token = token(1);
        assert!(verifier().verify(&token, NOW.plus_micros(59_999_999)).is_ok());
        assert_eq!(verifier().verify(&token, NOW.plus_minutes(1)), Err(BadToken::Expired));
        assert_eq!(verifier().verify(&token, NOW.plus_minutes(-2)), Err(BadToken::NotYetValid));
        // Nor does it go on for a verifier that knows it.
        let verifier = verifier();
        assert!(verifier.verify(&token, NOW).is_ok());
        assert_eq!(verifier.verify(&token, NOW.plus_minutes(1)), Err(BadToken::Expired));
    }

    #[test]
    fn another_key_is_not_ours() {
        assert_eq!(verifier().verify(&token(2), NOW), Err(BadToken::Signature));
    }

    #[test]
    fn nothing_in_it_can_be_changed() {
        let (token, verifier) = (token(1), verifier());
        assert!(verifier.verify(&token, NOW).is_ok());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character of the signature has bits that say nothing.
            if at + 1 < token.len() && changed != token {
                assert!(verifier.verify(&changed, NOW).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn a_token_without_a_signature_is_none() {
        // {"alg":"none","typ":"JWT"} and {"alg":"HS256","typ":"JWT"}, as attackers write them.
        for header in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"] {
            let own = token(1);
            let mut parts = own.split('.').skip(1);
            let (claims, signature) = (parts.next().unwrap(), parts.next().unwrap());
            for signature in ["", signature] {
                let forged = format!("{header}.{claims}.{signature}");
                assert!(matches!(verifier().verify(&forged, NOW), Err(BadToken::Malformed(_))), "{forged}");
            }
        }
        for header in [None, Some(""), Some("Bearer"), Some("Basic abc"), Some("Bearer  ")] {
            assert!(verifier().verify_header(header, NOW).is_err());
        }
    }

    #[test]
    fn other_pems_are_refused() {
        assert!(Verifier::from_pem("").is_err());
        assert!(Verifier::from_pem(&keys(1).0).is_err());
        assert!(Issuer::from_pem(&keys(1).1).is_err());
    }
}
