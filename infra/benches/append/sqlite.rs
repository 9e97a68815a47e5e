//! The peer: SQLite with its log synced at every commit, prepared inserts, one transaction for all that waits.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use socai::clock::SystemClock;
use socai_domain::{
    ledger::{Append, AppendError, Appended, Expected, LedgerId, Position, RecordHash, Revision, StreamId, log::Stamp},
    time::Clock,
};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::load::{Figures, Log};

/// The table, and the index that reading a stream needs.
pub(crate) const SCHEMA: &str = "
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
    CREATE TABLE record (position INTEGER PRIMARY KEY, stream BLOB NOT NULL, revision INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE UNIQUE INDEX record_stream ON record (stream, revision);";
/// One row.
pub(crate) const INSERT: &str = "INSERT INTO record (position, stream, revision, bytes) VALUES (?1, ?2, ?3, ?4)";

type Reply = oneshot::Sender<Result<Appended, AppendError>>;

#[derive(Default)]
struct Waiting {
    appends: Vec<(Append, Reply)>,
    closed: bool,
}

/// What callers and the committing thread share. The same queue as ours: only what is behind it differs.
#[derive(Default)]
pub(crate) struct Group {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

impl Log for Group {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let (reply, answer) = oneshot::channel();
        self.waiting.lock().expect("no one panics").appends.push((append, reply));
        self.wake.notify_one();
        answer.map(|answer| answer.expect("the committing thread answers")).boxed()
    }
}

/// A record that is to become a row.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) stream: StreamId,
    pub(crate) revision: i64,
    pub(crate) bytes: Vec<u8>,
}

/// The same check and the same stamps as ours make.
#[derive(Default)]
pub(crate) struct Heads {
    tips: HashMap<StreamId, (Revision, RecordHash)>,
    place: u64,
}

impl Heads {
    fn take(&mut self, append: &Append, rows: &mut Vec<Row>) -> Result<Appended, AppendError> {
        let ledger = LedgerId(Uuid::nil());
        let tip = self.tips.get(&append.stream).copied();
        let actual = tip.map(|(revision, _)| revision);
        if append.expected != Expected::after(actual) {
            return Err(AppendError::Conflict { stream: append.stream, actual });
        }
        let mut hash = tip.map_or_else(|| RecordHash::genesis(ledger, append.stream), |(_, hash)| hash);
        let (mut revision, recorded) = (append.expected.next(), SystemClock.now());
        let mut stamps = Vec::with_capacity(append.drafts.len());
        for draft in &append.drafts {
            let mut bytes = Vec::with_capacity(draft.record_len());
            hash = draft.stamp(append.stream, revision, recorded, hash, &mut bytes);
            self.place += 1;
            let (position, number) = (self.place.cast_signed(), revision.number().cast_signed());
            rows.push(Row { position, stream: append.stream, revision: number, bytes });
            stamps.push(Stamp { position: Position::new(ledger, 1, self.place), revision, recorded, hash });
            self.tips.insert(append.stream, (revision, hash));
            revision = revision.next();
        }
        Ok(Appended { stamps, repeated: false })
    }
}

impl Group {
    /// Commits whatever waits, until closed.
    pub(crate) fn serve(&self, mut commit: impl FnMut(&[Row])) {
        let (mut heads, mut rows) = (Heads::default(), Vec::new());
        loop {
            let mut waiting = self.waiting.lock().expect("no one panics");
            while waiting.appends.is_empty() && !waiting.closed {
                waiting = self.wake.wait(waiting).expect("no one panics");
            }
            if waiting.appends.is_empty() {
                return;
            }
            let group = std::mem::take(&mut waiting.appends);
            drop(waiting);
            rows.clear();
            let answers: Vec<_> =
                group.into_iter().map(|(append, reply)| (reply, heads.take(&append, &mut rows))).collect();
            commit(&rows);
            for (reply, answer) in answers {
                let _ = reply.send(answer);
            }
        }
    }

    /// Runs the load against a committing thread.
    pub(crate) fn measure(serve: impl FnOnce(&Self) + Send + 'static, writers: usize, time: Duration) -> Figures {
        let group = Arc::new(Self::default());
        let serving = Arc::clone(&group);
        let thread = std::thread::spawn(move || serve(&serving));
        let figures = crate::load::run(&group, writers, time);
        group.waiting.lock().expect("no one panics").closed = true;
        group.wake.notify_one();
        thread.join().expect("the committing thread ends");
        figures
    }
}

/// One run on a new database.
pub(crate) fn run(writers: usize, time: Duration) -> Figures {
    let dir = crate::directory();
    let path = dir.path().join("records.sqlite");
    let mut database = rusqlite::Connection::open(path).expect("a database opens");
    database.execute_batch(SCHEMA).expect("the schema is right");
    let serve = move |group: &Group| {
        group.serve(|rows| {
            let transaction = database.transaction().expect("there is one at a time");
            {
                let mut insert = transaction.prepare_cached(INSERT).expect("the statement is right");
                for Row { position, stream, revision, bytes } in rows {
                    insert.execute((position, &stream.to_bytes()[..], revision, bytes)).expect("it is taken");
                }
            }
            transaction.commit().expect("it commits");
        });
    };
    Group::measure(serve, writers, time)
}
