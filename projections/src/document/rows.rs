//! The document's tables.

use serde::{Deserialize, Serialize};
use socai_domain::{incoming::events::Assignee, text::code_key};

use super::{held::HeldBy, state::Document};
use crate::{
    out::Out,
    table::{Table, bytes, index, int, null, text, unique},
    value::{Column as _, Value},
};

/// One row per document: what lists show, filter and sort by, and the folded document itself.
pub(crate) static DOCUMENT: Table = Table {
    name: "document",
    key: 1,
    columns: &[
        int("document"),
        bytes("id"),
        bytes("organ"),
        int("revision"),
        int("changed"),
        null(int("stage")),
        int("stage_since"),
        null(int("channel")),
        null(text("type_name")),
        null(text("type_key")),
        int("urgency"),
        null(text("issuer_name")),
        null(text("code")),
        null(int("promulgated_on")),
        null(text("abstract")),
        null(int("arrived_at")),
        null(int("year")),
        null(int("number")),
        int("holder_kind"),
        null(bytes("holder_unit")),
        null(bytes("holder_post")),
        null(bytes("holder_person")),
        int("held_since"),
        null(int("due")),
        null(int("binding_due")),
        int("waits_for_paper"),
        int("erased"),
        bytes("state"),
    ],
    indexes: &[unique("document_id", "id"), index("document_changed", "organ, changed")],
};

/// `PostgreSQL` would go through the whole table for the documents of few days; SQLite goes along the organ's. And it counts
/// documents without looking into the table, where a row has two kilobytes.
pub(crate) static POSTGRES_INDEX: &[&str] = &[
    "CREATE INDEX document_arrived ON document (organ, arrived_at)",
    "CREATE INDEX document_counted ON document (document) INCLUDE (id, organ)",
];

/// Who sees a document without seeing all of the organ's.
pub(crate) static PARTY: Table = Table {
    name: "document_party",
    key: 3,
    columns: &[int("document"), int("kind"), bytes("party")],
    indexes: &[index("document_party_party", "kind, party, document")],
};

/// As what somebody has or had a part in a document. Stored by ordinal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum PartyKind {
    /// A unit that holds or held a branch, or follows.
    Unit,
    /// A person.
    Person,
    /// The post in which a person holds or held it: what the post sees, its substitutes see.
    Post,
    /// The unit of that post: its head sees it, not everybody in it.
    UnitOfPerson,
    /// A person who was granted access.
    Granted,
}

crate::value::through_place! {
    PartyKind: Unit, Person, Post, UnitOfPerson, Granted;
}

/// The rows of a document.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    let details = document.details.as_ref();
    let round = document.round();
    let (held, since) = document.held();
    let (kind, unit, holder) = match held {
        HeldBy::Nobody => (0, None, None),
        HeldBy::Clerks => (1, None, None),
        HeldBy::Leader(holder) => (2, None, Some(holder)),
        HeldBy::Assignee { assignee: Assignee::Unit { unit }, .. } => (3, Some(unit), None),
        HeldBy::Assignee { assignee: Assignee::Person { holder }, .. } => (4, None, Some(holder)),
    };
    let state = postcard::to_stdvec(document).expect("writing to memory does not fail");
    let registration = document.registration.as_ref();
    out.add(
        &DOCUMENT,
        vec![
            document.ordinal.into(),
            document.id.into(),
            document.organ.into(),
            i64::try_from(document.revision).unwrap_or(i64::MAX).into(),
            document.changed.into(),
            document.stage.into(),
            document.stage_since.into(),
            document.channel.into(),
            details.map(|details| details.type_name.to_string()).into(),
            details.map(|details| code_key(details.type_name.as_str())).into(),
            details.map(|details| details.urgency).unwrap_or_default().into(),
            details.map(|details| details.issuer_name.to_string()).into(),
            document.code().into(),
            details.and_then(|details| details.promulgated_on).into(),
            details.map(|details| details.abstract_text.to_string()).into(),
            document.arrived_at.into(),
            registration.and_then(|registration| registration.year).into(),
            registration.map(|registration| registration.number.get()).into(),
            Value::Int(kind),
            unit.into(),
            holder.map(|holder| holder.post).into(),
            holder.map(|holder| holder.person).into(),
            since.into(),
            round.and_then(|round| round.due).into(),
            round.and_then(|round| round.binding_due).into(),
            document.waits_for_paper().into(),
            document.erased.is_some().into(),
            state.to_value(),
        ],
    );
    for (kind, party) in &document.parties {
        out.add(&PARTY, vec![document.ordinal.into(), (*kind).into(), Value::Bytes(party.to_vec())]);
    }
}
