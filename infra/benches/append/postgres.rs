//! The same rows in `PostgreSQL`: one writer that takes all that waits, many rows in one statement, durable at its commit.

use std::time::Duration;

use socai_test_postgres::Cluster;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{
    load::Figures,
    sqlite::{Group, Row},
};

const SCHEMA: &str =
    "CREATE TABLE record (position BIGINT PRIMARY KEY, stream BYTEA NOT NULL, revision BIGINT NOT NULL,
    bytes BYTEA NOT NULL, UNIQUE (stream, revision))";
const INSERT: &str = "INSERT INTO record SELECT * FROM UNNEST($1::BIGINT[], $2::BYTEA[], $3::BIGINT[], $4::BYTEA[])";

async fn together(database: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    // One statement is a transaction of its own.
    let insert = sqlx::query(INSERT)
        .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.stream.to_bytes().to_vec()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.revision).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.bytes.as_slice()).collect::<Vec<_>>());
    insert.execute(database).await.map(drop)
}

/// One run on a new cluster.
pub(crate) fn run(writers: usize, time: Duration) -> Figures {
    let dir = crate::directory();
    let cluster = Cluster::start_in(dir.path()).expect("a server of PostgreSQL starts");
    let options = cluster.options();
    let serve = move |group: &Group| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let mut database = runtime.block_on(PgConnection::connect_with(&options)).expect("the server answers");
        runtime.block_on(database.execute(SCHEMA)).expect("the schema is right");
        group.serve(|rows| runtime.block_on(together(&mut database, rows)).expect("it commits"));
    };
    Group::measure(serve, writers, time)
}
