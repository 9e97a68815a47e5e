//! Commands per second through the handler, beside bare appends of the same shape to the same engine, in turns in one run:
//! a command of two events on one of 10,000 warm streams, decided for a clerk, sealed, durable, answered. Closed loop:
//! each client waits for its answer.
//!
//! ```text
//! cargo bench -p socai --bench handler -- [--rounds 3] [--seconds 2] [--clients 1,16,64,256] [--streams 10000]
//! ```
#![allow(clippy::unwrap_used)] // a bench that cannot go on may stop
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // figures for people

#[path = "args/mod.rs"]
mod args;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use args::{number, word};
use futures::future::{BoxFuture, join_all, ready};
use serde::Serialize;
use socai::{
    clock::SystemClock,
    keyring::{MasterKey, SqliteKeyRing},
    log::{FileLog, FileLogOptions},
};
use socai_commands::{Blobs, BlobsUnavailable, Envelope, Handler, Requester};
use socai_domain::{
    decide::{By, Decide, Who},
    id::{BranchId, CommandId, IncomingId, OrganId, PersonId},
    incoming::{
        self, Event, IncomingDocument,
        events::{ProgressReported, Urged},
    },
    ledger::{Append, Draft, EventKind, EventLog, Expected, Opener, Revision, StreamId},
    organ,
    refusal::Denied,
    testing::scene,
    text::LongText,
};
use uuid::Uuid;

struct NoBlobs;

impl Blobs for NoBlobs {
    fn remove(&self, _: IncomingId, _: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(ready(Err(BlobsUnavailable("there are none".to_owned()))))
    }
}

/// Two events: a report and an urging.
#[derive(Clone, Debug, Serialize)]
struct TwoEvents {
    text: LongText,
}

impl Decide for TwoEvents {
    type State = IncomingDocument;
    type Refusal = Denied;
    const NAME: &'static str = "twoEvents";

    fn permit(_: &IncomingDocument, by: &By<'_>) -> Result<(), Denied> {
        by.acting().map(drop)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Denied> {
        Self::permit(document, by)?;
        let branch = BranchId::new(Uuid::nil());
        let report = ProgressReported { branch, text: self.text.clone() };
        Ok(vec![report.into(), Urged { branch, note: self.text.clone() }.into()])
    }
}

/// Lets the agency of the domain's tests be there.
#[derive(Debug, Serialize)]
struct Agency {}

impl Decide for Agency {
    type State = organ::Organ;
    type Refusal = Denied;
    const NAME: &'static str = "agency";

    fn permit(_: &organ::Organ, _: &By<'_>) -> Result<(), Denied> {
        Ok(())
    }

    fn decide(&self, _: &organ::Organ, _: &By<'_>) -> Result<Vec<organ::Event>, Denied> {
        Ok(socai_domain::testing::agency_events())
    }
}

/// The agency's people and the streams, and who works on them.
struct Bench {
    handler: Handler,
    organ: OrganId,
    clerk: PersonId,
    log: FileLog,
    bare: FileLog,
    /// Of each stream of the bare log, its next revision.
    next: Vec<AtomicU64>,
    streams: usize,
    command: AtomicU64,
    _dir: tempfile::TempDir,
}

fn stream(n: usize) -> StreamId {
    incoming::stream(IncomingId::new(Uuid::new_v5(&Uuid::NAMESPACE_OID, &n.to_le_bytes())))
}

fn text() -> LongText {
    LongText::new("Đã dự thảo văn bản trả lời, đang xin ý kiến các đơn vị phối hợp trước khi trình ký").unwrap()
}

impl Bench {
    async fn new(streams: usize) -> Self {
        // On a disk: a temporary directory may be memory.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let open = |name| FileLog::open(&dir.path().join(name), FileLogOptions::new(Arc::new(SystemClock))).unwrap();
        let (log, bare) = (open("log"), open("bare"));
        let ring = SqliteKeyRing::open(&dir.path().join("keys"), MasterKey::generate().unwrap()).await.unwrap();
        let opener = Opener::new(Arc::new(ring));
        let shared = Arc::new(log.clone());
        let handler = Handler::start(shared, opener, Arc::new(NoBlobs), Arc::new(SystemClock)).await.unwrap();
        let scene = scene();
        let Who::Acting(clerk) = scene.clerk else { panic!("the clerk holds a post") };
        let organ = scene.organ.id.unwrap();
        let next = (0..streams).map(|_| AtomicU64::new(0)).collect();
        let (clerk, command) = (clerk.person, AtomicU64::new(0));
        Self { handler, organ, clerk, log, bare, next, streams, command, _dir: dir }
    }

    fn envelope(&self, who: Requester) -> Envelope {
        let n = self.command.fetch_add(1, Ordering::Relaxed);
        Envelope::of(self.organ, who, CommandId::new(Uuid::from_u64_pair(0x50ca1, n)))
    }

    /// One command on a stream: two records.
    async fn through_handler(&self, n: usize) {
        let envelope = self.envelope(Requester::Person(self.clerk));
        let receipt = self.handler.execute(stream(n), envelope, TwoEvents { text: text() }).await.unwrap();
        assert!(receipt.changed);
    }

    /// The same two records, sealed by nobody, straight to the log.
    async fn bare(&self, n: usize, len: usize) {
        let next = self.next[n].fetch_add(2, Ordering::Relaxed);
        let draft = |kind| Draft {
            kind: EventKind::new(kind),
            organ: self.organ.uuid(),
            person: self.clerk.uuid(),
            body: vec![7; len],
        };
        let expected = Expected::after(next.checked_sub(1).map(Revision::new));
        let append = Append { stream: stream(n), expected, drafts: vec![draft(426), draft(433)] };
        self.bare.append(append).await.unwrap();
    }
}

/// What one run came to.
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
}

/// So many clients, each with streams of its own, for that long.
async fn run<F>(bench: &Arc<Bench>, clients: usize, time: Duration, work: fn(Arc<Bench>, usize) -> F) -> Figures
where
    F: Future<Output = ()> + Send + 'static,
{
    let begin = Instant::now();
    let client = |me: usize| {
        let bench = Arc::clone(bench);
        tokio::spawn(async move {
            let mut took = Vec::new();
            let mut n = me;
            while begin.elapsed() < time {
                let asked = Instant::now();
                work(Arc::clone(&bench), n).await;
                took.push(asked.elapsed().as_secs_f64() * 1e6);
                n = if n + clients < bench.streams { n + clients } else { me };
            }
            took
        })
    };
    let mut took: Vec<f64> = Vec::new();
    for client in join_all((0..clients).map(client)).await {
        took.extend(client.unwrap());
    }
    let elapsed = begin.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Figures { rate: 2.0 * took.len() as f64 / elapsed, p50: at(0.5), p99: at(0.99) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The length of the sealed bodies that the handler wrote.
async fn body_len(bench: &Bench) -> usize {
    let direction = socai_domain::ledger::Direction::Backwards;
    bench.log.read(stream(0), direction, None, 1).await.unwrap()[0].record.body().len()
}

/// Everything is there and in the caches once.
async fn warm(bench: &Arc<Bench>) -> usize {
    let system = bench.envelope(Requester::System);
    bench.handler.execute(organ::stream(bench.organ), system, Agency {}).await.unwrap();
    let clients = (0..64).map(|me| {
        let bench = Arc::clone(bench);
        tokio::spawn(async move {
            for n in (me..bench.streams).step_by(64) {
                bench.through_handler(n).await;
            }
        })
    });
    for client in join_all(clients.collect::<Vec<_>>()).await {
        client.unwrap();
    }
    let len = body_len(bench).await;
    let clients = (0..64).map(|me| {
        let bench = Arc::clone(bench);
        tokio::spawn(async move {
            for n in (me..bench.streams).step_by(64) {
                bench.bare(n, len).await;
            }
        })
    });
    for client in join_all(clients.collect::<Vec<_>>()).await {
        client.unwrap();
    }
    len
}

static LEN: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() {
    let (rounds, time) = (number("--rounds", 3), Duration::from_secs_f64(number("--seconds", 2.0)));
    let clients = word("--clients").unwrap_or_else(|| "1,16,64,256".to_owned());
    let bench = Arc::new(Bench::new(number("--streams", 10_000)).await);
    let len = warm(&bench).await;
    LEN.store(len as u64, Ordering::Relaxed);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!("two records of {} bytes a command, {} warm streams, acknowledged when synced", len + 100, bench.streams);
    println!("{cores} cores, Linux {}; {rounds} rounds of {time:?}, in turns; medians\n", kernel.trim());
    println!("clients   engine records/s   handler records/s   commands/s   share    p50 µs    p99 µs");
    for clients in clients.split(',').filter_map(|word| word.parse::<usize>().ok()) {
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let straight = |bench: Arc<Bench>, n| async move {
                bench.bare(n, LEN.load(Ordering::Relaxed) as usize).await;
            };
            bare.push(run(&bench, clients, time, straight).await);
            ours.push(run(&bench, clients, time, |bench, n| async move { bench.through_handler(n).await }).await);
        }
        let of = |figures: &[Figures], get: fn(&Figures) -> f64| median(figures.iter().map(get).collect());
        let share = median(ours.iter().zip(&bare).map(|(ours, bare)| ours.rate / bare.rate).collect());
        let rate = of(&ours, |figures| figures.rate);
        println!(
            "{clients:>7} {:>18.0} {rate:>19.0} {:>12.0} {:>6.0} % {:>9.0} {:>9.0}",
            of(&bare, |figures| figures.rate),
            rate / 2.0,
            share * 100.0,
            of(&ours, |figures| figures.p50),
            of(&ours, |figures| figures.p99),
        );
    }
    bench.handler.close().await;
}
