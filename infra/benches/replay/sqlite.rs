//! The peer: the same records in a table of SQLite, replayed by SELECT through sqlx.

use std::path::Path;

use futures::TryStreamExt as _;
use socai_domain::ledger::{Opener, SealedRecord};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, QueryBuilder, Row as _, Sqlite, SqliteConnection};
use uuid::Uuid;

use crate::{
    folds::{Counts, Documents},
    peer::{CHUNK, Row, fold},
};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
    CREATE TABLE record (position INTEGER PRIMARY KEY, kind INTEGER NOT NULL, recorded INTEGER NOT NULL,
        organ BLOB NOT NULL, stream BLOB NOT NULL, revision INTEGER NOT NULL, bytes BLOB NOT NULL);";
/// Rows of one statement; SQLite has at most 32,766 parameters in one.
const ROWS: usize = 4_000;

pub(crate) struct Table(SqliteConnection);

impl Table {
    pub(crate) async fn new(file: &Path) -> Self {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let mut database = options.connect().await.expect("a database opens");
        database.execute(SCHEMA).await.expect("the schema is right");
        Self(database)
    }

    pub(crate) async fn add(&mut self, rows: &[Row]) {
        let mut transaction = self.0.begin().await.expect("a transaction begins");
        for rows in rows.chunks(ROWS) {
            let mut insert: QueryBuilder<Sqlite> =
                QueryBuilder::new("INSERT INTO record (position, kind, recorded, organ, stream, revision, bytes) ");
            insert.push_values(rows, |mut values, row| {
                values.push_bind(row.position).push_bind(row.kind).push_bind(row.recorded);
                values.push_bind(row.organ.as_bytes().to_vec()).push_bind(row.stream.clone());
                values.push_bind(row.revision).push_bind(row.bytes.clone());
            });
            insert.build().execute(&mut *transaction).await.expect("they are taken");
        }
        transaction.commit().await.expect("it commits");
    }

    /// By kind, day and organ, from columns of their own.
    pub(crate) async fn headers(&mut self) -> Counts {
        let mut counts = Counts::default();
        let mut rows = sqlx::query("SELECT kind, recorded, organ FROM record ORDER BY position").fetch(&mut self.0);
        while let Some(row) = rows.try_next().await.expect("it is read") {
            let organ = Uuid::from_slice(row.get(2)).expect("16 bytes");
            counts.take(u16::try_from(row.get::<i64, _>(0)).expect("a kind"), row.get(1), organ);
        }
        counts
    }

    /// By document, bodies opened with keys that are asked for in bulk.
    pub(crate) async fn documents(&mut self, opener: &Opener) -> Documents {
        let (mut documents, mut waiting) = (Documents::default(), Vec::with_capacity(CHUNK));
        let mut rows = sqlx::query("SELECT bytes FROM record ORDER BY position").fetch(&mut self.0);
        while let Some(row) = rows.try_next().await.expect("it is read") {
            waiting.push(SealedRecord::from_bytes(row.get::<&[u8], _>(0)).expect("a record"));
            fold(&mut documents, opener, &mut waiting, CHUNK).await;
        }
        fold(&mut documents, opener, &mut waiting, 1).await;
        documents
    }
}
