//! One server: a process with a data directory of its own, its lines to the engines, and who starts it again.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead as _, BufReader},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    apart::{Apart, SERVES},
    journal::{Journal, pass},
    proxy::Proxy,
};
use crate::binary::{of_program, path};

/// How often it is looked whether the process still runs.
const LOOK: Duration = Duration::from_millis(100);
/// As a supervisor of services waits between two starts.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Server {
    pub(super) number: usize,
    pub(super) data: PathBuf,
    /// To each node of the log's cluster.
    pub(super) to_log: Vec<Proxy>,
    pub(super) to_postgres: Proxy,
    settings: Vec<String>,
    apart: Option<Apart>,
    state: Mutex<State>,
    url: Arc<watch::Sender<Option<String>>>,
    journal: Arc<Journal>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    /// Nobody has taken it down.
    wanted: bool,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Hears what it says, to the end.
    hearing: JoinHandle<()>,
}

impl Server {
    pub(super) fn new(
        number: usize,
        data: PathBuf,
        (to_log, to_postgres): (Vec<Proxy>, Proxy),
        (settings, apart): (Vec<String>, Option<Apart>),
        journal: Arc<Journal>,
    ) -> Self {
        let url = Arc::new(watch::Sender::new(None));
        Self { number, data, to_log, to_postgres, settings, apart, state: Mutex::default(), url, journal }
    }

    /// Where it serves now, if it does.
    pub(super) fn url(&self) -> Option<String> {
        self.url.borrow().clone()
    }

    /// Waits until it says where it serves.
    pub(super) async fn serves(&self) -> String {
        let mut url = self.url.subscribe();
        let found = url.wait_for(Option::is_some).await.expect("the server is still here").clone();
        found.expect("it was waited for")
    }

    fn messages(&self) -> PathBuf {
        self.data.join("messages")
    }

    pub(super) fn start(&self) {
        let mut state = self.state.lock().unwrap();
        state.wanted = true;
        self.spawn(&mut state);
    }

    fn spawn(&self, state: &mut State) {
        let messages = OpenOptions::new().create(true).append(true).open(self.messages()).unwrap();
        // The others are upgraded.
        let older = std::env::var_os("SOCAI_TEST_OLDER").filter(|_| self.number == 0);
        let program = older.map_or_else(path, Into::into);
        let mut command = of_program(&program);
        if let Some(apart) = &self.apart {
            let [nsenter, there @ ..] = apart.enter();
            command = of_program(Path::new(&nsenter));
            command.args(there).arg(program);
        }
        let address = self.apart.as_ref().map_or("127.0.0.1", |_| SERVES);
        // Else what it writes is full of colours.
        command.env("NO_COLOR", "1");
        command
            .args(["serve", "--listen", &format!("{address}:0"), "--level", "info", "--messages", "text", "--data"])
            .arg(&self.data);
        let mut child = command.args(&self.settings).stdout(Stdio::piped()).stderr(messages).spawn().unwrap();
        let (said, url) = (child.stdout.take().unwrap(), Arc::clone(&self.url));
        state.running = Some(Running { child, hearing: std::thread::spawn(move || hear(said, &url)) });
    }

    /// It has ended: it serves nowhere, and where it did if it had come that far.
    fn ended(&self, running: Running) -> Option<String> {
        // Else it could still be heard to say where it serves.
        running.hearing.join().unwrap();
        self.url.send_replace(None)
    }

    /// Starts it again whenever it has ended by itself. Once it served, it must not end.
    pub(super) async fn supervise(self: Arc<Self>) {
        loop {
            pass(LOOK).await;
            let (status, served) = {
                let mut state = self.state.lock().unwrap();
                if !state.wanted {
                    continue;
                }
                let Some(running) = state.running.as_mut() else { continue };
                let Some(status) = running.child.try_wait().unwrap() else { continue };
                let running = state.running.take().expect("it was just looked at");
                (status, self.ended(running).is_some())
            };
            let last = self.last_messages(6);
            if served {
                self.journal.wrong(format_args!("server {} ended by itself, {status}: {last}", self.number));
            } else {
                // What it needs may be away just now.
                self.journal.say(format_args!("server {} did not start, {status}: {last}", self.number));
            }
            pass(PAUSE).await;
            let mut state = self.state.lock().unwrap();
            if state.wanted {
                self.spawn(&mut state);
            }
        }
    }

    /// The last lines of what it wrote that are more than news.
    pub(super) fn last_messages(&self, lines: usize) -> String {
        let all = fs::read_to_string(self.messages()).unwrap_or_default();
        let all: Vec<_> = all.lines().filter(|line| !line.contains(" INFO ")).collect();
        all[all.len().saturating_sub(lines)..].join("\n    ")
    }

    /// Ends it at once, and leaves it down.
    pub(super) fn kill(&self) {
        let mut state = self.state.lock().unwrap();
        state.wanted = false;
        if let Some(mut running) = state.running.take() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
            self.ended(running);
        }
    }

    /// Sends its process this signal, if it runs.
    pub(super) fn signal(&self, signal: &str) {
        let state = self.state.lock().unwrap();
        if let Some(running) = &state.running {
            let sent = Command::new("kill").arg(signal).arg(running.child.id().to_string()).status().unwrap();
            assert!(sent.success());
        }
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn terminate(&self) -> ExitStatus {
        self.signal("-TERM");
        let mut state = self.state.lock().unwrap();
        state.wanted = false;
        let mut running = state.running.take().expect("it runs");
        let status = running.child.wait().unwrap();
        self.ended(running);
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A paused process cannot be waited for; a killed one can.
        self.kill();
    }
}

/// Reads what the process says, so that it never waits for a reader; tells where it serves.
fn hear(said: ChildStdout, url: &watch::Sender<Option<String>>) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        if let Some(serves) = line.strip_prefix("listening on ") {
            url.send_replace(Some(serves.trim_end_matches("/graphql").to_owned()));
        }
    }
}

/// Gives a data directory the keys of another one.
pub(super) fn share_keys(from: &Path, to: &Path) {
    // The program wants it closed to others.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to.join("keys")).unwrap();
    for name in ["keys/master.key", "keys/log.key", "keys/token.pub"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}
