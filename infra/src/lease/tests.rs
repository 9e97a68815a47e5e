//! Leases in a database; and servers that share them, simulated: they die, stand still and are cut off, at random.
//!
//! The simulation has one thread and a clock of its own: the same start gives the same run.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use futures::FutureExt as _;
use socai_commands::Checkpoints as _;
use socai_domain::ledger::{LedgerId, Position};

use super::*;
use crate::{
    dice::{Dice, starts},
    postgres::testing::Server,
};

/// Waits on the simulation's clock.
async fn passes(time: Duration) {
    tokio::time::sleep(time).await; // tidy: time is paused here, and passes at once
}

const ALL: [Part; 3] = [Part::Views, Part::Notary, Part::Reactions];

/// A table of leases by the simulation's clock, and what their holders write, each write with a fence.
#[derive(Debug, Default)]
struct World {
    leases: memory::MemoryLeases,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// Whose turn it was to write last.
    holder: Uuid,
    /// By whom each was written, and when.
    all: Vec<(Uuid, Instant)>,
    /// Writes that came too late.
    refused: usize,
}

impl World {
    fn written(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the right to write: how much there is.
    fn load(&self, holder: Uuid) -> usize {
        let mut written = self.written();
        written.holder = holder;
        written.all.len()
    }

    /// Writes number `next`, if nobody else has the right.
    fn write(&self, holder: Uuid, next: usize) -> bool {
        let mut written = self.written();
        if written.holder != holder {
            written.refused += 1;
            return false;
        }
        assert_eq!(written.all.len(), next, "who has the right knows what is there");
        written.all.push((holder, Instant::now()));
        true
    }
}

/// The way of one server to all that.
#[derive(Clone, Debug)]
struct Way {
    world: Arc<World>,
    /// Nothing comes through.
    cut: Arc<AtomicBool>,
    /// Milliseconds that a question takes, each way.
    slow: u64,
}

impl Way {
    async fn pass(&self) {
        passes(Duration::from_millis(self.slow)).await;
        while self.cut.load(Ordering::Relaxed) {
            passes(Duration::from_millis(100)).await;
        }
    }
}

impl Leases for Way {
    fn take<'a>(
        &'a self,
        parts: &'a [Part],
        holder: Uuid,
        lasts: Duration,
    ) -> BoxFuture<'a, Result<BTreeSet<Part>, String>> {
        async move {
            self.pass().await;
            let (given, _) = self.world.leases.take(parts, holder, lasts);
            self.pass().await;
            Ok(given)
        }
        .boxed()
    }

    fn release(&self, holder: Uuid) -> BoxFuture<'_, Result<(), String>> {
        self.world.leases.release(holder);
        async { Ok(()) }.boxed()
    }
}

/// A server: keeps its leases, and writes while it has the notary's.
async fn server(way: Way, holder: Uuid) {
    let rights: Rights = ALL.iter().map(|part| Right::to(*part)).collect();
    let keeper = Keeping { leases: way.clone(), holder, rights: Arc::clone(&rights), until: Instant::now() };
    let lease = Lease::shared(rights[1].held.subscribe());
    let (_stop, stopping) = watch::channel(false);
    tokio::join!(keeper.run(stopping), async {
        loop {
            lease.gained().await;
            let mut next = way.world.load(holder);
            while lease.is_held() {
                way.pass().await;
                if !way.world.write(holder, next) {
                    // What it had in memory is old: it begins anew if it is still its turn.
                    break;
                }
                next += 1;
                passes(Duration::from_millis(70)).await;
            }
            passes(Duration::from_millis(10)).await;
        }
    });
}

/// Something that stands still now and then, as a process that was stopped: nothing of it goes on meanwhile.
struct Stoppable<F> {
    still: Arc<Mutex<(bool, Option<Waker>)>>,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Stoppable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut still = self.still.lock().unwrap_or_else(PoisonError::into_inner);
        if still.0 {
            still.1 = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(still);
        self.inner.as_mut().poll(context)
    }
}

/// One server as whoever torments it sees it.
struct Victim {
    way: Way,
    still: Arc<Mutex<(bool, Option<Waker>)>>,
    task: JoinHandle<()>,
}

impl Victim {
    fn start(world: &Arc<World>, dice: &mut Dice) -> Self {
        let way = Way { world: Arc::clone(world), cut: Arc::default(), slow: dice.below(40) };
        let still: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
        let inner = Box::pin(server(way.clone(), Uuid::from_u128(dice.next().into())));
        let task = tokio::spawn(Stoppable { still: Arc::clone(&still), inner });
        Self { way, still, task }
    }

    fn stands_still(&self, stands: bool) {
        let mut still = self.still.lock().unwrap_or_else(PoisonError::into_inner);
        still.0 = stands;
        if let Some(waker) = still.1.take() {
            waker.wake();
        }
    }

    fn cut(&self, cut: bool) {
        self.way.cut.store(cut, Ordering::Relaxed);
    }
}

/// The longest time in which nobody wrote.
const TAKEN_OVER: Duration = Duration::from_secs(10);

async fn torment(seed: u64) -> (usize, usize) {
    let (world, mut dice) = (Arc::new(World::default()), Dice(seed));
    let mut servers: Vec<Victim> = (0..3).map(|_| Victim::start(&world, &mut dice)).collect();
    for _ in 0..60 {
        // Who has just taken over has time to write: else nobody might, as one after the other gets into trouble.
        passes(Duration::from_millis(4_000 + dice.below(6_000))).await;
        // One at a time: the others can go on.
        let victim = usize::try_from(dice.below(3)).unwrap();
        let long = Duration::from_millis(dice.below(20_000));
        match dice.below(3) {
            0 => {
                servers[victim].task.abort();
                passes(long).await;
                servers[victim] = Victim::start(&world, &mut dice);
            }
            1 => {
                servers[victim].stands_still(true);
                passes(long).await;
                servers[victim].stands_still(false);
            }
            _ => {
                servers[victim].cut(true);
                passes(long).await;
                servers[victim].cut(false);
            }
        }
    }
    for server in &servers {
        server.task.abort();
    }
    let written = world.written();
    for two in written.all.windows(2) {
        let waited = two[1].1 - two[0].1;
        assert!(waited < TAKEN_OVER, "seed {seed}: nobody wrote for {waited:?}");
    }
    let turns = written.all.windows(2).filter(|two| two[0].0 != two[1].0).count();
    assert!(turns > 5, "seed {seed}: they took turns {turns} times");
    (written.all.len(), written.refused)
}

#[tokio::test(start_paused = true)]
async fn servers_take_over_from_each_other_in_time_and_none_writes_out_of_turn() {
    let mut refused = 0;
    for seed in starts(40) {
        let run = torment(seed).await;
        if seed == 1 {
            assert_eq!(run, torment(seed).await, "the same start gives the same run");
        }
        refused += run.1;
    }
    assert!(refused > 0, "no fence was ever needed: nothing was tried");
}

#[tokio::test]
async fn a_lease_in_a_database_is_one_servers_until_it_runs_out_or_is_let_go_of() {
    let server = Server::start();
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    // Two begin at once.
    let at = server.address();
    let (leases, theirs) = tokio::join!(PostgresLeases::open(&at), PostgresLeases::open(&at));
    let (leases, theirs) = (leases.unwrap(), theirs.unwrap());
    let long = Duration::from_hours(1);
    let some = BTreeSet::from([Part::Notary, Part::Views]);
    assert_eq!(leases.take(&[Part::Notary, Part::Views], one, long).await.unwrap(), some);
    assert_eq!(theirs.take(&ALL, other, long).await.unwrap(), BTreeSet::from([Part::Reactions]));
    assert_eq!(leases.take(&ALL, one, long).await.unwrap(), some, "renewed");
    leases.release(one).await.unwrap();
    assert_eq!(theirs.take(&ALL, other, Duration::ZERO).await.unwrap(), BTreeSet::from(ALL));
    // All of them have run out.
    assert_eq!(leases.take(&ALL, one, long).await.unwrap(), BTreeSet::from(ALL));

    let (checkpoints, beside) = (PostgresCheckpoints::new(&at), PostgresCheckpoints::new(&at));
    assert_eq!(checkpoints.load("reactions").await, Ok(None));
    for place in [7, 5] {
        let position = Position::new(LedgerId(Uuid::from_u128(3)), 1, place);
        checkpoints.save("reactions", position).await.unwrap();
        assert_eq!(beside.load("reactions").await, Ok(Some(position)));
    }
    server.run("UPDATE socai_servers.checkpoint SET position = 'five'");
    let told = beside.load("reactions").await.unwrap_err().to_string();
    assert!(told.contains("stop all servers") && told.contains("socai_servers.checkpoint"), "{told}");
    // A server that went and came back.
    server.cluster.restart("").unwrap();
    assert_eq!(leases.take(&ALL, one, long).await.unwrap(), BTreeSet::from(ALL));
}
