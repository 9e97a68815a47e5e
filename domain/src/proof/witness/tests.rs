//! Requests, and how they are judged.

use super::super::{key::SecretKey, note::NotSigned, testing::Tree};
use super::*;

/// The request of the specification.
const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
";

fn key(name: &str) -> SecretKey {
    SecretKey::new(KeyName::new(name).unwrap(), SignatureKind::Note, &[1; 32])
}

fn head(tree: &Tree, size: u64) -> TreeHead {
    TreeHead { size, root: if size == 0 { TreeHash::empty() } else { tree.root(size) } }
}

fn asked(tree: &Tree, old: u64, new: u64) -> AddCheckpoint {
    let log = key("log.example");
    let note = Checkpoint::new(log.public().name().clone(), head(tree, new)).sign(&log).unwrap();
    let proof = consistency::prove(old, new, tree.within(new)).unwrap().unwrap_or_default();
    AddCheckpoint { old, proof, note }
}

#[test]
fn the_specifications_example_is_read_and_prints_as_it_was() {
    let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.origin(), Some("example.com/behind-the-sofa"));
    assert_eq!(request.to_string(), EXAMPLE);
}

#[test]
fn what_is_not_a_request_is_refused_by_name() {
    let error = |text: &str| AddCheckpoint::parse(text.as_bytes()).unwrap_err();
    let (old, rest) = EXAMPLE.split_once('\n').unwrap();
    let (_, note) = EXAMPLE.split_once("\n\n").unwrap();
    for text in ["", "old 0", "old 0\n", old] {
        assert_eq!(error(text), NotARequest::Form, "{text:?}");
    }
    for wrong in ["old 01", "old", "old ", "old -1", "old +1", "old 1 ", " old 1", "Old 1", "old 18446744073709551616"]
    {
        assert_eq!(error(&format!("{wrong}\n{rest}")), NotARequest::Old, "{wrong}");
    }
    assert_eq!(error(&format!("old 1\nAAAA\n\n{note}")), NotARequest::Hash);
    let hashes = |count: usize| format!("old 1\n{}\n{note}", format!("{}\n", TreeHash::empty()).repeat(count));
    assert!(AddCheckpoint::parse(hashes(MAX_PROOF).as_bytes()).is_ok());
    assert_eq!(error(&hashes(MAX_PROOF + 1)), NotARequest::TooManyHashes);
    assert!(matches!(error(&format!("old 0\n\n{}", note.trim_end())), NotARequest::Note(_)));
    assert_eq!(error(&"a".repeat(MAX_REQUEST_LEN + 1)), NotARequest::TooLong);
    assert_eq!(AddCheckpoint::parse(b"\xff\n\n"), Err(NotARequest::Form));
}

#[test]
fn only_a_tree_that_grew_from_the_one_cosigned_before_is_cosigned() {
    let (tree, log) = (Tree::of(40), key("log.example"));
    for old in 0..=40 {
        for new in old..=40 {
            let request = asked(&tree, old, new);
            assert_eq!(judge(&request, log.public(), head(&tree, old)).unwrap().head(), head(&tree, new));
            for index in 0..request.proof.len() {
                let mut wrong = request.clone();
                wrong.proof[index].0[7] ^= 1;
                let refused = judge(&wrong, log.public(), head(&tree, old)).unwrap_err();
                assert!(matches!(refused, NotCosigned::NotConsistent(_)), "{refused}");
            }
        }
    }
}

#[test]
fn each_refusal_has_its_reason() {
    let (tree, other, log) = (Tree::of(40), Tree::with(40, |index| index + index / 20), key("log.example"));
    let judged = |request: &AddCheckpoint, cosigned| judge(request, log.public(), cosigned).unwrap_err();
    let refused = judge(&asked(&tree, 0, 3), key("other.example").public(), nothing()).unwrap_err();
    assert!(matches!(refused, NotCosigned::Log(NotTheLogs::Signature(NotSigned::Missing { .. }))));
    let larger = AddCheckpoint { old: 4, ..asked(&tree, 0, 3) };
    assert_eq!(judged(&larger, head(&tree, 4)), NotCosigned::OldIsLarger { old: 4, new: 3 });
    assert_eq!(judged(&asked(&tree, 0, 9), head(&tree, 5)), NotCosigned::Moved { cosigned: 5, old: 0 });
    // Another history: of the same size, and of a later one.
    let split = judged(&asked(&other, 30, 30), head(&tree, 30));
    assert!(matches!(split, NotCosigned::NotConsistent(NotConsistent::SplitView { size: 30, .. })), "{split}");
    let rewritten = judged(&asked(&other, 30, 40), head(&tree, 30));
    assert!(matches!(rewritten, NotCosigned::NotConsistent(NotConsistent::OldRoot(_))), "{rewritten}");
    // From nothing, nothing is to be proved.
    let proved = AddCheckpoint { proof: vec![tree.root(3)], ..asked(&tree, 0, 3) };
    assert!(matches!(judged(&proved, nothing()), NotCosigned::NotConsistent(NotConsistent::Length { .. })));
}

#[test]
fn sizes_have_one_text() {
    for size in [0, 1, 20_852_014, u64::MAX] {
        assert_eq!(read_size(write_size(size).as_bytes()), Some(size));
    }
    for wrong in ["", "\n", "1", "01\n", "-1\n", "1\n\n", "1 \n", "one\n"] {
        assert_eq!(read_size(wrong.as_bytes()), None, "{wrong:?}");
    }
}

#[test]
fn logs_are_read_line_by_line() {
    let (one, two) = (key("one.example").public().clone(), key("two.example").public().clone());
    let text = format!("# agencies\n\nlog {one}\n  log\t{two} https://two.example/log/ \n");
    assert_eq!(read_logs(&text), Ok(vec![one.clone(), two]));
    assert_eq!(read_logs(""), Ok(vec![]));
    let fault = |line: &str| read_logs(&format!("log {one}\n{line}\n")).unwrap_err();
    assert_eq!(fault(&one.to_string()).to_string().find("line 2: write `log KEY`"), Some(0));
    assert_eq!(fault(&format!("log {one}")).what, LogFault::Repeated(one.name().clone()));
    assert!(matches!(fault("log one.example").what, LogFault::Key(_)));
    let witness = SecretKey::new(KeyName::new("w").unwrap(), SignatureKind::Cosignature, &[1; 32]);
    assert_eq!(fault(&format!("log {}", witness.public())).what, LogFault::Kind);
}

#[test]
fn a_log_is_shown_under_the_hash_of_its_origin() {
    let hash = origin_hash(&KeyName::new("abc").unwrap());
    assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
