//! Tables as data: one description gives the DDL, the writes and the digest.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use crate::db::Dialect;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A column: name, what it holds, whether it may be null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnDef {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) null: bool,
}

pub(crate) const fn int(name: &'static str) -> ColumnDef {
    ColumnDef { name, kind: Kind::Int, null: false }
}
pub(crate) const fn text(name: &'static str) -> ColumnDef {
    ColumnDef { name, kind: Kind::Text, null: false }
}
pub(crate) const fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef { name, kind: Kind::Bytes, null: false }
}
pub(crate) const fn null(column: ColumnDef) -> ColumnDef {
    ColumnDef { null: true, ..column }
}

/// An index: name, columns, whether it is unique, and of which rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static str,
    pub(crate) unique: bool,
    /// Of the rows of which this is true; none: of all.
    pub(crate) only: Option<&'static str>,
    /// Things are found by it: there from the beginning of a build, and not only when all rows are.
    pub(crate) finds: bool,
}

pub(crate) const fn index(name: &'static str, columns: &'static str) -> Index {
    Index { name, columns, unique: false, only: None, finds: false }
}
/// Of few among many rows.
pub(crate) const fn partial(name: &'static str, columns: &'static str, only: &'static str) -> Index {
    Index { only: Some(only), ..index(name, columns) }
}
/// By which things are found, and only one for each key.
pub(crate) const fn unique(name: &'static str, columns: &'static str) -> Index {
    Index { unique: true, ..finding(name, columns) }
}
/// By which things are found.
pub(crate) const fn finding(name: &'static str, columns: &'static str) -> Index {
    Index { finds: true, ..index(name, columns) }
}

/// Statements, by table and number of rows.
type Made = HashMap<(&'static str, usize), Arc<str>>;

/// A table of a read model. The first `key` columns are its primary key; the very first is the thing (document, organ,
/// person, book) that the row belongs to, by the place of its first record in the log.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: usize,
    pub(crate) columns: &'static [ColumnDef],
    pub(crate) indexes: &'static [Index],
}

impl Table {
    /// Creates the table. Every constraint has a name.
    pub(crate) fn create(&self, dialect: Dialect) -> String {
        let name = self.name;
        let mut sql = format!("CREATE TABLE {name} (");
        for column in self.columns {
            let kind = match (dialect, column.kind) {
                (Dialect::Sqlite, Kind::Int) => "INTEGER",
                (Dialect::Sqlite, Kind::Text) => "TEXT",
                (Dialect::Sqlite, Kind::Bytes) => "BLOB",
                (Dialect::Postgres, Kind::Int) => "BIGINT",
                // Compared and sorted by its bytes, as SQLite does; search and sort keys are made for that.
                (Dialect::Postgres, Kind::Text) => "TEXT COLLATE \"C\"",
                (Dialect::Postgres, Kind::Bytes) => "BYTEA",
            };
            let null =
                if column.null { String::new() } else { format!(" CONSTRAINT {name}_{}_given NOT NULL", column.name) };
            let _ = write!(sql, "{} {kind}{null}, ", column.name);
        }
        let _ = write!(sql, "CONSTRAINT {name}_key PRIMARY KEY ({}))", self.names(self.key));
        match dialect {
            // A table by several keys is kept in their order, not by a hidden row number.
            Dialect::Sqlite if self.key > 1 => sql.push_str(" STRICT, WITHOUT ROWID"),
            Dialect::Sqlite => sql.push_str(" STRICT"),
            Dialect::Postgres => {}
        }
        sql
    }

    /// Creates those of its indexes that are wanted.
    pub(crate) fn create_indexes(&self, wanted: impl Fn(&Index) -> bool) -> impl Iterator<Item = String> {
        self.indexes.iter().filter(move |index| wanted(index)).map(|index| {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let only = index.only.map(|only| format!(" WHERE {only}")).unwrap_or_default();
            format!("CREATE {unique}INDEX {} ON {} ({}){only}", index.name, self.name, index.columns)
        })
    }

    /// Writes `rows` rows, new ones and changed ones. The text is made once for each number of rows.
    pub(crate) fn upsert(&self, rows: usize) -> Arc<str> {
        static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry((self.name, rows)).or_insert_with(|| self.make_upsert(rows).into()))
    }

    fn make_upsert(&self, rows: usize) -> String {
        self.upsert_from(&format!("VALUES {}", self.values(rows)))
    }

    fn upsert_from(&self, rows: &str) -> String {
        let mut sql = format!("INSERT INTO {} ({}) {rows}", self.name, self.names(self.columns.len()));
        let _ = write!(sql, " ON CONFLICT ({}) DO ", self.names(self.key));
        if self.key == self.columns.len() {
            sql.push_str("NOTHING");
        } else {
            let sets = self.columns[self.key..].iter().map(|column| format!("{0} = excluded.{0}", column.name));
            let _ = write!(sql, "UPDATE SET {}", sets.collect::<Vec<_>>().join(", "));
        }
        sql
    }

    /// The same in `PostgreSQL`, for any number of rows: their values come as an array for each column.
    pub(crate) fn upsert_columns(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|place| format!("${place}")).collect();
        self.upsert_from(&format!("SELECT * FROM UNNEST({})", places.join(", ")))
    }

    /// Writes rows into a table that holds none of their keys yet. Of two with one key, the later one counts.
    pub(crate) fn insert(&self, rows: usize) -> String {
        let values = self.values(rows);
        format!("INSERT OR REPLACE INTO {} ({}) VALUES {values}", self.name, self.names(self.columns.len()))
    }

    /// Places for the values of so many rows. Without names: for each value that it binds, sqlx asks SQLite for the name of
    /// its place, and SQLite looks through all of them.
    fn values(&self, rows: usize) -> String {
        let row = format!("({}?)", "?, ".repeat(self.columns.len() - 1));
        vec![row; rows].join(", ")
    }

    /// Deletes the rows that begin with so many columns of the key.
    pub(crate) fn delete(&self, columns: usize) -> String {
        let terms: Vec<_> = self.columns[..columns]
            .iter()
            .zip(1..)
            .map(|(column, place)| format!("{} = ${place}", column.name))
            .collect();
        format!("DELETE FROM {} WHERE {}", self.name, terms.join(" AND "))
    }

    /// All rows in key order.
    pub(crate) fn scan(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.names(self.columns.len()), self.name, self.names(self.key))
    }

    pub(crate) fn names(&self, count: usize) -> String {
        self.columns[..count].iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }
}
