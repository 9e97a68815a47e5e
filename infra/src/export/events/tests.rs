//! Ledgers of several segments with a real ring, exported beside whoever writes them.

use std::{collections::BTreeMap, fs, path::Path};

use socai_domain::{
    id::{CommandId, CorrelationId},
    ledger::{
        Append, Context, EventLog as _, Expected, Revision, StreamId, StreamKind, body,
        catalogue::{RegisterEvent, StoredEvent as _},
    },
    register::events::BookOpened,
    text::ShortText,
};
use uuid::Uuid;

use super::*;
use crate::{
    files,
    keyring::{MasterKey, Ring},
    log::{
        FileLog,
        file::tests::{options, stream as any_stream},
    },
};

const STREAMS: u128 = 20;
const ROUNDS: u64 = 60;
const RECORDS: u64 = 20 * ROUNDS;

/// A data directory with a log that is open, and its ring.
struct World {
    directory: tempfile::TempDir,
    config: Config,
    log: FileLog,
    ring: Ring,
}

fn stream(number: u128) -> StreamId {
    StreamId::new(StreamKind::Register, any_stream(number).key())
}

fn organ(number: u128) -> OrganId {
    OrganId::new(Uuid::from_u128(1 + number % 2))
}

impl World {
    /// `ROUNDS` records in each of `STREAMS` streams, of two organs.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let flags = BTreeMap::from([("data", directory.path().to_str().unwrap().to_owned())]);
        let config = Config::load(&flags, |_| None).unwrap();
        files::make_private_dir(config.master_key.parent().unwrap()).unwrap();
        MasterKey::generate().unwrap().save(&config.master_key).unwrap();
        let ring = keys::open_ring(&config).await.unwrap();
        let log = FileLog::open(&config.log_directory().unwrap(), options()).unwrap();
        ring.bind(log.ledger()).await.unwrap();
        let world = Self { directory, config, log, ring };
        for round in 0..ROUNDS {
            for number in 0..STREAMS {
                world.append(number, round).await;
            }
        }
        world
    }

    async fn append(&self, number: u128, revision: u64) {
        let (stream, revision) = (stream(number), Revision::new(revision));
        let series = ShortText::new(format!("{number} {revision} {}", "dài ".repeat(40).trim())).unwrap();
        let event = RegisterEvent::from(BookOpened { organ: organ(number), series, year: 2026 });
        let context = Context {
            at: Timestamp::from_micros(1),
            acting_as: None,
            on_behalf_of: None,
            command: CommandId::new(Uuid::from_u128(number)),
            input: [0; 32],
            correlation: CorrelationId::new(Uuid::from_u128(number)),
            causation: None,
            judged_by: None,
        };
        let key = self.ring.keys().sealing(stream, revision).await.unwrap();
        let bytes = body::encode(&context, &event);
        let draft = key.cipher().seal(stream, revision, event.kind(), organ(number).uuid(), Uuid::nil(), &bytes);
        let expected = Expected::after(revision.before());
        self.log.append(Append { stream, expected, drafts: vec![draft] }).await.unwrap();
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn segment(&self, number: u32) -> std::path::PathBuf {
        self.path().join(format!("log/{number:08}.segment"))
    }

    async fn export(&self, wanted: Wanted) -> Result<(Exported, Vec<Row>), ExportError> {
        let mut kept = Kept::default();
        let exported = Source::open(&self.config, false, true).await?.export(wanted, &mut kept, |_| ()).await?;
        assert!(kept.most <= CHUNK, "{} rows at once", kept.most);
        Ok((exported, kept.rows))
    }
}

/// Keeps all rows, and tells how many came at once.
#[derive(Default)]
struct Kept {
    rows: Vec<Row>,
    most: usize,
}

impl Sink for Kept {
    fn write(&mut self, rows: Vec<Row>) -> io::Result<()> {
        self.most = self.most.max(rows.len());
        self.rows.extend(rows);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<crate::export::Target> {
        Ok(crate::export::Target::standard())
    }
}

const ALL: Wanted =
    Wanted { from: Timestamp::from_micros_const(0), before: Timestamp::from_micros_const(i64::MAX >> 12), organ: None };

fn column(rows: &[Row], name: &str) -> Vec<Cell> {
    let at = COLUMNS.iter().position(|column| column.name == name).unwrap();
    rows.iter().map(|row| row[at].clone()).collect()
}

fn sequences(rows: &[Row]) -> Vec<i64> {
    let number = |cell| if let Cell::Integer(number) = cell { number } else { -1 };
    column(rows, "sequence").into_iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_exported_once_and_in_order_beside_an_open_log() {
    let world = World::new().await;
    assert!(world.segment(5).exists(), "several segments");
    let (exported, rows) = world.export(ALL).await.unwrap();
    assert!(sequences(&rows).into_iter().eq(1..=i64::try_from(RECORDS).unwrap()));
    assert_eq!((exported.rows, exported.erased, exported.torn), (RECORDS, 0, None));
    let head = world.log.head().await.unwrap();
    assert_eq!(exported.head, Some((head.position, head.hash)));
    // What comes later is exported later, and a closed log is exported as an open one.
    world.append(0, ROUNDS).await;
    assert_eq!(world.export(ALL).await.unwrap().0.rows, RECORDS + 1);
    world.log.close().await.unwrap();
    assert_eq!(world.export(ALL).await.unwrap().0.rows, RECORDS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_takes_its_first_instant_and_not_its_last() {
    let world = World::new().await;
    let (_, all) = world.export(ALL).await.unwrap();
    let times: Vec<i64> = column(&all, "recorded_us")
        .into_iter()
        .map(|cell| if let Cell::Integer(at) = cell { at } else { -1 })
        .collect();
    // In the first segment, across segments, near the end, after it.
    for (from, before) in [(0, 1), (10, 700), (1_150, 1_199), (1_199, 1_200), (600, 600)] {
        let before_time = times.get(before).copied().unwrap_or(times[times.len() - 1] + 1);
        let wanted = Wanted {
            from: Timestamp::from_micros(times[from]),
            before: Timestamp::from_micros(before_time),
            organ: None,
        };
        let (exported, rows) = world.export(wanted).await.unwrap();
        let expected: Vec<i64> = (from..before).map(|at| i64::try_from(at).unwrap() + 1).collect();
        assert_eq!(sequences(&rows), expected);
        assert_eq!(exported.positions.is_some(), from < before);
    }
    let of_one = Wanted { organ: Some(organ(1)), ..ALL };
    let (exported, rows) = world.export(of_one).await.unwrap();
    assert_eq!(exported.rows, RECORDS / 2);
    assert!(column(&rows, "organ_id").iter().all(|cell| *cell == Cell::Text(organ(1).to_string())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_marked_and_what_follows_is_read() {
    let world = World::new().await;
    let erased = Revision::new(ROUNDS);
    world.ring.keys().renew(stream(3), erased).await.unwrap();
    world.append(3, ROUNDS).await;
    // The export has the ring open while the key is destroyed, and keeps nothing of it.
    let source = Source::open(&world.config, false, true).await.unwrap();
    let mut kept = Kept::default();
    assert_eq!(source.export(ALL, &mut kept, |_| ()).await.unwrap().erased, 0);
    world.ring.keys().destroy(stream(3), erased).await.unwrap();
    let mut kept = Kept::default();
    let exported = source.export(ALL, &mut kept, |_| ()).await.unwrap();
    assert_eq!((exported.rows, exported.erased), (RECORDS + 1, ROUNDS));
    let id = Cell::Text(stream(3).key().to_string());
    for ((of, erased), event) in
        column(&kept.rows, "stream_id").iter().zip(column(&kept.rows, "erased")).zip(column(&kept.rows, "event"))
    {
        assert_eq!(erased == Cell::Boolean(true), event == Cell::Nothing);
        assert!(*of == id || erased == Cell::Boolean(false));
    }
    assert_eq!(column(&kept.rows, "erased").last(), Some(&Cell::Boolean(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_need_no_keys_and_bodies_need_the_right_ones() {
    let world = World::new().await;
    world.ring.close().await.unwrap();
    let ring = fs::read(world.config.key_ring.path().unwrap()).unwrap();
    fs::remove_file(world.config.key_ring.path().unwrap()).unwrap();
    let mut kept = Kept::default();
    let sealed = Source::open(&world.config, true, true).await.unwrap();
    assert_eq!(sealed.export(ALL, &mut kept, |_| ()).await.unwrap().rows, RECORDS);
    assert!(column(&kept.rows, "event").iter().all(|cell| *cell == Cell::Nothing));
    let refused = Source::open(&world.config, false, true).await.unwrap_err();
    assert!(matches!(refused, ExportError::Keys(KeysError::Lost(_))), "{refused}");
    assert!(!world.config.key_ring.path().unwrap().exists(), "none is made");
    fs::write(world.config.key_ring.path().unwrap(), ring).unwrap();
    Source::open(&world.config, false, true).await.unwrap();
    fs::remove_file(&world.config.master_key).unwrap();
    MasterKey::generate().unwrap().save(&world.config.master_key).unwrap();
    let refused = Source::open(&world.config, false, true).await.unwrap_err();
    assert!(refused.to_string().contains("--sealed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_anywhere_stops_the_export() {
    let world = World::new().await;
    let path = world.segment(3);
    let whole = fs::read(&path).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    for at in [9, 4096, 4096 + 30, 20_000, used - 3] {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        fs::write(&path, changed).unwrap();
        let stopped = world.export(ALL).await.unwrap_err();
        assert!(stopped.to_string().contains("00000003.segment"), "byte {at}: {stopped}");
    }
    fs::write(&path, &whole).unwrap();
    world.export(ALL).await.unwrap();
    fs::remove_file(&path).unwrap();
    assert!(world.export(ALL).await.unwrap_err().to_string().contains("the file is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_end_is_left_out_unless_it_was_acknowledged() {
    let world = World::new().await;
    let head = world.log.head().await.unwrap();
    world.log.close().await.unwrap();
    let last = (1..100).rfind(|number| world.segment(*number).exists()).unwrap();
    let mut torn = fs::read(world.segment(last)).unwrap();
    let used = torn.iter().rposition(|byte| *byte != 0).unwrap();
    torn[used - 20] ^= 1;
    fs::write(world.segment(last), &torn).unwrap();
    let closed = world.export(ALL).await.unwrap_err().to_string();
    assert!(closed.contains("checksum") || closed.contains("good order"), "{closed}");

    fs::remove_file(world.path().join("log/closed")).unwrap();
    let (exported, rows) = world.export(ALL).await.unwrap();
    assert_eq!((rows.len() as u64, exported.rows), (RECORDS - 1, RECORDS - 1));
    assert!(exported.torn.is_some_and(|torn| torn.record == RECORDS));
    // Somebody was told of the last record.
    fs::write(world.path().join("reactions.checkpoint"), head.position.to_string()).unwrap();
    let short = world.export(ALL).await.unwrap_err();
    assert!(matches!(short, ExportError::Log(OpenLogError::Short { known: RECORDS, .. })), "{short}");
}
