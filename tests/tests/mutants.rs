//! The suite catches every wrong engine, by exactly the rule that it breaks.

use std::collections::HashSet;

use futures::future::join_all;
use socai_conformance::{RULES, bounded};
use socai_tests::mutants::{Fault, TABLE, Wrong};

/// The rules that an engine with this fault breaks, and how.
async fn broken(fault: Fault) -> Vec<(&'static str, String)> {
    let wrong = Wrong::new(fault);
    let mut broken = Vec::new();
    for (name, rule) in RULES {
        // An engine may be so wrong that a rule stumbles over it: that is one broken, too.
        if let Err(error) = bounded(rule(&wrong)).await {
            broken.push((*name, error.to_string()));
        }
    }
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_without_a_fault_keeps_every_rule() {
    assert_eq!(broken(Fault::None).await, vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_engine_breaks_exactly_its_rule() {
    let engines = TABLE.iter().map(|&(fault, rule)| async move { (fault, rule, broken(fault).await) });
    let engines = join_all(engines.map(tokio::spawn)).await;
    let mut surprises = Vec::new();
    for engine in engines {
        let (fault, rule, broken) = engine.unwrap();
        if broken.iter().map(|(name, _)| *name).ne([rule]) {
            surprises.push(format!("{fault:?} should break {rule} and breaks {broken:#?}"));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn every_rule_has_a_wrong_engine() {
    let caught: HashSet<&str> = TABLE.iter().map(|(_, rule)| *rule).collect();
    for (rule, _) in RULES {
        assert!(caught.contains(rule), "no engine breaks {rule}");
    }
}
