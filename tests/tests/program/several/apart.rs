//! A server in a network namespace of its own: the link to its engines is set down, and packets vanish without a word, which no
//! proxy can imitate. Others take its leases, it says that it is busy, and goes on when the link is up again.
//!
//! Everything runs in a namespace that is private to this test: no address is reachable from outside. Where the machine does not
//! let it have one, the test says that it was left out.

use std::{
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    ask::{Asker, Outcome},
    dice::Dice,
    journal::pass,
    judge, pushed,
    reacting::{done_at, holds},
    rush, signed,
    staff::Staff,
    takeover::{self, TAKEN_OVER},
    watch::Watch,
    work::Work,
    world::World,
};
use crate::office::paper;

/// The engines, as the server sees them.
pub(super) const ENGINES: &str = "10.66.1.1";
/// Where the server listens for clients, whose link is never down.
pub(super) const SERVES: &str = "10.66.2.2";
/// The links: device and address here, device and address there.
const LINKS: [[&str; 4]; 2] = [
    ["engines", "10.66.1.1/30", "to-engines", "10.66.1.2/30"],
    ["clients", "10.66.2.1/30", "to-clients", "10.66.2.2/30"],
];
/// How long the link is down: by then the database has given the sessions up of who does not answer.
const DOWN: Duration = Duration::from_secs(25);
/// How soon after that the server must show what others did meanwhile.
const BACK: Duration = Duration::from_secs(30);
/// Set where this program runs in a namespace.
const INSIDE: &str = "IN_A_NETWORK_OF_ITS_OWN";

/// The network namespace of a server.
#[derive(Debug)]
pub(super) struct Apart {
    /// Keeps it. Ends with this program, which holds its standard input.
    keeper: Child,
}

impl Apart {
    /// Linked to the namespace of this program, and up.
    fn new() -> Self {
        let mut keeper = Command::new("unshare");
        keeper.args(["--net", "sh", "-c", "echo; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut apart = Self { keeper: keeper.spawn().unwrap() };
        // It says something once it is there.
        apart.keeper.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let there = apart.keeper.id().to_string();
        for [here, address, peer, peers_address] in LINKS {
            ip(&format!("link add {here} type veth peer name {peer} netns {there}"));
            ip(&format!("addr add {address} dev {here}"));
            ip(&format!("link set {here} up"));
            apart.ip(&format!("addr add {peers_address} dev {peer}"));
            apart.ip(&format!("link set {peer} up"));
        }
        apart.ip("link set lo up");
        apart
    }

    fn ip(&self, command: &str) {
        let [nsenter, rest @ ..] = &self.enter()[..] else { unreachable!() };
        done(Command::new(nsenter).args(rest).arg("ip").args(command.split(' ')));
    }

    /// What a command begins with to run there.
    pub(super) fn enter(&self) -> [String; 5] {
        ["nsenter", "-t", &self.keeper.id().to_string(), "--net", "--"].map(str::to_owned)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn ip(command: &str) {
    done(Command::new("ip").args(command.split(' ')));
}

fn done(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// A command that runs this in a network namespace, with the rights to set it up.
fn in_a_namespace(program: &str) -> Command {
    let mut command = Command::new("unshare");
    // PostgreSQL's server will not run as root, nor as who looks like root: so nobody's name changes. Root needs no other rights.
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--net", program]);
    command
}

#[test]
fn a_server_whose_packets_vanish_is_replaced_in_time_and_comes_back() {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return tokio::runtime::Runtime::new().unwrap().block_on(packets_vanish());
    }
    let tried = in_a_namespace("ip").args(["link", "set", "lo", "up"]).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        eprintln!("LEFT OUT: this machine gives no network namespace with unshare and ip: {tried:?}");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "several::apart::a_server_whose_packets_vanish_is_replaced_in_time_and_comes_back";
    done(in_a_namespace(this.to_str().unwrap()).args(["--exact", name, "--nocapture"]).env(INSIDE, "yes"));
}

async fn packets_vanish() {
    // The first server that starts has all leases.
    let world = World::with_one_apart(10_000, Apart::new()).await;
    let journal = Arc::clone(&world.journal);
    let staff = Staff::hire(&world, 2).await;
    let work = Arc::new(Work::new(Arc::new(Asker::new(Arc::clone(&world))), staff));
    let watch = Arc::new(Watch::new(Arc::clone(&world)));
    let (mut clients, mut watchers) = (JoinSet::new(), JoinSet::new());
    for server in 0..world.servers.len() {
        watchers.spawn(Arc::clone(&watch).run(server));
    }
    for clerk in 0..2 {
        clients.spawn(Arc::clone(&work).run(clerk, Dice::new(1, 100 + clerk as u64)));
    }
    clients.spawn(rush::at_one_book(Arc::clone(&work), Dice::new(1, 5)));
    for part in ["views", "notary", "reactions"] {
        assert!(holds(&world, 0, part).await, "the first server has the lease of the {part}");
    }
    pass(Duration::from_secs(3)).await;

    let since = Instant::now();
    ip("link set engines down");
    let mut paper = paper("bận");
    paper["commandId"] = json!(Uuid::from_u128(7));
    let (replaced, busy) = tokio::join!(replaced(&work, &watch), busy(&work, &paper));
    journal.say(format_args!("the others took over after {replaced:?}; it said that it is busy after {busy:?}"));
    assert!(replaced <= TAKEN_OVER, "the others took over after {replaced:?}");
    assert!(busy <= DOWN, "it was busy only after {busy:?}");
    pass(DOWN.saturating_sub(since.elapsed())).await;
    ip("link set engines up");
    let (since, up) = (since, Instant::now());
    let back = async {
        let ready = world.ready(0, BACK).await;
        journal.say(format_args!("it is ready {:?} after the link came up: {ready}", up.elapsed()));
        // Ready is who can be asked: that the views are behind they say themselves.
        let later = takeover::received(&work, &[1, 2], &mut Dice::new(1, 7)).await;
        takeover::shown(&work, 0, &later).await;
    };
    let back = tokio::time::timeout(BACK, back).await;
    journal.say(format_args!("it shows what others do {:?} after the link came up: {}", up.elapsed(), back.is_ok()));
    assert!(back.is_ok(), "{}", world.servers[0].last_messages(12));
    // Whether or not it was done before: now it is, and once.
    done_at(&work.asker, 0, &work.staff.clerks[0], "receiveIncoming", &paper).await;

    work.over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    pushed::on_every_server(&work, &mut Dice::new(1, 4)).await;
    signed(&world, &watch).await;
    watch.end();
    while let Some(ended) = watchers.join_next().await {
        ended.unwrap();
    }
    judge(&world, &work, &watch, &[(since, up + BACK)]).await;
    assert_eq!(journal.all_wrong(), Vec::<String>::new());
}

/// Until each lease is another server's, and what is done at one of the others is signed and shown by all of them.
async fn replaced(work: &Work, watch: &Watch) -> Duration {
    let (begun, others) = (Instant::now(), [1, 2]);
    takeover::by_these(work, watch, &others, &mut Dice::new(1, 6)).await;
    for part in ["views", "notary", "reactions"] {
        while !holds(&work.asker.world, 1, part).await && !holds(&work.asker.world, 2, part).await {
            pass(Duration::from_millis(50)).await;
        }
    }
    begun.elapsed()
}

/// Until the server that hears nothing says so, asked for one thing.
async fn busy(work: &Work, paper: &Value) -> Duration {
    let (begun, token) = (Instant::now(), &work.staff.clerks[0].token);
    loop {
        let attempt = work.asker.attempt(0, token, "receiveIncoming", paper).await;
        if matches!(attempt, Outcome::Refused(code, true) if code == "BUSY") {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < 2 * DOWN, "it never says that it is busy");
        pass(Duration::from_millis(100)).await;
    }
}
