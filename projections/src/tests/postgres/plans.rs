//! Where there is much, nothing is looked for by going through all of it: each page of the registers and of documents is
//! explained as it is asked (`Sql::assert_not_scanned`).

use socai_domain::ledger::EventLog as _;

use super::{super::generated::Generated, cluster, lists, odd};
use crate::{Viewer, Views, tests::history::organ};

/// Some pages of each list.
const SOME: lists::Extent = lists::Extent { first: 50, pages: 3 };

/// What happens; more with `SOCAI_LONG`.
fn steps() -> usize {
    if std::env::var_os("SOCAI_LONG").is_some() { 200_000 } else { 16_000 }
}

#[tokio::test]
async fn a_large_ledger_has_one_digest_and_no_register_goes_through_a_table() {
    let (_cluster, at) = cluster();
    let mut generated = Generated::new(77);
    generated.steps(steps() / 2);
    odd(&mut generated.history);
    generated.steps(steps() / 2);
    let history = &generated.history;
    let views = Views::open_or_await(&at, 1).await.unwrap();
    let rebuilt = views.rebuild(&history.log, &history.opener()).await.unwrap();
    let other = history.views().await;
    assert_eq!(rebuilt.digest, other.digest().await.unwrap());
    assert_eq!(rebuilt.records, history.log.head().await.unwrap().records);
    let viewer = Viewer::operator(organ(), history.now());
    let (mut ours, mut theirs) = (lists::Said::new(), lists::Said::new());
    lists::registers(&views, &viewer, SOME, &mut ours).await;
    lists::registers(&other, &viewer, SOME, &mut theirs).await;
    for (one, another) in ours.iter().zip(&theirs) {
        assert_eq!(one, another);
    }
}
