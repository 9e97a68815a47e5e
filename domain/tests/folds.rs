//! Folds are total: whatever was stored, in whatever order, erased or not, they take it in without a panic.

#![allow(clippy::unwrap_used)] // a test, helpers included

use proptest::prelude::*;
use socai_domain::{
    decide::{Aggregate, Meta},
    incoming::IncomingDocument,
    ledger::{DomainEvent, Header, StreamKind, catalogue::StoredEvent},
    organ::Organ,
    person::Person,
    register::Register,
    testing::arbitrary::Anything,
    time::Timestamp,
};

/// A record of a history: an event, or the header of what was erased.
fn record(seed: u64, kind: StreamKind) -> (DomainEvent, Meta, Option<Header>) {
    let mut anything = Anything::new(seed);
    let event = anything.event_in(kind);
    let meta = anything.meta(&event, kind);
    let erased = seed.is_multiple_of(7).then(|| anything.header(&event, kind));
    (event, meta, erased)
}

fn fold<A: Aggregate>(seeds: &[u64]) -> A {
    let mut state = A::default();
    for &seed in seeds {
        let (event, meta, erased) = record(seed, A::KIND);
        match erased {
            Some(header) => state.evolve_erased(&header),
            None => state.evolve(A::Event::from_domain(&event).unwrap(), &meta),
        }
    }
    state
}

/// The same history, the same state; and its `Debug`, which every field takes part in.
fn fold_twice<A: Aggregate>(seeds: &[u64]) -> A {
    let state: A = fold(seeds);
    assert_eq!(format!("{state:?}"), format!("{:?}", fold::<A>(seeds)));
    state
}

fn seeds() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 0..60)
}

fn config() -> ProptestConfig {
    let cases = if std::env::var_os("SOCAI_LONG").is_some() { 20_000 } else { 500 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_organ_takes_any_history(seeds in seeds(), at in any::<i64>()) {
        let organ: Organ = fold_twice(&seeds);
        let at = Timestamp::from_micros(at);
        let mut anything = Anything::new(at.as_micros().cast_unsigned());
        let meta = anything.meta(&anything.clone().event_in(StreamKind::Organ), StreamKind::Organ);
        if let Some(person) = meta.person {
            organ.who(person, None, at);
            organ.who(person, meta.acting_as, at);
        }
        for (&id, unit) in &organ.units {
            prop_assert!(organ.is_within(id, id));
            organ.is_within(id, unit.parent.unwrap_or(id));
        }
        organ.successor(at);
        prop_assert!(organ.series().count() > organ.earlier_series.len().saturating_sub(1));
    }

    #[test]
    fn a_person_takes_any_history(seeds in seeds()) {
        fold_twice::<Person>(&seeds);
    }

    #[test]
    fn a_register_takes_any_history(seeds in seeds()) {
        fold::<Register>(&seeds);
    }

    #[test]
    fn a_document_takes_any_history(seeds in seeds(), organ in seeds(), at in any::<i64>()) {
        let document: IncomingDocument = fold_twice(&seeds);
        let organ: Organ = fold(&organ);
        document.has_main_file();
        document.lead_leaf();
        document.root_lead();
        for (&id, branch) in &document.branches {
            prop_assert!(document.path_up(id).len() <= document.branches.len() + 1);
            document.due(id, &organ.calendar);
            branch.holder_gone(&organ, Timestamp::from_micros(at));
        }
    }
}
