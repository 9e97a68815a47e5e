//! Copies of the views as they stood at some positions. A past moment is gone on with from the nearest one before it: it
//! need not be read from the beginning, nor fit into memory.
//!
//! They lie beside the file in use (`views.sqlite.2.past/PLACE.RECORDS.sqlite`), made while a build fills it and while it follows
//! the log: few of them, about evenly spread. Each holds what the views showed then, so all are wiped as soon as anything is
//! erased.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use socai_domain::ledger::Position;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio::task::JoinHandle;

use crate::{
    building::{make, remove, wipe},
    error::ViewsError,
    sql::Sql,
    store::{Views, run},
};

/// Fewer records than these are not worth a copy.
const LEAST: u64 = if cfg!(test) { 40 } else { 1_000_000 };

/// After so many it is looked whether one is due.
const LOOK: u64 = LEAST / 10;
/// To go on from a copy is so many times slower than to replay all.
const SLOWER: u64 = 3;

/// The copies that belong to one file of views.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
    /// So many are kept.
    most: u64,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copied {
    /// The place of the last record in it, and how many they are.
    pub(crate) place: u64,
    pub(crate) records: u64,
    pub(crate) path: PathBuf,
}

impl Copied {
    /// Is a position reached sooner from here than from nothing?
    pub(crate) fn is_worth(&self, until: Position) -> bool {
        SLOWER * (until.place().saturating_sub(self.place)) <= until.place()
    }
}

impl Copies {
    pub(crate) fn of(file: &Path, most: u64) -> Self {
        let mut folder = file.as_os_str().to_owned();
        folder.push(".past");
        Self { folder: folder.into(), most }
    }

    /// Those that are there, the oldest first.
    pub(crate) fn all(&self) -> io::Result<Vec<Copied>> {
        let mut all = Vec::new();
        for path in self.files()? {
            let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".sqlite")?.split_once('.'));
            if let Some((Ok(place), Ok(records))) = name.map(|(place, records)| (place.parse(), records.parse())) {
                all.push(Copied { place, records, path });
            }
        }
        all.sort_unstable();
        Ok(all)
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Is another one due, at so many records of `total`?
    pub(crate) fn due(&self, records: u64, total: u64) -> io::Result<bool> {
        let last = self.all()?.last().map_or(0, |last| last.records);
        Ok(self.most > 0 && records.saturating_sub(last) >= LEAST.max(total / (self.most + 1)))
    }

    /// An empty file to be filled, and then given to [`put`](Self::put); it goes if that never comes.
    pub(crate) fn begin(&self) -> io::Result<Passing> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join("begun");
        remove(&path)?;
        make(&path)?;
        Ok(Passing(path))
    }

    /// Gives a file that was filled its name. Of too many, the one goes whose neighbours are nearest to each other.
    pub(crate) fn put(&self, begun: &Passing, place: u64, records: u64) -> io::Result<()> {
        fs::File::open(begun.path())?.sync_all()?;
        fs::rename(begun.path(), self.folder.join(format!("{place}.{records}.sqlite")))?;
        let mut all = self.all()?;
        while all.len() as u64 > self.most {
            let before = |at: usize| if at == 0 { 0 } else { all[at - 1].records };
            let gap = |at: &usize| all[at + 1].records - before(*at);
            let Some(least) = (0..all.len() - 1).min_by_key(gap) else { break };
            remove(&all.remove(least).path)?;
        }
        Ok(())
    }

    /// The last one at or before a place.
    pub(crate) fn before(&self, place: u64) -> io::Result<Option<Copied>> {
        Ok(self.all()?.into_iter().rfind(|copied| copied.place <= place))
    }

    /// Overwrites and removes all: something in them was erased.
    pub(crate) fn wipe(&self) -> io::Result<()> {
        self.files()?.iter().try_for_each(|path| wipe(path))
    }

    /// Removes copies that questions left behind when the program was killed, and what was not finished.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        let known = self.all()?;
        let left = self.files()?.into_iter().filter(|path| known.iter().all(|known| known.path != *path));
        left.into_iter().try_for_each(|path| remove(&path))
    }

    /// Removes all, when the file they belong to goes.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A file that goes with whoever uses it.
#[derive(Debug)]
pub(crate) struct Passing(PathBuf);

impl Passing {
    /// A copy of a database that nobody writes now.
    pub(crate) fn copy_of(file: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("asked-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let copy = Self(file.with_file_name(name));
        remove(&copy.0)?;
        make(&copy.0)?;
        fs::copy(file, &copy.0)?;
        Ok(copy)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(%error, file = %self.0.display(), "a copy for a past moment is left behind");
        }
    }
}

impl Views {
    /// The copies of the file in use; none of views in memory or in `PostgreSQL`.
    pub(crate) fn copies(&self) -> Result<Option<Copies>, ViewsError> {
        let file = self.place.as_ref().map(|place| place.file()).transpose()?.flatten();
        Ok(file.map(|file| Copies::of(&file, self.keeps)))
    }

    /// Copies the views, if enough was recorded since the last copy: for questions about past moments.
    ///
    /// # Errors
    /// The views themselves are as before.
    pub async fn copy_if_due(&self) -> Result<bool, ViewsError> {
        let Some(copies) = self.copies()? else { return Ok(false) };
        let records = self.records().await?;
        if self.is_older() || *self.unclean().borrow() || !copies.due(records, records)? {
            return Ok(false);
        }
        let erasures = self.pasts.erasures();
        let begun = copies.begin()?;
        // A connection of its own: it reads one state for long, and the others neither wait for it nor read less.
        let mut db = self.apart().await?;
        let path = begun.path().to_string_lossy().replace('\'', "''");
        run(&mut db, &format!("VACUUM INTO '{path}'")).await?;
        db.close().await?;
        let mut copy = SqliteConnectOptions::new().filename(begun.path()).connect().await?;
        let mut stands = Sql::plain();
        stands.push("SELECT MIN(place), MIN(records) FROM read_model");
        let stands = stands.read_optional(&mut copy, |cells| Ok((cells.next::<i64>()?, cells.next::<i64>()?))).await?;
        copy.close().await?;
        let (place, records) = stands.map_or((0, 0), |(place, records)| (place.unsigned_abs(), records.unsigned_abs()));
        if self.pasts.unless_erased(erasures, || copies.put(&begun, place, records))?.is_none() {
            wipe(begun.path())?;
            return Ok(false);
        }
        tracing::info!(records, "the views were copied, for questions about past moments");
        Ok(true)
    }
}

/// Copies the views beside whoever follows the log.
pub(crate) struct Copying {
    task: Option<JoinHandle<()>>,
    /// Records since it was last looked whether a copy is due.
    taken: u64,
}

impl Default for Copying {
    /// The first look is at once: a program that is started anew each day may never take in so many.
    fn default() -> Self {
        Self { task: None, taken: LOOK }
    }
}

impl Copying {
    /// So many records were taken in: begins a copy, if one is due and none is being made.
    pub(crate) fn look(&mut self, views: &Views, taken: usize) {
        self.taken += taken as u64;
        if self.taken < LOOK || self.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.taken = 0;
        let views = views.clone();
        self.task = Some(tokio::spawn(async move {
            if let Err(error) = views.copy_if_due().await {
                tracing::warn!(%error, "the views were not copied; questions about past moments take longer");
            }
        }));
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_kept_and_about_evenly_spread() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::of(&folder.path().join("views"), 3);
        let records = || copies.all().unwrap().iter().map(|one| one.records).collect::<Vec<_>>();
        assert!(copies.all().unwrap().is_empty() && !copies.due(LEAST - 1, 0).unwrap());
        for at in [100, 200, 300, 450, 600, 900] {
            assert!(copies.due(at, at).unwrap(), "{at}");
            copies.put(&copies.begin().unwrap(), 2 * at, at).unwrap();
        }
        assert_eq!(records(), [200, 600, 900], "the newest always");
        assert!(!copies.due(1_099, 999).unwrap() && copies.due(1_149, 999).unwrap());
        assert_eq!(copies.before(1_799).unwrap().unwrap().records, 600);
        assert_eq!(copies.before(399).unwrap(), None);
        let passing = Passing::copy_of(&copies.all().unwrap()[0].path).unwrap();
        assert!(passing.path().exists());
        let path = passing.path().to_owned();
        drop(passing);
        assert!(!path.exists());
        fs::write(&path, "left behind").unwrap();
        copies.tidy().unwrap();
        assert!(!path.exists() && records().len() == 3);
        copies.wipe().unwrap();
        assert!(records().is_empty());
        assert!(!Copies::of(&folder.path().join("views"), 0).due(u64::MAX, 0).unwrap(), "none are wanted");
    }
}
