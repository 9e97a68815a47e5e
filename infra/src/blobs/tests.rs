use super::*;

fn store() -> (tempfile::TempDir, BlobStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path().join("blobs")).unwrap();
    (dir, store)
}

fn unfinished(store: &BlobStore) -> usize {
    fs::read_dir(store.dir.join(UNFINISHED)).unwrap().count()
}

#[test]
fn hashes_are_blake3_and_have_one_spelling() {
    let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"; // published test vector
    assert_eq!(BlobHash::of(b"").to_string(), empty);
    assert_eq!(empty.parse(), Ok(BlobHash::of(b"")));
    for wrong in
        ["", &empty[1..], &empty.to_uppercase(), &format!("{empty}0"), &format!("{}/", &empty[1..]), &"é".repeat(32)]
    {
        assert_eq!(wrong.parse::<BlobHash>(), Err(NotABlobHash), "{wrong}");
    }
}

#[test]
fn what_was_put_is_there_also_after_reopening() {
    let (dir, store) = store();
    let hash = store.put(b"cong van").unwrap();
    assert_eq!(store.put(b"cong van").unwrap(), hash);
    assert_eq!(store.list().map(Result::unwrap).collect::<Vec<_>>(), [hash]);
    drop(store);
    let store = BlobStore::open(dir.path().join("blobs")).unwrap();
    let (file, size, content_type) = store.open_checked(hash).unwrap().unwrap();
    assert_eq!((io::read_to_string(file).unwrap().as_str(), size, content_type), ("cong van", 8, "text/plain"));
    assert!(store.contains(hash).unwrap());
    assert_eq!(store.verify(hash).unwrap(), Verdict::Whole);
    assert_eq!(unfinished(&store), 0);
}

#[test]
fn what_was_not_put_is_not_there() {
    let (_dir, store) = store();
    let hash = BlobHash::of(b"other");
    assert!(store.open_checked(hash).unwrap().is_none());
    assert!(store.open_blob(hash).unwrap().is_none());
    assert!(!store.contains(hash).unwrap());
    assert_eq!(store.verify(hash).unwrap(), Verdict::Missing);
    assert!(!store.remove(hash).unwrap());
    assert_eq!(store.list().count(), 0);
}

#[test]
fn a_changed_blob_is_found_and_mended() {
    let (_dir, store) = store();
    let hash = store.put(b"whole").unwrap();
    fs::write(store.path(hash), b"whale").unwrap();
    assert_eq!(store.verify(hash).unwrap(), Verdict::Damaged);
    assert!(matches!(store.open_checked(hash), Err(BlobError::Damaged { hash: named }) if named == hash));
    store.put(b"whole").unwrap();
    assert_eq!(store.verify(hash).unwrap(), Verdict::Whole);
}

#[test]
fn a_removed_blob_is_gone() {
    let (_dir, store) = store();
    let (hash, kept) = (store.put(b"secret").unwrap(), store.put(b"other").unwrap());
    assert!(store.remove(hash).unwrap());
    assert!(!store.contains(hash).unwrap());
    assert_eq!(store.list().map(Result::unwrap).collect::<Vec<_>>(), [kept]);
}

#[test]
fn a_stream_is_stored_under_the_hash_of_its_content() {
    let (_dir, store) = store();
    let bytes = vec![7; 200_000];
    assert_eq!(store.put_from(bytes.as_slice(), 200_000).unwrap(), (BlobHash::of(&bytes), 200_000));
    assert_eq!(store.verify(BlobHash::of(&bytes)).unwrap(), Verdict::Whole);
}

#[test]
fn what_is_too_large_or_breaks_off_leaves_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("line cut"))
        }
    }
    let (_dir, store) = store();
    assert!(matches!(store.put_from([1_u8; 11].as_slice(), 10), Err(BlobError::TooLarge { limit: 10 })));
    assert!(matches!(store.put_from(b"begun".chain(Broken), 100), Err(BlobError::Io { .. })));
    assert_eq!((store.list().count(), unfinished(&store)), (0, 0));
}

#[test]
fn foreign_files_are_no_blobs_and_recent_unfinished_ones_stay() {
    let (dir, store) = store();
    let hash = store.put(b"x").unwrap();
    fs::write(store.shard(hash).join("README"), b"").unwrap();
    fs::write(store.shard(hash).join("00".repeat(32)), b"in the wrong directory").unwrap();
    fs::write(store.dir.join(UNFINISHED).join("1-0"), b"by someone writing now").unwrap();
    let old = store.dir.join(UNFINISHED).join("1-1");
    let long_ago = std::time::SystemTime::now() - 2 * ABANDONED;
    File::create(&old).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(store.list().map(Result::unwrap).collect::<Vec<_>>(), [hash]);
    let again = BlobStore::open(dir.path().join("blobs")).unwrap();
    assert_eq!(unfinished(&again), 1);
    assert!(!old.exists());
}

#[test]
fn many_threads_may_put_the_same_at_once() {
    let (_dir, store) = store();
    std::thread::scope(|scope| {
        for worker in 0..8_u8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..10_u8 {
                    store.put(&[number]).unwrap();
                    store.put(&[number, worker]).unwrap();
                }
            });
        }
    });
    assert_eq!(store.list().count(), 10 + 80);
    assert!(store.list().all(|hash| store.verify(hash.unwrap()).unwrap() == Verdict::Whole));
    assert_eq!(unfinished(&store), 0);
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
    assert!(store.refresh(&[hash]).unwrap());
}
