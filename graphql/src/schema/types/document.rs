//! An incoming document, with all that is known of it. Its smaller parts are in [`super::parts`].

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, dataloader::Loader};
use async_trait::async_trait;
use socai_domain::{
    decide::By,
    id::{CommandId, IncomingId, OrganId, PersonId, PostId},
    incoming::{self, IncomingDocument as Folded, available::available_actions},
    ledger::{Revision as At, StreamKind},
    refusal::Code,
    text::Reason,
    time::Clock,
};
use socai_projections::{
    Viewer, Views,
    document::{self as view, DocumentView},
};

use super::{
    branch::{self, Branch, Remark},
    deadline::{self, Deadline},
    details::{Details, File},
    parts::{
        AuthenticityCheck, AvailableAction, Cancellation, Erasure, ExpungeAsked, HeldBy, HeldByKind, OtherContent,
        Proposed, Registration, Round, Unopened, round, words,
    },
    people::{Assignee, Holder, Organ, Person, node_id},
    trail::{self, Trail},
};
use crate::{
    error::{ApiError, ErrorCode, Result},
    language::Language,
    reading::{moment, services},
    scalars::{DateTime, Position, Revision, Uuid},
    schema::{
        labels::{Channel, Labelled, SecrecyLevel, Stage},
        page,
    },
    session::session,
};

/// An incoming document that the caller sees.
#[derive(Clone, Debug)]
pub(crate) struct IncomingDocument(Arc<DocumentView>);

impl From<DocumentView> for IncomingDocument {
    fn from(view: DocumentView) -> Self {
        Self(Arc::new(view))
    }
}

/// Loads documents as those who ask see them: however many a list has, in one look at the views.
pub(crate) struct Documents {
    pub(crate) views: Views,
    pub(crate) clock: Arc<dyn Clock>,
    /// The past moment with the rights of the one who asks; none for now.
    pub(crate) past: Option<Viewer>,
}

/// A document as somebody of an agency sees it.
pub(crate) type Seen = (OrganId, PersonId, IncomingId);

#[async_trait]
impl Loader<Seen> for Documents {
    type Value = IncomingDocument;
    type Error = ApiError;

    async fn load(&self, asked: &[Seen]) -> Result<HashMap<Seen, IncomingDocument>> {
        let mut by_person: HashMap<_, Vec<_>> = HashMap::new();
        for (organ, person, id) in asked.iter().copied() {
            by_person.entry((organ, person)).or_default().push(id);
        }
        let mut loaded = HashMap::new();
        for ((organ, person), ids) in by_person {
            let now = || Viewer::person(organ, person, self.clock.now());
            let viewer = self.past.clone().unwrap_or_else(now);
            for view in self.views.documents_by_id(&viewer, &ids).await? {
                loaded.insert((organ, person, view.document.id), view.into());
            }
        }
        Ok(loaded)
    }
}

impl IncomingDocument {
    fn document(&self) -> &view::Document {
        &self.0.document
    }

    /// The document, if the caller sees it, at the moment that is asked about.
    pub(crate) async fn seen(ctx: &Context<'_>, id: IncomingId) -> Result<Option<Self>> {
        let caller = session(ctx).caller()?;
        moment(ctx).documents.load_one((caller.organ, caller.person, id)).await
    }

    pub(crate) fn id(&self) -> IncomingId {
        self.0.document.id
    }

    fn branch(&self, branch: &view::Branch) -> Branch {
        Branch { branch: branch.clone(), of: Arc::clone(&self.0) }
    }
}

/// An incoming document (văn bản đến; Decree 30/2020/NĐ-CP, art. 20–24).
#[Object]
impl IncomingDocument {
    /// `incoming-…`: the name of its stream in the ledger.
    #[graphql(name = "id")]
    pub(crate) async fn node_id(&self) -> ID {
        node_id(StreamKind::Incoming, self.document().id.uuid())
    }

    /// The revision of its last record: give it back as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(At::new(self.document().revision))
    }

    /// The position of the ledger that this reflects.
    async fn position(&self) -> Option<Position> {
        self.0.position.map(Position)
    }

    /// Whose it is (cơ quan nhận).
    async fn organ(&self, ctx: &Context<'_>) -> Result<Option<Organ>> {
        Ok(moment(ctx).views.organ(self.document().organ).await?.map(Organ::from))
    }

    /// Where it stands (tình trạng); none when its content was erased before it was read.
    async fn stage(&self) -> Option<Stage> {
        self.document().stage.map(Stage::from)
    }

    /// The stage's label.
    async fn stage_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> Option<&'static str> {
        let language = lang.unwrap_or(session(ctx).language);
        self.document().stage.map(|stage| Stage::from(stage).label(language))
    }

    /// Since when it stands there.
    async fn stage_since(&self) -> DateTime {
        DateTime(self.document().stage_since)
    }

    /// How it came (cách đến).
    async fn channel(&self) -> Option<Channel> {
        self.document().channel.map(Channel::from)
    }

    /// The channel's label.
    async fn channel_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> Option<&'static str> {
        let language = lang.unwrap_or(session(ctx).language);
        self.document().channel.map(|channel| Channel::from(channel).label(language))
    }

    /// When it arrived, as stated (ngày, giờ đến).
    async fn arrived_at(&self) -> Option<DateTime> {
        self.document().arrived_at.map(DateTime)
    }

    /// What it says of itself; none for an unopened envelope, and once erased.
    async fn details(&self) -> Option<Details> {
        self.document().details.clone().map(Details)
    }

    /// Number and symbol as printed (số, ký hiệu): `15/QĐ-BNV`.
    async fn code(&self) -> Option<String> {
        self.document().code()
    }

    /// Mail left unopened.
    async fn unopened(&self) -> Option<Unopened> {
        self.document().unopened.as_ref().map(|mail| Unopened {
            sender: mail.sender.as_str().to_owned(),
            envelope: mail.envelope.as_str().to_owned(),
            addressed_to: mail.addressed_to.as_str().to_owned(),
        })
    }

    /// Its files (tệp đính kèm).
    async fn files(&self) -> Vec<File> {
        let document = self.document();
        document.files.iter().map(|file| File::of(document.id, file)).collect()
    }

    /// The last check of its authenticity, shown as its legal value (giá trị pháp lý).
    async fn authenticity(&self) -> Option<AuthenticityCheck> {
        self.document().authenticity.as_ref().map(|(at, check)| AuthenticityCheck {
            at: DateTime(*at),
            result: check.result.into(),
            checked_by: words(check.checked_by.as_ref()),
            note: words(check.note.as_ref()),
        })
    }

    /// Remarks on it (ghi chú).
    async fn remarks(&self) -> Vec<Remark> {
        self.document().remarks.iter().map(Remark::from).collect()
    }

    /// The refused or cancelled arrival that it follows.
    async fn follows(&self) -> Option<ID> {
        self.document().follows.map(|id| node_id(StreamKind::Incoming, id.uuid()))
    }

    /// Other contents that the axis brought under its id (nội dung trục gửi lại). They are not the document's: the clerk looks
    /// at them, and remarks on the document (`annotateIncoming`) when that is done.
    async fn arrived_again(&self) -> Vec<OtherContent> {
        let document = self.document();
        let other = |other: &view::OtherContent| OtherContent {
            at: DateTime(other.at),
            details: Details(other.details.clone()),
            files: other.files.iter().map(|file| File::of(document.id, file)).collect(),
            noted_at: other.noted_at.map(DateTime),
        };
        document.arrived_again.iter().map(other).collect()
    }

    /// When its paper came (ngày bản giấy đến).
    async fn paper_arrived_at(&self) -> Option<DateTime> {
        self.document().paper_arrived_at.map(DateTime)
    }

    /// Its paper is still awaited (chờ bản giấy).
    async fn waits_for_paper(&self) -> bool {
        self.document().waits_for_paper()
    }

    /// Its book and number (số đến).
    async fn registration(&self) -> Option<Registration> {
        self.document().registration.as_ref().map(|registration| Registration {
            number: registration.number.get(),
            series: words(registration.series.as_ref()),
            year: registration.year,
            at: registration.at.map(DateTime),
            register: node_id(StreamKind::Register, registration.register.uuid()),
        })
    }

    /// The first time it was submitted (ngày trình).
    async fn submitted_at(&self) -> Option<DateTime> {
        self.document().submitted_at.map(DateTime)
    }

    /// The first time it was directed or passed on (ngày chuyển).
    async fn directed_at(&self) -> Option<DateTime> {
        self.document().directed_at.map(DateTime)
    }

    /// The leader it lies with, or who directed it (lãnh đạo).
    async fn leader(&self) -> Option<Holder> {
        self.document().leader.map(Holder::from)
    }

    /// The directive opinion of the present round (ý kiến chỉ đạo).
    async fn directive(&self) -> Option<&str> {
        self.document().directive.as_ref().map(AsRef::as_ref)
    }

    /// Who has it now, and since when.
    async fn held_by(&self) -> HeldBy {
        let (held, since) = self.document().held();
        let mut by =
            HeldBy { kind: HeldByKind::Nobody, leader: None, assignee: None, branch: None, since: DateTime(since) };
        match held {
            view::HeldBy::Clerks => by.kind = HeldByKind::Clerks,
            view::HeldBy::Leader(leader) => (by.kind, by.leader) = (HeldByKind::Leader, Some(leader.into())),
            view::HeldBy::Assignee { branch, assignee } => {
                (by.kind, by.assignee, by.branch) =
                    (HeldByKind::Assignee, Some(assignee.into()), Some(Uuid(branch.uuid())));
            }
            view::HeldBy::Nobody => {}
        }
        by
    }

    /// The document's own deadline: that of its root LEAD branch (thời hạn giải quyết). None before it is directed.
    #[allow(clippy::unused_async)] // resolvers are
    async fn deadline(&self, ctx: &Context<'_>, lang: Option<Language>) -> Result<Option<Deadline>> {
        let Some((round, sum)) = self.document().round().zip(self.0.sum()?) else { return Ok(None) };
        Ok(Some(Deadline {
            due_at: round.due.map(DateTime),
            original_due_at: round.original_due.map(DateTime),
            binding_due_at: round.binding_due.map(DateTime),
            late: branch::late(
                round.binding_due,
                branch::Standing::of(round.ended, |how| how == view::RoundEnd::Resolved),
                moment(ctx).now(),
            ),
            sum: deadline::lines(&sum, lang.unwrap_or(session(ctx).language)),
        }))
    }

    /// Rounds of work; each reopening begins another (các lượt giải quyết).
    async fn rounds(&self) -> Vec<Round> {
        self.document().rounds.iter().map(round).collect()
    }

    /// The directive tree, in the order in which branches were given (các nhánh xử lý). Of one round, or of all.
    async fn branches(&self, round: Option<u32>) -> Vec<Branch> {
        let wanted = |branch: &&view::Branch| round.is_none_or(|round| branch.round == round);
        self.document().branches.iter().filter(wanted).map(|branch| self.branch(branch)).collect()
    }

    /// Who follows and urges (người theo dõi, đôn đốc; Decree 30/2020/NĐ-CP, art. 24).
    async fn follower(&self) -> Option<Assignee> {
        self.document().follower.map(Assignee::from)
    }

    /// A resolution that waits for another person's word.
    async fn proposed(&self) -> Option<Proposed> {
        self.document().proposed.as_ref().map(|(at, by, proposed)| Proposed {
            at: DateTime(*at),
            by: (*by).into(),
            how: proposed.how.into(),
            note: words(proposed.note.as_ref()),
        })
    }

    /// Why its receipt was refused (lý do từ chối tiếp nhận; Decree 30/2020/NĐ-CP, art. 21).
    async fn refused_because(&self) -> Option<&str> {
        self.document().refused.as_ref().map(Reason::as_str)
    }

    /// Why it was cancelled.
    async fn cancelled(&self) -> Option<Cancellation> {
        let (kind, reason) = self.document().cancelled.as_ref()?;
        Some(Cancellation { kind: (*kind).into(), reason: words(reason.as_ref()) })
    }

    /// What you may do with it now (việc bạn có thể làm). Name the post if you hold several. With asOf: nothing, for the past
    /// is not acted in.
    #[graphql(complexity = "20")]
    async fn available_actions(&self, ctx: &Context<'_>, acting_as: Option<Uuid>) -> Result<Vec<AvailableAction>> {
        if moment(ctx).is_past() {
            return Ok(Vec::new());
        }
        let (services, session) = (services(ctx), session(ctx));
        let caller = session.caller()?;
        let organ = services.handler.organ(caller.organ).await?;
        let at = services.clock().now();
        let who = organ.who(caller.person, acting_as.map(|post| PostId::new(post.0)), at);
        let by = By { at, command: CommandId::new(uuid::Uuid::nil()), who, organ: &organ.organ };
        let look = |state: &Folded, _| available_actions(state, &by);
        let actions = services.handler.view(incoming::stream(self.id()), look).await?;
        let show = |(code, allowed): (&'static str, Result<(), Code>)| {
            let refusal = allowed.err().map(ErrorCode::from);
            let message = refusal.map(|refusal| refusal.message(session.language));
            AvailableAction { code, allowed: refusal.is_none(), refusal, message }
        };
        Ok(actions.into_iter().map(show).collect())
    }

    /// Its trail, straight from the ledger (nhật ký). With asOf: up to that moment.
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 20")]
    async fn trail(&self, ctx: &Context<'_>, first: Option<u32>, after: Option<String>) -> Result<Trail> {
        let first = page::request(first, None)?.first;
        let until = self.0.position.filter(|_| moment(ctx).is_past());
        trail::read(services(ctx), self.id(), first, after.as_deref(), until).await
    }

    /// Somebody asked to have it erased as secret: a second person confirms or declines (đề nghị xóa văn bản mật).
    async fn expunge_asked(&self) -> Option<ExpungeAsked> {
        let asked = self.document().expunge_asked.as_ref()?;
        let by = asked.people.first().copied().map(Person);
        Some(ExpungeAsked { at: DateTime(asked.at), level: asked.level.into(), by })
    }

    /// Its content is gone.
    async fn erased(&self) -> Option<Erasure> {
        let erased = self.document().erased?;
        Some(Erasure { level: erased.level.map(SecrecyLevel::from), completed: erased.completed })
    }
}
