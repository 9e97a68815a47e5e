//! Reads the repository's sample messages, the nasty ones, and mutations of both.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![allow(clippy::unnecessary_wraps, reason = "a short name for an expected text")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use socai::edxml::{
    Damage, Dialect, Edoc, EdxmlError, Limits, Message, Operation, OrganIdForm, Part, Status, StatusCode,
    content_digest, fuzz_read, read,
};
use socai_domain::time::{Date, Timestamp};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/edxml").join(name)).unwrap()
}

fn nasty(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz-inputs/edxml").join(name)).unwrap()
}

fn files(dir: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
    files.sort();
    files
}

fn edoc(bytes: &[u8]) -> Edoc {
    match read(bytes, &Limits::default()) {
        Ok(Message::Edoc(edoc)) => *edoc,
        other => panic!("not a document: {other:?}"),
    }
}

fn status(bytes: &[u8]) -> Status {
    match read(bytes, &Limits::default()) {
        Ok(Message::Status(status)) => *status,
        other => panic!("not a status: {other:?}"),
    }
}

fn refusal(bytes: &[u8]) -> EdxmlError {
    read(bytes, &Limits::default()).expect_err("read without a fault")
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_file_without_a_name_gets_one_from_its_content() {
    let text = String::from_utf8(fixture("edoc-0-new.edxml")).unwrap();
    let nameless = text.replace("cong-van.pdf", "..").replace("phu-luc.xlsx", "");
    let names: Vec<_> = edoc(nameless.as_bytes()).attachments.into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["attachment-1.pdf", "attachment-2.txt"]);
}

#[test]
fn a_new_document_is_read_whole() {
    let edoc = edoc(&fixture("edoc-0-new.edxml"));
    assert_eq!(edoc.operation, Operation::New);
    assert_eq!(edoc.reason, some("Văn bản điện tử mới"));
    assert_eq!((edoc.from.id.as_str(), edoc.from.email.as_deref()), ("000.00.00.H99", Some("vanthu@vidu.example")));
    assert_eq!(edoc.to.iter().map(|to| to.id.as_str()).collect::<Vec<_>>(), ["000.00.00.G99", "000.00.05.H99"]);
    assert_eq!(edoc.document_id, some("000.00.00.H99,2026/01/02,12/UBND-VP"));
    assert_eq!(edoc.code(), some("12/UBND-VP"));
    assert_eq!(edoc.promulgated_on.as_ref().unwrap().date, Some(Date::new(2026, 1, 2).unwrap()));
    assert_eq!((edoc.document_type.type_, edoc.document_type.detail), (Some(2), Some(18)));
    assert_eq!(edoc.subject, some("V/v thử nghiệm & kiểm tra <liên thông>"));
    assert_eq!(edoc.signer.as_ref().unwrap().competence, some("TL."));
    assert_eq!(edoc.due_on.as_ref().unwrap().raw, "2026/02/01");
    assert_eq!((edoc.other.priority, edoc.other.pages, edoc.other.direction), (Some(0), Some(3), Some(false)));
    assert_eq!(edoc.other.appendixes, ["Phụ lục I"]);
    assert_eq!(edoc.to_places, ["Như trên", "Lưu: VT"]);
    assert_eq!(edoc.staff[0].mobile, some("0900000000"));
    let sent = Timestamp::parse("2026-01-02T03:04:05+07:00").unwrap();
    assert_eq!(edoc.trace[0].at.as_ref().unwrap().at, Some(sent));
    let [pdf, sheet] = edoc.attachments.as_slice() else { panic!("two files") };
    assert_eq!(
        (pdf.name.as_str(), pdf.bytes.as_slice(), pdf.damage),
        ("cong-van.pdf", b"%PDF-1.4\n%demo\n".as_slice(), None)
    );
    assert_eq!(
        (sheet.name.as_str(), sheet.bytes.len(), sheet.description.as_deref()),
        ("phu-luc.xlsx", 24, Some("Phu luc"))
    );
}

#[test]
fn the_other_operations_name_the_earlier_document() {
    let earlier = "000.00.00.H99,2026/01/02,12/UBND-VP";
    let recall = edoc(&fixture("edoc-1-recall.edxml"));
    assert_eq!(recall.operation, Operation::Recall { document_id: some(earlier) });
    assert_eq!(recall.subject_document_id(), Some(earlier));
    let Operation::Update(update) = edoc(&fixture("edoc-2-update.edxml")).operation else { panic!("an update") };
    assert_eq!(update.document_id, some(earlier));
    assert!(update.document_changes && update.receivers_change);
    let receivers: Vec<_> = update.receivers.iter().map(|r| (r.organ_id.as_str(), r.added)).collect();
    assert_eq!(receivers, [("000.00.00.G99", Some(false)), ("000.00.05.H99", Some(true))]);
    let replacing = edoc(&fixture("edoc-3-replace.edxml"));
    assert_eq!(replacing.subject_document_id(), Some("000.00.00.H99,2026/01/09,15/UBND-VP"));
    let Operation::Replace(replaced) = replacing.operation else { panic!("a replacement") };
    assert_eq!(replaced.len(), 1);
    assert_eq!(replaced[0].document_id, some(earlier));
    assert_eq!(replaced[0].organ_ids, ["000.00.00.G99", "000.00.05.H99"]);
}

#[test]
fn every_status_is_read() {
    for (number, code) in [
        ("01", StatusCode::Arrived),
        ("02", StatusCode::Refused),
        ("03", StatusCode::Registered),
        ("04", StatusCode::Assigned),
        ("05", StatusCode::InProgress),
        ("06", StatusCode::Finished),
        ("13", StatusCode::TakeBackRequested),
        ("15", StatusCode::Agreed),
        ("16", StatusCode::Declined),
    ] {
        let status = status(&fixture(&format!("status-{number}.edxml")));
        assert_eq!(status.code, code, "{number}");
        assert_eq!(status.response_for.code, some("12/UBND-VP"));
        assert!(status.description.is_some() && status.staff.is_some() && status.at.unwrap().at.is_some());
    }
    assert_eq!(status(&fixture("status-13.edxml")).response_for.organ_id, some("000.00.00.G99"));
    assert_eq!(status(&nasty("status-one-digit.edxml")).code, StatusCode::Registered);
    assert_eq!(status(&nasty("status-unknown-code.edxml")).code, StatusCode::Unknown(14));
    assert_eq!(refusal(&nasty("status-code-in-words.edxml")), EdxmlError::BadStatusCode { given: "đã nhận".into() });
    assert_eq!(refusal(&nasty("status-answers-nothing.edxml")), EdxmlError::Missing { path: "ResponseFor" });
}

#[test]
fn a_message_as_the_axis_delivers_it_is_survived() {
    let edoc = edoc(&nasty("axis-2025.edxml"));
    assert_eq!(edoc.operation, Operation::New, "no Bussiness means new");
    assert_eq!(OrganIdForm::of(&edoc.from.id), OrganIdForm::HighestFirst);
    assert_eq!(edoc.from.address, None, "an empty element is an absent one");
    assert_eq!(edoc.to.iter().map(|to| to.id.as_str()).collect::<Vec<_>>(), ["G99"]);
    assert_eq!(edoc.old_code_receivers.iter().map(|to| to.id.as_str()).collect::<Vec<_>>(), ["000.00.00.G99"]);
    assert_eq!(edoc.promulgated_on.unwrap().date, Some(Date::new(2025, 10, 30).unwrap()));
    let due_on = edoc.due_on.unwrap();
    assert_eq!((due_on.raw.as_str(), due_on.date), ("2025/02/30", None));
    assert_eq!(edoc.subject, some("V/v báo cáo thử nghiệm"));
    assert_eq!((edoc.response_for.len(), edoc.steering_type), (0, None));
    let stations: Vec<_> = edoc.trace.iter().map(|station| station.organ_id.as_deref()).collect();
    assert_eq!(stations, [None, None, Some("02.29.W00")]);
    let files: Vec<_> = edoc.attachments.iter().map(|a| (a.name.as_str(), a.bytes.as_slice(), a.damage)).collect();
    assert_eq!(
        files,
        [
            ("bieu.xlsx", b"table".as_slice(), None),
            ("bao-cao.doc", b"report".as_slice(), None),
            ("mat.pdf", b"".as_slice(), Some(Damage::Missing)),
        ]
    );
    assert_eq!(edoc.attachments[0].description, some("Biểu"));
}

#[test]
fn the_other_library_writes_it_differently() {
    let edoc = edoc(&nasty("dotnet.edxml"));
    assert_eq!(edoc.operation, Operation::Recall { document_id: None });
    assert_eq!(edoc.subject_document_id(), Some("000.00.00.H99,2026-01-02,12/UBND-VP"));
    assert_eq!(edoc.reason, some("Gửi nhầm"));
    assert_eq!(edoc.attachments.len(), 1);
    assert_eq!((edoc.attachments[0].name.as_str(), edoc.attachments[0].damage), ("a.pdf", None));
    assert_eq!(edoc.attachments[0].bytes, b"%PDF-1.4\n%demo\n");
    assert_eq!(edoc.attachments[0].description, some("Văn bản"));
}

#[test]
fn encodings_and_line_ends_change_nothing() {
    let plain = edoc(&fixture("edoc-0-new.edxml"));
    for name in ["bom.edxml", "line-feeds.edxml", "utf-16-le.edxml", "utf-16-be-without-mark.edxml"] {
        assert_eq!(edoc(&nasty(name)), plain, "{name}");
    }
    let capitals = edoc(&nasty("capital-extensions.edxml"));
    let names: Vec<_> = capitals.attachments.iter().map(|a| (a.name.as_str(), a.bytes.len())).collect();
    assert_eq!(names, [("CÔNG VĂN SỐ 12.PDF", 15), ("PHU LUC.XLSX", 24)]);
    assert!(matches!(refusal(&nasty("one-byte-encoding.edxml")), EdxmlError::Encoding { .. }));
}

#[test]
fn attacks_are_refused_by_name() {
    for name in ["billion-laughs.edxml", "external-entity.edxml", "external-dtd.edxml"] {
        assert_eq!(refusal(&nasty(name)), EdxmlError::Doctype, "{name}");
    }
    let too_large = |name: &str| match refusal(&nasty(name)) {
        EdxmlError::TooLarge { part, .. } => part,
        other => panic!("{name}: {other}"),
    };
    assert_eq!(too_large("deep-nesting.edxml"), Part::Depth);
    assert_eq!(too_large("many-attributes.edxml"), Part::Attributes);
    assert_eq!(too_large("long-text.edxml"), Part::Text);
    let limits = |attachment, attachments_total| Limits { attachment, attachments_total, ..Limits::default() };
    let bomb = |limits: &Limits| read(&nasty("zip-bomb.edxml"), limits);
    assert_eq!(bomb(&limits(1000, 5000)), Err(EdxmlError::TooLarge { part: Part::Attachment, limit: 1000 }));
    assert_eq!(bomb(&limits(9_000_000, 5000)), Err(EdxmlError::TooLarge { part: Part::AttachmentsTotal, limit: 5000 }));
    assert!(bomb(&limits(8_000_000, 8_000_000)).is_ok());
    let slipped = edoc(&nasty("zip-slip.edxml"));
    let names: Vec<_> = slipped.attachments.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())).collect();
    assert_eq!(names, [("bang.xls", b"table".as_slice()), ("axcod.exe", b"MZ".as_slice())]);
}

#[test]
fn size_and_number_of_attachments_are_bounded() {
    let bytes = fixture("edoc-0-new.edxml");
    let of = |limits: Limits| read(&bytes, &limits).err();
    assert_eq!(of(Limits { message: bytes.len(), attachments: 2, ..Limits::default() }), None);
    let smaller = Limits { message: bytes.len() - 1, ..Limits::default() };
    assert_eq!(of(smaller), Some(EdxmlError::TooLarge { part: Part::Message, limit: bytes.len() - 1 }));
    let fewer = Limits { attachments: 1, ..Limits::default() };
    assert_eq!(of(fewer), Some(EdxmlError::TooLarge { part: Part::AttachmentCount, limit: 1 }));
    let total = Limits { attachments_total: 38, ..Limits::default() };
    assert_eq!(of(total), Some(EdxmlError::TooLarge { part: Part::AttachmentsTotal, limit: 38 }));
    assert_eq!(of(Limits { attachments_total: 39, ..Limits::default() }), None);
}

#[test]
fn foreign_dialects_are_named() {
    for (name, dialect) in [
        ("soap-e-doc-2012.edxml", Dialect::EDoc2012),
        ("soap-wrapped.edxml", Dialect::Soap),
        ("go-vn.edxml", Dialect::GoVn),
        ("inline-attachments.edxml", Dialect::InlineAttachments),
        ("unknown-namespace.edxml", Dialect::UnknownNamespace("urn:example:edxml".into())),
    ] {
        let error = refusal(&nasty(name));
        assert_eq!(error, EdxmlError::Dialect(dialect), "{name}");
        assert!(error.to_string().contains("ask the sender"), "{error}");
    }
    assert_eq!(refusal(&nasty("not-edxml.edxml")), EdxmlError::NotEdxml { root: "html".into() });
    assert!(matches!(refusal(&nasty("not-xml.edxml")), EdxmlError::Malformed { .. }));
    assert_eq!(refusal(&nasty("empty.edxml")), EdxmlError::Empty);
    assert_eq!(refusal(&nasty("white-space.edxml")), EdxmlError::Empty);
}

#[test]
fn what_means_nothing_is_refused() {
    for name in ["truncated-header.edxml", "truncated-base64.edxml", "truncated-tag.edxml"] {
        assert!(matches!(refusal(&nasty(name)), EdxmlError::Truncated { .. }), "{name}: {}", refusal(&nasty(name)));
    }
    assert_eq!(refusal(&nasty("unknown-entity.edxml")), EdxmlError::Entity { name: "nbsp".into() });
    assert_eq!(refusal(&nasty("unknown-operation.edxml")), EdxmlError::UnknownOperation { given: "7".into() });
    assert_eq!(refusal(&nasty("no-sender.edxml")), EdxmlError::Missing { path: "From/OrganId" });
    assert_eq!(refusal(&nasty("neither-kind.edxml")), EdxmlError::NeitherKind);
}

#[test]
fn damaged_files_do_not_hide_the_document() {
    let damage = |name: &str| edoc(&nasty(name)).attachments[0].damage;
    assert_eq!(damage("zip-damaged.edxml"), Some(Damage::Zip));
    assert_eq!(damage("zip-encrypted.edxml"), Some(Damage::Zip));
    assert_eq!(damage("zip-cut.edxml"), Some(Damage::Zip));
    assert_eq!(damage("zip-many-entries.edxml"), None, "an archive of several files is the file itself");
    let cleaned = edoc(&nasty("bidi-and-control.edxml"));
    assert_eq!((cleaned.subject, cleaned.document_id), (some("abc d"), some("1,2,3/A")));
}

#[test]
fn the_digest_survives_what_the_axis_does_to_a_file() {
    let sent = String::from_utf8(fixture("edoc-0-new.edxml")).unwrap();
    let digest = |text: &str| content_digest(&edoc(text.as_bytes()));
    let changed = |from: &str, to: &str| {
        assert!(sent.contains(from), "{from}");
        sent.replacen(from, to, 1)
    };
    let id = "        <edXML:DocumentId>000.00.00.H99,2026/01/02,12/UBND-VP</edXML:DocumentId>\r\n";
    let twin = "<edXML:To><edXML:OrganId>G99</edXML:OrganId><edXML:OrganizationInCharge>TLTVBQG_CDMDD_QD20</edXML:OrganizationInCharge></edXML:To>";
    let zip = "UEsDBBQ";
    let business = &sent[sent.find("<edXML:Bussiness>").unwrap()..sent.find("</edXML:Bussiness>").unwrap() + 18];
    let harmless = [
        sent.replace("\r\n", "\n").replace("  <", "<"),
        changed(id, "").replace("      </edXML:MessageHeader>", &format!("{id}</edXML:MessageHeader>")),
        changed("<edXML:Subject>", "<!-- a comment --><edXML:Subject>"),
        changed("<edXML:Email>", "<edXML:OrganAdd/><edXML:Fax> </edXML:Fax><edXML:Email>"),
        changed("<edXML:Direction>false</edXML:Direction>", ""),
        changed("<edXML:SteeringType>0</edXML:SteeringType>", "").replace("<edXML:Priority>0</edXML:Priority>", ""),
        changed("<edXML:DocumentId>", &format!("{twin}<edXML:DocumentId>")),
        changed(
            "</edXML:TraceHeaderList>",
            "<edXML:TraceHeader><edXML:OrganId>02.29.W00</edXML:OrganId></edXML:TraceHeader></edXML:TraceHeaderList>",
        ),
        changed(business, ""),
        sent.replace("application/pdf", "application/zip").replace("cid:1111", "cid:cid:1111"),
        changed("V/v thử nghiệm &amp; kiểm tra", "V/v thử nghiệm\r\n &#38; <![CDATA[kiểm]]> tra"),
    ];
    let expected = digest(&sent);
    for (index, text) in harmless.iter().enumerate() {
        assert_ne!(*text, sent, "{index} changes nothing");
        assert_eq!(digest(text), expected, "{index}");
    }
    let detail = |text: &str| changed("<edXML:TypeDetail>18</edXML:TypeDetail>", text);
    assert_eq!(digest(&detail("")), digest(&detail("<edXML:TypeDetail>0</edXML:TypeDetail>")));
    let harmful = [
        changed("12/UBND-VP", "13/UBND-VP"),
        changed("<edXML:CodeNumber>12", "<edXML:CodeNumber>13"),
        changed("<edXML:PromulgationDate>2026/01/02", "<edXML:PromulgationDate>2026/01/03"),
        changed("V/v thử nghiệm", "V/v thí nghiệm"),
        changed("<edXML:OrganId>000.00.05.H99", "<edXML:OrganId>000.00.06.H99"),
        changed("<edXML:Priority>0", "<edXML:Priority>3"),
        changed("<edXML:Direction>false", "<edXML:Direction>true"),
        changed("<edXML:Place>Lưu: VT", "<edXML:Place>Lưu: VP"),
        changed("JVBERi0xLjQK", "JVBERi0xLjUK"),
        sent.replace("phu-luc.xlsx", "phu-luc.xls"),
        changed("<edXML:BussinessDocType>0", "<edXML:BussinessDocType>1"),
        detail("<edXML:TypeDetail>19</edXML:TypeDetail>"),
    ];
    assert!(sent.contains(zip));
    for (index, text) in harmful.iter().enumerate() {
        assert_ne!(digest(text), expected, "{index}");
    }
}

#[test]
fn the_digest_is_pinned() {
    let digest = content_digest(&edoc(&fixture("edoc-0-new.edxml")));
    assert_eq!(
        socai::blobs::BlobHash::from(digest).to_string(),
        "bc7d2d7a1f90431e3b5cb84d0d314151168ea2070f6d9eaba04d351dd82c0b8b"
    );
}

#[test]
fn saved_inputs_keep_every_promise() {
    let saved = files("fuzz-inputs/edxml");
    let fixtures = files("../tests/fixtures/edxml");
    assert!(saved.len() >= 40 && fixtures.len() == 13, "{} and {}", saved.len(), fixtures.len());
    for path in saved.iter().chain(&fixtures) {
        let bytes = fs::read(path).unwrap();
        fuzz_read(&bytes);
        if let Err(error) = read(&bytes, &Limits::default()) {
            let advice = ["ask the sender", "check that", "fetch it again"];
            assert!(advice.iter().any(|words| error.to_string().contains(words)), "{}: {error}", path.display());
        }
    }
}

#[test]
fn no_cut_file_is_taken_for_a_whole_one() {
    for name in ["edoc-2-update.edxml", "status-02.edxml"] {
        let bytes = fixture(name);
        let end = bytes.trim_ascii_end().len();
        for cut in 0..end {
            assert!(read(&bytes[..cut], &Limits::default()).is_err(), "{name} cut at {cut}");
        }
        assert!(read(&bytes[..end], &Limits::default()).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_messages_keep_every_promise(
        which in 0_usize..1000,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..40, 0_u8..4, any::<u8>()), 1..12),
    ) {
        let seeds: Vec<PathBuf> = files("fuzz-inputs/edxml").into_iter().chain(files("../tests/fixtures/edxml")).collect();
        let mut bytes = fs::read(&seeds[which % seeds.len()]).unwrap();
        bytes.truncate(20_000);
        for (at, from, length, kind, value) in edits {
            if bytes.is_empty() {
                break;
            }
            let (at, from) = (at.index(bytes.len()), from.index(bytes.len()));
            let (end, from_end) = ((at + length).min(bytes.len()), (from + length).min(bytes.len()));
            match kind {
                0 => bytes[at] = value,
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..at, bytes[from..from_end].to_vec())),
                _ => drop(bytes.splice(at..end, *b"<To/>")),
            }
        }
        fuzz_read(&bytes);
    }

    #[test]
    fn any_name_is_made_safe_once_and_for_all(raw in "\\PC{0,40}|[./\\\\ :CONPTLM0-9\u{202e}\u{0}]{0,300}|(ế|\\.| ){0,300}") {
        if let Some(name) = socai::edxml::safe_file_name(&raw) {
            let unsafe_parts = ['/', '\\', '\0', '\u{202e}'];
            prop_assert!(!name.is_empty() && name.len() <= 200 && !name.starts_with('.') && !name.contains(unsafe_parts));
            prop_assert_eq!(socai::edxml::safe_file_name(&name), Some(name));
        }
    }
}
