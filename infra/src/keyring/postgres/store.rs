//! The ring's tables in `PostgreSQL`, schema `socai_keys`.

use std::collections::HashMap;

use socai_domain::ledger::{KeyError, KeyState, LedgerId, Revision, StreamId, StreamKey};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::super::{
    Generation, Kept,
    master::{KeyPlace, MasterKey, WRAPPED_LEN},
    store::{changed, new_key, number, unknown_kind},
};
use crate::postgres::{Taken, code, has_table, in_time, says_damaged};

/// The table of the ring: where it is, there is a ring.
pub(crate) const TABLE: &str = "socai_keys.ring";
const SCHEMA: &str = "
    CREATE SCHEMA IF NOT EXISTS socai_keys;
    CREATE TABLE socai_keys.ring (
        one boolean CONSTRAINT ring_key PRIMARY KEY CONSTRAINT ring_is_one CHECK (one),
        format integer NOT NULL,
        master bytea NOT NULL,
        ledger bytea CONSTRAINT ring_ledger_is_an_id CHECK (octet_length(ledger) = 16),
        state bytea NOT NULL
    );
    CREATE TABLE socai_keys.generation (
        stream bytea NOT NULL CONSTRAINT generation_stream_is_an_id CHECK (octet_length(stream) = 17),
        from_revision bigint NOT NULL,
        destroyed boolean NOT NULL DEFAULT false,
        wrapped bytea NOT NULL CONSTRAINT generation_wrapped_is_whole CHECK (octet_length(wrapped) = 60),
        CONSTRAINT generation_key PRIMARY KEY (stream, from_revision)
    )";
const FORMAT: i32 = 1;
/// The lock of who makes the tables.
const LOCK: i64 = i64::from_be_bytes(*b"socaikey");

/// An error of the database.
#[allow(clippy::needless_pass_by_value)] // for map_err
pub(in crate::keyring) fn unavailable(error: sqlx::Error) -> KeyError {
    if says_damaged(&error) { KeyError::Damaged(error.to_string()) } else { KeyError::Unavailable(error.to_string()) }
}

/// Changes with every change of what others may remember.
fn new_state() -> Vec<u8> {
    Uuid::now_v7().as_bytes().to_vec()
}

/// Makes the tables where there are none.
pub(super) async fn prepare(at: &mut PgConnection, master: &MasterKey) -> sqlx::Result<()> {
    if has_table(at, TABLE).await? {
        return Ok(());
    }
    let mut transaction = in_time(at.begin()).await?;
    in_time(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction)).await?;
    // Another server may have made them meanwhile.
    if !has_table(&mut transaction, TABLE).await? {
        in_time(sqlx::raw_sql(SCHEMA).execute(&mut *transaction)).await?;
        let ring = sqlx::query("INSERT INTO socai_keys.ring (one, format, master, state) VALUES (true, $1, $2, $3)");
        let ring = ring.bind(FORMAT).bind(master.fingerprint().to_vec()).bind(new_state());
        in_time(ring.execute(&mut *transaction)).await?;
    }
    in_time(transaction.commit()).await
}

/// Is it a ring of this format, wrapped by this master key?
pub(super) fn check(found: Option<(i32, Vec<u8>)>, master: &MasterKey) -> Result<(), KeyError> {
    match found {
        None => Err(KeyError::Damaged(format!("the row of {TABLE} is missing"))),
        Some((FORMAT, fingerprint)) if fingerprint == master.fingerprint() => Ok(()),
        Some((FORMAT, _)) => Err(KeyError::WrongMaster),
        Some((format, _)) => Err(KeyError::Damaged(format!("it has format {format}: a newer socai wrote it"))),
    }
}

/// Format and fingerprint of the master key.
pub(super) async fn ring(at: &mut PgConnection) -> sqlx::Result<Option<(i32, Vec<u8>)>> {
    in_time(sqlx::query_as("SELECT format, master FROM socai_keys.ring").fetch_optional(at)).await
}

/// Keeps everybody else from changing the ring, until the transaction ends, and looks whether it has this master key.
pub(super) async fn lock(at: &mut PgConnection, master: &MasterKey) -> Result<(), KeyError> {
    let ring = sqlx::query_as("SELECT format, master FROM socai_keys.ring FOR UPDATE").fetch_optional(at);
    check(in_time(ring).await.map_err(unavailable)?, master)
}

/// Lets everybody forget what they remember.
pub(super) async fn forget(at: &mut PgConnection) -> sqlx::Result<()> {
    let state = sqlx::query("UPDATE socai_keys.ring SET state = $1").bind(new_state()).execute(at);
    in_time(state).await.map(drop)
}

/// Whose ring it is, if it is any ledger's yet.
pub(super) async fn ledger(at: &mut PgConnection) -> sqlx::Result<Option<LedgerId>> {
    let bytes: Option<Option<Vec<u8>>> =
        in_time(sqlx::query_scalar("SELECT ledger FROM socai_keys.ring").fetch_optional(at)).await?;
    Ok(bytes.flatten().and_then(|bytes| Uuid::from_slice(&bytes).ok()).map(LedgerId))
}

/// Makes it the ring of this ledger, for good.
pub(super) async fn bind(at: &mut PgConnection, ledger: LedgerId) -> sqlx::Result<()> {
    let bound = sqlx::query("UPDATE socai_keys.ring SET ledger = $1 WHERE ledger IS NULL");
    in_time(bound.bind(ledger.0.as_bytes().to_vec()).execute(at)).await.map(drop)
}

/// State, format and master key of the ring, and of each key the stream, first revision, whether it is destroyed, and the
/// wrapped key.
type Row = (Vec<u8>, i32, Vec<u8>, Option<Vec<u8>>, Option<i64>, Option<bool>, Option<Vec<u8>>);

/// The rows of these streams, each at most once, as they were at one moment.
pub(super) async fn rows(at: &mut PgConnection, streams: &[StreamId]) -> sqlx::Result<Vec<Row>> {
    let names: Vec<Vec<u8>> = streams.iter().map(|stream| stream.to_bytes().to_vec()).collect();
    let rows = sqlx::query_as(
        "SELECT ring.state, ring.format, ring.master, g.stream, g.from_revision, g.destroyed, g.wrapped
         FROM socai_keys.ring LEFT JOIN (
            unnest($1::bytea[]) AS asked (stream) JOIN socai_keys.generation AS g USING (stream)
         ) ON true ORDER BY g.stream, g.from_revision",
    );
    in_time(rows.bind(names).fetch_all(at)).await
}

/// Keys as they were while the ring had this state.
#[derive(Debug)]
pub(in crate::keyring) struct Found {
    pub(in crate::keyring) state: Vec<u8>,
    pub(in crate::keyring) streams: HashMap<StreamId, Vec<Generation>>,
}

/// Unwraps what was read.
pub(super) fn found(rows: Vec<Row>, master: &MasterKey) -> Result<Found, KeyError> {
    let first = rows.first().map(|(state, format, fingerprint, ..)| (state.clone(), (*format, fingerprint.clone())));
    let (state, ring) = first.unzip();
    check(ring, master)?;
    let mut streams: HashMap<StreamId, Vec<Generation>> = HashMap::new();
    for row in rows {
        let (.., Some(stream), Some(from), Some(destroyed), Some(wrapped)) = row else { continue };
        let stream = StreamId::from_bytes(&stream).ok_or_else(unknown_kind)?;
        let from = Revision::new(from.cast_unsigned());
        let unwrapped = || master.unwrap(KeyPlace { stream, from }, &wrapped).map(KeyState::Key);
        let key = if destroyed { Some(KeyState::Destroyed) } else { unwrapped() };
        streams.entry(stream).or_default().push(Generation { from, key: key.ok_or_else(|| changed(stream))? });
    }
    Ok(Found { state: state.unwrap_or_default(), streams })
}

/// Gives each of these new streams this wrapped key, unless it has one. Nothing happens if the ring has another master key.
pub(super) async fn add_first(
    at: &mut PgConnection,
    master: &MasterKey,
    keys: &[(StreamId, [u8; WRAPPED_LEN])],
) -> sqlx::Result<()> {
    let (names, wrapped): (Vec<_>, Vec<_>) =
        keys.iter().map(|(stream, wrapped)| (stream.to_bytes().to_vec(), wrapped.to_vec())).unzip();
    // Shared, so that no rotation passes by what is being added.
    let add = sqlx::query(
        "WITH ring AS (SELECT 1 FROM socai_keys.ring WHERE master = $1 FOR SHARE)
         INSERT INTO socai_keys.generation (stream, from_revision, wrapped)
         SELECT new.stream, 0, new.wrapped FROM ring CROSS JOIN unnest($2::bytea[], $3::bytea[]) AS new (stream, wrapped)
         ON CONFLICT DO NOTHING",
    );
    let add = add.bind(master.fingerprint().to_vec()).bind(names).bind(wrapped);
    in_time(add.execute(at)).await.map(drop)
}

/// Adds a new key that seals from `from` on.
pub(super) async fn add(
    at: &mut PgConnection,
    master: &MasterKey,
    stream: StreamId,
    from: Revision,
) -> Result<StreamKey, KeyError> {
    let (key, wrapped) = new_key(master, KeyPlace { stream, from })?;
    let add = sqlx::query("INSERT INTO socai_keys.generation (stream, from_revision, wrapped) VALUES ($1, $2, $3)");
    let add = add.bind(stream.to_bytes().to_vec()).bind(number(from)).bind(wrapped.to_vec());
    in_time(add.execute(at)).await.map_err(unavailable)?;
    Ok(key)
}

/// Overwrites every key that began to seal below `revision`, and marks it. How many there were.
pub(super) async fn destroy(at: &mut PgConnection, stream: StreamId, revision: Revision) -> sqlx::Result<u64> {
    let destroy = sqlx::query(
        "UPDATE socai_keys.generation SET wrapped = $3, destroyed = true
         WHERE stream = $1 AND from_revision < $2 AND NOT destroyed",
    );
    let destroy = destroy.bind(stream.to_bytes().to_vec()).bind(number(revision)).bind(vec![0_u8; WRAPPED_LEN]);
    in_time(destroy.execute(at)).await.map(|done| done.rows_affected())
}

/// Frees the space of old versions of rows; a role that may not is warned by the server, and nothing happens. Takes as long
/// as it takes.
pub(super) async fn vacuum(at: &mut Taken<'_>) -> sqlx::Result<()> {
    let watched = at.watched().await?;
    match watched.answer(sqlx::raw_sql("VACUUM socai_keys.generation").execute(&mut **at)).await {
        // Somebody else is just doing it.
        Err(error) if code(&error).as_deref() == Some("55P03") => Ok(()),
        done => done.map(drop),
    }
}

/// At most `most` keys after one of a stream, as they lie there, in the order of streams and revisions.
pub(in crate::keyring) async fn page(
    at: &mut PgConnection,
    after: Option<(StreamId, Revision)>,
    most: u32,
) -> sqlx::Result<Result<Vec<Kept>, KeyError>> {
    let (stream, from) =
        after.map_or_else(|| (Vec::new(), 0), |(stream, from)| (stream.to_bytes().to_vec(), number(from)));
    let rows = sqlx::query_as(
        "SELECT stream, from_revision, destroyed, wrapped FROM socai_keys.generation
         WHERE (stream, from_revision) > ($1, $2) ORDER BY stream, from_revision LIMIT $3",
    );
    let rows: Vec<(Vec<u8>, i64, bool, Vec<u8>)> =
        in_time(rows.bind(stream).bind(from).bind(i64::from(most)).fetch_all(at)).await?;
    let kept = |(stream, from, destroyed, bytes): (Vec<u8>, i64, bool, Vec<u8>)| {
        let stream = StreamId::from_bytes(&stream).ok_or_else(unknown_kind)?;
        Ok(Kept::new(stream, Revision::new(from.cast_unsigned()), destroyed, Some(bytes)))
    };
    Ok(rows.into_iter().map(kept).collect())
}

/// Wraps every living key anew.
pub(super) async fn rewrap(at: &mut PgConnection, old: &MasterKey, new: &MasterKey) -> Result<(), KeyError> {
    const AT_ONCE: u32 = 1_000;
    let mut after = None;
    loop {
        let page = page(at, after, AT_ONCE).await.map_err(unavailable)??;
        let Some(last) = page.last() else { break };
        after = Some((last.stream, last.from));
        let (mut streams, mut froms, mut wrapped) = (Vec::new(), Vec::new(), Vec::new());
        for kept in page.iter().filter(|kept| !kept.destroyed) {
            let place = KeyPlace { stream: kept.stream, from: kept.from };
            let key = kept.bytes().and_then(|bytes| old.unwrap(place, bytes)).ok_or_else(|| changed(kept.stream))?;
            let bytes = new.wrap(place, &key).map_err(|error| KeyError::Unavailable(error.to_string()))?;
            streams.push(kept.stream.to_bytes().to_vec());
            froms.push(number(kept.from));
            wrapped.push(bytes.to_vec());
        }
        let update = sqlx::query(
            "UPDATE socai_keys.generation AS g SET wrapped = new.wrapped
             FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS new (stream, from_revision, wrapped)
             WHERE g.stream = new.stream AND g.from_revision = new.from_revision",
        );
        in_time(update.bind(streams).bind(froms).bind(wrapped).execute(&mut *at)).await.map_err(unavailable)?;
    }
    let ring = sqlx::query("UPDATE socai_keys.ring SET master = $1").bind(new.fingerprint().to_vec());
    in_time(ring.execute(at)).await.map(drop).map_err(unavailable)
}
