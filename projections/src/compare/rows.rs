//! Two tables side by side, in the order of their keys: the first row that only one of them has, or has otherwise.

use std::{cmp::Ordering, collections::HashSet};

use futures::{TryStreamExt as _, stream::BoxStream};

use super::Difference;
use crate::{
    db::{Db, Row},
    error::ViewsError,
    models::MODELS,
    table::Table,
    value::{Value, value},
};

/// Rows between two reports.
const REPORT_EVERY: u64 = 10_000;

/// What is compared, and how far that is.
pub(super) struct Comparing<'a> {
    /// Rows whose first column is one of these are left out.
    pub(super) without: &'a HashSet<u64>,
    /// Which column that is.
    pub(super) thing: usize,
    pub(super) rows: u64,
    pub(super) progress: &'a mut (dyn FnMut(u64) + Send),
}

/// The rows of one side.
struct Side<'a> {
    rows: BoxStream<'a, Result<Row, sqlx::Error>>,
    columns: usize,
}

impl Side<'_> {
    async fn next(&mut self, left_out: impl Fn(&[Value]) -> bool) -> Result<Option<Vec<Value>>, ViewsError> {
        while let Some(row) = self.rows.try_next().await? {
            let row = (0..self.columns).map(|at| value(&row, at)).collect::<Result<Vec<_>, _>>()?;
            if !left_out(&row) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

impl Comparing<'_> {
    /// The first difference between what `scan` gives on the one side and on the other, both in the order of the table's key.
    pub(super) async fn table(
        &mut self,
        table: &Table,
        scan: &str,
        ours: Db<'_>,
        theirs: Db<'_>,
    ) -> Result<Option<Difference>, ViewsError> {
        let (thing, without) = (self.thing, self.without);
        let left_out = |row: &[Value]| matches!(row[thing], Value::Int(of) if without.contains(&of.unsigned_abs()));
        let columns = table.columns.len();
        let mut ours = Side { rows: ours.fetch(scan.to_owned(), Vec::new()), columns };
        let mut theirs = Side { rows: theirs.fetch(scan.to_owned(), Vec::new()), columns };
        let (mut one, mut other) = (ours.next(left_out).await?, theirs.next(left_out).await?);
        loop {
            let (alone, what) = match (&one, &other) {
                (None, None) => return Ok(None),
                (Some(row), None) => (row, "is there, and the log does not give it"),
                (None, Some(row)) => (row, "is missing, and the log gives it"),
                (Some(row), Some(right)) => match row[..table.key].cmp(&right[..table.key]) {
                    Ordering::Less => (row, "is there, and the log does not give it"),
                    Ordering::Greater => (right, "is missing, and the log gives it"),
                    Ordering::Equal => {
                        if let Some(at) = (0..row.len()).find(|at| row[*at] != right[*at]) {
                            let what = format!("has another {} than the log gives", table.columns[at].name);
                            return Ok(Some(self.difference(table, row, &what)));
                        }
                        self.rows += 1;
                        if self.rows.is_multiple_of(REPORT_EVERY) {
                            (self.progress)(self.rows);
                        }
                        (one, other) = (ours.next(left_out).await?, theirs.next(left_out).await?);
                        continue;
                    }
                },
            };
            return Ok(Some(self.difference(table, alone, what)));
        }
    }

    fn difference(&self, table: &Table, row: &[Value], what: &str) -> Difference {
        let record = match row[self.thing] {
            Value::Int(place) => u64::try_from(place).ok(),
            _ => None,
        };
        Difference { table: table.name.to_owned(), record, what: format!("the row {} {what}", shown(table, row)) }
    }
}

/// A row's key for people. Text may be content, unless it names a read model.
fn shown(table: &Table, row: &[Value]) -> String {
    let is_a_name = |text: &str| MODELS.iter().any(|model| model.name == text);
    let one = |(column, value): (&crate::table::ColumnDef, &Value)| match value {
        Value::Int(number) => format!("{} {number}", column.name),
        Value::Bytes(bytes) => bytes.iter().fold(format!("{} ", column.name), |told, byte| format!("{told}{byte:02x}")),
        Value::Text(text) if is_a_name(text) => format!("{} {text}", column.name),
        Value::Text(_) | Value::Null => format!("{} …", column.name),
    };
    let key: Vec<_> = table.columns[..table.key].iter().zip(row).map(one).collect();
    key.join(", ")
}
