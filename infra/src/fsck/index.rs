//! The side files of sealed segments: the engine believes them at its start, so each is compared with its segment.

use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Fault, Ground, Kind, Layer};
use crate::disk::{Disk, RealDisk};
use crate::log::file::{
    format::{index_name, segment_name},
    index::{Index, Look, scan},
    segment::Segment,
    segments::Numbered,
};

/// Reads every sealed segment again, on all cores.
pub(super) async fn check(ground: &Ground<'_>) -> Layer {
    let Some(directory) = ground.config.log_directory() else {
        return Layer::left_out(Kind::Index, "a KurrentDB cluster has no segments and no side files");
    };
    let progress = ground.progress(Kind::Index);
    super::blocking(move || look(&directory, &progress)).await
}

fn look(directory: &Path, progress: &(impl Fn(u64, u64) + Sync)) -> Layer {
    let disk = RealDisk::new(directory);
    let listed = || disk.list().map(|names| Numbered::of(&names));
    // A name that comes while names are listed may be missed, but not twice.
    let files = listed().and_then(|files| if files.alone().is_some() { listed() } else { Ok(files) });
    let files = match files {
        Ok(files) => files,
        Err(error) => return Layer::unchecked(Kind::Index, format!("{}: {error}", directory.display())),
    };
    let mut layer = Layer::new(Kind::Index);
    if let Some(number) = files.alone() {
        let message = format!(
            "{} is there, and says that another segment follows its own; {} is missing: the end of the log was removed: \
             restore its newest copy",
            index_name(number),
            segment_name(files.segments.last().map_or(1, |last| last + 1))
        );
        layer.wrong(Fault::new("segment-removed", message));
    }
    let found = compare_all(&disk, &files, progress);
    let (mut compared, mut missing) = (0, 0);
    for found in found {
        match found {
            Found::Right => compared += 1,
            Found::Missing => missing += 1,
            Found::Passed => {}
            Found::Wrong(fault) => {
                compared += 1;
                layer.wrong(fault);
            }
            Found::Unreadable(why) => layer.unchecked = layer.unchecked.or(Some(why)),
        }
    }
    layer.count("side files", compared);
    if missing > 0 {
        layer
            .note(format!("{missing} of {} side files are not there; the next start makes them", sealed(&files).len()));
    }
    layer
}

/// All but the last, which is written to.
fn sealed(files: &Numbered) -> &[u32] {
    files.segments.split_last().map_or(&[], |(_, sealed)| sealed)
}

/// What was found of one side file.
enum Found {
    Right,
    Missing,
    /// The segment itself is damaged: the log's layer names it.
    Passed,
    Wrong(Fault),
    Unreadable(String),
}

fn compare_all(disk: &RealDisk, files: &Numbered, progress: &(impl Fn(u64, u64) + Sync)) -> Vec<Found> {
    let sealed = sealed(files);
    let (claimed, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let found: Vec<Mutex<Found>> = sealed.iter().map(|_| Mutex::new(Found::Missing)).collect();
    let work = || {
        loop {
            let index = claimed.fetch_add(1, Ordering::Relaxed);
            let Some(&number) = sealed.get(index) else { break };
            if files.sides.binary_search(&number).is_ok() {
                *found[index].lock().unwrap_or_else(PoisonError::into_inner) = compare(disk, number);
            }
            progress(done.fetch_add(1, Ordering::Relaxed) as u64 + 1, sealed.len() as u64);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(sealed.len());
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    found.into_iter().map(|found| found.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn compare(disk: &RealDisk, number: u32) -> Found {
    let name = index_name(number);
    let segment = match Segment::open(disk, number, false) {
        Ok(Ok(segment)) => segment,
        Ok(Err(_)) => return Found::Passed,
        Err(error) => return Found::Unreadable(format!("{}: {error}", segment_name(number))),
    };
    let Some(side) = Index::load(disk, &segment) else {
        let what = "is damaged, or not its segment's: remove it, the next start makes it again";
        return Found::Wrong(Fault::new("index-damaged", format!("{name} {what}")).at(segment.header.first));
    };
    let right = match scan(&segment, Look::Everything) {
        Ok(Ok(right)) if right.bad.is_none() => right,
        Ok(_) => return Found::Passed,
        Err(error) => return Found::Unreadable(format!("{}: {error}", segment.name())),
    };
    let end = |index: &Index| (index.end.offset, index.end.place, index.end.head);
    let fault = |what: String| {
        let what =
            format!("{name}: {what}: remove the file, the next start makes it again; and find out who changed it");
        Fault::new("index-wrong", what).at(segment.header.first)
    };
    if end(&side) != end(&right) {
        return Found::Wrong(fault("the end of its segment is elsewhere".into()));
    }
    if side.marks != right.marks {
        return Found::Wrong(fault("a place to start reading from is not where it says".into()));
    }
    let wrong = |stream| side.tips.get(stream) != right.tips.get(stream);
    let wrong = right.tips.keys().chain(side.tips.keys()).filter(|stream| wrong(stream)).min();
    match wrong {
        Some(stream) => {
            let message = format!("{stream} does not end in {} where it says", segment.name());
            Found::Wrong(fault(message).of(*stream))
        }
        None => Found::Right,
    }
}
