//! A data directory with the agency of the domain's tests and a document that went all its way.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use socai_commands::{Envelope, Requester};
use socai_domain::{
    decide::{Decide, Who},
    document_types::Channel,
    id::{BranchId, CommandId, IncomingId, PersonId, PostId},
    incoming::{
        self, IncomingDocument,
        assign::AssignIncoming,
        complete_branch::CompleteBranch,
        direct::DirectIncoming,
        events::{Attachment, BranchRole, FileRole, Resolution},
        receive::ReceiveIncoming,
        register::RegisterIncoming,
        resolve::ResolveIncoming,
        submit::SubmitIncoming,
        testing::{arriving, for_person, for_unit, words},
    },
    organ::{self, Organ, events::PostDelegated},
    person::{self, register::RegisterPerson},
    proof::Policy,
    testing::{Happen, MORNING, Scene, SetClock, acting, agency_events, scene},
    text::{FileName, PersonName},
    time::Timestamp,
};
use uuid::Uuid;

use super::super::{Bundled, Question, Report, Wanted, container, gather, manifest::Manifest, names};
use crate::{app::App, config::Config, data::DataLock, files::make_private_dir, keyring::MasterKey, log_key::LogKey};

/// What the leader's opinion tries to do to the page.
pub(super) const OPINION: &str = "<b>Khẩn trương</b> & đúng hạn";
/// What the document's file holds.
pub(super) const CONTENT: &[u8] = b"noi dung cua van ban vi du";

pub(super) struct Office {
    pub(super) scene: Scene,
    pub(super) config: Config,
    pub(super) clock: SetClock,
    app: Option<App>,
    commands: u128,
    _directory: tempfile::TempDir,
}

impl Office {
    pub(super) async fn found() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = configured(&directory.path().join("data"));
        let clock = SetClock::at(MORNING);
        let app = App::open(&config, Arc::new(clock.clone())).await.unwrap();
        let mut office = Self { scene: scene(), config, clock, app: Some(app), commands: 0, _directory: directory };
        let organ = organ::stream(office.scene.organ.id.unwrap());
        office.system(organ, Happen::<Organ>(agency_events())).await;
        let people = [
            (office.scene.leader, "Nguyễn Văn Ví Dụ"),
            (office.scene.deputy, "Lê Thị Thay"),
            (office.scene.clerk, "Trần Thị Thư"),
        ];
        for (who, name) in people {
            let known = RegisterPerson { name: PersonName::new(name).unwrap(), email: None, phone: None };
            office.system(person::stream(acting(who).person), known).await;
        }
        let (post, to) = (acting(office.scene.leader).post, acting(office.scene.deputy).person);
        let until = MORNING.plus_minutes(10 * 24 * 60);
        let delegated = PostDelegated { post, to, from: MORNING, until };
        office.system(organ, Happen::<Organ>(vec![delegated.into()])).await;
        office
    }

    pub(super) fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    fn envelope(&mut self, who: Requester) -> Envelope {
        self.commands += 1;
        self.clock.pass_minutes(5);
        let organ = self.scene.organ.id.unwrap();
        Envelope::of(organ, who, CommandId::new(Uuid::from_u128(0xc0_0000 + self.commands)))
    }

    async fn system<C: Decide>(&mut self, stream: socai_domain::ledger::StreamId, command: C) {
        let envelope = self.envelope(Requester::System);
        self.app().handler.execute(stream, envelope, command).await.unwrap();
    }

    /// What time it is.
    pub(super) fn clock_now(&self) -> Timestamp {
        socai_domain::time::Clock::now(&self.clock)
    }

    /// Something happens in the agency.
    pub(super) async fn organ_happens(&mut self, events: Happen<Organ>) {
        let organ = organ::stream(self.scene.organ.id.unwrap());
        self.system(organ, events).await;
    }

    /// Somebody does something to a document, in the post that they name.
    pub(super) async fn acts<C: Decide>(&mut self, document: IncomingId, who: Who, post: PostId, command: C) {
        let envelope = self.envelope(Requester::Person(acting(who).person)).acting_as(Some(post));
        let done = self.app().handler.execute(incoming::stream(document), envelope, command).await;
        done.unwrap_or_else(|error| panic!("{}: {error}", C::NAME));
    }

    /// Somebody does something in their own post.
    pub(super) async fn does<C: Decide>(&mut self, document: IncomingId, who: Who, command: C) {
        self.acts(document, who, acting(who).post, command).await;
    }

    /// A document arrives on paper, with its file, and is registered.
    pub(super) async fn registered(&mut self, number: u128) -> IncomingId {
        let document = IncomingId::new(Uuid::from_u128(0xd0c_0000 + number));
        let mut arriving = arriving();
        arriving.details.number = socai_domain::text::CodeNumber::new(number.to_string()).ok();
        let hash = self.app().blobs.put(CONTENT).unwrap();
        let name = FileName::new("cong-van.pdf").unwrap();
        let size = CONTENT.len() as u64;
        arriving.files = vec![Attachment { hash: *hash.as_bytes(), name, size, role: FileRole::Main }];
        let receive = ReceiveIncoming { channel: Channel::Paper, axis: None, arriving, follows: None };
        let clerk = self.scene.clerk;
        self.does(document, clerk, receive).await;
        self.does(document, clerk, RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None }).await;
        document
    }

    /// A registered document is submitted to the leader.
    pub(super) async fn submitted(&mut self, number: u128) -> IncomingId {
        let document = self.registered(number).await;
        let (clerk, to) = (self.scene.clerk, acting(self.scene.leader).post);
        self.does(document, clerk, SubmitIncoming { to, note: None }).await;
        document
    }

    /// The lead of the document, from the root down.
    pub(super) async fn lead(&self, document: IncomingId) -> BranchId {
        let (state, _) = self.app().handler.state::<IncomingDocument>(incoming::stream(document)).await.unwrap();
        state.lead_leaf().unwrap().0
    }

    /// A document goes all its way. A substitute directs it for the leader.
    pub(super) async fn resolved(&mut self) -> IncomingId {
        let document = self.submitted(12).await;
        let Scene { leader, deputy, head, officer, unit, .. } = self.scene.clone();
        let branches = vec![for_unit(unit, BranchRole::Lead)];
        let direct = DirectIncoming { note: Some(words(OPINION)), branches, follower: None };
        self.acts(document, deputy, acting(leader).post, direct).await;
        let branch = self.lead(document).await;
        let branches = vec![for_person(officer, BranchRole::Lead)];
        self.does(document, head, AssignIncoming { branch, branches, note: None }).await;
        let branch = self.lead(document).await;
        let result = words("Đã dự thảo văn bản trả lời");
        self.does(document, officer, CompleteBranch { branch, result, proposal: None, files: Vec::new() }).await;
        let resolve = ResolveIncoming {
            how: Resolution::Noted,
            answers: Vec::new(),
            note: None,
            transferred_to: None,
            close_open_branches: None,
        };
        self.does(document, head, resolve).await;
        document
    }

    /// Ends the program in good order: the notary has signed all.
    pub(super) async fn close(&mut self) {
        self.app.take().unwrap().close().await.unwrap();
    }

    pub(super) fn wanted(document: IncomingId) -> Wanted {
        Wanted { document, sealed: false, with_files: false, since: None, patience: Duration::from_secs(30) }
    }

    pub(super) async fn export(&self, wanted: &Wanted) -> Bundled {
        gather(&self.config, true, wanted, |_, _| {}).await.unwrap()
    }

    /// Whom a checker believes who asked the agency for the key.
    pub(super) fn policy(&self) -> Policy {
        let key = std::fs::read_to_string(self.config.notary.path().unwrap().join("log.pub")).unwrap();
        Policy::new(key.trim_end().parse().unwrap(), Vec::new(), 0).unwrap()
    }

    pub(super) fn check(&self, bundle: &[u8]) -> Report {
        Question { file: bundle, policy: &self.policy(), since: None }.check()
    }
}

pub(super) fn person(who: Who) -> PersonId {
    acting(who).person
}

fn configured(data: &Path) -> Config {
    let flags = BTreeMap::from([("data", data.to_str().unwrap().to_owned()), ("segment_mib", "1".to_owned())]);
    let config = Config::load(&flags, |_| None).unwrap();
    drop(DataLock::make(data).unwrap());
    make_private_dir(config.master_key.parent().unwrap()).unwrap();
    MasterKey::generate().unwrap().save(&config.master_key).unwrap();
    LogKey::make(&config.log_key).unwrap();
    config
}

/// What a bundle holds, to be changed by somebody who knows the format.
#[derive(Clone)]
pub(super) struct Opened(pub(super) Vec<container::Entry>);

impl Opened {
    pub(super) fn of(bundle: &[u8]) -> Self {
        let (entries, other) = container::read(bundle).unwrap();
        assert_eq!(other, None);
        Self(entries)
    }

    pub(super) fn entry(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.0.iter_mut().find(|(entry, _)| entry == name);
        &mut found.unwrap_or_else(|| panic!("{name} is missing")).1
    }

    pub(super) fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.entry(name).clone()).unwrap()
    }

    /// Replaces a text, which must be there.
    pub(super) fn replace(&mut self, name: &str, old: &str, new: &str) {
        let text = self.text(name);
        assert!(text.contains(old), "{name}: {old}");
        *self.entry(name) = text.replacen(old, new, 1).into_bytes();
    }

    pub(super) fn remove(&mut self, fits: impl Fn(&str) -> bool) {
        let before = self.0.len();
        self.0.retain(|(name, _)| !fits(name));
        assert!(self.0.len() < before);
    }

    /// Puts it together again as an export would: with a manifest that fits, in the right order.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut entries: Vec<_> = self.0.clone();
        entries.sort_by_key(|(name, _)| (name != names::README, name != names::MANIFEST, name.clone()));
        if let Some((_, manifest)) = entries.iter().find(|(name, _)| name == names::MANIFEST)
            && let Ok(was) = Manifest::read(manifest)
        {
            let mut now = Manifest::of(was.ledger.clone(), was.document.clone(), was.sealed, &entries);
            now.rendering = was.rendering;
            entries
                .iter_mut()
                .filter(|(name, _)| name == names::MANIFEST)
                .for_each(|(_, bytes)| *bytes = now.to_bytes());
        }
        container::write(&entries).unwrap()
    }
}
