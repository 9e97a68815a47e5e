//! The network between one server and one engine, as a proxy on loopback that can be cut, slowed and made to fall silent.
//! It loses answers, too. What it cannot do: lose the packets of a connection that is then found dead by TCP itself. A network
//! namespace can (`apart`), where the machine gives one.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::AbortHandle,
};

use super::journal::pass;

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// As it should be.
    Open,
    /// Connections break, new ones are dropped at once.
    Cut,
    /// Half-dead: connections are taken and kept, nothing goes through. What was sent meanwhile arrives afterwards, late.
    Silent,
    /// Everything takes so much longer.
    Slow(Duration),
}

/// Where the proxy leads.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Ends when dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    line: watch::Sender<Line>,
    /// How often answers got lost.
    losses: watch::Sender<u64>,
    target: Arc<Mutex<Option<Target>>>,
    accepting: AbortHandle,
}

impl Proxy {
    /// On a free port of this address; leads nowhere yet.
    pub(super) async fn start(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        let (line, listening) = watch::channel(Line::Open);
        let (losses, losing) = watch::channel(0);
        let target = Arc::new(Mutex::new(None));
        let accepting = tokio::spawn(accept(listener, listening, losing, Arc::clone(&target))).abort_handle();
        Ok(Self { address, line, losses, target, accepting })
    }

    pub(super) fn leads_to(&self, target: Target) {
        *self.target.lock().unwrap() = Some(target);
    }

    pub(super) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// From now on no answer comes through on the connections that are open, nor that the engine ends them. Those that are made
    /// later are as they should be.
    pub(super) fn lose_answers(&self) {
        self.losses.send_modify(|losses| *losses += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    line: watch::Receiver<Line>,
    losses: watch::Receiver<u64>,
    target: Arc<Mutex<Option<Target>>>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let Some(target) = target.lock().unwrap().clone().filter(|_| *line.borrow() != Line::Cut) else { continue };
        let (losses, before) = (losses.clone(), *losses.borrow());
        tokio::spawn(carry(near, target, line.clone(), move || *losses.borrow() > before));
    }
}

async fn carry(
    near: TcpStream,
    target: Target,
    mut line: watch::Receiver<Line>,
    lost: impl Fn() -> bool + Send + Sync + 'static,
) {
    let _ = near.set_nodelay(true);
    // Whoever connects to what is silent is taken by the network, not by the engine.
    if line.wait_for(|line| *line != Line::Silent).await.is_err() {
        return;
    }
    match target {
        Target::Tcp(address) => {
            let Ok(far) = TcpStream::connect(address).await else { return };
            let _ = far.set_nodelay(true);
            both(near, far, line, lost).await;
        }
        Target::Unix(path) => {
            let Ok(far) = UnixStream::connect(path).await else { return };
            both(near, far, line, lost).await;
        }
    }
}

async fn both(
    near: TcpStream,
    far: impl AsyncRead + AsyncWrite,
    line: watch::Receiver<Line>,
    lost: impl Fn() -> bool + Send + Sync,
) {
    let ((near_says, to_near), (far_says, to_far)) = (split(near), split(far));
    let questions = pump(near_says, to_far, line.clone(), Loss { lost: &lost, of_these: false });
    let answers = pump(far_says, to_near, line.clone(), Loss { lost: &lost, of_these: true });
    tokio::select! {
        () = is(line, |line| line == Line::Cut) => {}
        _ = async { tokio::join!(questions, answers) } => {}
    }
}

/// Answers get lost.
#[derive(Clone, Copy)]
struct Loss<'a> {
    lost: &'a (dyn Fn() -> bool + Send + Sync),
    /// What is carried here are answers.
    of_these: bool,
}

async fn is(mut line: watch::Receiver<Line>, wanted: impl Fn(Line) -> bool) {
    // The proxy is gone: nothing will change any more.
    if line.wait_for(|line| wanted(*line)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    line: watch::Receiver<Line>,
    Loss { lost, of_these }: Loss<'_>,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let by = match *line.borrow() {
            Line::Slow(by) => by,
            _ => Duration::ZERO,
        };
        pass(by).await;
        is(line.clone(), |line| line != Line::Silent).await;
        if of_these && lost() {
            continue;
        }
        // What is said to an engine that has ended the connection vanishes.
        if to.write_all(&buffer[..read]).await.is_err() && !lost() {
            break;
        }
    }
    is(line, |line| line != Line::Silent).await;
    if !(of_these && lost()) {
        let _ = to.shutdown().await;
    }
}

#[tokio::test]
async fn a_line_is_cut_falls_silent_comes_back_and_loses_answers() {
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start("127.0.0.1").await.unwrap();
    proxy.leads_to(Target::Tcp(echo.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut says, mut hears) = split(stream);
                let _ = tokio::io::copy(&mut says, &mut hears).await;
            });
        }
    });
    let mut near = TcpStream::connect(proxy.address).await.unwrap();
    let mut heard = [0; 1];
    near.write_all(b"a").await.unwrap();
    near.read_exact(&mut heard).await.unwrap();
    proxy.set(Line::Silent);
    near.write_all(b"b").await.unwrap();
    tokio::select! {
        biased;
        _ = near.read_exact(&mut heard) => panic!("a silent line spoke"),
        () = pass(Duration::from_millis(50)) => {}
    }
    proxy.set(Line::Slow(Duration::from_millis(5)));
    near.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"b", "what was sent meanwhile arrives late");
    proxy.lose_answers();
    let mut later = TcpStream::connect(proxy.address).await.unwrap();
    for line in [&mut near, &mut later] {
        line.write_all(b"c").await.unwrap();
    }
    later.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"c", "a later connection is as it should be");
    tokio::select! {
        biased;
        _ = near.read_exact(&mut heard) => panic!("an answer that was lost came"),
        () = pass(Duration::from_millis(50)) => {}
    }
    proxy.set(Line::Cut);
    assert!(near.read_exact(&mut heard).await.is_err());
    assert!(!matches!(TcpStream::connect(proxy.address).await.unwrap().read(&mut heard).await, Ok(1..)));
}
