//! Small files that must be whole or not there, after a loss of power, too.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// Makes files that only their owner may read.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
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

/// What stands in a secret's file. One that every user of the machine may read or change is refused.
pub fn read_secret(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    if open_to_others(path)? {
        let why = "it is open to every user of this machine: chmod 600 it";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    fs::read(path).map(Zeroizing::new)
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

/// Makes a directory that only its owner may enter, with all above it. One that is there stays as it is. Names are durable
/// when it returns, but in a directory that may not be read: that one cannot be synced.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.is_dir();
    let made: Vec<&Path> = path.ancestors().take_while(missing).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // Its own name even if it was there: whoever made it may have been interrupted.
    for dir in made.into_iter().chain([path]) {
        match sync_parent(dir) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A new name is durable when its directory is.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
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
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        create_private(&path, b"secret").unwrap();
        assert_eq!(**read_secret(&path).unwrap(), *b"secret");
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o604);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_directory_is_made_where_one_may_enter_and_write_but_not_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().join("parent");
        fs::create_dir(&parent).unwrap();
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o300)).unwrap();
        for _ in 0..2 {
            make_private_dir(&parent.join("a/b")).unwrap();
        }
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
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
