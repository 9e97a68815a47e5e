use std::{fs, path::PathBuf};

use futures::future::join_all;
use socai_domain::ledger::StreamKind;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

struct Fixture {
    directory: TempDir,
    master: MasterKey,
}

impl Fixture {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), master: MasterKey::generate().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("keys.db")
    }

    async fn open(&self) -> SqliteKeyRing {
        SqliteKeyRing::open(&self.path(), self.master.clone()).await.unwrap()
    }

    /// Every byte that the ring has on disk: the database file, its write-ahead log, whatever else.
    fn bytes(&self) -> Vec<u8> {
        let files = fs::read_dir(self.directory.path()).unwrap();
        files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }

    fn holds(&self, needle: &[u8]) -> bool {
        let bytes = self.bytes();
        bytes.windows(needle.len()).any(|window| window == needle)
    }

    /// The wrapped keys of a stream, as the file has them.
    async fn wrapped(&self, ring: &SqliteKeyRing, stream: StreamId) -> Vec<Vec<u8>> {
        let mut connection = ring.shared.readers.acquire().await.unwrap();
        sqlx::query_scalar("SELECT bytes FROM wrapped WHERE stream = ? ORDER BY id")
            .bind(stream.to_bytes().to_vec())
            .fetch_all(&mut *connection)
            .await
            .unwrap()
    }
}

fn stream(number: u128) -> StreamId {
    // Spread like real ids, so that the index splits its pages everywhere.
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    StreamId::new(StreamKind::Incoming, Uuid::from_u128(mixed))
}

async fn key(ring: &SqliteKeyRing, stream: StreamId, at: u64) -> Option<[u8; 32]> {
    let state = ring.opening(stream, Revision::new(at)).await.unwrap();
    state.keys().next().map(|key| *key.bytes())
}

async fn sealing(ring: &SqliteKeyRing, stream: StreamId) -> [u8; 32] {
    *ring.sealing(stream, Revision::FIRST).await.unwrap().bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract() {
    let fixture = Fixture::new();
    socai_domain::testing::key_ring::contract(&fixture.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_survive_closing_and_dropping() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let first = sealing(&ring, stream(1)).await;
    ring.close().await.unwrap();

    let ring = fixture.open().await;
    assert_eq!(key(&ring, stream(1), 0).await, Some(first));
    let second = sealing(&ring, stream(2)).await;
    drop(ring); // as a kill leaves it: nothing is flushed or closed

    let ring = fixture.open().await;
    assert_eq!(key(&ring, stream(1), 0).await, Some(first));
    assert_eq!(key(&ring, stream(2), 0).await, Some(second));
}

/// What a kill of the process leaves is the files as they are at this moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_answered_key_is_in_the_files() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let copy = Fixture { directory: tempfile::tempdir().unwrap(), master: fixture.master.clone() };
    let key_of_one = sealing(&ring, stream(1)).await;
    for file in ["keys.db", "keys.db-wal"] {
        fs::copy(fixture.directory.path().join(file), copy.directory.path().join(file)).unwrap();
    }
    assert_eq!(key(&copy.open().await, stream(1), 0).await, Some(key_of_one));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_refused_and_changes_nothing() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let first = sealing(&ring, stream(1)).await;
    ring.close().await.unwrap();
    let before = fixture.bytes();
    let wrong = MasterKey::generate().unwrap();
    assert_eq!(SqliteKeyRing::open(&fixture.path(), wrong).await.unwrap_err(), KeyError::WrongMaster);
    assert_eq!(fixture.bytes(), before);
    assert_eq!(key(&fixture.open().await, stream(1), 0).await, Some(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_asked_for_many_times_at_once_has_one_key() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let keys = join_all((0..256).map(|asked: u128| {
        let ring = ring.clone();
        tokio::spawn(async move { (asked % 4, sealing(&ring, stream(asked % 4)).await) })
    }))
    .await;
    let keys: Vec<_> = keys.into_iter().map(Result::unwrap).collect();
    for (number, found) in &keys {
        assert_eq!(Some(*found), key(&ring, stream(*number), 0).await);
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM wrapped").fetch_one(&ring.shared.readers).await.unwrap();
    assert_eq!(rows, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_is_nowhere_in_the_files() {
    const STREAMS: u128 = 3_000;
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    // In two halves with a checkpoint between them, so that some keys went through the write-ahead log twice.
    join_all((0..STREAMS / 2).map(|number| sealing(&ring, stream(number)))).await;
    ring.close().await.unwrap();
    let ring = fixture.open().await;
    join_all((STREAMS / 2..STREAMS).map(|number| sealing(&ring, stream(number)))).await;

    let erased = [0, 1, 700, 1_499, 1_500, 2_345, STREAMS - 1];
    let mut gone = Vec::new();
    for number in erased {
        ring.renew(stream(number), Revision::new(4)).await.unwrap();
        gone.push((fixture.wrapped(&ring, stream(number)).await[0].clone(), key(&ring, stream(number), 0).await));
    }
    for (wrapped, _) in &gone {
        assert!(fixture.holds(wrapped), "this is how a living key is found");
    }
    for number in erased {
        ring.destroy(stream(number), Revision::new(4)).await.unwrap();
    }
    for (wrapped, plain) in gone {
        assert!(!fixture.holds(&wrapped[12..44]), "the wrapped key");
        assert!(!fixture.holds(&plain.unwrap()), "the key itself is never written");
    }
    drop(ring);
    let ring = fixture.open().await;
    for number in 0..STREAMS {
        assert_eq!(key(&ring, stream(number), 0).await.is_none(), erased.contains(&number), "{number}");
        assert!(!erased.contains(&number) || key(&ring, stream(number), 4).await.is_some(), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_wraps_all_keys_anew_and_leaves_no_old_wrapping() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let keys = join_all((0..1_500).map(|number| sealing(&ring, stream(number)))).await;
    ring.renew(stream(3), Revision::new(2)).await.unwrap();
    ring.destroy(stream(3), Revision::new(2)).await.unwrap();
    let wrapped = fixture.wrapped(&ring, stream(7)).await;

    let new = MasterKey::generate().unwrap();
    ring.rotate(new.clone()).await.unwrap();
    assert!(!fixture.holds(&wrapped[0][12..44]));
    let added = sealing(&ring, stream(9_999)).await;
    drop(ring);

    assert_eq!(SqliteKeyRing::open(&fixture.path(), fixture.master.clone()).await.unwrap_err(), KeyError::WrongMaster);
    let ring = SqliteKeyRing::open(&fixture.path(), new).await.unwrap();
    for (number, expected) in (0..).zip(keys) {
        assert_eq!(key(&ring, stream(number), 0).await, (number != 3).then_some(expected));
    }
    assert!(key(&ring, stream(3), 2).await.is_some());
    assert_eq!(key(&ring, stream(9_999), 0).await, Some(added));
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_and_readers_do_not_disturb_each_other() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let keys = join_all((0..200).map(|number| sealing(&ring, stream(number)))).await;
    let reading = join_all((0..200_u128).zip(keys).map(|(number, expected)| {
        let ring = ring.clone();
        tokio::spawn(async move {
            ring.shared.cache.forget(stream(number));
            assert_eq!(key(&ring, stream(number), 0).await, Some(expected));
        })
    }));
    let rotating = async {
        for _ in 0..5 {
            ring.rotate(MasterKey::generate().unwrap()).await.unwrap();
        }
    };
    let (reading, ()) = futures::join!(reading, rotating);
    for read in reading {
        read.unwrap();
    }
}

/// All that wait share a transaction: the write-ahead log has far fewer pages than one transaction each would need.
#[tokio::test(flavor = "multi_thread")]
async fn many_new_streams_share_transactions() {
    const STREAMS: u128 = 500;
    const LEAST_PAGES_OF_A_TRANSACTION: u64 = 2; // a page of keys and one of generations
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    join_all((0..STREAMS).map(|number| sealing(&ring, stream(number)))).await;
    let pages = fs::metadata(fixture.directory.path().join("keys.db-wal")).unwrap().len() / 4_096;
    assert!(pages * 4 < 500 * LEAST_PAGES_OF_A_TRANSACTION, "{pages} pages for {STREAMS} keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_leaves_memory_even_while_it_is_read() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    for round in 0..50 {
        sealing(&ring, stream(round)).await;
        ring.shared.cache.forget(stream(round));
        let places = [(stream(round), Revision::FIRST)];
        let (read, destroyed) =
            futures::join!(ring.opening_all(&places), ring.destroy(stream(round), Revision::new(1)));
        assert!(read.is_ok());
        destroyed.unwrap();
        assert_eq!(key(&ring, stream(round), 0).await, None, "round {round}");
    }
}

/// Two wrapped keys change places: whoever owns the file does not get one stream's key used for another.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_moved_to_another_stream_is_found_out() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    sealing(&ring, stream(1)).await;
    sealing(&ring, stream(2)).await;
    sqlx::query("UPDATE wrapped SET bytes = (SELECT bytes FROM wrapped WHERE id = 1) WHERE id = 2")
        .execute(&ring.shared.readers)
        .await
        .unwrap();
    drop(ring);
    let ring = fixture.open().await;
    assert!(key(&ring, stream(1), 0).await.is_some());
    assert!(matches!(ring.opening(stream(2), Revision::FIRST).await, Err(KeyError::Damaged(_))));
}

/// As on a full disk, SQLite ends the transaction by itself.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_transaction_that_the_disk_ended_another_begins() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let run = async |sql| assert!(sqlx::raw_sql(sql).execute(&ring.shared.readers).await.is_ok(), "{sql}");
    run("CREATE TRIGGER full BEFORE INSERT ON wrapped BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END").await;
    let error = ring.sealing(stream(1), Revision::FIRST).await.unwrap_err();
    assert!(matches!(error, KeyError::Unavailable(_)), "{error}");
    run("DROP TRIGGER full").await;
    let sealed = sealing(&ring, stream(1)).await;
    ring.renew(stream(1), Revision::new(4)).await.unwrap();
    ring.close().await.unwrap();
    assert_eq!(key(&fixture.open().await, stream(1), 0).await, Some(sealed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_the_ring_sees_what_is_written_and_writes_nothing() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let first = sealing(&ring, stream(1)).await;
    let reader = RingReader::open(&fixture.path(), fixture.master.clone()).await.unwrap();
    let places = [(stream(1), Revision::FIRST), (stream(1), Revision::new(7))];
    let keys = reader.opening_all(&places).await.unwrap();
    assert!(keys.iter().all(|key| matches!(key, KeyState::Key(key) if *key.bytes() == first)));
    let unknown = reader.opening(stream(2), Revision::FIRST).await.unwrap_err();
    assert_eq!(unknown, KeyError::Missing(stream(2)));
    // Made and destroyed meanwhile.
    sealing(&ring, stream(2)).await;
    assert!(matches!(reader.opening(stream(2), Revision::FIRST).await, Ok(KeyState::Key(_))));
    ring.renew(stream(1), Revision::new(7)).await.unwrap();
    ring.destroy(stream(1), Revision::new(7)).await.unwrap();
    let keys = reader.opening_all(&places).await.unwrap();
    assert!(matches!(keys[..], [KeyState::Destroyed, KeyState::Key(_)]), "{keys:?}");

    assert!(reader.sealing(stream(3), Revision::FIRST).await.is_err());
    assert!(reader.renew(stream(2), Revision::new(1)).await.is_err());
    assert!(reader.destroy(stream(2), Revision::new(1)).await.is_err());
    assert!(matches!(ring.opening(stream(2), Revision::FIRST).await, Ok(KeyState::Key(_))));
    let other = RingReader::open(&fixture.path(), MasterKey::generate().unwrap()).await;
    assert!(matches!(other, Err(KeyError::WrongMaster)));
    // A rotation while it is open: nothing is called damaged.
    ring.rotate(MasterKey::generate().unwrap()).await.unwrap();
    assert_eq!(reader.opening(stream(2), Revision::FIRST).await.unwrap_err(), KeyError::WrongMaster);
    ring.close().await.unwrap();
    let nowhere = RingReader::open(&fixture.directory.path().join("none"), fixture.master.clone()).await;
    assert!(nowhere.is_err() && !fixture.directory.path().join("none").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_that_was_built_at_once_opens_like_any_other() {
    let fixture = Fixture::new();
    let ring = SqliteKeyRing::build(&fixture.path(), fixture.master.clone()).await.unwrap();
    let keys = join_all((0..1_000).map(|number| sealing(&ring, stream(number)))).await;
    ring.renew(stream(7), Revision::new(3)).await.unwrap();
    ring.destroy(stream(7), Revision::new(3)).await.unwrap();
    assert_eq!(ring.complete(&fixture.path()).await, Ok(1_000));
    let again = SqliteKeyRing::build(&fixture.path(), fixture.master.clone()).await;
    assert!(matches!(again, Err(KeyError::Unavailable(_))), "only where there is none");

    let ring = fixture.open().await;
    for (number, before) in (0..).zip(keys) {
        assert_eq!(key(&ring, stream(number), 0).await, (number != 7).then_some(before), "{number}");
    }
}

#[tokio::test]
async fn keys_in_bulk_are_looked_up_and_not_gone_through() {
    let fixture = Fixture::new();
    let ring = fixture.open().await;
    let mut connection = ring.shared.readers.acquire().await.unwrap();
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", store::LOAD_ALL)))
            .bind(stream(1).to_bytes().to_vec())
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    let plan: Vec<_> = plan.into_iter().map(|(.., step)| step).collect();
    let searched = |table: &str| plan.iter().any(|step| step.starts_with(&format!("SEARCH {table} ")));
    assert!(searched("g") && searched("w"), "{plan:#?}");
}
