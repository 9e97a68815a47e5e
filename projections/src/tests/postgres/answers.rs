//! Answers that get lost on their way, on connections that nobody ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt as _, future::join_all};
use socai_domain::ledger::{EventLog as _, Following};
use socai_test_postgres::{Cluster, Line};
use tokio::sync::{oneshot, watch};

use super::super::{generated::Generated, history::History};
use crate::{
    Follower, Location, Views, ViewsError, answer::ANSWERED, building::Place, db::run, follower::Builder, sql::Sql,
    store::READERS, writer::Gate,
};

fn line() -> (Cluster, Arc<Line>, Location) {
    let cluster = Cluster::start().unwrap();
    let line = Line::to(&cluster).unwrap();
    let at = line.url("postgres").parse().unwrap();
    (cluster, Arc::new(line), at)
}

/// With what must be much less than for ever.
async fn ends<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(5 * ANSWERED, work).await.unwrap_or_else(|_| panic!("{what} does not end"))
}

fn is_late(error: &ViewsError) -> bool {
    let late = |error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut;
    matches!(error, ViewsError::Database(sqlx::Error::Io(error)) if late(error)) && error.may_pass()
}

#[tokio::test]
async fn a_connection_that_nobody_used_meanwhile_and_is_dead_is_not_given_out() {
    let (_cluster, line, at) = line();
    let views = Views::open(&at).await.unwrap();
    let held = join_all((0..READERS).map(|_| views.read.acquire())).await;
    assert!(held.iter().all(Result::is_ok));
    drop(held);
    assert_eq!(views.position().await.unwrap(), None);
    line.lose_answers();
    // Each costs as long as it is given to say that it is there; so several questions at once.
    let asked = ends("a question", join_all((0..READERS).map(|_| views.position()))).await;
    assert!(asked.iter().any(Result::is_ok), "{asked:?}");
    assert_eq!(views.position().await.unwrap(), None);
    assert!(ends("a write", views.write.begin_writing()).await.is_ok());
}

/// And its connection does not come back, though all of the pool wait at once.
#[tokio::test]
async fn a_question_whose_answer_is_lost_ends() {
    let (_cluster, line, at) = line();
    let views = Views::open(&at).await.unwrap();
    let mut asking = Vec::new();
    for nth in 0..READERS {
        let mut sql = Sql::plain();
        sql.push("SELECT COUNT(*) FROM read_model");
        if nth % 2 == 0 {
            let mut reading = views.reading().await.unwrap();
            asking.push(async move { sql.count(&mut reading).await }.boxed());
        } else {
            let mut snapshot = views.snapshot().await.unwrap();
            asking.push(async move { sql.count(snapshot.db()).await }.boxed());
        }
    }
    line.lose_answers();
    for asked in ends("a question", join_all(asking)).await {
        assert!(asked.as_ref().is_err_and(is_late), "{asked:?}");
    }
    assert_eq!(views.position().await.unwrap(), None, "at once");
    ends("to close", views.close()).await;
}

/// Whoever asked has gone meanwhile.
#[tokio::test]
async fn a_connection_on_which_an_answer_is_still_waited_for_comes_back_or_is_given_up() {
    let (_cluster, line, at) = line();
    let views = Views::open(&at).await.unwrap();
    let asked = join_all((0..READERS).map(|_| views.reading())).await;
    line.lose_answers();
    for reading in asked {
        let mut reading = reading.unwrap();
        let mut sql = Sql::plain();
        sql.push("SELECT COUNT(*) FROM read_model");
        assert!(sql.count(&mut reading).now_or_never().is_none());
    }
    let begun = Instant::now();
    let again = ends("a question", async {
        loop {
            if let Ok(position) = views.position().await {
                break position;
            }
        }
    });
    assert_eq!(again.await, None);
    assert!(begun.elapsed() < 2 * ANSWERED, "{:?}", begun.elapsed());
}

/// A gate at whose nth pass the answers begin to get lost.
struct Loss {
    line: Arc<Line>,
    passes: AtomicUsize,
    at: usize,
}

impl Gate for Loss {
    fn pass(&self) -> Result<(), ViewsError> {
        if self.passes.fetch_add(1, Ordering::SeqCst) == self.at {
            self.line.lose_answers();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_commit_of_which_an_answer_is_lost_is_tried_again_and_nothing_is_lost_or_doubled() {
    let (_cluster, line, at) = line();
    let mut history = History::new();
    history.arrives(1, |_| {});
    let views = Views::open(&at).await.unwrap();
    history.fill(&views, 1_000).await;
    // As many steps as the documents after it need.
    history.arrives(2, |_| {});
    let counting = Arc::new(Loss { line: Arc::clone(&line), passes: AtomicUsize::new(0), at: usize::MAX });
    let mut builder = Builder::through(views.clone(), history.opener(), Arc::<Loss>::clone(&counting));
    history.take(&mut builder, 1_000).await.unwrap();
    let steps = counting.passes.load(Ordering::SeqCst);
    // In the middle, and where the commit's own answer is lost.
    for (nth, at) in [(3, steps / 2), (4, steps - 2)] {
        history.arrives(nth, |_| {});
        let gate = Arc::new(Loss { line: Arc::clone(&line), passes: AtomicUsize::new(0), at });
        let mut builder = Builder::through(views.clone(), history.opener(), gate);
        let taken = ends("a commit", history.take(&mut builder, 1_000)).await;
        assert!(taken.as_ref().is_err_and(is_late), "{taken:?}");
        // It waits for the session that was given up, until the database has ended it.
        ends("the next commit", async {
            while let Err(error) = history.take(&mut builder, 1_000).await {
                assert!(error.may_pass(), "{error}");
            }
        })
        .await;
        assert_eq!(views.digest().await.unwrap(), history.views().await.digest().await.unwrap());
    }
}

#[tokio::test]
async fn a_follower_of_which_answers_are_lost_says_so_and_goes_on() {
    let (cluster, line, at) = line();
    let mut history = History::new();
    history.arrives(1, |_| {});
    let views = Views::open(&at).await.unwrap();
    let (sender, mut state) = watch::channel(Following::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let log = Arc::new(history.log.clone());
    let running = tokio::spawn(Follower::run(log, history.opener(), views.clone(), sender, shutdown));
    views.wait_for(history.log.head().await.unwrap().position, Duration::from_mins(1)).await.unwrap();
    // It is in the middle of a commit, as it waits for a lock of somebody whom answers reach.
    let mut other = sqlx::ConnectOptions::connect(&cluster.options()).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE socai_views_1.read_model").execute(&mut other).await.unwrap();
    history.arrives(2, |_| {});
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut other).await.unwrap() {}
    line.lose_answers();
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    ends("to say so", state.wait_for(|state| matches!(state, Following::Retrying(_)))).await.unwrap();
    ends("to go on", state.wait_for(|state| *state == Following::Well)).await.unwrap();
    views.wait_for(history.log.head().await.unwrap().position, Duration::from_mins(1)).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), history.views().await.digest().await.unwrap());
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_build_of_which_an_answer_is_lost_ends_and_the_next_goes_on_with_it() {
    let (_cluster, line, at) = line();
    let mut generated = Generated::new(21);
    generated.steps(120);
    let history = &generated.history;
    let views = Views::open_or_await(&at, 1).await.unwrap();
    let digest = views.rebuild(&history.log, &history.opener()).await.unwrap().digest;
    let counting = Arc::new(Loss { line: Arc::clone(&line), passes: AtomicUsize::new(0), at: usize::MAX });
    views.rebuild_through(&history.log, &history.opener(), Arc::<Loss>::clone(&counting)).await.unwrap();
    let (steps, mut lost) = (counting.passes.load(Ordering::SeqCst), 0);
    for nth in 1..6 {
        let gate = Arc::new(Loss { line: Arc::clone(&line), passes: AtomicUsize::new(0), at: steps * nth / 6 });
        // What comes after it may be on another connection.
        if let Err(error) = ends("a build", views.rebuild_through(&history.log, &history.opener(), gate)).await {
            assert!(error.may_pass(), "{error}");
            lost += 1;
        }
        let rebuilt = ends("the next build", async {
            loop {
                match views.rebuild(&history.log, &history.opener()).await {
                    Ok(rebuilt) => break rebuilt,
                    Err(error) => assert!(error.may_pass(), "{error}"),
                }
            }
        });
        assert_eq!(rebuilt.await.digest, digest);
    }
    assert!(lost > 1, "{lost} builds met it");
}

#[tokio::test]
async fn what_takes_long_is_waited_for_while_the_database_works_on_it() {
    let (cluster, line, at) = line();
    let views = Views::open(&at).await.unwrap();
    let Some(Place::Schemas(schemas)) = views.place.as_deref() else { panic!("a database") };
    let mut db = schemas.in_use().await.unwrap().unwrap().connect().await.unwrap();
    let longer = (2 * ANSWERED).as_secs();
    ends("what takes long", run(&mut db, &format!("SELECT pg_sleep({longer})"))).await.unwrap();
    line.lose_answers();
    let begun = Instant::now();
    let lost = ends("what is lost", run(&mut db, "SELECT pg_sleep(1)")).await;
    assert!(
        lost.as_ref().is_err_and(is_late) && begun.elapsed() < 2 * ANSWERED,
        "{lost:?} after {:?}",
        begun.elapsed()
    );
    let mut other = schemas.in_use().await.unwrap().unwrap().connect().await.unwrap();
    line.lose_answers();
    cluster.stop().unwrap();
    assert!(ends("what cannot be asked about", run(&mut other, "SELECT 1")).await.is_err());
}
