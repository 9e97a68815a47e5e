//! The trail of a document, straight from the ledger: every record, its hash recomputed, its place in the chain checked.

use async_graphql::{Context, Enum, ID, Object, SimpleObject, connection::PageInfo};
use socai_domain::{
    id::{IncomingId, PersonId},
    incoming,
    ledger::{
        self, Context as Sealed, Direction, DomainEvent, OpenError, Opened, RecordHash, Recorded, Revision as At,
    },
    process::EXPUNGED,
};

use super::{
    notary::Checkpoint,
    people::{Person, Post},
    words,
};
use crate::{
    app::Services,
    error::{ApiError, Result},
    language::Language,
    notary::Signed,
    scalars::{DateTime, Hash, Position, Revision, Uuid},
    schema::page::{Connection, Edge},
    session::session,
};

/// Whether a record is what it must be (kết quả kiểm tra).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Verification {
    /// Its place and its link to the record before are right, and so are those of every record before it (toàn vẹn).
    Verified,
    /// This record, or one before it, is not what the chain says (không khớp).
    Broken,
    /// The chain up to here is right, but this record's content does not open, and nobody erased it (không đọc được).
    Unreadable,
}

/// A record of a trail.
#[derive(Clone, Debug)]
pub(crate) struct TrailRecord {
    recorded: Recorded,
    hash: RecordHash,
    verification: Verification,
    opened: Option<(Sealed, DomainEvent)>,
    erased: bool,
    /// Its leaf, and the newest checkpoint, if that covers it.
    covered: Option<(u64, Signed)>,
}

/// One record of a trail (một bản ghi trong nhật ký): what happened, who did it, and the proof.
#[Object]
impl TrailRecord {
    /// Its id: made from its hash.
    async fn record_id(&self) -> Uuid {
        Uuid(self.hash.id().0)
    }

    /// The stream it stands in.
    async fn stream(&self) -> ID {
        ID(self.recorded.record.header().stream.to_string())
    }

    /// Its place in the stream.
    async fn revision(&self) -> Revision {
        Revision(self.recorded.record.header().revision)
    }

    /// Its place in the ledger.
    async fn position(&self) -> Position {
        Position(self.recorded.position)
    }

    /// Its hash, computed anew from its bytes: compare it with your receipt.
    async fn hash(&self) -> Hash {
        Hash(self.hash)
    }

    /// The hash of the record before it, as it says itself.
    async fn previous(&self) -> Hash {
        Hash(self.recorded.record.header().previous)
    }

    /// Whether the chain from the beginning up to here is whole, and this record opens.
    async fn verification(&self) -> Verification {
        self.verification
    }

    /// Its leaf in the notary's tree, its place in the order of the whole ledger, from 0; none before a checkpoint covers it (số
    /// thứ tự trong cây).
    async fn leaf_index(&self) -> Option<u64> {
        self.covered.as_ref().map(|(leaf, _)| *leaf)
    }

    /// The newest signed checkpoint, if it covers this record (điểm kiểm đã ký bao gồm bản ghi này). `receiptProof` proves it.
    async fn covered_by(&self) -> Option<Checkpoint> {
        self.covered.as_ref().map(|(_, signed)| signed.clone().into())
    }

    /// When the ledger took it.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.recorded.record.header().recorded)
    }

    /// The instant for which it was decided; none once erased.
    async fn decided_at(&self) -> Option<DateTime> {
        self.context().map(|context| DateTime(context.at))
    }

    /// The event's name in the catalogue, e.g. `IncomingRegistered` (tên sự kiện).
    async fn event(&self) -> String {
        let kind = self.recorded.record.header().kind;
        kind.entry().map_or_else(|| kind.to_string(), |entry| entry.name.to_owned())
    }

    /// The version of the event's stored form.
    async fn event_version(&self) -> Option<u8> {
        self.recorded.record.header().kind.entry().map(|entry| entry.version)
    }

    /// What happened, in a few words (việc đã làm).
    async fn title(&self, ctx: &Context<'_>, lang: Option<Language>) -> &'static str {
        words::title(self.recorded.record.header().kind, lang.unwrap_or(session(ctx).language))
    }

    /// What was said with it: a reason, a number, an opinion (nội dung); none once erased.
    async fn summary(&self, ctx: &Context<'_>, lang: Option<Language>) -> Option<String> {
        let (_, event) = self.opened.as_ref()?;
        words::summary(event, lang.unwrap_or(session(ctx).language))
    }

    /// Its content was erased; the record, its hash and its place stay (đã xóa nội dung).
    async fn erased(&self) -> bool {
        self.erased
    }

    /// Who acted; none for the system itself (người thực hiện).
    async fn person(&self) -> Option<Person> {
        let person = self.recorded.record.header().person;
        (!person.is_nil()).then(|| Person(PersonId::new(person)))
    }

    /// The post acted in (vị trí thực hiện).
    async fn acting_as(&self) -> Option<Post> {
        self.context()?.acting_as.map(Post)
    }

    /// Whom a substitute acted for (thay mặt).
    async fn on_behalf_of(&self) -> Option<Person> {
        self.context()?.on_behalf_of.map(Person)
    }

    /// The command that this came of.
    async fn command_id(&self) -> Option<Uuid> {
        self.context().map(|context| Uuid(context.command.uuid()))
    }

    /// What joins the records and log lines of one request.
    async fn correlation_id(&self) -> Option<Uuid> {
        self.context().map(|context| Uuid(context.correlation.uuid()))
    }

    /// The record that led to this one.
    async fn caused_by(&self) -> Option<Uuid> {
        self.context()?.causation.map(|cause| Uuid(cause.uuid()))
    }

    /// The revision of the organ's stream by which roles, units and calendar were judged.
    async fn judged_by(&self) -> Option<Revision> {
        self.context()?.judged_by.map(|revision| Revision(At::new(revision)))
    }
}

impl TrailRecord {
    fn context(&self) -> Option<&Sealed> {
        self.opened.as_ref().map(|(context, _)| context)
    }
}

/// The trail of a document (nhật ký của văn bản).
#[derive(SimpleObject)]
pub(crate) struct Trail {
    /// Is the whole chain, from the first record to the last, unbroken? VERIFIED or BROKEN; what does not open, its records say.
    verification: Verification,
    /// How many records it has.
    length: u64,
    /// Revision of the first record that is not what it must be.
    broken_at: Option<Revision>,
    /// The value that the first record names as its predecessor: derived from the ledger's id and the stream.
    genesis: Hash,
    /// The hash of the last record.
    last: Option<Hash>,
    /// The records, oldest first.
    records: Connection<TrailRecord>,
}

/// How many records are read at once.
const CHUNK: usize = 256;

/// Reads and verifies a document's whole stream, or only what was there at the position `until`, and opens the page that was
/// asked for.
pub(crate) async fn read(
    services: &Services,
    document: IncomingId,
    first: u32,
    after: Option<&str>,
    until: Option<ledger::Position>,
) -> Result<Trail> {
    let stream = incoming::stream(document);
    let wrong =
        |_| ApiError::field("after", ("hãy gửi lại con trỏ của một bản ghi", "give back the cursor of a record"));
    let from =
        after.map(|text| text.parse::<u64>().map_err(wrong)).transpose()?.map_or(0, |after| after.saturating_add(1));
    let genesis = RecordHash::genesis(services.log().ledger(), stream);
    let (mut expected, mut next, mut broken_at) = (genesis, At::FIRST, None);
    let (mut edges, mut has_next, mut erased_below) = (Vec::new(), false, At::FIRST);
    let mut reading = At::FIRST;
    loop {
        let records = services.log().read(stream, Direction::Forwards, Some(reading), CHUNK).await?;
        let there = |recorded: &Recorded| until.is_none_or(|until| recorded.position.place() <= until.place());
        let ended = records.len() < CHUNK;
        for recorded in records {
            reading = reading.next();
            // Also one that came after `until`: what was erased is not shown as it was before.
            if recorded.record.header().kind == EXPUNGED {
                erased_below = recorded.record.header().revision;
            }
            if !there(&recorded) {
                continue;
            }
            let (header, hash) = (*recorded.record.header(), recorded.record.hash());
            let right = header.stream == stream && header.revision == next && header.previous == expected;
            if !right && broken_at.is_none() {
                broken_at = Some(next);
            }
            let wanted = next.number() >= from;
            has_next = wanted && edges.len() >= first as usize;
            if wanted && !has_next {
                edges.push(edge(services, recorded, hash, broken_at.is_some()).await?);
            }
            (expected, next) = (hash, next.next());
        }
        if ended {
            break;
        }
    }
    // Whether or not its key is destroyed: it may not be yet, and an older copy of the ring has it back.
    for edge in edges.iter_mut().filter(|edge| edge.node.recorded.record.header().revision < erased_below) {
        (edge.node.opened, edge.node.erased) = (None, true);
    }
    cover(services, &mut edges).await;
    let page_info = PageInfo {
        has_previous_page: from > 0,
        has_next_page: has_next,
        start_cursor: edges.first().map(|edge: &Edge<TrailRecord>| edge.cursor.clone()),
        end_cursor: edges.last().map(|edge| edge.cursor.clone()),
    };
    let length = next.number();
    Ok(Trail {
        verification: if broken_at.is_some() { Verification::Broken } else { Verification::Verified },
        length,
        broken_at: broken_at.map(Revision),
        genesis: Hash(genesis),
        last: (length > 0).then_some(Hash(expected)),
        records: Connection { edges, page_info, total_count: Some(length), position: None },
    })
}

/// Notes which records the newest checkpoint covers. A trail is whole without that: if it cannot be told, it is not.
async fn cover(services: &Services, edges: &mut [Edge<TrailRecord>]) {
    let Some(signed) = services.notary.standing().signed else { return };
    let positions = edges.iter().map(|edge| edge.node.recorded.position).collect();
    match services.notary.leaves(positions).await {
        Ok(leaves) => {
            for (edge, leaf) in edges.iter_mut().zip(leaves) {
                edge.node.covered = leaf.filter(|leaf| *leaf < signed.size).map(|leaf| (leaf, signed.clone()));
            }
        }
        Err(error) => tracing::warn!(%error, "a trail is shown without its leaves"),
    }
}

async fn edge(services: &Services, recorded: Recorded, hash: RecordHash, broken: bool) -> Result<Edge<TrailRecord>> {
    let opened = services.handler.opener().open(&recorded.record).await;
    let erased = matches!(opened, Ok(Opened::Erased));
    let whole = if broken { Verification::Broken } else { Verification::Verified };
    let (verification, opened) = match opened {
        Ok(Opened::Event(context, event)) => (whole, Some((context, event))),
        Ok(Opened::Erased) => (whole, None),
        // Shown as it is, not hidden behind an error.
        Err(OpenError::Unreadable { .. }) if broken => (whole, None),
        Err(OpenError::Unreadable { .. }) => (Verification::Unreadable, None),
        Err(error) => return Err(error.into()),
    };
    let cursor = recorded.record.header().revision.to_string();
    Ok(Edge { cursor, node: TrailRecord { recorded, hash, verification, opened, erased, covered: None } })
}
