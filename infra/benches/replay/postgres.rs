//! The peer: the same records in a table of `PostgreSQL`, replayed by SELECT through sqlx.

use std::path::Path;

use futures::TryStreamExt as _;
use socai_domain::ledger::{Opener, SealedRecord};
use socai_test_postgres::Cluster;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::{
    folds::{Counts, Documents},
    peer::{CHUNK, Row, fold},
};

const SCHEMA: &str =
    "CREATE TABLE record (position BIGINT PRIMARY KEY, kind INTEGER NOT NULL, recorded BIGINT NOT NULL,
    organ BYTEA NOT NULL, stream BYTEA NOT NULL, revision BIGINT NOT NULL, bytes BYTEA NOT NULL)";

/// The table, and the cluster that it is in.
pub(crate) struct Table {
    connection: PgConnection,
    _cluster: Cluster,
}

impl Table {
    pub(crate) async fn new(folder: &Path) -> Self {
        let cluster = Cluster::start_in(folder).expect("a server of PostgreSQL starts");
        let mut connection = PgConnection::connect_with(&cluster.options()).await.expect("the server answers");
        connection.execute(SCHEMA).await.expect("the schema is right");
        Self { connection, _cluster: cluster }
    }

    pub(crate) async fn add(&mut self, rows: &[Row]) {
        let column = |of: fn(&Row) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
        let insert = "INSERT INTO record SELECT * FROM
            UNNEST($1::BIGINT[], $2::INTEGER[], $3::BIGINT[], $4::BYTEA[], $5::BYTEA[], $6::BIGINT[], $7::BYTEA[])";
        let insert = sqlx::query(insert)
            .bind(column(|row| row.position))
            .bind(rows.iter().map(|row| row.kind).collect::<Vec<i32>>())
            .bind(column(|row| row.recorded))
            .bind(rows.iter().map(|row| row.organ.as_bytes().to_vec()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.stream.clone()).collect::<Vec<_>>())
            .bind(column(|row| row.revision))
            .bind(rows.iter().map(|row| row.bytes.clone()).collect::<Vec<_>>());
        insert.execute(&mut self.connection).await.expect("they are taken");
    }

    pub(crate) async fn settle(&mut self) {
        self.connection.execute("VACUUM ANALYZE record").await.expect("it is done");
    }

    /// By kind, day and organ, from columns of their own; in whatever order is quickest.
    pub(crate) async fn headers(&mut self) -> Counts {
        let mut counts = Counts::default();
        let mut rows = sqlx::query("SELECT kind, recorded, organ FROM record").fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.expect("it is read") {
            let organ = Uuid::from_slice(row.get(2)).expect("16 bytes");
            counts.take(u16::try_from(row.get::<i32, _>(0)).expect("a kind"), row.get(1), organ);
        }
        counts
    }

    /// By document, bodies opened with keys that are asked for in bulk.
    pub(crate) async fn documents(&mut self, opener: &Opener) -> Documents {
        let (mut documents, mut waiting) = (Documents::default(), Vec::with_capacity(CHUNK));
        let mut rows = sqlx::query("SELECT bytes FROM record ORDER BY position").fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.expect("it is read") {
            waiting.push(SealedRecord::from_bytes(row.get::<&[u8], _>(0)).expect("a record"));
            fold(&mut documents, opener, &mut waiting, CHUNK).await;
        }
        fold(&mut documents, opener, &mut waiting, 1).await;
        documents
    }
}
