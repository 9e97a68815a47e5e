//! Several servers on one log, in one database, while processes are killed and paused, networks are cut and engines fail:
//! nothing is lost, doubled or out of order, numbers have no gap and no duplicate, and there is one tree.
//!
//! `SOCAI_TEST_SEED` repeats what chance chose (not the moments at which it meets the program), `SOCAI_TEST_CHAOS_MINUTES`
//! makes it long, and so does `SOCAI_LONG`: ten minutes. With `SOCAI_TEST_OLDER`, the program of an older version, the first server
//! runs that: the others were upgraded. One from before `what_was_decided_on_a_lost_append…` may give a document two numbers.

mod apart;
mod ask;
mod authority;
mod chaos;
mod checks;
mod dice;
mod journal;
mod late;
mod lost;
mod once;
mod pair;
mod proxy;
mod pushed;
mod reacting;
mod replica;
mod rush;
mod server;
mod staff;
mod takeover;
mod turns;
mod upgrade;
mod watch;
mod work;
mod world;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use self::{
    ask::{Asker, Outcome},
    chaos::{Chaos, Disturbance, Pace},
    checks::{Log, Shown},
    dice::Dice,
    journal::pass,
    staff::Staff,
    watch::Watch,
    work::Work,
    world::{MERGE_DELAY, READY, World},
};
use crate::office::paper;

/// Seeds of the short run.
const SEEDS: [u64; 1] = [1];
/// Clients at once.
const CLERKS: usize = 4;

fn of_the_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_on_one_log_lose_double_and_reorder_nothing_whatever_fails() {
    let seconds = |least, most| (Duration::from_millis(least), Duration::from_millis(most));
    let minutes = of_the_environment("SOCAI_TEST_CHAOS_MINUTES");
    let minutes = minutes.or_else(|| std::env::var_os("SOCAI_LONG").map(|_| 10));
    let pace = match minutes {
        Some(_) => Pace { wrong: seconds(1_000, 15_000), right: seconds(500, 4_000) },
        None => Pace { wrong: seconds(500, 2_500), right: seconds(100, 600) },
    };
    let seeds = of_the_environment("SOCAI_TEST_SEED").map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]);
    for seed in seeds {
        run(seed, pace, Duration::from_secs(60 * minutes.unwrap_or(0))).await;
    }
}

async fn run(seed: u64, pace: Pace, long: Duration) {
    // A call without an answer holds up the log's writer until its deadline: the default is right for the long run.
    let world = World::start(if long.is_zero() { 2_000 } else { 10_000 }).await;
    let journal = Arc::clone(&world.journal);
    journal.say(format_args!("seed {seed}"));
    let staff = Staff::hire(&world, CLERKS).await;
    let work = Arc::new(Work::new(Arc::new(Asker::new(Arc::clone(&world))), staff));
    let watch = Arc::new(Watch::new(Arc::clone(&world)));
    let (mut clients, mut watchers) = (JoinSet::new(), JoinSet::new());
    for server in 0..world.servers.len() {
        watchers.spawn(Arc::clone(&watch).run(server));
    }
    for clerk in 0..CLERKS {
        clients.spawn(Arc::clone(&work).run(clerk, Dice::new(seed, 100 + clerk as u64)));
    }
    clients.spawn(rush::at_one_book(Arc::clone(&work), Dice::new(seed, 5)));
    clients.spawn(authority::comes_and_goes(Arc::clone(&work), Dice::new(seed, 3)));

    let chaos = Chaos::new(Arc::clone(&world), pace, Instant::now() + long);
    tokio::join!(chaos.of_servers(Dice::new(seed, 1)), chaos.of_engines(Dice::new(seed, 2)));
    chaos.end();
    journal.say("quiet from now on");
    let quiet = Instant::now();
    work.over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    chaos.heard().await;
    for server in 0..world.servers.len() {
        assert!(world.ready(server, READY).await, "server {server}: {}", world.servers[server].last_messages(12));
    }
    journal.say(format_args!("all clients have their answers after {:?}", quiet.elapsed()));
    let dice = &mut Dice::new(seed, 4);
    rush::until_they_met(&work, dice).await;
    pushed::on_every_server(&work, dice).await;
    takeover::by_another(&work, &watch, dice).await;
    signed(&world, &watch).await;
    promised(&work).await;
    signed(&world, &watch).await;
    watch.end();
    while let Some(ended) = watchers.join_next().await {
        ended.unwrap();
    }
    judge(&world, &work, &watch, &chaos.disturbances()).await;
    assert_eq!(journal.all_wrong(), Vec::<String>::new(), "seed {seed}");
}

/// Waits until every server shows a checkpoint over all of the log.
async fn signed(world: &World, watch: &Watch) {
    let (begun, records) = (Instant::now(), world.records().len() as u64);
    for server in 0..world.servers.len() {
        while watch.checkpoint(server).await.is_none_or(|head| head.size < records) {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(MERGE_DELAY), "server {server} shows no checkpoint over {records}");
            pass(Duration::from_millis(50)).await;
        }
    }
}

/// Every server promises again, now that all is well.
async fn promised(work: &Work) {
    for server in 0..work.asker.world.servers.len() {
        assert!(work.asker.world.ready(server, READY).await, "server {server} is not ready");
        let token = &work.staff.clerks[0].token;
        let outcome = work.asker.attempt(server, token, "receiveIncoming", &paper("hứa")).await;
        let Outcome::Done(done) = outcome else { panic!("server {server}: {outcome:?}") };
        assert!(done.promise.is_some(), "server {server} promises nothing: {done:?}");
        work.asker.acknowledged.lock().unwrap().push(*done);
    }
}

async fn judge(world: &Arc<World>, work: &Work, watch: &Watch, disturbances: &[Disturbance]) {
    let log = Log::read(world);
    let acknowledged = work.asker.acknowledged.lock().unwrap().clone();
    log.holds(&acknowledged);
    let seen = watch.seen();
    log.grew_into_one_tree(&seen);
    let (longest, promises) = log.kept(world, &acknowledged, &seen, disturbances);
    assert!(promises > 0, "nothing was promised");

    let position = &acknowledged.iter().max_by_key(|told| place(&told.position)).unwrap().position;
    let mut shown = Vec::new();
    for server in 0..world.servers.len() {
        shown.push(Shown::by(world, server, &work.staff.clerks[0].token, position).await);
    }
    assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "servers show different things: {shown:?}");
    let cancelled = work.cancelled.load(Ordering::Relaxed);
    shown[0].is_one_book(&acknowledged, cancelled);
    let resolved = work.resolved.load(Ordering::Relaxed);
    assert_eq!(shown[0].resolved(), resolved);
    assert!(resolved > 0, "no document went all the way");

    world.leave_alone();
    for server in &world.servers {
        let server = Arc::clone(server);
        let status = tokio::task::spawn_blocking(move || (server.terminate(), server.last_messages(8))).await.unwrap();
        assert!(status.0.success(), "{status:?}");
    }
    let (checked, records, told) = (Arc::clone(world), log.records(), acknowledged.clone());
    let temporary = work.staff.temporary.person.clone();
    let numbers = tokio::task::spawn_blocking(move || {
        checks::by_the_program(&checked, records);
        once::is_everything(&checked, &told, &temporary)
    });
    let numbers = numbers.await.unwrap();
    let conflicts = world.double.conflicts("so-register-");
    world.journal.say(format_args!(
        "{records} records, {numbers} numbers for which servers met {conflicts} times, {} acknowledged, {promises} promises (the longest wait {longest:?}), {} heads seen, {resolved} \
         documents resolved, {cancelled} cancelled; attempts: {:?}",
        acknowledged.len(),
        seen.len(),
        work.asker.attempts.lock().unwrap(),
    ));
}

/// The engine's place in a position: `LEDGER.EPOCH.PLACE`.
fn place(position: &str) -> u64 {
    position.rsplit('.').next().and_then(|place| place.parse().ok()).unwrap_or_else(|| panic!("{position}"))
}
