//! What is remembered of a document.

use serde::{Deserialize, Serialize};
use socai_domain::{
    deadline::{Extension, Limit, Pause, SumLine},
    document_types::{Channel, SecrecyLevel},
    id::{BranchId, IncomingId, OrganId, PersonId, RegisterId, UnitId},
    incoming::{
        BranchEnd, Stage,
        events::{
            Answer, Assignee, Attachment, AuthenticityChecked, BranchRole, Details, Holder, Resolution,
            ResolutionProposed, UnopenedLogged,
        },
    },
    register::VoidReason,
    text::{ArrivalNumber, LongText, Reason, ShortText},
    time::Timestamp,
};
use std::collections::BTreeSet;

use super::rows::PartyKind;

/// An incoming document, as its history tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The place of its first record in the log: its key and its order of arrival here.
    pub ordinal: i64,
    /// Its id.
    pub id: IncomingId,
    /// Whose it is.
    pub organ: OrganId,
    /// The revision of the last record taken in.
    pub revision: u64,
    /// The place in the log of the last record that changed it, be it one of its own or a calendar.
    pub changed: i64,
    /// Where it stands; none when its records were erased before this view read them.
    pub stage: Option<Stage>,
    /// Since when.
    pub stage_since: Timestamp,
    /// How it came.
    pub channel: Option<Channel>,
    /// When it arrived, as stated.
    pub arrived_at: Option<Timestamp>,
    /// Mail left unopened.
    pub unopened: Option<UnopenedLogged>,
    /// What it says of itself, as corrected.
    pub details: Option<Details>,
    /// Its files.
    pub files: Vec<Attachment>,
    /// The last check of authenticity.
    pub authenticity: Option<(Timestamp, AuthenticityChecked)>,
    /// Remarks on it.
    pub remarks: Vec<Remark>,
    /// The refused arrival that it follows.
    pub follows: Option<IncomingId>,
    /// Other contents that the axis brought under its id.
    pub arrived_again: Vec<OtherContent>,
    /// When its paper came.
    pub paper_arrived_at: Option<Timestamp>,
    /// Its book and number.
    pub registration: Option<Registration>,
    /// The first time it was submitted.
    pub submitted_at: Option<Timestamp>,
    /// The first time it was directed or passed on.
    pub directed_at: Option<Timestamp>,
    /// The leader it lies with, or who directed it.
    pub leader: Option<Holder>,
    /// The directive opinion of the present round.
    pub directive: Option<LongText>,
    /// Rounds of work, the first from registration (or refusal), one more for each reopening.
    pub rounds: Vec<Round>,
    /// The directive tree, all rounds, in the order in which branches were given.
    pub branches: Vec<Branch>,
    /// When the clock of the present round stood.
    pub pauses: Vec<Pause>,
    /// Returns and what they cost.
    pub rework: Vec<Rework>,
    /// Who follows and urges.
    pub follower: Option<Assignee>,
    /// A resolution that waits for another person's word, and who proposed it.
    pub proposed: Option<(Timestamp, Holder, ResolutionProposed)>,
    /// Who made that proposal, and for whom: who never confirms it.
    pub(crate) proposers: Vec<PersonId>,
    /// Why receipt was refused.
    pub refused: Option<Reason>,
    /// Why it was cancelled.
    pub cancelled: Option<(VoidReason, Option<Reason>)>,
    /// Somebody asked to have it erased.
    pub expunge_asked: Option<ExpungeAsked>,
    /// Its content is gone.
    pub erased: Option<Erased>,
    /// Who holds or held a part in it, or was granted access: who sees it without seeing everything.
    pub(crate) parties: BTreeSet<(PartyKind, [u8; 16])>,
    /// The series and year asked for, while no number has come.
    pub(crate) registering: Option<(RegisterId, ShortText, i16)>,
}

/// The number that a document has in a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The book.
    pub register: RegisterId,
    /// Its series; unknown once erased.
    pub series: Option<ShortText>,
    /// Its year; unknown once erased.
    pub year: Option<i16>,
    /// The number.
    pub number: ArrivalNumber,
    /// When it was given; unknown once erased.
    pub at: Option<Timestamp>,
}

/// A round of work: from registration, or from a reopening, to an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Which, from 1.
    pub number: u32,
    /// When it began.
    pub began_at: Timestamp,
    /// The deadline of its root LEAD branch as shown: every extension counted. It runs on until the round ends, also when that
    /// branch is done.
    pub due: Option<Timestamp>,
    /// Without any extension.
    pub original_due: Option<Timestamp>,
    /// By which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// How and when it ended.
    pub ended: Option<(RoundEnd, Timestamp)>,
    /// How it was resolved.
    pub resolution: Option<ResolutionMade>,
    /// How its deadline came about, as it stood at its end. Empty before, and where there is none.
    pub(crate) sum_at_end: Vec<SumLine>,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RoundEnd {
    /// The document was resolved.
    Resolved,
    /// It was not taken in.
    Refused,
    /// It was cancelled or erased.
    Cancelled,
}

/// A resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolutionMade {
    /// How.
    pub how: Resolution,
    /// The answering documents.
    pub answers: Vec<Answer>,
    /// In words.
    pub note: Option<LongText>,
    /// The organ it went to.
    pub transferred_to: Option<ShortText>,
    /// Who decided.
    pub by: Option<Holder>,
}

/// A branch of the directive tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its id.
    pub id: BranchId,
    /// The branch it is a part of.
    pub parent: Option<BranchId>,
    /// Its round.
    pub round: u32,
    /// Who gave it.
    pub author: Option<Holder>,
    /// Who has it, or had it at its end.
    pub assignee: Assignee,
    /// The unit that it counts for: the assignee, or the unit of the assignee's post.
    pub unit: Option<UnitId>,
    /// Since when they have it.
    pub held_since: Timestamp,
    /// In what role.
    pub role: BranchRole,
    /// The limit.
    pub limit: Limit,
    /// What it was before its author changed it, the first first.
    pub replaced: Vec<Limit>,
    /// What is to be done.
    pub note: Option<LongText>,
    /// When it was given: day 0.
    pub assigned_at: Timestamp,
    /// When it was signed for, and by whom.
    pub accepted: Option<(Timestamp, Option<PersonId>)>,
    /// The first time that anybody signed for it, whoever has it now.
    pub(crate) first_accepted: Option<(Timestamp, Option<PersonId>)>,
    /// The handler's first act.
    pub started_at: Option<Timestamp>,
    /// More time is asked for: until when, why.
    pub extension_asked: Option<(Timestamp, Reason)>,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// Reports on progress.
    pub progress: Vec<Progress>,
    /// Urgings.
    pub urged: Vec<Progress>,
    /// Earlier holders and until when they had it.
    pub held_before: Vec<(Assignee, Timestamp)>,
    /// How and when it ended.
    pub ended: Option<(BranchEnd, Timestamp)>,
    /// The contribution, the reason of a return or withdrawal.
    pub result: Option<String>,
    /// How the lead officer proposes to resolve the document.
    pub proposal: Option<Resolution>,
    /// How its deadline came about, as it stood at its end. Empty before, and where there is none.
    pub(crate) sum_at_end: Vec<SumLine>,
    /// When it is due, every extension counted; frozen at the end.
    pub due: Option<Timestamp>,
    /// Without any extension.
    pub original_due: Option<Timestamp>,
    /// By which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// It was late when its limit was amended: that stays.
    pub(crate) late_before_amended: Option<Timestamp>,
    /// When the branch above it is due: a part is never due after the whole.
    pub capped_by: Option<Timestamp>,
}

/// A remark on the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Option<PersonId>,
    /// In words.
    pub text: LongText,
}

/// Words of the day on a branch: a report, or an urging.
pub type Progress = Remark;

/// Something was given back, and the work on it until it stood where it had been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rework {
    /// The round.
    pub round: u32,
    /// The branch that was returned; none when the leader returned the document to the clerk.
    pub branch: Option<BranchId>,
    /// When it was given back.
    pub from: Timestamp,
    /// When it went forward again.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
}

/// Other content under the document's id on the axis. It is not the document's: the clerk looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherContent {
    /// When it came.
    pub at: Timestamp,
    /// What it says.
    pub details: Details,
    /// Its files.
    pub files: Vec<Attachment>,
    /// When a clerk first remarked on the document after that: they looked at it.
    pub noted_at: Option<Timestamp>,
}

/// A clerk asks to have the document erased as secret; a second person confirms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpungeAsked {
    /// When.
    pub at: Timestamp,
    /// The level that it bears.
    pub level: SecrecyLevel,
    /// Who asked, and for whom: neither confirms it.
    pub people: Vec<PersonId>,
}

/// What is left of an erased document besides its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Its level of secrecy; none while only its key is known to be gone.
    pub level: Option<SecrecyLevel>,
    /// Keys and files are destroyed, too.
    pub completed: bool,
}

impl Document {
    /// A document of which nothing is known yet.
    pub(crate) fn new(ordinal: i64, id: IncomingId, organ: OrganId) -> Self {
        Self {
            ordinal,
            id,
            organ,
            revision: 0,
            changed: ordinal,
            stage: None,
            stage_since: Timestamp::default(),
            channel: None,
            arrived_at: None,
            unopened: None,
            details: None,
            files: Vec::new(),
            authenticity: None,
            remarks: Vec::new(),
            follows: None,
            arrived_again: Vec::new(),
            paper_arrived_at: None,
            registration: None,
            submitted_at: None,
            directed_at: None,
            leader: None,
            directive: None,
            rounds: Vec::new(),
            branches: Vec::new(),
            pauses: Vec::new(),
            rework: Vec::new(),
            follower: None,
            proposed: None,
            proposers: Vec::new(),
            refused: None,
            cancelled: None,
            expunge_asked: None,
            erased: None,
            parties: BTreeSet::new(),
            registering: None,
        }
    }

    /// It was registered when its text was erased, and nobody knows yet under what number.
    pub(crate) fn registered_before_erasure(&self) -> bool {
        self.erased.is_some() && !matches!(self.stage, None | Some(Stage::Arrived | Stage::Unopened | Stage::Refused))
    }

    /// The present round.
    pub fn round(&self) -> Option<&Round> {
        self.rounds.last()
    }

    /// The branches of a round.
    pub fn branches_of(&self, round: u32) -> impl Iterator<Item = &Branch> {
        self.branches.iter().filter(move |branch| branch.round == round)
    }

    /// A round's root LEAD branch, whose deadline is the document's: the open one, else the last that was neither withdrawn
    /// nor given back, else the last.
    pub fn root_lead(&self, round: u32) -> Option<&Branch> {
        let leads = |branch: &&Branch| branch.parent.is_none() && branch.role == BranchRole::Lead;
        let live = |branch: &Branch| !matches!(branch.ended, Some((BranchEnd::Withdrawn | BranchEnd::Returned, _)));
        self.branches_of(round)
            .filter(leads)
            .max_by_key(|branch| (branch.ended.is_none(), live(branch), branch.assigned_at, branch.id))
    }

    /// The open branches under a branch.
    pub fn open_children(&self, parent: BranchId) -> impl Iterator<Item = &Branch> {
        self.branches.iter().filter(move |branch| branch.parent == Some(parent) && branch.ended.is_none())
    }

    /// Since when other content waits for a clerk to look at it. What was refused or cancelled is done with.
    pub fn to_look_at_since(&self) -> Option<Timestamp> {
        let over = matches!(self.stage, None | Some(Stage::Refused | Stage::Cancelled));
        self.arrived_again.iter().find(|other| other.noted_at.is_none()).filter(|_| !over).map(|other| other.at)
    }

    /// Its files and those of other contents.
    pub fn all_files(&self) -> impl Iterator<Item = &Attachment> {
        self.files.iter().chain(self.arrived_again.iter().flat_map(|other| &other.files))
    }

    /// Is its paper still awaited?
    pub fn waits_for_paper(&self) -> bool {
        self.paper_arrived_at.is_none() && self.details.as_ref().is_some_and(|details| details.paper_follows)
    }

    /// `15/QĐ-BNV`: number and symbol as the issuer wrote them.
    pub fn code(&self) -> Option<String> {
        let details = self.details.as_ref()?;
        let parts = [details.number.as_ref().map(AsRef::as_ref), details.notation.as_ref().map(AsRef::as_ref)];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("/"))
    }
}
