//! Where the views' file is, and where another one is made beside it.
//!
//! `views.sqlite` is the file in use, or, once it was built anew, a link to it: `views.sqlite.1`, then `views.sqlite.2`. A
//! file never changes its name, because its write-ahead log is found by that; what changes, in one step, is the link. So
//! there is one valid file at every moment, whatever stops the program.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::copies::Copies;

/// What SQLite keeps beside a file.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The place of views in files.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    path: PathBuf,
}

impl Files {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn with(&self, suffix: &str) -> PathBuf {
        with(&self.path, suffix)
    }

    /// The file in use, whether it is there or not.
    pub(crate) fn in_use(&self) -> io::Result<PathBuf> {
        match fs::read_link(&self.path) {
            Ok(target) => Ok(self.folder().join(target)),
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                Ok(self.path.clone())
            }
            Err(error) => Err(error),
        }
    }

    /// Is there no file, or one with nothing in it?
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        match fs::metadata(self.in_use()?) {
            Ok(file) => Ok(file.len() == 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// The number of a file: none for those that are not of these views, 0 for the first.
    fn number(&self, file: &Path) -> Option<u64> {
        let (name, own) = (file.file_name()?.to_str()?, self.path.file_name()?.to_str()?);
        match name.strip_prefix(own)? {
            "" => Some(0),
            rest => rest.strip_prefix('.')?.parse().ok().filter(|number| *number > 0),
        }
    }

    /// The numbered files beside the one in use, the newest first, and the number of that one.
    fn others(&self) -> io::Result<(u64, Vec<(u64, PathBuf)>)> {
        let in_use = self.number(&self.in_use()?).unwrap_or(0);
        let mut others = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let path = entry?.path();
            others.extend(self.number(&path).filter(|number| *number > 0 && *number != in_use).map(|of| (of, path)));
        }
        others.sort_unstable_by(|a, b| b.cmp(a));
        Ok((in_use, others))
    }

    /// A file that was begun and did not come to its place yet.
    pub(crate) fn begun(&self) -> io::Result<Option<PathBuf>> {
        let (in_use, others) = self.others()?;
        Ok(others.into_iter().next().filter(|(number, _)| *number > in_use).map(|(_, path)| path))
    }

    /// Makes a new empty file that only its owner may read.
    pub(crate) fn begin(&self) -> io::Result<PathBuf> {
        let (in_use, others) = self.others()?;
        let newest = others.first().map_or(in_use, |(number, _)| in_use.max(*number));
        let path = self.with(&format!(".{}", newest + 1));
        make(&path)?;
        Ok(path)
    }

    /// Makes the empty file for the build that is compared with it.
    pub(crate) fn begin_check(&self) -> io::Result<PathBuf> {
        let path = self.with(".check");
        remove(&path)?;
        make(&path)?;
        Ok(path)
    }

    /// Puts a file, closed or open, in the place of the one in use, after a loss of power, too.
    pub(crate) fn put(&self, file: &Path) -> io::Result<()> {
        let link = self.with(".link");
        remove_one(&link)?;
        let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        std::os::unix::fs::symlink(name, &link)?;
        File::open(file)?.sync_all()?;
        fs::rename(&link, &self.path)?;
        File::open(self.folder())?.sync_all()
    }

    /// Removes what an interrupted rebuild left behind, but for the newest file that was begun.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        if !self.folder().is_dir() {
            return Ok(());
        }
        let begun = self.begun()?;
        for (_, path) in self.others()?.1.into_iter().filter(|(_, path)| Some(path) != begun.as_ref()) {
            remove(&path)?;
        }
        remove(&self.with(".check"))?;
        remove_one(&self.with(".link"))?;
        if self.in_use()? != self.path {
            for beside in BESIDE {
                remove_one(&self.with(beside))?;
            }
            Copies::of(&self.path, 0).remove()?;
        }
        Ok(())
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes an empty file that only its owner may read.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).map(drop)
}

fn remove_one(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a database that nobody has open, or will again, and the copies of earlier positions that belong to it.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    Copies::of(path, 0).remove()?;
    for beside in BESIDE {
        remove_one(&with(path, beside))?;
    }
    remove_one(path)
}

/// The same for one that holds what was erased: first all of it is overwritten where it stands.
pub(crate) fn wipe(path: &Path) -> io::Result<()> {
    Copies::of(path, 0).wipe()?;
    for file in BESIDE.map(|beside| with(path, beside)).iter().map(PathBuf::as_path).chain([path]) {
        match OpenOptions::new().write(true).open(file) {
            Ok(mut open) => {
                let mut left = open.metadata()?.len();
                let zeros = vec![0; 1 << 20];
                while left > 0 {
                    let len = left.min(1 << 20);
                    open.write_all(&zeros[..usize::try_from(len).unwrap_or(0)])?;
                    left -= len;
                }
                open.sync_all()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    remove(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_file_that_was_begun_is_gone_on_with_and_the_rest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let place = Files::new(&folder.path().join("views.sqlite"));
        assert!(place.is_empty().unwrap());
        fs::write(folder.path().join("views.sqlite"), "old").unwrap();
        for name in ["views.sqlite.x", "views.sqlite.check", "views.sqlite.link", "other.sqlite.9"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let (first, second) = (place.begin().unwrap(), place.begin().unwrap());
        place.tidy().unwrap();
        let left = ["other.sqlite.9", "views.sqlite", "views.sqlite.2", "views.sqlite.x"];
        assert_eq!((names(folder.path()), first.exists()), (left.map(String::from).to_vec(), false));
        assert_eq!(place.begun().unwrap().as_ref(), Some(&second));
        fs::write(&second, "new").unwrap();
        fs::write(folder.path().join("views.sqlite-wal"), "of the old one").unwrap();
        place.put(&second).unwrap();
        place.tidy().unwrap();
        assert_eq!(names(folder.path()), left);
        assert_eq!((place.in_use().unwrap(), place.begun().unwrap()), (second.clone(), None));
        assert_eq!(fs::read(folder.path().join("views.sqlite")).unwrap(), b"new");
        let third = place.begin().unwrap();
        assert!(third.ends_with("views.sqlite.3"));
        place.put(&third).unwrap();
        assert!(place.is_empty().unwrap(), "what counts is the file that is in use");
        place.tidy().unwrap();
        assert!(!second.exists());
    }

    #[test]
    fn what_is_wiped_is_overwritten_first() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("a"), folder.path().join("kept"));
        fs::write(&path, vec![7; (1 << 20) + 9]).unwrap();
        fs::write(with(&path, "-journal"), [7; 9]).unwrap();
        // Another name of the same file shows what became of its bytes.
        fs::hard_link(&path, &kept).unwrap();
        wipe(&path).unwrap();
        assert_eq!(names(folder.path()), ["kept"]);
        assert!(fs::read(&kept).unwrap() == vec![0; (1 << 20) + 9]);
        wipe(&path).unwrap();
    }
}
