//! Looks at a configuration before it is served, and says in plain words what is wrong with it. Changes nothing, but puts a probe
//! into a bucket and removes it. Asks a cluster for some seconds at most. What stands in the ledger is `verify`'s and `fsck`'s business.

mod cluster;

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::Serialize;
use socai_domain::proof::{Policy, witness::read_logs};
use socai_graphql::token::Verifier;
use socai_projections::{PostgresUrl, VIEWS_TABLE};

use crate::{
    blobs::{self, Place, Probed},
    config::{Config, Location},
    data::is_in_use,
    files,
    keyring::{self, MasterKey},
    log::building::check_finished,
    log_key::LogKey,
    notary,
    postgres::{Look, Waiting, look},
};

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it must be.
    Good,
    /// To be thought of.
    Note,
    /// To be mended first.
    Wrong,
}

/// What was looked at, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The thing, in a word.
    pub about: &'static str,
    /// How it stands with it.
    pub verdict: Verdict,
    /// Why, and what to do.
    pub text: String,
}

/// Less room than this is not enough to go on, in bytes: a segment of the log is made before it is needed, and on a full disk
/// commands are refused.
const ROOM: u64 = 1 << 30;
/// The clocks of a machine and of its file system may differ by so much.
const APART: Duration = Duration::from_mins(1);

/// Looks at everything that the settings name.
pub fn examine(config: &Config) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    let serving = found.data(&config.data);
    found.keys(config);
    let begun = found.log(config);
    found.databases(config, begun);
    found.files(config);
    found.room(config);
    found.witnesses(config);
    if let Some(identity) = &config.tls {
        found.check("TLS", &identity.certificate, identity.load());
    }
    for (about, address, clear) in
        [("listen", Some(config.listen), config.tls.is_none()), ("metrics", config.metrics_listen, true)]
    {
        if let Some(address) = address {
            found.address(about, address, clear, serving);
        }
    }
    found.0
}

struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, about: &'static str, verdict: Verdict, text: impl Into<String>) {
        self.0.push(Finding { about, verdict, text: text.into() });
    }

    fn check<T>(&mut self, about: &'static str, path: &Path, looked: Result<T, impl ToString>) {
        match looked {
            Ok(_) => self.add(about, Verdict::Good, path.display().to_string()),
            Err(error) => self.add(about, Verdict::Wrong, error.to_string()),
        }
    }

    /// Says, too, whether a server runs on it.
    fn data(&mut self, data: &Path) -> bool {
        let name = data.display();
        match files::open_to_others(data) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("there is no data directory {name}: make one with `socai keygen --data {name}`");
                self.add("data", Verdict::Wrong, text);
            }
            Err(error) => self.add("data", Verdict::Wrong, format!("{name}: {error}")),
            Ok(true) => {
                let text = format!("everybody on this machine may look into {name}: run `chmod 700 {name}`");
                self.add("data", Verdict::Wrong, text);
            }
            Ok(false) => self.add("data", Verdict::Good, name.to_string()),
        }
        let serving = is_in_use(data).unwrap_or(false);
        if serving {
            self.add("data", Verdict::Note, "a server, or another command of socai, is working on it now");
        }
        serving
    }

    fn keys(&mut self, config: &Config) {
        self.check("master key", &config.master_key, MasterKey::load(&config.master_key));
        self.check("log key", &config.log_key, LogKey::load(&config.log_key));
        let public = &config.token_public_key;
        let read = fs::read_to_string(public).map_err(|error| format!("{}: {error}", public.display()));
        let is_key = |pem: String| Verifier::from_pem(&pem).map_err(|error| format!("{}: {error}", public.display()));
        self.check("token key", public, read.and_then(is_key));
        match files::read_secret(&config.token_key) {
            Ok(_) => {
                let text = format!(
                    "{} signs access tokens: a server needs {} alone, keep the other where tokens are given out",
                    config.token_key.display(),
                    public.display()
                );
                self.add("token key", Verdict::Note, text);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.add("token key", Verdict::Wrong, format!("{}: {error}", config.token_key.display())),
        }
    }

    /// Says, too, whether there is a ledger.
    fn log(&mut self, config: &Config) -> bool {
        let begun = match config.log_directory() {
            Some(log) => self.files_of_log(&log),
            None => self.cluster(config),
        };
        // What is in a database is asked for below.
        if let Some(ring) = config.key_ring.path().filter(|ring| begun && !ring.exists()) {
            let text = format!(
                "{} holds a ledger, but its key ring {} is gone: put it back, without it nothing is read",
                config.log_shown(),
                ring.display()
            );
            self.add("key ring", Verdict::Wrong, text);
        }
        begun
    }

    fn files_of_log(&mut self, log: &Path) -> bool {
        let name = log.display();
        let newest = match newest(log) {
            Ok(newest) => newest,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.add("log", Verdict::Wrong, format!("{name}: {error}"));
                return false;
            }
        };
        if let Err(error) = check_finished(log) {
            self.add("log", Verdict::Wrong, error.to_string());
            return newest.is_some();
        }
        let Some(newest) = newest else {
            self.add("log", Verdict::Note, format!("{name} holds no ledger yet: the first start begins one"));
            return false;
        };
        if newest > SystemTime::now() + APART {
            let text = format!(
                "{name} was written in the future: this machine's clock is behind; set it, records would wait for it"
            );
            self.add("clock", Verdict::Wrong, text);
        }
        self.add("log", Verdict::Good, format!("{name}; `socai verify` and `socai fsck` tell whether it is whole"));
        true
    }

    /// What is kept in databases of PostgreSQL.
    fn databases(&mut self, config: &Config, begun: bool) {
        let is_one_of_several = config.log_directory().is_none() && config.notary.path().is_none();
        // Views are made anew where there are none.
        let kept = [
            ("key ring", &config.key_ring, keyring::TABLE, true),
            ("notary", &config.notary, notary::TABLE, true),
            ("views", &config.views, VIEWS_TABLE, false),
        ];
        for (about, at, table, is_missed) in kept {
            if let Location::Postgres(address) = at {
                match look_at(address, table) {
                    Ok(look) if begun && is_missed && !look.there => {
                        let text =
                            format!("the log holds a ledger, but its {about} is not in {address}: restore it there");
                        self.add(about, Verdict::Wrong, text);
                    }
                    Ok(look) if look.standby && !is_missed && is_one_of_several => {
                        let text =
                            format!("{address} is a standby: this server reads there what another one keeps in step");
                        self.add(about, Verdict::Note, text);
                    }
                    Ok(look) => self.database(about, address, &look),
                    Err(error) => self.add(about, Verdict::Wrong, format!("{address}: {error}")),
                }
            }
        }
    }

    fn database(&mut self, about: &'static str, address: &PostgresUrl, look: &Look) {
        let Look { version, syncs, standby, there } = *look;
        if version < OLDEST {
            let text = format!("{address} is PostgreSQL {version}: socai needs {OLDEST} or newer");
            return self.add(about, Verdict::Wrong, text);
        }
        if !syncs {
            let text = format!("{address} has fsync off: after a loss of power what it said is kept may be lost");
            return self.add(about, Verdict::Wrong, text);
        }
        if standby {
            let text = format!("{address} is a standby, to which nothing can be written: name its primary");
            return self.add(about, Verdict::Wrong, text);
        }
        let kept = if there { "holds one" } else { "holds none yet: the first start begins one" };
        self.add(about, Verdict::Good, format!("{address}, PostgreSQL {version}, {kept}"));
    }

    /// The files of documents, where they are kept in a bucket.
    fn files(&mut self, config: &Config) {
        let Place::S3(bucket) = &config.blobs else { return };
        let about = "files";
        match blobs::probe(bucket.clone()) {
            Ok(Probed { keeps_versions: true }) => {
                let text = format!(
                    "{bucket} keeps versions: what is erased stays there as an older one; turn versioning off and remove those, \
                     or have older versions removed after a day (NoncurrentVersionExpiration)"
                );
                self.add(about, Verdict::Wrong, text);
            }
            Ok(Probed { keeps_versions: false }) => {
                self.add(about, Verdict::Good, format!("{bucket}: an object was put there, read and removed"));
            }
            Err(error) => self.add(about, Verdict::Wrong, error.to_string()),
        }
    }

    /// Of the disks on which something grows.
    fn room(&mut self, config: &Config) {
        let mut seen = Vec::new();
        let log = config.log_directory();
        for path in log.as_deref().into_iter().chain(config.views.path()).chain(config.blobs.path()) {
            // What is not there yet will lie on the disk of the nearest directory above.
            let Some(there) = path.ancestors().find(|path| path.exists()) else { continue };
            match rustix::fs::statvfs(there) {
                Ok(disk) if seen.contains(&disk.f_fsid) => {}
                Ok(disk) => {
                    seen.push(disk.f_fsid);
                    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
                    let (free, all) = (bytes(disk.f_bavail), bytes(disk.f_blocks));
                    let verdict = match free {
                        free if free < ROOM => Verdict::Wrong,
                        free if free < all / 10 => Verdict::Note,
                        _ => Verdict::Good,
                    };
                    let text = format!("{} MiB of {} are free at {}", free >> 20, all >> 20, there.display());
                    self.add("room", verdict, text);
                }
                Err(error) => self.add("room", Verdict::Wrong, format!("{}: {error}", there.display())),
            }
        }
    }

    fn witnesses(&mut self, config: &Config) {
        let file = |path: &PathBuf| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        if let Some(path) = &config.witnesses {
            let named = |error| format!("{}: {error}", path.display());
            let policy = file(path).and_then(|bytes| Policy::parse(&bytes).map_err(|error| named(error.to_string())));
            self.check("witnesses", path, policy);
        }
        if let Some(path) = &config.witness_for {
            let logs = fs::read_to_string(path).map_err(|error| error.to_string());
            let logs = logs.and_then(|text| read_logs(&text).map_err(|error| error.to_string()));
            self.check("watched logs", path, logs.map_err(|error| format!("{}: {error}", path.display())));
            self.check("witness key", &config.witness_key, LogKey::load(&config.witness_key));
        }
    }

    fn address(&mut self, about: &'static str, address: SocketAddr, clear: bool, serving: bool) {
        match TcpListener::bind(address) {
            Ok(_) if address.ip().is_loopback() || !clear => self.add(about, Verdict::Good, address.to_string()),
            Ok(_) => {
                let text = format!(
                    "{address} is reached from other machines, and what is sent there is not encrypted: put a proxy with TLS in front, and let it alone reach this address"
                );
                self.add(about, Verdict::Note, text);
            }
            Err(error) if serving && error.kind() == io::ErrorKind::AddrInUse => {
                self.add(about, Verdict::Good, format!("{address}, by what runs now"));
            }
            Err(error) => {
                let text = format!(
                    "nothing can listen on {address}: {error}; choose another with --listen, or stop what is there"
                );
                self.add(about, Verdict::Wrong, text);
            }
        }
    }
}

/// The oldest version that is used.
const OLDEST: i32 = 15;

fn look_at(address: &PostgresUrl, table: &'static str) -> Result<Look, String> {
    let (waiting, address) = (Waiting::new().map_err(|error| error.to_string())?, address.clone());
    waiting.wait(async move { look(&address, table).await }).map_err(|error| error.to_string())
}

/// When the newest segment was written; none without one.
fn newest(log: &Path) -> io::Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in fs::read_dir(log)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "segment") {
            newest = newest.max(Some(entry.metadata()?.modified()?));
        }
    }
    Ok(newest)
}
