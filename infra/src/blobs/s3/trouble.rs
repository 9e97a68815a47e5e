//! What is the matter with the storage, in words for its operator. What the storage or the library says is not repeated as it
//! is: it may hold the id of a key.

use std::{error::Error, iter};

use object_store::client::HttpError;
use thiserror::Error;

/// What is the matter with the storage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// It cannot even be asked.
    #[error("{0}")]
    Settings(String),
    /// It cannot be reached, or does not answer.
    #[error(
        "the storage cannot be reached or does not answer ({0}): see that it runs and that AWS_ENDPOINT_URL names it"
    )]
    Unreachable(String),
    /// It does not let us.
    #[error(
        "the storage refuses this ({0}): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, what they may do there, and this \
         machine's clock"
    )]
    Refused(String),
    /// It has no such bucket.
    #[error("the storage has no such bucket: make it, or name another with --blobs")]
    NoBucket,
    /// It keeps files of another ledger under this prefix.
    #[error(
        "these are the files of another ledger, which this one would remove in time: give each ledger a prefix of its own"
    )]
    OtherLedger,
    /// Its files were last used with a longer ledger.
    #[error(
        "this ledger has {has} records, and had {had} when these files were last used: an older copy of it would remove what it \
         does not know. Restore a newer one, or copy the files under a prefix of their own and name that"
    )]
    OlderCopy {
        /// How many it had.
        had: u64,
        /// How many it has.
        has: u64,
    },
    /// What stands in the object that says whose the files are.
    #[error(
        "the object `ledger` there does not say whose they are: see that the prefix is socai's, and put the object back from a \
         backup"
    )]
    NoMark,
    /// The bucket is elsewhere.
    #[error("the bucket is in another region: set AWS_REGION, or AWS_ENDPOINT_URL where it is not Amazon's")]
    Elsewhere,
    /// It cannot do it now: it may be starting, or has too much to do.
    #[error("the storage is not ready ({0}); if that goes on, ask its operator")]
    NotReady(String),
    /// It answers, but not as it should.
    #[error("the storage answers {0}; if that goes on, ask its operator")]
    Answered(String),
    /// What was there is not any more.
    #[error("it went away meanwhile; try again")]
    Gone,
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

/// What the storage answered, or why it did not. The library gives its types for that to nobody, so the text is read.
fn innermost(error: &object_store::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The word that S3 has for it.
fn code(told: &str) -> Option<&str> {
    let (_, rest) = told.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code).filter(|code| code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// The status of the answer.
fn status(told: &str) -> Option<u16> {
    let (_, rest) = told.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

const NO_BUCKET: &str = "NoSuchBucket";
/// Only these say that there is no such object, or no such upload. Any proxy says 404, and a bucket may be gone.
const ABSENT: [&str; 2] = ["NoSuchKey", "NoSuchUpload"];

/// Does the storage say that there is no such object?
pub(super) fn is_absent(error: &object_store::Error) -> bool {
    code(&innermost(error)).is_some_and(|code| ABSENT.contains(&code))
}

/// Does the storage say that it cannot do this at all?
pub(super) fn is_not_implemented(error: &object_store::Error) -> bool {
    status(&innermost(error)) == Some(501)
}

impl Trouble {
    /// What this error of the library means.
    pub(super) fn of(error: &object_store::Error) -> Self {
        let told = innermost(error);
        if causes(error).any(<dyn Error>::is::<HttpError>) {
            return Self::Unreachable(told);
        }
        let (status, code) = (status(&told), code(&told));
        let short = code.map(str::to_owned).or_else(|| Some(status?.to_string()));
        match (status, code, short) {
            (_, Some(NO_BUCKET), _) => Self::NoBucket,
            (_, Some("AuthorizationHeaderMalformed" | "PermanentRedirect"), _) | (Some(300..=399), ..) => {
                Self::Elsewhere
            }
            (Some(401 | 403), _, Some(short)) => Self::Refused(short),
            (Some(500..=599), _, Some(short)) => Self::NotReady(short),
            (.., Some(short)) => Self::Answered(short),
            (.., None) if told.contains("redirect") => Self::Elsewhere,
            (.., None) => Self::Answered("what is not S3".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: fn(Box<dyn Error + Send + Sync>) -> object_store::Error, text: &str) -> Trouble {
        Trouble::of(&kind(text.into()))
    }

    #[test]
    fn answers_have_words() {
        let other = |source| object_store::Error::Generic { store: "S3", source };
        let denied = |source| object_store::Error::PermissionDenied { path: "so/ab".into(), source };
        let answer = |status, code| {
            format!(
                "Server returned non-2xx status code: {status}: <Error><Code>{code}</Code><AWSAccessKeyId>geheim</AWSAccessKeyId></Error>"
            )
        };
        for (found, wanted) in [
            (
                told(denied, &answer("403 Forbidden", "SignatureDoesNotMatch")),
                Trouble::Refused("SignatureDoesNotMatch".into()),
            ),
            (told(denied, "Server returned non-2xx status code: 403 Forbidden: "), Trouble::Refused("403".into())),
            (told(other, &answer("400 Bad Request", "AuthorizationHeaderMalformed")), Trouble::Elsewhere),
            (told(other, &answer("301 Moved Permanently", "PermanentRedirect")), Trouble::Elsewhere),
            (told(other, "Received redirect without LOCATION, this normally indicates"), Trouble::Elsewhere),
            (told(other, &answer("503 Service Unavailable", "SlowDown")), Trouble::NotReady("SlowDown".into())),
            (told(other, &answer("500 Internal", "no <word>")), Trouble::NotReady("500".into())),
            (told(other, "geheim"), Trouble::Answered("what is not S3".into())),
        ] {
            assert_eq!(found, wanted);
            assert!(!found.to_string().contains("geheim"), "{found}");
        }
    }
}
