//! A line to a cluster on which answers can get lost.

use std::{
    fs::Permissions,
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::Cluster;

/// Stands before a cluster for as long as this lives, and longer for connections that are open.
#[derive(Debug)]
pub struct Line {
    folder: tempfile::TempDir,
    losses: Arc<AtomicU64>,
}

impl Line {
    /// To the cluster; nothing gets lost yet.
    pub fn to(cluster: &Cluster) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("line").permissions(Permissions::from_mode(0o700)).tempdir()?;
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432"))?;
        let losses = Arc::new(AtomicU64::new(0));
        let (target, lost) = (cluster.socket(), Arc::clone(&losses));
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let (target, losses) = (target.clone(), Arc::clone(&lost));
                thread::spawn(move || carry(&near, &target, &losses));
            }
        });
        Ok(Self { folder, losses })
    }

    /// The URL of a database at its end.
    pub fn url(&self, database: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    /// From now on nothing that the server says comes through on the connections that are open, nor that it ends them. Those
    /// that are made later are as they should be.
    pub fn lose_answers(&self) {
        self.losses.fetch_add(1, Ordering::SeqCst);
    }
}

fn carry(near: &UnixStream, target: &Path, losses: &AtomicU64) {
    let since = losses.load(Ordering::SeqCst);
    let lost = || losses.load(Ordering::SeqCst) > since;
    let Ok(far) = UnixStream::connect(target) else { return };
    thread::scope(|both| {
        both.spawn(|| answers(&far, near, &lost));
        questions(near, &far, &lost);
    });
}

fn questions(mut near: &UnixStream, mut far: &UnixStream, lost: &dyn Fn() -> bool) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = near.read(&mut buffer) {
        // A server that has gone is told nothing, and nobody notices.
        if far.write_all(&buffer[..read]).is_err() && !lost() {
            break;
        }
    }
    end(far);
}

fn answers(mut far: &UnixStream, mut near: &UnixStream, lost: &dyn Fn() -> bool) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = far.read(&mut buffer) {
        if !lost() && near.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    if !lost() {
        end(near);
    }
}

fn end(socket: &UnixStream) {
    // It may have ended by itself.
    let _ = socket.shutdown(Shutdown::Both);
}
