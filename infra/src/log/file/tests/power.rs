//! The power-loss test: power is lost, a write or sync fails, or the disk is full, at every operation in turn; after
//! reopening, what was acknowledged is there, unchanged and in place, and the rest is there whole or not at all.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, StreamExt};
use socai_domain::ledger::{
    Append, AppendError, Appended, Direction, Followed, Recorded, SealedRecord, StreamId, log::Stamp,
};
use tokio::sync::oneshot;

use super::{
    super::{Writer, follow::follow, keeper::Keeper, queue::Pending, read, shared::Shared, start},
    append, options, stream,
};
use crate::disk::sim::{Dice, Fault, Keep, SimDisk, Wrong};

const STREAMS: u64 = 5;

/// What the callers of the log know.
#[derive(Clone, Debug, Default)]
struct Known {
    acknowledged: BTreeMap<(StreamId, u64), (Stamp, Append)>,
    /// May have landed or not.
    pending: BTreeMap<StreamId, Append>,
}

struct Run {
    writer: Writer,
    shared: Arc<Shared>,
}

fn open(disk: &SimDisk) -> Result<Run, String> {
    let (writer, shared, _) =
        start(Arc::new(disk.clone()), options(), Keeper::new(false)).map_err(|e| e.to_string())?;
    Ok(Run { writer, shared })
}

impl Known {
    /// What a caller does next on this stream: reissue what is pending, or something new.
    fn next(&mut self, stream: StreamId, dice: &mut Dice) -> Append {
        let next = self.acknowledged.range((stream, 0)..=(stream, u64::MAX)).count() as u64;
        let new =
            || append(stream, next, 1 + dice.roll(3), [40, 500, 1500, 6000][usize::try_from(dice.roll(4)).unwrap()]);
        self.pending.entry(stream).or_insert_with(new).clone()
    }

    fn learn(&mut self, append: &Append, answer: &Result<Appended, AppendError>) -> Result<(), String> {
        match answer {
            Ok(appended) => {
                self.pending.remove(&append.stream);
                for stamp in &appended.stamps {
                    self.acknowledged.insert((append.stream, stamp.revision.number()), (*stamp, append.clone()));
                }
                Ok(())
            }
            Err(AppendError::Busy(_) | AppendError::Unknown(_)) => Ok(()),
            Err(error) => Err(format!("{}: {error}", append.stream)),
        }
    }
}

/// One batch: an append to each of several streams, and a second one to the first of them.
fn turn(run: &mut Run, known: &mut Known, dice: &mut Dice) -> Result<(), String> {
    let mut waiting = Vec::new();
    let mut answers = Vec::new();
    for number in 0..=dice.roll(STREAMS) {
        let append = known.next(stream(u128::from(number)), dice);
        let (reply, answer) = oneshot::channel();
        answers.push((append.clone(), answer));
        waiting.push(Pending { append, reply });
    }
    run.writer.turn(&mut waiting);
    for (append, mut answer) in answers {
        let answer = answer.try_recv().map_err(|_| "an append was not answered".to_owned())?;
        known.learn(&append, &answer)?;
    }
    Ok(())
}

/// The records of the whole log, in order.
fn all(shared: &Arc<Shared>) -> Result<Vec<Recorded>, String> {
    let mut records = Vec::new();
    let mut following = follow(shared, None);
    loop {
        // Without a runtime nothing is ever waited for, except for records that are not there.
        match following.next().now_or_never().flatten() {
            Some(Ok(Followed::Records(more))) => records.extend(more),
            Some(Ok(Followed::CaughtUp)) => return Ok(records),
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("a follower was left waiting".into()),
        }
    }
}

/// Everything acknowledged is there and in place; everything else that is there was asked for, and is whole.
fn check(shared: &Arc<Shared>, known: &Known) -> Result<(), String> {
    let records = all(shared)?;
    let mut landed: BTreeMap<StreamId, Vec<SealedRecord>> = BTreeMap::new();
    for (index, Recorded { position, record }) in records.into_iter().enumerate() {
        if position.place() != index as u64 + 1 {
            return Err(format!("record {} stands at {position}", index + 1));
        }
        let (stream, revision) = (record.header().stream, record.header().revision.number());
        match known.acknowledged.get(&(stream, revision)) {
            Some((stamp, _)) if stamp.hash == record.hash() && stamp.position == position => {}
            Some(_) => return Err(format!("{stream} revision {revision} is not what was acknowledged")),
            None => landed.entry(stream).or_default().push(record),
        }
    }
    for (stream, records) in landed {
        let Some(append) = known.pending.get(&stream) else {
            return Err(format!("{stream} has what nobody asked for"));
        };
        let whole =
            append.drafts.len() == records.len() && append.drafts.iter().zip(&records).all(|(d, r)| d.became(r));
        if !whole {
            return Err(format!("{} of {} records landed in {stream}", records.len(), append.drafts.len()));
        }
    }
    for number in 0..STREAMS {
        let stream = stream(u128::from(number));
        let acknowledged: Vec<_> = known.acknowledged.range((stream, 0)..=(stream, u64::MAX)).collect();
        let read = read::stream(shared, stream, Direction::Forwards, None, acknowledged.len());
        let read = read.map_err(|e| e.to_string())?;
        let same = read.iter().zip(&acknowledged).all(|(read, (_, (stamp, _)))| read.record.hash() == stamp.hash);
        if read.len() != acknowledged.len() || !same {
            return Err(format!("{stream}: {} of {} acknowledged records", read.len(), acknowledged.len()));
        }
    }
    Ok(())
}

/// A life of the log: two runs with a clean shutdown between them. Ends when the power goes.
fn live(disk: &SimDisk, known: &mut Known, seed: u64) -> Result<(), String> {
    let mut dice = Dice(seed);
    for _ in 0..2 {
        // After a fault while opening, the operator tries again.
        let opened = (0..8).map(|_| open(disk)).find(|opened| opened.is_ok() || disk.is_dead());
        if disk.is_dead() {
            return Ok(());
        }
        let mut run = opened.ok_or("the log does not open any more")??;
        for round in 0..9 {
            turn(&mut run, known, &mut dice)?;
            if disk.is_dead() {
                return Ok(());
            }
            // Reads go on, whatever befell the writer.
            if !known.pending.is_empty() || round == 8 {
                check(&run.shared, known)?;
            }
        }
        // Without the marker, the next start takes it for a crash: as good.
        let _ = run.writer.close_for_test();
    }
    Ok(())
}

/// The power comes back, perhaps goes again while the log recovers, and comes back for good.
fn afterwards(disk: &SimDisk, known: &mut Known, keep: Keep, seed: u64) -> Result<(), String> {
    let mut disk = disk.after_power_loss(keep);
    let again = Dice(seed).roll(16);
    if again < 8 {
        disk.fault(again, Fault::PowerLoss);
        let opened = open(&disk).is_ok();
        if !opened && !disk.is_dead() {
            return Err("the log does not open".into());
        }
        disk = disk.after_power_loss(keep);
    }
    let mut run = open(&disk)?;
    check(&run.shared, known)?;
    let mut dice = Dice(seed);
    for _ in 0..3 {
        turn(&mut run, known, &mut dice)?;
    }
    if known.pending.keys().next().is_some_and(|&first| first == stream(0)) {
        return Err("an append is still not taken".into());
    }
    check(&run.shared, known)?;
    run.writer.close_for_test()?;
    drop(run);
    check(&open(&disk)?.shared, known)
}

/// Tries the fault at every operation; the first thing that is wrong, or how many lives were lived.
fn everywhere(fault: Fault, keeps: &[Keep], wrong: Option<Wrong>, seed: u64) -> Result<u64, String> {
    let fresh = || {
        let disk = SimDisk::default();
        if let Some(wrong) = wrong {
            disk.wrong(wrong);
        }
        disk
    };
    let disk = fresh();
    live(&disk, &mut Known::default(), seed)?;
    assert!(disk.content("00000003.segment").is_some(), "the run should reach the third segment");
    let operations = disk.operations();
    for at in 0..operations {
        let (disk, mut known) = (fresh(), Known::default());
        disk.fault(at, fault);
        // Half of the time, the power goes soon after.
        if fault != Fault::PowerLoss && (at ^ seed).is_multiple_of(2) {
            disk.fault(at + 1 + Dice(seed ^ at).roll(12), Fault::PowerLoss);
        }
        let told = |what: String| format!("{fault:?} at {at}: {what}");
        live(&disk, &mut known, seed).map_err(told)?;
        for &keep in keeps {
            let told = |what: String| format!("{fault:?} at {at}, then {keep:?} kept: {what}");
            afterwards(&disk, &mut known.clone(), keep, seed ^ at).map_err(told)?;
        }
    }
    Ok(operations * keeps.len() as u64)
}

/// How many seeds: more in the long version.
fn seeds() -> std::ops::Range<u64> {
    0..if std::env::var_os("SOCAI_LONG").is_some() { 60 } else { 2 }
}

#[test]
fn power_lost_at_every_operation() {
    for seed in seeds() {
        let keeps = [Keep::Nothing, Keep::Everything, Keep::Some(seed), Keep::Some(seed + 1_000)];
        let lives = everywhere(Fault::PowerLoss, &keeps, None, seed).unwrap();
        assert!(lives > 300, "{lives}");
    }
}

#[test]
fn every_write_and_sync_fails_in_every_way() {
    for seed in seeds() {
        for failing in [Keep::Nothing, Keep::Everything, Keep::Some(seed)] {
            everywhere(Fault::Fails(failing), &[Keep::Nothing, Keep::Some(seed)], None, seed).unwrap();
        }
    }
}

#[test]
fn the_disk_is_full_for_a_while() {
    for seed in seeds() {
        for span in [1, 7] {
            everywhere(Fault::Full(span), &[Keep::Nothing], None, seed).unwrap();
        }
    }
}

fn must_be_caught(wrong: Wrong) {
    let keeps = [Keep::Nothing, Keep::Everything, Keep::Some(1), Keep::Some(2)];
    let caught = everywhere(Fault::PowerLoss, &keeps, Some(wrong), 0);
    assert!(caught.is_err(), "nobody noticed that the engine is wrong: {wrong:?}");
}

#[test]
fn an_engine_that_acknowledges_before_the_sync_is_caught() {
    must_be_caught(Wrong::AcknowledgesFirst);
}

#[test]
fn an_engine_that_forgets_the_directory_is_caught() {
    must_be_caught(Wrong::ForgetsTheDirectory);
}

#[test]
fn an_engine_that_syncs_another_file_is_caught() {
    must_be_caught(Wrong::SyncsAnotherFile);
}
