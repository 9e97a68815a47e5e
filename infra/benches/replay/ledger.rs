//! A ledger of whole lives of documents, many under way at a time, written without the handler: what is measured is reading.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use futures::{StreamExt as _, stream, stream::FuturesUnordered};
use socai::{
    keyring::{MasterKey, SqliteKeyRing},
    log::{FileLog, FileLogOptions},
};
use socai_domain::{
    deadline::Limit,
    document_types::Channel,
    id::{BranchId, CommandId, CorrelationId, IncomingId, OrganId, RegisterId},
    incoming::{
        self,
        events::{self as on, Assignee, BranchRole, Holder},
        testing::details,
    },
    ledger::{
        Append, AppendError, Appended, Context, EventLog as _, Expected, KeyRing as _, Opener, Revision, StreamId,
        StreamKind, body, catalogue::StoredEvent, keys::StreamCipher,
    },
    organ, register,
    testing::{Scene, acting, agency_events, scene},
    text::{Abstract, ArrivalNumber, CodeNumber, LongText, ShortText},
    time::{Clock, Timestamp},
};
use uuid::Uuid;

/// Records of a document's life, its number in the book among them.
pub(crate) const LIFE: usize = 15;
/// Appends under way.
const UNDER_WAY: usize = 2_000;
const ORGANS: usize = 3;

/// The clock of the invented year.
struct Year(AtomicI64);

impl Clock for Year {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// The ledger and its keys.
pub(crate) struct Ledger {
    pub(crate) log: FileLog,
    pub(crate) opener: Opener,
}

impl Ledger {
    /// Opens it with none of its keys in memory.
    pub(crate) async fn open(dir: &Path) -> Self {
        let (log, ring) = parts(dir, Arc::new(Year(AtomicI64::new(i64::MAX)))).await;
        Self { log, opener: Opener::new(Arc::new(ring)) }
    }

    /// Writes it: about so many records over a year, with so many documents under way.
    pub(crate) async fn write(dir: &Path, records: usize, active: usize) {
        MasterKey::generate().and_then(|key| key.save(&dir.join("master.key"))).expect("a key can be made");
        let year = Arc::new(Year(AtomicI64::new(NEW_YEAR)));
        let (log, ring) = parts(dir, year.clone()).await;
        let mut writing = Writing { year, scene: scene(), log, waiting: FuturesUnordered::new(), count: 0 };
        writing.agencies(&ring).await;
        writing.documents(&ring, records, active).await;
        let Writing { log, mut waiting, .. } = writing;
        while let Some(appended) = waiting.next().await {
            appended.expect("it is taken");
        }
        log.close().await.expect("it closes");
        ring.close().await.expect("it closes");
    }
}

const NEW_YEAR: i64 = 1_767_200_400_000_000; // 2026-01-01T00:00:00+07:00
const ONE_YEAR: i64 = 365 * 86_400_000_000;

async fn parts(dir: &Path, clock: Arc<dyn Clock>) -> (FileLog, SqliteKeyRing) {
    let log = FileLog::open(&dir.join("log"), FileLogOptions::new(clock)).expect("it opens");
    let master = MasterKey::load(&dir.join("master.key")).expect("it was made");
    (log, SqliteKeyRing::open(&dir.join("keys.sqlite"), master).await.expect("it opens"))
}

type Pending = futures::future::BoxFuture<'static, Result<Appended, AppendError>>;

struct Writing {
    year: Arc<Year>,
    scene: Scene,
    log: FileLog,
    waiting: FuturesUnordered<Pending>,
    count: u128,
}

/// A stream that is being written.
struct Growing {
    stream: StreamId,
    organ: OrganId,
    cipher: StreamCipher,
    revision: u64,
}

/// A document under way.
struct Document {
    number: usize,
    of: Growing,
    step: usize,
}

fn organ_of(number: usize) -> OrganId {
    OrganId::new(Uuid::from_u128(0xa9e + (number % ORGANS) as u128))
}

async fn growing(ring: &SqliteKeyRing, stream: StreamId, organ: OrganId) -> Growing {
    let key = ring.sealing(stream, Revision::FIRST).await.expect("the ring gives keys");
    Growing { stream, organ, cipher: key.cipher(), revision: 0 }
}

fn text(of: &str) -> LongText {
    LongText::new(of).expect("short enough")
}

const PROGRESS: &str = "Đã dự thảo văn bản trả lời, đang xin ý kiến các đơn vị phối hợp trước khi trình ký";

impl Writing {
    async fn happen(&mut self, to: &mut Growing, who: Holder, event: &impl StoredEvent) {
        self.count += 1;
        let context = Context {
            at: self.year.now(),
            acting_as: Some(who.post),
            on_behalf_of: None,
            command: CommandId::new(Uuid::from_u128(self.count)),
            input: [7; 32],
            correlation: CorrelationId::new(Uuid::from_u128(self.count)),
            causation: None,
            judged_by: Some(20),
        };
        let (revision, body) = (Revision::new(to.revision), body::encode(&context, event));
        let (organ, person) = (to.organ.uuid(), who.person.uuid());
        let draft = to.cipher.seal(to.stream, revision, event.kind(), organ, person, &body);
        let expected = Expected::after(revision.before());
        to.revision += 1;
        self.waiting.push(self.log.append(Append { stream: to.stream, expected, drafts: vec![draft] }));
        if self.waiting.len() >= UNDER_WAY {
            self.waiting.next().await.expect("one waits").expect("it is taken");
        }
    }

    fn holder(who: socai_domain::decide::Who) -> Holder {
        let acting = acting(who);
        Holder { post: acting.post, person: acting.person }
    }

    async fn agencies(&mut self, ring: &SqliteKeyRing) {
        for number in 0..ORGANS {
            let organ = organ_of(number);
            let mut stream = growing(ring, organ::stream(organ), organ).await;
            for event in agency_events() {
                self.happen(&mut stream, Self::holder(self.scene.administrator), &event).await;
            }
        }
    }

    async fn documents(&mut self, ring: &SqliteKeyRing, records: usize, active: usize) {
        let mut books = Vec::new();
        for number in 0..ORGANS {
            let organ = organ_of(number);
            let register = RegisterId::of(organ, "đến", 2026);
            let mut book = growing(ring, StreamId::new(StreamKind::Register, register.uuid()), organ).await;
            let (series, year) = (ShortText::new("đến").expect("short"), 2026);
            let opened = register::Event::from(register::events::BookOpened { organ, series, year });
            self.happen(&mut book, Self::holder(self.scene.clerk), &opened).await;
            books.push((register, book));
        }
        // Many keys to a transaction.
        let begin = |number: usize| async move {
            let id = IncomingId::new(Uuid::new_v5(&Uuid::nil(), &number.to_le_bytes()));
            Document { number, of: growing(ring, incoming::stream(id), organ_of(number)).await, step: 0 }
        };
        let mut coming = stream::iter(0..records / LIFE).map(begin).buffered(4_000);
        let (mut under_way, mut chance) = (Vec::new(), 1_u64);
        loop {
            while under_way.len() < active
                && let Some(document) = coming.next().await
            {
                under_way.push(document);
            }
            if under_way.is_empty() {
                break;
            }
            let share = i64::try_from(self.count).unwrap_or(i64::MAX).saturating_mul(1_000_000)
                / i64::try_from(records).unwrap_or(i64::MAX);
            self.year.0.store(NEW_YEAR + ONE_YEAR / 1_000_000 * share, Ordering::Relaxed);
            chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let at = usize::try_from(chance >> 33).unwrap_or_default() % under_way.len();
            if self.step(&mut under_way[at], &mut books).await {
                under_way.swap_remove(at);
            }
        }
    }

    /// The next event of a document; says whether it was the last one.
    async fn step(&mut self, document: &mut Document, books: &mut [(RegisterId, Growing)]) -> bool {
        let [leader, clerk, head, officer] =
            [self.scene.leader, self.scene.clerk, self.scene.head, self.scene.officer].map(Self::holder);
        let root = BranchId::new(Uuid::new_v5(&document.of.stream.key(), b"root"));
        let part = BranchId::new(Uuid::new_v5(&document.of.stream.key(), b"part"));
        let (register, book) = &mut books[document.number % ORGANS];
        let number = u32::try_from(document.number / ORGANS + 1).unwrap_or(u32::MAX);
        let number = ArrivalNumber::new(number).expect("numbers begin with 1");
        let lead = |branch, assignee, days| on::NewBranch {
            branch,
            assignee,
            role: BranchRole::Lead,
            limit: Limit::WorkingDays { days },
            note: None,
        };
        let step = document.step;
        document.step += 1;
        let (who, event): (Holder, incoming::Event) = match step {
            0 => (clerk, arrived(document.number, self.year.now()).into()),
            1 => {
                let (series, year, fingerprint) = (ShortText::new("đến").expect("short"), 2026, None);
                let (accepted_duplicates, accepted_because) = (Vec::new(), None);
                let register = *register;
                let began = on::RegistrationBegan {
                    register,
                    series,
                    year,
                    fingerprint,
                    accepted_duplicates,
                    accepted_because,
                };
                (clerk, began.into())
            }
            2 => {
                let id = IncomingId::new(document.of.stream.key());
                let (fingerprint, accepted_duplicates, accepted_because) = (None, Vec::new(), None);
                let given = register::events::NumberAssigned {
                    number,
                    document: id,
                    fingerprint,
                    accepted_duplicates,
                    accepted_because,
                };
                self.happen(book, clerk, &register::Event::from(given)).await;
                (clerk, on::Registered { register: *register, number }.into())
            }
            3 => (clerk, on::Submitted { to: leader, note: None }.into()),
            4 => {
                let branches = vec![lead(root, Assignee::Unit { unit: self.scene.unit }, 5)];
                let note = Some(text("Giao Phòng Kế hoạch chủ trì tham mưu văn bản trả lời"));
                (leader, on::Directed { note, branches, follower: None, by_regulation: false }.into())
            }
            5 => {
                let branches = vec![lead(part, Assignee::Person { holder: officer }, 3)];
                (head, on::Assigned { parent: root, branches, note: None }.into())
            }
            6 => (officer, on::BranchAccepted { branch: part }.into()),
            7..=11 => (officer, on::ProgressReported { branch: part, text: text(PROGRESS) }.into()),
            12 => {
                let (result, proposal) = (Some(text(PROGRESS)), Some(on::Resolution::Noted));
                (officer, on::BranchCompleted { branch: part, result, proposal, files: Vec::new() }.into())
            }
            _ => {
                let resolved = on::Resolved {
                    how: on::Resolution::Noted,
                    answers: Vec::new(),
                    note: None,
                    transferred_to: None,
                    closed: vec![root],
                    closed_because: None,
                    confirms: None,
                };
                (head, resolved.into())
            }
        };
        self.happen(&mut document.of, who, &event).await;
        step + 2 == LIFE
    }
}

fn arrived(number: usize, arrived_at: Timestamp) -> on::Arrived {
    let mut details = details();
    details.number = CodeNumber::new(number.to_string()).ok();
    details.abstract_text =
        Abstract::new(format!("V/v góp ý dự thảo kế hoạch ví dụ số {number} của tỉnh")).expect("short");
    on::Arrived { channel: Channel::Paper, axis: None, arrived_at, details, files: Vec::new(), follows: None }
}
