//! A server for tests, and a proxy before it that cuts connections at a chosen step.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use socai_projections::PostgresUrl;
use socai_test_postgres::Cluster;

use super::{Waiting, session};

/// A database of its own for a test.
pub(crate) struct Server {
    pub(crate) cluster: Arc<Cluster>,
    waiting: Waiting,
}

impl Server {
    pub(crate) fn start() -> Self {
        let server = Self { cluster: Arc::new(Cluster::start().unwrap()), waiting: Waiting::new().unwrap() };
        // Nothing here loses the page cache.
        server.run("ALTER SYSTEM SET fsync = off");
        server.run("SELECT pg_reload_conf()");
        server
    }

    pub(crate) fn address(&self) -> PostgresUrl {
        self.cluster.url("postgres").parse().unwrap()
    }

    /// Carries out statements.
    pub(crate) fn run(&self, sql: &str) {
        let (address, sql) = (self.address(), sql.to_owned());
        let run = async move {
            let mut session = session(&address).await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut session).await.map(drop)
        };
        self.waiting.wait(run).unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.cluster.options().get_socket().unwrap().join(".s.PGSQL.5432")
    }
}

/// What happens at a step: a message that the server answers with "ready".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The message does not come through, and the connection ends.
    Before,
    /// The server does what it is asked; the connection ends before it is heard.
    After,
    /// The server is stopped as by a crash while it does it, and started again.
    Crash,
}

/// Stands before a server.
pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    plan: Arc<Plan>,
}

struct Plan {
    /// Not for longer than the test has it: threads that wait do not end, and the server would not, either.
    cluster: Weak<Cluster>,
    server: PathBuf,
    /// Steps are counted on connections on which this was said, from then on.
    needle: &'static [u8],
    steps: AtomicU64,
    fault: Mutex<Option<(u64, Cut)>>,
    /// Held while the server is started again: who comes meanwhile waits.
    restarting: Mutex<()>,
}

impl Proxy {
    /// Begins. It counts the steps of connections on which `needle` was said.
    pub(crate) fn start(server: &Server, needle: &'static str) -> Self {
        let folder = tempfile::Builder::new().prefix("px").tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let plan = Arc::new(Plan {
            cluster: Arc::downgrade(&server.cluster),
            server: server.socket(),
            needle: needle.as_bytes(),
            steps: AtomicU64::new(0),
            fault: Mutex::default(),
            restarting: Mutex::default(),
        });
        let of = Arc::clone(&plan);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let plan = Arc::clone(&of);
                thread::spawn(move || drop(plan.carry(&client)));
            }
        });
        Self { folder, plan }
    }

    pub(crate) fn address(&self) -> PostgresUrl {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres:geheim@{socket}/postgres?sslmode=disable").parse().unwrap()
    }

    /// Begins to count anew, with a fault at this step, if any.
    pub(crate) fn plan(&self, fault: Option<(u64, Cut)>) {
        *self.plan.fault.lock().unwrap() = fault;
        self.plan.steps.store(0, Ordering::SeqCst);
    }

    /// The steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.plan.steps.load(Ordering::SeqCst)
    }

    /// Did the fault happen?
    pub(crate) fn has_struck(&self) -> bool {
        self.plan.fault.lock().unwrap().is_none()
    }
}

/// A message: its kind and all its bytes.
fn message(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut bytes = vec![0; 5];
    from.read_exact(&mut bytes)?;
    let length = u32::from_be_bytes(bytes[1..].try_into().unwrap()) as usize;
    bytes.resize(1 + length, 0);
    from.read_exact(&mut bytes[5..])?;
    Ok((bytes[0], bytes))
}

fn end(sockets: [&UnixStream; 2]) {
    for socket in sockets {
        // It may have ended by itself.
        let _ = socket.shutdown(Shutdown::Both);
    }
}

impl Plan {
    fn carry(&self, client: &UnixStream) -> io::Result<()> {
        drop(self.restarting.lock().unwrap());
        let server = UnixStream::connect(&self.server).inspect_err(|_| end([client, client]))?;
        let (to_client, from_server) = (client.try_clone()?, server.try_clone()?);
        let deaf = Arc::new(AtomicBool::new(false));
        let is_deaf = Arc::clone(&deaf);
        let back = thread::spawn(move || drop(answers(&from_server, &to_client, &is_deaf)));
        let carried = self.questions(client, &server, &deaf);
        if !deaf.load(Ordering::SeqCst) {
            end([client, &server]);
        }
        back.join().unwrap();
        carried
    }

    fn questions(&self, mut client: &UnixStream, mut server: &UnixStream, deaf: &AtomicBool) -> io::Result<()> {
        let mut first = vec![0; 4];
        client.read_exact(&mut first)?;
        first.resize(u32::from_be_bytes(first[..].try_into().unwrap()) as usize, 0);
        client.read_exact(&mut first[4..])?;
        server.write_all(&first)?;
        let (mut group, mut counts) = (Vec::new(), self.needle.is_empty());
        loop {
            let (kind, bytes) = message(&mut client)?;
            group.extend_from_slice(&bytes);
            counts |= group.windows(self.needle.len().max(1)).any(|part| part == self.needle);
            if !matches!(kind, b'S' | b'Q') {
                if kind == b'X' {
                    server.write_all(&std::mem::take(&mut group))?;
                }
                continue;
            }
            let cut = if counts { self.step() } else { None };
            match cut {
                None => server.write_all(&std::mem::take(&mut group))?,
                Some(Cut::Before) => return Ok(()),
                Some(Cut::After) => {
                    deaf.store(true, Ordering::SeqCst);
                    return server.write_all(&group);
                }
                Some(Cut::Crash) => {
                    let _others_wait = self.restarting.lock().unwrap();
                    server.write_all(&group)?;
                    if let Some(cluster) = self.cluster.upgrade() {
                        cluster.restart("").unwrap();
                    }
                    return Ok(());
                }
            }
        }
    }

    fn step(&self) -> Option<Cut> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        self.fault.lock().unwrap().take_if(|(at, _)| *at == step).map(|(_, cut)| cut)
    }
}

/// Carries answers back; a deaf client hears nothing, and its connection ends when the server has done what it was asked.
fn answers(mut server: &UnixStream, mut client: &UnixStream, deaf: &AtomicBool) -> io::Result<()> {
    loop {
        let answer = message(&mut server);
        let is_deaf = deaf.load(Ordering::SeqCst);
        match answer {
            Ok((kind, _)) if is_deaf && kind != b'Z' => {}
            Ok((_, bytes)) if !is_deaf => client.write_all(&bytes)?,
            _ => {
                end([client, server]);
                return Ok(());
            }
        }
    }
}
