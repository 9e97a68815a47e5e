//! What holds wherever blobs are kept.

use std::{fs, io::Cursor};

use socai_test_s3::Server;

use super::*;

/// A store of each kind, and where its files are.
enum Kept {
    Directory(tempfile::TempDir),
    Bucket(Server),
}

fn each(test: impl Fn(&BlobStore, &Kept)) {
    let dir = tempfile::tempdir().unwrap();
    test(&BlobStore::open(dir.path()).unwrap(), &Kept::Directory(dir));
    let server = Server::start().unwrap();
    test(&BlobStore::of(s3::testing::of(&server)), &Kept::Bucket(server));
}

impl Kept {
    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Directory(dir) => dir.path().join(name),
            Self::Bucket(server) => server.object(&format!("{}/{name}", s3::testing::PREFIX)),
        }
    }

    fn file(&self, hash: BlobHash) -> PathBuf {
        let text = hash.to_string();
        self.path(&format!("{}/{text}", &text[..2]))
    }

    fn unfinished(&self) -> usize {
        let noted = fs::read_dir(self.path(UNFINISHED)).into_iter().flatten().count();
        noted + if let Self::Bucket(server) = self { server.parts() } else { 0 }
    }
}

fn all(store: &BlobStore) -> Vec<BlobHash> {
    let mut all: Vec<_> = store.list().map(Result::unwrap).collect();
    all.sort_unstable();
    all
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
fn what_was_put_is_there_once_and_whole() {
    each(|store, kept| {
        let hash = store.put(b"cong van").unwrap();
        assert_eq!(store.put(b"cong van").unwrap(), hash);
        assert_eq!(all(store), [hash]);
        let (file, size, content_type) = store.open_checked(hash).unwrap().unwrap();
        assert_eq!((io::read_to_string(file).unwrap().as_str(), size, content_type), ("cong van", 8, "text/plain"));
        assert_eq!(store.read(hash).unwrap().unwrap(), b"cong van");
        assert_eq!(fs::read(kept.file(hash)).unwrap(), b"cong van", "as it is, under its hash");
        assert!(store.contains(hash).unwrap());
        assert_eq!(store.verify(hash).unwrap(), Verdict::Whole);
        assert_eq!(kept.unfinished(), 0);
    });
}

#[test]
fn what_was_not_put_is_not_there() {
    each(|store, _| {
        let hash = BlobHash::of(b"other");
        assert!(store.open_checked(hash).unwrap().is_none());
        assert!(store.read(hash).unwrap().is_none());
        assert!(!store.contains(hash).unwrap());
        assert!(!store.refresh(&[hash]).unwrap());
        assert_eq!(store.verify(hash).unwrap(), Verdict::Missing);
        assert!(!store.remove(hash).unwrap());
        assert_eq!(all(store), []);
    });
}

#[test]
fn a_changed_blob_is_found_and_mended() {
    each(|store, kept| {
        let hash = store.put(b"whole").unwrap();
        fs::write(kept.file(hash), b"whale").unwrap();
        assert_eq!(store.verify(hash).unwrap(), Verdict::Damaged);
        assert!(matches!(store.open_checked(hash), Err(BlobError::Damaged { hash: named }) if named == hash));
        assert!(matches!(store.read(hash), Err(BlobError::Damaged { .. })));
        store.put(b"whole").unwrap();
        assert_eq!(store.verify(hash).unwrap(), Verdict::Whole);
        // Another blob's content in its place.
        fs::copy(kept.file(store.put(b"other").unwrap()), kept.file(hash)).unwrap();
        assert!(matches!(store.open_checked(hash), Err(BlobError::Damaged { .. })));
    });
}

#[test]
fn a_removed_blob_is_gone() {
    each(|store, _| {
        let (hash, other) = (store.put(b"secret").unwrap(), store.put(b"other").unwrap());
        assert!(store.remove(hash).unwrap());
        assert!(!store.contains(hash).unwrap());
        assert_eq!(all(store), [other]);
    });
}

#[test]
fn large_ones_are_stored_under_the_hash_of_their_content() {
    each(|store, kept| {
        // More than one part, exactly one, and exactly two.
        for size in [12 << 20, 5 << 20, 10 << 20, (5 << 20) + 1] {
            let bytes: Vec<u8> = (0..size).map(|at: usize| u8::try_from(at % 251).unwrap()).collect();
            let hash = BlobHash::of(&bytes);
            assert_eq!(store.put_from(Cursor::new(&bytes), size as u64).unwrap(), (hash, size as u64));
            assert_eq!(store.measure(hash).unwrap(), Some((hash, size as u64)));
            let (mut file, _, _) = store.open_checked(hash).unwrap().unwrap();
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            assert!(read == bytes, "{size}");
        }
        assert_eq!(kept.unfinished(), 0);
    });
}

#[test]
fn what_is_too_large_or_breaks_off_leaves_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("line cut"))
        }
    }
    each(|store, kept| {
        assert!(matches!(store.put_from([1_u8; 11].as_slice(), 10), Err(BlobError::TooLarge { limit: 10 })));
        assert!(matches!(store.put_from(b"begun".chain(Broken), 100), Err(BlobError::Io { .. })));
        assert!(matches!(store.put_from(vec![7; 6 << 20].chain(Broken), 8 << 20), Err(BlobError::Io { .. })));
        assert_eq!((all(store), kept.unfinished()), (vec![], 0));
    });
}

#[test]
fn what_is_no_blob_is_passed_over() {
    each(|store, kept| {
        let hash = store.put(b"x").unwrap();
        fs::write(kept.file(hash).with_file_name("README"), b"").unwrap();
        fs::write(kept.file(hash).with_file_name("00".repeat(32)), b"in the wrong folder").unwrap();
        fs::create_dir_all(kept.path(UNFINISHED)).unwrap();
        fs::write(kept.path(UNFINISHED).join("1-0"), b"by someone writing now").unwrap();
        assert_eq!(all(store), [hash]);
    });
}

#[test]
fn many_threads_may_put_the_same_at_once() {
    each(|store, kept| {
        std::thread::scope(|scope| {
            for worker in 0..8_u8 {
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
        assert_eq!(kept.unfinished(), 0);
    });
}

#[test]
fn what_is_old_goes_unless_it_is_looked_for_or_stored_again() {
    let hours = |hours| SystemTime::now() - Duration::from_hours(hours);
    each(|store, kept| {
        let [left, looked_for, stored] = [b"1", b"2", b"3"].map(|bytes| store.put(bytes).unwrap());
        for hash in [left, looked_for, stored] {
            File::open(kept.file(hash)).unwrap().set_modified(hours(30)).unwrap();
        }
        assert_eq!(store.older(hours(25)).map(Result::unwrap).count(), 3);
        assert!(store.refresh(&[looked_for]).unwrap());
        store.put(b"3").unwrap();
        assert_eq!(store.older(hours(25)).map(Result::unwrap).collect::<Vec<_>>(), [left]);
        for (hash, goes) in [(left, true), (looked_for, false), (stored, false)] {
            assert_eq!(store.is_older(hash, hours(25)).unwrap(), goes);
            assert_eq!(store.remove_if_older(hash, hours(25)).unwrap(), goes);
            assert_eq!(store.contains(hash).unwrap(), !goes);
        }
    });
}
