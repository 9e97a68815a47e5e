//! The notary on a log: when it signs, and when it does not.

use std::{sync::Arc, time::Duration};

use socai_domain::{
    ledger::{Append, Direction, EventLog, Following, LedgerId, Revision, memory::MemoryLog},
    proof::{KeyName, SecretKey, SignatureKind, TreeHead, consistency},
    time::{Clock as _, Timestamp},
};
use socai_graphql::notary::{self as api, Notary as _, Proof, Wanted};
use socai_projections::Lease;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::{
    super::{Notary, NotaryError, beside::shelf, standing::Voice, store::Text, writer},
    everywhere, key, on,
};
use crate::{
    clock::SystemClock,
    config::Location,
    disk::sim::{Fault, Keep, SimDisk},
    log::file::tests::{append, stream},
    postgres::testing::Server,
};

/// A log in memory.
pub(super) fn log(ledger: u128) -> Arc<MemoryLog> {
    Arc::new(MemoryLog::new(LedgerId(Uuid::from_u128(ledger)), Arc::new(SystemClock)))
}

/// Appends records to one stream, the first of which has this revision.
pub(super) async fn fill(log: &MemoryLog, first: u64, count: u64) {
    for revision in first..first + count {
        let append: Append = append(stream(1), revision, 1, 60);
        log.append(append).await.unwrap();
    }
}

/// A notary that runs.
pub(super) struct Running {
    pub(super) notary: Notary,
    pub(super) state: watch::Receiver<Following>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), NotaryError>>,
}

impl Running {
    pub(super) fn start(notary: Notary, log: Arc<MemoryLog>) -> Self {
        Self::with(notary, log, Duration::ZERO)
    }

    fn with(notary: Notary, log: Arc<MemoryLog>, between: Duration) -> Self {
        let (sender, state) = watch::channel(Following::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(writer::run(notary.clone(), log, sender, between, Lease::unshared(), async move {
            drop(stopped.await);
        }));
        Self { notary, state, stop, task }
    }

    /// On the store that is there.
    pub(super) async fn at(at: &Location, log: &Arc<MemoryLog>) -> Self {
        let records = log.head().await.unwrap().records;
        let notary = Notary::open(at, key(), 60, records, Arc::new(SystemClock)).unwrap();
        Self::start(notary, Arc::clone(log))
    }

    pub(super) async fn stop(self) -> Result<(), NotaryError> {
        drop(self.stop);
        self.task.await.unwrap()
    }

    /// Waits until it has stopped by itself; why.
    pub(super) async fn stopped(&mut self) -> String {
        let state = self.state.wait_for(|state| matches!(state, Following::Stopped(_))).await.unwrap();
        state.to_string()
    }

    pub(super) fn size(&self) -> u64 {
        self.notary.committed().map_or(0, |committed| committed.head.size)
    }
}

fn began(log: &MemoryLog, dir: &std::path::Path, between: Duration) -> Running {
    let notary = Notary::open(dir, key(), 60, 0, Arc::new(SystemClock)).unwrap();
    Running::with(notary, Arc::new(log.clone()), between)
}

#[tokio::test]
async fn it_signs_at_once_when_idle_and_then_holds_back() {
    let (dir, log) = (tempfile::tempdir().unwrap(), log(1));
    let running = began(&log, dir.path(), Duration::from_hours(1));
    fill(&log, 0, 1).await;
    assert!(running.notary.covers(1).await, "at once");
    let first = running.size();
    fill(&log, 1, 200).await;
    assert_eq!(running.size(), first, "not before the hour is over");
    let notary = running.notary.clone();
    running.stop().await.unwrap();
    assert!(notary.committed().unwrap().head.size >= first);
}

#[tokio::test]
async fn under_load_there_is_time_between_two_checkpoints() {
    let (dir, log) = (tempfile::tempdir().unwrap(), log(1));
    let running = began(&log, dir.path(), Duration::from_millis(30));
    let (mut signed, mut revision) = (Vec::new(), 0);
    while signed.len() < 6 {
        fill(&log, revision, 2).await;
        revision += 2;
        tokio::task::yield_now().await;
        let newest = running.notary.committed().unwrap();
        if newest.head.size > 0 && signed.last() != newest.signed_at.as_ref() {
            signed.extend(newest.signed_at);
        }
    }
    let apart = |pair: &[Timestamp]| pair[1].as_micros() - pair[0].as_micros() >= 30_000;
    assert!(signed.windows(2).all(apart), "{signed:?}");
    assert!(revision > 12, "several records share a checkpoint");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_goes_on_and_what_was_shown_stays_the_beginning() {
    for place in everywhere() {
        goes_on(&place.at()).await;
    }
}

async fn goes_on(at: &Location) {
    let (log, mut shown) = (log(1), Vec::<TreeHead>::new());
    for round in 0..5 {
        let running = Running::at(at, &log).await;
        assert!(running.notary.covers(round * 130).await);
        fill(&log, round * 130, 130).await;
        if round % 2 == 0 {
            assert!(running.notary.covers((round + 1) * 130).await);
        }
        shown.extend(running.notary.committed().map(|committed| committed.head));
        running.stop().await.unwrap();
    }
    let running = Running::at(at, &log).await;
    assert!(running.notary.covers(650).await);
    // Older sizes are signed once it has compared the log with what it signed.
    let mut standing = running.notary.0.standing.subscribe();
    standing.wait_for(|standing| standing.voice == Voice::Signing).await.unwrap();
    let newest = running.notary.committed().unwrap().head;
    assert_eq!(newest.size, 650);
    for head in shown {
        let growth = running.notary.growth(head.size, None).await.unwrap().unwrap();
        assert_eq!(consistency::verify(head, newest, &growth.hashes), Ok(()), "{}", head.size);
    }
    running.stop().await.unwrap();
}

/// What a notary says that was started on another log than it signed.
async fn on_another(at: &Location, other: &Arc<MemoryLog>) -> String {
    let mut running = Running::at(at, other).await;
    let why = running.stopped().await;
    let standing = running.notary.standing();
    assert!(matches!(standing.voice, api::Voice::Alarm(_)), "{standing:?}");
    assert_eq!(standing.signed.map(|signed| signed.size), Some(300), "what was signed can still be read");
    assert!(running.notary.signed(300).await.unwrap().is_some());
    assert!(running.notary.signed(299).await.is_err() && running.notary.growth(299, None).await.is_err());
    let recorded = SystemClock.now();
    let position = other.head().await.unwrap().position;
    let taken = api::Taken { stream: stream(1), revision: Revision::FIRST, position, hash: super::record(1), recorded };
    assert_eq!(running.notary.promise(taken).await, None);
    // More records change nothing.
    fill(other, other.head().await.unwrap().records, 5).await;
    assert!(!running.notary.covers(301).await);
    assert_eq!(running.size(), 300);
    assert!(matches!(running.stop().await, Err(NotaryError::Alarm(_))));
    why
}

#[tokio::test]
async fn a_log_that_was_cut_or_replaced_is_an_alarm() {
    for place in everywhere() {
        alarms(&place.at()).await;
    }
}

async fn alarms(at: &Location) {
    let right = log(1);
    let running = Running::at(at, &right).await;
    fill(&right, 0, 300).await;
    assert!(running.notary.covers(300).await);
    running.stop().await.unwrap();

    let cut = log(1);
    fill(&cut, 0, 299).await;
    assert!(on_another(at, &cut).await.contains("299 records, fewer than the 300"));
    let empty = log(1);
    assert!(on_another(at, &empty).await.contains("fewer than the 300"));
    // As long, with other times: its hashes are others.
    let rewritten = log(1);
    fill(&rewritten, 0, 300).await;
    assert!(on_another(at, &rewritten).await.contains("is not the one that was signed"));
    let foreign = log(2);
    fill(&foreign, 0, 400).await;
    assert!(on_another(at, &foreign).await.contains("is not the one that was signed"));

    let running = Running::at(at, &right).await;
    fill(&right, 300, 1).await;
    assert!(running.notary.covers(301).await, "with the right one it goes on");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_is_promised_while_a_promise_is_overdue() {
    let (server, log) = (Server::start(), log(1));
    let open = || Notary::among_several(&server.address(), key(), 60, 0, Arc::new(SystemClock)).unwrap();
    let (signing, other) = (Running::with(open(), Arc::clone(&log), Duration::from_hours(1)), open());
    fill(&log, 0, 1).await;
    assert!(signing.notary.covers(1).await);
    fill(&log, 1, 1).await;
    other.look().unwrap();
    let promised = log.read(stream(1), Direction::Backwards, None, 1).await.unwrap().remove(0);
    let after = |seconds: i64| api::Taken {
        stream: stream(1),
        revision: Revision::new(1),
        position: promised.position,
        hash: promised.record.hash(),
        recorded: promised.record.header().recorded.plus_micros(seconds * 1_000_000),
    };
    for notary in [&signing.notary, &other] {
        assert!(notary.promise(after(0)).await.is_some() && notary.promise(after(60)).await.is_some());
        assert_eq!(notary.promise(after(61)).await, None, "the first was due, and is not kept");
    }
    signing.stop().await.unwrap();
    let signing = Running::start(open(), Arc::clone(&log));
    assert!(signing.notary.covers(2).await);
    assert_eq!(other.promise(after(61)).await, None, "nothing is known of it yet");
    other.look().unwrap();
    assert!(other.promise(after(61)).await.is_some());
    signing.stop().await.unwrap();
}

#[tokio::test]
async fn another_key_or_name_is_an_alarm() {
    for place in everywhere() {
        not_ours(&place.at()).await;
    }
}

async fn not_ours(at: &Location) {
    let log = log(1);
    let running = Running::at(at, &log).await;
    fill(&log, 0, 3).await;
    assert!(running.notary.covers(3).await);
    running.stop().await.unwrap();
    let public = || shelf(at).unwrap().text(Text::PublicKey).unwrap().unwrap();
    let ours = public();
    for (name, seed) in [("log.example", 4), ("other.example", 3)] {
        let key = SecretKey::new(KeyName::new(name).unwrap(), SignatureKind::Note, &[seed; 32]);
        let notary = Notary::open(at, key, 60, 3, Arc::new(SystemClock)).unwrap();
        let mut running = Running::start(notary, Arc::clone(&log));
        let why = running.stopped().await;
        assert!(why.contains("Put back the log's key"), "{why}");
        assert_eq!(running.notary.standing().signed, None);
        assert_eq!(public(), ours, "whoever reads the store finds the key that signed it");
        assert!(running.stop().await.is_err());
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_no_record_is_left_out() {
    for fails in [Keep::Nothing, Keep::Everything] {
        for at in 0..12 {
            let (disk, log) = (SimDisk::default(), log(1));
            let notary = on(Arc::new(disk.clone()), 0).unwrap();
            let before = disk.operations();
            disk.fault(before + at, Fault::Fails(fails));
            disk.fault(before + at + 1, Fault::Fails(fails));
            let mut running = Running::start(notary, Arc::clone(&log));
            fill(&log, 0, 20).await;
            assert!(running.notary.covers(20).await);
            assert!(running.state.wait_for(|state| *state == Following::Well).await.is_ok(), "{at}");
            fill(&log, 20, 1).await;
            assert!(running.notary.covers(21).await);
            let record = log.read(stream(1), Direction::Forwards, None, 1).await.unwrap();
            let proof = running.notary.prove(Wanted::Record(record[0].record.hash().id())).await.unwrap();
            assert!(matches!(proof, Proof::Covered { index: 0, size: 21, .. }), "{proof:?}");
            running.stop().await.unwrap();
        }
    }
}
