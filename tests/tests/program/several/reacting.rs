//! A server dies, or stands still, in the middle of what it began for a client, and the reactions are its to run: another server
//! ends it within ten seconds without being asked, and every step is done once, also where the first one comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use socai_kurrent_double::AppendFault::{self, Ignored, Nothing, WrittenInSilence};
use uuid::Uuid;

use super::{
    ask::{Asker, Outcome},
    dice::Dice,
    journal::pass,
    once,
    staff::{Member, Staff},
    takeover::TAKEN_OVER,
    world::{READY, World},
};
use crate::office::paper;

/// What becomes of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    Paused,
}

/// A command of two or three records, of which the first is written, and what becomes of the second.
#[derive(Debug)]
struct HalfDone {
    command: &'static str,
    input: Value,
    second: AppendFault,
    /// The kind of the last record, and the beginning of its stream's name.
    last: (&'static str, String),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_server_began_another_one_ends_within_ten_seconds_and_once() {
    // As long as a server waits for an answer if nobody says otherwise.
    let world = World::start(10_000).await;
    let staff = Staff::hire(&world, 1).await;
    let asker = Arc::new(Asker::new(Arc::clone(&world)));
    let (clerk, dice) = (&staff.clerks[0], &mut Dice::new(1, 1));
    let mut documents = Vec::new();
    for number in ["1", "2", "3"] {
        let received = asker.command(dice, &clerk.token, "receiveIncoming", paper(number)).await.unwrap();
        documents.push(received.stream);
    }
    let register = |nth: usize, second| {
        let (input, stream) = (json!({ "document": documents[nth] }), format!("so-{}", documents[nth]));
        HalfDone { command: "registerIncoming", input, second, last: ("IncomingRegistered@1", stream) }
    };
    another_ends(&asker, clerk, Fate::Killed, register(0, Ignored)).await;
    let input = json!({ "document": documents[0], "kind": "ERROR", "reason": "Vào sổ nhầm, đăng ký lại." });
    let last = ("NumberVoided@1", "so-register-".to_owned());
    let cancel = HalfDone { command: "cancelIncoming", input, second: Ignored, last };
    another_ends(&asker, clerk, Fate::Killed, cancel).await;
    let paused = another_ends(&asker, clerk, Fate::Paused, register(1, WrittenInSilence)).await;
    // Who stood still gives the next number, which it can only when it has found out about the one that it was giving.
    let next = json!({ "commandId": Uuid::now_v7(), "document": documents[2] });
    done_at(&asker, paused, clerk, "registerIncoming", &next).await;

    let (checked, acknowledged) = (Arc::clone(&world), asker.acknowledged.lock().unwrap().clone());
    let numbers = tokio::task::spawn_blocking(move || once::is_everything(&checked, &acknowledged, "nobody"));
    assert_eq!(numbers.await.unwrap(), 3);
    world.leave_alone();
    assert_eq!(world.journal.all_wrong(), Vec::<String>::new());
}

/// Does this server say that it has the lease of this part?
pub(super) async fn holds(world: &World, server: usize, part: &str) -> bool {
    let lease = format!("socai_lease_held{{part=\"{part}\"}} 1");
    world.get(server, "/metrics").await.is_some_and(|(_, told)| told.contains(&lease))
}

/// The server that runs the reactions.
async fn reacting(world: &World) -> usize {
    loop {
        for server in 0..world.servers.len() {
            if holds(world, server, "reactions").await {
                return server;
            }
        }
        pass(Duration::from_millis(100)).await;
    }
}

async fn another_ends(asker: &Arc<Asker>, clerk: &Member, fate: Fate, half_done: HalfDone) -> usize {
    let HalfDone { command, mut input, second, last: (kind, stream) } = half_done;
    let world = &asker.world;
    let ended = || world.records().iter().filter(|it| it.kind == kind && it.stream.starts_with(&stream)).count();
    let victim = reacting(world).await;
    input["commandId"] = json!(Uuid::now_v7());

    let (appends, before) = (world.double.counts().appends, ended());
    world.double.faults().appends([Nothing, second.clone()]);
    let (asking, token, sent) = (Arc::clone(asker), clerk.token.clone(), input.clone());
    let attempt = tokio::spawn(async move { asking.attempt(victim, &token, command, &sent).await });
    world.double.until(|counts| counts.appends >= appends + 2).await;
    let gone = Instant::now();
    match fate {
        Fate::Killed => world.servers[victim].kill(),
        Fate::Paused => world.servers[victim].signal("-STOP"),
    }
    assert_eq!(ended(), before, "{command} was to be half done");
    let ending = async {
        while ended() == before {
            pass(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(READY, ending).await.unwrap_or_else(|_| panic!("nobody ended {command}"));
    let took = gone.elapsed();
    world.journal.say(format_args!("server {victim} {fate:?} in {command} ({second:?}): ended after {took:?}"));
    assert!(took <= TAKEN_OVER, "{command} was ended after {took:?}");

    // It comes back, and goes on where it stood.
    match fate {
        Fate::Killed => world.servers[victim].start(),
        Fate::Paused => world.servers[victim].signal("-CONT"),
    }
    assert!(world.ready(victim, READY).await, "{}", world.servers[victim].last_messages(12));
    assert!(!matches!(attempt.await.unwrap(), Outcome::Done(_)), "it was never answered");
    // The client asks once more, there and elsewhere: it was done, and is not done again.
    for server in 0..world.servers.len() {
        done_at(asker, server, clerk, command, &input).await;
    }
    assert_eq!(ended(), before + 1, "{command} was ended twice");
    victim
}

/// Asks this server until it says that it is done.
pub(super) async fn done_at(asker: &Asker, server: usize, clerk: &Member, command: &'static str, input: &Value) {
    let asking = async {
        loop {
            match asker.attempt(server, &clerk.token, command, input).await {
                Outcome::Done(done) => break asker.acknowledged.lock().unwrap().push(*done),
                Outcome::Refused(_, true) | Outcome::Unknown => pass(Duration::from_millis(100)).await,
                refused @ Outcome::Refused(_, false) => panic!("server {server} refuses {command}: {refused:?}"),
            }
        }
    };
    let in_time = tokio::time::timeout(READY, asking).await;
    in_time.unwrap_or_else(|_| panic!("server {server} does not answer {command}"));
}
