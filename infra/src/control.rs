//! Asking a running server for upkeep: over a socket in its data directory, so that whoever may ask is whoever may write
//! there. A line is asked; lines of JSON are answered, the last one with the outcome.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use socai_projections::{Progress, Rebuilding, Rebuilds, Rebuilt, Views};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

/// What is asked.
const REBUILD: &str = "rebuild";

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Told {
    /// How far it is.
    Progress {
        /// What it does, in words.
        phase: String,
        /// Records that this phase has taken in.
        done: u64,
        /// Records that it will take in; 0: it does not go by records.
        total: u64,
        /// Records in a second.
        rate: u64,
        /// Seconds that it still takes, as far as that is known.
        left: Option<u64>,
    },
    /// The new views are in place.
    Rebuilt {
        /// Records taken in.
        records: u64,
        /// The digest of the views before, where they could be compared.
        before: Option<String>,
        /// The digest of the new ones.
        after: String,
    },
    /// They are not, and the views are as before.
    Failed(String),
}

impl From<Progress> for Told {
    fn from(progress: Progress) -> Self {
        Self::Progress {
            phase: progress.phase.name().to_owned(),
            done: progress.done,
            total: progress.total,
            rate: progress.rate,
            left: progress.left.map(|left| left.as_secs()),
        }
    }
}

impl From<Result<Rebuilt, String>> for Told {
    fn from(outcome: Result<Rebuilt, String>) -> Self {
        match outcome {
            Ok(rebuilt) => Self::Rebuilt {
                records: rebuilt.records,
                before: rebuilt.before.map(|before| before.to_string()),
                after: rebuilt.digest.to_string(),
            },
            Err(why) => Self::Failed(why),
        }
    }
}

fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The server's end.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens in a data directory that is this program's alone.
    ///
    /// # Errors
    /// The path is longer than the system takes for a socket (about 100 bytes), or the directory cannot be written to.
    pub fn listen(data: &Path) -> io::Result<Self> {
        let path = socket(data);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers until it is dropped.
    pub async fn run(self, views: Views, rebuilds: Rebuilds) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (views, rebuilds) = (views.clone(), rebuilds.clone());
                    tokio::spawn(async move {
                        // Who asked may have gone; what was asked for goes on.
                        let _ = answer(stream, &views, &rebuilds).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the socket for upkeep");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // If it stays, the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, views: &Views, rebuilds: &Rebuilds) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if line.trim_end() != REBUILD {
        return tell(&mut stream, &Told::Failed(format!("this server only knows: {REBUILD}"))).await;
    }
    let rebuilds = rebuilds.clone();
    // In a task of its own: it is asked for even if whoever asks goes away.
    let mut rebuilt = tokio::spawn(async move { rebuilds.ask().await });
    let mut state = views.rebuilding();
    loop {
        tokio::select! {
            outcome = &mut rebuilt => {
                let outcome = outcome.unwrap_or_else(|error| Err(error.to_string()));
                return tell(&mut stream, &outcome.into()).await;
            }
            changed = state.changed() => {
                let now = state.borrow_and_update().clone();
                if let (Ok(()), Rebuilding::Running(progress)) = (changed, now) {
                    tell(&mut stream, &progress.into()).await?;
                }
            }
        }
    }
}

async fn tell(stream: &mut BufReader<UnixStream>, told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await
}

/// Asks the server of a data directory to build its views anew, and waits for the outcome. None: no server listens there.
pub async fn rebuild(data: &Path, mut progress: impl FnMut(&Told)) -> io::Result<Option<Told>> {
    let stream = match UnixStream::connect(socket(data)).await {
        Ok(stream) => stream,
        Err(error) => {
            // Of a path that is too long, the server had no socket, either.
            let nobody = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused, io::ErrorKind::InvalidInput];
            return if nobody.contains(&error.kind()) { Ok(None) } else { Err(error) };
        }
    };
    let mut stream = BufReader::new(stream);
    stream.write_all(format!("{REBUILD}\n").as_bytes()).await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let told: Told = serde_json::from_str(&line)?;
        if !matches!(told, Told::Progress { .. }) {
            return Ok(Some(told));
        }
        progress(&told);
        line.clear();
    }
    Err(io::Error::other("the server stopped; the rebuild goes on at its next start"))
}
