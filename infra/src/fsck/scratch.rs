//! A private place for what is made to compare with. It holds text of documents in clear: it is overwritten before it is
//! removed, however the check ends, unless the process is killed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::files;

/// A directory of its own among the temporary files; made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Scratch(Option<PathBuf>);

impl Scratch {
    /// The path of a new file, which does not exist yet.
    pub(super) fn file(&mut self, name: &str) -> io::Result<PathBuf> {
        if self.0.is_none() {
            let path = std::env::temp_dir().join(format!("socai-fsck-{}", uuid::Uuid::now_v7().simple()));
            files::make_private_dir(&path)?;
            self.0 = Some(path);
        }
        let directory = self.0.as_deref().unwrap_or(Path::new(""));
        Ok(directory.join(format!("{}-{name}", uuid::Uuid::now_v7().simple())))
    }

    /// Copies a file there, for its owner only.
    pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
        let mut copy = files::private().write(true).create_new(true).open(to)?;
        io::copy(&mut File::open(from)?, &mut copy).map(drop)
    }
}

/// Overwrites and removes a file and what SQLite keeps beside it.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        // Whether or not it could be overwritten, it goes.
        let _ = overwrite(&path);
        let _ = fs::remove_file(&path);
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let zeros = vec![0; 1 << 20];
    let mut left = file.metadata()?.len();
    while left > 0 {
        let some = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(some).unwrap_or(zeros.len())])?;
        left -= some;
    }
    file.sync_data()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(directory) = self.0.take() else { return };
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            remove(&entry.path());
        }
        if let Err(error) = fs::remove_dir_all(&directory) {
            tracing::warn!(%error, directory = %directory.display(), "what was made for comparing was not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_and_others_see_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let mut scratch = Scratch::default();
        let file = scratch.file("a").unwrap();
        let from = tempfile::NamedTempFile::new().unwrap();
        fs::write(from.path(), b"text").unwrap();
        Scratch::copy(from.path(), &file).unwrap();
        let directory = file.parent().unwrap().to_owned();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
        let mut open = File::open(&file).unwrap();
        drop(scratch);
        assert!(!directory.exists());
        // Whoever still has it open sees that it was overwritten.
        let mut left = Vec::new();
        io::Read::read_to_end(&mut open, &mut left).unwrap();
        assert_eq!(left, [0; 4]);
    }
}
