//! Servers on one log, simulated: what only one of them does at a time is the program itself, its leases, its notary and its
//! reactions, with its command handler; the engines are in memory. They are killed, cut off and stand still, at random.
//!
//! The simulation has a clock of its own: minutes pass at once. A start gives the same faults and commands; which of two things that
//! happen in the same millisecond comes first is left to the runtime's dice. The views' follower writes SQL and is not in it.

mod way;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::join_all;
use socai_commands::{CommandError, Envelope, Handler, Reactions, Receipt, Requester};
use socai_domain::{
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId, PersonId},
    incoming::{
        self, IncomingDocument,
        events::{Arrived, Details},
        register::RegisterIncoming,
    },
    ledger::{DomainEvent, EventLog, Following, Opened, Opener, StreamId},
    organ,
    proof::{Frontier, leaf_hash},
    register,
    testing::{Happen, MORNING, acting, agency_events, scene},
    text::CodeNumber,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Duration, Instant, timeout},
};
use uuid::Uuid;

use self::way::{State, Way, World, passes};
use super::servers::{Servers, reacting};
use crate::{
    dice::{Dice, starts},
    lease::{Keeper, Part},
    notary::{Notary, memory},
};

/// The longest time in which nobody does what one server has to do.
const TAKEN_OVER: Duration = Duration::from_secs(10);
/// Recorded starts.
const RECORDED: u64 = 8;
const PARTS: &[Part] = &[Part::Notary, Part::Reactions];

/// A server.
struct Server {
    way: Way,
    handler: Handler,
    notary: Notary,
    reactions: JoinHandle<Result<(), socai_commands::ReactionError>>,
    notarising: JoinHandle<Result<(), crate::notary::NotaryError>>,
    _servers: Servers,
}

impl Server {
    async fn open(world: &Arc<World>, dice: &mut Dice) -> Self {
        let state = Arc::new(watch::Sender::new(State::Well));
        let way = Way { world: Arc::clone(world), state, slow: Duration::from_millis(1 + dice.below(40)) };
        let (shared, clock) = (Arc::new(way.clone()), Arc::new(world.clock.clone()));
        let log: Arc<dyn EventLog> = shared.clone();
        let opener = Opener::new(world.ring.clone());
        let handler = Handler::start(Arc::clone(&log), opener, shared.clone(), clock.clone()).await.unwrap();
        let notary = memory::among_several(way.store(), way.store(), clock).unwrap();
        let servers = Servers::simulated(Keeper::start(way.clone(), PARTS).await);
        let reactions = Reactions::start(handler.clone(), shared).await.unwrap();
        let lease = servers.lease(Part::Reactions);
        let reactions = servers.run(Part::Reactions, reactions.state(), reacting(reactions, lease));
        let (state, following) = watch::channel(Following::default());
        let run = notary.clone().run(log, state, servers.lease(Part::Notary), std::future::pending());
        let notarising = servers.run(Part::Notary, following, run);
        Self { way, handler, notary, reactions, notarising, _servers: servers }
    }

    fn is(&self, state: State) {
        self.way.state.send_replace(state);
    }
}

/// Those that are alive. Handles of a server outlive it, as what it began does.
type Alive = Arc<Mutex<Vec<Arc<Server>>>>;

fn one_of(alive: &Alive, dice: &mut Dice) -> Arc<Server> {
    let alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(&alive[usize::try_from(dice.below(alive.len() as u64)).unwrap()])
}

fn document(n: u64) -> StreamId {
    incoming::stream(IncomingId::new(Uuid::from_u128(0xd0c_0000_0000 + u128::from(n))))
}

fn command(n: u64, step: u64) -> CommandId {
    CommandId::new(Uuid::from_u128(u128::from(n) << 8 | u128::from(step)))
}

/// Who works there.
#[derive(Clone, Copy)]
struct Office {
    organ: OrganId,
    clerk: PersonId,
}

impl Office {
    async fn open(handler: &Handler) -> Self {
        let scene = scene();
        let organ = scene.organ.id.unwrap();
        let envelope = Envelope::of(organ, Requester::System, CommandId::new(Uuid::from_u128(1)));
        handler.execute(organ::stream(organ), envelope, Happen::<organ::Organ>(agency_events())).await.unwrap();
        Self { organ, clerk: acting(scene.clerk).person }
    }

    fn arrived(self, n: u64) -> (Envelope, Happen<IncomingDocument>) {
        let details = Details { number: CodeNumber::new(n.to_string()).ok(), ..incoming::testing::details() };
        let (channel, files) = (Channel::Axis, vec![incoming::testing::main_file()]);
        let arrived = Arrived { channel, axis: None, arrived_at: MORNING, details, files, follows: None };
        (Envelope::of(self.organ, Requester::System, command(n, 1)), Happen(vec![arrived.into()]))
    }

    fn register(self, n: u64) -> (Envelope, RegisterIncoming) {
        let register = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
        (Envelope::of(self.organ, Requester::Person(self.clerk), command(n, 2)), register)
    }
}

/// Puts it to one server after the other until one answers.
async fn persist<A: Future<Output = Result<Receipt, CommandError>>>(
    alive: &Alive,
    dice: &mut Dice,
    ask: impl Fn(Handler) -> A,
) {
    loop {
        let server = one_of(alive, dice);
        match timeout(Duration::from_secs(6), ask(server.handler.clone())).await {
            Ok(Ok(_)) => return,
            Ok(Err(CommandError::Refused(refused))) => panic!("refused: {refused}"),
            Ok(Err(_)) | Err(_) => passes(Duration::from_millis(200)).await,
        }
    }
}

/// Receives a document and has it registered. One clerk in four goes home after the first attempt, whatever came of it.
/// Was it told that it is done?
async fn clerk(alive: Alive, office: Office, n: u64, mut dice: Dice) -> bool {
    let arrive = |handler: Handler| async move {
        let (envelope, arrived) = office.arrived(n);
        handler.execute(document(n), envelope, arrived).await
    };
    persist(&alive, &mut dice, arrive).await;
    let register = |handler: Handler| async move {
        let (envelope, register) = office.register(n);
        handler.execute(document(n), envelope, register).await
    };
    if dice.below(4) == 0 {
        let server = one_of(&alive, &mut dice);
        return matches!(timeout(Duration::from_secs(6), register(server.handler.clone())).await, Ok(Ok(_)));
    }
    persist(&alive, &mut dice, register).await;
    true
}

/// One server after the other gets into trouble; the others can go on.
async fn torment(world: &Arc<World>, alive: &Alive, dice: &mut Dice) {
    for _ in 0..30 {
        passes(Duration::from_millis(1_000 + dice.below(6_000))).await;
        let victim = one_of(alive, dice);
        let long = Duration::from_millis(dice.below(20_000));
        world.trouble();
        match dice.below(3) {
            0 => {
                victim.is(State::Dead);
                passes(long).await;
                let new = Arc::new(Server::open(world, dice).await);
                let mut alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
                alive.retain(|server| !Arc::ptr_eq(server, &victim));
                alive.push(new);
            }
            trouble => {
                victim.is(if trouble == 1 { State::Cut } else { State::Still });
                passes(long).await;
                victim.is(State::Well);
            }
        }
    }
}

/// How often a lease changed hands, and how many of the notary's writes came too late.
async fn run(start: u64) -> (usize, usize) {
    let (world, mut dice) = (Arc::new(World::new()), Dice(start));
    let calm =
        Way { world: Arc::clone(&world), state: Arc::new(watch::Sender::new(State::Well)), slow: Duration::ZERO };
    let notary = memory::among_several(calm.store(), calm.store(), Arc::new(world.clock.clone())).unwrap();
    notary.begin_simulated().unwrap();
    let alive = Alive::default();
    for _ in 0..3 {
        let server = Arc::new(Server::open(&world, &mut dice).await);
        alive.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    }
    let office = Office::open(&one_of(&alive, &mut dice).handler).await;
    let mut torment_dice = Dice(dice.next());
    let tormenting = torment(&world, &alive, &mut torment_dice);
    let mut clerks = Vec::new();
    let working = async {
        loop {
            let n = clerks.len() as u64 + 1;
            clerks.push(tokio::spawn(clerk(Arc::clone(&alive), office, n, Dice(dice.next()))));
            passes(Duration::from_millis(200 + dice.below(800))).await;
        }
    };
    tokio::select! {
        () = tormenting => {}
        () = working => {}
    }
    let clerks = join_all(clerks).await.into_iter();
    let surely: Vec<bool> = clerks.map(|told| told.unwrap_or_else(|error| panic!("start {start}: {error}"))).collect();
    passes(TAKEN_OVER).await;
    whole(start, &world, &surely).await;
    in_time(start, &world);
    let servers = alive.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for server in servers {
        assert!(!server.reactions.is_finished() && !server.notarising.is_finished(), "start {start}: a part ended");
        let records = world.log.head().await.unwrap().records;
        assert!(
            timeout(TAKEN_OVER, server.notary.covers(records)).await.unwrap(),
            "start {start}: shown by each server"
        );
    }
    (world.seen().turns, world.shelves.lock().unwrap_or_else(PoisonError::into_inner).refused)
}

/// Nothing is lost or doubled; numbers have no gap; every head that was signed is of one tree.
async fn whole(start: u64, world: &World, surely: &[bool]) {
    let opener = Opener::new(world.ring.clone());
    let (mut frontier, mut numbers, mut lengths) = (Frontier::new(), Vec::new(), BTreeMap::<StreamId, u64>::new());
    let mut roots = vec![frontier.root()];
    for recorded in world.all().await {
        frontier.append(leaf_hash(&recorded.record.hash()));
        roots.push(frontier.root());
        *lengths.entry(recorded.record.header().stream).or_default() += 1;
        let what = opener.open(&recorded.record).await.unwrap();
        if let Opened::Event(_, DomainEvent::Register(register::Event::NumberAssigned(e))) = what {
            numbers.push((e.number.get(), incoming::stream(e.document)));
        }
    }
    let given: BTreeMap<StreamId, u32> = numbers.iter().map(|(number, document)| (*document, *number)).collect();
    assert!(
        numbers.iter().map(|(number, _)| *number).eq(1..=u32::try_from(given.len()).unwrap()),
        "start {start}: {numbers:?}"
    );
    for (n, surely) in (1..).zip(surely) {
        let stream = document(n);
        let length = if given.contains_key(&stream) { 3 } else { 1 };
        assert_eq!(lengths.get(&stream), Some(&length), "start {start}: document {n}");
        assert!(length == 3 || !surely, "start {start}: document {n} was registered, as its clerk was told");
    }
    let seen = world.seen();
    assert!(seen.begun.is_empty(), "start {start}: {:?}", seen.begun);
    for (_, head) in &seen.signed {
        assert_eq!(roots[usize::try_from(head.size).unwrap()], head.root, "start {start}: {} leaves", head.size);
    }
    assert!(seen.signed.is_sorted_by_key(|(_, head)| head.size), "start {start}: a tree that shrinks");
    assert_eq!(seen.signed.last().map(|(_, head)| head.size), Some(roots.len() as u64 - 1), "start {start}");
}

/// Somebody always signs, and finishes what was begun: at the latest so long after the last of them got into trouble.
fn in_time(start: u64, world: &World) {
    let seen = world.seen();
    let waited = |[from, until]: [Instant; 2]| {
        let last = seen.troubles.iter().rfind(|trouble| **trouble < until).copied();
        until - last.map_or(from, |last| last.max(from))
    };
    for two in seen.signed.windows(2) {
        let waited = waited([two[0].0, two[1].0]);
        assert!(waited < TAKEN_OVER, "start {start}: nobody signed for {waited:?}");
    }
    let longest = seen.took.iter().map(|took| waited(*took)).max().unwrap_or_default();
    assert!(longest < TAKEN_OVER, "start {start}: a registration took {longest:?}");
}

#[tokio::test(start_paused = true)]
async fn what_one_server_does_another_one_takes_over_in_time_and_nothing_is_done_twice() {
    let (mut turns, mut fenced) = (0, 0);
    for start in starts(RECORDED) {
        let run = run(start).await;
        (turns, fenced) = (turns + run.0, fenced + run.1);
    }
    assert!(turns > 5 && fenced > 0, "they took turns {turns} times, and {fenced} writes came too late");
}
