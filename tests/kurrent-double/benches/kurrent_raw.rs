//! What the engine costs beside a bare client: the same bytes through `KurrentLog` and through tonic alone, in turns, to the same
//! double over loopback. The double keeps everything in memory and syncs nothing: it is no figure of a server.

#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{future::join_all, stream};
use socai_domain::{
    ledger::{Append, Draft, EventKind, EventLog, Expected, Revision, StreamId, StreamKind},
    time::{Clock, Timestamp},
};
use socai_kurrent::{
    KurrentLog, KurrentOptions,
    wire::{
        header, path,
        shared::{Empty, WireUuid},
        write::{AppendAnswer, AppendPart, AppendRequest, AppendResult, ExpectedState, ProposedEvent, WriteOptions},
    },
};
use socai_kurrent_double::Double;
use tonic::{
    Request,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use uuid::Uuid;

const ROUNDS: usize = 7;
/// Appends of one writer in a round: alone, and among 64.
const TURNS: [(u128, u64); 2] = [(1, 2_000), (64, 150)];

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_000_000_000_000)
    }
}

async fn through_engine(log: KurrentLog, writer: u128, appends: u64) -> Vec<Duration> {
    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(writer));
    let mut times = Vec::new();
    for number in 0..appends {
        let draft = Draft {
            kind: EventKind::new(426),
            organ: Uuid::nil(),
            person: Uuid::nil(),
            body: (writer << 64 | u128::from(number)).to_le_bytes().repeat(25),
        };
        let expected = Expected::after(number.checked_sub(1).map(Revision::new));
        let begun = Instant::now();
        log.append(Append { stream, expected, drafts: vec![draft] }).await.unwrap();
        times.push(begun.elapsed());
    }
    times
}

async fn through_tonic(channel: Channel, stream: String, data: Vec<u8>, appends: u64) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..appends {
        let expected = number.checked_sub(1).map_or(ExpectedState::NoStream(Empty {}), ExpectedState::Revision);
        let event = ProposedEvent {
            id: Some(WireUuid::text(Uuid::now_v7())),
            metadata: HashMap::from([
                (header::TYPE.to_owned(), "Bare@1".to_owned()),
                (header::CONTENT_TYPE.to_owned(), "application/octet-stream".to_owned()),
            ]),
            custom_metadata: Vec::new(),
            data: data.clone(),
        };
        let options = WriteOptions { stream: Some(stream.as_str().into()), expected: Some(expected) };
        let parts = [AppendPart::Options(options), AppendPart::Event(event)];
        let parts = stream::iter(parts.map(|part| AppendRequest { part: Some(part) }));
        let begun = Instant::now();
        let mut grpc = Grpc::new(channel.clone());
        grpc.ready().await.unwrap();
        let codec = ProstCodec::<AppendRequest, AppendAnswer>::default();
        let call = grpc.client_streaming(Request::new(parts), PathAndQuery::from_static(path::APPEND), codec);
        let answer = call.await.unwrap().into_inner();
        times.push(begun.elapsed());
        assert!(matches!(answer.result, Some(AppendResult::Success(_))));
    }
    times
}

/// What one side of a pair showed: appends a second, and times in ms.
struct Shown {
    rate: f64,
    p50: f64,
    p99: f64,
}

async fn timed(writers: impl IntoIterator<Item = impl Future<Output = Vec<Duration>> + Send + 'static>) -> Shown {
    let begun = Instant::now();
    let writers = writers.into_iter().map(tokio::spawn).collect::<Vec<_>>();
    let mut times: Vec<Duration> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    let rate = f64::from(u32::try_from(times.len()).unwrap()) / begun.elapsed().as_secs_f64();
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    Shown { rate, p50: at(50), p99: at(99) }
}

/// The middle, the least and the most.
fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let digits = if values[0] < 100.0 { 3 } else { 0 };
    let (least, middle, most) = (values[0], values[values.len() / 2], values[values.len() - 1]);
    format!("{middle:.digits$} [{least:.digits$}–{most:.digits$}]")
}

#[tokio::main]
async fn main() {
    let double = Double::start().await.unwrap();
    let options = KurrentOptions { create: true, ..KurrentOptions::new(Arc::new(Still)) };
    let log = KurrentLog::open(&double.url("bench"), options).await.unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", double.hosts())).unwrap();
    let channel = endpoint.tcp_nodelay(true).connect().await.unwrap();
    through_engine(log.clone(), 1 << 40, 200).await;
    let data = double.events("bench-")[0].data.clone();
    through_tonic(channel.clone(), "bare-warm".to_owned(), data.clone(), 200).await;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{ROUNDS} pairs in turns, records of {} bytes, double in the same process, {cores} cores", data.len());

    let mut first = 0;
    for (writers, appends) in TURNS {
        let mut pairs = Vec::new();
        for _round in 0..ROUNDS {
            let numbers = first..first + writers;
            first += writers;
            let engine = timed(numbers.clone().map(|writer| through_engine(log.clone(), writer, appends))).await;
            let bare = |writer| through_tonic(channel.clone(), format!("bare-{writer}"), data.clone(), appends);
            let bare = timed(numbers.map(bare)).await;
            pairs.push((engine, bare));
        }
        for (what, of) in [
            ("appends a second", (|shown: &Shown| shown.rate) as fn(&Shown) -> f64),
            ("p50 ms", |shown| shown.p50),
            ("p99 ms", |shown| shown.p99),
        ] {
            let engine = spread(pairs.iter().map(|(engine, _)| of(engine)));
            let bare = spread(pairs.iter().map(|(_, bare)| of(bare)));
            let ratio = spread(pairs.iter().map(|(engine, bare)| of(engine) / of(bare)));
            println!("{writers:>2} writers, {what:<17} engine {engine}, bare {bare}, ratio {ratio}");
        }
    }
}
