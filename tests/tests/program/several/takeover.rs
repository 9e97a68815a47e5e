//! A server dies, and the others go on: what it did for all of them, one of the others does within ten seconds.

use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use super::{
    ask::{Acknowledged, Outcome},
    dice::Dice,
    journal::pass,
    watch::Watch,
    work::Work,
    world::READY,
};
use crate::office::paper;

/// From the death of a server until others have its work.
pub(super) const TAKEN_OVER: Duration = Duration::from_secs(10);

/// Kills one server after the other: so whoever leads is among them, whatever it leads.
pub(super) async fn by_another(work: &Work, watch: &Watch, dice: &mut Dice) {
    let world = &work.asker.world;
    for victim in 0..world.servers.len() {
        let others: Vec<_> = (0..world.servers.len()).filter(|other| *other != victim).collect();
        let killed = Instant::now();
        world.servers[victim].kill();
        match tokio::time::timeout(READY, by_these(work, watch, &others, dice)).await {
            Ok((commanded, covered)) => {
                let took = killed.elapsed();
                world.journal.say(format_args!(
                    "server {victim} was killed: a command done after {commanded:?}, signed after {covered:?}, shown by \
                     all after {took:?}"
                ));
                if took > TAKEN_OVER {
                    world.journal.wrong(format_args!("the work of server {victim} was taken over after {took:?}"));
                }
            }
            Err(_) => world.journal.wrong(format_args!("nobody took over from server {victim} in {READY:?}")),
        }
        world.servers[victim].start();
        assert!(world.ready(victim, READY).await, "server {victim}: {}", world.servers[victim].last_messages(12));
    }
}

/// Until one of these takes in a document, one shows it signed, and all show it; when the first two were done.
pub(super) async fn by_these(work: &Work, watch: &Watch, others: &[usize], dice: &mut Dice) -> (Duration, Duration) {
    let begun = Instant::now();
    let done = received(work, others, dice).await;
    let commanded = begun.elapsed();
    covered(work, watch, others, &done).await;
    let covered = begun.elapsed();
    for other in others {
        shown(work, *other, &done).await;
    }
    (commanded, covered)
}

/// A document that one of these takes in.
pub(super) async fn received(work: &Work, others: &[usize], dice: &mut Dice) -> Acknowledged {
    let mut input = paper(&format!("K{}", dice.below(1_000_000)));
    input["commandId"] = json!(Uuid::from_u128(u128::from(dice.throw())));
    loop {
        for other in others {
            let token = &work.staff.clerks[0].token;
            if let Outcome::Done(done) = work.asker.attempt(*other, token, "receiveIncoming", &input).await {
                work.asker.acknowledged.lock().unwrap().push((*done).clone());
                return *done;
            }
        }
        pass(Duration::from_millis(50)).await;
    }
}

/// Until one of the others shows a checkpoint over the record.
async fn covered(work: &Work, watch: &Watch, others: &[usize], done: &Acknowledged) {
    let records = work.asker.world.records();
    let leaf = records.iter().position(|event| event.id == done.record).expect("it was acknowledged") as u64;
    loop {
        for other in others {
            if watch.checkpoint(*other).await.is_some_and(|head| head.size > leaf) {
                return;
            }
        }
        pass(Duration::from_millis(50)).await;
    }
}

/// Until this server shows it.
pub(super) async fn shown(work: &Work, server: usize, done: &Acknowledged) {
    let query = "query($id: ID!, $at: Position) { incomingDocument(id: $id, atLeast: $at) { stage } }";
    let asked = json!({ "id": done.stream, "at": done.position });
    loop {
        if let Some(client) = work.asker.world.client(server, &work.staff.clerks[0].token)
            && let Ok(answer) = client.try_ask(query, asked.clone()).await
            && answer["data"]["incomingDocument"]["stage"] == "ARRIVED"
        {
            return;
        }
        pass(Duration::from_millis(50)).await;
    }
}
