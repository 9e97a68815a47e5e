//! Where the views are to be: a file, or a database of `PostgreSQL`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use sqlx::postgres::PgConnectOptions;

/// Where views are.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// In this file, by SQLite.
    File(PathBuf),
    /// In this database.
    Postgres(PostgresUrl),
}

/// A URL of a database of `PostgreSQL`: `postgres://USER:PASSWORD@HOST/DATABASE`. Its password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// Checks the URL. None: it is none.
    pub fn new(url: &str) -> Option<Self> {
        PgConnectOptions::from_str(url).is_ok().then(|| Self(url.to_owned()))
    }

    /// How to connect there.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::from_str(&self.0).expect("it was read before")
    }
}

impl Location {
    /// A URL, or the path of a file. None: something that begins as a URL of `PostgreSQL` and is none.
    pub fn new(text: &str) -> Option<Self> {
        if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return PostgresUrl::new(text).map(Self::Postgres);
        }
        Some(Self::File(text.into()))
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password may also stand among the parameters.
        let shown = self.0.split_once('?').map_or(self.0.as_str(), |(before, _)| before);
        match shown.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
            Some((scheme, rest)) => write!(f, "{scheme}://…@{rest}"),
            None => f.write_str(shown),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in
            ["postgres://u:secret@h:5432/d", "postgresql://h/d?user=u&password=secret", "postgres://u:se@cret@h/d"]
        {
            let at = Location::new(url).unwrap();
            let shown = format!("{at} {at:?}");
            assert!(!shown.contains("secret") && !shown.contains("cret@") && shown.contains('h'), "{shown}");
            assert_eq!(at.file(), None);
        }
        assert_eq!(Location::new("postgres://:::"), None);
        let file = Location::new("/srv/postgres:/views.sqlite").unwrap();
        assert_eq!((file.to_string().as_str(), file.file().is_some()), ("/srv/postgres:/views.sqlite", true));
    }
}
