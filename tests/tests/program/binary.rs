//! Starting the program.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// The binary: `SOCAI_BIN`, or the one beside these tests.
pub(crate) fn path() -> PathBuf {
    if let Some(given) = std::env::var_os("SOCAI_BIN") {
        return given.into();
    }
    let target = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let path = target.join("socai");
    assert!(path.exists(), "{} is missing: cargo build -p socai", path.display());
    path
}

/// A command of the program, with nothing set but what a test sets.
pub(crate) fn socai() -> Command {
    of_program(&path())
}

/// The same of another build of it.
pub(crate) fn of_program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SOCAI_") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// Runs a subcommand on a data directory to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    socai().args(arguments).arg("--data").arg(data).output().unwrap()
}

/// What a subcommand wrote, if it ended well.
pub(crate) fn told(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running server.
pub(crate) struct Serving {
    child: Child,
    pub(crate) url: String,
}

impl Serving {
    /// Starts a server on any free port, and waits until it listens.
    pub(crate) fn start(data: &Path, settings: &[&str]) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--level", "error", "--data"];
        Self::of(socai().args(serve).arg(data).args(settings))
    }

    /// Starts this, and waits for the line that says where it listens.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines.find_map(|line| {
            let line = line.unwrap();
            let at = line.find("http://").or_else(|| line.find("https://"))?;
            Some(line[at..].trim_end_matches("/graphql").to_owned())
        });
        let url = listening.expect("the server says where it listens");
        // Nobody may have to wait because nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap()
    }

    /// Ends it at once, with whatever it was doing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Takes over a server that was started and read up to here.
    pub(crate) fn adopt(child: Child, lines: impl Iterator<Item = std::io::Result<String>> + Send + 'static) -> Self {
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: String::new() }
    }
}
