//! What holds of directories only; the rest is in `blobs::tests`.

use super::{super::BlobStore, *};

fn store() -> (tempfile::TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let store = Directory::open(dir.path().join("blobs")).unwrap();
    (dir, store)
}

#[test]
fn what_was_put_is_there_after_reopening() {
    let (dir, store) = store();
    let hash = store.put(b"cong van").unwrap();
    drop(store);
    let store = BlobStore::open(dir.path().join("blobs")).unwrap();
    assert_eq!(store.read(hash).unwrap().unwrap(), b"cong van");
}

#[test]
fn only_old_unfinished_files_are_removed() {
    let (dir, store) = store();
    let unfinished = store.dir.join(UNFINISHED);
    fs::write(unfinished.join("1-0"), b"by someone writing now").unwrap();
    let old = unfinished.join("1-1");
    File::create(&old).unwrap().set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
    Directory::open(dir.path().join("blobs")).unwrap();
    assert_eq!(fs::read_dir(unfinished).unwrap().count(), 1);
    assert!(!old.exists());
}

#[test]
fn blobs_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, store) = store();
    let hash = store.put(b"private").unwrap();
    assert_eq!(fs::metadata(store.path(hash)).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Files restored by another user may be read and attached, though not be made young. (For the superuser this is no test.)
#[test]
#[cfg(target_os = "linux")]
fn what_belongs_to_another_user_is_there() {
    let (_dir, store) = store();
    let hash = store.put(b"x").unwrap();
    fs::remove_file(store.path(hash)).unwrap();
    std::os::unix::fs::symlink("/proc/version", store.path(hash)).unwrap();
    assert!(store.make_young(hash).unwrap());
}
