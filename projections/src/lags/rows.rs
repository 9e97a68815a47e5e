//! First arrivals at stages, rework, and paper, per document.

use socai_domain::{document_types::Channel, incoming::Stage, time::Timestamp};

use crate::{
    document::{Document, RoundEnd},
    out::Out,
    table::{Table, bytes, index, int, null},
    value::Value,
};

pub(crate) static LAG: Table = Table {
    name: "lag",
    key: 3,
    columns: &[
        int("document"),
        int("round"),
        int("stage"),
        bytes("organ"),
        int("stage_before"),
        int("from_at"),
        int("to_at"),
    ],
    indexes: &[index("lag_to", "organ, stage, to_at")],
};

pub(crate) static REWORK: Table = Table {
    name: "rework",
    key: 2,
    columns: &[
        int("document"),
        int("place"),
        bytes("organ"),
        int("round"),
        null(bytes("branch")),
        int("from_at"),
        null(int("until_at")),
    ],
    indexes: &[index("rework_from", "organ, from_at")],
};

pub(crate) static PAPER: Table = Table {
    name: "paper_wait",
    key: 1,
    columns: &[
        int("document"),
        bytes("organ"),
        int("arrived_at"),
        null(int("paper_at")),
        // The first act after registration: submitted, or passed on.
        null(int("first_act_at")),
        null(int("resolved_at")),
    ],
    indexes: &[index("paper_wait_arrived", "organ, arrived_at")],
};

/// Arrival, and the first time that a document was registered, and submitted or passed on.
pub(crate) static PROMPT: Table = Table {
    name: "prompt",
    key: 1,
    columns: &[
        int("document"),
        bytes("organ"),
        int("arrived_at"),
        null(int("registered_at")),
        null(int("passed_at")),
        // What it had not come to when its first round ended, it need not.
        null(int("ended_at")),
    ],
    indexes: &[index("prompt_arrived", "organ, arrived_at")],
};

/// The rows of a document.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    let resolved = document.rounds.iter().map(|round| round.ended.filter(|(end, _)| *end == RoundEnd::Resolved));
    for (round, resolved) in document.rounds.iter().zip(resolved) {
        let first = round.number == 1;
        let stages = [
            (Stage::Arrived, document.arrived_at.filter(|_| first)),
            (Stage::Registered, document.registration.as_ref().and_then(|given| given.at).filter(|_| first)),
            (Stage::Submitted, document.submitted_at.filter(|_| first)),
            // A reopening leads straight to handling.
            (Stage::Directed, if first { document.directed_at } else { Some(round.began_at) }),
            (Stage::Resolved, resolved.map(|(_, at)| at)),
        ];
        let mut before: Option<(Stage, Timestamp)> = None;
        for (place, (stage, at)) in stages.iter().copied().enumerate() {
            let Some(at) = at else { continue };
            // Passed on straight to a unit, then after all to a leader: it did not come this way.
            if stages[place..].iter().any(|(_, later)| later.is_some_and(|later| later < at)) {
                continue;
            }
            if let Some((stage_before, from)) = before {
                out.add(
                    &LAG,
                    vec![
                        document.ordinal.into(),
                        round.number.into(),
                        stage.into(),
                        document.organ.into(),
                        stage_before.into(),
                        from.into(),
                        at.into(),
                    ],
                );
            }
            before = Some((stage, at));
        }
    }
    for (place, rework) in document.rework.iter().enumerate() {
        out.add(
            &REWORK,
            vec![
                document.ordinal.into(),
                Value::Int(i64::try_from(place).unwrap_or(i64::MAX)),
                document.organ.into(),
                rework.round.into(),
                rework.branch.into(),
                rework.from.into(),
                rework.until.into(),
            ],
        );
    }
    paper(document, out);
    prompt(document, out);
}

/// When it was first submitted, or passed on straight to a unit (Decree 30/2020, art. 23.1).
fn passed_at(document: &Document) -> Option<Timestamp> {
    [document.submitted_at, document.directed_at].into_iter().flatten().min()
}

/// Every arrival, also what nobody has registered yet. Mail left unopened is none until it is brought back; what was refused
/// or cancelled is in no ratio, however far it had come.
fn prompt(document: &Document, out: &mut Out) {
    if let Some(Stage::Unopened | Stage::Refused | Stage::Cancelled) = document.stage {
        return;
    }
    let Some(arrived) = document.arrived_at else { return };
    out.add(
        &PROMPT,
        vec![
            document.ordinal.into(),
            document.organ.into(),
            arrived.into(),
            document.registration.as_ref().and_then(|given| given.at).into(),
            passed_at(document).into(),
            document.rounds.first().and_then(|round| round.ended).map(|(_, at)| at).into(),
        ],
    );
}

/// An electronic document whose paper was announced or came.
fn paper(document: &Document, out: &mut Out) {
    let announced = document.details.as_ref().is_some_and(|details| details.paper_follows);
    let Some(arrived) = document.arrived_at.filter(|_| announced || document.paper_arrived_at.is_some()) else {
        return;
    };
    if document.channel == Some(Channel::Paper) {
        return;
    }
    let resolved = document.rounds.first().and_then(|round| round.ended);
    let resolved = resolved.filter(|(end, _)| *end == RoundEnd::Resolved).map(|(_, at)| at);
    out.add(
        &PAPER,
        vec![
            document.ordinal.into(),
            document.organ.into(),
            arrived.into(),
            document.paper_arrived_at.into(),
            passed_at(document).into(),
            resolved.into(),
        ],
    );
}
