//! The stream that says what the ledger is: its id, its engine epoch, and whether all of it is there.
//!
//! | event | says |
//! |---|---|
//! | `LedgerBegun@1 {ledger}` | a ledger, made here; each further one begins the next engine epoch |
//! | `LedgerCopyBegun@1 {ledger, epoch}` | a ledger is copied to here and is not whole: nobody opens it |
//! | `LedgerCopied@1 {ledger, epoch}` | the copy is whole |

use std::time::Duration;

use serde::{Deserialize, Serialize};
use socai_domain::ledger::LedgerId;
use uuid::Uuid;

use super::{
    KurrentOptions,
    names::{Names, metadata_of},
    open::OpenKurrentError,
    tally::loses,
};
use crate::{
    client::{Client, Event, Expected, Fault, Proposed, Said, Written},
    wire::read::ReadDirection,
};

const BEGUN: &str = "LedgerBegun@1";
const COPY_BEGUN: &str = "LedgerCopyBegun@1";
const COPIED: &str = "LedgerCopied@1";

/// What an event of the stream says.
#[derive(Debug, Serialize, Deserialize)]
struct Statement {
    ledger: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<u32>,
}

/// What the stream says in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) ledger: LedgerId,
    pub(super) epoch: u32,
    /// A copy into it has begun and has not come to its end.
    pub(super) copying: bool,
    /// The revision of its last event.
    last: u64,
}

impl Identity {
    /// What the stream says; nothing where there is none.
    pub(super) async fn read(
        client: &Client,
        names: &Names,
        patience: Duration,
    ) -> Result<Option<Self>, OpenKurrentError> {
        let stream = names.identity();
        // First: where it was deleted, it says nothing, and a new ledger would begin in the place of the old one.
        let metadata = metadata_of(&stream);
        let metadata = client.patiently(patience, || last(client, &metadata)).await?;
        if let Some(settings) = metadata.as_ref().and_then(loses) {
            return Err(OpenKurrentError::Losing { stream, settings });
        }
        let events = client.patiently(patience, || told(client, &stream)).await?;
        let mut identity: Option<Self> = None;
        for event in &events {
            let next = Self::after(identity, event);
            identity = Some(next.map_err(|why| OpenKurrentError::Identity { stream: stream.clone(), why })?);
        }
        Ok(identity)
    }

    /// What it says after the next event.
    fn after(before: Option<Self>, event: &Event) -> Result<Self, String> {
        if ![BEGUN, COPY_BEGUN, COPIED].contains(&event.kind.as_str()) {
            return Err(format!("it holds an event of type {:?}", event.kind));
        }
        let said: Statement = serde_json::from_slice(&event.data).map_err(|error| error.to_string())?;
        let ledger = LedgerId(said.ledger);
        if before.is_some_and(|before| before.ledger != ledger) {
            return Err("it names two ledgers".into());
        }
        let counted = u32::try_from(event.revision.saturating_add(1)).ok();
        let epoch = if event.kind == BEGUN { counted } else { said.epoch };
        let epoch = epoch.ok_or("it does not say which engine epoch this is")?;
        Ok(Self { ledger, epoch, copying: event.kind == COPY_BEGUN, last: event.revision })
    }

    /// Makes a new ledger, unless another one was quicker.
    pub(super) async fn begin(
        client: &Client,
        names: &Names,
        options: &KurrentOptions,
    ) -> Result<(), OpenKurrentError> {
        let said = Statement { ledger: Uuid::now_v7(), epoch: None };
        if say(client, names, options, Expected::NoStream, BEGUN, &said).await? {
            tracing::info!(ledger = %said.ledger, "a new ledger has begun");
        }
        Ok(())
    }

    /// Says that a copy of this ledger has begun, where the stream says nothing yet.
    pub(super) async fn begin_copy(
        client: &Client,
        names: &Names,
        options: &KurrentOptions,
        (ledger, epoch): (LedgerId, u32),
    ) -> Result<(), OpenKurrentError> {
        let said = Statement { ledger: ledger.0, epoch: Some(epoch) };
        say(client, names, options, Expected::NoStream, COPY_BEGUN, &said).await.map(drop)
    }

    /// Says that something is being added by a copy, or that this copy is whole. What it says then.
    pub(super) async fn turn(
        self,
        client: &Client,
        names: &Names,
        options: &KurrentOptions,
        copying: bool,
    ) -> Result<Self, OpenKurrentError> {
        if self.copying == copying {
            return Ok(self);
        }
        let said = Statement { ledger: self.ledger.0, epoch: Some(self.epoch) };
        let kind = if copying { COPY_BEGUN } else { COPIED };
        // Whoever was quicker said the same, or the stream was written by others: it is read again.
        say(client, names, options, Expected::Revision(self.last), kind, &said).await?;
        let now = Self::read(client, names, options.patience).await?;
        let same = |now: &Self| (now.ledger, now.epoch, now.copying) == (self.ledger, self.epoch, copying);
        now.filter(same).ok_or_else(|| OpenKurrentError::Identity {
            stream: names.identity(),
            why: "something else writes to it while the ledger is copied".into(),
        })
    }
}

/// Appends an event; false where the stream stands elsewhere.
async fn say(
    client: &Client,
    names: &Names,
    options: &KurrentOptions,
    expected: Expected,
    kind: &str,
    said: &Statement,
) -> Result<bool, OpenKurrentError> {
    let data = serde_json::to_vec(said).map_err(|error| Fault::Refused(error.to_string()))?;
    let (stream, id) = (names.identity(), Uuid::now_v7());
    let events = [Proposed { id, kind: kind.to_owned(), json: true, data }];
    let write = || client.append(&stream, expected, &events);
    Ok(matches!(client.patiently(options.patience, write).await?, Written::Success { .. }))
}

pub(super) async fn told(client: &Client, stream: &str) -> Result<Vec<Event>, Fault> {
    events(client, stream, ReadDirection::Forwards, 1_000).await
}

/// The stream's last event.
async fn last(client: &Client, stream: &str) -> Result<Option<Event>, Fault> {
    Ok(events(client, stream, ReadDirection::Backwards, 1).await?.pop())
}

async fn events(client: &Client, stream: &str, direction: ReadDirection, count: u64) -> Result<Vec<Event>, Fault> {
    let mut answers = client.read_stream(stream, direction, None, count).await?;
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
