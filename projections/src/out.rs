//! Rows on their way to the tables: what a thing makes of itself, and what of that differs from what is there.

use std::cmp::Ordering;

use crate::{error::ViewsError, table::Table, value::Value, writer::Writer};

/// A row, its columns in order.
pub(crate) type Row = Vec<Value>;

/// Rows, by table.
#[derive(Debug, Default)]
pub(crate) struct Out(Vec<(&'static Table, Vec<Row>)>);

impl Out {
    /// One row of a table. Of two rows with one key the last one counts.
    pub(crate) fn add(&mut self, table: &'static Table, row: Row) {
        debug_assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        match self.0.iter_mut().find(|(of, _)| std::ptr::eq(*of, table)) {
            Some((_, rows)) => rows.push(row),
            None => self.0.push((table, vec![row])),
        }
    }

    /// No rows of tables but these.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&Table) -> bool) {
        self.0.retain(|(table, _)| wanted(table));
    }

    /// The rows of each table that has any.
    pub(crate) fn into_tables(self) -> impl Iterator<Item = (&'static Table, Vec<Row>)> {
        self.0.into_iter()
    }

    /// In key order, one row to a key.
    pub(crate) fn in_order(mut self) -> Self {
        for (table, rows) in &mut self.0 {
            // Stable: of equal keys the last one added stays the last.
            rows.sort_by(|a, b| by_key(table, a, b));
            rows.reverse();
            rows.dedup_by(|a, b| by_key(table, a, b).is_eq());
            rows.reverse();
        }
        self
    }

    fn of(&self, table: &'static Table) -> &[Row] {
        self.0.iter().find(|(of, _)| std::ptr::eq(*of, table)).map_or(&[], |(_, rows)| rows)
    }
}

fn by_key(table: &Table, a: &[Value], b: &[Value]) -> Ordering {
    a[..table.key].cmp(&b[..table.key])
}

fn find<'a>(table: &Table, rows: &'a [Row], row: &[Value]) -> Option<&'a Row> {
    rows.binary_search_by(|other| by_key(table, other, row)).ok().map(|at| &rows[at])
}

/// Writes what differs: `old` is what the tables have of these things, `new` what they are to have.
pub(crate) async fn replace(old: Out, new: Out, writer: &mut Writer) -> Result<(), ViewsError> {
    let (old, new) = (old.in_order(), new.in_order());
    for (table, before) in &old.0 {
        let now = new.of(table);
        for gone in before.iter().filter(|row| find(table, now, row).is_none()) {
            writer.delete(table, &gone[..table.key]).await?;
        }
    }
    for (table, rows) in new.0 {
        let before = old.of(table);
        let differs = |row: &Row| find(table, before, row).is_none_or(|there| there != row);
        let changed: Vec<Row> = if before.is_empty() { rows } else { rows.into_iter().filter(differs).collect() };
        if writer.copies() {
            let (new, changed) = changed.into_iter().partition(|row| find(table, before, row).is_none());
            writer.copy(table, new).await?;
            writer.upsert(table, changed).await?;
        } else {
            writer.upsert(table, changed).await?;
        }
    }
    Ok(())
}
