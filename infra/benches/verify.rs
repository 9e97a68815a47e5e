//! Verifying a ledger, beside the least it could cost: one derive-key BLAKE3 per record, of records that lie in memory.
//!
//! ```text
//! cargo bench -p socai --bench verify -- [--records 1000000] [--active 10000] [--pairs 5]
//! ```

use std::{path::Path, sync::Arc, time::Instant};

use futures::{StreamExt, stream::FuturesUnordered};
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions, Known},
    verify::verify_on,
};
use socai_domain::ledger::{
    Append, Draft, EventKind, EventLog, Expected, Followed, RecordHash, Revision, StreamId, StreamKind,
    record::RECORD_CONTEXT,
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

/// Records of a document's life.
const LIFE: u64 = 16;

/// Fills a ledger as an agency does, and returns its records in order: so many documents are under way at any time, in no
/// order, and each gets about [`LIFE`] records before it is done.
async fn fill(dir: &Path, records: u64, active: u64) -> Vec<Box<[u8]>> {
    let log = FileLog::open(dir, FileLogOptions::new(Arc::new(SystemClock))).expect("an empty directory opens");
    let (mut waiting, mut revisions) = (FuturesUnordered::new(), std::collections::HashMap::new());
    for record in 0..records {
        let document = record / LIFE + (record.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % active;
        let stream = StreamId::new(StreamKind::Incoming, Uuid::new_v5(&Uuid::nil(), &document.to_le_bytes()));
        let revision = revisions.entry(document).or_insert(0_u64);
        let expected = Expected::after(revision.checked_sub(1).map(Revision::new));
        *revision += 1;
        waiting.push(log.append(Append { stream, expected, drafts: vec![draft(record)] }));
        if waiting.len() >= 1_000 {
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
    log.close().await.expect("it closes");
    all
}

/// Hashes all records with so many threads; records per second.
#[allow(clippy::cast_precision_loss)] // figures for people
fn hash(records: &[Box<[u8]>], threads: usize, of: fn(&[u8]) -> [u8; 32]) -> f64 {
    let started = Instant::now();
    let folded = std::thread::scope(|scope| {
        let share = records.len().div_ceil(threads);
        let work = |records: &[Box<[u8]>]| records.iter().fold(0, |all, record| all ^ of(record)[0]);
        let threads: Vec<_> = records.chunks(share).map(|records| scope.spawn(move || work(records))).collect();
        threads.into_iter().fold(0, |all, thread| all ^ thread.join().expect("hashing does not panic"))
    });
    std::hint::black_box(folded);
    records.len() as f64 / started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{:.2} [{least:.2}–{most:.2}]", values[values.len() / 2])
}

fn main() {
    let (count, active, pairs) = (number("--records", 1_000_000), number("--active", 10_000), number("--pairs", 5));
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory is writable");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let records = runtime.block_on(fill(dir.path(), count, active));
    let bytes: usize = records.iter().map(|record| record.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let streams = verify_on(1, dir.path(), None, Known::default(), |_| ()).expect("the ledger is whole").streams;
    println!("{} records in {streams} streams, {bytes} bytes; files in the page cache; {cores} cores", records.len());
    println!("{pairs} pairs in turns; million records per second, median [least–most]\n");
    let mut counts = vec![1, cores];
    counts.dedup();
    for threads in counts {
        let (mut ours, mut kept, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..pairs {
            plain.push(hash(&records, threads, |record| blake3::derive_key(RECORD_CONTEXT, record)) / 1e6);
            kept.push(hash(&records, threads, |record| RecordHash::of(record).0) / 1e6);
            ours.push(
                verify_on(threads, dir.path(), None, Known::default(), |_| ()).expect("the ledger is whole").rate()
                    / 1e6,
            );
        }
        let ratio = |theirs: &[f64]| median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect());
        println!("{threads} thread(s)");
        println!(
            "  blake3::derive_key per record          {}   verify is {} of it",
            median(plain.clone()),
            ratio(&plain)
        );
        println!(
            "  the same, its context hashed only once {}   verify is {} of it",
            median(kept.clone()),
            ratio(&kept)
        );
        println!("  verify                                 {}", median(ours));
    }
}
