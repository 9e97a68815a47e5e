//! The notary catching up with a log, beside bare SHA-256 of the same library over the same leaves and nodes.
//!
//! ```text
//! cargo bench -p socai --bench notary -- [--records 1000000] [--pairs 5]
//! ```

use std::{hint::black_box, path::Path, sync::Arc, time::Instant};

use futures::{StreamExt as _, stream::FuturesUnordered};
use ring::digest::{SHA256, digest};
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions},
    notary::{Notary, agree::agree},
};
use socai_domain::{
    ledger::{Append, Draft, EventKind, EventLog, Expected, Followed, RecordHash, Revision, StreamId, StreamKind},
    proof::{KeyName, SecretKey, SignatureKind},
};
use uuid::Uuid;

#[path = "args/mod.rs"]
mod args;

use args::number;

/// A body as long as real ones are: 178 to 304 bytes in all, 240 on average, header aside.
fn draft(seed: u64) -> Draft {
    let len = 100 + usize::try_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).unwrap_or_default();
    let body = (0..len).map(|at| u8::try_from((seed ^ (at as u64 * 151)) % 256).unwrap_or_default()).collect();
    Draft { kind: EventKind::new(401), organ: Uuid::from_u128(1), person: Uuid::from_u128(2), body }
}

/// Fills a log; its records, in order.
async fn fill(log: &FileLog, records: u64) -> Vec<Box<[u8]>> {
    let mut waiting = FuturesUnordered::new();
    for record in 0..records {
        let (document, revision) = (record / 16, record % 16);
        let stream = StreamId::new(StreamKind::Incoming, Uuid::new_v5(&Uuid::nil(), &document.to_le_bytes()));
        let expected = Expected::after(revision.checked_sub(1).map(Revision::new));
        waiting.push(log.append(Append { stream, expected, drafts: vec![draft(record)] }));
        if waiting.len() >= 2_000 {
            waiting.next().await.expect("one waits").expect("it is taken");
        }
    }
    while let Some(appended) = waiting.next().await {
        appended.expect("it is taken");
    }
    let (mut all, mut following) = (Vec::new(), log.follow(None));
    while let Some(Ok(Followed::Records(more))) = following.next().await {
        all.extend(more.into_iter().map(|recorded| Box::from(recorded.record.bytes())));
    }
    all
}

/// The tree of all that is in the log, made from nothing, to its durable checkpoint; seconds.
async fn catch_up(log: &FileLog, dir: &Path, records: u64) -> f64 {
    let started = Instant::now();
    let name = KeyName::new("bench.example").expect("a word is a name");
    let key = SecretKey::new(name, SignatureKind::Note, &[7; 32]);
    let notary = Notary::open(dir, key, 60, records, Arc::new(SystemClock)).expect("an empty directory opens");
    let covered = agree(&notary, log, None, |_| {}).await.expect("nobody holds a checkpoint");
    assert_eq!(covered, records);
    started.elapsed().as_secs_f64()
}

/// The leaves of these records and all nodes above them, with nothing else; seconds. A node without a sibling goes up as it is.
fn bare(records: &[RecordHash]) -> f64 {
    let started = Instant::now();
    let sha256 = |bytes: &[u8]| {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        hash
    };
    let leaf = |record: &RecordHash| {
        let mut bytes = [0; 33];
        bytes[1..].copy_from_slice(&record.0);
        sha256(&bytes)
    };
    let mut level: Vec<[u8; 32]> = records.iter().map(leaf).collect();
    while level.len() > 1 {
        let node = |pair: &[[u8; 32]]| match pair {
            [left, right] => {
                let mut bytes = [1; 65];
                bytes[1..33].copy_from_slice(left);
                bytes[33..].copy_from_slice(right);
                sha256(&bytes)
            }
            alone => alone[0],
        };
        level = level.chunks(2).map(node).collect();
    }
    black_box(level);
    started.elapsed().as_secs_f64()
}

/// One BLAKE3 for each record: what gives the leaves their data; seconds.
fn record_hashes(records: &[Box<[u8]>]) -> f64 {
    let started = Instant::now();
    black_box(records.iter().fold(0, |all, record| all ^ RecordHash::of(record).0[0]));
    started.elapsed().as_secs_f64()
}

fn told(values: &[f64]) -> String {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{:.2} [{least:.2}–{most:.2}]", values[values.len() / 2])
}

fn main() {
    let (count, pairs) = (number("--records", 1_000_000), number("--pairs", 5));
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory is writable");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let options = FileLogOptions::new(Arc::new(SystemClock));
    let log = FileLog::open(&dir.path().join("log"), options).expect("an empty directory opens");
    let records = runtime.block_on(fill(&log, count));
    let hashes: Vec<_> = records.iter().map(|record| RecordHash::of(record)).collect();
    let bytes: usize = records.iter().map(|record| record.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{count} records, {bytes} bytes; log in the page cache; tree and checkpoint durable at the end; {cores} cores"
    );
    println!("{pairs} turns; million records per second, median [least–most]\n");
    let (mut ours, mut sha, mut both) = (Vec::new(), Vec::new(), Vec::new());
    #[allow(clippy::cast_precision_loss)] // figures for people
    let rate = |seconds: f64| count as f64 / seconds / 1e6;
    for turn in 0..pairs {
        let (bare, blake3) = (bare(&hashes), record_hashes(&records));
        sha.push(rate(bare));
        both.push(rate(bare + blake3));
        ours.push(rate(runtime.block_on(catch_up(&log, &dir.path().join(turn.to_string()), count))));
    }
    let ratio = |theirs: &[f64]| told(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>());
    println!("bare SHA-256, one thread           {}   catching up is {} of it", told(&sha), ratio(&sha));
    println!("the same and BLAKE3 of the records {}   catching up is {} of it", told(&both), ratio(&both));
    println!("catching up, from the log's files  {}", told(&ours));
}
