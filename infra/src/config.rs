//! What can be set, where from, and what holds if nothing is: flags, then the environment, then `socai.toml`.
//!
//! [`SETTINGS`] is the one table: flags, names of variables, keys of the file, help and the README's table are made of it.

use std::{collections::BTreeMap, ffi::OsString, fmt, fs, io, net::SocketAddr, path::PathBuf};

use socai_domain::proof::KeyName;
use thiserror::Error;

use crate::{
    blobs,
    log::{self, OpenLogError},
    tls::Identity,
};

mod table;

pub use socai_projections::Location;
pub use table::{SETTINGS, Setting};

/// Everything that was set, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The data directory; whatever is not set stands in it.
    pub data: PathBuf,
    /// The URL of the log.
    pub log: String,
    /// Size of new log segments, in MiB.
    pub segment_mib: u32,
    /// The master key.
    pub master_key: PathBuf,
    /// The key ring.
    pub key_ring: Location,
    /// What signs tokens.
    pub token_key: PathBuf,
    /// What checks tokens.
    pub token_public_key: PathBuf,
    /// What signs checkpoints and receipts.
    pub log_key: PathBuf,
    /// The log's name in checkpoints; in it, `LEDGER` stands for the ledger's id.
    pub origin: KeyName,
    /// The notary's store.
    pub notary: Location,
    /// Seconds within which a checkpoint covers every record.
    pub merge_delay: u32,
    /// The logs that are watched; none: there is no such file, and nobody is.
    pub witness_for: Option<PathBuf>,
    /// Who is asked to cosign; none: there is no such file, and nobody is.
    pub witnesses: Option<PathBuf>,
    /// Seconds between two requests to one witness.
    pub witness_pause: u32,
    /// What cosigns.
    pub witness_key: PathBuf,
    /// The name of that key; in it, `LEDGER` stands for the ledger's id.
    pub witness_name: KeyName,
    /// What was cosigned.
    pub witness: PathBuf,
    /// The read models.
    pub views: Location,
    /// What a rebuild of them may take of memory, in MiB.
    pub views_memory_mib: u32,
    /// How many copies of them at earlier positions are kept.
    pub views_copies: u64,
    /// The files of documents.
    pub blobs: blobs::Place,
    /// Where to serve.
    pub listen: SocketAddr,
    /// What it shows who it is with, where it speaks TLS itself.
    pub tls: Option<Identity>,
    /// Where to serve the metrics, if not with the API.
    pub metrics_listen: Option<SocketAddr>,
    /// Serve the query editor, too.
    pub graphiql: bool,
    /// How to tell what happens.
    pub messages: Messages,
    /// What to tell: a filter of `tracing`; none: a server tells more than a subcommand.
    pub level: Option<String>,
}

/// How to tell what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// For people on a terminal, else as JSON.
    Auto,
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no TOML. What stands in the line is not shown: it may be a password.
    #[error("{}, line {line}: {why}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing of this name can be set.
    #[error("{origin}: there is no setting {name:?}; socai serve --list-settings shows all")]
    Unknown {
        /// Where it was found.
        origin: Origin,
        /// What it was called.
        name: String,
    },
    /// The log's URL cannot be used. It is not repeated, for it may hold a password.
    #[error("{origin}: {source}")]
    Log {
        /// Where it was found.
        origin: Origin,
        /// What is wrong with it.
        source: Box<OpenLogError>,
    },
    /// The value cannot be used.
    #[error("{origin}: {value:?} is not {wanted}")]
    Invalid {
        /// Where it was found.
        origin: Origin,
        /// The value.
        value: String,
        /// What is needed.
        wanted: &'static str,
    },
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag(String),
    /// A variable of the environment.
    Environment(String),
    /// A key of the file.
    File(PathBuf, String),
    /// Nobody set it.
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Environment(variable) => f.write_str(variable),
            Self::File(path, key) => write!(f, "{}, {key}", path.display()),
            Self::Default(name) => write!(f, "default of {name}"),
        }
    }
}

/// The file in the data directory that names the logs to watch.
const WITNESS_FOR: &str = "witness-for.txt";

/// The file in the data directory that names who is asked to cosign.
const WITNESSES: &str = "witnesses.txt";

/// Values before they are checked, by setting, each with its origin.
type Values = BTreeMap<&'static str, (String, Origin)>;

impl Config {
    /// The directory of the log, where it is one of files.
    pub fn log_directory(&self) -> Option<PathBuf> {
        self.log.strip_prefix("file:").map(PathBuf::from)
    }

    /// The URL of the log without the password that it may hold: for messages.
    pub fn log_shown(&self) -> String {
        match self.log.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
            Some((scheme, rest)) => format!("{scheme}://…@{rest}"),
            None => self.log.clone(),
        }
    }

    /// What a rebuild of the views may take of memory, in bytes.
    pub fn views_memory(&self) -> usize {
        usize::try_from(self.views_memory_mib).unwrap_or(usize::MAX >> 20) << 20
    }

    /// From flags (by the settings' names), the environment, and `socai.toml` in the working directory or where `config`
    /// says.
    pub fn load(
        flags: &BTreeMap<&'static str, String>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let mut values = Values::new();
        for setting in SETTINGS {
            if let Some(value) = flags.get(setting.name) {
                values.insert(setting.name, (value.clone(), Origin::Flag(setting.flag())));
            } else if let Some(value) = environment(&setting.variable()).filter(|value| !value.is_empty()) {
                let origin = Origin::Environment(setting.variable());
                let value = value.into_string().map_err(|_| ConfigError::Invalid {
                    origin: origin.clone(),
                    value: "what is set".to_owned(),
                    wanted: "text in UTF-8",
                })?;
                values.insert(setting.name, (value, origin));
            }
        }
        from_file(&mut values)?;
        check(&mut values)
    }
}

/// Adds what the file sets and nothing before it did.
fn from_file(values: &mut Values) -> Result<(), ConfigError> {
    let named = values.get("config").map(|(path, _)| PathBuf::from(path));
    let path = named.clone().unwrap_or_else(|| PathBuf::from("socai.toml"));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => return Ok(()),
        Err(source) => return Err(ConfigError::Io { path, source }),
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ConfigError::Toml { path: path.clone(), line: before.lines().count().max(1), why: error.message().to_owned() }
    })?;
    for (name, value) in table {
        let origin = Origin::File(path.clone(), name.clone());
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name && name != "config") else {
            return Err(ConfigError::Unknown { origin: Origin::File(path, "top level".into()), name });
        };
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Boolean(_) | toml::Value::Integer(_) => value.to_string(),
            other => {
                return Err(ConfigError::Invalid {
                    origin,
                    value: other.type_str().to_owned(),
                    wanted: "a text, number or boolean",
                });
            }
        };
        values.entry(setting.name).or_insert((value, origin));
    }
    Ok(())
}

/// What an address must be.
const ADDRESS: &str = "an address and port such as 127.0.0.1:8080";

fn check(values: &mut Values) -> Result<Config, ConfigError> {
    let mut take = |name: &'static str| {
        let set = values.remove(name);
        set.unwrap_or_else(|| (table::default(name).to_owned(), Origin::Default(name)))
    };
    let data = PathBuf::from(take("data").0);
    let under = |(path, origin): (String, Origin)| match path.strip_prefix("DATA/") {
        Some(rest) if matches!(origin, Origin::Default(_)) => data.join(rest),
        _ => PathBuf::from(path),
    };
    let log = match take("log") {
        (_, Origin::Default(_)) => format!("file:{}", data.join("log").display()),
        (url, origin) => {
            let wrong = |source| ConfigError::Log { origin, source: Box::new(source) };
            log::directory(&url).map_err(wrong)?;
            url
        }
    };
    Ok(Config {
        log,
        segment_mib: parse(take("segment_mib"), "a number from 1 to 1024", |text| {
            text.parse().ok().filter(|mib| (1..=1024).contains(mib))
        })?,
        master_key: under(take("master_key")),
        key_ring: location(take("key_ring"), under)?,
        token_key: under(take("token_key")),
        token_public_key: under(take("token_public_key")),
        log_key: under(take("log_key")),
        origin: name(take("origin"))?,
        notary: location(take("notary"), under)?,
        merge_delay: seconds(take("merge_delay"))?,
        // By default there is no such file; one that was named must be there.
        witness_for: Some(under(take("witness_for"))).filter(|path| path.exists() || *path != data.join(WITNESS_FOR)),
        witnesses: Some(under(take("witnesses"))).filter(|path| path.exists() || *path != data.join(WITNESSES)),
        witness_pause: seconds(take("witness_pause"))?,
        witness_key: under(take("witness_key")),
        witness_name: name(take("witness_name"))?,
        witness: under(take("witness")),
        views: location(take("views"), under)?,
        views_memory_mib: parse(take("views_memory_mib"), "a number from 64 to 65536", |text| {
            text.parse().ok().filter(|mib| (64..=65_536).contains(mib))
        })?,
        views_copies: parse(take("views_copies"), "a number from 0 to 16", |text| {
            text.parse().ok().filter(|copies| *copies <= 16)
        })?,
        blobs: blobs(take("blobs"), under)?,
        listen: parse(take("listen"), ADDRESS, |text| text.parse().ok())?,
        tls: tls(take("tls_certificate"), take("tls_key"))?,
        metrics_listen: match take("metrics_listen") {
            (_, Origin::Default(_)) => None,
            set => Some(parse(set, ADDRESS, |text| text.parse().ok())?),
        },
        graphiql: parse(take("graphiql"), "true or false", |text| text.parse().ok())?,
        messages: parse(take("messages"), "auto, text or json", |text| match text {
            "auto" => Some(Messages::Auto),
            "text" => Some(Messages::Text),
            "json" => Some(Messages::Json),
            _ => None,
        })?,
        level: Some(take("level")).filter(|(_, origin)| !matches!(origin, Origin::Default(_))).map(|(level, _)| level),
        data,
    })
}

/// Both files, or neither.
fn tls(certificate: (String, Origin), key: (String, Origin)) -> Result<Option<Identity>, ConfigError> {
    let wanted = "set without the other: TLS needs tls_certificate and tls_key";
    match (certificate, key) {
        ((_, Origin::Default(_)), (_, Origin::Default(_))) => Ok(None),
        ((_, Origin::Default(_)), (value, origin)) | ((value, origin), (_, Origin::Default(_))) => {
            Err(ConfigError::Invalid { origin, value, wanted })
        }
        ((certificate, _), (key, _)) => Ok(Some(Identity { certificate: certificate.into(), key: key.into() })),
    }
}

fn seconds(given: (String, Origin)) -> Result<u32, ConfigError> {
    let read = |text: &str| text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
    parse(given, "a number of seconds from 1 to 86400", read)
}

/// The name of a key, with room for the ledger's id.
fn name(given: (String, Origin)) -> Result<KeyName, ConfigError> {
    let wanted = "a name of at most 200 visible characters without spaces and without +";
    parse(given, wanted, |text| KeyName::new(text).ok().filter(|name| name.as_str().len() <= 200))
}

/// A path, or the URL of a database.
fn location(given: (String, Origin), under: impl Fn((String, Origin)) -> PathBuf) -> Result<Location, ConfigError> {
    let origin = given.1.clone();
    match given.0.parse() {
        Ok(Location::Path(_)) => Ok(under(given).into()),
        Ok(postgres) => Ok(postgres),
        // The value is not shown: it may hold a password.
        Err(_) => Err(ConfigError::Invalid {
            origin,
            value: "postgres:…".into(),
            wanted: "a path, or a URL of the kind postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        }),
    }
}

/// A path, or a bucket.
fn blobs(given: (String, Origin), under: impl Fn((String, Origin)) -> PathBuf) -> Result<blobs::Place, ConfigError> {
    let origin = given.1.clone();
    match given.0.parse() {
        Ok(blobs::Place::Directory(_)) => Ok(under(given).into()),
        Ok(bucket) => Ok(bucket),
        // The value is not shown: somebody may have put a key into it.
        Err(_) => Err(ConfigError::Invalid {
            origin,
            value: "s3:…".into(),
            wanted: "a path, or a bucket as in s3://BUCKET/PREFIX",
        }),
    }
}

fn parse<T>(
    (value, origin): (String, Origin),
    wanted: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    read(&value).ok_or(ConfigError::Invalid { origin, value, wanted })
}

#[cfg(test)]
mod tests;
