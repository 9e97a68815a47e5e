use super::super::TreeHead;
use super::super::{
    cosignature::{
        cosign,
        tests::{PUBLIC, PUBLIC_LOG, PUBLIC_WITNESSES},
    },
    key::SecretKey,
    testing::Tree,
};
use super::*;
use crate::ledger::RecordHash;

fn key(name: &str, kind: SignatureKind) -> SecretKey {
    let seed = RecordHash::of(name.as_bytes()).0;
    SecretKey::new(KeyName::new(name).unwrap(), kind, &seed)
}

fn log() -> SecretKey {
    key("log.example", SignatureKind::Note)
}

fn witness(name: &str) -> SecretKey {
    key(name, SignatureKind::Cosignature)
}

fn checkpoint(witnesses: &[&str]) -> Note {
    let tree = Tree::of(3);
    let head = TreeHead { size: 3, root: tree.root(3) };
    let mut note = Checkpoint::new(log().public().name().clone(), head).sign(&log()).unwrap();
    for name in witnesses {
        note.add(cosign(&note, Timestamp::from_micros(1_000_000), &witness(name)).unwrap());
    }
    note
}

/// The two levels of groups of the specification's example.
fn two_levels() -> String {
    let witness = |name: &str| format!("witness {name} {}\n", witness(name).public());
    let named = |names: &[&str]| names.iter().map(|name| witness(name)).collect::<String>();
    format!(
        "# whom we believe\n\nlog\t{}   https://log.example/\n{} group X 2 x1 x2 x3\n{}group Y any y1 y2 y3\ngroup X-and-Y \
         all X Y\nquorum X-and-Y\n",
        log().public(),
        named(&["x1", "x2", "x3"]),
        named(&["y1", "y2", "y3"]),
    )
}

#[test]
fn a_quorum_of_groups_is_counted_as_written() {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    for good in [&["x1", "x2", "y1"][..], &["x3", "x1", "y3", "y2"], &["x1", "x2", "x3", "y1", "y2", "y3", "stranger"]]
    {
        let accepted = policy.check(&checkpoint(good)).unwrap();
        assert_eq!(accepted.checkpoint.size(), 3);
        assert_eq!(accepted.witnessed.len(), good.iter().filter(|name| name.len() == 2).count());
    }
    for short in [&[][..], &["x1", "x2"], &["x1", "y1", "y2", "y3"], &["stranger", "x1", "y1"]] {
        let error = policy.check(&checkpoint(short)).unwrap_err();
        assert!(matches!(error, NotAccepted::Quorum { .. }), "{error}");
    }
    let error = policy.check(&checkpoint(&["x1", "y1"])).unwrap_err().to_string();
    assert!(error.contains("`X-and-Y` is not reached: cosigned by x1, y1, not by x2, x3, y2, y3"), "{error}");
}

#[test]
fn a_public_logs_checkpoint_satisfies_its_policy() {
    let note = Note::parse(PUBLIC.as_bytes()).unwrap();
    let witnesses: Vec<VerifierKey> = PUBLIC_WITNESSES.iter().map(|key| key.parse().unwrap()).collect();
    let policy = |least| Policy::new(PUBLIC_LOG.parse().unwrap(), witnesses.clone(), least);
    for least in 0..=3 {
        assert_eq!(policy(least).unwrap().check(&note).unwrap().witnessed.len(), 3);
    }
    assert_eq!(policy(4), Err(PolicyFault::Least));
}

#[test]
fn a_known_witnesss_false_line_is_not_overlooked() {
    let policy = Policy::new(log().public().clone(), vec![witness("x1").public().clone()], 0).unwrap();
    let other = {
        let head = TreeHead { size: 4, root: Tree::of(4).root(4) };
        Checkpoint::new(log().public().name().clone(), head).sign(&log()).unwrap()
    };
    let mut note = checkpoint(&[]);
    assert!(policy.check(&note).unwrap().witnessed.is_empty());
    note.add(cosign(&other, Timestamp::from_micros(0), &witness("x1")).unwrap());
    assert!(matches!(policy.check(&note), Err(NotAccepted::Witness(NotSigned::False { .. }))));
}

#[test]
fn any_of_several_logs_may_have_signed() {
    let others = [key("a.example", SignatureKind::Note), key("b.example", SignatureKind::Note)];
    let lines = format!("log {}\nlog {}\n", others[0].public(), others[1].public());
    let note = checkpoint(&[]);
    let policy = Policy::parse(format!("{lines}quorum none").as_bytes()).unwrap();
    let error = policy.check(&note).unwrap_err();
    assert!(error.to_string().contains("no signature by a.example"), "{error}");
    let policy = Policy::parse(format!("{lines}log {}\nquorum none", log().public()).as_bytes()).unwrap();
    assert_eq!(policy.check(&note).unwrap().key, *log().public());
    assert_eq!(policy.logs().len(), 3);
}

#[test]
fn what_is_not_a_policy_is_refused_by_line() {
    let (log, w1, w2) = (log(), witness("w1"), witness("w2"));
    let (log, w1, w2) = (log.public(), w1.public(), w2.public());
    let fault = |text: &str| Policy::parse(text.as_bytes()).unwrap_err();
    let good = format!("log {log}\nwitness a {w1}\nwitness b {w2}\n");
    for (more, line, what) in [
        ("", 4, PolicyFault::Incomplete),
        ("quorum a\nquorum a", 5, PolicyFault::Incomplete),
        ("quorum c", 4, PolicyFault::Unknown("c".into())),
        ("quorum", 4, PolicyFault::Form),
        ("quorum a b", 4, PolicyFault::Form),
        ("Quorum a", 4, PolicyFault::Form),
        ("group g any", 4, PolicyFault::Form),
        ("group g any a c", 4, PolicyFault::Unknown("c".into())),
        ("group g any a a", 4, PolicyFault::Shared("a".into())),
        ("group g any a\ngroup h any a b", 5, PolicyFault::Shared("a".into())),
        ("group a any b", 4, PolicyFault::Repeated("a".into())),
        ("group none any a", 4, PolicyFault::None),
        ("group g any none", 4, PolicyFault::Unknown("none".into())),
        ("group g any g", 4, PolicyFault::Unknown("g".into())),
        ("group g 0 a b", 4, PolicyFault::Least),
        ("group g 3 a b", 4, PolicyFault::Least),
        ("group g +1 a b", 4, PolicyFault::Least),
        ("group g some a b", 4, PolicyFault::Least),
        ("\u{b}quorum a", 4, PolicyFault::NotText),
        ("quorum\u{a0}a", 4, PolicyFault::Form),
        ("quorum a\r", 4, PolicyFault::NotText),
        (&format!("log {log}"), 4, PolicyFault::Repeated(log.to_string())),
        (&format!("log {w1}"), 4, PolicyFault::Kind),
        (&format!("witness c {w1}"), 4, PolicyFault::Repeated(w1.to_string())),
        (&format!("witness c {log}"), 4, PolicyFault::Kind),
        (&format!("log {log} a b"), 4, PolicyFault::Form),
        ("log a", 4, PolicyFault::Key(NotAVerifierKey::Form)),
    ] {
        assert_eq!(fault(&format!("{good}{more}")), NotAPolicy { line, what }, "{more:?}");
    }
    assert_eq!(fault("quorum none").what, PolicyFault::Incomplete, "without a log");
    assert_eq!(Policy::parse(b"\xff").unwrap_err().what, PolicyFault::NotText);
    assert_eq!(fault(&" ".repeat(MAX_POLICY_LEN + 1)).what, PolicyFault::TooLong);
    assert!(fault(&format!("{good}quorum c")).to_string().starts_with("policy, line 4: "));
}
