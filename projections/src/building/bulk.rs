//! A build from nothing: everything is folded in memory, and rows are written in large commits, in key order, into tables
//! that have few indexes yet. A document that ends while it is in memory is written once.
//!
//! Three things go on at once: the next records are opened, these are folded, and those before are written. Memory is a
//! budget: how much may be unwritten, how much is kept of what is written, how much the database keeps of its file.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use futures::{StreamExt as _, stream::BoxStream};
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Followed, Header, Opened, Opener, Position, ReadError, Recorded},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use super::{
    Build,
    erasures::{Erasures, begins},
    progress::Teller,
};
use crate::{
    apply::apply,
    changes::Changes,
    copies::Copies,
    db::{Connection, Dialect},
    digest::{Digest, digest},
    erasure::shown,
    error::ViewsError,
    follower::move_checkpoint,
    rows::Rows,
    schema::{self, Indexes},
    sql::Source as _,
    store::{checkpoint, run},
    writer::{Gate, Tables, Writer, begin},
};

/// Records that are opened at once. In tests few, so that there is more than one commit.
const OPENED: usize = if cfg!(test) { 16 } else { 1_000 };
/// Records in one commit, at most: so many are read again after an interruption.
const COMMIT: u64 = if cfg!(test) { 200 } else { 1_000_000 };

/// What a build may take of memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Things that are not written yet. As much may be on its way to the tables at the same time.
    unwritten: usize,
    /// Records in one commit. That is no memory, but has a say in it.
    commit: u64,
    /// Things in all, when those before have come there.
    kept: usize,
    /// Pages of the file.
    pages: usize,
}

impl Budget {
    /// Five eighths of what is given are for things, an eighth for pages; the rest is for what they are made of and into, and
    /// for what the allocator does not give back.
    pub(crate) fn of(bytes: usize) -> Self {
        Self { unwritten: bytes / 4, commit: COMMIT, kept: bytes / 8 * 3, pages: bytes / 8 }
    }

    /// The same, with commits of another size.
    pub(crate) fn other_commits(self) -> Self {
        Self { commit: self.commit / 2, ..self }
    }
}

/// Why a build ended early.
#[derive(Debug)]
pub(crate) enum Halt {
    /// A document was erased whose text may be in what is built: it is to be thrown away.
    Erased,
    /// It cannot go on.
    Failed(ViewsError),
}

impl<E: Into<ViewsError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A record, opened.
struct Read {
    position: Position,
    header: Header,
    opened: Opened,
}

/// A build in the making.
pub(crate) struct Bulk {
    db: Arc<Mutex<Connection>>,
    gate: Arc<dyn Gate>,
    budget: Budget,
    rows: Rows,
    /// What was sent to the tables last, while it is written. It gives the transaction back, unless that was committed.
    writing: Option<JoinHandle<Result<Option<Writer>, ViewsError>>>,
    /// Up to where records are folded, and up to where they were sent to the tables.
    at: Option<Position>,
    sent: Option<Position>,
    uncommitted: u64,
    /// What is copied now and then, where to, and how many records there will be about.
    copies: Option<(PathBuf, Copies, u64)>,
}

impl Bulk {
    /// Opens one that was begun, or an empty one.
    pub(crate) async fn open(build: &Build, budget: Budget, gate: Arc<dyn Gate>) -> Result<Self, ViewsError> {
        let mut db = build.connect(budget.pages).await?;
        match schema::version(&mut db).await? {
            Some(false) => {}
            Some(true) => return Err(ViewsError::Outdated("an older version began it".to_owned())),
            None => {
                begin(&mut db).await?;
                schema::create(&mut db, Indexes::Finding).await?;
                run(&mut db, "COMMIT").await?;
            }
        }
        let at = checkpoint(&mut db).await?;
        let (db, rows) = (Arc::new(Mutex::new(db)), Rows::default());
        Ok(Self { db, gate, budget, rows, writing: None, at, sent: at, uncommitted: 0, copies: None })
    }

    /// Copies a file, while it is filled, for questions about past moments.
    pub(crate) fn copied(&mut self, build: &Build, most: u64, records: u64) {
        self.copies = build.copies(most).map(|(path, copies)| (path.to_owned(), copies, records));
    }

    /// A copy of what is committed, if one is due: nothing is being written now.
    async fn copy(&self) -> Result<(), ViewsError> {
        let Some((path, copies, total)) = &self.copies else { return Ok(()) };
        let records = self.records().await?;
        let mut db = self.db.lock().await;
        if let Some(at) = checkpoint(&mut *db).await?.filter(|_| records < *total)
            && copies.due(records, *total)?
        {
            let (copies, path) = (copies.clone(), path.clone());
            let copy = move || {
                let begun = copies.begin()?;
                std::fs::copy(path, begun.path())?;
                copies.put(&begun, at.place(), records)
            };
            tokio::task::spawn_blocking(copy).await.map_err(std::io::Error::other)??;
        }
        Ok(())
    }

    /// How many records are in the tables.
    pub(crate) async fn records(&self) -> Result<u64, ViewsError> {
        let mut sql = crate::sql::Sql::plain();
        sql.push("SELECT MIN(records) FROM read_model").count(&mut *self.db.lock().await).await
    }

    /// Are all indexes there, too?
    pub(crate) async fn is_complete(&self) -> Result<bool, ViewsError> {
        schema::is_complete(&mut *self.db.lock().await).await
    }

    /// Is the text of any of these documents in the tables?
    pub(crate) async fn holds_any(&self, erased: &HashSet<IncomingId>) -> Result<bool, ViewsError> {
        for id in erased {
            let mut sql = crate::sql::Sql::plain();
            sql.push("SELECT COUNT(*) FROM document WHERE erased = 0 AND id = ").bind(*id);
            if sql.count(&mut *self.db.lock().await).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes in all that is in the log now; or up to `until`, unless anything is erased meanwhile, because what is compared
    /// with it was built before.
    pub(crate) async fn run(
        &mut self,
        log: &dyn EventLog,
        opener: &Opener,
        until: Option<Position>,
        erasures: &mut Erasures,
        teller: &mut Teller<'_>,
    ) -> Result<(), Halt> {
        let mut coming = open(log, opener.clone(), self.at, until);
        while let Some(records) = coming.recv().await {
            let records = records?;
            while let Some(id) = erasures.look()? {
                let first = begins(log, id).await?;
                if until.is_some() || first.zip(self.at).is_some_and(|(first, at)| first.place() <= at.place()) {
                    return Err(Halt::Erased);
                }
            }
            let count = records.len() as u64;
            self.fold(records, erasures.found()).await?;
            self.uncommitted += count;
            teller.add(count);
            if self.uncommitted >= self.budget.commit {
                self.commit().await?;
            } else if self.rows.unwritten() >= self.budget.unwritten {
                self.make_room().await?;
            }
        }
        if self.uncommitted > 0 {
            self.commit().await?;
        }
        self.land().await?;
        Ok(())
    }

    async fn fold(&mut self, records: Vec<Read>, erased: &HashSet<IncomingId>) -> Result<(), ViewsError> {
        let mut tables = Tables::Shared(&self.db);
        for Read { position, header, opened } in &records {
            let (place, opened) = (i64::try_from(position.place()).unwrap_or(i64::MAX), shown(erased, header, opened));
            self.rows.load(&mut tables, place, header, opened).await?;
            apply(&mut self.rows, place, header, opened);
            self.at = Some(*position);
        }
        Ok(())
    }

    /// Writes what has ended. Of a big agency some thousand documents are always under way: with each of them written again
    /// whenever memory is full, most of the work would be that. If they are too many, all is committed.
    async fn make_room(&mut self) -> Result<(), ViewsError> {
        let writer = self.begin_to_send().await?;
        let ended = self.rows.take_ended();
        self.send(writer, ended, None);
        if self.rows.unwritten() > self.budget.unwritten / 8 * 7 { self.commit().await } else { Ok(()) }
    }

    /// Writes all that changed, and commits it.
    async fn commit(&mut self) -> Result<(), ViewsError> {
        let writer = self.begin_to_send().await?;
        let changes = self.rows.take_changes();
        let Some(at) = self.at else { return Ok(()) };
        let count = i64::try_from(std::mem::take(&mut self.uncommitted)).unwrap_or(i64::MAX);
        let from = std::mem::replace(&mut self.sent, self.at);
        self.send(writer, changes, Some((from, at, count)));
        Ok(())
    }

    /// As soon as what was sent before has come there.
    async fn begin_to_send(&mut self) -> Result<Option<Writer>, ViewsError> {
        let writer = self.land().await?;
        if writer.is_none()
            && let Err(error) = self.copy().await
        {
            tracing::warn!(%error, "the views were not copied; questions about past moments take longer");
        }
        self.rows.settled(self.budget.kept);
        Ok(writer)
    }

    /// Sends changes on their way to the tables, in a transaction that was begun or in a new one; with a move of the
    /// checkpoint it ends.
    fn send(&mut self, writer: Option<Writer>, changes: Changes, to: Option<(Option<Position>, Position, i64)>) {
        let (db, gate) = (Arc::clone(&self.db), Arc::clone(&self.gate));
        self.writing = Some(tokio::spawn(async move {
            let mut writer = match writer {
                Some(writer) => writer,
                None => Writer::sharing(db, gate).await?,
            };
            changes.write(&mut writer).await?;
            let Some((from, at, count)) = to else { return Ok(Some(writer)) };
            move_checkpoint(&mut writer, from, at, count).await?;
            writer.commit().await?;
            Ok(None)
        }));
    }

    async fn land(&mut self) -> Result<Option<Writer>, ViewsError> {
        match self.writing.take() {
            Some(writing) => writing.await.map_err(|error| ViewsError::Damaged(error.to_string()))?,
            None => Ok(None),
        }
    }

    /// Makes all indexes, if they are not there: all or none.
    pub(crate) async fn index(&mut self) -> Result<(), ViewsError> {
        self.rows = Rows::default();
        let mut db = self.db.lock().await;
        begin(&mut db).await?;
        for ddl in schema::remaining(db.dialect()) {
            self.gate.pass()?;
            run(&mut *db, &ddl).await?;
        }
        self.gate.pass()?;
        run(&mut *db, "COMMIT").await?;
        if db.dialect() == Dialect::Postgres {
            // Its plans are made of what it knows of its tables.
            run(&mut *db, "ANALYZE").await?;
        }
        self.gate.pass()
    }

    /// The digest of all rows.
    pub(crate) async fn digest(&self) -> Result<Digest, ViewsError> {
        digest(&mut *self.db.lock().await).await
    }

    /// Up to where it is.
    pub(crate) fn at(&self) -> Option<Position> {
        self.at
    }

    /// Waits for what is being written and lets go of the file.
    pub(crate) async fn close(mut self) -> Result<(), ViewsError> {
        // What failed was told before, or is of no interest any more.
        let _ = self.land().await;
        match Arc::try_unwrap(self.db) {
            Ok(db) => Ok(db.into_inner().close().await?),
            Err(_) => Ok(()),
        }
    }
}

type Opening = mpsc::Receiver<Result<Vec<Read>, ViewsError>>;

/// Opens the records after `after`, up to `until` or the log's present end, ahead of whoever folds them. Ends when nobody
/// listens any more.
fn open(log: &dyn EventLog, opener: Opener, after: Option<Position>, until: Option<Position>) -> Opening {
    let (sender, receiver) = mpsc::channel(2);
    let followed = log.follow(after);
    tokio::spawn(async move {
        if let Err(error) = open_all(followed, &opener, until, &sender).await {
            // Nobody listens, or the error is heard.
            let _ = sender.send(Err(error)).await;
        }
    });
    receiver
}

async fn open_all(
    mut followed: BoxStream<'static, Result<Followed, ReadError>>,
    opener: &Opener,
    until: Option<Position>,
    sender: &mpsc::Sender<Result<Vec<Read>, ViewsError>>,
) -> Result<(), ViewsError> {
    let within = |recorded: &&Recorded| until.is_none_or(|until| recorded.position.place() <= until.place());
    loop {
        let next = followed.next().await.unwrap_or_else(|| Err(ReadError::Busy("the log is closed".into())));
        let Followed::Records(records) = next? else { return Ok(()) };
        let wanted = records.iter().take_while(within).count();
        for part in records[..wanted].chunks(OPENED) {
            let sealed: Vec<_> = part.iter().map(|recorded| &recorded.record).collect();
            let contents = opener.open_all(&sealed).await?;
            let with = |(recorded, opened): (&Recorded, Opened)| Read {
                position: recorded.position,
                header: *recorded.record.header(),
                opened,
            };
            if sender.send(Ok(part.iter().zip(contents).map(with).collect())).await.is_err() {
                return Ok(());
            }
        }
        if wanted < records.len() {
            return Ok(());
        }
    }
}
