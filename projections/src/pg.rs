//! What is `PostgreSQL`'s own: writing many rows in one statement, and taking a lock from who stands still.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    answer::Patience,
    error::ViewsError,
    out::Row,
    table::{Kind, Table},
    value::Value,
};

/// Ends the session that has this advisory lock: of a program that stands still, or whose connection the database still takes
/// for alive.
pub const EVICT: &str = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
    AND objsubid = 1 AND (CAST(classid AS BIGINT) << 32 | CAST(objid AS BIGINT)) = $1 AND pid <> pg_backend_pid() \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Rows in one statement, at most.
const ROWS: usize = 1_000;

/// New and changed rows of one table, each key once.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    patience: &mut Patience,
    table: &Table,
    rows: &[Row],
) -> Result<(), ViewsError> {
    let text = table.upsert_columns();
    for rows in rows.chunks(ROWS) {
        let mut query = sqlx::query(AssertSqlSafe(text.clone()));
        for (at, column) in table.columns.iter().enumerate() {
            query = match column.kind {
                Kind::Int => {
                    query.bind(of(rows, at, |value| if let Value::Int(of) = value { Some(*of) } else { None }))
                }
                Kind::Text => {
                    query.bind(of(rows, at, |value| if let Value::Text(of) = value { Some(of.as_str()) } else { None }))
                }
                Kind::Bytes => query
                    .bind(of(rows, at, |value| if let Value::Bytes(of) = value { Some(of.as_slice()) } else { None })),
            };
        }
        patience.wait(query.execute(&mut *db)).await?;
    }
    Ok(())
}

/// A column of some rows.
fn of<'a, T>(rows: &'a [Row], at: usize, read: impl Fn(&'a Value) -> Option<T>) -> Vec<Option<T>> {
    rows.iter().map(|row| read(&row[at])).collect()
}

/// Bytes that are sent at once, about.
const SENT: usize = 1 << 20;

/// Rows whose keys the table does not have, by `COPY`.
pub(crate) async fn copy(
    db: &mut PgConnection,
    patience: &mut Patience,
    table: &Table,
    rows: &[Row],
) -> Result<(), ViewsError> {
    let statement = format!("COPY {} ({}) FROM STDIN", table.name, table.names(table.columns.len()));
    let mut copying = patience.wait(db.copy_in_raw(&statement)).await?;
    let mut text = String::new();
    for row in rows {
        write_row(&mut text, row);
        if text.len() >= SENT {
            patience.wait(copying.send(text.as_bytes())).await?;
            text.clear();
        }
    }
    patience.wait(copying.send(text.as_bytes())).await?;
    patience.wait(copying.finish()).await?;
    Ok(())
}

/// A row in the text format of `COPY`.
fn write_row(text: &mut String, row: &[Value]) {
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            text.push('\t');
        }
        match value {
            Value::Null => text.push_str("\\N"),
            Value::Int(number) => {
                let _ = write!(text, "{number}");
            }
            Value::Text(of) => {
                for mark in of.chars() {
                    match mark {
                        '\\' => text.push_str("\\\\"),
                        '\t' => text.push_str("\\t"),
                        '\n' => text.push_str("\\n"),
                        '\r' => text.push_str("\\r"),
                        mark => text.push(mark),
                    }
                }
            }
            Value::Bytes(bytes) => {
                text.push_str("\\\\x");
                for byte in bytes {
                    let _ = write!(text, "{byte:02x}");
                }
            }
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_is_written_otherwise() {
        let row = [Value::Int(-4), Value::Null, Value::Text("a\tb\\N\nSổ\r".into()), Value::Bytes(vec![0, 255])];
        let mut text = String::new();
        write_row(&mut text, &row);
        assert_eq!(text, "-4\t\\N\ta\\tb\\\\N\\nSổ\\r\t\\\\x00ff\n");
    }
}
