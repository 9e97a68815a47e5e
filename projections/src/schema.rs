//! The tables of a file: making them, and telling which version made them.

use std::cmp::Ordering;

use crate::{
    db::{Db, Dialect, Pool},
    erasure,
    error::ViewsError,
    models::{self, MODELS},
    sql::{Source, Sql},
    table::{ColumnDef, Index, Table, int, null, text},
};

/// Which indexes are made with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexes {
    /// All.
    All,
    /// Those by which things are found while the tables are filled.
    Finding,
    /// None yet.
    No,
}

/// Makes the tables, or checks that they are of this version. True: an older version filled them, and they can be read.
pub(crate) async fn prepare(pool: &Pool, indexes: Indexes) -> Result<bool, ViewsError> {
    let mut db = pool.begin_writing().await?;
    let there = version(&mut db).await?;
    if there.is_none() {
        create(&mut db, indexes).await?;
    }
    db.commit().await?;
    Ok(there.unwrap_or(false))
}

/// How far each read model is.
pub(crate) static READ_MODEL: Table = {
    const COLUMNS: &[ColumnDef] =
        &[text("name"), int("version"), null(text("position")), null(int("place")), int("records")];
    Table { name: "read_model", key: 1, columns: COLUMNS, indexes: &[] }
};

/// Makes the tables.
pub(crate) async fn create(db: impl Into<Db<'_>>, indexes: Indexes) -> Result<(), ViewsError> {
    let db = &mut db.into();
    for table in models::tables().chain([&READ_MODEL]) {
        let table_of = table.create(db.dialect());
        db.again().run(&table_of).await?;
        for index in table.create_indexes(|index| indexes == Indexes::Finding && index.finds) {
            db.again().run(&index).await?;
        }
    }
    if db.dialect() == Dialect::Postgres {
        db.again().run(erasure::POSTGRES_TABLE).await?;
    }
    for model in &MODELS {
        let mut sql = Sql::plain();
        sql.push("INSERT INTO read_model (name, version, records) VALUES (").bind(model.name.to_owned()).push(", ");
        sql.bind(i64::from(model.version)).push(", 0)").execute(db).await?;
    }
    if indexes == Indexes::All { create_indexes_of(db.again(), |_| true).await } else { Ok(()) }
}

/// Makes all indexes of some tables that have none, and what else follows from them.
pub(crate) async fn create_indexes_of(
    db: impl Into<Db<'_>>,
    wanted: impl Fn(&Table) -> bool,
) -> Result<(), ViewsError> {
    let mut db = db.into();
    for ddl in indexes_of(db.dialect(), wanted, |_| true) {
        db.again().run(&ddl).await?;
    }
    Ok(())
}

/// All indexes but those by which things are found, a statement each: made quickest when the rows are there.
pub(crate) fn remaining(dialect: Dialect) -> impl Iterator<Item = String> {
    indexes_of(dialect, |_| true, |index| !index.finds)
}

fn indexes_of(
    dialect: Dialect,
    wanted: impl Fn(&Table) -> bool,
    which: impl Fn(&Index) -> bool + Copy,
) -> impl Iterator<Item = String> {
    let (mut made, mut derived) = (Vec::new(), Vec::new());
    for model in &MODELS {
        let tables = model.tables.iter().filter(|table| wanted(table));
        made.extend(tables.clone().flat_map(|table| table.create_indexes(which)));
        let follows = model.derived.of(dialect).iter().map(|ddl| (*ddl).to_owned());
        derived.extend(follows.filter(|_| tables.clone().next().is_some()));
    }
    made.into_iter().chain(derived)
}

/// Are all indexes there? They are made all or none.
pub(crate) async fn is_complete(db: &mut impl Source) -> Result<bool, ViewsError> {
    let one = models::tables().flat_map(|table| table.indexes).find(|index| !index.finds);
    match one {
        Some(index) => has(db, index.name).await,
        None => Ok(true),
    }
}

/// Is there this table or index?
async fn has(db: &mut impl Source, name: &str) -> Result<bool, ViewsError> {
    let mut sql = Sql::plain();
    sql.push(match db.dialect() {
        Dialect::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE name = ",
        Dialect::Postgres => {
            "SELECT COUNT(*) FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relname = "
        }
    });
    sql.bind(name.to_owned());
    Ok(sql.count(db).await? > 0)
}

/// Whether an older version filled the tables; none where there are no tables.
///
/// # Errors
/// [`ViewsError::Outdated`] when they are not the tables of this version.
pub(crate) async fn version(db: &mut impl Source) -> Result<Option<bool>, ViewsError> {
    if !has(db, "read_model").await? {
        return Ok(None);
    }
    let mut sql = Sql::plain();
    sql.push("SELECT name, version FROM read_model ORDER BY name");
    let found: Vec<(String, i64)> = sql.read_all(db, |cells| Ok((cells.next()?, cells.next()?))).await?;
    compare(&found).map(|order| Some(order.is_lt())).ok_or_else(|| ViewsError::Outdated(format!("{found:?}")))
}

/// Less: of an older version that can be read. None: of one that cannot.
fn compare(found: &[(String, i64)]) -> Option<Ordering> {
    if found.len() != MODELS.len() {
        return None;
    }
    let mut order = Ordering::Equal;
    for model in &MODELS {
        let (_, version) = found.iter().find(|(name, _)| name == model.name)?;
        if !(i64::from(model.since)..=i64::from(model.version)).contains(version) {
            return None;
        }
        order = order.min(version.cmp(&i64::from(model.version)));
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Vec<(String, i64)> {
        MODELS.iter().map(|model| (model.name.to_owned(), i64::from(model.version))).collect()
    }

    #[test]
    fn a_file_is_read_that_has_the_tables_of_today() {
        let with = |name: &str, version: i64| {
            let mut found = here();
            found.iter_mut().find(|(of, _)| of == name).unwrap().1 = version;
            compare(&found)
        };
        assert_eq!(compare(&here()), Some(Ordering::Equal));
        assert_eq!(with("savings", 1), Some(Ordering::Less), "only the rule changed since");
        assert_eq!(with("savings", 4), None, "a newer program's");
        assert_eq!(with("document", 4), None, "other tables");
        assert_eq!(compare(&here()[1..]), None, "a model less");
    }

    #[test]
    fn what_is_shown_of_an_older_version_is_not_older_than_that_one() {
        for model in &MODELS {
            assert!((1..=model.version).contains(&model.since), "{}", model.name);
        }
    }
}
