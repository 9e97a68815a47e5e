//! What is changed is found, and named.

use socai_domain::{
    incoming::{
        IncomingDocument,
        direct::DirectIncoming,
        events::{Assignee, BranchRole, Directed, Resolution, Resolved, ScanAttached, Submitted, Urged},
        testing::{branch, for_unit, holder, new_branch, scan, words},
    },
    organ::{
        Organ,
        events::{PostAssumed, PostLeft},
    },
    proof::{KeyName, Policy, SecretKey, SignatureKind},
    testing::{Happen, acting},
};

use super::{
    super::{Kind, Question, Verdict, Wanted, container, fuzz_bundle, keys, names},
    office::{CONTENT, Office, Opened},
};

fn kinds(office: &Office, bundle: &[u8]) -> Vec<Kind> {
    office.check(bundle).faults.iter().map(|fault| fault.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_single_byte_of_the_file_counts() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    office.close().await;
    let bundle = office.export(&Wanted { sealed: true, ..Office::wanted(document) }).await.bytes;
    // Whatever else is wrong, the container is not as it must be.
    let mut changed = bundle.clone();
    for at in 0..bundle.len() {
        changed[at] ^= 1 << (at % 8);
        assert!(!matches!(container::read(&changed), Ok((_, None))), "byte {at}");
        changed[at] = bundle[at];
    }
    for at in (0..bundle.len()).step_by(bundle.len() / 97) {
        changed[at] ^= 0x40;
        let faults = office.check(&changed).faults;
        assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.to_string().is_empty()), "byte {at}");
        changed[at] = bundle[at];
    }
    assert_eq!(office.check(&changed).faults, []);
}

/// What the fuzz target tries, beginning with an honest bundle.
#[tokio::test(flavor = "multi_thread")]
async fn no_bytes_make_the_checker_panic_or_believe() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    office.close().await;
    let bundle = office.export(&Wanted { with_files: true, ..Office::wanted(document) }).await.bytes;
    fuzz_bundle(&bundle);
    fuzz_bundle(&[]);
    let step = bundle.len() / 61;
    for at in (0..bundle.len()).step_by(step) {
        let mut changed = bundle.clone();
        changed[at] = changed[at].wrapping_add(0x7f);
        fuzz_bundle(&changed);
        fuzz_bundle(&bundle[..at]);
        changed.drain(at..(at + step / 2).min(bundle.len()));
        fuzz_bundle(&changed);
        // An entry whose length is another one.
        let twice = [&bundle[..at], &bundle[at / 2..]].concat();
        fuzz_bundle(&twice);
    }
}

/// Somebody changes a byte and puts all together anew, with hashes that fit: what the log has signed, what opens and what
/// is made of it again still tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_is_found_even_where_the_manifest_was_made_to_fit() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    office.close().await;
    let wanted = Wanted { with_files: true, ..Office::wanted(document) };
    let bundle = office.export(&wanted).await.bytes;
    let opened = Opened::of(&bundle);
    let of_document = |name: &str| !name.contains("/organ-") && !name.contains("/person-");
    let mut tried = 0;
    for (place, (name, content)) in opened.0.iter().enumerate().filter(|(_, (name, _))| of_document(name)) {
        for at in (0..content.len()).step_by((content.len() / 23).max(1)) {
            let mut changed = opened.clone();
            changed.0[place].1[at] ^= 1 << (at % 7);
            // The manifest itself is left as it was changed.
            let fits = name != names::MANIFEST;
            let packed = if fits { changed.pack() } else { container::write(&changed.0).unwrap() };
            let faults = office.check(&packed).faults;
            assert!(!faults.is_empty(), "{name}, byte {at}: {:?}", content[at] as char);
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_has_its_name() {
    let mut office = Office::found().await;
    let document = office.resolved().await;
    office.close().await;
    let wanted = Wanted { with_files: true, ..Office::wanted(document) };
    let opened = Opened::of(&office.export(&wanted).await.bytes);
    let stream = format!("incoming-{document}");
    let record = |revision: u32| format!("records/{stream}/{revision:08}.record");
    let changed = |change: &dyn Fn(&mut Opened)| {
        let mut opened = opened.clone();
        change(&mut opened);
        kinds(&office, &opened.pack())
    };
    let has = |kind: Kind, change: &dyn Fn(&mut Opened)| {
        let found = changed(change);
        assert!(found.contains(&kind), "{kind:?}: {found:?}");
    };
    assert_eq!(changed(&|_| {}), []);

    has(Kind::Chain, &|it| it.remove(|name| name.contains(&format!("{stream}/00000003"))));
    has(Kind::Chain, &|it| it.remove(|name| name.contains(&format!("{stream}/00000000"))));
    has(Kind::Chain, &|it| it.remove(|name| name.contains("organ-") && name.contains("/00000005")));
    has(Kind::Proof, &|it| it.remove(|name| name == format!("proofs/{stream}/00000003.tlog-proof")));
    has(Kind::Proof, &|it| {
        let other = it.entry(&format!("proofs/{stream}/00000002.tlog-proof")).clone();
        *it.entry(&format!("proofs/{stream}/00000003.tlog-proof")) = other;
    });
    has(Kind::Record, &|it| {
        let other = it.entry(&record(2)).clone();
        *it.entry(&record(3)) = other;
    });
    has(Kind::Record, &|it| it.entry(&record(3)).truncate(50));
    has(Kind::Entry, &|it| it.remove(|name| name == names::README));
    has(Kind::Readme, &|it| it.replace(names::README, "--key", "--trust"));
    has(Kind::Entry, &|it| it.0.push(("notes.txt".to_owned(), b"see page 2".to_vec())));
    has(Kind::Entry, &|it| it.0.push((format!("proofs/{stream}/00000099.tlog-proof"), b"".to_vec())));
    has(Kind::Checkpoint, &|it| it.replace(names::CHECKPOINT, "socai/", "sokai/"));
    has(Kind::Checkpoint, &|it| it.entry(names::LOG_KEY).clear());
    has(Kind::Key, &|it| it.remove(|name| name == names::KEYS));
    has(Kind::Key, &|it| {
        let text = it.text(names::KEYS);
        let key = text.split("\"key\": ").nth(1).unwrap().split('\n').next().unwrap().to_owned();
        it.replace(names::KEYS, &key, "null");
    });
    has(Kind::Trail, &|it| it.replace(names::TRAIL_HTML, "Lê Thị Thay", "Lê Thị Khác"));
    has(Kind::Trail, &|it| it.replace(names::TRAIL_JSON, "Lê Thị Thay", "Lê Thị Khác"));
    has(Kind::Trail, &|it| it.replace(names::MANIFEST, "\"rendering\": 1", "\"rendering\": 2"));
    has(Kind::Manifest, &|it| it.replace(names::MANIFEST, "\"version\": 1", "\"version\": 2"));
    has(Kind::Chain, &|it| it.replace(names::MANIFEST, "\"document\": \"incoming-0", "\"document\": \"incoming-1"));
    // Without the book's record nothing shows where the number comes from.
    has(Kind::Key, &|it| it.remove(|name| name.contains("register-")));
    has(Kind::Judgement, &|it| {
        it.remove(|name| name.contains("register-"));
        let mut keys = keys::read(it.entry(names::KEYS)).unwrap();
        keys.retain(|name, _| !name.contains("register-"));
        *it.entry(names::KEYS) = keys::write(&keys);
    });
    // One file has its content, another has not.
    let file = names::file(*blake3::hash(CONTENT).as_bytes());
    has(Kind::File, &|it| it.entry(&file).push(b'!'));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_proved_to_who_believes_another_log_or_wants_witnesses() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    office.close().await;
    let bundle = office.export(&Office::wanted(document)).await.bytes;
    let key = |name: &str, kind| SecretKey::new(KeyName::new(name).unwrap(), kind, &[7; 32]).public().clone();
    let mine = office.policy().logs()[0].clone();
    let other = Policy::new(key("another.example", SignatureKind::Note), Vec::new(), 0).unwrap();
    let witness = key("witness.example", SignatureKind::Cosignature);
    let demanding = Policy::new(mine, vec![witness], 1).unwrap();
    for policy in [other, demanding] {
        let faults = Question { file: &bundle, policy: &policy, since: None }.check().faults;
        assert!(matches!(&faults[..], [fault] if fault.kind == Kind::Checkpoint), "{faults:?}");
    }
    for garbage in [&b""[..], b"PK", b"PK\x03\x04", &bundle[1..], &bundle[..bundle.len() / 2]] {
        assert!(!office.check(garbage).faults.is_empty());
    }
}

/// What somebody with the keys of the program wrote past its rules is in the log, is proved to be, and is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_theirs_to_do_is_found_though_the_log_took_it() {
    let mut office = Office::found().await;
    let scene = office.scene.clone();
    // An officer resolves what lies with the leader.
    let first = office.submitted(21).await;
    let resolved = Resolved {
        how: Resolution::Noted,
        answers: Vec::new(),
        note: None,
        transferred_to: None,
        closed: Vec::new(),
        closed_because: None,
        confirms: None,
    };
    office.does(first, scene.officer, Happen::<IncomingDocument>(vec![resolved.into()])).await;
    // The head directs in the leader's place, without a delegation, in a post of their own.
    let second = office.submitted(22).await;
    let branches = vec![new_branch(1, Assignee::Unit { unit: scene.unit }, BranchRole::Lead, 5)];
    let directed = Directed { note: None, branches, follower: None, by_regulation: false };
    office.does(second, scene.head, Happen::<IncomingDocument>(vec![directed.into()])).await;
    // The clerk does what is theirs, but says that the paper was submitted to somebody who leads nothing.
    let third = office.registered(23).await;
    let wrong = Submitted { to: holder(scene.officer), note: None };
    office.does(third, scene.clerk, Happen::<IncomingDocument>(vec![wrong.into()])).await;
    // Two acts under one command.
    let fourth = office.registered(24).await;
    let scans = vec![ScanAttached { files: vec![scan()] }.into(), ScanAttached { files: vec![scan()] }.into()];
    office.does(fourth, scene.clerk, Happen::<IncomingDocument>(scans)).await;
    office.close().await;

    for (document, revision, why) in [
        (first, 4, "resolveIncoming is refused"),
        (second, 4, "directIncoming is refused"),
        (third, 3, "submitIncoming is refused"),
        (fourth, 3, "no one command"),
    ] {
        let bundled = office.export(&Office::wanted(document)).await;
        let report = office.check(&bundled.bytes);
        let told = format!("{why}: {:?}", report.faults);
        assert_eq!(report.faults, bundled.report.faults, "who exports is told what a checker finds");
        let [fault] = &report.faults[..] else { panic!("{told}") };
        assert_eq!((fault.kind, fault.record.unwrap().1.number()), (Kind::Judgement, revision), "{told}");
        assert!(fault.what.contains(why), "{told}");
        let fallen = report.judged.iter().filter(|judged| matches!(judged.verdict, Verdict::Falls { .. })).count();
        assert_eq!((fallen, report.judged.len()), (1, usize::try_from(revision).unwrap() + 1), "{told}");
    }
}

/// Rights are those of then: a leader who has left since directed well, and nobody directs after they left.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_judged_by_what_the_agency_knew_then() {
    let mut office = Office::found().await;
    let scene = office.scene.clone();
    let (document, leader) = (office.submitted(12).await, acting(scene.leader));
    let branches = vec![for_unit(scene.unit, BranchRole::Lead)];
    office.does(document, scene.leader, DirectIncoming { note: None, branches, follower: None }).await;
    // The leader leaves, and another takes the post: the organ goes on, the document's records name its older revision.
    let at = office.clock_now();
    let left = PostLeft { post: leader.post, person: leader.person, from: at };
    let assumed = PostAssumed { post: leader.post, person: acting(scene.officer).person, from: at };
    office.organ_happens(Happen::<Organ>(vec![left.into(), assumed.into()])).await;
    let urged = Urged { branch: branch(1), note: words("Khẩn trương") };
    office.does(document, scene.leader, Happen::<IncomingDocument>(vec![urged.into()])).await;
    office.close().await;
    let report = office.check(&office.export(&Office::wanted(document)).await.bytes);
    let [fault] = &report.faults[..] else { panic!("{:?}", report.faults) };
    assert_eq!((fault.kind, fault.record.unwrap().1.number()), (Kind::Judgement, 5));
    assert!(fault.what.contains("urgeIncoming is refused") && fault.what.contains("NO_POST"), "{fault}");
}
