//! Where something is kept: in files, or in a database of `PostgreSQL`, whose URL keeps its password to itself.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

/// Where something is kept. Shown, it has no password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file or a directory.
    Path(PathBuf),
    /// A database.
    Postgres(PostgresUrl),
}

/// The URL of a database of `PostgreSQL`. Shown, it has no user, password or parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    url: String,
    shown: String,
}

/// It is no URL of a database. What was given is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a URL of the kind postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct NotAPostgresUrl;

impl Location {
    /// The file or directory, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// What begins like the URL of a database is read as one, whether or not it is well written; all else is a path.
impl FromStr for Location {
    type Err = NotAPostgresUrl;

    fn from_str(text: &str) -> Result<Self, NotAPostgresUrl> {
        let is_meant = ["postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme));
        if is_meant { text.parse().map(Self::Postgres) } else { Ok(Self::Path(text.into())) }
    }
}

impl PostgresUrl {
    /// How to connect there.
    pub fn options(&self) -> PgConnectOptions {
        let options = self.url.parse::<PgConnectOptions>().expect("it was parsed when it was made");
        options.application_name("socai")
    }
}

impl FromStr for PostgresUrl {
    type Err = NotAPostgresUrl;

    fn from_str(url: &str) -> Result<Self, NotAPostgresUrl> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(NotAPostgresUrl);
        }
        let options: PgConnectOptions = url.parse().map_err(|_| NotAPostgresUrl)?;
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        Ok(Self { url: url.to_owned(), shown: format!("postgres://{host}/{database}") })
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
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
            Self::Path(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("postgres://clerk:geheim@db.example:5433/so", "postgres://db.example:5433/so"),
            (
                "postgresql://clerk:geheim@db.example/so?sslmode=require&password=geheim",
                "postgres://db.example:5432/so",
            ),
            ("postgres://clerk:ge%40heim@%2Frun%2Fpg/so", "postgres:///run/pg/so"),
            ("postgres://u:ge@heim@h/d", "postgres://h:5432/d"),
            ("postgres://clerk@db.example?password=geheim", "postgres://db.example:5432/clerk"),
        ] {
            let at: Location = url.parse().unwrap();
            assert_eq!((at.to_string(), format!("{at:?}"), at.path()), (shown.into(), shown.into(), None));
        }
    }

    #[test]
    fn what_is_no_url_is_refused_and_not_repeated() {
        for wrong in ["postgres:geheim", "postgres://u:gehe?im@h/d", "postgres://:::", "postgres://h/d?sslmode=geheim"]
        {
            let error = wrong.parse::<Location>().unwrap_err();
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
        assert!("mysql://u:geheim@h/d".parse::<PostgresUrl>().is_err());
        for path in ["data/postgres", "/srv/postgres:/views.sqlite"] {
            assert_eq!(path.parse::<Location>().unwrap(), Location::Path(path.into()));
        }
    }
}
