//! Tables as data: one description gives the DDL, the writes and the digest.

use std::fmt::Write as _;

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

/// An index: name, columns, whether it is unique.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static str,
    pub(crate) unique: bool,
}

pub(crate) const fn index(name: &'static str, columns: &'static str) -> Index {
    Index { name, columns, unique: false }
}
pub(crate) const fn unique(name: &'static str, columns: &'static str) -> Index {
    Index { name, columns, unique: true }
}

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
    pub(crate) fn create(&self) -> String {
        let name = self.name;
        let mut sql = format!("CREATE TABLE {name} (");
        for column in self.columns {
            let kind = match column.kind {
                Kind::Int => "INTEGER",
                Kind::Text => "TEXT",
                Kind::Bytes => "BLOB",
            };
            let null =
                if column.null { String::new() } else { format!(" CONSTRAINT {name}_{}_given NOT NULL", column.name) };
            let _ = write!(sql, "{} {kind}{null}, ", column.name);
        }
        let _ = write!(sql, "CONSTRAINT {name}_key PRIMARY KEY ({})) STRICT", self.names(self.key));
        // A table by several keys is kept in their order, not by a hidden row number.
        if self.key > 1 {
            sql.push_str(", WITHOUT ROWID");
        }
        sql
    }

    /// Creates its indexes.
    pub(crate) fn create_indexes(&self) -> impl Iterator<Item = String> + '_ {
        self.indexes.iter().map(|index| {
            let unique = if index.unique { "UNIQUE " } else { "" };
            format!("CREATE {unique}INDEX {} ON {} ({})", index.name, self.name, index.columns)
        })
    }

    /// Writes `rows` rows, new ones and changed ones.
    pub(crate) fn upsert(&self, rows: usize) -> String {
        let values = self.values(rows);
        let mut sql = format!("INSERT INTO {} ({}) VALUES {values}", self.name, self.names(self.columns.len()));
        let _ = write!(sql, " ON CONFLICT ({}) DO ", self.names(self.key));
        if self.key == self.columns.len() {
            sql.push_str("NOTHING");
        } else {
            let sets = self.columns[self.key..].iter().map(|column| format!("{0} = excluded.{0}", column.name));
            let _ = write!(sql, "UPDATE SET {}", sets.collect::<Vec<_>>().join(", "));
        }
        sql
    }

    /// Writes rows into a table that holds none of their keys yet. Of two with one key, the later one counts.
    pub(crate) fn insert(&self, rows: usize) -> String {
        let values = self.values(rows);
        format!("INSERT OR REPLACE INTO {} ({}) VALUES {values}", self.name, self.names(self.columns.len()))
    }

    /// Places for the values of so many rows. Without names: the database would look for each name among all.
    fn values(&self, rows: usize) -> String {
        let row = format!("({}?)", "?, ".repeat(self.columns.len() - 1));
        vec![row; rows].join(", ")
    }

    /// Deletes one row by its key.
    pub(crate) fn delete(&self) -> String {
        let keys = self.columns[..self.key].iter().enumerate();
        let terms: Vec<_> = keys.map(|(at, column)| format!("{} = ${}", column.name, at + 1)).collect();
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
