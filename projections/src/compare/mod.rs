//! Comparing views that another process may have open with a rebuild: which is the first row that history does not give?

mod rows;

use std::{collections::HashSet, fmt, path::Path};

use socai_domain::ledger::{Opener, Position, Recorded};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use self::rows::Comparing;
use crate::{
    db::Begun,
    error::ViewsError,
    follower::Builder,
    models, schema, search,
    sql::Sql,
    store::{Snapshot, Views, checkpoint, run},
    table::{ColumnDef, Table, int, text},
    value::Cells,
};

/// One state of views that are only looked at. While it is held, the writer of the views goes on, but its write-ahead log
/// grows.
#[derive(Debug)]
pub struct Stored {
    snapshot: Snapshot,
    /// Of one connection: nothing beside the file is opened again when its writer may have gone.
    pool: SqlitePool,
}

/// Views in the making from the log, to compare others with.
pub struct Expected {
    views: Views,
    builder: Builder,
    position: Option<Position>,
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").field("position", &self.position).finish_non_exhaustive()
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

/// What is to be compared.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// Nothing of the things whose first record is at one of these places.
    pub without: &'a HashSet<u64>,
    /// The search index, too, word by word.
    pub search: bool,
}

impl Stored {
    /// Opens the views as `options` say, writing nothing. None: there are no views in the file yet.
    ///
    /// # Errors
    /// [`ViewsError::Outdated`] when another version wrote the file.
    pub async fn open(options: SqliteConnectOptions) -> Result<Option<Self>, ViewsError> {
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await?;
        let mut db = Begun::Sqlite(pool.begin().await?);
        let mut tables = Sql::plain();
        tables.push("SELECT COUNT(*) FROM sqlite_master");
        if tables.count(&mut db).await? == 0 {
            return Ok(None);
        }
        match schema::version(&mut db).await? {
            Some(false) => {}
            Some(true) => return Err(ViewsError::Outdated("an older one, whose rules were others".to_owned())),
            None => return Err(ViewsError::Damaged("nothing says which version they are of".to_owned())),
        }
        let position = checkpoint(&mut db).await?;
        Ok(Some(Self { snapshot: Snapshot::new(db, position), pool }))
    }

    /// Gives its state up, so that it is in nobody's way.
    pub async fn rest(self) -> Result<Resting, ViewsError> {
        self.snapshot.end().await?;
        Ok(Resting(self.pool))
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

    /// Compares every row with what the log gave. Also what acts by itself in the database, and what it says of how far it
    /// is.
    pub async fn compare(
        &mut self,
        expected: &Expected,
        extent: Extent<'_>,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Compared, ViewsError> {
        if let Some(difference) = self.schema().await? {
            return Ok(Compared { rows: 0, difference: Some(difference) });
        }
        if extent.search {
            self.index_words(expected).await?;
        }
        let mut other = expected.views.snapshot().await?;
        let mut comparing = Comparing { without: extent.without, thing: 0, rows: 0, progress: &mut progress };
        let mut difference = None;
        for table in models::tables().chain([&schema::READ_MODEL]) {
            difference = comparing.table(table, &table.scan(), self.snapshot.connection(), other.connection()).await?;
            if difference.is_some() {
                break;
            }
        }
        if difference.is_none() && extent.search {
            comparing.thing = WORD_OF;
            difference = comparing.table(&WORDS, SCAN_WORDS, self.snapshot.connection(), other.connection()).await?;
        }
        Ok(Compared { rows: comparing.rows, difference })
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

    /// Makes the words of both search indexes readable: in the connections' own memory, not in the files.
    async fn index_words(&mut self, expected: &Expected) -> Result<(), ViewsError> {
        let mut db = expected.views.write.acquire().await?;
        for ddl in search::INDEX {
            run(&mut db, ddl).await?;
        }
        run(&mut db, MAKE_WORDS).await?;
        run(self.snapshot.connection(), MAKE_WORDS).await
    }

    /// Lets go of the file.
    pub async fn close(self) {
        drop(self.snapshot);
        self.pool.close().await;
    }
}

/// Views that are open, and of which no state is held.
#[derive(Debug)]
pub struct Resting(SqlitePool);

impl Resting {
    /// Their state now.
    pub async fn wake(self) -> Result<Stored, ViewsError> {
        let mut db = Begun::Sqlite(self.0.begin().await?);
        let position = checkpoint(&mut db).await?;
        Ok(Stored { snapshot: Snapshot::new(db, position), pool: self.0 })
    }
}

impl Expected {
    /// Begins in a new file, which its owner removes.
    pub async fn new(path: &Path, opener: Opener) -> Result<Self, ViewsError> {
        let views = Views::for_comparing(path).await?;
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

/// The search index as a table: every word with where it stands.
static WORDS: Table = {
    const COLUMNS: &[ColumnDef] = &[text("term"), int("doc"), text("col"), int("offset")];
    Table { name: "search_index", key: 4, columns: COLUMNS, indexes: &[] }
};
/// The document among its columns.
const WORD_OF: usize = 1;
const MAKE_WORDS: &str =
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_word USING fts5vocab('main', 'search_index', 'instance')";
/// By term and document, as the index has them.
const SCAN_WORDS: &str = "SELECT term, doc, col, offset FROM temp.search_word ORDER BY term, doc, col, offset";
