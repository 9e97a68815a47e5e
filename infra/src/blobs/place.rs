//! Where the files of documents are kept.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;

/// Where the files of documents are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In a directory.
    Directory(PathBuf),
    /// In a bucket of S3-compatible storage.
    S3(Bucket),
}

/// A bucket, and what the names of all objects there begin with. Whose it is, and by what right it is used, stands in the
/// environment.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    name: String,
    prefix: String,
}

/// It is no bucket. What was given is not repeated: somebody may have put a key into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not of the kind s3://BUCKET or s3://BUCKET/PREFIX")]
pub struct NotABucket;

const SCHEME: &str = "s3:";
/// The longest prefix; S3 allows names of 1024 bytes.
const LONGEST: usize = 512;

impl Place {
    /// The directory, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Directory(path) => Some(path),
            Self::S3(_) => None,
        }
    }
}

impl Bucket {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name of an object in it.
    pub(super) fn within(&self, name: &str) -> object_store::path::Path {
        match self.prefix.as_str() {
            "" => name.into(),
            prefix => format!("{prefix}/{name}").into(),
        }
    }
}

/// What begins like a bucket is read as one, whether or not it is well written; all else is a path.
impl FromStr for Place {
    type Err = NotABucket;

    fn from_str(text: &str) -> Result<Self, NotABucket> {
        if text.starts_with(SCHEME) { text.parse().map(Self::S3) } else { Ok(Self::Directory(text.into())) }
    }
}

impl FromStr for Bucket {
    type Err = NotABucket;

    fn from_str(text: &str) -> Result<Self, NotABucket> {
        let rest = text.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix("//")).ok_or(NotABucket)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let plain = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
        let is_name = (3..=63).contains(&name.len()) && plain(name, ".-_");
        // No `.` or `..`, nothing that would have to be written otherwise in a URL.
        let is_step = |step: &str| plain(step, ".-_") && step.contains(|c: char| c != '.');
        let is_prefix = prefix.len() <= LONGEST && (prefix.is_empty() || prefix.split('/').all(is_step));
        if !is_name || !is_prefix {
            return Err(NotABucket);
        }
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::Directory(path)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::Directory(path.to_owned())
    }
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::S3(bucket) => bucket.fmt(f),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, prefix } = self;
        let stroke = if prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{name}{stroke}{prefix}")
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_from_a_path() {
        for (text, shown) in [
            ("s3://van-ban", "s3://van-ban"),
            ("s3://van-ban/", "s3://van-ban"),
            ("s3://van-ban/so/2026", "s3://van-ban/so/2026"),
            ("s3://van-ban/so/", "s3://van-ban/so"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!((place.to_string(), format!("{place:?}"), place.path()), (shown.into(), shown.into(), None));
        }
        for path in ["data/s3", "/srv/s3:/blobs", "s3"] {
            assert_eq!(path.parse::<Place>().unwrap(), Place::Directory(path.into()));
        }
    }

    #[test]
    fn what_is_no_bucket_is_refused_and_not_repeated() {
        for wrong in [
            "s3:van-ban",
            "s3://",
            "s3://ab",
            "s3://KEY:geheim@van-ban",
            "s3://van-ban?secret=geheim",
            "s3://van-ban//so",
            "s3://van-ban/../so",
            "s3://văn-bản",
            "s3://van-ban/a b",
        ] {
            let error = wrong.parse::<Place>().unwrap_err();
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }

    #[test]
    fn objects_have_names_below_the_prefix() {
        let bucket = |text: &str| text.parse::<Bucket>().unwrap();
        assert_eq!(bucket("s3://van-ban").within("ab/abcd").as_ref(), "ab/abcd");
        assert_eq!(bucket("s3://van-ban/so/1").within("ab/abcd").as_ref(), "so/1/ab/abcd");
    }
}
