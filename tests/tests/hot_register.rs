//! A register at eight o'clock, on the file engine and the real key ring: 64 clerks register 10,000 documents.
#![allow(clippy::unwrap_used)] // a test's helpers may panic: that is how they fail

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, join_all, ready};
use socai::{
    clock::SystemClock,
    keyring::{MasterKey, SqliteKeyRing},
    log::file::{FileLog, FileLogOptions},
};
use socai_commands::{Blobs, BlobsUnavailable, Envelope, Handler, Requester};
use socai_domain::{
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId, PersonId, PostId, RegisterId},
    incoming::{self, receive::ReceiveIncoming, register::RegisterIncoming, testing::arriving},
    ledger::{Direction, DomainEvent, EventLog, Opened, Opener, Revision, StreamId, StreamKind},
    organ::{self, Organ, Role, assume_post::AssumePost, create_post::CreatePost, register::RegisterOrgan},
    register,
    text::{CodeNumber, OrganCode, ShortText},
    time::{Clock, Timestamp},
};
use uuid::Uuid;

const CLERKS: u128 = 64;
const DOCUMENTS: u128 = 10_000;

/// No document of this test has a file.
struct NoBlobs;

impl Blobs for NoBlobs {
    fn remove(&self, _: IncomingId, _: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(ready(Err(BlobsUnavailable("there are none".to_owned()))))
    }
}

/// The log's writer asks it once at the beginning of each batch. It never gives an instant twice, so the records' times
/// tell the batches apart; and it takes as long as a disk without a protected cache takes to sync, so that the figure is
/// not that of the machine's disk.
#[derive(Default)]
struct SlowDisk(AtomicI64);

const SYNC: Duration = Duration::from_millis(5);

impl Clock for SlowDisk {
    fn now(&self) -> Timestamp {
        // tidy: this is the disk that takes its time; nothing waits for an outcome
        std::thread::sleep(SYNC);
        let now = SystemClock.now().as_micros();
        let last = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last + 1)));
        Timestamp::from_micros(now.max(last.unwrap() + 1))
    }
}

fn command(number: u128) -> CommandId {
    CommandId::new(Uuid::from_u128(number))
}

fn short(text: &str) -> ShortText {
    ShortText::new(text).unwrap()
}

/// An agency with one records clerk.
async fn agency(handler: &Handler) -> (OrganId, PersonId) {
    let (administrator, clerk) = (PersonId::new(Uuid::from_u128(1)), PersonId::new(Uuid::from_u128(2)));
    let (code, name) = (OrganCode::new("H99.05").unwrap(), short("Sở Ví Dụ"));
    let registered = RegisterOrgan { code, name, title: short("Quản trị viên"), administrator };
    let id = registered.organ();
    let stream = organ::stream(id);
    let envelope = |who, n| Envelope::of(id, who, command(n));
    handler.execute(stream, envelope(Requester::System, 1), registered).await.unwrap();
    let unit = handler.organ(id).await.unwrap().root.unwrap();
    let post = CreatePost { unit, role: Role::RecordsClerk, title: short("Văn thư") };
    handler.execute(stream, envelope(Requester::Person(administrator), 2), post).await.unwrap();
    let post = PostId::new(command(2).creates(id));
    let assumed = AssumePost { post, person: clerk, from: None };
    handler.execute(stream, envelope(Requester::Person(administrator), 3), assumed).await.unwrap();
    let (state, revision) = handler.state::<Organ>(stream).await.unwrap();
    assert_eq!((state.holder(post, SystemClock.now()), revision > Some(Revision::FIRST)), (Some(clerk), true));
    (id, clerk)
}

async fn by_all_clerks<F: Future<Output = ()> + Send + 'static>(work: impl Fn(u128) -> F) {
    for clerk in join_all((0..CLERKS).map(|clerk| tokio::spawn(work(clerk)))).await {
        clerk.unwrap();
    }
}

fn document(organ: OrganId, n: u128) -> StreamId {
    incoming::stream(IncomingId::new(command(0xa_0000 + n).creates(organ)))
}

async fn receive(handler: &Handler, organ: OrganId, clerk: PersonId, n: u128) {
    let mut arriving = arriving();
    arriving.details.number = CodeNumber::new(n.to_string()).ok();
    let received = ReceiveIncoming { channel: Channel::Paper, axis: None, arriving, follows: None };
    let envelope = Envelope::of(organ, Requester::Person(clerk), command(0xa_0000 + n));
    handler.execute(document(organ, n), envelope, received).await.unwrap();
}

async fn register(handler: &Handler, organ: OrganId, clerk: PersonId, n: u128) {
    let registered = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
    let envelope = Envelope::of(organ, Requester::Person(clerk), command(0xb_0000 + n));
    handler.execute(document(organ, n), envelope, registered).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_gap_no_duplicate_and_at_least_ten_numbers_a_sync() {
    let directory = tempfile::tempdir().unwrap();
    let options = FileLogOptions::new(Arc::new(SlowDisk::default()));
    let log = Arc::new(FileLog::open(&directory.path().join("log"), options).unwrap());
    let ring = SqliteKeyRing::open(&directory.path().join("keys.db"), MasterKey::generate().unwrap()).await.unwrap();
    let opener = Opener::new(Arc::new(ring));
    let handler = Handler::start(log.clone(), opener.clone(), Arc::new(NoBlobs), Arc::new(SystemClock)).await.unwrap();
    let (organ, clerk) = agency(&handler).await;
    let mine = |mine: u128| (0..DOCUMENTS).filter(move |n| n % CLERKS == mine);
    by_all_clerks(|me| {
        let handler = handler.clone();
        async move {
            for n in mine(me) {
                receive(&handler, organ, clerk, n).await;
            }
        }
    })
    .await;
    let year = SystemClock.now().year();
    by_all_clerks(|me| {
        let handler = handler.clone();
        async move {
            for n in mine(me) {
                register(&handler, organ, clerk, n).await;
            }
        }
    })
    .await;
    let book = StreamId::new(StreamKind::Register, RegisterId::of(organ, "đến", year).uuid());
    let (mut numbers, mut documents, mut syncs) = (Vec::new(), HashSet::new(), HashSet::new());
    for recorded in log.read(book, Direction::Forwards, None, usize::MAX).await.unwrap() {
        let Opened::Event(_, DomainEvent::Register(event)) = opener.open(&recorded.record).await.unwrap() else {
            panic!("not of a book: {recorded:?}")
        };
        if let register::Event::NumberAssigned(assigned) = event {
            numbers.push(u128::from(assigned.number.get()));
            documents.insert(assigned.document);
            syncs.insert(recorded.record.header().recorded);
        }
    }
    assert_eq!(numbers, (1..=DOCUMENTS).collect::<Vec<_>>());
    assert_eq!(documents.len(), numbers.len());
    let a_sync = numbers.len() / syncs.len();
    println!("{} numbers in {} syncs: {a_sync} a sync", numbers.len(), syncs.len());
    assert!(a_sync >= 10, "{} numbers in {} syncs", numbers.len(), syncs.len());
    handler.close().await;
    log.close().await.unwrap();
}
