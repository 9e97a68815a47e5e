//! Verifying one span on its own: all that needs no knowledge of what comes before it.

use socai_domain::{
    ledger::{Header, RecordHash, StreamId, log::chain_head, record::NotARecord},
    time::Timestamp,
};

use super::{
    Fault,
    locate::locate,
    spans::{Plan, Span},
};
use crate::log::file::{
    Damage,
    format::{Address, Entries, Entry, FrameHead},
    index::Tip,
    segment::{APART, LOOKS, Segment, Step, Walker},
};

/// What a record says of its place in its stream. Whether that is so is known only when all before it are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) stream: StreamId,
    pub(super) place: u64,
    /// The hash and the address that it gives for its predecessor.
    pub(super) names: RecordHash,
    pub(super) before: Address,
    /// Revision, hash and address of its own.
    pub(super) tip: Tip,
}

/// What is known of a span that is right in itself.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) links: Vec<Link>,
    /// The hashes of the first frame, whose head needs the head before it.
    pub(super) first_hashes: Vec<RecordHash>,
    pub(super) first_head: Option<RecordHash>,
    /// The time of the latest record.
    pub(super) recorded: Option<Timestamp>,
    /// The head after the last frame.
    pub(super) head: Option<RecordHash>,
    /// The place of the last record.
    pub(super) place: u64,
    /// The offset after the last frame.
    pub(super) end: u32,
    /// The head at the expected position, if a batch of this span ends there.
    pub(super) expected: Option<RecordHash>,
    /// A batch that is not whole, and not known to have been acknowledged, follows the last frame.
    pub(super) torn: Option<Damage>,
}

/// Verifies a span.
pub(super) fn verify(plan: &Plan, span: &Span) -> Result<Verified, Fault> {
    let segment = &plan.segments[span.segment];
    let mut walker = Walker::new(segment, span.from, span.first, true).until(span.to);
    let mut work = Work::new(plan, segment, span);
    let growing = span.ends_segment && span.segment + 1 == plan.segments.len();
    let mut looks = 0;
    loop {
        let step = walker.step().map_err(Fault::io(format!("reading {}", segment.name())))?;
        let (offset, what) = match step {
            Step::Frame { offset, head, bytes } => {
                work.frame(offset, &head, bytes)?;
                looks = 0;
                continue;
            }
            Step::End { offset } if !span.ends_segment && offset != span.to => (offset, "a batch is missing here"),
            Step::End { offset } if !span.ends_segment => return Ok(work.finish(offset)),
            Step::End { offset } => {
                let rest = segment.last_nonzero(offset).map_err(Fault::io(format!("reading {}", segment.name())))?;
                if rest.is_none() {
                    return Ok(work.finish(offset));
                }
                (offset, "a byte after the last batch is not zero")
            }
            Step::Bad { offset, what } => (offset, what),
        };
        if !growing || looks == LOOKS {
            let next = walker.next_place();
            if growing && !plan.must_hold(next) {
                // As the next start judges it.
                let follows = segment.frame_after(offset, next);
                if follows.map_err(Fault::io(format!("reading {}", segment.name())))?.is_none() {
                    let mut verified = work.finish(offset);
                    verified.torn = Some(segment.damage(offset, next, what));
                    return Ok(verified);
                }
            }
            return Err(locate(plan, segment, offset, walker.next_place(), what));
        }
        // A server may be writing this very batch.
        looks += 1;
        std::thread::sleep(APART);
        walker.reread();
    }
}

struct Work<'a> {
    plan: &'a Plan,
    segment: &'a Segment,
    expect: Option<u64>,
    hashes: Vec<RecordHash>,
    verified: Verified,
}

impl<'a> Work<'a> {
    fn new(plan: &'a Plan, segment: &'a Segment, span: &Span) -> Self {
        let verified = Verified {
            links: plan.space(),
            first_hashes: Vec::new(),
            first_head: None,
            recorded: None,
            head: None,
            place: span.first - 1,
            end: span.from,
            expected: None,
            torn: None,
        };
        let expect = plan.expect.map(|(position, _)| position.place());
        Self { plan, segment, expect, hashes: Vec::new(), verified }
    }

    fn finish(mut self, end: u32) -> Verified {
        self.verified.end = end;
        self.verified
    }

    fn frame(&mut self, offset: u32, head: &FrameHead, bytes: &[u8]) -> Result<(), Fault> {
        self.hashes.clear();
        for entry in Entries::new(head, bytes) {
            let entry = entry.map_err(|what| Fault::at(self.segment.damage(offset, head.first, what)))?;
            self.record(offset, &entry)?;
        }
        if self.verified.first_head.is_none() {
            self.verified.first_hashes.clone_from(&self.hashes);
            self.verified.first_head = Some(head.head);
        } else if chain_head(self.plan.ledger(), self.verified.head, &self.hashes) != head.head {
            return Err(locate(self.plan, self.segment, offset, head.first, "the log head of a batch is wrong"));
        }
        self.verified.head = Some(head.head);
        self.verified.place = head.last();
        if self.expect == Some(head.last()) {
            self.verified.expected = Some(head.head);
        }
        Ok(())
    }

    fn record(&mut self, offset: u32, entry: &Entry<'_>) -> Result<(), Fault> {
        let at = offset + entry.at;
        let header = Header::read(entry.record);
        let header =
            header.map_err(|error: NotARecord| Fault::at(self.segment.damage(at, entry.place, error.to_string())))?;
        let wrong =
            |what: &str| Err(Fault::of(self.segment.damage(at, entry.place, what), header.stream, header.revision));
        let hash = RecordHash::of(entry.record);
        self.hashes.push(hash);
        self.verified.recorded = self.verified.recorded.max(Some(header.recorded));
        let address = Address::new(self.segment.header.number, at);
        let tip = Tip { address, revision: header.revision, hash };
        let Header { stream, previous: names, .. } = header;
        self.verified.links.push(Link { stream, place: entry.place, names, before: entry.previous, tip });
        // Checked here, where it is done on all cores; whether the stream may begin here is known only later.
        if header.revision.number() == 0 && header.previous != RecordHash::genesis(self.plan.ledger(), header.stream) {
            return wrong("the first record of a stream does not name the genesis value");
        }
        Ok(())
    }
}
