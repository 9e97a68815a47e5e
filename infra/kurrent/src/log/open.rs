//! Opening a ledger: what it is, and whether the server may lose any of it.

use std::sync::Mutex;

use lru::LruCache;
use serde::{Deserialize, Serialize};
use socai_domain::ledger::{LedgerId, ReadError};
use thiserror::Error;
use uuid::Uuid;

use super::{HEADS, KurrentOptions, Seen, Shared, names::Names, tally};
use crate::{
    address::{Address, AddressError},
    client::{Client, ClientError, Event, Expected, Fault, Proposed, Said, Written},
    wire::read::ReadDirection,
};

/// The type of the event that says what the ledger is.
const IDENTITY: &str = "LedgerBegun@1";

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

/// What the stream of a ledger says of it.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    ledger: Uuid,
}

pub(super) async fn open(address: Address, options: KurrentOptions) -> Result<Shared, OpenKurrentError> {
    let names = Names::new(&address.ledger);
    let client = Client::new(address)?;
    let version = client.patiently(options.patience, || client.version()).await?;
    tracing::info!(version = version.as_deref().unwrap_or("unknown"), "KurrentDB answers");
    let (ledger, epoch) = identity(&client, &names, &options).await?;
    let shared = Shared {
        client,
        names,
        ledger,
        epoch,
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
    Ok(shared)
}

/// The ledger's id and the engine epoch. The first event of the ledger's stream names the id; each further one begins a new
/// epoch: whoever moves the ledger to another cluster, where it has other positions, appends one.
async fn identity(
    client: &Client,
    names: &Names,
    options: &KurrentOptions,
) -> Result<(LedgerId, u32), OpenKurrentError> {
    let stream = names.identity();
    let read = || client.patiently(options.patience, || told(client, &stream));
    let mut events = read().await?;
    if events.is_empty() {
        if !options.create {
            return Err(OpenKurrentError::Missing(client.address().ledger.clone()));
        }
        begin(client, options, &stream).await?;
        // Whoever was first has named it.
        events = read().await?;
    }
    let wrong = |why: String| OpenKurrentError::Identity { stream: stream.clone(), why };
    let mut ledger = None;
    for event in &events {
        if event.kind != IDENTITY {
            return Err(wrong(format!("it holds an event of type {:?}", event.kind)));
        }
        let said: Identity = serde_json::from_slice(&event.data).map_err(|error| wrong(error.to_string()))?;
        if *ledger.get_or_insert(said.ledger) != said.ledger {
            return Err(wrong("it names two ledgers".into()));
        }
    }
    let epoch = events.last().map(|event| event.revision.saturating_add(1)).and_then(|epoch| u32::try_from(epoch).ok());
    match (ledger, epoch) {
        (Some(ledger), Some(epoch)) => Ok((LedgerId(ledger), epoch)),
        _ => Err(wrong("it is empty after it was written to".into())),
    }
}

async fn begin(client: &Client, options: &KurrentOptions, stream: &str) -> Result<(), OpenKurrentError> {
    let ledger = Uuid::now_v7();
    let data = serde_json::to_vec(&Identity { ledger }).map_err(|error| Fault::Refused(error.to_string()))?;
    let events = [Proposed { id: ledger, kind: IDENTITY.to_owned(), json: true, data }];
    let write = || client.append(stream, Expected::NoStream, &events);
    match client.patiently(options.patience, write).await? {
        Written::Success { .. } => tracing::info!(%ledger, "a new ledger has begun"),
        // Another one was quicker, or an attempt of ours whose answer was lost.
        Written::WrongExpected(_) => {}
    }
    Ok(())
}

async fn told(client: &Client, stream: &str) -> Result<Vec<Event>, Fault> {
    let mut answers = client.read_stream(stream, ReadDirection::Forwards, None, 1_000).await?;
    let mut events = Vec::new();
    while let Some(said) = answers.next(client.address().deadline).await? {
        match said {
            Said::Event(event) => events.push(*event),
            Said::NoStream => break,
            Said::Checkpoint(_) | Said::CaughtUp | Said::Other => {}
        }
    }
    Ok(events)
}
