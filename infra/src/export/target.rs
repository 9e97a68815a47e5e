//! Where an export goes: a file that has its name only once it is whole, or standard output.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::files;

/// Why an export cannot go there.
#[derive(Debug, Error)]
pub enum TargetError {
    /// There is something of this name.
    #[error("{} is there already: give another name, or --replace", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there was never an export.
    #[error("{} is not a plain file: give another name, or - and redirect standard output", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// The data directory is the ledger's.
    #[error("{} would stand among the files of the ledger: export to another directory", path.display())]
    Inside {
        /// The file.
        path: PathBuf,
    },
    /// Somebody is writing it.
    #[error("another export to {} is running", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("{}: {source}; nothing was exported", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// An export in the making. Dropped before [`Target::commit`], it leaves nothing.
#[derive(Debug)]
pub struct Target {
    out: BufWriter<Out>,
    /// Where it is written and what it is called once it is whole.
    name: Option<(PathBuf, PathBuf)>,
    replace: bool,
    bytes: u64,
}

#[derive(Debug)]
enum Out {
    File(File),
    Standard(io::Stdout),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(out) => out.flush(),
        }
    }
}

impl Target {
    /// Standard output.
    pub fn standard() -> Self {
        Self { out: BufWriter::new(Out::Standard(io::stdout())), name: None, replace: false, bytes: 0 }
    }

    /// A file that only its owner may read, none of the `ledger`'s and in none of its directories. Written beside, under the name with
    /// `.partial` after it. What a crash left there is written over.
    pub fn file(path: &Path, replace: bool, ledger: &[PathBuf]) -> Result<Self, TargetError> {
        let io = |source| TargetError::Io { path: path.to_owned(), source };
        free(path, replace)?;
        let within = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let within = within.canonicalize().map_err(io)?;
        let whole = path.file_name().map(|name| within.join(name));
        let of_ledger = |of: PathBuf| within.starts_with(&of) || whole.as_ref() == Some(&of);
        if ledger.iter().filter_map(|of| of.canonicalize().ok()).any(of_ledger) {
            return Err(TargetError::Inside { path: path.to_owned() });
        }
        let beside = files::beside(path, "partial");
        let file = loop {
            // Not through a link.
            free(&beside, true)?;
            let file = files::private().create(true).truncate(false).write(true).open(&beside).map_err(io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Err(TargetError::InUse { path: path.to_owned() }),
                Err(fs::TryLockError::Error(source)) => return Err(io(source)),
            }
            // Whoever held it may just have given it its name: then it is no longer the one to write.
            if same(&file, &beside).map_err(io)? {
                break file;
            }
        };
        // What was there may not have been ours.
        file.set_permissions(fs::Permissions::from_mode(0o600)).and_then(|()| file.set_len(0)).map_err(io)?;
        let name = Some((beside, path.to_owned()));
        Ok(Self { out: BufWriter::new(Out::File(file)), name, replace, bytes: 0 })
    }

    /// Gives the file its name, once all of it is on the disk. Says how many bytes were written.
    pub fn commit(mut self) -> Result<u64, TargetError> {
        let path = self.name.as_ref().map_or_else(|| "standard output".into(), |(_, path)| path.clone());
        let io = |source| TargetError::Io { path: path.clone(), source };
        self.out.flush().map_err(io)?;
        if let (Out::File(file), Some((beside, path))) = (self.out.get_ref(), &self.name) {
            file.sync_all().map_err(io)?;
            free(path, self.replace)?;
            files::rename(beside, path).map_err(io)?;
            self.name = None;
        }
        Ok(self.bytes)
    }
}

/// Nothing of this name is in the way.
fn free(path: &Path, replace: bool) -> Result<(), TargetError> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => Err(TargetError::NotAFile { path: path.to_owned() }),
        Ok(_) if !replace => Err(TargetError::Exists { path: path.to_owned() }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(TargetError::Io { path: path.to_owned(), source }),
    }
}

fn same(file: &File, path: &Path) -> io::Result<bool> {
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(of(file.metadata()?) == of(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some((beside, _)) = &self.name {
            // It has no name that anybody looks for; the next export writes over it.
            let _ = fs::remove_file(beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_once_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        fs::write(files::beside(&path, "partial"), "left by a crash, and longer than what comes").unwrap();
        let mut target = Target::file(&path, false, &[]).unwrap();
        target.write_all(b"one").unwrap();
        target.flush().unwrap();
        assert!(matches!(Target::file(&path, false, &[]), Err(TargetError::InUse { .. })));
        assert_eq!(names(directory.path()), ["a.csv.partial"]);
        assert_eq!(target.commit().unwrap(), 3);
        assert_eq!(names(directory.path()), ["a.csv"]);
        assert!(matches!(Target::file(&path, false, &[]), Err(TargetError::Exists { .. })));

        let mut second = Target::file(&path, true, &[]).unwrap();
        second.write_all(b"half of").unwrap();
        drop(second);
        assert_eq!((names(directory.path()), fs::read(&path).unwrap()), (vec!["a.csv".into()], b"one".to_vec()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_came_there_meanwhile_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let target = Target::file(&path, false, &[]).unwrap();
        fs::write(&path, "another's").unwrap();
        assert!(matches!(target.commit(), Err(TargetError::Exists { .. })));
        assert_eq!((names(directory.path()), fs::read(&path).unwrap()), (vec!["a.csv".into()], b"another's".to_vec()));
    }

    #[test]
    fn no_file_of_the_ledger_and_no_device_is_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        fs::create_dir_all(data.join("keys")).unwrap();
        fs::write(data.join("keys/ring.sqlite"), "keys").unwrap();
        let ring = data.join("keys/ring.sqlite");
        for of_ledger in [&data, &ring] {
            let inside = Target::file(&ring, true, std::slice::from_ref(of_ledger));
            assert!(matches!(inside, Err(TargetError::Inside { .. })), "{of_ledger:?}");
        }
        for wrong in [data.as_path(), Path::new("/dev/null")] {
            assert!(matches!(Target::file(wrong, true, &[]), Err(TargetError::NotAFile { .. })), "{wrong:?}");
        }
        assert!(matches!(Target::file(&directory.path().join("no/a"), false, &[]), Err(TargetError::Io { .. })));
        std::os::unix::fs::symlink(&ring, directory.path().join("a.csv.partial")).unwrap();
        let through = Target::file(&directory.path().join("a.csv"), false, &[]);
        assert!(matches!(through, Err(TargetError::NotAFile { .. })), "{through:?}");
        assert_eq!(fs::read(&ring).unwrap(), b"keys");
        assert_eq!(names(&data.join("keys")), ["ring.sqlite"]);
    }
}
