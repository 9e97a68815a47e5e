//! One stream's turn in a wave.

use std::time::{Duration, Instant};

use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Direction, Expected, ReadError, RecordHash, Recorded, Revision, StreamId,
        log::Stamp,
    },
    time::Timestamp,
};

use super::{
    Shared, Standing,
    write::{MAX_APPEND, MAX_APPEND_LEN, Waiting, len},
};
use crate::client::{self, Fault, Proposed, Written};

/// Between two attempts of an append whose outcome is unknown.
const PAUSE: Duration = Duration::from_millis(100);

/// Records as they are sent, with their stamps but for the places.
pub(super) struct Sealed {
    pub(super) events: Vec<Proposed>,
    pub(super) stamps: Vec<(Revision, RecordHash)>,
}

/// What became of what was sent.
pub(super) enum Sent {
    /// It is there; the place of the last record, and whether it had been there before.
    There { last: u64, repeated: bool },
    /// The stream stands elsewhere.
    Elsewhere,
}

impl Shared {
    /// Takes one stream's appends, in their order.
    pub(super) async fn turn(&self, stream: StreamId, appends: Vec<Waiting>, recorded: Timestamp) {
        let mut appends = appends.into_iter().peekable();
        while let Some(first) = appends.next() {
            // Appends that follow one another go as one: a hot stream costs one round trip for all.
            let (mut bytes, mut count, mut next) =
                (len(&first.append), first.append.drafts.len(), after(&first.append));
            let mut run = vec![first];
            while let Some(waiting) = appends.next_if(|waiting| {
                let append = &waiting.append;
                let fits = bytes + len(append) <= MAX_APPEND_LEN && count + append.drafts.len() <= MAX_APPEND;
                fits && append.expected.next() == next
            }) {
                bytes += len(&waiting.append);
                count += waiting.append.drafts.len();
                next = after(&waiting.append);
                run.push(waiting);
            }
            self.run(stream, run, recorded).await;
        }
    }

    /// Takes appends that follow one another: all at once, or, where the stream stands elsewhere, one after the other.
    async fn run(&self, stream: StreamId, run: Vec<Waiting>, recorded: Timestamp) {
        let appends: Vec<&Append> = run.iter().map(|waiting| &waiting.append).collect();
        match self.take(stream, &appends, recorded).await {
            Ok(Some(mut taken)) => {
                for waiting in run {
                    let rest = taken.stamps.split_off(waiting.append.drafts.len());
                    let stamps = std::mem::replace(&mut taken.stamps, rest);
                    waiting.answer(Ok(Appended { stamps, repeated: taken.repeated }));
                }
            }
            Ok(None) => {
                for waiting in run {
                    let answer = self.one(stream, &waiting.append, recorded).await;
                    waiting.answer(answer);
                }
            }
            Err(error) => run.into_iter().for_each(|waiting| waiting.answer(Err(error.clone()))),
        }
    }

    async fn one(&self, stream: StreamId, append: &Append, recorded: Timestamp) -> Result<Appended, AppendError> {
        match self.take(stream, &[append], recorded).await? {
            Some(taken) => Ok(taken),
            None => self.seen_before(stream, append).await,
        }
    }

    /// Writes the appends as one; nothing if the stream stands elsewhere than the first expects.
    async fn take(
        &self,
        stream: StreamId,
        appends: &[&Append],
        recorded: Timestamp,
    ) -> Result<Option<Appended>, AppendError> {
        let Some(first) = appends.first() else { return Ok(None) };
        let Some(previous) = self.previous(stream, first.expected).await? else { return Ok(None) };
        // Another server's clock may be ahead of ours: the record before this one was seen by now.
        let recorded = recorded.max(self.seen().recorded);
        let sealed = seal(stream, appends, previous, recorded)?;
        let seen = self.seen().place;
        match self.send(stream, first.expected, &sealed, seen).await {
            Ok(Sent::There { last, repeated }) => {
                let stamps = self.stamps(stream, &sealed, last, recorded).await?;
                self.see(last, recorded);
                self.stands(stream, sealed.stamps.last().map(|&(revision, hash)| Standing { revision, hash }));
                Ok(Some(Appended { stamps, repeated }))
            }
            Ok(Sent::Elsewhere) => {
                self.look(stream).await?;
                Ok(None)
            }
            Err(error) => {
                self.stands(stream, None);
                self.doubt(stream, true);
                // It may be there with this time, which must not be followed by an earlier one.
                self.see(0, recorded);
                Err(error)
            }
        }
    }

    /// The hash of the record that the first of an append comes after; nothing if the stream stands elsewhere.
    pub(super) async fn previous(
        &self,
        stream: StreamId,
        expected: Expected,
    ) -> Result<Option<RecordHash>, AppendError> {
        let last = expected.next().before();
        let mut standing = self.standing(stream);
        let behind = standing.is_none_or(|standing| Some(standing.revision) < last);
        // A new stream is not looked at first: the server says so if it is none.
        if (behind && last.is_some()) || self.doubted(stream) {
            standing = self.look(stream).await?;
        }
        Ok(match (standing, last) {
            (None, None) => Some(RecordHash::genesis(self.ledger, stream)),
            (Some(standing), Some(last)) if standing.revision == last => Some(standing.hash),
            _ => None,
        })
    }

    /// Where the stream stands, asked anew.
    async fn look(&self, stream: StreamId) -> Result<Option<Standing>, AppendError> {
        let last = self.read(stream, Direction::Backwards, None, 1).await.map_err(unread)?;
        let standing =
            last.first().map(|last| Standing { revision: last.record.header().revision, hash: last.record.hash() });
        self.stands(stream, standing);
        self.doubt(stream, false);
        Ok(standing)
    }

    /// Sends until it is known what became of it, or patience ends.
    pub(super) async fn send(
        &self,
        stream: StreamId,
        expected: Expected,
        sealed: &Sealed,
        seen: u64,
    ) -> Result<Sent, AppendError> {
        let name = self.names.physical(stream);
        let state = match expected {
            Expected::New => client::Expected::NoStream,
            Expected::At(revision) => client::Expected::Revision(revision.number()),
        };
        let due = sealed.stamps.last().map_or(0, |(revision, _)| revision.number());
        let (begun, mut doubt) = (Instant::now(), None);
        loop {
            let what = match self.client.append(&name, state, &sealed.events).await {
                Ok(Written::Success { last, commit }) if last == due => {
                    return Ok(Sent::There { last: commit, repeated: doubt.is_none() && commit <= seen });
                }
                Ok(Written::Success { last, .. }) => {
                    return Err(AppendError::Corrupt(format!(
                        "KurrentDB wrote revision {last} of {name} where {due} was due: the stream was deleted or truncated \
                         there"
                    )));
                }
                Ok(Written::WrongExpected(_)) => {
                    let Some(doubt) = doubt else { return Ok(Sent::Elsewhere) };
                    let found = self.found(stream, expected, sealed).await.map_err(|error| match error {
                        // The first attempt may stand there.
                        AppendError::Busy(_) => AppendError::Unknown(doubt),
                        error => error,
                    });
                    return Ok(found?.map_or(Sent::Elsewhere, |last| Sent::There { last, repeated: false }));
                }
                Err(fault @ Fault::Deleted(_)) => return Err(AppendError::Corrupt(fault.to_string())),
                Err(fault) => fault,
            };
            // From the first doubt on, nothing that a later attempt says takes it away.
            if let Fault::Unknown(why) = &what {
                tracing::warn!(%stream, why, "it is not known whether KurrentDB took an append; it is sent again");
                doubt.get_or_insert_with(|| why.clone());
            }
            if !what.may_pass() || begun.elapsed() >= self.options.patience {
                return Err(match (doubt, what) {
                    (Some(doubt), _) => AppendError::Unknown(doubt),
                    (None, Fault::TooLarge(why)) => {
                        AppendError::Busy(format!("{why}; raise MaxAppendSize and MaxAppendEventSize of the server"))
                    }
                    (None, what) => AppendError::Busy(what.to_string()),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The place of the last record that was sent, if all of them are there.
    pub(super) async fn found(
        &self,
        stream: StreamId,
        expected: Expected,
        sealed: &Sealed,
    ) -> Result<Option<u64>, AppendError> {
        let there = self.history(stream, expected, sealed.stamps.len()).await?;
        let hashes = sealed.stamps.iter().map(|(_, hash)| *hash);
        let same = there.iter().map(|recorded| recorded.record.hash()).eq(hashes);
        Ok(there.last().filter(|_| same).map(|last| last.position.place()))
    }

    /// What stands where the append would have.
    async fn history(&self, stream: StreamId, expected: Expected, count: usize) -> Result<Vec<Recorded>, AppendError> {
        self.read(stream, Direction::Forwards, Some(expected.next()), count).await.map_err(unread)
    }

    /// The stream stands elsewhere: the answer that the append got the first time, or a conflict.
    async fn seen_before(&self, stream: StreamId, append: &Append) -> Result<Appended, AppendError> {
        let there = self.history(stream, append.expected, append.drafts.len()).await?;
        let same = there.len() == append.drafts.len()
            && append.drafts.iter().zip(&there).all(|(draft, recorded)| draft.became(&recorded.record));
        if same {
            return Ok(Appended { stamps: there.iter().map(stamp).collect(), repeated: true });
        }
        let standing = match self.standing(stream) {
            Some(standing) => Some(standing),
            None => self.look(stream).await?,
        };
        let actual = standing.map(|standing| standing.revision);
        Err(AppendError::Conflict { stream, actual })
    }

    /// The stamps of what was written. The server tells the place of the last record only: the others are asked for.
    async fn stamps(
        &self,
        stream: StreamId,
        sealed: &Sealed,
        last: u64,
        recorded: Timestamp,
    ) -> Result<Vec<Stamp>, AppendError> {
        let (Some(&(first, _)), Some(&(revision, hash))) = (sealed.stamps.first(), sealed.stamps.last()) else {
            return Ok(Vec::new());
        };
        let mut stamps = Vec::with_capacity(sealed.stamps.len());
        if sealed.stamps.len() > 1 {
            let count = sealed.stamps.len() - 1;
            let there = self.read(stream, Direction::Forwards, Some(first), count).await;
            // It is written: whoever sends it again is told all of it.
            let there = there.map_err(|error| AppendError::Unknown(error.to_string()))?;
            stamps.extend(there.iter().map(stamp));
            if !stamps.iter().map(|stamp| stamp.hash).eq(sealed.stamps[..count].iter().map(|(_, hash)| *hash)) {
                return Err(AppendError::Corrupt(format!("{stream} does not hold what was just written to it")));
            }
        }
        stamps.push(Stamp { position: self.position(last), revision, recorded, hash });
        Ok(stamps)
    }
}

fn after(append: &Append) -> Revision {
    let count = u64::try_from(append.drafts.len()).unwrap_or(u64::MAX);
    Revision::new(append.expected.next().number().saturating_add(count))
}

fn stamp(recorded: &Recorded) -> Stamp {
    let header = recorded.record.header();
    Stamp {
        position: recorded.position,
        revision: header.revision,
        recorded: header.recorded,
        hash: recorded.record.hash(),
    }
}

/// Nothing was sent yet.
fn unread(error: ReadError) -> AppendError {
    match error {
        ReadError::Corrupt(what) => AppendError::Corrupt(what),
        other => AppendError::Busy(other.to_string()),
    }
}

fn seal(
    stream: StreamId,
    appends: &[&Append],
    mut previous: RecordHash,
    recorded: Timestamp,
) -> Result<Sealed, AppendError> {
    let (mut events, mut stamps) = (Vec::new(), Vec::new());
    let mut revision = appends.first().map_or(Revision::FIRST, |first| first.expected.next());
    for draft in appends.iter().flat_map(|append| &append.drafts) {
        let mut data = Vec::with_capacity(draft.record_len());
        previous = draft.stamp(stream, revision, recorded, previous, &mut data);
        events.push(Proposed { id: previous.id().0, kind: draft.kind.to_string(), json: false, data });
        stamps.push((revision, previous));
        revision = revision.next();
    }
    if revision.number() > i64::MAX as u64 {
        let actual = None;
        return Err(AppendError::Conflict { stream, actual });
    }
    Ok(Sealed { events, stamps })
}
