//! The URL that names a cluster and a ledger in it: `kurrentdb://user:password@h1:2113,h2:2113?ledger=socai&tlsCaFile=ca.crt`.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use thiserror::Error;

/// The port that a KurrentDB node serves on, unless told otherwise.
pub const DEFAULT_PORT: u16 = 2113;
/// The name of the ledger, unless told otherwise.
pub const DEFAULT_LEDGER: &str = "socai";

const SCHEMES: [&str; 4] = ["kurrentdb", "kurrent", "kdb", "esdb"];
const PARAMETERS: &str = "ledger, tls, tlsVerifyCert, tlsCaFile, userCertFile, userKeyFile, connectionName, \
                          defaultDeadline, gossipTimeout, keepAliveInterval, keepAliveTimeout";
/// What published clients know and we have no use for: a URL that was made for one of them works here, too.
const OF_OTHER_CLIENTS: [&str; 4] =
    ["nodepreference", "maxdiscoverattempts", "discoveryinterval", "throwonappendfailure"];

/// The two files of a user's certificate.
const USER_FILES: [&str; 2] = ["userCertFile", "userKeyFile"];
const PEM_FILE: &str = "the path of a PEM file";

/// A node: a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// A name or an address, an IPv6 address in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Who we are to the cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, …)", self.user)
    }
}

/// A certificate that says who we are, and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCertificate {
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

/// What the URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where to ask first, at least one.
    pub seeds: Vec<Node>,
    /// Ask the seeds which node leads. Always so where there are several.
    pub discover: bool,
    /// Who we are; nobody on a cluster that asks for nobody.
    pub credentials: Option<Credentials>,
    /// Speak TLS.
    pub tls: bool,
    /// Believe this authority's certificates (PEM) instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Who we are, shown by TLS.
    pub user_certificate: Option<UserCertificate>,
    /// The ledger's name: its streams are called `NAME-…`.
    pub ledger: String,
    /// A name for the server's own log.
    pub connection_name: Option<String>,
    /// The longest that one append or one read may take.
    pub deadline: Duration,
    /// The longest that asking for the leader may take.
    pub gossip_timeout: Duration,
    /// How often a silent connection is tried.
    pub keep_alive_interval: Duration,
    /// How long the answer to that may take.
    pub keep_alive_timeout: Duration,
}

/// Why the URL is not taken. It is not repeated, for it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Another scheme.
    #[error("write kurrentdb://HOST:2113?ledger=NAME, or several hosts with commas between them")]
    Scheme,
    /// No host, or one that is none.
    #[error("{0:?} is not a host: write NAME, NAME:PORT or [IPv6]:PORT")]
    Host(String),
    /// A user without a password, or one that cannot be decoded.
    #[error("write user:password@ before the hosts; what is special in them is written %XX, as in %40 for @")]
    Credentials,
    /// One of the two files of a user's certificate, or no TLS to show it with.
    #[error("userCertFile=FILE and userKeyFile=FILE go together, and with tls=true")]
    UserCertificate,
    /// A parameter that is not known.
    #[error("{0:?} is no parameter of this URL; there are {PARAMETERS}")]
    Unknown(String),
    /// A parameter with a value that makes no sense.
    #[error("{name}={value} cannot be: write {hint}")]
    Value {
        /// The parameter.
        name: String,
        /// Its value.
        value: String,
        /// What may stand there.
        hint: &'static str,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::Scheme)?;
        let (scheme, discover) = match scheme.strip_suffix("+discover") {
            Some(scheme) => (scheme, true),
            None => (scheme, false),
        };
        if !SCHEMES.contains(&scheme) {
            return Err(AddressError::Scheme);
        }
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = authority.trim_end_matches('/');
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(read_credentials(credentials)?), hosts),
            None => (None, authority),
        };
        let seeds = hosts.split(',').map(read_node).collect::<Result<Vec<_>, _>>()?;
        let mut address = Self {
            discover: discover || seeds.len() > 1,
            seeds,
            credentials,
            tls: true,
            ca_file: None,
            user_certificate: None,
            ledger: DEFAULT_LEDGER.to_owned(),
            connection_name: None,
            deadline: Duration::from_secs(10),
            gossip_timeout: Duration::from_secs(1),
            keep_alive_interval: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(10),
        };
        let mut of_user = [None, None];
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value).ok_or_else(|| wrong(name, value, "UTF-8, what is special as %XX"))?;
            match USER_FILES.iter().position(|file| file.eq_ignore_ascii_case(name)) {
                Some(_) if value.is_empty() => return Err(wrong(name, &value, PEM_FILE)),
                Some(which) => of_user[which] = Some(PathBuf::from(value)),
                None => address.set(name, &value)?,
            }
        }
        address.user_certificate = match of_user {
            [None, None] => None,
            [Some(certificate), Some(key)] if address.tls => Some(UserCertificate { certificate, key }),
            _ => return Err(AddressError::UserCertificate),
        };
        Ok(address)
    }
}

impl Address {
    /// What every physical stream of the ledger begins with.
    pub fn prefix(&self) -> String {
        format!("{}-", self.ledger)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), AddressError> {
        // Published clients do not look at capitals here.
        match name.to_ascii_lowercase().as_str() {
            "ledger" if is_ledger_name(value) => value.clone_into(&mut self.ledger),
            "ledger" => return Err(wrong(name, value, "1 to 32 small letters and digits, a letter first")),
            "tls" => self.tls = truth(name, value)?,
            "tlsverifycert" if truth(name, value)? => {}
            "tlsverifycert" => {
                return Err(wrong(
                    name,
                    value,
                    "tlsCaFile=FILE with the certificate of the authority that you believe",
                ));
            }
            "tlscafile" if value.is_empty() => return Err(wrong(name, value, PEM_FILE)),
            "tlscafile" => self.ca_file = Some(value.into()),
            "connectionname" if is_header_text(value) => self.connection_name = Some(value.to_owned()),
            "connectionname" => return Err(wrong(name, value, "printable ASCII")),
            "defaultdeadline" => self.deadline = milliseconds(name, value)?,
            "gossiptimeout" => self.gossip_timeout = milliseconds(name, value)?,
            "keepaliveinterval" => self.keep_alive_interval = milliseconds(name, value)?,
            "keepalivetimeout" => self.keep_alive_timeout = milliseconds(name, value)?,
            known if OF_OTHER_CLIENTS.contains(&known) => {}
            _ => return Err(AddressError::Unknown(name.to_owned())),
        }
        Ok(())
    }
}

fn wrong(name: &str, value: &str, hint: &'static str) -> AddressError {
    AddressError::Value { name: name.to_owned(), value: value.to_owned(), hint }
}

fn is_ledger_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn is_header_text(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

fn truth(name: &str, value: &str) -> Result<bool, AddressError> {
    value.to_ascii_lowercase().parse().map_err(|_| wrong(name, value, "true or false"))
}

fn milliseconds(name: &str, value: &str) -> Result<Duration, AddressError> {
    match value.parse() {
        Ok(milliseconds @ 1..=3_600_000) => Ok(Duration::from_millis(milliseconds)),
        _ => Err(wrong(name, value, "milliseconds, from 1 to 3600000")),
    }
}

fn read_credentials(text: &str) -> Result<Credentials, AddressError> {
    let (user, password) = text.split_once(':').ok_or(AddressError::Credentials)?;
    match (decode(user), decode(password)) {
        (Some(user), Some(password)) if !user.is_empty() && !user.contains(':') => Ok(Credentials { user, password }),
        _ => Err(AddressError::Credentials),
    }
}

fn read_node(text: &str) -> Result<Node, AddressError> {
    let wrong = || AddressError::Host(text.to_owned());
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (text, DEFAULT_PORT),
    };
    let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fine = match name {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    if fine { Ok(Node { host: host.to_owned(), port }) } else { Err(wrong()) }
}

/// Without percent signs.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(16 * high + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_cluster_is_named_with_all_that_belongs_to_it() {
        let address = read(
            "esdb+discover://ad%40min:ch%3Aangeit@one:1113,[::1],3.example?tlsCaFile=/etc/ca.crt&ledger=so1\
             &userKeyFile=b%20c.key&usercertfile=b.crt&defaultDeadline=2500&connectionName=socai%20one&nodePreference=leader",
        );
        let nodes: Vec<String> = address.seeds.iter().map(ToString::to_string).collect();
        assert_eq!(nodes, ["one:1113", "[::1]:2113", "3.example:2113"]);
        let credentials = address.credentials.clone().unwrap();
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("ad@min", "ch:angeit"));
        assert_eq!(address.ca_file, Some("/etc/ca.crt".into()));
        let user = UserCertificate { certificate: "b.crt".into(), key: "b c.key".into() };
        assert_eq!(address.user_certificate, Some(user));
        assert_eq!(address.deadline, Duration::from_millis(2_500));
        assert_eq!(address.connection_name.as_deref(), Some("socai one"));
        assert_eq!(address.prefix(), "so1-");
        assert!(address.tls && address.discover);
        assert!(!format!("{address:?}").contains("angeit"), "a password in a log line");
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let address = read("kurrentdb://localhost?tls=false");
        assert_eq!(address.seeds, [Node { host: "localhost".into(), port: 2113 }]);
        assert_eq!((address.tls, address.discover, address.ledger.as_str()), (false, false, "socai"));
        assert_eq!(address.credentials, None);
        assert!(read("kdb://a,b").discover, "of several hosts, which one leads must be asked");
    }

    #[test]
    fn nonsense_is_refused_with_a_hint_and_without_the_password() {
        for (url, part) in [
            ("http://h", "kurrentdb://HOST"),
            ("kurrentdb:h", "kurrentdb://HOST"),
            ("kurrentdb://", "not a host"),
            ("kurrentdb://a,,b", "not a host"),
            ("kurrentdb://a:b", "not a host"),
            ("kurrentdb://[::z]:1", "not a host"),
            ("kurrentdb://user@h", "user:password@"),
            ("kurrentdb://u:secret%zz@h", "%XX"),
            ("kurrentdb://h?ledger=a-b", "small letters"),
            ("kurrentdb://h?ledger=", "small letters"),
            ("kurrentdb://h?tls=maybe", "true or false"),
            ("kurrentdb://h?tlsVerifyCert=false", "tlsCaFile"),
            ("kurrentdb://h?userCertFile=a", "userKeyFile=FILE"),
            ("kurrentdb://h?userKeyFile=", "PEM file"),
            ("kurrentdb://h?tls=false&userCertFile=a&userKeyFile=b", "tls=true"),
            ("kurrentdb://h?defaultDeadline=-1", "milliseconds"),
            ("kurrentdb://u:secret@h?shiny=1", "no parameter"),
        ] {
            let error = url.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
