//! Whatever the files hold, opening and verifying them answers, and never takes a changed log for a whole one.

use std::{fs, path::Path};

use socai_domain::ledger::EventLog;

use super::{
    super::{
        FileLog, Known,
        format::{FIRST_FRAME, FrameHead, SegmentHeader, checksum, segment_name},
    },
    append, options, stream,
};
use crate::disk::sim::Dice;
use crate::verify::verify_on;

async fn ledger(dir: &Path) {
    let log = FileLog::open(dir, options()).unwrap();
    for round in 0..8 {
        let waiting: Vec<_> = (0..12).map(|number| log.append(append(stream(number), round * 3, 3, 400))).collect();
        for answer in waiting {
            answer.await.unwrap();
        }
    }
    // No clean shutdown: its marker would give every change away.
    assert!(log.head().await.unwrap().records == 288);
}

/// Where frames begin in a segment that is whole.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut at = FIRST_FRAME as usize;
    std::iter::from_fn(|| {
        let head = FrameHead::read(bytes.get(at..)?)?;
        at += head.len as usize;
        Some(at - head.len as usize)
    })
    .collect()
}

fn pick(dice: &mut Dice, below: usize) -> usize {
    usize::try_from(dice.roll(below as u64)).unwrap()
}

/// Changes some bytes, likely those that mean something, and makes checksums fit where `fit` says so.
fn spoil(bytes: &mut [u8], dice: &mut Dice, fit: bool) {
    let frames = frames(bytes);
    let seed = SegmentHeader::read(bytes).unwrap().seed();
    for _ in 0..=dice.roll(3) {
        let at = match dice.roll(4) {
            0 => pick(dice, 100),
            1 => pick(dice, bytes.len() - 8),
            _ => frames[pick(dice, frames.len())] + pick(dice, 200),
        };
        match dice.roll(4) {
            0 => bytes[at..at + 4].fill(0xff),
            1 => bytes[at..at + 8].fill(0),
            2 => bytes[at] ^= 1 << dice.roll(8),
            _ => bytes[at] = u8::try_from(dice.roll(256)).unwrap(),
        }
    }
    if fit {
        let crc = crc32c::crc32c(&bytes[..96]);
        bytes[96..100].copy_from_slice(&crc.to_le_bytes());
        for at in frames {
            let len = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            if let Some(frame) = bytes.get(at..at.saturating_add(len)).filter(|frame| frame.len() >= 8) {
                let crc = checksum(seed, frame);
                bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
            }
        }
    }
}

#[tokio::test]
async fn changed_files_are_refused_without_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    let names: Vec<String> = (1..=3).map(segment_name).collect();
    let whole: Vec<Vec<u8>> = names.iter().map(|name| fs::read(dir.path().join(name)).unwrap()).collect();
    let head = verify_on(1, dir.path(), None, Known::default(), |_| ()).unwrap().head;
    let rounds = if std::env::var_os("SOCAI_LONG").is_some() { 20_000 } else { 150 };
    for seed in 0..rounds {
        let mut dice = Dice(seed);
        let spoilt = pick(&mut dice, names.len());
        let mut bytes = whole[spoilt].clone();
        spoil(&mut bytes, &mut dice, seed % 2 == 0);
        for (index, name) in names.iter().enumerate() {
            fs::write(dir.path().join(name), if index == spoilt { &bytes } else { &whole[index] }).unwrap();
        }
        let verified = verify_on(2, dir.path(), Some((head.position, head.hash)), Known::default(), |_| ());
        // Only what makes no difference may go unnoticed; what stands after the expected head was never acknowledged.
        let whole_again = matches!(&verified, Ok(report) if report.torn.is_none());
        let changed: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] != whole[spoilt][at]).collect();
        assert_eq!(whole_again, changed.is_empty(), "seed {seed}, segment {spoilt}, {changed:?}: {verified:?}");
        assert!(verified.is_err() || verified.is_ok_and(|report| report.head == head), "seed {seed}");
        if let Ok(log) = FileLog::open(dir.path(), options()) {
            assert!(log.head().await.unwrap().records <= head.records, "seed {seed}");
        }
    }
}
