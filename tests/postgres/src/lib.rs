//! A throw-away cluster of `PostgreSQL` for tests and benches: real server, settings that it comes with, on a socket of its own.

mod line;

use std::{
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub use line::Line;
use sqlx::postgres::PgConnectOptions;

/// Where Debian puts the server's programs, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A running cluster; stopped and removed when dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// Makes and starts one among the temporary files. The error says what is missing.
    pub fn start() -> io::Result<Self> {
        Self::start_in(&std::env::temp_dir())
    }

    /// The same in this folder: for benches, as temporary files may be in memory.
    pub fn start_in(folder: &Path) -> io::Result<Self> {
        let cluster = Self::empty_in(folder)?;
        cluster
            .run("initdb", &["--auth=trust", "--username=postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])?;
        cluster.restart("")?;
        Ok(cluster)
    }

    /// Starts the server again, on this port of loopback alone, where it speaks TLS with this certificate and key (PEM).
    pub fn secure(&self, port: u16, certificate: &str, key: &str) -> io::Result<()> {
        let [of_certificate, of_key] = ["server.crt", "server.key"].map(|name| self.data().join(name));
        std::fs::write(of_certificate, certificate)?;
        std::fs::write(&of_key, key)?;
        std::fs::set_permissions(&of_key, Permissions::from_mode(0o600))?;
        give_to_server(&of_key)?;
        self.restart(&format!("-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c ssl=on"))
    }

    /// Starts the server again, on this address too, at its usual port, where it trusts whoever comes: for a network of the test's
    /// own.
    pub fn listen(&self, address: &str) -> io::Result<()> {
        let access = self.data().join("pg_hba.conf");
        let known = std::fs::read_to_string(&access)?;
        std::fs::write(&access, format!("{known}host all all samenet trust\n"))?;
        self.restart(&format!("-c listen_addresses={address}"))
    }

    fn empty_in(folder: &Path) -> io::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("pg").permissions(Permissions::from_mode(0o700)).tempdir_in(folder)?;
        let cluster = Self { folder, programs: programs()? };
        give_to_server(cluster.data())?;
        Ok(cluster)
    }

    /// A hot standby of this one, as it is now; it follows while both run, and answers questions.
    pub fn standby(&self) -> io::Result<Self> {
        let standby = Self::empty_in(self.data().parent().expect("it was made in a folder"))?;
        let of = self.data().display().to_string();
        let arguments = ["-h", &of, "-U", "postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"];
        standby.run("pg_basebackup", &arguments)?;
        // Of the primary's socket, which is among its data here.
        std::fs::remove_file(standby.data().join(".s.PGSQL.5432.lock"))?;
        standby.restart("")?;
        Ok(standby)
    }

    /// Dies, and its standby takes its place: who connects to this one's socket finds that one.
    pub fn fail_over(&self, standby: &Self) -> io::Result<()> {
        self.stop()?;
        // The server removes it where it ends in good order.
        let _ = std::fs::remove_file(self.socket());
        std::os::unix::fs::symlink(standby.socket(), self.socket())?;
        standby.run("pg_ctl", &["-w", "promote"])
    }

    /// How to connect to the database `postgres` as its superuser.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(self.data()).username("postgres").database("postgres")
    }

    /// The URL of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        let socket = self.data().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    /// Where it takes connections: for a proxy in front of it.
    pub fn socket(&self) -> PathBuf {
        self.data().join(".s.PGSQL.5432")
    }

    /// Starts the server again, with options of `postgres` itself such as `-c max_connections=5`. Data stays.
    pub fn restart(&self, options: &str) -> io::Result<()> {
        let _ = self.stop();
        let socket = self.data().display().to_string();
        let log = self.data().join("log").display().to_string();
        let options = format!("-c listen_addresses= -c unix_socket_directories={socket} {options}");
        self.run("pg_ctl", &["-w", "-l", &log, "-o", &options, "start"]).map_err(|error| {
            io::Error::other(format!("{error}: {}", std::fs::read_to_string(&log).unwrap_or_default()))
        })
    }

    /// Stops the server as a crash does: nothing is finished, connections are cut.
    pub fn stop(&self) -> io::Result<()> {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"])
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// One of the server's programs on this cluster, as a user whom the server accepts.
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<()> {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // A server that is started keeps what it is given open: it must not be a pipe that somebody reads to its end.
        let said = self.data().with_extension("said");
        let file = std::fs::File::create(&said)?;
        command.arg("-D").arg(self.data()).args(arguments).stdout(file.try_clone()?).stderr(file);
        let status = command.current_dir("/").status()?;
        let told = std::fs::read_to_string(&said).unwrap_or_default();
        std::fs::remove_file(&said)?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}: {told}"))) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The server refuses root, and wants what it uses to be its own.
fn give_to_server(path: &Path) -> io::Result<()> {
    if is_root() { done(Command::new("chown").arg("postgres").arg(path)) } else { Ok(()) }
}

fn done(command: &mut Command) -> io::Result<()> {
    let Output { status, stderr, .. } = command.output()?;
    let told = String::from_utf8_lossy(&stderr);
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}: {told}"))) }
}

fn is_root() -> bool {
    // The owner of what this process opens is the process's own user.
    std::fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
}

/// The folder of the newest version's programs.
fn programs() -> io::Result<PathBuf> {
    let missing = || io::Error::other("no server of PostgreSQL is installed: apt-get install postgresql");
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let found = std::fs::read_dir(VERSIONS).map_err(|_| missing())?.filter_map(|entry| entry.ok().map(|of| of.path()));
    let newest = found.filter(|path| path.join("bin/initdb").is_file()).max_by_key(|path| version(path));
    newest.map(|path| path.join("bin")).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_stopped_and_its_folder_removed() {
        let cluster = Cluster::start().expect("a server starts");
        let (folder, pid) = (cluster.data().to_owned(), cluster.data().join("postmaster.pid"));
        let pid = std::fs::read_to_string(pid).expect("it runs").lines().next().expect("its id comes first").to_owned();
        assert!(Path::new("/proc").join(&pid).exists());
        drop(cluster);
        assert!(!folder.exists());
        // It ends a little after it has said so; whoever inherits it may leave it a zombie.
        let runs = || {
            let stat = std::fs::read_to_string(Path::new("/proc").join(&pid).join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
        };
        let began = std::time::Instant::now();
        while runs() {
            assert!(began.elapsed() < std::time::Duration::from_secs(20), "process {pid} still runs");
            std::thread::yield_now();
        }
    }
}
