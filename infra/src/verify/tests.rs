//! Every way of changing the files is found, and named.

use std::{fs, path::Path};

use socai_domain::ledger::{EventLog, Head, LedgerId, Position, RecordHash, StreamId, log::chain_head};

use super::{Fault, VerifyReport, Wrong, verify_on};
use crate::log::file::{
    FileLog, Known,
    format::{Entries, FIRST_FRAME, FRAME_HEAD, FrameHead, SegmentHeader, array, checksum},
    tests::{append, options, stream},
};

const ROUNDS: u64 = 9;

/// A ledger of several segments, closed in good order, and its head.
async fn ledger(dir: &Path) -> Head {
    let log = FileLog::open(dir, options()).unwrap();
    for round in 0..ROUNDS {
        let waiting: Vec<_> = (0..20).map(|number| log.append(append(stream(number), round * 2, 2, 600))).collect();
        for answer in waiting {
            answer.await.unwrap();
        }
    }
    let head = log.head().await.unwrap();
    log.close().await.unwrap();
    head
}

fn verify(dir: &Path, expect: Option<(Position, RecordHash)>) -> Result<VerifyReport, Fault> {
    let one = verify_on(1, dir, expect, Known::default(), |_| ());
    let many = verify_on(3, dir, expect, Known::default(), |_| ());
    match (&one, &many) {
        (Ok(one), Ok(many)) => assert_eq!((one.head, one.streams), (many.head, many.streams)),
        (one, many) => {
            assert_eq!(one.as_ref().err().map(ToString::to_string), many.as_ref().err().map(ToString::to_string));
        }
    }
    one
}

fn wrong(dir: &Path) -> Wrong {
    match verify(dir, None) {
        Err(Fault::Wrong(wrong)) => *wrong,
        other => panic!("{other:?}"),
    }
}

fn segment(number: u32) -> String {
    crate::log::file::format::segment_name(number)
}

fn change(dir: &Path, number: u32, change: impl FnOnce(&mut Vec<u8>)) {
    let path = dir.join(segment(number));
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// The frames of a segment: offset and length.
fn frames(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut at = FIRST_FRAME as usize;
    std::iter::from_fn(|| {
        let head = FrameHead::read(bytes.get(at..)?)?;
        let frame = (at, head.len as usize);
        at += frame.1;
        Some(frame)
    })
    .collect()
}

/// Gives a frame the checksum that it must have after a change.
fn check_again(bytes: &mut [u8], (at, len): (usize, usize)) {
    let seed = SegmentHeader::read(bytes).unwrap().seed();
    let crc = checksum(seed, &bytes[at..at + len]);
    bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
}

#[tokio::test]
async fn a_whole_ledger_verifies_up_to_its_head() {
    let dir = tempfile::tempdir().unwrap();
    let head = ledger(dir.path()).await;
    let mut told = 0;
    let report =
        verify_on(2, dir.path(), Some((head.position, head.hash)), Known::default(), |progress| told = progress.done)
            .unwrap();
    assert_eq!((report.head, report.records, report.streams), (head, ROUNDS * 40, 20));
    assert!(report.segments >= 3 && told > report.bytes);
    verify(dir.path(), None).unwrap();
    fs::remove_file(dir.path().join("00000001.index")).unwrap();
    verify(dir.path(), None).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_of_every_class_is_found() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    let bytes = fs::read(dir.path().join(segment(2))).unwrap();
    let frames = frames(&bytes);
    let (at, len) = frames[frames.len() / 2];
    let end = frames.last().map(|(at, len)| at + len).unwrap();
    let header = [0, 8, 12, 16, 32, 36, 40, 56, 64, 96, 100, 4095];
    let frame = [0, 4, 8, 16, 20, 24, 56, 60, 68, 76, 77, 80, 88, 96, 112, 128, 144, 176, 300, len - 1];
    let offsets =
        header.into_iter().chain(frame.into_iter().map(|offset| at + offset)).chain([end, end + 1, bytes.len() - 1]);
    for offset in offsets {
        for bit in [1, 0x80] {
            change(dir.path(), 2, |bytes| bytes[offset] ^= bit);
            let wrong = wrong(dir.path());
            assert_eq!(wrong.damage.file, segment(2), "{offset}: {wrong}");
            let near = wrong.damage.offset <= offset as u64;
            assert!(near, "{offset}: {wrong}");
            change(dir.path(), 2, |bytes| bytes[offset] ^= bit);
        }
    }
    verify(dir.path(), None).unwrap();
}

/// No later record vouches for those of the last batch, so its head may as well be what was changed.
#[tokio::test]
async fn a_changed_head_of_the_last_batch_is_not_blamed_on_a_record_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(dir.path(), options()).unwrap();
    log.append(append(stream(1), 0, 2, 600)).await.unwrap();
    log.close().await.unwrap();
    let (at, _) = frames(&fs::read(dir.path().join(segment(1))).unwrap())[0];
    change(dir.path(), 1, |bytes| bytes[at + 4] ^= 1);
    let wrong = wrong(dir.path());
    assert_eq!((wrong.damage.offset, wrong.stream), (at as u64, Some(stream(1))), "{wrong}");
    assert!(wrong.damage.what.contains("or the batch's head"), "{wrong}");
}

#[tokio::test]
async fn a_changed_record_is_named_by_stream_and_revision() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    let bytes = fs::read(dir.path().join(segment(2))).unwrap();
    let (at, len) = frames(&bytes)[1];
    let head = FrameHead::read(&bytes[at..]).unwrap();
    let entries: Vec<_> = Entries::new(&head, &bytes[at..at + len]).map(Result::unwrap).collect();
    for entry in &entries {
        let header = socai_domain::ledger::Header::read(entry.record).unwrap();
        // In the revision, the organ, the predecessor's hash, the body.
        for in_record in [4, 40, 70, entry.record.len() - 1] {
            let offset = at + entry.at as usize + 20 + in_record;
            change(dir.path(), 2, |bytes| bytes[offset] ^= 4);
            let wrong = wrong(dir.path());
            assert_eq!((wrong.stream, wrong.damage.record), (Some(header.stream), entry.place), "{in_record}: {wrong}");
            if in_record != 4 {
                assert_eq!(wrong.revision, Some(header.revision), "{in_record}: {wrong}");
            }
            change(dir.path(), 2, |bytes| bytes[offset] ^= 4);
        }
    }
}

#[tokio::test]
async fn a_deleted_or_moved_frame_or_segment_is_found() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    let whole = fs::read(dir.path().join(segment(2))).unwrap();
    let all = frames(&whole);
    let (first, second) = (all[1], all[2]);
    // One is deleted, and the rest moves up.
    change(dir.path(), 2, |bytes| {
        bytes.drain(first.0..first.0 + first.1);
        bytes.resize(whole.len(), 0);
    });
    assert_eq!(wrong(dir.path()).damage.offset, first.0 as u64);
    // Two change places.
    let mut swapped = whole.clone();
    swapped[first.0..first.0 + second.1].copy_from_slice(&whole[second.0..second.0 + second.1]);
    swapped[first.0 + second.1..second.0 + second.1].copy_from_slice(&whole[first.0..first.0 + first.1]);
    change(dir.path(), 2, |bytes| *bytes = swapped);
    assert_eq!(wrong(dir.path()).damage.offset, first.0 as u64);
    // The end is cut off.
    let last = all[all.len() - 1];
    change(dir.path(), 2, |bytes| {
        bytes.copy_from_slice(&whole);
        bytes[last.0..].fill(0);
    });
    assert!(wrong(dir.path()).damage.what.contains("does not begin where"), "{}", wrong(dir.path()));
    change(dir.path(), 2, |bytes| bytes.truncate(10_000));
    assert!(wrong(dir.path()).damage.what.contains("bytes that its header says"));
    change(dir.path(), 2, |bytes| *bytes = whole.clone());
    verify(dir.path(), None).unwrap();
    // Segments change places; one is gone; the last one is gone.
    let path = |number| dir.path().join(segment(number));
    fs::rename(path(1), dir.path().join("aside")).unwrap();
    assert!(wrong(dir.path()).damage.what.contains("missing"));
    fs::copy(path(2), path(1)).unwrap();
    assert!(wrong(dir.path()).damage.what.contains("another's name"));
    fs::rename(dir.path().join("aside"), path(1)).unwrap();
    let last = (1..99).rev().find(|&number| path(number).exists()).unwrap();
    fs::remove_file(path(last)).unwrap();
    assert!(wrong(dir.path()).damage.what.contains("missing"), "its predecessor's side file tells of it");
    fs::remove_file(dir.path().join(format!("{:08}.index", last - 1))).unwrap();
    assert!(wrong(dir.path()).damage.what.contains("was closed in good order"));
}

/// Changes a record and makes everything after it fit again: hashes, chains, heads, checksums.
fn recompute_all(dir: &Path, id: LedgerId) {
    let mut tips: std::collections::HashMap<StreamId, RecordHash> = std::collections::HashMap::new();
    let mut log_head = None;
    for number in (1..).take_while(|&number| dir.join(segment(number)).exists()) {
        change(dir, number, |bytes| {
            let mut header = SegmentHeader::read(bytes).unwrap();
            header.before = log_head.unwrap_or(header.before);
            bytes[..FIRST_FRAME as usize].copy_from_slice(&header.to_bytes());
            for (at, len) in frames(bytes) {
                let head = FrameHead::read(&bytes[at..]).unwrap();
                let entries: Vec<(usize, usize)> = Entries::new(&head, &bytes[at..at + len])
                    .map(|entry| entry.map(|entry| (at + entry.at as usize + 20, entry.record.len())).unwrap())
                    .collect();
                let mut hashes = Vec::new();
                for (start, len) in entries {
                    let record = &mut bytes[start..start + len];
                    let stream = socai_domain::ledger::Header::read(record).unwrap().stream;
                    let previous = tips.get(&stream).copied().unwrap_or_else(|| RecordHash::genesis(id, stream));
                    record[68..100].copy_from_slice(&previous.0);
                    if number == 2 && hashes.is_empty() {
                        record[120] ^= 1;
                    }
                    hashes.push(RecordHash::of(record));
                    tips.insert(stream, hashes[hashes.len() - 1]);
                }
                let after = chain_head(id, log_head, &hashes);
                bytes[at + FRAME_HEAD - 32..at + FRAME_HEAD].copy_from_slice(&after.0);
                log_head = Some(RecordHash(array(&bytes[at..], 24)));
                check_again(bytes, (at, len));
            }
        });
    }
}

#[tokio::test]
async fn an_adversary_who_makes_everything_fit_again_is_found_by_an_old_head() {
    let dir = tempfile::tempdir().unwrap();
    let head = ledger(dir.path()).await;
    let expect = Some((head.position, head.hash));
    recompute_all(dir.path(), head.position.ledger());
    fs::remove_file(dir.path().join("closed")).unwrap();
    let report = verify(dir.path(), None).unwrap();
    assert_ne!(report.head.hash, head.hash);
    let fault = verify(dir.path(), expect).unwrap_err();
    assert!(matches!(&fault, Fault::Unexpected(what) if what.contains("its head is")), "{fault}");
}

#[tokio::test]
async fn a_checksum_made_to_fit_does_not_hide_a_change() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    for (in_frame, what) in [(200, "was changed"), (68, "does not say where"), (30, "log head")] {
        let whole = fs::read(dir.path().join(segment(2))).unwrap();
        change(dir.path(), 2, |bytes| {
            let frame = frames(bytes)[2];
            bytes[frame.0 + in_frame] ^= 1;
            check_again(bytes, frame);
        });
        let wrong = wrong(dir.path());
        assert!(wrong.damage.what.contains(what), "{wrong}");
        change(dir.path(), 2, |bytes| *bytes = whole);
    }
}

#[tokio::test]
async fn a_head_beyond_the_end_or_of_another_ledger_is_unexpected() {
    let dir = tempfile::tempdir().unwrap();
    let head = ledger(dir.path()).await;
    let beyond = Position::new(head.position.ledger(), 1, head.records + 1);
    assert!(matches!(verify(dir.path(), Some((beyond, head.hash))), Err(Fault::Unexpected(_))));
    let foreign = Position::new(LedgerId(uuid::Uuid::from_u128(99)), 1, 1);
    assert!(matches!(verify(dir.path(), Some((foreign, head.hash))), Err(Fault::Unexpected(_))));
    let inside = Position::new(head.position.ledger(), 1, head.records - 1);
    assert!(matches!(verify(dir.path(), Some((inside, head.hash))), Err(Fault::Unexpected(_))));
    let empty = head.position.with_place(0);
    assert!(matches!(verify(dir.path(), Some((empty, head.hash))), Err(Fault::Unexpected(_))));
    verify(dir.path(), Some((empty, RecordHash([0; 32])))).unwrap();
    assert!(matches!(verify(&dir.path().join("none"), None), Err(Fault::Missing(_))));
}

#[tokio::test]
async fn a_torn_batch_at_the_end_is_told_and_no_fault_unless_it_should_be_whole() {
    let dir = tempfile::tempdir().unwrap();
    let head = ledger(dir.path()).await;
    let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let last = names.filter_map(|name| crate::log::file::format::segment_number(&name)).max().unwrap();
    let bytes = fs::read(dir.path().join(segment(last))).unwrap();
    let all = frames(&bytes);
    let (at, len) = all[all.len() - 1];
    change(dir.path(), last, |bytes| bytes[at + len - 9..at + len].fill(0));
    let closed = wrong(dir.path());
    assert!(closed.damage.offset >= at as u64, "closed in good order: {closed}");

    let marker = dir.path().join("closed");
    let kept = fs::read(&marker).unwrap();
    fs::remove_file(&marker).unwrap();
    let report = verify(dir.path(), None).unwrap();
    let torn = report.torn.clone().unwrap();
    assert_eq!((torn.file, torn.offset, torn.record), (segment(last), at as u64, report.records + 1));
    assert!(report.records < head.records);
    // Whoever holds a later head was told that the batch was there.
    assert!(verify(dir.path(), Some((head.position, head.hash))).is_err());
    verify(dir.path(), Some((report.head.position, report.head.hash))).unwrap();
    // So was whoever wrote a checkpoint that names a record of it.
    let known = report.head.position.with_place(report.records + 1).into();
    for cut in [false, true] {
        if cut {
            change(dir.path(), last, |bytes| bytes[at..].fill(0));
        }
        let fault = verify_on(1, dir.path(), None, known, |_| ()).unwrap_err();
        assert!(cut || matches!(&fault, Fault::Wrong(wrong) if wrong.damage.offset >= at as u64), "{fault}");
    }
    verify_on(1, dir.path(), None, report.head.position.into(), |_| ()).unwrap();
    // What a whole batch follows was not the last one.
    change(dir.path(), last, |new| new.copy_from_slice(&bytes));
    let (before, _) = all[all.len() - 2];
    change(dir.path(), last, |bytes| bytes[before + 70] ^= 1);
    assert_eq!(wrong(dir.path()).damage.file, segment(last));
    change(dir.path(), last, |new| new.copy_from_slice(&bytes));
    fs::write(&marker, kept).unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().torn, None);
}

/// The marker goes when a server starts and comes when it stops: neither is a fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_and_stops_meanwhile_is_no_fault() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    let path = dir.path().to_owned();
    let server = tokio::spawn(async move {
        for round in ROUNDS..ROUNDS + 60 {
            let log = FileLog::open(&path, options()).unwrap();
            log.append(append(stream(0), round * 2, 2, 600)).await.unwrap();
            log.close().await.unwrap();
        }
    });
    while !server.is_finished() {
        verify_on(1, dir.path(), None, Known::default(), |_| ()).unwrap();
        tokio::task::yield_now().await;
    }
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_verifies_while_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(dir.path(), options()).unwrap();
    let writing = log.clone();
    let writer = tokio::spawn(async move {
        for round in 0_u64..300 {
            writing.append(append(stream(u128::from(round % 7)), round / 7, 1, 900)).await.unwrap();
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        let path = dir.path().to_owned();
        let report = tokio::task::spawn_blocking(move || verify_on(2, &path, None, Known::default(), |_| ()))
            .await
            .unwrap()
            .unwrap();
        assert!(report.records >= seen);
        seen = report.records;
    }
    writer.await.unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().records, 300);
}
