use std::{path::Path, sync::Arc};

use futures::future::BoxFuture;
use socai_commands::{Blobs, BlobsUnavailable, Envelope, Handler, Requester};
use socai_domain::{
    document_types::{SecrecyLevel, Urgency},
    id::{CommandId, IncomingId, OrganId, PersonId, PostId},
    incoming::{
        self, IncomingDocument, Stage, confirm_expunge::ConfirmExpunge, events::FileRole, expunge::ExpungeIncoming,
        refuse::RefuseIncoming,
    },
    ledger::{LedgerId, Opener, memory::MemoryLog, memory_keys::MemoryKeyRing},
    organ::{self, Role, assume_post::AssumePost, create_post::CreatePost, register::RegisterOrgan},
    refusal::Code,
    text::{OrganCode, Reason, ShortText},
};
use uuid::Uuid;

use super::*;
use crate::clock::SystemClock;

struct World {
    importer: Importer,
    handler: Handler,
    organ: OrganId,
    clerk: PersonId,
    leader: PersonId,
    blobs: Arc<BlobStore>,
    _directory: tempfile::TempDir,
}

/// One document in the whole world: its files are nobody else's.
struct Erasure(Arc<BlobStore>);

impl Blobs for Erasure {
    fn remove(&self, _: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        let removed = files.iter().map(|hash| u32::from(self.0.remove((*hash).into()).unwrap())).sum();
        Box::pin(async move { Ok(removed) })
    }
}

fn text(text: &str) -> ShortText {
    ShortText::new(text).unwrap()
}

fn command(n: u128) -> CommandId {
    CommandId::new(Uuid::from_u128(n))
}

/// An organ with a clerk, under this identifier.
async fn world(code: &str, name: &str) -> World {
    let directory = tempfile::tempdir().unwrap();
    let blobs = Arc::new(BlobStore::open(directory.path()).unwrap());
    let clock = Arc::new(SystemClock);
    let log = Arc::new(MemoryLog::new(LedgerId(Uuid::from_u128(1)), clock.clone()));
    let opener = Opener::new(Arc::new(MemoryKeyRing::new()));
    let handler = Handler::start(log, opener, Arc::new(Erasure(Arc::clone(&blobs))), clock).await.unwrap();
    let clerk = PersonId::new(Uuid::from_u128(7));
    let register = RegisterOrgan {
        code: OrganCode::new(code).unwrap(),
        name: text(name),
        title: text("Quản trị viên"),
        administrator: PersonId::new(Uuid::from_u128(8)),
    };
    let organ = register.organ();
    let stream = organ::stream(organ);
    let envelope = |n| Envelope::of(organ, Requester::System, command(n));
    handler.execute(stream, envelope(1), register).await.unwrap();
    let unit = handler.organ(organ).await.unwrap().root.unwrap();
    let leader = PersonId::new(Uuid::from_u128(6));
    for (n, person, role) in [(2, clerk, Role::RecordsClerk), (4, leader, Role::Leader)] {
        let create = CreatePost { unit, role, title: text("Vị trí ví dụ") };
        handler.execute(stream, envelope(n), create).await.unwrap();
        let post = PostId::new(command(n).creates(organ));
        handler.execute(stream, envelope(n + 1), AssumePost { post, person, from: None }).await.unwrap();
    }
    let importer = Importer::new(handler.clone(), Arc::clone(&blobs));
    World { importer, handler, organ, clerk, leader, blobs, _directory: directory }
}

async fn ministry() -> World {
    world("G99", "Bộ Ví Dụ").await
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/edxml").join(name);
    std::fs::read_to_string(path).unwrap()
}

impl World {
    async fn import(&self, message: &str) -> Result<Imported, NotImported> {
        self.importer.import(self.organ, message.as_bytes()).await
    }

    async fn document(&self, id: IncomingId) -> IncomingDocument {
        self.handler.state(incoming::stream(id)).await.unwrap().0
    }

    async fn records(&self) -> u64 {
        self.handler.log().head().await.unwrap().records
    }
}

#[tokio::test]
async fn a_new_document_arrives_with_all_that_it_says() {
    let world = ministry().await;
    let Imported::Received(id) = world.import(&fixture("edoc-0-new.edxml")).await.unwrap() else { panic!() };
    assert_eq!(id, IncomingId::of_axis(world.organ, "000.00.00.H99,2026/01/02,12/UBND-VP", 0));
    let document = world.document(id).await;
    assert_eq!(document.stage, Some(Stage::Arrived));
    let details = document.details.unwrap();
    assert_eq!(details.issuer_code.unwrap().as_str(), "000.00.00.H99");
    assert_eq!(details.issuer_name.as_str(), "Văn phòng UBND tỉnh Ví Dụ");
    assert_eq!((details.number.unwrap().as_str(), details.notation.unwrap().as_str()), ("12", "UBND-VP"));
    assert_eq!(details.abstract_text.as_str(), "V/v thử nghiệm & kiểm tra <liên thông>");
    assert_eq!(details.type_name.as_str(), "Công văn");
    assert_eq!(details.signer.unwrap().name.as_str(), "Nguyễn Văn Ví Dụ");
    assert_eq!(details.promulgated_on.unwrap().to_string(), "2026-01-02");
    assert_eq!(details.due_on.unwrap().to_string(), "2026-02-01");
    assert_eq!((details.page_count, details.copy_count, details.urgency), (Some(3), Some(1), Urgency::Normal));
    assert_eq!(details.to_places.len(), 2);
    assert_eq!(details.note.unwrap().as_str(), "Tóm tắt: V/v thử nghiệm");
    assert!(!details.paper_follows);
    let roles: Vec<_> = document.files.iter().map(|file| (file.name.as_str(), file.role)).collect();
    assert_eq!(roles, [("cong-van.pdf", FileRole::Main), ("phu-luc.xlsx", FileRole::Annex)]);
    for file in &document.files {
        let (_, size, _) = world.blobs.open_checked(file.hash.into()).unwrap().unwrap();
        assert_eq!(size, file.size);
    }
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    let world = ministry().await;
    let message = fixture("edoc-0-new.edxml");
    let first = world.import(&message).await.unwrap();
    let records = world.records().await;
    assert_eq!(world.import(&message).await.unwrap(), Imported::Known(first.document()));
    // As the axis would pass it on: other white space, another trace.
    let relayed = message.replace("2026/01/02 03:04:05", "2026/01/02 04:04:05").replace('\n', "\r\n  ");
    assert_eq!(world.import(&relayed).await.unwrap(), Imported::Known(first.document()));
    assert_eq!(world.records().await, records);
}

#[tokio::test]
async fn without_an_identity_the_content_is_the_identity() {
    let world = ministry().await;
    let message = fixture("edoc-0-new.edxml").replace("000.00.00.H99,2026/01/02,12/UBND-VP", "");
    let Imported::Received(first) = world.import(&message).await.unwrap() else { panic!() };
    assert_eq!(world.import(&message).await.unwrap(), Imported::Known(first));
    let other = message.replace("UBND-VP", "UBND-KT");
    assert!(matches!(world.import(&other).await.unwrap(), Imported::Received(second) if second != first));
}

#[tokio::test]
async fn other_content_under_the_same_identity_is_kept_for_the_clerk() {
    let world = ministry().await;
    let message = fixture("edoc-0-new.edxml");
    let first = world.import(&message).await.unwrap().document();
    let changed = message.replace("V/v thử nghiệm &amp;", "V/v thử nghiệm lần hai &amp;");
    assert_eq!(world.import(&changed).await.unwrap(), Imported::ArrivedAgain(first));
    assert_eq!(world.import(&changed).await.unwrap(), Imported::Known(first));
    // After a refusal it is a new arrival.
    let refuse = RefuseIncoming { reason: Reason::new("Văn bản gửi nhầm cơ quan").unwrap() };
    let envelope = Envelope::of(world.organ, Requester::Person(world.clerk), command(9));
    world.handler.execute(incoming::stream(first), envelope, refuse).await.unwrap();
    assert_eq!(world.import(&message).await.unwrap(), Imported::Known(first));
    let third = message.replace("V/v thử nghiệm &amp;", "V/v thử nghiệm lần ba &amp;");
    let Imported::Received(second) = world.import(&third).await.unwrap() else { panic!() };
    assert_eq!(second, IncomingId::of_axis(world.organ, "000.00.00.H99,2026/01/02,12/UBND-VP", 1));
    assert_eq!(world.import(&third).await.unwrap(), Imported::Known(second));
}

#[tokio::test]
async fn what_is_for_others_or_not_handled_leaves_nothing() {
    let world = ministry().await;
    let records = world.records().await;
    let elsewhere = fixture("edoc-0-new.edxml").replace("000.00.00.G99", "000.00.00.G98");
    let error = world.import(&elsewhere).await.unwrap_err();
    assert_eq!(error.to_string(), "not addressed to this organ, but to 000.00.00.G98, 000.00.05.H99");
    for name in ["edoc-1-recall", "edoc-2-update", "edoc-3-replace", "status-01", "status-16"] {
        let error = world.import(&fixture(&format!("{name}.edxml"))).await.unwrap_err();
        assert!(matches!(error, NotImported::NotHandledYet(_)), "{name}: {error}");
    }
    for wrong in ["", "<edXML/>", "%PDF-1.7"] {
        assert!(matches!(world.import(wrong).await, Err(NotImported::Unreadable(_))), "{wrong}");
    }
    let long = format!("<ToPlaces>{}", format!("<Place>{}</Place>", "ă".repeat(200)).repeat(3_000));
    let long = fixture("edoc-0-new.edxml").replacen("<edXML:ToPlaces>", &long, 1).replacen(
        "</edXML:ToPlaces>",
        "</ToPlaces>",
        1,
    );
    assert_eq!(world.records().await, records);
    assert_eq!(world.blobs.list().count(), 0);
    // Recipients' lines beyond measure are cut, and the clerk is told.
    let kept = world.import(&long).await.unwrap();
    let note = world.document(kept.document()).await.details.unwrap().note.unwrap();
    assert!(note.as_str().contains("Nơi nhận có 3002 dòng, chỉ giữ "), "{note}");
}

#[tokio::test]
async fn an_organ_that_is_not_here_receives_nothing() {
    let world = ministry().await;
    let nowhere = OrganId::new(Uuid::from_u128(99));
    assert!(world.importer.organ(nowhere).await.unwrap().is_none());
    assert!(world.importer.organ(world.organ).await.unwrap().is_some());
    let message = fixture("edoc-0-new.edxml");
    let error = world.importer.import(nowhere, message.as_bytes()).await.unwrap_err();
    assert!(matches!(error, NotImported::NotOurs(_)));
    assert_eq!(world.blobs.list().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_left_to_the_clerk() {
    let world = world("H99.05", "Sở Ví Dụ").await;
    let message = fixture("edoc-0-new.edxml");
    let odd = message.replace("2026/02/01", "hôm nay").replace("<edXML:Priority>0", "<edXML:Priority>9");
    let id = world.import(&odd).await.unwrap().document();
    let details = world.document(id).await.details.unwrap();
    assert_eq!((details.due_on, details.urgency), (None, Urgency::Normal));
    let note = details.note.unwrap();
    assert!(note.as_str().contains("“hôm nay”") && note.as_str().contains("“9”"), "{note}");
}

#[tokio::test]
async fn an_erased_document_is_refused_before_its_files_are_stored() {
    let world = ministry().await;
    let message = fixture("edoc-0-new.edxml");
    let id = world.import(&message).await.unwrap().document();
    let stream = incoming::stream(id);
    let by = |person, n| Envelope::of(world.organ, Requester::Person(person), command(n));
    let expunge = ExpungeIncoming { level: SecrecyLevel::Secret };
    world.handler.execute(stream, by(world.clerk, 20), expunge).await.unwrap();
    world.handler.execute(stream, by(world.leader, 21), ConfirmExpunge {}).await.unwrap();
    assert_eq!(world.blobs.list().count(), 0);
    for message in [message.clone(), message.replace("cong-van.pdf", "cong-van-2.pdf")] {
        assert_eq!(world.import(&message).await.unwrap_err().code(), Some(Code::SecretItem));
    }
    assert_eq!(world.blobs.list().count(), 0);
}
