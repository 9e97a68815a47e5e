//! The same database through sqlx: a row at a time, and many rows in one statement.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _, QueryBuilder, Sqlite, SqliteConnection};

use crate::{
    load::Figures,
    sqlite::{Group, INSERT, Row, SCHEMA},
};

/// Rows of one statement; SQLite has at most 32,766 parameters in one.
const ROWS: usize = 4_000;

async fn one_by_one(database: &mut SqliteConnection, rows: &[Row]) -> sqlx::Result<()> {
    let mut transaction = database.begin().await?;
    for Row { position, stream, revision, bytes } in rows {
        let insert =
            sqlx::query(INSERT).bind(position).bind(stream.to_bytes().to_vec()).bind(revision).bind(&bytes[..]);
        insert.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn together(database: &mut SqliteConnection, rows: &[Row]) -> sqlx::Result<()> {
    let mut transaction = database.begin().await?;
    for rows in rows.chunks(ROWS) {
        let mut insert: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO record (position, stream, revision, bytes) ");
        insert.push_values(rows, |mut values, Row { position, stream, revision, bytes }| {
            values.push_bind(position).push_bind(stream.to_bytes().to_vec()).push_bind(revision).push_bind(&bytes[..]);
        });
        insert.build().execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

fn run(writers: usize, time: Duration, single: bool) -> Figures {
    let dir = crate::directory();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("records.sqlite").display());
    let serve = move |group: &Group| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let mut database = runtime.block_on(SqliteConnection::connect(&url)).expect("a database opens");
        runtime.block_on(database.execute(SCHEMA)).expect("the schema is right");
        group.serve(|rows| {
            let committed = runtime.block_on(async {
                if single { one_by_one(&mut database, rows).await } else { together(&mut database, rows).await }
            });
            committed.expect("it commits");
        });
    };
    Group::measure(serve, writers, time)
}

/// A row at a time.
pub(crate) fn single(writers: usize, time: Duration) -> Figures {
    run(writers, time, true)
}

/// Many rows in one statement.
pub(crate) fn multi(writers: usize, time: Duration) -> Figures {
    run(writers, time, false)
}
