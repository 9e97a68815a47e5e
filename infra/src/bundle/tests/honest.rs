//! What an export shows, and to whom.

use socai_domain::{
    document_types::SecrecyLevel,
    incoming::{confirm_expunge::ConfirmExpunge, expunge::ExpungeIncoming},
    ledger::{RecordHash, Revision},
    proof::TlogProof,
};

use super::{
    super::{BundleError, Kind, Question, Verdict, Wanted, names},
    office::{CONTENT, OPINION, Office, Opened, person},
};
use crate::blobs::BlobHash;

fn text_of(bundle: &[u8], name: &str) -> String {
    Opened::of(bundle).text(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_shows_who_did_what_and_every_decision_is_judged_again() {
    let mut office = Office::found().await;
    let document = office.resolved().await;
    office.registered(13).await; // another's records lie between
    office.close().await;
    let bundled = office.export(&Office::wanted(document)).await;
    assert_eq!(bundled.report.faults, []);
    let report = office.check(&bundled.bytes);
    assert_eq!(report.faults, []);

    // Arrived, began, registered, submitted, directed, assigned, completed; the last two are one decision.
    let about = report.about.unwrap();
    assert_eq!((about.records, about.files, about.sealed), (9, (1, 0), false));
    let stands = |system| {
        let of = |verdict: &Verdict| matches!(verdict, Verdict::Stands { system: by, .. } if *by == system);
        report.judged.iter().filter(|judged| of(&judged.verdict)).count()
    };
    assert_eq!((report.judged.len(), stands(false), stands(true)), (8, 7, 1));
    let last = report.judged.last().unwrap();
    assert_eq!((last.first, last.last), (Revision::new(7), Revision::new(8)));

    let html = text_of(&bundled.bytes, names::TRAIL_HTML);
    for shown in [
        "Lê Thị Thay",
        "thay mặt Nguyễn Văn Ví Dụ theo ủy quyền",
        "Giám đốc, Sở Ví Dụ (vai trò: Lãnh đạo)",
        "&lt;b&gt;Khẩn trương&lt;/b&gt; &amp; đúng hạn",
        "→ Chủ trì: Phòng Kế hoạch",
        "Điều 22 Nghị định 30/2020/NĐ-CP",
        "<th>Số đến</th><td>1</td>",
        "<th>Trích yếu</th><td>V/v góp ý dự thảo kế hoạch ví dụ</td>",
        "Hệ thống",
        "cong-van.pdf",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(!html.contains(OPINION) && !html.contains("src=") && !html.contains("http://"), "{html}");
    let trail: serde_json::Value = serde_json::from_str(&text_of(&bundled.bytes, names::TRAIL_JSON)).unwrap();
    let directed = &trail["records"][4];
    assert_eq!(directed["decision"]["onBehalfOf"]["id"], person(office.scene.leader).to_string());
    assert_eq!(directed["content"]["note"], OPINION);
    assert_eq!(trail["about"]["arrivalNumber"], 1);
    assert!(trail["files"][0]["blake3"] == BlobHash::of(CONTENT).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_proof_is_good_for_any_verifier_and_the_same_export_gives_the_same_bytes() {
    let mut office = Office::found().await;
    let document = office.resolved().await;
    office.close().await;
    let bundled = office.export(&Office::wanted(document)).await;
    let (mut opened, policy) = (Opened::of(&bundled.bytes), office.policy());
    let records: Vec<_> = opened.0.iter().filter(|(name, _)| name.starts_with(names::RECORDS)).cloned().collect();
    // The document's, the organ's, those of three people, and the book's.
    assert!(records.len() > 9 + 20 + 3, "{}", records.len());
    for (name, bytes) in records {
        let proof = name.replace("records/", "proofs/").replace(".record", ".tlog-proof");
        let proof = TlogProof::parse(opened.entry(&proof)).unwrap();
        assert!(proof.verify(RecordHash::of(&bytes), &policy).is_ok(), "{name}");
    }
    let again = office.export(&Office::wanted(document)).await;
    assert!(again.bytes == bundled.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_bundle_holds_no_key_no_name_and_no_text() {
    let mut office = Office::found().await;
    let document = office.resolved().await;
    office.close().await;
    let bundled = office.export(&Wanted { sealed: true, ..Office::wanted(document) }).await;
    assert_eq!(bundled.report.faults, []);
    let about = bundled.report.about.unwrap();
    assert_eq!((about.sealed, about.records, about.others), (true, 9, 0));
    assert!(bundled.report.judged.iter().all(|judged| matches!(judged.verdict, Verdict::Open { .. })));
    let opened = Opened::of(&bundled.bytes);
    assert!(!opened.0.iter().any(|(name, _)| name == names::KEYS));
    let whole = String::from_utf8_lossy(&bundled.bytes).into_owned();
    for secret in ["Khẩn trương", "Nguyễn Văn Ví Dụ", "V/v góp ý", "Phòng Kế hoạch", "cong-van"] {
        assert!(!whole.contains(secret), "{secret}");
    }
    assert!(whole.contains("Cho ý kiến chỉ đạo"), "the kind stands in the header, in clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_of_files_come_on_request() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    office.close().await;
    let wanted = Wanted { with_files: true, ..Office::wanted(document) };
    let bundled = office.export(&wanted).await;
    assert_eq!(bundled.report.faults, []);
    assert_eq!(bundled.report.about.unwrap().files, (1, 1));
    let hash = BlobHash::of(CONTENT).to_string();
    assert_eq!(Opened::of(&bundled.bytes).entry(&format!("files/{hash}")), CONTENT);
    std::fs::remove_file(office.config.blobs.path().unwrap().join(&hash[..2]).join(&hash)).unwrap();
    let missing = super::super::gather(&office.config, true, &wanted, |_, _| {}).await.unwrap_err();
    assert!(missing.to_string().contains("it is not in the store of files; export without --with-files"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_proved_to_have_been_there_and_no_more() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    let (clerk, leader) = (office.scene.clerk, office.scene.leader);
    office.does(document, clerk, ExpungeIncoming { level: SecrecyLevel::Secret }).await;
    office.does(document, leader, ConfirmExpunge {}).await;
    office.close().await;
    let bundled = office.export(&Office::wanted(document)).await;
    assert_eq!(bundled.report.faults, []);
    let open = |judged: &super::super::Judged| matches!(judged.verdict, Verdict::Open { .. });
    // Four records and the confirmation, which was decided on them; the system's last step is judged.
    assert_eq!(bundled.report.judged.iter().filter(|judged| open(judged)).count(), 5);
    assert!(!bundled.report.judged.last().is_some_and(open));
    let html = text_of(&bundled.bytes, names::TRAIL_HTML);
    assert_eq!(html.matches("Nội dung đã bị xóa bỏ").count(), 4, "{html}");
    assert!(!html.contains("V/v góp ý"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_the_running_program_it_waits_for_the_checkpoint() {
    let mut office = Office::found().await;
    let document = office.resolved().await;
    // The program still runs and has its locks; its notary signs within a moment.
    let bundled = office.export(&Office::wanted(document)).await;
    assert_eq!(bundled.report.faults, []);
    office.close().await;
    let nobody = Office::wanted(socai_domain::id::IncomingId::new(uuid::Uuid::from_u128(404)));
    let error = super::super::gather(&office.config, true, &nobody, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, BundleError::NotFound(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_an_older_checkpoint_sees_that_the_log_only_grew() {
    let mut office = Office::found().await;
    let document = office.registered(12).await;
    let older = office.export(&Office::wanted(document)).await;
    let held = text_of(&older.bytes, names::CHECKPOINT).into_bytes();
    office.registered(13).await;
    office.close().await;
    let policy = office.policy();
    let ask =
        |bundle: &[u8], since: &[u8]| Question { file: bundle, policy: &policy, since: Some(since) }.check().faults;

    let without = office.export(&Office::wanted(document)).await;
    let faults = ask(&without.bytes, &held);
    assert!(matches!(&faults[..], [fault] if fault.kind == Kind::Held && fault.what.contains("--since")), "{faults:?}");
    let with = office.export(&Wanted { since: Some(held.clone()), ..Office::wanted(document) }).await;
    assert_eq!((ask(&with.bytes, &held), with.report.faults), (vec![], vec![]));
    let newest = text_of(&with.bytes, names::CHECKPOINT).into_bytes();
    assert_eq!(ask(&with.bytes, &newest), []);
    let faults = ask(&older.bytes, &newest);
    assert!(matches!(&faults[..], [fault] if fault.what.contains("export it anew")), "{faults:?}");
    assert!(ask(&with.bytes, b"no checkpoint").iter().any(|fault| fault.kind == Kind::Held));
}
