//! The same rows, one by one, through sqlx.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, SqliteConnection, TypeInfo as _,
    ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

/// Records' worth of rows in one transaction.
const TOGETHER: f64 = 1_000.0;

enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A table: how it is read for a span of documents, and how a row of it is written.
struct Table {
    scan: String,
    upsert: String,
}

async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-65536");
    options.connect().await.expect("it opens")
}

async fn texts(db: &mut SqliteConnection, sql: String) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(db).await.expect("it is read");
    rows.iter().map(|row| row.get(0)).collect()
}

/// The tables with rows of documents.
async fn tables(db: &mut SqliteConnection) -> Vec<Table> {
    let all = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.cid = 0 AND c.name = 'document' \
               WHERE m.type = 'table' AND m.name NOT LIKE 'search_index%' ORDER BY m.name";
    let mut tables = Vec::new();
    for name in texts(db, all.to_owned()).await {
        let columns = texts(db, format!("SELECT name FROM pragma_table_info('{name}') ORDER BY cid")).await;
        let key = texts(db, format!("SELECT name FROM pragma_table_info('{name}') WHERE pk > 0 ORDER BY pk")).await;
        let places = vec!["?"; columns.len()].join(", ");
        let sets: Vec<_> =
            columns.iter().filter(|of| !key.contains(of)).map(|of| format!("{of} = excluded.{of}")).collect();
        let then = if sets.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", sets.join(", ")) };
        let (columns, key) = (columns.join(", "), key.join(", "));
        tables.push(Table {
            scan: format!("SELECT {columns} FROM {name} WHERE document >= ? AND document < ? ORDER BY {key}"),
            upsert: format!("INSERT INTO {name} ({columns}) VALUES ({places}) ON CONFLICT ({key}) DO {then}"),
        });
    }
    tables
}

fn values(row: &SqliteRow) -> Vec<Value> {
    let value = |at: usize| {
        let raw = row.try_get_raw(at).expect("it is a column");
        match (raw.is_null(), raw.type_info().name()) {
            (true, _) => Value::Null,
            (_, "TEXT") => Value::Text(row.get_unchecked(at)),
            (_, "BLOB") => Value::Bytes(row.get_unchecked(at)),
            _ => Value::Int(row.get_unchecked(at)),
        }
    };
    row.columns().iter().map(|column| value(column.ordinal())).collect()
}

/// Upserts the rows of the first documents, at least so many rows, into a fresh file.
pub(crate) async fn run(data: &Path, wanted: usize) {
    let (from, to) = (data.join("views.sqlite"), data.join("peer.sqlite"));
    let from = std::fs::canonicalize(from).expect("it was built");
    let fresh = socai_projections::Views::open(&to).await.expect("it opens");
    fresh.close().await;
    let (mut built, mut peer) = (open(&from).await, open(&to).await);
    let tables = tables(&mut built).await;
    let count = async |db: &mut SqliteConnection, sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(db).await.expect("it is read")
    };
    let documents = count(&mut built, "SELECT COUNT(*) FROM document").await;
    let records = count(&mut built, "SELECT MIN(records) FROM read_model").await;
    let each = records as f64 / documents as f64;
    let (mut at, mut rows, mut done, mut took) = (0_i64, 0, 0_i64, Duration::ZERO);
    while rows < wanted && done < documents {
        // Some documents with all their rows, read before the clock runs.
        let next = format!("SELECT document FROM document WHERE document >= ? ORDER BY document LIMIT {}", 1_000);
        let ids: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(next)).bind(at).fetch_all(&mut built).await.expect("it is read");
        let end = ids.last().map_or(at, |last| last + 1);
        let mut of_documents: Vec<(i64, usize, Vec<Value>)> = Vec::new();
        for (table, Table { scan, .. }) in tables.iter().enumerate() {
            let scanned = sqlx::query(AssertSqlSafe(scan.clone())).bind(at).bind(end).fetch_all(&mut built).await;
            for row in &scanned.expect("it is read") {
                of_documents.push((row.get(0), table, values(row)));
            }
        }
        of_documents.sort_by_key(|(document, table, _)| (*document, *table));
        rows += of_documents.len();
        done += i64::try_from(ids.len()).expect("few");
        at = end;
        let began = Instant::now();
        upsert(&mut peer, &tables, of_documents, TOGETHER / each).await;
        took += began.elapsed();
    }
    let rate = done as f64 * each / took.as_secs_f64();
    let per_row = took.as_secs_f64() * 1e6 / rows as f64;
    println!("  peer: {rows} rows of {done} documents, {per_row:.1} µs each; as {rate:.0} records/s");
    println!("RATE {rate}");
}

async fn upsert(db: &mut SqliteConnection, tables: &[Table], rows: Vec<(i64, usize, Vec<Value>)>, documents: f64) {
    let mut transaction = db.begin().await.expect("it begins");
    let (mut since, mut last) = (0.0, None);
    for (document, table, row) in rows {
        if last.replace(document) != Some(document) {
            since += 1.0;
            if since > documents {
                transaction.commit().await.expect("it commits");
                transaction = db.begin().await.expect("it begins");
                since = 1.0;
            }
        }
        let mut query = sqlx::query(AssertSqlSafe(tables[table].upsert.clone()));
        for value in row {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Int(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query.execute(&mut *transaction).await.expect("it is taken");
    }
    transaction.commit().await.expect("it commits");
}
