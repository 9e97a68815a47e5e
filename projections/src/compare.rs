//! Comparing views that another process may have open with a rebuild: which is the first row that history does not give?

use std::{collections::HashSet, fmt, path::Path};

use futures::TryStreamExt as _;
use socai_domain::ledger::{Opener, Position, Recorded};
use sqlx::{
    AssertSqlSafe, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

use crate::{
    error::ViewsError,
    follower::Builder,
    models::{self, MODELS},
    sql::Sql,
    store::{Snapshot, Views, check_versions, checkpoint},
    table::Table,
    value::{Cells, Value, value},
};

/// One state of views that are only looked at. While it is held, the writer of the views goes on, but its write-ahead log
/// grows.
#[derive(Debug)]
pub struct Stored {
    snapshot: Snapshot,
    pool: SqlitePool,
}

/// Views in the making from the log, to compare others with.
pub struct Rebuilding {
    views: Views,
    builder: Builder,
    position: Option<Position>,
}

impl fmt::Debug for Rebuilding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebuilding").field("position", &self.position).finish_non_exhaustive()
    }
}

/// The first thing in which views differ from what the log gives. It names no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The place in the log of the first record of the thing that the row belongs to.
    pub record: Option<u64>,
    /// The row's key and what is wrong with it.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.table, self.what)
    }
}

/// How many rows were compared, and the first that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Rows.
    pub rows: u64,
    /// The first that differs.
    pub difference: Option<Difference>,
}

impl Stored {
    /// Opens the views as `options` say, writing nothing. None: there are no views in the file yet.
    ///
    /// # Errors
    /// [`ViewsError::Outdated`] when another version wrote the file.
    pub async fn open(options: SqliteConnectOptions) -> Result<Option<Self>, ViewsError> {
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let mut db = pool.begin().await?;
        let mut tables = Sql::plain();
        tables.push("SELECT COUNT(*) FROM sqlite_master");
        if tables.count(&mut db).await? == 0 {
            return Ok(None);
        }
        check_versions(&mut db).await?;
        let position = checkpoint(&mut db).await?;
        Ok(Some(Self { snapshot: Snapshot::new(db, position), pool }))
    }

    /// The position that they reflect; none before the first record.
    pub fn position(&self) -> Option<Position> {
        self.snapshot.position
    }

    /// Is erased text still to be cleaned from free pages of the file?
    pub async fn is_unclean(&mut self) -> Result<bool, ViewsError> {
        let mut owed = Sql::plain();
        owed.push("PRAGMA user_version");
        Ok(owed.count(self.snapshot.db()).await? > 0)
    }

    /// What the database itself finds wrong with the file: pages, indexes, the search index.
    pub async fn damage(&mut self) -> Result<Option<String>, ViewsError> {
        let mut check = Sql::plain();
        check.push("PRAGMA integrity_check(1)");
        match check.fetch_optional(self.snapshot.db()).await? {
            Some(row) => Ok(Some(Cells::of(&row).next::<String>()?).filter(|found| found != "ok")),
            None => Ok(None),
        }
    }

    /// Compares every row with what the log gave, but those of the things whose first record is at one of the places
    /// `without`. Also what acts by itself in the database, and what it says of how far it is.
    pub async fn compare(
        &mut self,
        rebuilt: &Rebuilding,
        without: &HashSet<u64>,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Compared, ViewsError> {
        let mut rows = 0;
        if let Some(difference) = self.schema().await? {
            return Ok(Compared { rows, difference: Some(difference) });
        }
        let mut other = rebuilt.views.snapshot().await?;
        let mut tables: Vec<&Table> = models::tables().collect();
        tables.push(&READ_MODEL);
        for table in tables {
            let (ours, theirs) = (self.snapshot.db(), other.db());
            let found = compare_table(table, ours, theirs, without, &mut rows, &mut progress).await?;
            if found.is_some() {
                return Ok(Compared { rows, difference: found });
            }
        }
        Ok(Compared { rows, difference: None })
    }

    /// What acts or is asked in place of a table: triggers and views. There are only those that the models bring.
    async fn schema(&mut self) -> Result<Option<Difference>, ViewsError> {
        let mut acting = Sql::plain();
        acting.push("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name");
        let read = |cells: &mut Cells<'_>| Ok((cells.next::<String>()?, cells.next::<String>()?));
        let ours = acting.read_all(self.snapshot.db(), read).await?;
        let fresh = Views::in_memory().await?;
        let theirs = acting.read_all(fresh.snapshot().await?.db(), read).await?;
        let odd = ours.iter().find(|one| !theirs.contains(one)).or(theirs.iter().find(|one| !ours.contains(one)));
        let what = "this trigger or view is missing, was added, or was changed".to_owned();
        Ok(odd.map(|(name, _)| Difference { table: name.clone(), record: None, what }))
    }

    /// Lets go of the file.
    pub async fn close(self) {
        drop(self.snapshot);
        self.pool.close().await;
    }
}

impl Rebuilding {
    /// Begins in a new file, which its owner removes.
    pub async fn new(path: &Path, opener: Opener) -> Result<Self, ViewsError> {
        let views = Views::for_building(path).await?;
        let builder = Builder::building(views.clone(), opener);
        Ok(Self { views, builder, position: None })
    }

    /// Takes in the next records of the log.
    pub async fn take(&mut self, records: &[Recorded]) -> Result<(), ViewsError> {
        self.builder.take(records).await?;
        self.position = records.last().map(|last| last.position).or(self.position);
        Ok(())
    }

    /// The place in the log up to which it has come.
    pub fn place(&self) -> u64 {
        self.position.map_or(0, Position::place)
    }

    /// Lets go of the file.
    pub async fn close(self) {
        self.views.close().await;
    }
}

/// How far each read model is, as a table.
static READ_MODEL: Table = {
    use crate::table::{int, null, text};
    const COLUMNS: &[crate::table::ColumnDef] =
        &[text("name"), int("version"), null(text("position")), null(int("place")), int("records")];
    Table { name: "read_model", key: 1, columns: COLUMNS, indexes: &[] }
};

/// Rows between two reports.
const REPORT_EVERY: u64 = 10_000;

async fn compare_table(
    table: &Table,
    ours: &mut SqliteConnection,
    theirs: &mut SqliteConnection,
    without: &HashSet<u64>,
    rows: &mut u64,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Option<Difference>, ViewsError> {
    let mut ours = sqlx::query(AssertSqlSafe(table.scan())).fetch(ours);
    let mut theirs = sqlx::query(AssertSqlSafe(table.scan())).fetch(theirs);
    let read = |row: SqliteRow| (0..table.columns.len()).map(|at| value(&row, at)).collect::<Result<Vec<_>, _>>();
    let left_out = |row: &[Value]| matches!(row[0], Value::Int(thing) if without.contains(&thing.unsigned_abs()));
    let (mut here, mut there) = (None, None);
    let (mut go_on, mut catch_up) = (true, true);
    loop {
        while go_on {
            here = ours.try_next().await?.map(read).transpose()?;
            go_on = here.as_deref().is_some_and(left_out);
        }
        while catch_up {
            there = theirs.try_next().await?.map(read).transpose()?;
            catch_up = there.as_deref().is_some_and(left_out);
        }
        let key = |row: &[Value]| row[..table.key].to_vec();
        let what = match (&here, &there) {
            (None, None) => return Ok(None),
            (Some(here), Some(there)) if here == there => {
                (go_on, catch_up) = (true, true);
                *rows += 1;
                if rows.is_multiple_of(REPORT_EVERY) {
                    progress(*rows);
                }
                continue;
            }
            (Some(here), Some(there)) if key(here) == key(there) => {
                let column = (0..table.columns.len()).find(|at| here[*at] != there[*at]).unwrap_or_default();
                format!("the row {} has another {} than the log gives", shown(table, here), table.columns[column].name)
            }
            (Some(here), there) if there.as_ref().is_none_or(|there| key(here) < key(there)) => {
                return Ok(Some(difference(table, here, "a row is there that the log does not give:")));
            }
            (_, Some(there)) => {
                return Ok(Some(difference(table, there, "a row is missing that the log gives:")));
            }
            (Some(_), None) => unreachable!("a row that is alone was told above"),
        };
        let row = here.as_deref().unwrap_or_default();
        return Ok(Some(Difference { table: table.name.to_owned(), record: thing(row), what }));
    }
}

fn difference(table: &Table, row: &[Value], what: &str) -> Difference {
    let what = format!("{what} {}", shown(table, row));
    Difference { table: table.name.to_owned(), record: thing(row), what }
}

/// The place of the first record of the thing that a row belongs to.
fn thing(row: &[Value]) -> Option<u64> {
    match row.first() {
        Some(Value::Int(place)) => u64::try_from(*place).ok(),
        _ => None,
    }
}

/// A row's key for people. Text may be content, unless it names a read model.
fn shown(table: &Table, row: &[Value]) -> String {
    let names: Vec<_> = MODELS.iter().map(|model| model.name).collect();
    let one = |(column, value): (&crate::table::ColumnDef, &Value)| match value {
        Value::Int(number) => format!("{} {number}", column.name),
        Value::Bytes(bytes) => bytes.iter().fold(format!("{} ", column.name), |told, byte| format!("{told}{byte:02x}")),
        Value::Text(text) if names.contains(&text.as_str()) => format!("{} {text}", column.name),
        Value::Text(_) | Value::Null => format!("{} …", column.name),
    };
    let key: Vec<_> = table.columns[..table.key].iter().zip(row).map(one).collect();
    key.join(", ")
}
