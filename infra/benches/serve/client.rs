//! A client of little weight: it shares the cores with what it measures.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::TcpStream,
};

/// A connection that stays open.
pub(crate) struct Client {
    stream: BufStream<TcpStream>,
    body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufStream::new(stream), body: Vec::new() })
    }

    /// The status and the body of the answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> std::io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let (mut line, mut status, mut length) = (String::new(), 0, 0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let lower = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = lower.strip_prefix("http/1.1 ") {
                status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some(rest) = lower.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap_or(0);
            } else if lower.is_empty() {
                break;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).await?;
        Ok((status, &self.body))
    }

    /// An answer without errors.
    pub(crate) async fn data(&mut self, request: &[u8]) -> Value {
        let (status, body) = self.ask(request).await.expect("it answers");
        let mut answer: Value = serde_json::from_slice(body).expect("it answers in JSON");
        assert!(status == 200 && answer["errors"].is_null(), "{answer}");
        answer["data"].take()
    }
}

/// A GraphQL request, with its headers.
pub(crate) fn request(token: &str, query: &str, variables: &Value) -> Vec<u8> {
    let body = serde_json::json!({ "query": query, "variables": variables }).to_string();
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What so many clients saw, each waiting for its answer before it asks again.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Asks these requests in turn; times in milliseconds.
pub(crate) async fn load(address: &str, requests: &[Vec<u8>], clients: usize, time: Duration) -> Seen {
    let begin = Instant::now();
    let one = async |me: usize| {
        let mut client = Client::connect(address).await.expect("it listens");
        let (mut took, mut n) = (Vec::new(), me);
        client.data(&requests[n % requests.len()]).await;
        while begin.elapsed() < time {
            let asked = Instant::now();
            let (status, _) = client.ask(&requests[n % requests.len()]).await.expect("it answers");
            assert_eq!(status, 200);
            took.push(asked.elapsed().as_secs_f64() * 1e3);
            n += clients;
        }
        took
    };
    let mut took: Vec<f64> = join_all((0..clients).map(one)).await.into_iter().flatten().collect();
    let elapsed = begin.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    // Nobody may have had an answer in time.
    let at = |share: f64| took.get((took.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Seen { per_second: took.len() as f64 / elapsed, p50: at(0.5), p99: at(0.99) }
}
