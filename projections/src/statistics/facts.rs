//! What is counted of documents: one fact per round of work.

use socai_domain::incoming::Stage;

use crate::{
    document::{Document, RoundEnd},
    out::Out,
    table::{Table, bytes, finding, index, int, null, partial},
    value::Value,
};

crate::value::through_place! {
    RoundEnd: Resolved, Refused, Cancelled;
}

pub(crate) static FACT: Table = Table {
    name: "document_fact",
    key: 2,
    columns: &[
        int("document"),
        int("round"),
        bytes("organ"),
        null(int("arrived_at")),
        null(int("registered_at")),
        null(int("began_at")),
        null(int("due")),
        null(int("original_due")),
        null(int("binding_due")),
        null(int("ended")),
        null(int("ended_at")),
    ],
    indexes: &[
        finding("document_fact_ended", "organ, ended_at"),
        index("document_fact_arrived", "organ, arrived_at"),
        index("document_fact_registered", "organ, registered_at"),
        // Those whose instant an erasure took.
        partial("document_fact_timeless", "organ", "registered_at IS NULL AND round = 1 AND began_at IS NOT NULL"),
        // SQLite wants that very condition in the question.
        partial("document_fact_unresolved", "organ, ended_at", "ended <> 0"),
        partial("document_fact_late", "organ, ended_at", "ended = 0 AND ended_at > binding_due"),
    ],
};

/// The rows of a document. Before its first round there is one fact, too: it arrived.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    // Mail left unopened is nobody's work, until it is brought back.
    if document.stage == Some(Stage::Unopened) {
        return;
    }
    for at in 0..document.rounds.len().max(1) {
        let round = document.rounds.get(at);
        let first = at == 0;
        let registered = document.registration.is_some() || document.registered_before_erasure();
        let registered = round.filter(|_| registered).map(|round| round.began_at);
        out.add(
            &FACT,
            vec![
                document.ordinal.into(),
                Value::Int(i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1)),
                document.organ.into(),
                document.arrived_at.filter(|_| first).into(),
                document.registration.as_ref().and_then(|given| given.at).filter(|_| first).into(),
                registered.into(),
                round.and_then(|round| round.due).into(),
                round.and_then(|round| round.original_due).into(),
                round.and_then(|round| round.binding_due).into(),
                round.and_then(|round| round.ended).map(|(end, _)| end).into(),
                round.and_then(|round| round.ended).map(|(_, at)| at).into(),
            ],
        );
    }
}
