//! Opening a ledger: what it is, and whether the server may lose any of it.

use std::{sync::Mutex, time::Duration};

use lru::LruCache;
use socai_domain::ledger::{LedgerId, ReadError};
use thiserror::Error;

use super::{HEADS, KurrentOptions, Seen, Shared, identity::Identity, names::Names, tally};
use crate::{
    address::{Address, AddressError},
    client::{Client, ClientError, Fault},
};

/// What is known to do what the ledger stands on.
pub(super) const NEEDED: &str = "24.10.5, 25.0.1 or a later one";

/// Why a ledger in KurrentDB does not open, by what to do about it.
#[derive(Debug, Error)]
pub enum OpenKurrentError {
    /// The URL makes no sense.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The URL's certificate file makes no sense.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster does not answer, or does not let us in.
    #[error("{0}")]
    Cluster(#[from] Fault),
    /// The server is known to do wrong what the ledger stands on.
    #[error(
        "the node of the cluster that leads runs KurrentDB {0}: servers before 24.10.5, and 25.0.0, are known for filtered reads that \
         name wrong places, and for writes that end without an answer in an election. Upgrade every node to 24.10.5, to 25.0.1, or to \
         a later version, then start again"
    )]
    Defective(String),
    /// There is no such ledger and none was to be made.
    #[error(
        "the cluster holds no ledger {0:?}: check ledger=… in the URL; `socai serve` makes a new one in an empty data directory"
    )]
    Missing(String),
    /// The stream that says what the ledger is says something else.
    #[error("stream {stream} does not say what the ledger is: {why}")]
    Identity {
        /// The stream.
        stream: String,
        /// What is wrong with it.
        why: String,
    },
    /// A copy into it has not come to its end.
    #[error(
        "the copy of a ledger in the cluster's {0:?} is not whole yet and nobody may use it: run the same `socai copy` again, \
         and it goes on where it was"
    )]
    Copying(String),
    /// It is another ledger than the one that is copied.
    #[error("the cluster's {name:?} is ledger {found}, not {wanted}: give the copy another name, as in ledger=NAME")]
    OtherLedger {
        /// Its name.
        name: String,
        /// What it is.
        found: LedgerId,
        /// What is copied.
        wanted: LedgerId,
    },
    /// The ledger's records cannot be counted.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The server throws records away.
    #[error("{}", tally::losing(stream, settings))]
    Losing {
        /// The stream.
        stream: String,
        /// By which of its metadata.
        settings: String,
    },
}

impl OpenKurrentError {
    /// Might the cluster answer later?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Cluster(fault) if fault.may_pass())
    }
}

/// Whether there must be a ledger.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// One that is whole; a new one where there is none, if the options say so.
    Whole,
    /// One to copy into: there, whole or not, or made for this ledger in this engine epoch.
    ToCopyInto(LedgerId, u32),
}

pub(super) async fn open(
    address: Address,
    options: KurrentOptions,
    wanted: Wanted,
) -> Result<(Shared, Identity), OpenKurrentError> {
    let names = Names::new(&address.ledger);
    let client = Client::new(address)?;
    match version(&client, options.patience).await? {
        Some(version) => tracing::info!(version, "KurrentDB answers"),
        None => {
            tracing::warn!("KurrentDB does not tell its version: {NEEDED} is needed");
        }
    }
    let identity = find(&client, &names, &options, wanted).await?;
    let shared = Shared {
        client,
        names,
        ledger: identity.ledger,
        epoch: identity.epoch,
        options,
        heads: Mutex::new(LruCache::new(HEADS)),
        doubts: Mutex::default(),
        seen: Mutex::new(Seen::default()),
        tally: tokio::sync::Mutex::default(),
        runtime: tokio::runtime::Handle::current(),
    };
    {
        let mut tally = shared.tally.lock().await;
        shared.count(&mut tally).await?;
        if let Some((stream, settings)) = tally.losing() {
            return Err(OpenKurrentError::Losing { stream: stream.to_owned(), settings: settings.to_owned() });
        }
    }
    Ok((shared, identity))
}

/// The server's version, one that does; nothing where it does not tell.
pub(super) async fn version(client: &Client, patience: Duration) -> Result<Option<String>, OpenKurrentError> {
    let version = client.patiently(patience, || client.version()).await?;
    match version {
        Some(version) if is_defective(&version) => Err(OpenKurrentError::Defective(version)),
        version => Ok(version),
    }
}

/// Is it known of this version that it does wrong what we use? One that is not told as three numbers may do.
fn is_defective(version: &str) -> bool {
    let mut parts = version.splitn(3, '.');
    let mut number = || {
        let part = parts.next()?;
        // `26.2.0-prerelease`, `24.10.5.1234`
        part.split(|character: char| !character.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    let (Some(year), Some(month), Some(patch)) = (number(), number(), number()) else { return false };
    (year, month, patch) < (24, 10, 5) || (year, month, patch) == (25, 0, 0)
}

async fn find(
    client: &Client,
    names: &Names,
    options: &KurrentOptions,
    wanted: Wanted,
) -> Result<Identity, OpenKurrentError> {
    let mut identity = Identity::read(client, names, options.patience).await?;
    let name = || client.address().ledger.clone();
    if identity.is_none() {
        match wanted {
            Wanted::Whole if !options.create => return Err(OpenKurrentError::Missing(name())),
            Wanted::Whole => Identity::begin(client, names, options).await?,
            Wanted::ToCopyInto(ledger, epoch) => Identity::begin_copy(client, names, options, (ledger, epoch)).await?,
        }
        // Whoever was first has named it.
        identity = Identity::read(client, names, options.patience).await?;
    }
    let identity = identity.ok_or_else(|| OpenKurrentError::Identity {
        stream: names.identity(),
        why: "it is empty after it was written to".into(),
    })?;
    match wanted {
        Wanted::Whole if identity.copying => Err(OpenKurrentError::Copying(name())),
        Wanted::ToCopyInto(ledger, _) if ledger != identity.ledger => {
            Err(OpenKurrentError::OtherLedger { name: name(), found: identity.ledger, wanted: ledger })
        }
        _ => Ok(identity),
    }
}

#[cfg(test)]
mod tests {
    use super::is_defective;

    #[test]
    fn the_floor_is_that_of_each_line_of_versions() {
        for version in ["20.6.1", "22.6.0", "24.2.9", "24.10.0", "24.10.4", "24.10.4.9999", "25.0.0", "25.0.0-rc.1"] {
            assert!(is_defective(version), "{version}");
        }
        for version in
            ["24.10.5", "24.10.11", "25.0.1", "25.1.0", "26.0.0", "26.2.0-prerelease", "unknown_version", "30"]
        {
            assert!(!is_defective(version), "{version}");
        }
    }
}
