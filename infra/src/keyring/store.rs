//! The ring's tables.
//!
//! `wrapped` only grows at its end (a rowid table) and its rows never change length; `generation` finds them by stream.

use std::{collections::HashMap, path::Path, sync::Arc};

use socai_domain::ledger::{KeyError, KeyState, LedgerId, Revision, StreamId, StreamKey};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use uuid::Uuid;

use super::{
    Generation, Kept,
    master::{KeyPlace, MasterKey, WRAPPED_LEN},
};

const SCHEMA: &str = "
    CREATE TABLE ring (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, master BLOB NOT NULL,
        ledger BLOB CHECK (length(ledger) = 16)) STRICT;
    CREATE TABLE wrapped (
        id INTEGER PRIMARY KEY,
        stream BLOB NOT NULL CHECK (length(stream) = 17),
        from_revision INTEGER NOT NULL,
        bytes BLOB NOT NULL CHECK (length(bytes) = 60)
    ) STRICT;
    CREATE TABLE generation (
        stream BLOB NOT NULL,
        from_revision INTEGER NOT NULL,
        wrapped INTEGER NOT NULL,
        destroyed INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (stream, from_revision)
    ) STRICT, WITHOUT ROWID;
";
const FORMAT: i64 = 1;

/// An error of the database: the ring cannot answer now, or its file is damaged.
#[allow(clippy::needless_pass_by_value)] // for map_err
pub(super) fn unavailable(error: sqlx::Error) -> KeyError {
    let code =
        error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<u32>().ok());
    // The low byte is the primary code: SQLITE_CORRUPT or SQLITE_NOTADB.
    match code.map(|code| code & 0xff) {
        Some(11 | 26) => KeyError::Damaged(error.to_string()),
        _ => KeyError::Unavailable(error.to_string()),
    }
}

/// No stream has more revisions than SQLite has numbers.
pub(super) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.number()).unwrap_or(i64::MAX)
}

/// Opens the file for writing; makes the tables where there are none, checks the master key where there are.
pub(super) async fn create(
    path: &Path,
    options: &SqliteConnectOptions,
    master: &MasterKey,
) -> Result<SqliteConnection, KeyError> {
    // Its write-ahead log gets the same permissions.
    crate::files::make_private(path).map_err(|error| KeyError::Unavailable(format!("{}: {error}", path.display())))?;
    let mut connection = options.connect().await.map_err(unavailable)?;
    match prepare(&mut connection, master).await {
        Ok(()) => {
            crate::files::sync_parent(path).map_err(|error| KeyError::Unavailable(error.to_string()))?;
            Ok(connection)
        }
        Err(error) => {
            // The file is let go of before the answer; why it was refused matters more than how that went.
            let _ = connection.close().await;
            Err(error)
        }
    }
}

async fn prepare(connection: &mut SqliteConnection, master: &MasterKey) -> Result<(), KeyError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *transaction)
        .await
        .map_err(unavailable)?;
    if tables == 0 {
        sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await.map_err(unavailable)?;
        sqlx::query("INSERT INTO ring (one, format, master) VALUES (1, ?, ?)")
            .bind(FORMAT)
            .bind(master.fingerprint().as_slice())
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
    }
    check(&mut transaction, master).await?;
    transaction.commit().await.map_err(unavailable)?;
    // A crash between destroying a key and emptying the write-ahead log ends here.
    empty_wal(connection).await
}

/// Is it a ring of this format, wrapped by this master key?
pub(super) async fn check(connection: &mut SqliteConnection, master: &MasterKey) -> Result<(), KeyError> {
    let (format, fingerprint): (i64, Vec<u8>) =
        sqlx::query_as("SELECT format, master FROM ring").fetch_one(connection).await.map_err(unavailable)?;
    if format != FORMAT {
        return Err(KeyError::Damaged(format!(
            "it has format {format}: a newer socai wrote it, or a byte was changed"
        )));
    }
    if fingerprint == master.fingerprint() { Ok(()) } else { Err(KeyError::WrongMaster) }
}

/// Whose ring it is, if it is any ledger's yet.
pub(super) async fn ledger(connection: &mut SqliteConnection) -> Result<Option<LedgerId>, KeyError> {
    let bytes: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT ledger FROM ring").fetch_one(connection).await.map_err(unavailable)?;
    // The table takes 16 bytes only.
    Ok(bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok()).map(LedgerId))
}

/// Makes it the ring of this ledger, for good.
pub(super) async fn bind(connection: &mut SqliteConnection, ledger: LedgerId) -> Result<(), KeyError> {
    let bytes = ledger.0.as_bytes().as_slice();
    let bound = sqlx::query("UPDATE ring SET ledger = ? WHERE ledger IS NULL").bind(bytes).execute(connection).await;
    bound.map(drop).map_err(unavailable)
}

/// Brings all into the database file and leaves nothing in the write-ahead log.
pub(super) async fn empty_wal(connection: &mut SqliteConnection) -> Result<(), KeyError> {
    let (busy, _, _): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await.map_err(unavailable)?;
    if busy == 0 {
        Ok(())
    } else {
        Err(KeyError::Unavailable("another program reads the key ring's file: end it and try again".into()))
    }
}

/// The stream's generations, oldest first.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    master: &MasterKey,
    stream: StreamId,
) -> Result<Arc<[Generation]>, KeyError> {
    let found = load_all(connection, master, &[stream]).await?;
    Ok(found.into_values().next().unwrap_or_else(|| [].into()))
}

/// The streams one after the other, 17 bytes each: one statement for any number of them. A cross join, because it is what
/// SQLite never turns round: it would go through all keys in their order to save itself the sorting.
pub(super) const LOAD_ALL: &str = "WITH RECURSIVE asked (next, stream) AS (
        SELECT 18, substr(?1, 1, 17)
        UNION ALL SELECT next + 17, substr(?1, next, 17) FROM asked WHERE next < length(?1)
    )
    SELECT g.stream, g.from_revision, g.destroyed, w.bytes
    FROM asked CROSS JOIN generation g ON g.stream = asked.stream CROSS JOIN wrapped w ON w.id = g.wrapped
    ORDER BY g.stream, g.from_revision";

/// The generations of those of these streams that have any. No stream twice.
pub(super) async fn load_all(
    connection: &mut SqliteConnection,
    master: &MasterKey,
    streams: &[StreamId],
) -> Result<HashMap<StreamId, Arc<[Generation]>>, KeyError> {
    let names: Vec<u8> = streams.iter().flat_map(|stream| stream.to_bytes()).collect();
    let rows: Vec<(Vec<u8>, i64, bool, Vec<u8>)> =
        sqlx::query_as(LOAD_ALL).bind(names).fetch_all(connection).await.map_err(unavailable)?;
    let mut found: HashMap<StreamId, Vec<Generation>> = HashMap::with_capacity(streams.len());
    for (stream, from, destroyed, bytes) in rows {
        let stream = StreamId::from_bytes(&stream).ok_or_else(unknown_kind)?;
        let from = Revision::new(from.cast_unsigned());
        let unwrapped = || master.unwrap(KeyPlace { stream, from }, &bytes).map(KeyState::Key);
        let key = if destroyed { Some(KeyState::Destroyed) } else { unwrapped() };
        found.entry(stream).or_default().push(Generation { from, key: key.ok_or_else(|| changed(stream))? });
    }
    Ok(found.into_iter().map(|(stream, generations)| (stream, generations.into())).collect())
}

/// Stream, first revision, whether it is destroyed, and the wrapped key.
type Row = (Vec<u8>, i64, bool, Option<Vec<u8>>);

/// At most `most` keys after one of a stream, as they lie there, in the order of streams and revisions.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    after: Option<(StreamId, Revision)>,
    most: u32,
) -> Result<Vec<Kept>, KeyError> {
    let (stream, from) =
        after.map_or_else(|| (Vec::new(), 0), |(stream, from)| (stream.to_bytes().to_vec(), number(from)));
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT g.stream, g.from_revision, g.destroyed, w.bytes
         FROM generation g LEFT JOIN wrapped w ON w.id = g.wrapped
         WHERE (g.stream, g.from_revision) > (?, ?) ORDER BY g.stream, g.from_revision LIMIT ?",
    )
    .bind(stream)
    .bind(from)
    .bind(most)
    .fetch_all(connection)
    .await
    .map_err(unavailable)?;
    let kept = |(stream, from, destroyed, bytes): Row| {
        let stream = StreamId::from_bytes(&stream).ok_or_else(unknown_kind)?;
        Ok(Kept::new(stream, Revision::new(from.cast_unsigned()), destroyed, bytes))
    };
    rows.into_iter().map(kept).collect()
}

pub(super) fn unknown_kind() -> KeyError {
    KeyError::Damaged("it names an unknown kind of stream: a newer socai wrote it, or a byte was changed".into())
}

pub(super) fn changed(stream: StreamId) -> KeyError {
    KeyError::Damaged(format!("the wrapped key of {stream} was changed"))
}

/// A key of random bytes, and the same wrapped for its place.
pub(super) fn new_key(master: &MasterKey, place: KeyPlace) -> Result<(StreamKey, [u8; WRAPPED_LEN]), KeyError> {
    let no_randomness = |error: getrandom::Error| KeyError::Unavailable(error.to_string());
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(no_randomness)?;
    let key = StreamKey::new(*bytes);
    let wrapped = master.wrap(place, &key).map_err(no_randomness)?;
    Ok((key, wrapped))
}

/// Adds a new key that seals from `from` on.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    master: &MasterKey,
    stream: StreamId,
    from: Revision,
) -> Result<StreamKey, KeyError> {
    let (key, wrapped) = new_key(master, KeyPlace { stream, from })?;
    let id = sqlx::query("INSERT INTO wrapped (stream, from_revision, bytes) VALUES (?, ?, ?)")
        .bind(stream.to_bytes().to_vec())
        .bind(number(from))
        .bind(wrapped.to_vec())
        .execute(&mut *connection)
        .await
        .map_err(unavailable)?
        .last_insert_rowid();
    sqlx::query("INSERT INTO generation (stream, from_revision, wrapped) VALUES (?, ?, ?)")
        .bind(stream.to_bytes().to_vec())
        .bind(number(from))
        .bind(id)
        .execute(connection)
        .await
        .map_err(unavailable)?;
    Ok(key)
}

/// Overwrites every key that began to seal below `revision`, and marks it.
pub(super) async fn destroy(
    connection: &mut SqliteConnection,
    stream: StreamId,
    revision: Revision,
) -> Result<(), KeyError> {
    for sql in [
        "UPDATE wrapped SET bytes = zeroblob(60)
         WHERE id IN (SELECT wrapped FROM generation WHERE stream = ? AND from_revision < ?)",
        "UPDATE generation SET destroyed = 1 WHERE stream = ? AND from_revision < ? AND destroyed = 0",
    ] {
        sqlx::query(sql)
            .bind(stream.to_bytes().to_vec())
            .bind(number(revision))
            .execute(&mut *connection)
            .await
            .map_err(unavailable)?;
    }
    Ok(())
}

/// Wraps every living key anew.
pub(super) async fn rewrap(
    connection: &mut SqliteConnection,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), KeyError> {
    const AT_ONCE: i64 = 1_000;
    let mut after = 0_i64;
    loop {
        let rows: Vec<(i64, Vec<u8>, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT id, stream, from_revision, bytes FROM wrapped
             WHERE id > ? AND bytes <> zeroblob(60) ORDER BY id LIMIT ?",
        )
        .bind(after)
        .bind(AT_ONCE)
        .fetch_all(&mut *connection)
        .await
        .map_err(unavailable)?;
        let Some((last, ..)) = rows.last() else { break };
        after = *last;
        for (id, stream, from, bytes) in rows {
            let stream = StreamId::from_bytes(&stream).ok_or_else(unknown_kind)?;
            let place = KeyPlace { stream, from: Revision::new(from.cast_unsigned()) };
            let key = old.unwrap(place, &bytes).ok_or_else(|| changed(stream))?;
            let wrapped: [u8; WRAPPED_LEN] =
                new.wrap(place, &key).map_err(|error| KeyError::Unavailable(error.to_string()))?;
            sqlx::query("UPDATE wrapped SET bytes = ? WHERE id = ?")
                .bind(wrapped.to_vec())
                .bind(id)
                .execute(&mut *connection)
                .await
                .map_err(unavailable)?;
        }
    }
    sqlx::query("UPDATE ring SET master = ?")
        .bind(new.fingerprint().to_vec())
        .execute(connection)
        .await
        .map_err(unavailable)?;
    Ok(())
}
