//! Joining the spans in order: does each go on where the one before it ended, in the log and in every stream?

use std::collections::hash_map::Entry;

use socai_domain::{
    ledger::{RecordHash, log::chain_head},
    time::Timestamp,
};

use super::{
    Fault,
    span::{Link, Verified},
    spans::Plan,
};
use crate::log::file::{Damage, format::Address, index::Tips};

/// How many streams are looked up before the first is used.
const AT_ONCE: usize = 32;

/// All that was verified so far.
#[derive(Debug)]
pub(super) struct Chains {
    tips: Tips,
    place: u64,
    head: Option<RecordHash>,
    recorded: Option<Timestamp>,
    bytes: u64,
    expected: Option<u64>,
    torn: Option<Damage>,
}

impl Chains {
    pub(super) fn new(plan: &Plan) -> Self {
        // A head of the empty log is met before the first record.
        let expected = plan.expect.map(|(position, _)| position.place()).filter(|&place| place > 0);
        Self { tips: Tips::default(), place: 0, head: None, recorded: None, bytes: 0, expected, torn: None }
    }

    pub(super) fn place(&self) -> u64 {
        self.place
    }

    pub(super) fn head(&self) -> Option<RecordHash> {
        self.head
    }

    pub(super) fn recorded(&self) -> Option<Timestamp> {
        self.recorded
    }

    pub(super) fn streams(&self) -> usize {
        self.tips.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn torn(&self) -> Option<Damage> {
        self.torn.clone()
    }

    /// Takes the next span.
    pub(super) fn add(&mut self, plan: &Plan, index: usize, verified: &Verified) -> Result<(), Fault> {
        let span = &plan.spans[index];
        let segment = &plan.segments[span.segment];
        let wrong = |what: &str| Err(Fault::at(segment.damage(span.from, self.place + 1, what)));
        let header = &segment.header;
        let begins = span.from == crate::log::file::format::FIRST_FRAME;
        if begins && (header.first != self.place + 1 || header.head_before() != self.head) {
            return wrong("the segment does not begin where the one before it ends");
        }
        if span.first != self.place + 1 {
            return wrong("batches are missing before this one");
        }
        if let Some(head) = verified.first_head
            && chain_head(plan.ledger(), self.head, &verified.first_hashes) != head
        {
            return wrong("the log head of a batch is wrong: a batch before it was changed, removed or moved");
        }
        for links in verified.links.chunks(AT_ONCE) {
            // Looked up first and used then: so the processor waits for many places in memory at once.
            std::hint::black_box(links.iter().filter(|link| self.tips.contains_key(&link.stream)).count());
            for link in links {
                if let Some(what) = self.join(link) {
                    let damage = segment.damage(link.tip.address.offset(), link.place, what);
                    return Err(Fault::of(damage, link.stream, link.tip.revision));
                }
            }
        }
        self.place = verified.place;
        self.head = verified.head.or(self.head);
        self.recorded = verified.recorded.max(self.recorded);
        self.bytes += u64::from(verified.end - span.from);
        self.torn.clone_from(&verified.torn);
        self.expect(plan, index + 1 == plan.spans.len(), verified.expected)
    }

    /// Takes on the next record of a stream; says what is wrong if the stream did not end where this one begins.
    fn join(&mut self, link: &Link) -> Option<&'static str> {
        let first = link.tip.revision.number() == 0;
        match self.tips.entry(link.stream) {
            Entry::Vacant(vacant) if first && link.before == Address::NONE => {
                vacant.insert(link.tip);
                None
            }
            Entry::Vacant(_) => Some("the records of the stream before this one are missing"),
            Entry::Occupied(mut known) => {
                let last = known.insert(link.tip);
                if link.tip.revision != last.revision.next() {
                    Some("a revision of the stream is missing, or stands twice")
                } else if link.names != last.hash {
                    Some(
                        "the record does not name the hash of the one before it in its stream: one of them was changed",
                    )
                } else if link.before != last.address {
                    Some("the record does not say where its predecessor is")
                } else {
                    None
                }
            }
        }
    }

    /// Holds the log against the expected head.
    fn expect(&mut self, plan: &Plan, last: bool, found: Option<RecordHash>) -> Result<(), Fault> {
        let Some((position, hash)) = plan.expect else { return Ok(()) };
        if found == Some(hash) {
            self.expected = None;
        }
        if self.expected.is_none() {
            return Ok(());
        }
        match found {
            Some(found) => Err(Fault::Unexpected(format!("at {position} its head is {found}, not {hash}"))),
            None if self.place >= position.place() => {
                Err(Fault::Unexpected(format!("no batch ends at {position}, so it never had a head there")))
            }
            None if last => Err(Fault::Unexpected(format!("it ends at record {}, before {position}", self.place))),
            None => Ok(()),
        }
    }
}
