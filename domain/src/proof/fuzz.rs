//! The bodies of the fuzz targets of `domain/fuzz`: any bytes, and what must hold for whatever is read out of them.

use super::{
    bundle::{read_entries, read_hashes, write_entries, write_hashes},
    checkpoint::Checkpoint,
    cosignature::cosigned,
    key::{KeyName, SecretKey, SignatureKind, VerifierKey},
    note::Note,
    policy::Policy,
    receipt::Promise,
    tile::Tile,
    tlog_proof::TlogProof,
    witness::{AddCheckpoint, NotCosigned, judge, nothing},
};
use crate::ledger::RecordHash;

fn key(kind: SignatureKind) -> SecretKey {
    SecretKey::new(KeyName::new("log.example").expect("a name"), kind, &[7; 32])
}

fn short(error: &impl std::error::Error) {
    assert!(error.to_string().len() < 1000, "an error that repeats what was given");
}

/// A signed note prints as it was read, and no key that did not sign it says it did.
pub fn fuzz_note(bytes: &[u8]) {
    match Note::parse(bytes) {
        Ok(note) => {
            assert_eq!(note.to_string().as_bytes(), bytes, "another note than was read");
            assert!(note.text().ends_with('\n'), "a text without its line end");
            let log = key(SignatureKind::Note);
            if note.verify(log.public()).is_ok() {
                let signed = Note::sign(note.text(), &log).map(|again| again.signatures()[0].clone());
                assert_eq!(note.signatures().iter().find(|line| line.is_by(log.public())), signed.as_ref().ok());
            }
            let _ = cosigned(&note, key(SignatureKind::Cosignature).public());
        }
        Err(error) => short(&error),
    }
}

/// A checkpoint prints as it was read.
pub fn fuzz_checkpoint(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Checkpoint::parse(text) {
        Ok(checkpoint) => {
            assert_eq!(checkpoint.to_string(), text, "another checkpoint than was read");
            assert_eq!(checkpoint.split_view(&checkpoint), None, "a checkpoint that contradicts itself");
        }
        Err(error) => short(&error),
    }
}

/// A tile's path prints as it was read, and names a tile that a tree can have; the bytes after it, up to the first line
/// end, are read as its content.
pub fn fuzz_tile(bytes: &[u8]) {
    let (path, content) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len()));
    let content = content.get(1..).unwrap_or_default();
    let Some(tile) = str::from_utf8(path).ok().and_then(|path| path.parse::<Tile>().ok()) else { return };
    assert_eq!(tile.to_string().as_bytes(), path, "another tile than was read");
    assert_eq!(Tile::new(tile.kind(), tile.index(), tile.width()), Ok(tile), "a tile that cannot be made");
    if let Some(last) = tile.nodes().last() {
        let size = (last.index + 1) << last.level;
        assert_eq!(Tile::within(tile.kind(), tile.index(), size), Some(tile), "a tile that no tree has");
        assert!(Tile::holding(last, size).is_some(), "a hash that is in no tile");
    }
    match read_hashes(tile, content) {
        Ok(hashes) => assert_eq!(write_hashes(&hashes), content, "other hashes than were read"),
        Err(error) => short(&error),
    }
    match read_entries(tile, content) {
        Ok(entries) => assert_eq!(write_entries(&entries), content, "other entries than were read"),
        Err(error) => short(&error),
    }
}

/// A proof prints as it was read, and is checked without a panic.
pub fn fuzz_tlog_proof(bytes: &[u8]) {
    match TlogProof::parse(bytes) {
        Ok(proof) => {
            assert_eq!(proof.to_string().as_bytes(), bytes, "another proof than was read");
            let policy =
                Policy::new(key(SignatureKind::Note).public().clone(), vec![], 0).expect("a log and no quorum");
            let record = proof.stated_record().unwrap_or(RecordHash([0; 32]));
            match proof.verify(record, &policy) {
                Ok(proved) => assert!(proved.index < proved.accepted.checkpoint.size(), "a leaf beyond the tree"),
                Err(error) => short(&error),
            }
        }
        Err(error) => short(&error),
    }
}

/// A receipt's text prints as it was read.
pub fn fuzz_receipt(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Promise::parse(text) {
        Ok(promise) => {
            assert_eq!(promise.to_string(), text, "another receipt than was read");
            assert!(promise.due() >= promise.recorded, "a promise due before it was given");
            assert!(Checkpoint::parse(text).is_err(), "a receipt that is a checkpoint, too");
        }
        Err(error) => short(&error),
    }
}

/// A policy is read or refused by line, and its keys read back.
pub fn fuzz_policy(bytes: &[u8]) {
    match Policy::parse(bytes) {
        Ok(policy) => {
            assert!(!policy.logs().is_empty(), "a policy without a log");
            for key in policy.logs() {
                assert_eq!(key.to_string().parse::<VerifierKey>().as_ref(), Ok(key), "another key than was read");
            }
        }
        Err(error) => assert!(error.line > 0, "a fault in no line"),
    }
}

/// A request to a witness prints as it was read; a stranger's checkpoint is never cosigned.
pub fn fuzz_add_checkpoint(bytes: &[u8]) {
    match AddCheckpoint::parse(bytes) {
        Ok(request) => {
            assert_eq!(request.to_string().as_bytes(), bytes, "another request than was read");
            match judge(&request, key(SignatureKind::Note).public(), nothing()) {
                Ok(checkpoint) => assert!(
                    request.old == 0 && request.proof.is_empty() && checkpoint.origin().as_str() == "log.example"
                ),
                Err(error @ NotCosigned::NotConsistent(_)) => {
                    assert!(
                        request.note.verify(key(SignatureKind::Note).public()).is_ok(),
                        "judged before it was checked"
                    );
                    short(&error);
                }
                Err(error) => short(&error),
            }
        }
        Err(error) => short(&error),
    }
}
