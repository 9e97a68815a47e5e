//! Several servers on one ledger, with clocks apart.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};
use socai_commands::{Blobs, BlobsUnavailable, CommandError, Envelope, Handler, Receipt, Requester};
use socai_domain::{
    decide::Decide,
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId, PersonId, RegisterId},
    incoming::{
        self, IncomingDocument,
        events::{Arrived, Details},
        register::RegisterIncoming,
    },
    ledger::{
        Direction, DomainEvent, EventLog, Opened, Opener, StreamId, StreamKind, continuity::Continuity,
        memory_keys::MemoryKeyRing,
    },
    organ::{self, Organ},
    refusal::Code,
    register::Event,
    testing::{Happen, MORNING, SetClock, acting, agency_events, scene},
    text::CodeNumber,
    time::Timestamp,
};
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::Double;
use uuid::Uuid;

use crate::support::{Follower, NOW, Still, append, options, position, url};

const HOUR: i64 = 3_600_000_000;

async fn open_at(double: &Double, now: i64) -> KurrentLog {
    let options = KurrentOptions { clock: Arc::new(Still(now)), ..options() };
    KurrentLog::open(&url(double, 2_000), options).await.unwrap()
}

#[tokio::test]
async fn time_goes_back_until_a_slow_server_has_seen_a_fast_one_and_every_server_reads_it_the_same() {
    let double = Double::start().await.unwrap();
    let (slow, fast) = (open_at(&double, NOW).await, open_at(&double, NOW + HOUR).await);
    let at = |appended: &socai_domain::ledger::Appended| appended.last().recorded.as_micros() - NOW;
    let first = slow.append(append(1, None, &["slow"])).await.unwrap();
    let ahead = fast.append(append(2, None, &["fast"])).await.unwrap();
    let behind = slow.append(append(3, None, &["slow, in another stream"])).await.unwrap();
    assert_eq!((at(&first), at(&ahead), at(&behind)), (0, HOUR, 0));
    assert_eq!(fast.head().await.unwrap().recorded, ahead.last().recorded, "the latest is the log's");
    // In one stream it never goes back: to go on after the other's record is to have seen it.
    let after = slow.append(append(2, Some(0), &["slow, after the fast one"])).await.unwrap();
    assert_eq!(at(&after), HOUR);
    let seen = slow.append(append(4, None, &["slow"])).await.unwrap();
    assert_eq!(at(&seen), HOUR, "from then on, everywhere");

    let (mut told, mut chains) = (Follower::new(&slow, None), Continuity::new(slow.ledger()));
    told.until_caught_up().await;
    for recorded in &told.records {
        chains.take(recorded.record.header(), recorded.record.hash()).unwrap();
    }
    assert_eq!(chains.recorded(), Some(Timestamp::from_micros(NOW + HOUR)));
    for log in [&slow, &fast] {
        for (then, stood) in [
            (-1, None),
            (0, Some(position(&first))),
            // The record behind is not of that moment: it came after one of an hour later.
            (HOUR - 1, Some(position(&first))),
            (HOUR, Some(position(&seen))),
            (2 * HOUR, Some(position(&seen))),
        ] {
            assert_eq!(log.stood_at(Timestamp::from_micros(NOW + then)).await.unwrap(), stood, "{then}");
        }
        assert_eq!(log.head().await.unwrap().recorded, Timestamp::from_micros(NOW + HOUR));
    }
}

#[tokio::test]
async fn a_slow_server_that_follows_the_log_keeps_its_time() {
    let double = Double::start().await.unwrap();
    let (slow, fast) = (open_at(&double, NOW).await, open_at(&double, NOW + HOUR).await);
    let mut told = Follower::new(&slow, None);
    fast.append(append(1, None, &["fast"])).await.unwrap();
    told.until(1).await;
    let next = slow.append(append(2, None, &["slow"])).await.unwrap();
    assert_eq!(next.last().recorded, Timestamp::from_micros(NOW + HOUR));
}

/// No document of this test has a file that is erased.
struct NoBlobs;

impl Blobs for NoBlobs {
    fn remove(&self, _: IncomingId, _: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(ready(Err(BlobsUnavailable("there are none".to_owned()))))
    }
}

/// Servers of one ledger, each with its log, its clock and its cache, and one key ring.
struct Servers {
    _double: Double,
    ring: Arc<MemoryKeyRing>,
    organ: OrganId,
    clerk: PersonId,
    log: KurrentLog,
    handlers: Vec<Handler>,
}

impl Servers {
    /// Their clocks are so many minutes after the morning.
    async fn with_clocks(minutes: &[i64]) -> Self {
        let double = Double::start().await.unwrap();
        let ring = Arc::new(MemoryKeyRing::new());
        let mut servers = Vec::new();
        for &minutes in minutes {
            let clock = SetClock::at(MORNING.plus_minutes(minutes));
            let options = KurrentOptions { create: true, ..KurrentOptions::new(Arc::new(clock.clone())) };
            let log = KurrentLog::open(&url(&double, 2_000), options).await.unwrap();
            let opener = Opener::new(ring.clone());
            let handler = Handler::start(Arc::new(log.clone()), opener, Arc::new(NoBlobs), Arc::new(clock)).await;
            servers.push((log, handler.unwrap()));
        }
        let (log, handlers) = (servers[0].0.clone(), servers.into_iter().map(|(_, handler)| handler).collect());
        let scene = scene();
        let (organ, clerk) = (scene.organ.id.unwrap(), acting(scene.clerk).person);
        let servers = Self { _double: double, ring, organ, clerk, log, handlers };
        let founded = Happen::<Organ>(agency_events());
        carried_out(servers.at(0), organ::stream(organ), servers.system(1), founded).await.unwrap();
        servers
    }

    fn at(&self, number: u128) -> &Handler {
        &self.handlers[usize::try_from(number).unwrap() % self.handlers.len()]
    }

    fn system(&self, command: u128) -> Envelope {
        Envelope::of(self.organ, Requester::System, CommandId::new(Uuid::from_u128(command)))
    }

    async fn arrives(&self, n: u128) {
        let details = Details { number: CodeNumber::new(n.to_string()).ok(), ..incoming::testing::details() };
        let files = vec![incoming::testing::main_file()];
        let arrived =
            Arrived { channel: Channel::Axis, axis: None, arrived_at: MORNING, details, files, follows: None };
        let happened = Happen::<IncomingDocument>(vec![arrived.into()]);
        carried_out(self.at(n), document(n), self.system(0xa_0000 + n), happened).await.unwrap();
    }

    async fn register(&self, at: &Handler, n: u128) -> Receipt {
        let envelope =
            Envelope::of(self.organ, Requester::Person(self.clerk), CommandId::new(Uuid::from_u128(0xb_0000 + n)));
        carried_out(at, document(n), envelope, register()).await.unwrap()
    }
}

fn register() -> RegisterIncoming {
    RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None }
}

/// Again and again, while others are quicker or the machine is slow.
async fn carried_out<C: Decide + Clone>(
    handler: &Handler,
    stream: StreamId,
    envelope: Envelope,
    command: C,
) -> Result<Receipt, CommandError> {
    loop {
        match handler.execute(stream, envelope, command.clone()).await {
            Err(CommandError::Busy(_) | CommandError::Unknown(_)) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

fn document(n: u128) -> StreamId {
    incoming::stream(IncomingId::new(Uuid::from_u128(0xd0c_0000 + n)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_share_a_book_and_its_time_does_not_go_back() {
    const DOCUMENTS: u128 = 60;
    let servers = Arc::new(Servers::with_clocks(&[0, 60, -60]).await);
    let clerks = (0..6).map(|clerk| {
        let servers = Arc::clone(&servers);
        tokio::spawn(async move {
            for n in (0..DOCUMENTS).filter(|n| n % 6 == clerk) {
                servers.arrives(n).await;
                let first = servers.register(servers.at(n), n).await;
                let again = servers.register(servers.at(n + 1), n).await;
                assert_eq!((again.repeated, again.hash, again.at), (true, first.hash, first.at));
            }
        })
    });
    for clerk in clerks.collect::<Vec<_>>() {
        clerk.await.unwrap();
    }
    let book = StreamId::new(StreamKind::Register, RegisterId::of(servers.organ, "đến", 2026).uuid());
    let (mut numbers, mut last) = (Vec::new(), None);
    let opener = Opener::new(servers.ring.clone());
    for recorded in servers.log.read(book, Direction::Forwards, None, usize::MAX).await.unwrap() {
        let Opened::Event(context, event) = opener.open(&recorded.record).await.unwrap() else { panic!("erased") };
        let header = recorded.record.header();
        let now = Some((context.at, header.recorded));
        assert!(last <= now && context.at <= header.recorded, "{last:?} {now:?}");
        last = Some((context.at, header.recorded));
        if let DomainEvent::Register(Event::NumberAssigned(assigned)) = event {
            numbers.push(u128::from(assigned.number.get()));
        }
    }
    assert_eq!(numbers, (1..=DOCUMENTS).collect::<Vec<_>>());
    for handler in &servers.handlers {
        handler.close().await;
    }
}

/// Nobody is refused for a clock: the slow one keeps the ledger's time, the fast one drives it forward.
#[tokio::test]
async fn a_clock_that_is_off_by_an_hour_is_obeyed_or_overtaken_and_never_refused() {
    let servers = Servers::with_clocks(&[0, 60, -60]).await;
    let mut last = None;
    for n in 0..6 {
        servers.arrives(n).await;
        let receipt = servers.register(servers.at(n), n).await;
        // Registered in a book that the one before wrote to.
        assert!(last <= Some(receipt.recorded), "{n}");
        last = Some(receipt.recorded);
    }
    assert_eq!(last, Some(MORNING.plus_minutes(60)));
    // A duplicate of what another server registered.
    let details = Details { number: CodeNumber::new("5").ok(), ..incoming::testing::details() };
    let files = vec![incoming::testing::main_file()];
    let arrived = Arrived { channel: Channel::Paper, axis: None, arrived_at: MORNING, details, files, follows: None };
    let happened = Happen::<IncomingDocument>(vec![arrived.into()]);
    carried_out(servers.at(0), document(9), servers.system(9), happened).await.unwrap();
    let envelope = Envelope::of(servers.organ, Requester::Person(servers.clerk), CommandId::new(Uuid::from_u128(10)));
    let refused = carried_out(servers.at(1), document(9), envelope, register()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PossibleDuplicate);
}
