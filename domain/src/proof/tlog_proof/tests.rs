use super::super::{
    TreeHead,
    checkpoint::Checkpoint,
    cosignature::cosign,
    key::{KeyName, SecretKey, SignatureKind},
    testing::{NotThere, Tree, record},
};
use super::*;
use crate::time::Timestamp;

fn key(name: &str, kind: SignatureKind, seed: u8) -> SecretKey {
    SecretKey::new(KeyName::new(name).unwrap(), kind, &[seed; 32])
}

fn log() -> SecretKey {
    key("log.example", SignatureKind::Note, 1)
}

fn witness() -> SecretKey {
    key("witness.example", SignatureKind::Cosignature, 2)
}

fn policy() -> Policy {
    Policy::new(log().public().clone(), vec![witness().public().clone()], 1).unwrap()
}

fn proof(index: u64, size: u64) -> TlogProof {
    let tree = Tree::of(size);
    let head = TreeHead { size, root: tree.root(size) };
    let mut checkpoint = Checkpoint::new(log().public().name().clone(), head).sign(&log()).unwrap();
    checkpoint.add(cosign(&checkpoint, Timestamp::from_micros(9_000_000), &witness()).unwrap());
    let hashes: Result<_, NotThere> = inclusion::prove(index, size, tree.within(size));
    TlogProof::new(record(index), index, hashes.unwrap().unwrap(), checkpoint)
}

#[test]
fn a_printed_proof_is_read_and_verifies() {
    for (index, size) in [(0, 1), (0, 2), (6, 7), (3, 100), (99, 100)] {
        let proof = proof(index, size);
        let read = TlogProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.stated_record(), Some(record(index)));
        let proved = read.verify(record(index), &policy()).unwrap();
        assert_eq!((proved.index, proved.record, proved.accepted.checkpoint.size()), (index, record(index), size));
        let without = TlogProof { extra: None, ..proof };
        assert_eq!(TlogProof::parse(without.to_string().as_bytes()).as_ref(), Ok(&without));
        assert!(without.verify(record(index), &policy()).is_ok());
        assert_eq!(without.stated_record(), None);
    }
}

#[test]
fn the_form_is_that_of_the_specification() {
    let text = proof(1, 3).to_string();
    let lines: Vec<_> = text.split('\n').collect();
    let stated = BASE64.encode(record(1).0);
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", &format!("extra {stated}"), "index 1"]);
    assert_eq!((lines[3].len(), lines[4].len(), lines[5]), (44, 44, ""));
    assert_eq!(lines[6..8], ["log.example", "3"]);
    assert!(lines[10].starts_with("\u{2014} log.example ") && lines[11].starts_with("\u{2014} witness.example "));
    assert_eq!(lines[12..], [""]);
}

#[test]
fn one_flipped_bit_anywhere_is_found() {
    let text = proof(2, 5).to_string();
    for bit in 0..text.len() * 8 {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let stated = TlogProof::parse(&bytes).ok().and_then(|proof| {
            let stated = proof.stated_record()?;
            proof.verify(stated, &policy()).ok()
        });
        assert_eq!(stated, None, "bit {bit}: {}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_first_thing_that_fails_is_named() {
    let good = proof(2, 5);
    let other = good.verify(record(3), &policy()).unwrap_err();
    assert!(matches!(other, NotProved::Inclusion { source: NotIncluded::OtherRoot { .. }, .. }), "{other}");
    let moved = TlogProof { index: 3, ..good.clone() }.verify(record(2), &policy()).unwrap_err();
    assert!(matches!(moved, NotProved::Inclusion { source: NotIncluded::OtherRoot { .. }, .. }), "{moved}");
    let short = TlogProof { hashes: vec![], ..good.clone() }.verify(record(2), &policy()).unwrap_err();
    assert!(matches!(short, NotProved::Inclusion { source: NotIncluded::Length { .. }, .. }), "{short}");
    let later =
        TlogProof { checkpoint: proof(2, 6).checkpoint, ..good.clone() }.verify(record(2), &policy()).unwrap_err();
    assert!(matches!(later, NotProved::Inclusion { .. }), "{later}");
    let renamed = TlogProof { extra: Some(record(3).0.to_vec()), ..good.clone() }.verify(record(2), &policy());
    assert_eq!(renamed, Err(NotProved::Stated { record: record(2), stated: record(3) }));
    let stranger = Policy::new(key("log.example", SignatureKind::Note, 9).public().clone(), vec![], 0).unwrap();
    assert!(matches!(good.verify(record(2), &stranger), Err(NotProved::Checkpoint(NotAccepted::Log(_)))));
    let demanding = vec![key("other.example", SignatureKind::Cosignature, 9).public().clone()];
    let demanding = Policy::new(log().public().clone(), demanding, 1).unwrap();
    assert!(matches!(good.verify(record(2), &demanding), Err(NotProved::Checkpoint(NotAccepted::Quorum { .. }))));
}

#[test]
fn what_is_not_a_proof_is_refused_by_name() {
    let text = proof(1, 3).to_string();
    let error = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        TlogProof::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert_eq!(error("@v1", "@v2"), NotAProof::Version);
    assert_eq!(error("c2sp", " c2sp"), NotAProof::Version);
    assert_eq!(error("@v1\n", "@v1\r\n"), NotAProof::Version);
    assert_eq!(error("\nindex 1", "\nindex 1\nindex 1"), NotAProof::Hash(4));
    for index in
        ["index 01", "index +1", "index -1", "index  1", "index", "Index 1", "index 1 ", "index 18446744073709551616"]
    {
        assert_eq!(error("index 1", index), NotAProof::Index, "{index:?}");
    }
    for extra in ["extra ", "extra *", "extra AB=="] {
        let line = text.lines().nth(1).unwrap();
        assert_eq!(error(line, extra), NotAProof::Extra, "{extra:?}");
    }
    assert_eq!(error("extra ", "Extra "), NotAProof::Index);
    let hash = text.lines().nth(4).unwrap();
    for wrong in ["AAAA", &format!("{hash} "), &format!(" {hash}"), &hash.replace('=', "")] {
        assert_eq!(error(hash, wrong), NotAProof::Hash(5), "{wrong:?}");
    }
    assert_eq!(error(hash, &[hash; 64].join("\n")), NotAProof::TooManyHashes(65));
    assert_eq!(error("\n\n", "\n"), NotAProof::Hash(6));
    assert_eq!(TlogProof::parse(b"c2sp.org/tlog-proof@v1\nindex 0\n"), Err(NotAProof::Incomplete));
    assert_eq!(TlogProof::parse(b"c2sp.org/tlog-proof@v1\n\n\n"), Err(NotAProof::Index));
    assert_eq!(TlogProof::parse(b""), Err(NotAProof::Version));
    assert_eq!(error("\u{2014} log", "- log"), NotAProof::Checkpoint(NotANote::SignatureLine));
    assert_eq!(TlogProof::parse(&vec![b'a'; MAX_PROOF_LEN + 1]), Err(NotAProof::TooLong(MAX_PROOF_LEN + 1)));
}
