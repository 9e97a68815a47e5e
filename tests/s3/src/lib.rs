//! A server of S3 for tests, which checks signatures, keeps its objects in a directory, and fails when it is told to.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use s3s::{
    Body, S3Result,
    auth::SimpleAuth,
    host::{S3Host, VirtualHost},
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// The bucket that there is.
pub const BUCKET: &str = "van-ban";
/// Who may use it.
pub const KEY_ID: &str = "khoa-thu";
/// By this.
pub const SECRET: &str = "bi-mat-thu";

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It takes the request and says nothing.
    Hangs,
    /// It closes the connection.
    Cuts,
    /// It says that it is busy.
    Busy,
}

/// What is to go wrong.
#[derive(Clone, Copy, Debug)]
struct Failing {
    /// So many requests are answered first.
    answered: usize,
    /// So many fail then.
    times: usize,
    fault: Fault,
}

type Plan = Arc<Mutex<Option<Failing>>>;

/// A server. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    root: tempfile::TempDir,
    address: SocketAddr,
    plan: Plan,
    running: Option<Runtime>,
}

impl Server {
    /// Starts one on a free port, with an empty bucket.
    pub fn start() -> io::Result<Self> {
        let root = tempfile::tempdir()?;
        std::fs::create_dir(root.path().join(BUCKET))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { root, address: nowhere, plan: Plan::default(), running: None };
        server.run()?;
        Ok(server)
    }

    /// Starts it again where it was, with what it had.
    pub fn run(&mut self) -> io::Result<()> {
        let files = FileSystem::new(self.root.path()).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        service.set_host(Hosts);
        let service = service.build();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind(self.address)?;
        listener.set_nonblocking(true)?;
        self.address = listener.local_addr()?;
        let listener = {
            let _within = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(serve(listener, service, Arc::clone(&self.plan)));
        self.running = Some(runtime);
        Ok(())
    }

    /// Ends it, with all its connections.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.running.take() {
            // Whoever stops it may be a task of another runtime, which must not wait.
            let ended = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(5)));
            let _ = ended.join();
        }
    }

    /// So many requests are still answered; then it fails, until it is told otherwise.
    pub fn fail_after(&self, requests: usize, fault: Fault) {
        self.plan(Some(Failing { answered: requests, times: usize::MAX, fault }));
    }

    /// So many requests fail, and no more.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.plan(Some(Failing { answered: 0, times, fault }));
    }

    /// It fails no more.
    pub fn recover(&self) {
        self.plan(None);
    }

    fn plan(&self, failing: Option<Failing>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = failing;
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the bucket is a host, and not the first step of a path.
    pub fn hosted(&self) -> String {
        format!("http://{HOST}:{}", self.address.port())
    }

    /// What a program finds it by.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ALLOW_HTTP", "true".into()),
            ("AWS_ACCESS_KEY_ID", KEY_ID.into()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
        ]
    }

    /// The file that is the object of this name.
    pub fn object(&self, name: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(name)
    }

    /// Objects below this folder, with all below it.
    pub fn objects(&self, folder: &str) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
        }
        count(&self.object(folder))
    }

    /// Parts of objects that are neither finished nor given up.
    pub fn parts(&self) -> usize {
        let entries = std::fs::read_dir(self.root.path()).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".upload_id-")).count()
    }

    /// The object was stored so long ago.
    pub fn grow_old(&self, name: &str, by: Duration) -> io::Result<()> {
        std::fs::File::open(self.object(name))?.set_modified(SystemTime::now() - by)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(listener: TcpListener, service: S3Service, plan: Plan) {
    while let Ok((connection, _)) = listener.accept().await {
        let (service, plan) = (service.clone(), Arc::clone(&plan));
        let answering = service_fn(move |request| answer(service.clone(), Arc::clone(&plan), request));
        // A connection that breaks is the client's to tell of.
        tokio::spawn(
            async move { drop(http1::Builder::new().serve_connection(TokioIo::new(connection), answering).await) },
        );
    }
}

/// Another name of this machine, which stands for the bucket.
const HOST: &str = "localhost";

struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let found = VirtualHost::new(host);
        Ok(if host.starts_with(HOST) { found.with_bucket(BUCKET) } else { found })
    }
}

/// The connection is to be closed.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

/// Is this request to fail?
fn fault(plan: &Plan) -> Option<Fault> {
    let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
    let failing = plan.as_mut()?;
    if failing.answered > 0 {
        failing.answered -= 1;
        return None;
    }
    failing.times = failing.times.checked_sub(1)?;
    Some(failing.fault)
}

async fn answer(service: S3Service, plan: Plan, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    match fault(&plan) {
        None => hyper::service::Service::call(&service, request).await.map_err(|_| Cut),
        Some(Fault::Hangs) => std::future::pending().await,
        Some(Fault::Cuts) => Err(Cut),
        Some(Fault::Busy) => {
            let mut busy = Response::new(Body::from("<Error><Code>SlowDown</Code></Error>".to_owned()));
            *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(busy)
        }
    }
}
