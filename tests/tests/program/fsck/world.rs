//! A data directory with something in each layer, copies of it, and what `socai fsck` says of them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde_json::Value;
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions},
};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    binary::{Serving, run, text, told},
    office::{Client, Office},
};

pub(super) use crate::office::{Filed, erase, receive, register};

/// The demo's ledger, an office beside it, and one document of it that was erased. The server is stopped.
pub(super) struct World {
    pub(super) office: Office,
    /// Before there was the office.
    pub(super) early: TempDir,
    /// Before the document was erased.
    pub(super) before_erasure: TempDir,
    /// The erased document, and the one that stayed; the hashes of their files.
    pub(super) erased: Filed,
    pub(super) kept: Filed,
}

impl World {
    pub(super) async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        fs::set_permissions(data.path(), fs::Permissions::from_mode(0o700)).unwrap();
        // So small that it is soon full: there is a sealed segment.
        let mut options = FileLogOptions::new(Arc::new(SystemClock));
        options.segment_size = 72 << 10;
        FileLog::open(&data.path().join("log"), options).unwrap().close().await.unwrap();
        told(data.path(), &["demo", "--exit", "--lang", "en"]);
        let early = copy(data.path());

        let office = Office::joining(data, "H98", &SMALL);
        let mut serving = Self::serving(&office);
        let clerks = [office.clerk(&serving.url, "Ngô Thị Lan").await, office.clerk(&serving.url, "Lê Văn Bình").await];
        let [one, other] = clerks.map(|clerk| office.client(&serving.url, &clerk));
        let mut number = 10;
        while !office.path().join("log/00000001.index").exists() {
            number += 1;
            register(&one, &receive(&one, &number.to_string(), "usual").await.document).await;
        }
        let kept = receive(&one, "1", "stays").await;
        let erased = receive(&one, "2", "goes").await;
        register(&one, &kept.document).await;
        register(&one, &erased.document).await;
        assert!(serving.terminate().success());
        let before_erasure = copy(office.path());

        let mut serving = Self::serving(&office);
        let there = |client: Client| Client { url: format!("{}/graphql", serving.url), ..client };
        erase(&there(one), &there(other), &erased.document).await;
        assert!(serving.terminate().success());
        Self { office, early, before_erasure, erased, kept }
    }

    fn serving(office: &Office) -> Serving {
        Serving::start(office.path(), &SMALL)
    }

    pub(super) fn serve(&self) -> Serving {
        Self::serving(&self.office)
    }

    pub(super) fn path(&self) -> &Path {
        self.office.path()
    }
}

/// Segments are copied often.
const SMALL: [&str; 2] = ["--segment-mib", "1"];

/// A copy with all times.
pub(super) fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    replace(from, to.path());
    to
}

/// Puts a copy of `from` in the place of `to`, with all times.
pub(super) fn replace(from: &Path, to: &Path) {
    if to.is_dir() {
        fs::remove_dir_all(to).unwrap();
    } else if to.exists() {
        fs::remove_file(to).unwrap();
    }
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// What `socai fsck` says.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) json: Value,
}

impl Said {
    /// The name of the fault of a layer.
    pub(super) fn fault(&self, layer: &str) -> Option<&str> {
        self.json["layers"][layer]["fault"]["name"].as_str()
    }

    /// The names of all faults, by layer.
    pub(super) fn faults(&self) -> BTreeMap<&str, &str> {
        let layers = self.json["layers"].as_object().unwrap();
        layers.keys().filter_map(|layer| Some((layer.as_str(), self.fault(layer)?))).collect()
    }

    pub(super) fn count(&self, layer: &str, what: &str) -> u64 {
        self.json["layers"][layer]["counts"][what].as_u64().unwrap_or_else(|| panic!("{what}: {:#}", self.json))
    }
}

pub(super) fn fsck(data: &Path, more: &[&str]) -> Said {
    let output = run(data, &[&["fsck", "--json"], more].concat());
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr)));
    Said { code: output.status.code().unwrap(), json }
}

/// Changes an SQLite file.
pub(super) async fn sql(path: &Path, statement: &str) {
    let mut db = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut db).await.unwrap();
    let changes_rows = ["INSERT", "UPDATE", "DELETE"].iter().any(|word| statement.starts_with(word));
    assert!(done.rows_affected() > 0 || !changes_rows, "{statement} changed nothing");
    db.close().await.unwrap();
}

pub(super) fn blob(data: &Path, hash: &str) -> PathBuf {
    data.join("blobs").join(&hash[..2]).join(hash)
}

/// Every file of a directory: its bytes and when it was last written to. Sockets have neither.
pub(super) fn everything(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                all.insert(path.clone(), (fs::read(&path).unwrap(), modified));
            }
        }
    }
    all
}
