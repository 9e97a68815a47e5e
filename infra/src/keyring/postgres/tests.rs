//! The ring in a database: its contract, several servers, connections that are cut.

use std::collections::BTreeSet;

use futures::future::join_all;
use socai_domain::ledger::StreamKind;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{
    super::{RingReader, master::WRAPPED_LEN},
    *,
};
use crate::{
    config::Location,
    postgres::{
        session,
        testing::{Cut, Proxy, Server},
    },
};

fn stream(number: u128) -> StreamId {
    StreamId::new(StreamKind::Incoming, Uuid::from_u128(number))
}

async fn key(ring: &dyn KeyRing, stream: StreamId, at: u64) -> Option<[u8; 32]> {
    let state = ring.opening(stream, Revision::new(at)).await.unwrap();
    state.keys().next().map(|key| *key.bytes())
}

async fn sealing(ring: &PostgresKeyRing, stream: StreamId, at: u64) -> [u8; 32] {
    *ring.sealing(stream, Revision::new(at)).await.unwrap().bytes()
}

async fn open(server: &Server, master: &MasterKey) -> PostgresKeyRing {
    PostgresKeyRing::open(&server.address(), master.clone()).await.unwrap()
}

async fn look<T>(server: &Server, sql: &str) -> T
where
    for<'r> (T,): sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    T: Send + Unpin,
{
    let mut session: PgConnection = session(&server.address()).await.unwrap();
    let (found,) = sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_one(&mut session).await.unwrap();
    found
}

fn any() -> MasterKey {
    MasterKey::generate().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_and_all_it_gave() {
    let (server, master) = (Server::start(), any());
    let ring = open(&server, &master).await;
    socai_domain::testing::key_ring::contract(&ring).await;
    let given = sealing(&ring, stream(7), 0).await;
    server.cluster.restart("").unwrap();
    assert_eq!(key(&ring, stream(7), 3).await, Some(given), "connections that ended are made anew");
    ring.close();
    assert_eq!(key(&open(&server, &master).await, stream(7), 3).await, Some(given));

    let refused = PostgresKeyRing::open(&server.address(), any()).await.unwrap_err();
    assert_eq!(refused, KeyError::WrongMaster);
    server.cluster.stop().unwrap();
    let error = open_refused(&server, &master).await;
    assert!(matches!(&error, KeyError::Unavailable(_)), "{error}");
}

async fn open_refused(server: &Server, master: &MasterKey) -> KeyError {
    PostgresKeyRing::open(&server.address(), master.clone()).await.unwrap_err()
}

/// Servers begin at once on an empty database, and make keys of the same streams at once.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_make_a_key_at_once_have_the_same() {
    const STREAMS: u128 = 40;
    let (server, master) = (Server::start(), any());
    let rings = join_all((0..3).map(|_| open(&server, &master))).await;
    let asked = rings.iter().enumerate().flat_map(|(at, ring)| {
        // Each in another order.
        (0..STREAMS).map(move |number| (ring, stream((number * 7 + at as u128 * 11) % STREAMS)))
    });
    let keys = join_all(asked.map(|(ring, stream)| async move { (stream, sealing(ring, stream, 0).await) })).await;
    let different: BTreeSet<_> = keys.iter().map(|(stream, key)| (stream.to_bytes(), key)).collect();
    assert_eq!(different.len(), usize::try_from(STREAMS).unwrap());
    for ring in &rings {
        for (stream, given) in &keys {
            assert_eq!(key(ring, *stream, 0).await, Some(*given));
        }
    }
    assert_eq!(look::<i64>(&server, "SELECT count(*) FROM socai_keys.generation").await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_changed_is_seen_at_once() {
    let (server, master) = (Server::start(), any());
    let (one, other) = (open(&server, &master).await, open(&server, &master).await);
    let first = sealing(&one, stream(1), 0).await;
    for _ in 0..2 {
        assert_eq!(sealing(&other, stream(1), 4).await, first, "from memory, too");
    }
    one.renew(stream(1), Revision::new(5)).await.unwrap();
    let second = sealing(&other, stream(1), 5).await;
    assert!(second != first && sealing(&one, stream(1), 5).await == second);
    assert_eq!(key(&other, stream(1), 4).await, Some(first));
    one.destroy(stream(1), Revision::new(5)).await.unwrap();
    assert_eq!((key(&other, stream(1), 4).await, key(&other, stream(1), 5).await), (None, Some(second)));
    let places = [(stream(1), Revision::new(4)), (stream(1), Revision::new(5))];
    assert!(matches!(other.opening_all(&places).await.unwrap()[..], [KeyState::Destroyed, KeyState::Key(_)]));
    assert_eq!(other.sealing(stream(1), Revision::new(4)).await.unwrap_err(), KeyError::Destroyed(stream(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_shuts_out_who_has_the_old_master_key_and_loses_nothing() {
    let (server, master, new) = (Server::start(), any(), any());
    let (one, other) = (open(&server, &master).await, open(&server, &master).await);
    let keys = join_all((0..1_100).map(|number| sealing(&one, stream(number), 0))).await;
    one.destroy(stream(3), Revision::new(1)).await.unwrap();
    assert!(key(&other, stream(5), 0).await.is_some());
    let reader = RingReader::open(&Location::Postgres(server.address()), master.clone()).await.unwrap();
    // Keys are made all the while: with one master key or the other, none is lost.
    let meanwhile = async {
        let mut made = Vec::new();
        for number in 2_000..2_400 {
            match other.sealing(stream(number), Revision::FIRST).await {
                Ok(key) => made.push((number, *key.bytes())),
                Err(error) => {
                    assert_eq!(error, KeyError::WrongMaster);
                    break;
                }
            }
        }
        made
    };
    let (rotated, made) = futures::join!(one.rotate(new.clone()), meanwhile);
    rotated.unwrap();
    assert_eq!(other.opening(stream(5), Revision::FIRST).await.unwrap_err(), KeyError::WrongMaster);
    assert_eq!(other.sealing(stream(9_000), Revision::FIRST).await.unwrap_err(), KeyError::WrongMaster);
    assert_eq!(other.renew(stream(5), Revision::new(2)).await.unwrap_err(), KeyError::WrongMaster);
    assert_eq!(reader.opening(stream(5), Revision::FIRST).await.unwrap_err(), KeyError::WrongMaster);
    assert!(!reader.has_its_master().await);
    for ring in [one, open(&server, &new).await] {
        for (number, given) in (0..).zip(&keys) {
            assert_eq!(key(&ring, stream(number), 0).await, (number != 3).then_some(*given));
        }
        for (number, given) in &made {
            assert_eq!(key(&ring, stream(*number), 0).await, Some(*given), "{number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_found_out() {
    let (server, master) = (Server::start(), any());
    let ring = open(&server, &master).await;
    for number in 1..=2 {
        sealing(&ring, stream(number), 0).await;
    }
    server.run(
        "UPDATE socai_keys.generation SET wrapped = (SELECT wrapped FROM socai_keys.generation ORDER BY stream LIMIT 1)",
    );
    let ring = open(&server, &master).await;
    assert!(key(&ring, stream(1), 0).await.is_some());
    assert!(matches!(ring.opening(stream(2), Revision::FIRST).await, Err(KeyError::Damaged(_))));
    server.run("DELETE FROM socai_keys.ring");
    assert!(matches!(ring.opening(stream(1), Revision::FIRST).await, Err(KeyError::Damaged(_))));
    assert!(matches!(open_refused(&server, &master).await, KeyError::Damaged(_)), "no new one is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_pages_through_all_and_writes_nothing() {
    let (server, master) = (Server::start(), any());
    let ring = open(&server, &master).await;
    let keys = join_all((0..20).map(|number| sealing(&ring, stream(number), 0))).await;
    ring.renew(stream(4), Revision::new(2)).await.unwrap();
    ring.destroy(stream(4), Revision::new(2)).await.unwrap();
    let reader = RingReader::open(&Location::Postgres(server.address()), master).await.unwrap();
    let page = reader.page(None).await.unwrap();
    assert_eq!(page.len(), 21);
    assert!(page.iter().all(|kept| kept.destroyed == kept.is_overwritten()));
    assert_eq!(page.iter().filter(|kept| kept.destroyed).map(|kept| kept.stream).collect::<Vec<_>>(), [stream(4)]);
    assert_eq!(*reader.key(&page[0]).unwrap().bytes(), keys[0]);
    assert_eq!(reader.page(Some(&page[18])).await.unwrap().len(), 2);
    assert!(reader.page(page.last()).await.unwrap().is_empty());
    assert!(reader.sealing(stream(99), Revision::FIRST).await.is_err());
    assert_eq!(key(&reader, stream(4), 1).await, None);
    let none = RingReader::open(&Location::Postgres(server.address()), any()).await.unwrap_err();
    assert_eq!(none, KeyError::WrongMaster);
}

/// What the table shows is overwritten, and no old version of the row waits for the vacuum.
#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_is_no_row_any_more() {
    let (server, master) = (Server::start(), any());
    let ring = open(&server, &master).await;
    join_all((0..300).map(|number| sealing(&ring, stream(number), 0))).await;
    ring.destroy(stream(9), Revision::new(1)).await.unwrap();
    let zeros = format!(
        "SELECT count(*) FROM socai_keys.generation WHERE destroyed AND wrapped = '\\x{}'",
        "00".repeat(WRAPPED_LEN)
    );
    assert_eq!(look::<i64>(&server, &zeros).await, 1);
    server.run("CREATE EXTENSION IF NOT EXISTS pgstattuple");
    let dead = "SELECT dead_tuple_count FROM pgstattuple('socai_keys.generation')";
    assert_eq!(look::<i64>(&server, dead).await, 0);
}

/// A life of the ring, each step done until it is: what was given once stays.
async fn live(ring: &PostgresKeyRing) -> Result<(), String> {
    async fn done<T, F: Future<Output = Result<T, KeyError>>>(work: impl Fn() -> F) -> Result<T, String> {
        let mut last = String::new();
        for _ in 0..5 {
            match work().await {
                Err(KeyError::Unavailable(why)) => last = why,
                done => return done.map_err(|error| error.to_string()),
            }
        }
        Err(last)
    }
    let (one, other) = (stream(1), stream(2));
    let revision = Revision::new;
    let bytes = |key: StreamKey| *key.bytes();
    let first = bytes(done(|| ring.sealing(one, revision(0))).await?);
    let of_other = bytes(done(|| ring.sealing(other, revision(0))).await?);
    done(|| ring.renew(one, revision(3))).await?;
    let second = bytes(done(|| ring.sealing(one, revision(3))).await?);
    done(|| ring.destroy(one, revision(3))).await?;
    let places = [(one, revision(2)), (one, revision(3)), (other, revision(8))];
    let states = done(|| ring.opening_all(&places)).await?;
    let right = match &states[..] {
        [KeyState::Destroyed, KeyState::Key(three), KeyState::Key(eight)] => {
            *three.bytes() == second && *eight.bytes() == of_other && first != second
        }
        _ => false,
    };
    if right { Ok(()) } else { Err(format!("{states:?}")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_may_be_cut_and_the_server_may_crash_at_every_step() {
    let (server, master) = (Server::start(), any());
    let proxy = Proxy::start(&server, "");
    let open = async || {
        let mut last = None;
        for _ in 0..5 {
            match PostgresKeyRing::open(&proxy.address(), master.clone()).await {
                Ok(ring) => return ring,
                Err(error) => last = Some(error.to_string()),
            }
        }
        panic!("{last:?}");
    };
    live(&open().await).await.unwrap();
    let steps = proxy.steps();
    assert!(steps > 20, "{steps}");
    for at in 0..steps {
        let crash = (at % 11 == 3).then_some(Cut::Crash);
        for cut in [Cut::Before, Cut::After].into_iter().chain(crash) {
            server.run("DROP SCHEMA IF EXISTS socai_keys CASCADE");
            proxy.plan(Some((at, cut)));
            let ring = open().await;
            live(&ring).await.unwrap_or_else(|why| panic!("{cut:?} at {at}: {why}"));
            assert!(proxy.has_struck(), "{cut:?} at {at}");
            proxy.plan(None);
            // As another server finds it.
            let other = PostgresKeyRing::open(&server.address(), master.clone()).await.unwrap();
            assert_eq!(key(&other, stream(1), 0).await, None, "{cut:?} at {at}");
            assert_eq!(key(&other, stream(2), 0).await, key(&ring, stream(2), 0).await, "{cut:?} at {at}");
            let rows: i64 = look(&server, "SELECT count(*) FROM socai_keys.generation").await;
            assert_eq!(rows, 3, "{cut:?} at {at}");
        }
    }
}
