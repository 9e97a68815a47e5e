//! The program, on the double of a cluster.

#![allow(clippy::unwrap_used)] // a test

use std::process::{Command, Output};

use socai_conformance::RULES;
use socai_kurrent_double::Double;

async fn run(url: String) -> Output {
    let program = || Command::new(env!("CARGO_BIN_EXE_socai-conformance")).arg(url).output().unwrap();
    tokio::task::spawn_blocking(program).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_judged_rule_by_rule() {
    let double = Double::cluster(3).await.unwrap();
    let url = format!("kurrentdb://{}?tls=false", double.hosts());
    let output = run(url.clone()).await;
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    for (rule, _) in RULES {
        assert!(told.contains(&format!("kept    {rule} (")), "{rule}: {told}");
    }
    let elsewhere = double.events("").iter().filter(|event| !event.stream.starts_with("conf")).count();
    assert_eq!(elsewhere, 0, "it writes into streams of its own alone");

    // One that takes less than it should.
    double.faults().limit_appends(20_000);
    let output = run(url.clone()).await;
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("BROKEN  takes_records_up_to_64_kib ("), "{told}");
    assert!(told.contains("kept    takes_calls_in_their_order ("), "{told}");

    double.lead(None);
    let output = run(format!("{url}&defaultDeadline=500")).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("the cluster cannot be used"), "{}", text(&output.stderr));
}
