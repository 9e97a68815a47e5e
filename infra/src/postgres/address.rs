//! The URL of a database, which keeps its password to itself.

use std::{fmt, str::FromStr};

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use thiserror::Error;

/// The URL of a database of `PostgreSQL`. Shown, it has no user, password or parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    shown: String,
}

/// It is no URL of a database. What was given is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a URL of the kind postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct NotAnAddress;

impl Address {
    /// Does this text mean a database, whether or not it is well written?
    pub(crate) fn is_meant(text: &str) -> bool {
        ["postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// How to connect. Statements are not logged: what is bound to them is secret.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = self.url.parse::<PgConnectOptions>().expect("it was parsed when it was made");
        options.application_name("socai").disable_statement_logging()
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(url: &str) -> Result<Self, NotAnAddress> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(NotAnAddress);
        }
        let options: PgConnectOptions = url.parse().map_err(|_| NotAnAddress)?;
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        Ok(Self { url: url.to_owned(), shown: format!("postgres://{host}/{database}") })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
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
            ("postgres://clerk@db.example?password=geheim", "postgres://db.example:5432/clerk"),
        ] {
            let address: Address = url.parse().unwrap();
            assert_eq!((address.to_string(), format!("{address:?}")), (shown.into(), shown.into()));
        }
    }

    #[test]
    fn what_is_no_url_is_refused_and_not_repeated() {
        for wrong in
            ["postgres:geheim", "postgres://u:gehe?im@h/d", "mysql://u:geheim@h/d", "postgres://h/d?sslmode=geheim"]
        {
            let error = wrong.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
        assert!(Address::is_meant("postgres:geheim") && !Address::is_meant("data/postgres"));
    }
}
