//! A server that goes and comes back, is too slow, or is written by two programs.

use std::{sync::Arc, time::Duration};

use socai_domain::ledger::{EventLog as _, Following};
use tokio::sync::{oneshot, watch};

use super::{
    super::{
        generated::Generated,
        history::{History, Who},
    },
    cluster,
};
use crate::{Follower, Views, ViewsError, follower::Builder, store::READERS};

#[tokio::test]
async fn a_server_that_goes_is_waited_for_and_nothing_is_lost_or_doubled() {
    let (cluster, at) = cluster();
    let mut history = History::new();
    history.arrives(1, |_| {});
    let views = Views::open(&at).await.unwrap();
    let (sender, mut state) = watch::channel(Following::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let log = Arc::new(history.log.clone());
    let running = tokio::spawn(Follower::run(log, history.opener(), views.clone(), sender, shutdown));
    for n in 2..5 {
        let head = history.log.head().await.unwrap().position;
        views.wait_for(head, Duration::from_mins(1)).await.unwrap();
        cluster.stop().unwrap();
        history.arrives(n, |_| {});
        state.wait_for(|state| matches!(state, Following::Retrying(_))).await.unwrap();
        let why = state.borrow().to_string();
        assert!(!why.contains("postgres://"), "{why}");
        let asked = views.documents_with(super::super::history::organ(), Who::Officer.holder()).await;
        assert!(matches!(&asked, Err(error @ ViewsError::Database(_)) if error.may_pass()), "{asked:?}");
        cluster.restart("").unwrap();
        state.wait_for(|state| *state == Following::Well).await.unwrap();
    }
    let head = history.log.head().await.unwrap();
    views.wait_for(head.position, Duration::from_mins(1)).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), history.views().await.digest().await.unwrap());
    assert_eq!(views.records().await.unwrap(), head.records);
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn two_programs_do_not_take_a_record_in_twice() {
    let (_cluster, at) = cluster();
    let mut generated = Generated::new(11);
    generated.steps(200);
    let history = &generated.history;
    let (one, other) = (Views::open(&at).await.unwrap(), Views::open(&at).await.unwrap());
    let take = async |views: &Views, chunk| {
        let mut builder = Builder::new(views.clone(), history.opener());
        match history.take(&mut builder, chunk).await {
            Ok(()) => 0,
            Err(error) if error.may_pass() => 1,
            Err(error) => panic!("{error}"),
        }
    };
    // Again until neither was overtaken: each goes on from what the other did.
    let mut overtaken = 0;
    loop {
        let (a, b) = tokio::join!(take(&one, 3), take(&other, 5));
        overtaken += a + b;
        if a + b == 0 {
            break;
        }
    }
    assert!(overtaken > 0, "they met");
    assert_eq!(one.records().await.unwrap(), history.log.head().await.unwrap().records);
    assert_eq!(one.digest().await.unwrap(), history.views().await.digest().await.unwrap());
}

/// What one of them has in memory is not what the tables hold any more.
#[tokio::test]
async fn who_takes_turns_reads_what_the_other_wrote() {
    let (_cluster, at) = cluster();
    let mut generated = Generated::new(12);
    let (one, other) = (Views::open(&at).await.unwrap(), Views::open(&at).await.unwrap());
    let mut builders = [&one, &other].map(|views| Builder::new(views.clone(), generated.history.opener()));
    for round in 0..20 {
        generated.steps(10);
        generated.history.take(&mut builders[round % 2], 4).await.unwrap();
    }
    assert_eq!(one.digest().await.unwrap(), generated.history.views().await.digest().await.unwrap());
}

#[tokio::test]
async fn only_one_program_builds_at_a_time() {
    let (_cluster, at) = cluster();
    let history = History::new();
    let (one, other) = (Views::open(&at).await.unwrap(), Views::open(&at).await.unwrap());
    history.fill(&one, 10).await;
    let held = one.place.as_ref().unwrap();
    let crate::building::Place::Schemas(schemas) = &**held else { panic!("a database") };
    let building = schemas.building(false).await.unwrap();
    let refused = other.rebuild(&history.log, &history.opener()).await;
    assert!(matches!(refused, Err(ViewsError::Overtaken)), "{refused:?}");
    drop(building);
    // The server notices by itself that the connection has gone.
    while let Err(ViewsError::Overtaken) = other.rebuild(&history.log, &history.opener()).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.digest().await.unwrap(), history.views().await.digest().await.unwrap());
}

#[tokio::test]
async fn a_question_without_a_free_connection_is_told_so() {
    let (_cluster, at) = cluster();
    let views = Views::open(&at).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..READERS {
        held.push(views.read.acquire().await.unwrap());
    }
    let busy = views.position().await;
    assert!(
        matches!(&busy, Err(error @ ViewsError::Database(sqlx::Error::PoolTimedOut)) if error.may_pass()),
        "{busy:?}"
    );
    held.clear();
    assert_eq!(views.position().await.unwrap(), None);
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_ended() {
    let (_cluster, at) = cluster();
    let views = Views::open(&at).await.unwrap();
    let mut sql = crate::sql::Sql::plain();
    sql.push("SELECT COUNT(*) FROM pg_sleep(3600)");
    let ended = sql.count(&mut views.reading().await.unwrap()).await;
    assert!(matches!(&ended, Err(error @ ViewsError::Database(_)) if error.may_pass()), "{ended:?}");
    let mut write = crate::sql::Sql::plain();
    write.push("UPDATE read_model SET records = 0");
    assert!(write.execute(&mut views.reading().await.unwrap()).await.is_err(), "readers only read");
}
