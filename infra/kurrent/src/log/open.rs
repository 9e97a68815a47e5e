//! Opening a ledger: what it is, and whether the server may lose any of it.

use std::sync::Mutex;

use lru::LruCache;
use socai_domain::ledger::{LedgerId, ReadError};
use thiserror::Error;

use super::{HEADS, KurrentOptions, Seen, Shared, identity::Identity, names::Names, tally};
use crate::{
    address::{Address, AddressError},
    client::{Client, ClientError, Fault},
};

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
    let version = client.patiently(options.patience, || client.version()).await?;
    tracing::info!(version = version.as_deref().unwrap_or("unknown"), "KurrentDB answers");
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
