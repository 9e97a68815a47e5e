//! The views say of a document what decisions on it are made by.

use std::collections::{BTreeSet, HashMap};

use socai_domain::{
    decide::{Aggregate as _, Meta},
    incoming::{
        IncomingDocument,
        events::{Assignee, BranchRole},
    },
    ledger::{Direction, DomainEvent, EventLog as _, Opened, StreamId},
    organ::Organ,
};

use super::{
    digests::seeds,
    generated::Generated,
    history::{History, organ},
};
use crate::{
    PageRequest, Viewer,
    work_list::{WorkFilter, WorkKind, WorkScope, WorkState},
};

async fn events(history: &History, stream: StreamId) -> Vec<(Meta, DomainEvent)> {
    let opener = history.opener();
    let mut events = Vec::new();
    for recorded in history.log.read(stream, Direction::Forwards, None, usize::MAX).await.unwrap() {
        if let Opened::Event(context, event) = opener.open(&recorded.record).await.unwrap() {
            events.push((Meta::of(recorded.record.header(), &context), event));
        }
    }
    events
}

#[tokio::test]
async fn views_and_decisions_see_the_same_document() {
    let (mut compared, mut leads, mut without, mut held) = (0, 0, 0, 0);
    for seed in seeds() {
        let mut generated = Generated::new(seed + 700);
        generated.steps(250);
        let history = &generated.history;
        let mut agency = Organ::default();
        for (meta, event) in events(history, socai_domain::organ::stream(organ())).await {
            if let DomainEvent::Organ(event) = event {
                agency.evolve(&event, &meta);
            }
        }
        let views = history.views().await;
        let operator = Viewer::operator(organ(), history.now());
        let beginning = views.position().await.unwrap().unwrap().with_place(0);
        let documents = views.documents_changed(&operator, beginning, 1000).await.unwrap();
        let (mut gone, mut page_of_work) = (HashMap::new(), PageRequest::first(100));
        let all = WorkFilter { scope: WorkScope::All, state: None, kind: None };
        loop {
            let work = views.work_list(&operator, &all, &page_of_work).await.unwrap();
            for item in work.nodes().filter(|item| matches!(item.kind, WorkKind::Handle | WorkKind::Contribute)) {
                gone.insert(item.branch.unwrap(), item.states.contains(&WorkState::HolderGone));
            }
            match work.end_cursor.filter(|_| work.has_next) {
                Some(cursor) => page_of_work = PageRequest::first(100).after(cursor),
                None => break,
            }
        }
        for (_, row) in documents.iter().filter(|(_, row)| !row.erased) {
            let mut decided = IncomingDocument::default();
            for (meta, event) in events(history, socai_domain::incoming::stream(row.id)).await {
                if let DomainEvent::Incoming(event) = event {
                    decided.evolve(&event, &meta);
                }
            }
            let shown = views.document(&operator, row.id).await.unwrap().unwrap().document;
            // What no command allows (work after an end, an end after an end) may count as another round here.
            let round = |id| decided.branches.get(&id).map(|branch| branch.round);
            let present = shown.round().is_none_or(|round| round.number == decided.round.max(1));
            if !present || shown.branches.iter().any(|branch| round(branch.id) != Some(branch.round)) {
                continue;
            }
            assert_eq!(shown.stage, decided.stage, "seed {seed} {}", row.id);
            assert_eq!(shown.leader, decided.leader, "seed {seed} {}", row.id);
            assert_eq!(shown.follower, decided.follower, "seed {seed} {}", row.id);
            assert_eq!(shown.pauses, decided.pauses, "seed {seed} {}", row.id);
            assert_eq!(shown.branches.len(), decided.branches.len(), "seed {seed} {}", row.id);
            for branch in &shown.branches {
                let other = &decided.branches[&branch.id];
                let what = format!("seed {seed} {} {branch:?}\n{other:?}", row.id);
                assert_eq!((branch.assignee, branch.parent), (other.assignee, other.parent), "{what}");
                assert_eq!((branch.role, branch.limit, branch.ended), (other.role, other.limit, other.ended), "{what}");
                assert_eq!(branch.author, other.author, "{what}");
                assert_eq!(
                    (branch.started_at, branch.accepted.map(|(at, _)| at)),
                    (other.started_at, other.accepted_at),
                    "{what}"
                );
                if let Some(gone) = gone.get(&branch.id) {
                    assert_eq!(*gone, other.holder_gone(&agency, history.now()), "{what}");
                    without += usize::from(*gone && matches!(branch.assignee, Assignee::Unit { .. }));
                }
                // Under what owes nothing no command gives work.
                let owed = |(_, above): &(_, &socai_domain::incoming::Branch)| above.role != BranchRole::Informed;
                if other.is_open() && decided.path_up(branch.id).iter().all(owed) {
                    assert_eq!(branch.due, decided.due(branch.id, &agency.calendar), "{what}");
                    compared += 1;
                }
            }

            let holders: BTreeSet<_> = decided.holders().collect();
            assert_eq!(shown.holders(), holders, "seed {seed} {}", row.id);
            for holder in holders {
                let listed = views.documents_with(organ(), holder).await.unwrap();
                assert!(listed.contains(&row.id), "seed {seed} {}", row.id);
                held += 1;
            }
            let lead = shown.lead_leaf().map(|branch| branch.id);
            let other = decided.lead_leaf().filter(|(_, branch)| branch.is_open()).map(|(id, _)| id);
            assert_eq!(lead, other, "seed {seed} {}", row.id);
            leads += usize::from(lead.is_some());
        }
    }
    assert!(leads > 20, "only {leads} leads were compared");
    assert!(held > 100, "only {held} times something lay with somebody");
    assert!(without > 0, "no unit was without a head");
    assert!(compared > 20, "only {compared} open branches were compared");
}
