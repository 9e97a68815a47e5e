//! The parsers on inputs that were saved, and on mutations of them. Each folder is named like its fuzz target.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use socai_domain::proof::{
    fuzz_add_checkpoint, fuzz_checkpoint, fuzz_note, fuzz_policy, fuzz_receipt, fuzz_tile, fuzz_tlog_proof,
};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("add_checkpoint", fuzz_add_checkpoint),
    ("checkpoint", fuzz_checkpoint),
    ("note", fuzz_note),
    ("policy", fuzz_policy),
    ("receipt", fuzz_receipt),
    ("tile", fuzz_tile),
    ("tlog_proof", fuzz_tlog_proof),
];

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz-inputs").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_target_has_inputs_and_a_program() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut names: Vec<_> = fs::read_dir(programs).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let names: Vec<_> = names.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
    for (name, _) in TARGETS {
        assert!(files(name).len() >= 5, "{name}");
    }
}

#[test]
fn saved_inputs_keep_every_promise() {
    for (name, target) in TARGETS {
        for path in files(name) {
            target(&fs::read(path).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_inputs_keep_every_promise(
        which in 0_usize..1000,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..60, 0_u8..4, any::<u8>()), 1..8),
    ) {
        for (name, target) in TARGETS {
            let seeds = files(name);
            let mut bytes = fs::read(&seeds[which % seeds.len()]).unwrap();
            for (at, from, length, kind, value) in &edits {
                if bytes.is_empty() {
                    break;
                }
                let (at, from) = (at.index(bytes.len()), from.index(bytes.len()));
                let (end, from_end) = ((at + length).min(bytes.len()), (from + length).min(bytes.len()));
                match kind {
                    0 => bytes[at] = *value,
                    1 => drop(bytes.drain(at..end)),
                    2 => drop(bytes.splice(at..at, bytes[from..from_end].to_vec())),
                    _ => drop(bytes.splice(at..end, *b"\n\n")),
                }
            }
            target(&bytes);
        }
    }
}
