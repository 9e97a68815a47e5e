//! Witnesses that answer wrongly, late or never, and cosignatures that must meet on one checkpoint.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use socai_domain::{
    ledger::Following,
    proof::{AddCheckpoint, Checkpoint, KeyName, Note, SecretKey, SignatureKind, TreeHead, cosignature::cosign},
    time::Clock as _,
};
use socai_graphql::notary::Problem;
use socai_projections::Lease;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};

use super::{
    super::{
        Notary,
        asking::{Asking, met},
        posting::MAX_ANSWER,
        store::Text,
    },
    key, leaves, root,
};
use crate::{clock::SystemClock, disk::sim::SimDisk, notary::tree::Tree};

/// What a witness does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    /// This status, with this text.
    Says(u16, &'static str),
    /// Signs with another key under its name.
    ForgedBySomebody,
    /// Signs something else.
    SignsAnother,
    NotText,
    TooLong,
    /// Sends to somebody who would sign.
    SendsOn,
    Silent,
    /// Says that it knows the size from which it was asked.
    Contradicts,
    /// Knows more than the log has signed.
    KnowsMore,
    /// Has cosigned 7 records already.
    KnowsSeven,
}

struct Playing {
    manner: Manner,
    key: SecretKey,
    asked: AtomicUsize,
}

fn witness_key(seed: u8) -> SecretKey {
    let name = KeyName::new(format!("witness{seed}.example")).unwrap();
    SecretKey::new(name, SignatureKind::Cosignature, &[seed; 32])
}

/// The checkpoint of the first so many records.
fn note(size: u64) -> Note {
    Checkpoint::new(key().public().name().clone(), TreeHead { size, root: root(size) }).sign(&key()).unwrap()
}

fn line(note: &Note, key: &SecretKey) -> String {
    format!("{}\n", cosign(note, SystemClock.now(), key).unwrap())
}

async fn answer(State(playing): State<Arc<Playing>>, body: Bytes) -> Response {
    playing.asked.fetch_add(1, Ordering::SeqCst);
    let request = AddCheckpoint::parse(&body).unwrap();
    let honest = || line(&request.note, &playing.key).into_response();
    let says = |status: u16, text: String| (StatusCode::from_u16(status).unwrap(), text).into_response();
    match playing.manner {
        Manner::Honest => honest(),
        Manner::Says(status, text) => says(status, text.to_owned()),
        Manner::ForgedBySomebody => {
            let forger = SecretKey::new(playing.key.public().name().clone(), SignatureKind::Cosignature, &[99; 32]);
            line(&request.note, &forger).into_response()
        }
        Manner::SignsAnother => line(&note(1), &playing.key).into_response(),
        Manner::NotText => vec![0xff, 0xfe, b'\n'].into_response(),
        Manner::TooLong => vec![b'a'; MAX_ANSWER + 1].into_response(),
        Manner::SendsOn => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/honest/add-checkpoint")]).into_response()
        }
        Manner::Silent => std::future::pending().await,
        Manner::Contradicts => says(409, format!("{}\n", request.old)),
        Manner::KnowsMore => says(409, "1000000\n".to_owned()),
        Manner::KnowsSeven if request.old != 7 => says(409, "7\n".to_owned()),
        Manner::KnowsSeven => {
            assert!(!request.proof.is_empty(), "the way from 7 records on is shown");
            honest()
        }
    }
}

/// A witness that behaves in this manner, until it is dropped; and the line of a policy that names it.
async fn witness(seed: u8, manner: Manner) -> (Arc<Playing>, String) {
    let playing = Arc::new(Playing { manner, key: witness_key(seed), asked: AtomicUsize::new(0) });
    let honest = Arc::new(Playing { manner: Manner::Honest, key: witness_key(seed), asked: AtomicUsize::new(0) });
    let app = Router::new()
        .route("/add-checkpoint", post(answer).with_state(Arc::clone(&playing)))
        .route("/honest/add-checkpoint", post(answer).with_state(honest));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = format!("witness w{seed} {} http://{}\n", playing.key.public(), listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (playing, line)
}

/// A notary that has signed 20 records.
fn signed() -> Notary {
    let notary = super::on(Arc::new(SimDisk::default()), 0).unwrap();
    let inner = &notary.0;
    let before = inner.store.load().unwrap().unwrap();
    let mut tree = Tree::load(Arc::clone(&inner.store), Arc::clone(&inner.recent), 0).unwrap();
    tree.append(&leaves(0..20)).unwrap();
    notary.commit(&mut tree, Some(&before)).unwrap();
    notary
}

struct Running {
    notary: Notary,
    state: watch::Receiver<Following>,
    _stop: oneshot::Sender<()>,
}

fn start(notary: Notary, dir: &Path, witnesses: &str, quorum: &str) -> Running {
    let policy = dir.join("policy");
    fs::write(&policy, format!("log {}\n{witnesses}quorum {quorum}\n", key().public())).unwrap();
    let (telling, state) = watch::channel(Following::default());
    let mut asking = Asking::open(notary.clone(), &policy, Duration::from_millis(20), telling).unwrap();
    asking.patience = Duration::from_millis(500);
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(asking.run(Lease::unshared(), async move { drop(stopped.await) }));
    Running { notary, state, _stop: stop }
}

impl Running {
    /// What this witness's trouble is, once it has one.
    async fn problem(&self, index: usize) -> Problem {
        let mut told = self.notary.0.witnesses.subscribe();
        let told = told.wait_for(|told| told[index].problem.is_some()).await.unwrap();
        told[index].problem.clone().unwrap()
    }

    async fn cosigned(&self) -> u64 {
        let mut cosigned = self.notary.0.cosigned.subscribe();
        let cosigned = cosigned.wait_for(Option::is_some).await.unwrap();
        cosigned.as_ref().unwrap().head.size
    }
}

#[tokio::test]
async fn a_wrong_answer_is_named_and_stops_nobody_else() {
    let refused = [
        (Manner::Says(200, ""), "no cosignature by witness1.example"),
        (Manner::Says(200, "— witness1.example AAAA\n"), "no cosignature"),
        (Manner::ForgedBySomebody, "no cosignature"),
        (Manner::SignsAnother, "witness1.example"),
        (Manner::NotText, "not text"),
        (Manner::Says(404, "I do not know this log"), "I do not know this log"),
        (Manner::Says(403, "<b>\u{7}no</b>"), "<b>no</b>"),
        (Manner::Says(409, "many"), "it says no size"),
        (Manner::KnowsMore, "older copy"),
        (Manner::Says(422, "no proof"), "does not continue"),
    ];
    let unreachable = [
        (Manner::TooLong, "limit"),
        (Manner::SendsOn, "307"),
        (Manner::Silent, "no answer in time"),
        (Manner::Contradicts, "asked from 0 records, but says 0"),
        (Manner::Says(429, "slowly"), "slowly"),
        (Manner::Says(408, ""), "408"),
        (Manner::Says(503, "later"), "later"),
    ];
    let refused = refused.into_iter().map(|(manner, why)| (manner, why, true));
    for (manner, why, refuses) in refused.chain(unreachable.into_iter().map(|(manner, why)| (manner, why, false))) {
        let dir = tempfile::tempdir().unwrap();
        let ((wrong, first), (_, second)) = (witness(1, manner).await, witness(2, Manner::Honest).await);
        let running = start(signed(), dir.path(), &format!("{first}{second}"), "w2");
        let (told, kind) = match running.problem(0).await {
            Problem::Refuses(why) => (why, true),
            Problem::Unreachable(why) => (why, false),
        };
        assert!(told.contains(why), "{manner:?}: {told}");
        assert_eq!(kind, refuses, "{manner:?}: {told}");
        assert!(wrong.asked.load(Ordering::SeqCst) <= 2, "{manner:?}: it is not asked again at once");
        assert_eq!(running.cosigned().await, 20, "{manner:?}: the other one cosigned");
        // Health says so, too.
        running.state.clone().wait_for(|state| matches!(state, Following::Retrying(_))).await.unwrap();
    }
}

#[tokio::test]
async fn a_quorum_needs_all_that_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let ((_, first), (_, second)) = (witness(1, Manner::Says(503, "")).await, witness(2, Manner::Honest).await);
    let group = format!("{first}{second}group both all w1 w2\n");
    let running = start(signed(), dir.path(), &group, "both");
    running.problem(0).await;
    let mut told = running.notary.0.witnesses.subscribe();
    told.wait_for(|told| told[1].cosigned.is_some()).await.unwrap();
    assert!(running.notary.0.cosigned.borrow().is_none());
    assert_eq!(running.notary.0.store.text(Text::Cosigned), Ok(None));
}

#[tokio::test]
async fn a_witness_that_knows_the_log_is_shown_the_way_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let (playing, line) = witness(1, Manner::KnowsSeven).await;
    let running = start(signed(), dir.path(), &line, "w1");
    assert_eq!(running.cosigned().await, 20);
    assert_eq!(playing.asked.load(Ordering::SeqCst), 2);
}

/// Two witnesses whose times to be asked never coincide, while the log grows between them.
#[test]
fn cosignatures_meet_on_one_checkpoint_however_busy_the_log_is() {
    let note = |size: u64| (TreeHead { size, root: root(size) }, note(size));
    let (mut notes, mut sizes, mut cosigned) = (std::collections::BTreeMap::new(), [0_u64; 2], Vec::new());
    for moment in 1..=20_usize {
        let newest = 10 * moment as u64;
        let due = moment % 2;
        let asked = met(&notes, sizes[due]).map_or(newest, |(head, _)| head.size);
        notes.entry(asked).or_insert_with(|| note(asked));
        sizes[due] = asked;
        if sizes[0] == sizes[1] {
            cosigned.push(asked);
            assert!(newest - asked <= 10, "at {newest} the quorum has {asked}");
        }
    }
    assert_eq!(cosigned.len(), 10, "every other question completes a quorum: {cosigned:?}");
}
