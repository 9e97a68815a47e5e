//! One batch in the making: appends are judged against the streams' heads, earlier appends of the batch included, and
//! stamped straight into the frame's buffer.

use std::{io, sync::PoisonError};

use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Broken, Draft, Expected, Header, Position, RecordHash, Revision, SealedRecord,
        StreamId, continuity::Standing, log::Stamp,
    },
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{
    format::{Address, ENTRY_HEAD, FrameBuilder, entry_head},
    index::{Tip, Tips},
    queue::Pending,
    read::{self, Found},
    shared::Shared,
};

type Answer = (oneshot::Sender<Result<Appended, AppendError>>, Result<Appended, AppendError>);

/// A batch in the making.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) frame: FrameBuilder,
    /// The streams' heads after this batch.
    pub(crate) tips: Tips,
    pub(crate) hashes: Vec<RecordHash>,
    /// Told when the batch is on the disk, and not before: an answer may rest on what the batch holds.
    answers: Vec<Answer>,
    /// Where the frame goes.
    base: Address,
    pub(crate) recorded: Timestamp,
}

impl Default for Address {
    fn default() -> Self {
        Self::NONE
    }
}

/// How many later records of its stream an append may have and still be known for one that was taken before. They are read one
/// by one, and nobody else's append is taken meanwhile.
const FARTHEST_BACK: u64 = 1024;

/// Bytes that an append takes in a frame.
pub(crate) fn len_in_frame(append: &Append) -> usize {
    append.drafts.iter().map(|draft| ENTRY_HEAD + draft.record_len()).sum()
}

impl Batch {
    /// Begins anew: the frame goes to `base`, its first record has the place `first`.
    pub(crate) fn begin(&mut self, base: Address, first: u64, recorded: Timestamp) {
        self.frame.begin(first);
        self.tips.clear();
        self.hashes.clear();
        self.base = base;
        self.recorded = recorded;
    }

    pub(crate) fn answers(&self) -> usize {
        self.answers.len()
    }

    /// Answers everyone: as judged, or with the failure that befell the batch.
    pub(crate) fn answer(&mut self, failure: Option<&AppendError>) {
        for (reply, result) in self.answers.drain(..) {
            // Whoever no longer waits has no use for the answer.
            let _ = reply.send(failure.map_or(result, |failure| Err(failure.clone())));
        }
    }

    /// Judges an append and takes it in.
    pub(crate) fn take(&mut self, shared: &Shared, pending: Pending) {
        let Pending { append, reply } = pending;
        let tip = self.tip(shared, append.stream);
        let result = if append.expected == Expected::after(tip.map(|tip| tip.revision)) {
            Ok(self.stamp(shared, &append, tip))
        } else {
            self.repeated(shared, &append, tip)
        };
        self.answers.push((reply, result));
    }

    /// Where the stream ends, this batch included.
    fn tip(&self, shared: &Shared, stream: StreamId) -> Option<Tip> {
        let before = || shared.tips.read().unwrap_or_else(PoisonError::into_inner).get(&stream).copied();
        self.tips.get(&stream).copied().or_else(before)
    }

    /// Takes a whole record in as it is, if it belongs where its stream ends. Its time is not after that of the batch.
    pub(crate) fn restore(&mut self, shared: &Shared, record: &SealedRecord) -> Result<(), Broken> {
        let header = record.header();
        let tip = self.tip(shared, header.stream);
        let stands = tip.map(|Tip { revision, hash, .. }| Standing { revision, hash });
        Broken::check(shared.ledger, header, stands, None)?;
        let at = self.frame.push_whole(record.bytes(), tip.map_or(Address::NONE, |tip| tip.address));
        let (address, hash) = (Address::new(self.base.segment(), self.base.offset() + at), record.hash());
        self.hashes.push(hash);
        self.tips.insert(header.stream, Tip { address, revision: header.revision, hash });
        Ok(())
    }

    fn stamp(&mut self, shared: &Shared, append: &Append, tip: Option<Tip>) -> Appended {
        let mut stamps = Vec::with_capacity(append.drafts.len());
        let mut revision = append.expected.next();
        let (mut address, mut hash) = match tip {
            Some(tip) => (tip.address, tip.hash),
            None => (Address::NONE, RecordHash::genesis(shared.ledger, append.stream)),
        };
        for draft in &append.drafts {
            let Draft { kind, organ, person, .. } = *draft;
            let recorded = self.recorded;
            let header = Header { kind, stream: append.stream, revision, recorded, organ, person, previous: hash };
            let position = Position::new(shared.ledger, shared.epoch, self.frame.next());
            let (at, new) = self.frame.push(draft, header, address);
            hash = new;
            address = Address::new(self.base.segment(), self.base.offset() + at);
            self.hashes.push(hash);
            stamps.push(Stamp { position, revision, recorded, hash });
            revision = revision.next();
        }
        let revision = revision.before().unwrap_or_default();
        self.tips.insert(append.stream, Tip { address, revision, hash });
        Appended { stamps, repeated: false }
    }

    /// The stream stands elsewhere. Was this very append taken before?
    fn repeated(&self, shared: &Shared, append: &Append, tip: Option<Tip>) -> Result<Appended, AppendError> {
        let conflict = AppendError::Conflict { stream: append.stream, actual: tip.map(|tip| tip.revision) };
        let first = append.expected.next();
        let last = Revision::new(first.number().saturating_add(append.drafts.len() as u64 - 1));
        let taken = |tip: &Tip| last <= tip.revision && tip.revision.number() - last.number() <= FARTHEST_BACK;
        let Some(tip) = tip.filter(taken) else { return Err(conflict) };
        let mut stamps = Vec::with_capacity(append.drafts.len());
        let (mut address, mut revision) = (tip.address, tip.revision);
        loop {
            let found = self.find(shared, address).map_err(|trouble| match trouble {
                // Nothing was written.
                read::Trouble::Io(error) => AppendError::Busy(error.to_string()),
                read::Trouble::Damaged(_) => AppendError::Corrupt(trouble.to_string()),
            })?;
            if found.record.header().revision != revision || found.record.header().stream != append.stream {
                return Err(AppendError::Corrupt(format!("{} does not lead back to revision {first}", append.stream)));
            }
            if revision <= last {
                let draft = usize::try_from(revision.number() - first.number()).ok().and_then(|i| append.drafts.get(i));
                if !draft.is_some_and(|draft| draft.became(&found.record)) {
                    return Err(conflict);
                }
                stamps.push(Stamp {
                    position: Position::new(shared.ledger, shared.epoch, found.place),
                    revision,
                    recorded: found.record.header().recorded,
                    hash: found.record.hash(),
                });
            }
            if revision == first {
                stamps.reverse();
                return Ok(Appended { stamps, repeated: true });
            }
            address = found.previous;
            revision = revision.before().unwrap_or_default();
        }
    }

    /// A record of this batch, or of the files.
    fn find(&self, shared: &Shared, address: Address) -> Result<Found, read::Trouble> {
        if self.frame.count() == 0 || address < self.base {
            return read::find(shared, address);
        }
        let at = (address.offset() - self.base.offset()) as usize;
        let (len, place, previous) = entry_head(&self.frame.bytes()[at..]);
        let start = at + ENTRY_HEAD;
        let record = SealedRecord::from_bytes(&self.frame.bytes()[start..start + len as usize])
            .map_err(|error| read::Trouble::Io(io::Error::other(error)))?;
        Ok(Found { place, previous, record })
    }

    /// Moves the streams' heads to what all readers see.
    pub(crate) fn publish(&mut self, tips: &mut Tips) {
        tips.extend(self.tips.drain());
    }
}
