use std::{collections::BTreeMap, fs, path::Path};

use socai_commands::{CHECKPOINT, Checkpoints as _, Envelope, Requester};
use socai_domain::{
    id::{CommandId, PersonId},
    ledger::StreamId,
    organ::{self, register::RegisterOrgan},
    text::{OrganCode, ShortText},
};
use uuid::Uuid;

use super::*;
use crate::{
    clock::SystemClock, data::DataLock, keyring::MasterKey, keys::KeysError, log::OpenLogError, ports::FileCheckpoints,
};

fn config(data: &Path) -> Config {
    let flags = BTreeMap::from([("data", data.to_str().unwrap().to_owned()), ("segment_mib", "1".to_owned())]);
    let config = Config::load(&flags, |_| None).unwrap();
    drop(DataLock::make(data).unwrap());
    crate::files::make_private_dir(config.master_key.parent().unwrap()).unwrap();
    MasterKey::generate().unwrap().save(&config.master_key).unwrap();
    LogKey::make(&config.log_key).unwrap();
    config
}

fn registering(code: &str, command: u128) -> (StreamId, Envelope, RegisterOrgan) {
    let register = RegisterOrgan {
        code: OrganCode::new(code).unwrap(),
        name: ShortText::new("Sở Ví Dụ").unwrap(),
        title: ShortText::new("Quản trị viên").unwrap(),
        administrator: PersonId::new(Uuid::from_u128(8)),
    };
    let organ = register.organ();
    let envelope = Envelope::of(organ, Requester::System, CommandId::new(Uuid::from_u128(command)));
    (organ::stream(organ), envelope, register)
}

/// A ledger with an organ, ended in good order.
async fn ledger(data: &Path) -> Config {
    let config = config(data);
    let app = App::open(&config, Arc::new(SystemClock)).await.unwrap();
    let (organ, envelope, register) = registering("H99.05", 1);
    app.handler.execute(organ, envelope, register).await.unwrap();
    // The last records may come after the reactions' last look.
    let head = app.log().head().await.unwrap().position;
    app.close().await.unwrap();
    FileCheckpoints::new(&config.data).save(CHECKPOINT, head).await.unwrap();
    config
}

async fn refused(config: &Config) -> AppError {
    Store::open(config, Arc::new(SystemClock)).await.err().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_checkpoint_names_is_never_cut_nor_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let config = ledger(&directory.path().join("data")).await;
    let log = config.data.join("log");
    // The last byte that was written is wrong, and nothing tells of an end in good order.
    fs::remove_file(log.join("closed")).unwrap();
    let is_segment = |path: &std::path::PathBuf| fs::metadata(path).unwrap().len() == 1 << 20;
    let segment = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).find(is_segment).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 0x10;
    fs::write(&segment, &bytes).unwrap();
    let error = refused(&config).await;
    assert!(matches!(error, AppError::NotThisLog { source: OpenLogError::Short { .. }, .. }), "{error}");
    assert!(error.to_string().contains("is known to have been in it"), "{error}");
    assert!(error.to_string().contains("reactions.checkpoint"), "{error}");
    assert!(fs::read(&segment).unwrap() == bytes, "left as it is");

    // What the notary signed was acknowledged, too, however far the reactions came.
    let known = crate::known(&config).unwrap();
    assert_eq!(known.signed, known.place());
    for signed in [false, true] {
        if signed {
            fs::remove_file(config.data.join("reactions.checkpoint")).unwrap();
        } else {
            let early = known.position.unwrap().with_place(0);
            FileCheckpoints::new(&config.data).save(CHECKPOINT, early).await.unwrap();
        }
        let error = refused(&config).await;
        assert!(matches!(error, AppError::NotThisLog { source: OpenLogError::Short { .. }, .. }), "{error}");
        let known = crate::known(&config).unwrap();
        let fault = crate::verify::verify(&log, None, known, |_| ()).unwrap_err();
        assert!(matches!(fault, crate::verify::Fault::Wrong(_)), "{fault}");
        assert!(fs::read(&segment).unwrap() == bytes, "left as it is");
    }

    fs::remove_dir_all(&log).unwrap();
    let error = refused(&config).await;
    assert!(matches!(error, AppError::NotThisLog { source: OpenLogError::Missing(_), .. }), "{error}");
    assert!(!log.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_log_is_served_after_what_tells_of_the_newer_one_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let config = ledger(&directory.path().join("data")).await;
    let (log, older) = (config.data.join("log"), directory.path().join("older"));
    fs::create_dir(&older).unwrap();
    for entry in fs::read_dir(&log).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, older.join(path.file_name().unwrap())).unwrap();
    }
    let app = App::open(&config, Arc::new(SystemClock)).await.unwrap();
    let (organ, envelope, register) = registering("H99.06", 2);
    app.handler.execute(organ, envelope, register).await.unwrap();
    let head = app.log().head().await.unwrap().position;
    app.close().await.unwrap();
    // The last records may come after the reactions' last look.
    FileCheckpoints::new(&config.data).save(CHECKPOINT, head).await.unwrap();
    fs::remove_dir_all(&log).unwrap();
    fs::rename(&older, &log).unwrap();
    let error = refused(&config).await.to_string();
    assert!(error.contains("first keep a copy of the files") && error.contains("`origin`"), "{error}");
    for path in [config.data.join("reactions.checkpoint"), config.views.path().unwrap().to_owned()] {
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        fs::remove_file(path).unwrap();
    }
    // It is served, but the notary has signed the newer one, and says so.
    let error = App::open(&config, Arc::new(SystemClock)).await.unwrap().close().await.unwrap_err().to_string();
    assert!(error.contains("fewer than the") && error.contains("`origin`"), "{error}");
    fs::rename(config.notary.path().unwrap(), directory.path().join("aside")).unwrap();
    let config = Config { origin: "another.example".parse().unwrap(), ..config };
    App::open(&config, Arc::new(SystemClock)).await.unwrap().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_look_into_what_is_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let config = ledger(&directory.path().join("data")).await;
    let mut looked_at = 0;
    let mut folders = vec![config.data.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).chain([folder.clone()]) {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}: {mode:o}", path.display());
            looked_at += 1;
            if path.is_dir() && path != folder {
                folders.push(path);
            }
        }
    }
    assert!(looked_at > 8, "{looked_at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_ring_of_this_ledger_opens_it() {
    let directory = tempfile::tempdir().unwrap();
    let one = ledger(&directory.path().join("one")).await;
    let other = config(&directory.path().join("other"));
    fs::copy(&one.master_key, &other.master_key).unwrap();
    Store::open(&other, Arc::new(SystemClock)).await.unwrap().close().await.unwrap();

    let kept = directory.path().join("ring");
    let ring = |config: &Config| config.key_ring.path().unwrap().to_owned();
    fs::rename(ring(&one), &kept).unwrap();
    let error = refused(&one).await;
    assert!(matches!(error, AppError::Keys(KeysError::Lost(_))), "{error}");
    assert!(!ring(&one).exists(), "no new one is made");
    fs::copy(ring(&other), ring(&one)).unwrap();
    let error = refused(&one).await;
    assert!(matches!(error, AppError::Keys(KeysError::OtherLedger { .. })), "{error}");
    fs::rename(&kept, ring(&one)).unwrap();
    App::open(&one, Arc::new(SystemClock)).await.unwrap().close().await.unwrap();
}
