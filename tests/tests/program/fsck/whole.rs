//! What is whole is said to be whole, and not a byte of it is touched.

use std::{
    fs,
    io::Read as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use super::world::{World, blob, copy, everything, fsck};
use crate::binary::{path, run, text};

#[tokio::test]
async fn a_whole_data_directory_is_whole_and_stays_as_it_is() {
    let world = World::new().await;
    let scratch = tempfile::tempdir().unwrap();
    let before = everything(world.path());
    for more in [&[] as &[&str], &["--deep"], &["--only", "keys,views"]] {
        let mut command = Command::new(path());
        command.args(["fsck", "--json", "--data"]).arg(world.path()).args(more).env("TMPDIR", scratch.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        assert!(everything(world.path()) == before, "a file was changed, made or removed");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing is left of the rebuild");
    }
    let said = fsck(world.path(), &["--deep"]);
    assert!(said.count("log", "segments") >= 2 && said.count("index", "side files") >= 1, "{:#}", said.json);
    assert_eq!(said.count("keys", "streams"), said.count("log", "streams"));
    let opened = said.count("keys", "records opened") + said.count("keys", "records erased");
    assert_eq!(opened, said.count("log", "records"));
    assert!(said.count("keys", "records erased") > 0 && said.count("views", "rows") > 100, "{:#}", said.json);
    assert_eq!(said.count("views", "records"), said.count("log", "records"));
    let reacted = said.count("reactions", "records done") + said.count("reactions", "records to do");
    assert_eq!(reacted, said.count("log", "records"));
    assert!(said.count("files", "files") >= 1);
    // For people, with the head to keep.
    let told = text(&run(world.path(), &["fsck"]).stdout);
    for line in ["log        whole    records: ", "files      whole    ", "head       "] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let head = said.json["head"].as_str().unwrap();
    assert_eq!(fsck(world.path(), &["--expect", head]).code, 0);
    assert_eq!(run(world.path(), &["fsck", "--only", "tree"]).status.code(), Some(2));
}

/// Stopped while it reads a file: here one that never comes to its end.
#[tokio::test]
async fn it_can_be_interrupted_and_leaves_nothing() {
    let world = World::new().await;
    let (data, scratch) = (copy(world.path()), tempfile::tempdir().unwrap());
    let file = blob(data.path(), &world.kept.file);
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let mut command = Command::new(path());
    command.args(["fsck", "--data"]).arg(data.path()).env("TMPDIR", scratch.path()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    // Opens when the other side does: the views were rebuilt before.
    let writing = fs::OpenOptions::new().write(true).open(&file).unwrap();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "the rebuild has a place of its own");
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("interrupted: nothing was changed"), "{told}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    drop(writing);
}

/// Takes every right to write from all that is there, and gives it to somebody who is nobody here.
fn read_only(directory: &Path, owner: Option<u32>) {
    let mut all = vec![directory.to_owned()];
    while let Some(path) = all.pop() {
        let is_dir = path.is_dir();
        if is_dir {
            all.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        if owner.is_some() {
            std::os::unix::fs::chown(&path, owner, owner).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(if is_dir { 0o500 } else { 0o400 })).unwrap();
    }
}

fn writable(directory: &Path) {
    let mut all = vec![directory.to_owned()];
    while let Some(path) = all.pop() {
        if path.is_dir() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            all.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

/// As another user, if the tests are run by who may be anybody; else by who took their own rights away.
#[tokio::test]
async fn a_copy_that_can_only_be_read_is_checked_as_well() {
    const NOBODY: u32 = 65_534;
    let world = World::new().await;
    // As it was left in good order, and as a killed server leaves it.
    let mut serving = world.serve();
    let administrator = world.office.administrator(&serving.url);
    assert!(administrator.ask("{ ledger { engine } }", serde_json::json!({})).await["data"].is_object());
    let clean = copy(world.before_erasure.path());
    serving.kill();
    let killed = copy(world.path());
    assert!(killed.path().join("views.sqlite-wal").exists(), "the server left no write-ahead log");
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0;
    // Where both users may look.
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o777)).unwrap();
    for directory in [clean.path(), killed.path()] {
        read_only(directory, is_root.then_some(NOBODY));
        let before = everything(directory);
        let mut command = Command::new(path());
        command.args(["fsck", "--json", "--data"]).arg(directory).env("TMPDIR", scratch.path()).current_dir("/");
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        assert!(everything(directory) == before, "a file was changed, made or removed");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing is left of the rebuild");
        writable(directory);
    }
}

#[tokio::test]
async fn files_of_no_document_are_named_as_far_as_a_hundred_and_the_rest_counted() {
    let world = World::new().await;
    let data = copy(world.path());
    let hashes: Vec<String> = (0_u8..103).map(|number| format!("{number:02x}").repeat(32)).collect();
    for (made, hash) in hashes.iter().rev().enumerate() {
        let file = blob(data.path(), hash);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, b"%PDF").unwrap();
        if ![0, 99, 102].contains(&made) {
            continue;
        }
        let said = fsck(data.path(), &["--only", "files"]);
        let unattached = &said.json["layers"]["files"]["unattached"];
        let all = &hashes[hashes.len() - 1 - made..];
        let first = &all[..all.len().min(100)];
        assert_eq!((said.code, &unattached["first"]), (0, &json!(first)), "{unattached:#}");
        assert_eq!(unattached["more"], all.len() - first.len());
        assert_eq!(said.count("files", "files of no document"), all.len() as u64);
    }
    let told = text(&run(data.path(), &["fsck", "--only", "files"]).stdout);
    let named = |hash: &&String| told.contains(&format!("of no document: {hash}\n"));
    assert!(hashes[..100].iter().all(|hash| named(&hash)) && !hashes[100..].iter().any(|hash| named(&hash)), "{told}");
    assert!(told.contains("and 3 more of no document") && !told.contains(&world.kept.file), "{told}");
}
