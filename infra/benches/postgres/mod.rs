//! A throw-away cluster of `PostgreSQL` with the settings that it comes with, on a socket of its own.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::postgres::PgConnectOptions;

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// A running cluster; stopped when dropped.
pub(crate) struct Cluster(PathBuf);

/// As the user whom the server accepts.
fn run(command: &str, arguments: &[&str]) -> bool {
    let path = format!("{BIN}/{command}");
    let mut command = Command::new("runuser");
    let status = command.args(["-u", "postgres", "--", &path]).args(arguments).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Cluster {
    /// None where there is no server to start.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let cluster = folder.join("cluster");
        let made = Command::new("install").args(["-d", "-o", "postgres"]).arg(&cluster).status();
        // The server's user goes through the folders above.
        let open = Command::new("chmod").arg("o+x").arg(folder).status();
        if !made.is_ok_and(|made| made.success()) || !open.is_ok_and(|open| open.success()) {
            return None;
        }
        let place = cluster.to_str()?;
        let log = cluster.join("log");
        let options = format!("-c listen_addresses= -c unix_socket_directories={place}");
        let started = run("initdb", &["-D", place, "--auth=trust", "--no-sync", "-E", "UTF8"])
            && run("pg_ctl", &["-D", place, "-w", "-l", log.to_str()?, "-o", &options, "start"]);
        started.then_some(Self(cluster))
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.0).username("postgres").database("postgres")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(place) = self.0.to_str() {
            run("pg_ctl", &["-D", place, "-m", "immediate", "-w", "stop"]);
        }
    }
}
