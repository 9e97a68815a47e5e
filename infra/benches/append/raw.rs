//! The least that durability costs on this disk: one block written in place, one sync.

use std::{
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use crate::load::Figures;

const BLOCK: usize = 4096;
const SIZE: usize = 64 << 20;

/// One block after the other in a file of zeros.
pub(crate) fn run(time: Duration) -> Figures {
    let dir = crate::directory();
    let file = std::fs::File::create_new(dir.path().join("raw")).expect("the directory is empty");
    file.write_all_at(&vec![0; SIZE], 0).expect("there is space");
    file.sync_all().expect("the disk syncs");
    let (block, mut nanos, started) = (vec![7; BLOCK], Vec::new(), Instant::now());
    while started.elapsed() < time {
        let at = (nanos.len() * BLOCK) % SIZE;
        let asked = Instant::now();
        file.write_all_at(&block, at as u64).expect("there is space");
        file.sync_data().expect("the disk syncs");
        nanos.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Figures::of(nanos, started.elapsed())
}
