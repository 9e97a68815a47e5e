//! Old copies of single layers beside new ones of the others; and a history that was rewritten as a whole.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use futures::StreamExt as _;
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions},
};
use socai_domain::ledger::{Append, Draft, EventLog as _, Expected, Followed, Header, Position};

use super::world::{World, copy, fsck, replace};
use crate::binary::told;

#[tokio::test]
async fn an_older_copy_of_a_layer_is_named_where_it_matters() {
    let world = World::new().await;
    let (early, before) = (world.early.path(), world.before_erasure.path());
    let log_is_older = [
        ("log", "log-short"),
        ("reactions", "checkpoint-beyond-log"),
        ("views", "views-beyond-log"),
        ("notary", "notary-beyond-log"),
    ];
    let lost_and_back = [("keys", "key-destroyed")];
    for (from, what, faults) in [
        (early, "log", &log_is_older as &[(&str, &str)]),
        (before, "log", &[&log_is_older[..1], &lost_and_back, &log_is_older[1..]].concat()),
        (early, "keys/ring.sqlite", &[("keys", "key-missing")]),
        (before, "keys/ring.sqlite", &[("keys", "key-not-destroyed")]),
        // Behind is not wrong.
        (early, "reactions.checkpoint", &[]),
        (before, "reactions.checkpoint", &[]),
        (early, "views.sqlite", &[]),
        (before, "views.sqlite", &[]),
        (early, "blobs", &[("files", "file-missing")]),
        (before, "blobs", &[("files", "file-not-erased")]),
        (early, "notary", &[]),
        (before, "notary", &[]),
    ] {
        let changed = copy(world.path());
        replace(&from.join(what), &changed.path().join(what));
        let said = fsck(changed.path(), &[]);
        assert_eq!(said.faults(), faults.iter().copied().collect::<BTreeMap<_, _>>(), "{what}: {:#}", said.json);
        let notes = |layer: &str| said.json["layers"][layer]["notes"].to_string();
        match (what, from == early) {
            ("log", true) => assert!(notes("keys").contains("the log is older than the ring"), "{:#}", said.json),
            ("views.sqlite", _) => assert!(notes("views").contains("the next start folds the rest"), "{:#}", said.json),
            ("reactions.checkpoint", _) => assert!(said.count("reactions", "records to do") > 0),
            _ => {}
        }
    }
    // All of them from one time fit each other.
    for whole in [early, before] {
        assert_eq!(fsck(whole, &["--deep"]).code, 0);
    }
    // Everything but the log from before: what the old ring has back is met first, and what it lacks keeps the rest closed.
    let changed = copy(before);
    replace(&world.path().join("log"), &changed.path().join("log"));
    assert_eq!(fsck(changed.path(), &[]).faults(), BTreeMap::from([("keys", "key-not-destroyed")]));
}

/// Writes the log of a data directory anew, with all checksums, chains and heads made again: what `change` keeps, as it
/// leaves it. Removes what tells of the old one; says where the new one ends.
async fn rewrite(data: &Path, mut change: impl FnMut(u64, &Header, &mut Draft) -> bool) -> Position {
    let (from, to) = (data.join("from"), data.join("log"));
    fs::rename(&to, &from).unwrap();
    let options = |ledger| FileLogOptions { ledger, ..FileLogOptions::new(Arc::new(SystemClock)) };
    let old = FileLog::open(&from, options(None)).unwrap();
    let new = FileLog::open(&to, options(Some(old.ledger()))).unwrap();
    let mut followed = old.follow(None);
    while let Some(Ok(Followed::Records(records))) = followed.next().await {
        for recorded in records {
            let header = *recorded.record.header();
            let body = recorded.record.body().to_vec();
            let mut draft = Draft { kind: header.kind, organ: header.organ, person: header.person, body };
            if change(recorded.position.place(), &header, &mut draft) {
                let expected = Expected::after(header.revision.before());
                new.append(Append { stream: header.stream, expected, drafts: vec![draft] }).await.unwrap();
            }
        }
    }
    let end = new.head().await.unwrap().position;
    old.close().await.unwrap();
    new.close().await.unwrap();
    fs::remove_dir_all(&from).unwrap();
    fs::remove_file(data.join("views.sqlite")).unwrap();
    fs::remove_file(data.join("reactions.checkpoint")).unwrap();
    end
}

/// Makes the notary's tree of the log as it is now, as somebody does who has the log's key.
fn sign_anew(data: &Path) {
    fs::remove_dir_all(data.join("notary")).unwrap();
    told(data, &["notary", "agree", "--first"]);
}

/// What was signed shows it. Who also has the log's key makes all of it fit: then only a head that was kept elsewhere tells.
#[tokio::test]
async fn a_rewritten_history_is_shown_by_what_was_signed_by_a_head_or_by_what_does_not_open() {
    let world = World::new().await;
    let report = fsck(world.path(), &[]);
    let (head, records) = (report.json["head"].as_str().unwrap().to_owned(), report.count("log", "records"));
    let rewritten = async |change: &mut dyn FnMut(u64, &Header, &mut Draft) -> bool| {
        let data = copy(world.path());
        rewrite(data.path(), change).await;
        data
    };
    // Nothing is changed but the times: as whole as the old one, and not the same.
    let same = rewritten(&mut |_, _, _| true).await;
    let said = fsck(same.path(), &["--deep"]);
    assert_eq!((said.code, said.faults()), (16, BTreeMap::from([("notary", "notary-not-of-log")])), "{:#}", said.json);
    assert_eq!(said.json["layers"]["notary"]["fault"]["record"], 1, "{:#}", said.json);
    // The end is left out: nobody says any more that the erasure was completed.
    let shorter = rewritten(&mut |place, _, _| place < records).await;
    assert_eq!(fsck(shorter.path(), &["--deep"]).faults(), BTreeMap::from([("notary", "notary-beyond-log")]));
    for data in [same, shorter] {
        sign_anew(data.path());
        assert_eq!(fsck(data.path(), &["--deep"]).code, 0);
        let said = fsck(data.path(), &["--expect", &head]);
        assert_eq!((said.code, said.faults()), (10, BTreeMap::from([("log", "log-unexpected")])), "{:#}", said.json);
    }
    // Without the keys nobody makes content that opens: in a stream's last record it is met at once, elsewhere by --deep.
    for (place, more) in [(records, "--only=log,keys"), (1, "--deep")] {
        let other = rewritten(&mut |at, _, draft| {
            draft.body[9] ^= u8::from(at == place);
            true
        })
        .await;
        sign_anew(other.path());
        let said = fsck(other.path(), &[more]);
        assert_eq!(said.faults(), BTreeMap::from([("keys", "record-does-not-open")]), "{:#}", said.json);
        let shallow = fsck(other.path(), &["--only", "log,keys"]).code;
        assert_eq!(shallow, if place == 1 { 0 } else { 12 }, "a shallow look sees a stream's last record only");
    }
}

/// A checkpoint that was moved over steps that were not taken.
#[tokio::test]
async fn a_step_that_was_said_to_be_taken_and_was_not_is_named() {
    let world = World::new().await;
    // `ErasureCompleted`, `IncomingRegistered`.
    for (kind, name, document) in
        [(463, "erasure-not-completed", &world.erased.document), (412, "registration-not-ended", &world.kept.document)]
    {
        let data = copy(world.path());
        // What comes after it in its stream cannot be there either.
        let mut left_out = false;
        let end = rewrite(data.path(), |_, header, _| {
            let concerned = header.stream.to_string() == *document;
            left_out |= concerned && header.kind.number() == kind;
            !(concerned && left_out)
        })
        .await;
        assert!(left_out);
        sign_anew(data.path());
        assert_eq!(fsck(data.path(), &[]).code, 0, "it may be under way");
        fs::write(data.path().join("reactions.checkpoint"), end.to_string()).unwrap();
        let said = fsck(data.path(), &[]);
        assert_eq!((said.code, said.faults()), (13, BTreeMap::from([("reactions", name)])), "{:#}", said.json);
        let fault = &said.json["layers"]["reactions"]["fault"];
        assert_eq!(fault["stream"], **document);
        assert!(fault["message"].as_str().unwrap().contains("delete reactions.checkpoint"), "{fault}");
    }
}
