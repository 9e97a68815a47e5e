//! A ledger that whole records are copied into from another log.
//!
//! Records go to the cluster one stream's run after the other, each run sent when the one before it was answered: so they come
//! to stand in `$all` in the order in which they were given, and whatever ends the copy, what is there is its beginning. A run
//! that was sent before is recognised by the records' ids, so to go on is to send again what may be missing.

use std::{fmt, sync::Arc};

use socai_domain::ledger::{AppendError, Broken, EventLog, Expected, LedgerId, RestoreError, SealedRecord};
use tokio::sync::mpsc;

use super::{
    KurrentLog, KurrentOptions, Shared, Standing,
    identity::Identity,
    open::{self, OpenKurrentError, Wanted},
    turn::{Sealed, Sent},
    write::{self, MAX_APPEND, MAX_APPEND_LEN, OVERHEAD},
};
use crate::client::Proposed;

/// A ledger in a cluster that is copied into.
pub struct KurrentRestore {
    shared: Arc<Shared>,
    identity: Identity,
}

impl fmt::Debug for KurrentRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KurrentRestore({})", self.shared.ledger)
    }
}

impl KurrentRestore {
    /// Opens what the URL names, to go on after it. Where nothing is, the ledger is begun with this id and engine epoch, and
    /// marked as unfinished; what is there is marked only when something is added. Needs a tokio runtime.
    pub async fn open(
        url: &str,
        ledger: LedgerId,
        epoch: u32,
        options: KurrentOptions,
    ) -> Result<Self, OpenKurrentError> {
        let (shared, identity) = open::open(url.parse()?, options, Wanted::ToCopyInto(ledger, epoch)).await?;
        Ok(Self { shared: Arc::new(shared), identity })
    }

    /// What is there, to be read.
    pub fn log(&self) -> Arc<dyn EventLog> {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write::write(Arc::clone(&self.shared), waiting));
        Arc::new(KurrentLog { shared: Arc::clone(&self.shared), queue })
    }

    /// Takes the next records: they are with the cluster when this returns.
    pub async fn take(&mut self, records: &[SealedRecord]) -> Result<(), RestoreError> {
        self.mark(true).await?;
        let mut rest = records;
        while let Some(first) = rest.first() {
            let mut len = 0;
            let count = rest.iter().take(MAX_APPEND).take_while(|record| {
                len += record.bytes().len() + OVERHEAD;
                record.header().stream == first.header().stream && len <= MAX_APPEND_LEN
            });
            let (run, others) = rest.split_at(count.count().max(1));
            self.run(run).await?;
            rest = others;
        }
        Ok(())
    }

    /// All is there: others may open it from now on.
    pub async fn complete(mut self) -> Result<(), RestoreError> {
        self.mark(false).await
    }

    async fn mark(&mut self, copying: bool) -> Result<(), RestoreError> {
        let Shared { client, names, options, .. } = &*self.shared;
        let turned = self.identity.turn(client, names, options, copying).await;
        self.identity = turned.map_err(|error| match error {
            OpenKurrentError::Identity { .. } | OpenKurrentError::Losing { .. } => {
                RestoreError::Corrupt(error.to_string())
            }
            other => RestoreError::Busy(other.to_string()),
        })?;
        Ok(())
    }

    /// Records of one stream that follow one another.
    async fn run(&mut self, records: &[SealedRecord]) -> Result<(), RestoreError> {
        let shared = Arc::clone(&self.shared);
        let Some(first) = records.first() else { return Ok(()) };
        let stream = first.header().stream;
        let not_next = |record: &SealedRecord, broken| RestoreError::NotNext {
            stream,
            revision: record.header().revision,
            broken,
        };
        let mut sealed = Sealed { events: Vec::new(), stamps: Vec::new() };
        let (mut stands, mut recorded) = (None, first.header().recorded);
        for record in records {
            let header = record.header();
            if stands.is_some() {
                Broken::check(shared.ledger, header, stands, Some(recorded))
                    .map_err(|broken| not_next(record, broken))?;
            }
            let (revision, hash) = (header.revision, record.hash());
            let kind = header.kind.to_string();
            sealed.events.push(Proposed { id: hash.id().0, kind, json: false, data: record.bytes().to_vec() });
            sealed.stamps.push((revision, hash));
            (stands, recorded) = (Some(Standing { revision, hash }), header.recorded);
        }
        let expected = Expected::after(first.header().revision.before());
        let previous = shared.previous(stream, expected).await.map_err(refused)?;
        match previous {
            Some(previous) if previous != first.header().previous => {
                let genesis = expected == Expected::New;
                return Err(not_next(first, if genesis { Broken::Genesis } else { Broken::Chain }));
            }
            _ => {}
        }
        let place = match shared.send(stream, expected, &sealed, shared.seen().place).await.map_err(refused)? {
            Sent::There { last, .. } => last,
            // Perhaps these very records were sent before, and came late.
            Sent::Elsewhere => match shared.found(stream, expected, &sealed).await.map_err(refused)? {
                Some(place) => place,
                None => return Err(not_next(first, Broken::Revision)),
            },
        };
        shared.see(place, recorded);
        shared.stands(stream, stands);
        Ok(())
    }
}

fn refused(error: AppendError) -> RestoreError {
    match error {
        AppendError::Corrupt(what) => RestoreError::Corrupt(what),
        AppendError::Busy(why) | AppendError::Unknown(why) => RestoreError::Busy(why),
        other => RestoreError::Busy(other.to_string()),
    }
}
