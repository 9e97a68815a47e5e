//! The store in a database of `PostgreSQL`, in a schema of its own, `socai_notary`, which is no view and belongs to the backup.
//!
//! | table | what |
//! |---|---|
//! | `checkpoint` | one row: the signed note of the last tree that was committed, and who may write |
//! | `piece` | the columns (see [`Column`]), in rows of 8 KiB: by the column's name and the number of the row |
//! | `text` | texts beside the tree |
//!
//! One notary at a time. An advisory lock of its session keeps a second one out (where several servers take turns, a lease
//! says who may take it from whom), but a session may end unnoticed: the fence is
//! `checkpoint.holder`, which every load sets to a new random value. Each write is one statement that locks that row and does
//! nothing unless the value is its own; a swap asks for the old note, too. So whoever was replaced writes nothing any more,
//! however late their statement arrives.

mod shelf;

use std::{fmt, sync::Arc, time::Duration};

use socai_projections::{EVICT, PostgresUrl};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

pub(super) use self::shelf::PostgresShelf;
use super::store::{Column, NotaryStore, Piece, Shelf as _, StoreError, Text};
use crate::postgres::{code, has_table, in_time, session};

/// The table of the checkpoint: where it is, there is a store.
pub(crate) const TABLE: &str = "socai_notary.checkpoint";
/// Bytes of a row of a column. Hashes are not compressed, so that a part of a row is read without the rest.
const ROW: usize = 8_192;
const FORMAT: i32 = 1;
const SCHEMA: &str = "
    CREATE SCHEMA IF NOT EXISTS socai_notary;
    CREATE TABLE socai_notary.checkpoint (
        one boolean CONSTRAINT checkpoint_key PRIMARY KEY CONSTRAINT checkpoint_is_one CHECK (one),
        format integer NOT NULL,
        holder bytea NOT NULL,
        note bytea
    );
    CREATE TABLE socai_notary.piece (
        name text COLLATE \"C\" NOT NULL,
        number bigint NOT NULL,
        bytes bytea NOT NULL CONSTRAINT piece_fits CHECK (octet_length(bytes) <= 8192),
        CONSTRAINT piece_key PRIMARY KEY (name, number)
    );
    ALTER TABLE socai_notary.piece ALTER bytes SET STORAGE EXTERNAL;
    CREATE TABLE socai_notary.text (name text COLLATE \"C\" CONSTRAINT text_key PRIMARY KEY, bytes bytea NOT NULL);
    INSERT INTO socai_notary.checkpoint (one, format, holder) VALUES (true, 1, '')";
/// The lock of the notary in its database.
const LOCK: i64 = i64::from_be_bytes(*b"socainot");
/// How long the end of a store may wait for the server.
const FAREWELL: Duration = Duration::from_secs(1);

const STAGE: &str = "
    WITH mine AS (SELECT 1 FROM socai_notary.checkpoint WHERE holder = $1 FOR UPDATE)
    INSERT INTO socai_notary.piece (name, number, bytes)
    SELECT new.name, new.number, coalesce(substr(old.bytes, 1, new.skip), '') || new.bytes
    FROM mine CROSS JOIN unnest($2::text[], $3::bigint[], $4::int[], $5::bytea[]) AS new (name, number, skip, bytes)
    LEFT JOIN socai_notary.piece AS old ON old.name = new.name AND old.number = new.number
    WHERE new.skip = 0 OR octet_length(old.bytes) >= new.skip
    ON CONFLICT (name, number) DO UPDATE SET bytes = EXCLUDED.bytes";
const SWAP: &str = "UPDATE socai_notary.checkpoint SET note = $3 WHERE holder = $1 AND note IS NOT DISTINCT FROM $2";
const KEEP: &str = "WITH mine AS (SELECT 1 FROM socai_notary.checkpoint WHERE holder = $1 FOR UPDATE)
    INSERT INTO socai_notary.text (name, bytes) SELECT $2, $3 FROM mine
    ON CONFLICT (name) DO UPDATE SET bytes = EXCLUDED.bytes";

/// The store in a database.
pub(crate) struct PostgresStore {
    shelf: PostgresShelf,
    address: PostgresUrl,
    /// None after an error: then it is loaded again.
    held: Arc<Mutex<Option<Held>>>,
    /// One of several servers: it loads when its lease says so, and takes the lock from whoever has it.
    among_several: bool,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shelf.name)
    }
}

/// The right to write, as far as this process knows.
#[derive(Debug)]
struct Held {
    /// Has the lock.
    session: PgConnection,
    /// What stands in the row of the checkpoint while nobody else has loaded it.
    holder: Vec<u8>,
}

/// What came of opening a session that has the lock.
enum Entered {
    In(PgConnection),
    InUse,
}

/// Opens a session and takes the lock, if it `evicts` also from whoever has it. Who has it just then may be ending: so it
/// waits a little (see `lock_timeout`).
async fn enter(address: &PostgresUrl, evicts: bool) -> sqlx::Result<Entered> {
    let mut session = session(address).await?;
    if evicts {
        in_time(sqlx::query(EVICT).bind(LOCK).execute(&mut session)).await?;
    }
    let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut session);
    match in_time(locked).await {
        Err(error) if code(&error).as_deref() == Some("55P03") => Ok(Entered::InUse),
        locked => locked.map(|_| Entered::In(session)),
    }
}

/// Takes the right to write from whoever had it. Format and note of the checkpoint; none if its row is missing.
///
/// That this is durable makes durable what it read.
async fn begin(mut session: PgConnection) -> sqlx::Result<(Held, Option<(i32, Option<Vec<u8>>)>)> {
    if !has_table(&mut session, TABLE).await? {
        // All of it is one transaction: it is one message.
        in_time(sqlx::raw_sql(SCHEMA).execute(&mut session)).await?;
    }
    let holder = Uuid::now_v7().as_bytes().to_vec();
    let loaded = sqlx::query_as("UPDATE socai_notary.checkpoint SET holder = $1 RETURNING format, note");
    let loaded = in_time(loaded.bind(holder.clone()).fetch_optional(&mut session)).await?;
    Ok((Held { session, holder }, loaded))
}

/// What came of a write.
enum Written {
    All,
    /// Somebody else has the right to write.
    Moved,
    /// What should be there is not.
    Damaged,
}

impl PostgresStore {
    /// The store in this database; its schema is made at the first load, if it is missing.
    pub(crate) fn open(address: &PostgresUrl) -> Result<Self, StoreError> {
        let mut store = Self::among_several(address)?;
        store.among_several = false;
        let (held, address) = (Arc::clone(&store.held), address.clone());
        let entering = async move {
            let entered = enter(&address, false).await?;
            let Entered::In(session) = entered else { return Ok(false) };
            *held.lock().await = Some(Held { session, holder: Vec::new() });
            Ok(true)
        };
        if store.shelf.wait(entering)? { Ok(store) } else { Err(StoreError::InUse(store.shelf.name.clone())) }
    }

    /// The same for one of several servers: it takes nothing before its first load, which its lease has come for; that takes
    /// the lock from whoever has it still.
    pub(crate) fn among_several(address: &PostgresUrl) -> Result<Self, StoreError> {
        let shelf = PostgresShelf::open(address)?;
        Ok(Self { shelf, address: address.clone(), held: Arc::default(), among_several: true })
    }

    /// Somebody else writes: an alarm, unless that is how servers take turns.
    fn moved(&self) -> StoreError {
        let name = self.shelf.name.clone();
        if self.among_several {
            return StoreError::Unavailable(format!("{name}: another server signs from now on"));
        }
        StoreError::Moved(name)
    }

    /// Writes with the session that has the lock. After an error it has it no more.
    fn writing<F>(&self, work: impl FnOnce(Held) -> F + Send + 'static) -> Result<(), StoreError>
    where
        F: Future<Output = sqlx::Result<(Held, Written)>> + Send + 'static,
    {
        let held = Arc::clone(&self.held);
        let written = self.shelf.wait(async move {
            let mut place = held.lock().await;
            let held = place.take().ok_or_else(|| sqlx::Error::Protocol("the session was lost".into()))?;
            let (held, written) = work(held).await?;
            *place = Some(held);
            Ok(written)
        });
        match written? {
            Written::All => Ok(()),
            Written::Moved => Err(self.moved()),
            Written::Damaged => Err(StoreError::Damaged(format!(
                "{}: a row that was committed is missing or too short",
                self.shelf.name
            ))),
        }
    }
}

impl NotaryStore for PostgresStore {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let (held, address, evicts) = (Arc::clone(&self.held), self.address.clone(), self.among_several);
        let loaded = self.shelf.wait(async move {
            let mut place = held.lock().await;
            let session = match place.take() {
                Some(Held { session, .. }) => session,
                None => match enter(&address, evicts).await? {
                    Entered::In(session) => session,
                    Entered::InUse => return Ok(None),
                },
            };
            let (held, loaded) = begin(session).await?;
            *place = Some(held);
            Ok(Some(loaded))
        });
        let name = &self.shelf.name;
        match loaded? {
            // It was ours: perhaps the server has not noticed yet that our session ended. Perhaps another notary goes on, and
            // we are there if it ends.
            None => Err(StoreError::Unavailable(format!("{name}: another session has the notary's lock"))),
            Some(None) => Err(StoreError::Damaged(format!("{name}: the row of {TABLE} is missing"))),
            Some(Some((FORMAT, note))) => Ok(note),
            Some(Some((format, _))) => {
                Err(StoreError::Damaged(format!("{name}: it has format {format}: a newer socai wrote it")))
            }
        }
    }

    fn stage(&self, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
        let rows = Rows::of(pieces);
        if rows.names.is_empty() {
            return Ok(());
        }
        self.writing(|mut held| async move {
            let all = rows.names.len() as u64;
            let stage = sqlx::query(STAGE).bind(&held.holder).bind(rows.names).bind(rows.numbers);
            let stage = stage.bind(rows.skips).bind(rows.bytes);
            let written = in_time(stage.execute(&mut held.session)).await?.rows_affected();
            if written == all {
                return Ok((held, Written::All));
            }
            let mine = sqlx::query_scalar("SELECT count(*) FROM socai_notary.checkpoint WHERE holder = $1");
            let mine: i64 = in_time(mine.bind(&held.holder).fetch_one(&mut held.session)).await?;
            Ok((held, if mine == 0 { Written::Moved } else { Written::Damaged }))
        })
    }

    fn swap(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), StoreError> {
        // What was staged was committed before, and so is durable once this is.
        let (before, after) = (before.map(<[u8]>::to_vec), after.to_vec());
        self.writing(|mut held| async move {
            let swap = sqlx::query(SWAP).bind(&held.holder).bind(before).bind(after);
            let swapped = in_time(swap.execute(&mut held.session)).await?.rows_affected();
            Ok((held, if swapped == 1 { Written::All } else { Written::Moved }))
        })
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let bytes = self.shelf.part(column, first, count)?;
        if bytes.len() == count * column.width() {
            return Ok(bytes);
        }
        let item = first + count as u64;
        Err(StoreError::Damaged(format!("{}/{column}: it ends before item {item}", self.shelf.name)))
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        self.shelf.text(text)
    }

    fn keep(&self, text: Text, bytes: &[u8]) -> Result<(), StoreError> {
        let bytes = bytes.to_vec();
        self.writing(move |mut held| async move {
            let keep = sqlx::query(KEEP).bind(&held.holder).bind(text.name()).bind(bytes);
            let kept = in_time(keep.execute(&mut held.session)).await?.rows_affected();
            Ok((held, if kept == 1 { Written::All } else { Written::Moved }))
        })
    }
}

impl Drop for PostgresStore {
    /// The next one need not wait until the server has noticed that the session ended.
    fn drop(&mut self) {
        let held = Arc::clone(&self.held);
        let farewell = async move {
            if let Some(mut held) = held.lock().await.take() {
                sqlx::raw_sql("SELECT pg_advisory_unlock_all()").execute(&mut held.session).await?;
                held.session.close().await?;
            }
            Ok(())
        };
        let farewell = async { tokio::time::timeout(FAREWELL, farewell).await.unwrap_or(Ok(())) };
        // If it does not work, the session ends with the process.
        let _ = self.shelf.wait(farewell);
    }
}

/// Pieces, cut into rows.
#[derive(Default)]
struct Rows {
    names: Vec<String>,
    numbers: Vec<i64>,
    /// How many bytes of the row come before these.
    skips: Vec<i32>,
    bytes: Vec<Vec<u8>>,
}

impl Rows {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let mut rows = Self::default();
        for Piece { column, first, bytes } in pieces {
            let (mut row, mut skip) = place(*column, *first);
            let mut rest = *bytes;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(ROW - skip));
                rows.names.push(column.to_string());
                rows.numbers.push(row);
                rows.skips.push(i32::try_from(skip).unwrap_or_default());
                rows.bytes.push(now.to_vec());
                (row, skip, rest) = (row + 1, 0, later);
            }
        }
        rows
    }
}

/// In which row an item stands, and after how many bytes.
fn place(column: Column, item: u64) -> (i64, usize) {
    let in_row = (ROW / column.width()) as u64;
    let skip = usize::try_from(item % in_row).unwrap_or_default() * column.width();
    (i64::try_from(item / in_row).unwrap_or(i64::MAX), skip)
}
