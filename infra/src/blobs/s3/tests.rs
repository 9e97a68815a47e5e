//! What holds of buckets only; the rest is in `blobs::tests`.

use std::time::Instant;

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use socai_domain::ledger::LedgerId;
use socai_test_s3::{BUCKET, Fault, KEY_ID, SECRET, Server};

use super::{
    super::BlobStore,
    testing::{PREFIX, of, with},
    *,
};

const LARGE: usize = 12 << 20;

fn told(result: Result<impl fmt::Debug, BlobError>) -> String {
    let told = format!("{} {0:?}", result.unwrap_err());
    assert!(!told.contains(SECRET) && !told.contains(KEY_ID), "{told}");
    told
}

#[test]
fn a_server_that_is_down_is_told_and_comes_back() {
    let mut server = Server::start().unwrap();
    let store = BlobStore::of(of(&server));
    let hash = store.put(b"cong van").unwrap();
    server.stop();
    for told in [
        told(store.put(b"cong van")),
        told(store.read(hash)),
        told(store.contains(hash)),
        told(store.remove(hash)),
        told(store.list().next().unwrap()),
    ] {
        assert!(told.contains("cannot be reached") && told.contains("AWS_ENDPOINT_URL"), "{told}");
    }
    server.run().unwrap();
    assert_eq!(store.read(hash).unwrap().unwrap(), b"cong van");
    store.put(b"other").unwrap();
}

#[test]
fn a_server_that_says_nothing_holds_up_nobody_for_ever() {
    let server = Server::start().unwrap();
    let patience = Duration::from_secs(1);
    let store = BlobStore::of(with(&server, |_, value| value.to_owned(), patience).unwrap());
    let hash = store.put(b"x").unwrap();
    // At once, and in the middle of a large file, whose parts may take three times as long.
    for answered in [0, 3] {
        server.fail_after(answered, Fault::Hangs);
        let began = Instant::now();
        let told = told(store.put_from(vec![8; LARGE].as_slice(), u64::MAX));
        assert!(told.contains("does not answer (no answer in time)"), "{told}");
        assert!(store.contains(hash).is_err());
        assert!(began.elapsed() < 30 * patience, "{:?}", began.elapsed());
        server.recover();
        assert!(store.contains(hash).unwrap());
    }
}

#[test]
fn who_is_not_known_is_refused_without_a_word_of_the_keys() {
    let server = Server::start().unwrap();
    for wrong in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let change = |name: &str, value: &str| if name == wrong { "sai".to_owned() } else { value.to_owned() };
        let told = told(with(&server, change, PATIENCE));
        assert!(told.contains("refuses this") && told.contains("AWS_SECRET_ACCESS_KEY"), "{told}");
    }
    std::fs::remove_dir(server.object("")).unwrap();
    let told = told(with(&server, |_, value| value.to_owned(), PATIENCE));
    assert!(told.contains("no such bucket"), "{told}");
}

#[test]
fn a_bucket_may_be_a_host() {
    let server = Server::start().unwrap();
    let environment = |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(server.hosted()),
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST" => Some("true".into()),
        _ => server.environment().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value),
    };
    let hosted = S3::with(format!("s3://{BUCKET}/{PREFIX}").parse().unwrap(), environment, PATIENCE).unwrap();
    let hashes = [b"small".to_vec(), vec![7; LARGE]].map(|bytes| hosted.put(&bytes).unwrap());
    let mut listed: Vec<_> = of(&server).list().map(|found| found.unwrap().0).collect();
    listed.sort_by_key(|hash| *hash != hashes[0]);
    assert_eq!(listed, hashes, "the same objects");
    assert_eq!(hosted.list().count(), 2);
    assert!(hosted.remove_if(hashes[0], &|_| true).unwrap());
}

/// Wherever a server fails, nothing that is not whole has a name, and what is left of parts is removed after a day.
#[test]
fn a_large_file_that_is_cut_off_leaves_nothing_for_long() {
    let server = Server::start().unwrap();
    let store = BlobStore::of(of(&server));
    let bytes = vec![7; LARGE];
    let hash = BlobHash::of(&bytes);
    let mut left = 0;
    // Begun, noted, three parts, finished, note removed.
    for answered in 0..6 {
        server.fail_after(answered, Fault::Cuts);
        store.put_from(bytes.as_slice(), u64::MAX).unwrap_err();
        server.recover();
        assert!(!store.contains(hash).unwrap(), "{answered}");
        left += server.objects(&format!("{PREFIX}/{UNFINISHED}"));
    }
    assert!(left > 0 && server.parts() > 0, "the server was not there to be tidied");
    of(&server);
    assert!(server.parts() > 0, "somebody may be writing now");
    let notes = format!("{PREFIX}/{UNFINISHED}");
    for note in std::fs::read_dir(server.object(&notes)).unwrap() {
        let name = note.unwrap().file_name().into_string().unwrap();
        server.grow_old(&format!("{notes}/{name}"), 2 * ABANDONED).unwrap();
    }
    of(&server);
    assert_eq!(server.objects(&notes), 0);
    // One that was begun and cut off before it was noted holds no bytes; the server keeps its id.
    assert!(server.parts() == 0, "{}", server.parts());
    store.put_from(bytes.as_slice(), u64::MAX).unwrap();
    assert!(store.contains(hash).unwrap());
}

#[test]
fn a_failure_that_passes_is_not_told() {
    let server = Server::start().unwrap();
    let store = of(&server);
    for fault in [Fault::Busy, Fault::Cuts] {
        server.fail_next(2, fault);
        store.put(b"x").unwrap();
    }
    server.fail_after(0, Fault::Busy);
    let busy = told(store.put(b"x"));
    assert!(busy.contains("SlowDown"), "{busy}");
}

/// What was looked for lately is not stored anew each time; what nearly is old enough to be swept is, and checked for it.
#[test]
fn what_is_half_a_day_old_is_made_young() {
    let server = Server::start().unwrap();
    let store = of(&server);
    let hash = store.put(&vec![7; LARGE]).unwrap();
    let name = format!("{PREFIX}/{}/{hash}", &hash.to_string()[..2]);
    let age = || store.modified(hash).unwrap().unwrap().elapsed().unwrap();
    server.grow_old(&name, Duration::from_hours(11)).unwrap();
    assert!(store.make_young(hash).unwrap());
    assert!(age() > Duration::from_hours(10), "left as it was");
    server.grow_old(&name, Duration::from_hours(13)).unwrap();
    assert!(store.make_young(hash).unwrap());
    assert!(age() < Duration::from_hours(1));
    std::fs::write(server.object(&name), b"changed").unwrap();
    server.grow_old(&name, Duration::from_hours(13)).unwrap();
    assert!(matches!(store.make_young(hash), Err(BlobError::Damaged { .. })));
}

fn mark(n: u128, records: u64) -> Mark {
    Mark { ledger: LedgerId(uuid::Uuid::from_u128(n)), records }
}

fn noted(store: &S3) -> Option<Mark> {
    store.mark().unwrap().map(|noted| noted.mark)
}

/// Who looked at the same moment as another and writes after it, looks again.
#[test]
fn of_two_at_once_none_takes_the_mark_back() {
    let server = Server::start().unwrap();
    let (one, other) = (of(&server), of(&server));
    let first = one.mark().unwrap();
    assert!(one.claim(first.clone(), mark(1, 5)).unwrap());
    assert!(!other.claim(first, mark(2, 4)).unwrap(), "there was none");
    let before = other.mark().unwrap();
    assert!(one.claim(one.mark().unwrap(), mark(1, 9)).unwrap());
    assert!(!other.claim(before.clone(), mark(1, 7)).unwrap());
    assert_eq!(noted(&one), Some(mark(1, 9)));
    // Nor is it written again if it is gone.
    std::fs::remove_file(server.object(&format!("{PREFIX}/ledger"))).unwrap();
    assert!(!other.claim(before, mark(1, 7)).unwrap());
    assert_eq!(noted(&one), None);
}

/// The server of other tests knows conditions, so this one is ours.
#[test]
fn storage_that_knows_no_conditions_is_written_without() {
    let put = |headers: HeaderMap| async move {
        if headers.contains_key("if-none-match") {
            Err((StatusCode::NOT_IMPLEMENTED, "<Error><Code>NotImplemented</Code></Error>"))
        } else {
            Ok([("etag", "\"1\"")])
        }
    };
    let absent = || async { (StatusCode::NOT_FOUND, NO_KEY) };
    let (_runtime, store) = served(Router::new().route("/van-ban/ledger", get(absent).put(put)));
    assert!(store.claim(store.mark().unwrap(), mark(1, 5)).unwrap());
}

/// Else each would remove what it does not know.
#[test]
fn neither_another_ledger_nor_an_older_copy_uses_a_prefix() {
    let server = Server::start().unwrap();
    let claim = |store: &S3, mark| store.mark().and_then(|before| store.claim(before, mark));
    let store = of(&server);
    for records in [0, 7, 7, 9] {
        assert!(claim(&store, mark(1, records)).unwrap());
    }
    assert_eq!(noted(&store), Some(mark(1, 9)));
    assert!(told(claim(&store, mark(2, 100))).contains("a prefix of its own"));
    let older = told(claim(&store, mark(1, 8)));
    assert!(older.contains("has 8 records, and had 9") && older.contains("Restore a newer one"), "{older}");
    assert_eq!(noted(&store), Some(mark(1, 9)), "left as it was");
    claim(&without_prefix(&server), mark(2, 3)).unwrap();
    assert_eq!(of(&server).list().count(), 0);
    std::fs::write(server.object(&format!("{PREFIX}/ledger")), "hello").unwrap();
    assert!(told(claim(&store, mark(1, 10))).contains("does not say whose they are"));
}

/// A proxy that knows nothing, or a bucket that is gone, does not mean that a file is erased.
#[test]
fn not_found_counts_only_where_the_storage_says_so() {
    let server = Server::start().unwrap();
    let store = BlobStore::of(of(&server));
    let never = BlobHash::of(b"never");
    assert!(!store.contains(never).unwrap());
    assert!(!store.remove(never).unwrap());
    for (body, said) in [("", "404"), ("<html>Not Found</html>", "404"), (NO_BUCKET, "no such bucket")] {
        let (_runtime, store) = served(Router::new().fallback(move || async move { (StatusCode::NOT_FOUND, body) }));
        let store = BlobStore::of(store);
        for told in
            [told(store.contains(never)), told(store.read(never)), told(store.remove(never)), told(store.mark())]
        {
            assert!(told.contains(said), "{told}");
        }
    }
}

const NO_BUCKET: &str = "<Error><Code>NoSuchBucket</Code></Error>";
const NO_KEY: &str = "<Error><Code>NoSuchKey</Code></Error>";

/// A server of ours, and a store there.
fn served(app: Router) -> (tokio::runtime::Runtime, S3) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, app).await });
    let environment = |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        "AWS_ALLOW_HTTP" => Some("true".into()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".into()),
        _ => None,
    };
    (runtime, S3::with("s3://van-ban".parse().unwrap(), environment, PATIENCE).unwrap())
}

#[test]
fn a_probe_leaves_what_others_began() {
    let server = Server::start().unwrap();
    let store = of(&server);
    server.fail_after(3, Fault::Cuts);
    store.put(&vec![7; LARGE]).unwrap_err();
    server.recover();
    let notes = format!("{PREFIX}/{UNFINISHED}");
    for note in std::fs::read_dir(server.object(&notes)).unwrap() {
        let name = note.unwrap().file_name().into_string().unwrap();
        server.grow_old(&format!("{notes}/{name}"), 2 * ABANDONED).unwrap();
    }
    let begun = (server.objects(&notes), server.parts());
    assert!(begun.0 > 0 && begun.1 > 0);
    store.probe().unwrap();
    assert_eq!((server.objects(&notes), server.parts()), begun);
}

#[test]
fn all_of_more_than_a_page_are_listed() {
    let server = Server::start().unwrap();
    let store = of(&server);
    let hashes: std::collections::BTreeSet<_> = (0..1_100_u32).map(|n| BlobHash::of(&n.to_be_bytes())).collect();
    for hash in &hashes {
        let text = hash.to_string();
        let path = server.object(&format!("{PREFIX}/{}/{text}", &text[..2]));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"").unwrap();
    }
    assert_eq!(store.list().map(|found| found.unwrap().0).collect::<std::collections::BTreeSet<_>>(), hashes);
}

#[test]
fn a_probe_leaves_nothing() {
    let server = Server::start().unwrap();
    assert_eq!(of(&server).probe().unwrap(), Probed { keeps_versions: false });
    assert_eq!(server.objects(""), 0);
    server.fail_after(1, Fault::Busy);
    assert!(told(without_prefix(&server).probe()).contains("SlowDown"));
}

fn without_prefix(server: &Server) -> S3 {
    let set = server.environment();
    let environment = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    S3::with(format!("s3://{BUCKET}").parse().unwrap(), environment, PATIENCE).unwrap()
}

/// The server of other tests keeps none, so this one is ours: it says what S3 says of versions, and nothing else.
#[test]
fn a_bucket_that_keeps_versions_says_so() {
    let body = "socai was here";
    let versioned = || {
        let mut headers = HeaderMap::new();
        headers.insert("etag", "\"1\"".parse().unwrap());
        headers.insert("x-amz-version-id", "3HL4kqtJlcpXroDTDmJ".parse().unwrap());
        headers.insert("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT".parse().unwrap());
        headers
    };
    let listed = "<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>";
    let gone = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (read_gone, set_gone) = (Arc::clone(&gone), gone);
    let object = get(move || async move {
        if read_gone.load(Ordering::Relaxed) { Err((StatusCode::NOT_FOUND, NO_KEY)) } else { Ok((versioned(), body)) }
    })
    .put(move || async move { versioned() })
    .delete(move || async move {
        set_gone.store(true, Ordering::Relaxed);
        StatusCode::NO_CONTENT
    });
    let app = Router::new().route("/van-ban", get(move || async move { listed })).route("/van-ban/{*object}", object);
    let (_runtime, store) = served(app);
    assert_eq!(store.probe().unwrap(), Probed { keeps_versions: true });
}
