//! Which record of a damaged batch is it? The checksum only says that one of them was changed; the records themselves say
//! more: each names its predecessor's hash, and is named by its successor's.

use std::collections::{BTreeMap, BTreeSet};

use socai_domain::ledger::{Header, RecordHash, Revision, SealedRecord, StreamId};

use super::{Fault, spans::Plan};
use crate::log::file::{
    format::{Address, ENTRY_HEAD, FIRST_FRAME, FRAME_HEAD, FrameHead, entry_head},
    segment::{Segment, Step, Walker},
};

/// A record of the batch in question.
struct Suspect {
    address: Address,
    place: u64,
    header: Header,
    hash: RecordHash,
    /// What its successor says of it.
    successor: Option<Successor>,
}

/// A record that names a suspect as its predecessor.
struct Successor {
    names: RecordHash,
    stream: StreamId,
    revision: Revision,
    /// Its own address, if it is of the same batch, and so a suspect itself.
    suspect: Option<Address>,
}

/// Says as exactly as can be told what is wrong with the batch at `offset`, whose first record has the place `place`.
pub(super) fn locate(plan: &Plan, segment: &Segment, offset: u32, place: u64, what: &str) -> Fault {
    search(plan, segment, offset, place, what).unwrap_or_else(|_| Fault::at(segment.damage(offset, place, what)))
}

fn search(plan: &Plan, segment: &Segment, offset: u32, place: u64, what: &str) -> std::io::Result<Fault> {
    let mut bytes = vec![0; (segment.header.size - offset) as usize];
    let read = segment.file.read_at(&mut bytes, u64::from(offset))?;
    let head = FrameHead::read(&bytes[..read]).filter(|head| head.first == place && head.len as usize <= read);
    let Some(head) = head else { return Ok(Fault::at(segment.damage(offset, place, what))) };
    let frame = &bytes[..head.len as usize];
    let mut suspects: BTreeMap<Address, Suspect> = BTreeMap::new();
    let mut at = FRAME_HEAD;
    for place in head.first..=head.last() {
        let Some((address, end, header)) = entry(segment, offset, frame, at) else {
            return Ok(Fault::at(segment.damage(offset, place, what)));
        };
        let named = |what: String| Ok(of(segment, address, place, what, header.stream, header.revision));
        let (_, stands, previous) = entry_head(&frame[at..]);
        if stands == place && place == head.last() && end > frame.len() {
            let what = format!("{what}: its length was changed, or that of its last record");
            return Ok(Fault::at(segment.damage(offset, head.first, what)));
        }
        if stands != place || end > frame.len() {
            return named(format!("{what}: the record's length or place was changed"));
        }
        let hash = RecordHash::of(&frame[at + ENTRY_HEAD..end]);
        // What the record says of its predecessor.
        let before = match suspects.get(&previous) {
            Some(suspect) => Some(suspect.hash),
            None if previous == Address::NONE => Some(RecordHash::genesis(plan.ledger(), header.stream)),
            None => hash_at(plan, previous),
        };
        if before != Some(header.previous) && !suspects.contains_key(&previous) {
            return named(format!("{what}: this record's header was changed"));
        }
        suspects.insert(address, Suspect { address, place, header, hash, successor: None });
        at = end;
    }
    // What later records say of these.
    let mut later = Later { plan, at: (segment.header.number, offset + head.len), next: head.last() + 1 };
    let mut naming = Vec::new();
    entries(segment, offset, frame, head.count, &mut naming);
    loop {
        for (address, previous, header) in naming.drain(..) {
            let suspect = suspects.contains_key(&address).then_some(address);
            if let Some(named) = suspects.get_mut(&previous) {
                let (stream, revision) = (header.stream, header.revision.before().unwrap_or_default());
                named.successor = Some(Successor { names: header.previous, stream, revision, suspect });
            }
        }
        if !later.read(&mut naming)? {
            return Ok(judge(segment, (offset, place, what), &suspects));
        }
    }
}

/// A successor's word counts if it is of another batch, or was itself found to be intact.
fn judge(segment: &Segment, (offset, place, what): (u32, u64, &str), suspects: &BTreeMap<Address, Suspect>) -> Fault {
    let mut intact: BTreeSet<Address> = BTreeSet::new();
    let mut changed = None;
    for (&address, suspect) in suspects.iter().rev() {
        let Some(successor) = &suspect.successor else { continue };
        if successor.suspect.is_none_or(|address| intact.contains(&address)) {
            if successor.names == suspect.hash {
                intact.insert(address);
            } else {
                changed = Some((address, suspect.place, successor.stream, successor.revision));
            }
        }
    }
    if let Some((address, place, stream, revision)) = changed {
        return of(segment, address, place, format!("{what}: this record was changed"), stream, revision);
    }
    // No later record vouches for these: one of them was changed, or the batch's own head was.
    let mut open = suspects.values().filter(|suspect| !intact.contains(&suspect.address));
    let Some(Suspect { place, header, .. }) = open.next() else {
        return Fault::at(segment.damage(offset, place, format!("{what}; its records are as they were")));
    };
    let what = match open.count() {
        0 => format!("{what}: this record was changed, or the batch's head"),
        more => format!("{what}: this record was changed, or one of {more} others of its batch, or the batch's head"),
    };
    Fault::of(segment.damage(offset, *place, what), header.stream, header.revision)
}

fn of(segment: &Segment, at: Address, place: u64, what: String, stream: StreamId, revision: Revision) -> Fault {
    Fault::of(segment.damage(at.offset(), place, what), stream, revision)
}

/// The entry at `at` of a frame: its address, where it ends, its record's header.
fn entry(segment: &Segment, offset: u32, frame: &[u8], at: usize) -> Option<(Address, usize, Header)> {
    let rest = frame.get(at..).filter(|rest| rest.len() > ENTRY_HEAD)?;
    let header = Header::read(&rest[ENTRY_HEAD..]).ok()?;
    let end = at + ENTRY_HEAD + entry_head(rest).0 as usize;
    Some((Address::new(segment.header.number, offset + u32::try_from(at).ok()?), end, header))
}

/// Address, predecessor and header of each entry.
fn entries(segment: &Segment, offset: u32, frame: &[u8], count: u32, into: &mut Vec<(Address, Address, Header)>) {
    let mut at = FRAME_HEAD;
    for _ in 0..count {
        let Some((address, end, header)) = entry(segment, offset, frame, at) else { break };
        into.push((address, entry_head(&frame[at..]).2, header));
        at = end;
    }
}

/// The hash of the record at an address.
fn hash_at(plan: &Plan, address: Address) -> Option<RecordHash> {
    let segment = plan.segments.get((address.segment() as usize).checked_sub(1)?)?;
    let mut bytes = vec![0; ENTRY_HEAD + socai_domain::ledger::record::MAX_RECORD_LEN];
    let read = segment.file.read_at(&mut bytes, u64::from(address.offset())).ok()?;
    let len = entry_head(bytes.get(..read.max(ENTRY_HEAD))?).0 as usize;
    let record = bytes.get(ENTRY_HEAD..ENTRY_HEAD.checked_add(len)?)?;
    SealedRecord::from_bytes(record).ok().map(|record| record.hash())
}

/// The batches after the one in question, as far as they can be walked.
struct Later<'a> {
    plan: &'a Plan,
    at: (u32, u32),
    next: u64,
}

impl Later<'_> {
    fn read(&mut self, into: &mut Vec<(Address, Address, Header)>) -> std::io::Result<bool> {
        let Some(segment) = self.plan.segments.get(self.at.0 as usize - 1) else { return Ok(false) };
        let mut walker = Walker::new(segment, self.at.1, self.next, true);
        while let Step::Frame { offset, head, bytes } = walker.step()? {
            entries(segment, offset, bytes, head.count, into);
            self.next = head.last() + 1;
            self.at.1 = offset + head.len;
            if into.len() > 10_000 {
                return Ok(true);
            }
        }
        self.at = (self.at.0 + 1, FIRST_FRAME);
        Ok(true)
    }
}
