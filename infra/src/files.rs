//! Small files that must be whole or not there, after a loss of power, too.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Makes files that only their owner may read.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// May anybody on this machine do anything with it? (The owner's group is the owner's business.)
pub fn open_to_others(path: &Path) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?) & OTHERS != 0)
}

/// Takes every right from those who are neither its owner nor of its group.
pub fn keep_others_out(path: &Path) -> io::Result<()> {
    if open_to_others(path)? {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = fs::metadata(path)?.permissions();
        permissions.set_mode(permissions.mode() & !OTHERS);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

/// The permissions of neither owner nor group.
const OTHERS: u32 = 0o007;

/// Makes an empty file that only its owner may read, where there is none; keeps others out of one that is there.
pub fn make_private(path: &Path) -> io::Result<()> {
    private().write(true).create(true).truncate(false).open(path)?;
    keep_others_out(path)
}

/// Writes a new file that only its owner may read. Durable when it returns; an existing file is an error and stays.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().write(true).create_new(true).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    if written.is_err() {
        // Half a file is worse than none; if it cannot be removed either, the error is the same.
        let _ = fs::remove_file(path);
    }
    written
}

/// Puts `bytes` in the place of the file's content, or makes the file: after a loss of power it has the old content or the
/// new. Durable when it returns.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path, "new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => create_private(&beside, bytes)?,
    }
    rename(&beside, path)
}

/// Gives a file another name, in place of the one that had it. Durable when it returns.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)
}

/// The path with another extension after its own: `ring.sqlite`, `ring.sqlite.new`.
pub fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Makes a directory that only its owner may enter, with all above it. One that is there stays as it is.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    sync_parent(path)
}

/// A new name is durable when its directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_never_overwritten_as_new() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        replace(&path, b"one").unwrap();
        fs::write(beside(&path, "new"), b"left by a crash").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(create_private(&path, b"three").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let keys = directory.path().join("data/keys");
        make_private_dir(&keys).unwrap();
        create_private(&keys.join("a"), b"secret").unwrap();
        assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(keys.join("a")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
