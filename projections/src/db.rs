//! The two databases that views can be in, behind one connection and one row: SQLite, in a file or in memory, and
//! `PostgreSQL`. The text of a query is the same for both wherever both speak it; where they do not, [`Dialect`] decides.

use std::sync::Arc;

use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use sqlx::{
    AssertSqlSafe, Database, PgConnection, PgPool, Postgres, SqlSafeStr, Sqlite, SqliteConnection, SqlitePool,
    Transaction,
    encode::IsNull,
    error::BoxDynError,
    pool::PoolConnection,
    postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, types::Oid},
    sqlite::SqliteRow,
};

use crate::{
    answer::{ANSWERED, Lent, Own, Patience},
    error::ViewsError,
    sql::Source,
    value::Value,
};

/// Which database: where the two speak differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A row of either.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A connection to either, borrowed.
pub(crate) enum Db<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection, &'a mut Patience),
}

impl<'a> Db<'a> {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(..) => Dialect::Postgres,
        }
    }

    /// What is asked from now on may take long. Answers of SQLite are always waited for.
    pub(crate) async fn takes_long(self) -> Result<(), ViewsError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(db, patience) => Ok(patience.takes_long(db).await?),
        }
    }

    /// The same connection, for a shorter time.
    pub(crate) fn again(&mut self) -> Db<'_> {
        match self {
            Self::Sqlite(db) => Db::Sqlite(db),
            Self::Postgres(db, patience) => Db::Postgres(db, patience),
        }
    }

    /// All rows of a query, one after the other.
    pub(crate) fn fetch(self, text: String, args: Vec<Value>) -> BoxStream<'a, Result<Row, sqlx::Error>> {
        match self {
            Self::Sqlite(db) => to_sqlite(text, args).fetch(db).map_ok(Row::Sqlite).boxed(),
            Self::Postgres(db, patience) => {
                let rows = (to_postgres(text, args).fetch(db), patience);
                let next = |(mut rows, patience): (BoxStream<'a, _>, &'a mut Patience)| async move {
                    let row = patience.wait(rows.try_next()).await?;
                    Ok(row.map(|row| (Row::Postgres(row), (rows, patience))))
                };
                stream::try_unfold(rows, next).boxed()
            }
        }
    }

    pub(crate) async fn fetch_all(self, text: String, args: Vec<Value>) -> Result<Vec<Row>, ViewsError> {
        Ok(match self {
            Self::Sqlite(db) => to_sqlite(text, args).fetch_all(db).await?.into_iter().map(Row::Sqlite).collect(),
            Self::Postgres(db, patience) => {
                let rows = patience.wait(to_postgres(text, args).fetch_all(db)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn fetch_optional(self, text: String, args: Vec<Value>) -> Result<Option<Row>, ViewsError> {
        Ok(match self {
            Self::Sqlite(db) => to_sqlite(text, args).fetch_optional(db).await?.map(Row::Sqlite),
            Self::Postgres(db, patience) => {
                patience.wait(to_postgres(text, args).fetch_optional(db)).await?.map(Row::Postgres)
            }
        })
    }

    /// How many rows it concerned.
    pub(crate) async fn execute(self, text: Arc<str>, args: Vec<Value>) -> Result<u64, ViewsError> {
        Ok(match self {
            Self::Sqlite(db) => to_sqlite(text, args).execute(db).await?.rows_affected(),
            Self::Postgres(db, patience) => patience.wait(to_postgres(text, args).execute(db)).await?.rows_affected(),
        })
    }

    /// Statements of the program, without values.
    pub(crate) async fn run(self, text: &str) -> Result<(), ViewsError> {
        let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        match self {
            Self::Sqlite(db) => text.execute(db).await.map(|_| ())?,
            Self::Postgres(db, patience) => patience.wait(text.execute(db)).await.map(|_| ())?,
        }
        Ok(())
    }
}

/// Runs a statement of the program.
pub(crate) async fn run(db: impl Into<Db<'_>>, text: &str) -> Result<(), ViewsError> {
    db.into().run(text).await
}

type Query<D> = sqlx::query::Query<'static, D, <D as Database>::Arguments>;

fn to_sqlite<T>(text: T, args: Vec<Value>) -> Query<Sqlite>
where
    AssertSqlSafe<T>: SqlSafeStr,
{
    args.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

fn to_postgres<T>(text: T, args: Vec<Value>) -> Query<Postgres>
where
    AssertSqlSafe<T>: SqlSafeStr,
{
    args.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, value| match value {
        Value::Null => query.bind(Nothing),
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

/// Null, of the type that the statement wants in its place.
struct Nothing;

impl sqlx::Type<Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl sqlx::Encode<'_, Postgres> for Nothing {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// A pool of either.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn acquire(&self) -> Result<Pooled, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Pooled::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Pooled::Postgres(Box::pin(Lent::by(pool)).await?),
        })
    }

    /// Begins to read one state.
    pub(crate) async fn begin_reading(&self) -> Result<Begun, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Begun::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Begun::Postgres(Box::pin(Lent::by(pool)).await?.begin_reading().await?),
        })
    }

    /// Begins to write.
    pub(crate) async fn begin_writing(&self) -> Result<Begun, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Begun::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Begun::Postgres(Box::pin(Lent::by(pool)).await?.begin_writing().await?),
        })
    }

    /// Closes all connections, once they are given back.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            // Most that wait for an answer come back by then; the others are let go of.
            Self::Postgres(pool) => drop(tokio::time::timeout(2 * ANSWERED, pool.close()).await),
        }
    }
}

/// A connection of a pool.
#[derive(Debug)]
pub(crate) enum Pooled {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(Lent),
}

impl Pooled {
    /// Of views that are in SQLite: those of past moments, copies, and files.
    pub(crate) fn sqlite(&mut self) -> Result<&mut SqliteConnection, ViewsError> {
        match self {
            Self::Sqlite(db) => Ok(db),
            Self::Postgres(_) => Err(std::io::Error::other("only views in a file can do that").into()),
        }
    }
}

/// An open transaction.
#[derive(Debug)]
pub(crate) enum Begun {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Lent),
}

impl Begun {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(lent) => lent.end("COMMIT").await,
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await,
            Self::Postgres(lent) => lent.end("ROLLBACK").await,
        }
    }
}

/// A connection of its own.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Own),
}

impl Connection {
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        use sqlx::Connection as _;
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(db) => db.close().await,
        }
    }
}

macro_rules! connections {
    ($($type:ident),*) => { $(
        impl<'a> From<&'a mut $type> for Db<'a> {
            fn from(db: &'a mut $type) -> Self {
                match db {
                    $type::Sqlite(db) => Db::Sqlite(db),
                    $type::Postgres(db) => db.into(),
                }
            }
        }

        impl Source for $type {
            fn dialect(&self) -> Dialect {
                match self {
                    Self::Sqlite(_) => Dialect::Sqlite,
                    Self::Postgres(_) => Dialect::Postgres,
                }
            }

            async fn ready(&mut self, _: &str) -> Result<Db<'_>, ViewsError> {
                Ok(self.into())
            }
        }
    )* };
}

connections!(Pooled, Begun, Connection);

impl<'a> From<&'a mut Lent> for Db<'a> {
    fn from(lent: &'a mut Lent) -> Self {
        let (db, patience) = lent.parts();
        Db::Postgres(db, patience)
    }
}

impl<'a> From<&'a mut Own> for Db<'a> {
    fn from(own: &'a mut Own) -> Self {
        Db::Postgres(&mut own.db, &mut own.patience)
    }
}

impl<'a> From<&'a mut SqliteConnection> for Db<'a> {
    fn from(db: &'a mut SqliteConnection) -> Self {
        Db::Sqlite(db)
    }
}

impl Source for SqliteConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn ready(&mut self, _: &str) -> Result<Db<'_>, ViewsError> {
        Ok(self.into())
    }
}

impl Source for Db<'_> {
    fn dialect(&self) -> Dialect {
        Db::dialect(self)
    }

    async fn ready(&mut self, _: &str) -> Result<Db<'_>, ViewsError> {
        Ok(self.again())
    }
}
