//! Each layer, changed in every way: what was changed is named, by its layer and by what it is.

use std::{collections::BTreeMap, fs, path::Path};

use socai_domain::{
    proof::{KeyName, Note, SecretKey, SignatureKind, cosignature::cosign},
    time::Timestamp,
};

use super::world::{World, blob, copy, everything, fsck, sql};

/// What `socai fsck` must say of a copy that was changed so.
async fn says(world: &World, faults: &[(&str, &str)], change: impl AsyncFnOnce(&Path)) -> serde_json::Value {
    let changed = copy(world.path());
    change(changed.path()).await;
    let before = everything(changed.path());
    let said = fsck(changed.path(), &[]);
    assert_eq!(said.faults(), faults.iter().copied().collect::<BTreeMap<_, _>>(), "{:#}", said.json);
    assert_eq!(said.code, faults.first().map_or(0, |(layer, _)| code(layer)), "{:#}", said.json);
    assert!(everything(changed.path()) == before, "a file was changed, made or removed");
    said.json
}

fn code(layer: &str) -> i32 {
    ["log", "index", "keys", "reactions", "views", "files", "notary"]
        .iter()
        .position(|name| *name == layer)
        .map_or(1, |at| 10 + i32::try_from(at).unwrap())
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn segment(data: &Path, number: u32) -> std::path::PathBuf {
    data.join(format!("log/{number:08}.segment"))
}

/// Offset and length of the batches of a segment.
fn batches(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut at = 4096;
    std::iter::from_fn(|| {
        let len = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().unwrap()) as usize;
        at += len;
        (len > 0).then_some((at - len, len))
    })
    .collect()
}

#[tokio::test]
async fn what_is_changed_in_the_log_is_named() {
    let world = World::new().await;
    let damaged = [("log", "log-damaged")];
    let flipped = says(&world, &damaged, async |data| edit(&segment(data, 1), |bytes| bytes[5_000] ^= 1)).await;
    let fault = &flipped["layers"]["log"]["fault"];
    assert!(fault["record"].is_number() && fault["message"].as_str().unwrap().contains("00000001.segment"), "{fault}");
    assert_eq!(flipped["layers"]["views"]["unchecked"], "the log cannot be read");
    says(&world, &damaged, async |data| fs::remove_file(segment(data, 1)).unwrap()).await;
    says(&world, &damaged, async |data| edit(&segment(data, 2), |bytes| bytes.truncate(10_000))).await;
    // The last batch is gone, zeros in its place.
    says(&world, &damaged, async |data| {
        edit(&segment(data, 2), |bytes| {
            let (at, len) = *batches(bytes).last().unwrap();
            bytes[at..at + len].fill(0);
        });
    })
    .await;
    // Two batches change places.
    says(&world, &damaged, async |data| {
        edit(&segment(data, 1), |bytes| {
            let [(first, len), (_, next), ..] = batches(bytes)[..] else { panic!("two batches") };
            bytes[first..first + len + next].rotate_left(len);
        });
    })
    .await;
    let swapped = says(&world, &damaged, async |data| {
        let [one, other] = [1, 2].map(|number| segment(data, number));
        let aside = data.join("aside");
        fs::rename(&one, &aside).unwrap();
        fs::rename(&other, &one).unwrap();
        fs::rename(&aside, &other).unwrap();
        fs::remove_file(data.join("log/00000001.index")).unwrap();
    })
    .await;
    assert!(
        swapped["layers"]["log"]["fault"]["message"].as_str().unwrap().contains("under another's name"),
        "{swapped}"
    );
    // A removed end leaves a trace where a side file tells of it, even if nothing else does.
    says(&world, &[("log", "log-damaged"), ("index", "segment-removed")], async |data| {
        fs::remove_file(segment(data, 2)).unwrap();
        fs::remove_file(data.join("log/closed")).unwrap();
    })
    .await;
    // Without it, what was told of the log does.
    let told = [("log", "log-short"), ("reactions", "checkpoint-beyond-log")];
    let more = [("views", "views-beyond-log"), ("notary", "notary-beyond-log")];
    says(&world, &[told, more].concat(), async |data| {
        fs::remove_file(segment(data, 2)).unwrap();
        fs::remove_file(data.join("log/00000001.index")).unwrap();
        fs::remove_file(data.join("log/closed")).unwrap();
    })
    .await;
    says(&world, &[("log", "log-missing")], async |data| fs::remove_dir_all(data.join("log")).unwrap()).await;
}

#[tokio::test]
async fn what_is_changed_in_a_side_file_is_named() {
    let world = World::new().await;
    let side = |data: &Path| data.join("log/00000001.index");
    says(&world, &[("index", "index-damaged")], async |data| edit(&side(data), |bytes| bytes[100] ^= 1)).await;
    says(&world, &[("index", "index-damaged")], async |data| edit(&side(data), |bytes| bytes.truncate(200))).await;
    // With its checksum made anew: the engine would believe it.
    for (from_end, part) in [(32 + 33, "does not end in"), (0, "to start reading from")] {
        let wrong = says(&world, &[("index", "index-wrong")], async |data| {
            edit(&side(data), |bytes| {
                let body = bytes.len() - 32;
                // In the last stream's revision, or in the first mark's offset.
                let at = if from_end > 0 { body - from_end + 25 } else { 88 + 8 };
                bytes[at] ^= 1;
                let check = *blake3::hash(&bytes[..body]).as_bytes();
                bytes[body..].copy_from_slice(&check);
            });
        })
        .await;
        assert!(wrong["layers"]["index"]["fault"]["message"].as_str().unwrap().contains(part), "{wrong}");
    }
    let made_again = says(&world, &[], async |data| fs::remove_file(side(data)).unwrap()).await;
    assert!(made_again["layers"]["index"]["notes"][0].as_str().unwrap().contains("the next start makes them"));
}

#[tokio::test]
async fn what_is_changed_in_the_key_ring_is_named() {
    let world = World::new().await;
    let ring = |data: &Path| data.join("keys/ring.sqlite");
    let last = "WHERE id = (SELECT max(id) FROM wrapped WHERE bytes <> zeroblob(60))";
    let live = "wrapped = (SELECT max(id) FROM wrapped WHERE bytes <> zeroblob(60))";
    let gone = "id IN (SELECT wrapped FROM generation WHERE destroyed = 1)";
    for (name, statements) in [
        ("key-missing", vec![format!("DELETE FROM generation WHERE {live}")]),
        ("key-damaged", vec![format!("DELETE FROM wrapped {last}")]),
        ("key-damaged", vec![format!("UPDATE wrapped SET bytes = randomblob(60) {last}")]),
        // Two keys change places.
        (
            "key-damaged",
            vec![
                "UPDATE generation SET wrapped = CASE wrapped WHEN 1 THEN 2 ELSE 1 END WHERE wrapped IN (1, 2)".into(),
            ],
        ),
        (
            "key-destroyed",
            vec![
                format!("UPDATE generation SET destroyed = 1 WHERE {live}"),
                format!("UPDATE wrapped SET bytes = zeroblob(60) {last}"),
            ],
        ),
        ("key-not-destroyed", vec![format!("UPDATE wrapped SET bytes = randomblob(60) WHERE {gone}")]),
        ("ring-foreign", vec!["UPDATE ring SET ledger = randomblob(16)".into()]),
        ("ring-foreign", vec!["UPDATE ring SET ledger = NULL".into()]),
        ("ring-damaged", vec!["UPDATE ring SET format = 9".into()]),
        ("master-key-wrong", vec!["UPDATE ring SET master = randomblob(32)".into()]),
    ] {
        let said = says(&world, &[("keys", name)], async |data| {
            for statement in &statements {
                sql(&ring(data), statement).await;
            }
        })
        .await;
        if name == "key-not-destroyed" || name == "key-missing" {
            assert!(said["layers"]["keys"]["fault"]["stream"].is_string(), "{said}");
        }
    }
    says(&world, &[("keys", "ring-missing")], async |data| fs::remove_file(ring(data)).unwrap()).await;
    says(&world, &[("keys", "ring-damaged")], async |data| edit(&ring(data), |bytes| bytes.truncate(5_000))).await;
    says(&world, &[("keys", "ring-damaged")], async |data| edit(&ring(data), Vec::clear)).await;
    let master = |data: &Path| data.join("keys/master.key");
    says(&world, &[("keys", "master-key-missing")], async |data| fs::remove_file(master(data)).unwrap()).await;
    says(&world, &[("keys", "master-key-damaged")], async |data| edit(&master(data), Vec::clear)).await;
    // Of a key that was made and never used is only told.
    let orphan = "INSERT INTO generation SELECT x'04000102030405060708090a0b0c0d0e0f', 0, wrapped, 1 FROM generation \
        WHERE destroyed = 1";
    let told = says(&world, &[], async |data| sql(&ring(data), orphan).await).await;
    assert!(told["layers"]["keys"]["notes"][0].as_str().unwrap().starts_with("1 keys are of streams"), "{told}");
}

#[tokio::test]
async fn what_is_changed_in_the_reactions_checkpoint_is_named() {
    let world = World::new().await;
    let path = |data: &Path| data.join("reactions.checkpoint");
    let text = fs::read_to_string(path(world.path())).unwrap();
    let (ledger, place) = text.trim().rsplit_once('.').unwrap();
    let (place, records) = (place.parse::<u64>().unwrap(), fsck(world.path(), &[]).count("log", "records"));
    let write = |data: &Path, text: String| fs::write(path(data), text).unwrap();
    let unreadable = [("reactions", "checkpoint-unreadable")];
    says(&world, &unreadable, async |data| write(data, "five".into())).await;
    says(&world, &unreadable, async |data| fs::write(path(data), [0xff; 8]).unwrap()).await;
    let unread = copy(world.path());
    fs::remove_file(path(unread.path())).unwrap();
    fs::create_dir(path(unread.path())).unwrap();
    let said = fsck(unread.path(), &[]);
    assert_eq!(
        (said.code, said.faults().len()),
        (1, 0),
        "what cannot be read is not known to be wrong: {:#}",
        said.json
    );
    let why = said.json["layers"]["reactions"]["unchecked"].as_str().unwrap();
    assert!(why.contains("reactions.checkpoint"), "{why}");
    let foreign = [("reactions", "checkpoint-foreign")];
    says(&world, &foreign, async |data| write(data, format!("{:032}.1.{place}", 7))).await;
    let beyond = [("log", "log-short"), ("reactions", "checkpoint-beyond-log")];
    says(&world, &beyond, async |data| write(data, format!("{ledger}.{}", records + 1))).await;
    says(&world, &[], async |data| write(data, format!("{ledger}.{}", place - 1))).await;
    says(&world, &[], async |data| fs::remove_file(path(data)).unwrap()).await;
}

#[tokio::test]
async fn what_is_changed_in_the_views_is_named() {
    let world = World::new().await;
    let views = |data: &Path| data.join("views.sqlite");
    let (first, newest) = ("(SELECT min(document) FROM document)", "(SELECT max(document) FROM document)");
    for (name, statement, part) in [
        ("row-differs", format!("UPDATE document SET abstract = 'Khác' WHERE document = {first}"), "another abstract"),
        ("row-differs", format!("DELETE FROM document_fact WHERE document = {newest}"), "is missing"),
        ("row-differs", "INSERT INTO search_text VALUES (999999, 'a', 'b')".to_owned(), "is there"),
        ("row-differs", "UPDATE work_item SET place = place + 1000000".to_owned(), "work_item"),
        ("row-differs", "UPDATE read_model SET records = records + 1".to_owned(), "another records"),
        ("row-differs", "DROP TRIGGER search_text_added".to_owned(), "search_text_added"),
        ("row-differs", "CREATE TRIGGER t AFTER INSERT ON holding BEGIN SELECT 1; END".to_owned(), "t: this trigger"),
        ("views-beyond-log", "UPDATE read_model SET position = position || '0'".to_owned(), "newest copy"),
        (
            "views-foreign",
            "UPDATE read_model SET position = '00000000000000000000000000000007.1.2'".to_owned(),
            "ledger",
        ),
        ("views-outdated", "UPDATE read_model SET version = 99 WHERE name = 'document'".to_owned(), "another version"),
        ("views-damaged", "UPDATE read_model SET position = 'x'".to_owned(), "not a position"),
        ("views-damaged", "DROP TABLE holding".to_owned(), "holding"),
        (
            "views-damaged",
            "UPDATE search_index_data SET block = zeroblob(20) WHERE id > 100".to_owned(),
            "search_index",
        ),
    ] {
        let said = says(&world, &[("views", name)], async |data| sql(&views(data), &statement).await).await;
        let message = said["layers"]["views"]["fault"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{statement}: {message}");
        assert!(!message.contains("Khác"), "content is told: {message}");
    }
    // A document that is not found any more, though its row is as it was.
    let forgotten = copy(world.path());
    let forget = "INSERT INTO search_index(search_index, rowid, words, codes) \
        SELECT 'delete', document, words, codes FROM search_text ORDER BY document LIMIT 1";
    sql(&views(forgotten.path()), forget).await;
    assert_eq!(fsck(forgotten.path(), &[]).code, 0, "only --deep reads the search index");
    let said = fsck(forgotten.path(), &["--deep"]);
    assert_eq!((said.code, said.fault("views")), (14, Some("row-differs")), "{:#}", said.json);
    let message = said.json["layers"]["views"]["fault"]["message"].as_str().unwrap();
    assert!(message.starts_with("search_index: the row term …, doc "), "{message}");
    says(&world, &[("views", "views-damaged")], async |data| edit(&views(data), |bytes| bytes.truncate(9_000))).await;
    says(&world, &[("views", "views-damaged")], async |data| fs::write(views(data), "no database").unwrap()).await;
    says(&world, &[], async |data| fs::remove_file(views(data)).unwrap()).await;
    says(&world, &[], async |data| edit(&views(data), Vec::clear)).await;
}

#[tokio::test]
async fn what_is_changed_among_the_files_is_named() {
    let world = World::new().await;
    let file = |data: &Path| blob(data, &world.kept.file);
    let missing = says(&world, &[("files", "file-missing")], async |data| fs::remove_file(file(data)).unwrap()).await;
    assert_eq!(missing["layers"]["files"]["fault"]["stream"], world.kept.document, "{missing}");
    let damaged = [("files", "file-damaged")];
    says(&world, &damaged, async |data| edit(&file(data), |bytes| bytes[3] ^= 1)).await;
    says(&world, &damaged, async |data| edit(&file(data), |bytes| bytes.truncate(3))).await;
    says(&world, &damaged, async |data| {
        // Another file, whole, under this one's name.
        fs::copy(blob(world.before_erasure.path(), &world.erased.file), file(data)).map(drop).unwrap();
    })
    .await;
    assert!(!blob(world.path(), &world.erased.file).exists());
    // The file of the erased document comes back with its time, or as somebody else's upload.
    let back = |data: &Path, times: &str| {
        let from = blob(world.before_erasure.path(), &world.erased.file);
        let copied = std::process::Command::new("cp").arg(times).arg(from).arg(blob(data, &world.erased.file)).status();
        assert!(copied.unwrap().success());
    };
    let not_erased = [("files", "file-not-erased")];
    let said = says(&world, &not_erased, async |data| back(data, "--preserve=timestamps")).await;
    assert_eq!(said["layers"]["files"]["fault"]["stream"], world.erased.document, "{said}");
    let again = says(&world, &[], async |data| back(data, "--no-preserve=timestamps")).await;
    assert!(again["layers"]["files"]["notes"][0].as_str().unwrap().contains("after the erasure"), "{again}");
    assert!(again["layers"]["files"]["counts"]["files of no document"] == 1, "{again}");
}

#[tokio::test]
async fn what_is_changed_in_the_notarys_store_is_named() {
    let world = World::new().await;
    let of = |name: &'static str| move |data: &Path| data.join("notary").join(name);
    let (entries, checkpoint) = (of("entries"), of("checkpoint"));
    let damaged = [("notary", "notary-damaged")];
    let flipped = says(&world, &damaged, async |data| edit(&entries(data), |bytes| bytes[32 * 7] ^= 1)).await;
    let message = flipped["layers"]["notary"]["fault"]["message"].as_str().unwrap();
    assert!(message.starts_with("item 7 of entries"), "{message}");
    says(&world, &damaged, async |data| edit(&entries(data), |bytes| bytes.truncate(64))).await;
    says(&world, &damaged, async |data| edit(&of("positions")(data), |bytes| bytes[8] ^= 2)).await;
    says(&world, &damaged, async |data| fs::remove_file(of("positions")(data)).unwrap()).await;
    // What is written for the next checkpoint is nobody's business yet.
    says(&world, &[], async |data| edit(&entries(data), |bytes| bytes.extend([7; 40]))).await;

    let signature = [("notary", "notary-signature-wrong")];
    says(&world, &[("notary", "notary-missing")], async |data| fs::remove_file(checkpoint(data)).unwrap()).await;
    says(&world, &[("notary", "notary-missing")], async |data| fs::remove_dir_all(data.join("notary")).unwrap()).await;
    says(&world, &signature, async |data| {
        edit(&checkpoint(data), |bytes| {
            // The first letter of the root.
            let root = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
            bytes[root] = if bytes[root] == b'A' { b'B' } else { b'A' };
        });
    })
    .await;
    says(&world, &signature, async |data| fs::write(checkpoint(data), "no note").unwrap()).await;

    let key = |data: &Path| data.join("keys/log.key");
    says(&world, &[("notary", "notary-key-wrong")], async |data| {
        edit(&of("log.pub")(data), |bytes| bytes[20] ^= 1);
    })
    .await;
    says(&world, &[("notary", "log-key-missing")], async |data| fs::remove_file(key(data)).unwrap()).await;
    says(&world, &[("notary", "log-key-damaged")], async |data| edit(&key(data), Vec::clear)).await;
}

#[tokio::test]
async fn what_is_changed_in_a_cosigned_checkpoint_is_named() {
    let world = World::new().await;
    let newest = fs::read(world.path().join("notary/checkpoint")).unwrap();
    let witness = SecretKey::new(KeyName::new("witness.example").unwrap(), SignatureKind::Cosignature, &[7; 32]);
    let mut note = Note::parse(&newest).unwrap();
    note.add(cosign(&note, Timestamp::from_micros(1_800_000_000_000_000), &witness).unwrap());
    let log = fs::read_to_string(world.path().join("notary/log.pub")).unwrap();
    let policy = format!("log {log}witness w {} http://127.0.0.1:1\nquorum w\n", witness.public());
    let set = |data: &Path, cosigned: &str| {
        fs::write(data.join("witnesses.txt"), &policy).unwrap();
        fs::write(data.join("notary/cosigned"), cosigned).unwrap();
    };
    let cosigned = note.to_string();
    let good = says(&world, &[], async |data| set(data, &cosigned)).await;
    assert_eq!(good["layers"]["notary"]["counts"]["witnesses"], 1, "{good}");
    // Before the line end: the last bits of the signature.
    let last = cosigned.trim_end().len() - 3;
    let mut forged = cosigned.clone().into_bytes();
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let wrong = [("notary", "cosigned-wrong")];
    says(&world, &wrong, async |data| set(data, std::str::from_utf8(&forged).unwrap())).await;
    says(&world, &wrong, async |data| {
        set(data, &cosigned);
        // The notary's store is an older copy.
        fs::copy(world.early.path().join("notary/checkpoint"), data.join("notary/checkpoint")).unwrap();
    })
    .await;
    let unsigned = says(&world, &[], async |data| set(data, std::str::from_utf8(&newest).unwrap())).await;
    assert!(unsigned["layers"]["notary"]["notes"][0].as_str().unwrap().contains("not enough"), "{unsigned}");
}

#[test]
fn what_is_not_there_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let said = fsck(empty.path(), &[]);
    assert_eq!((said.code, said.fault("log")), (10, Some("log-missing")), "{:#}", said.json);
}
