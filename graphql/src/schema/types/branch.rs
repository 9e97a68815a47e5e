//! The directive tree: who was given what, by whom, until when.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use socai_domain::{incoming, time};
use socai_projections::document as view;

use super::{
    deadline::{self, Deadline},
    people::{Assignee, Holder, Person, Unit},
};
use crate::{
    error::Result,
    language::Language,
    reading::moment,
    scalars::{DateTime, Uuid},
    schema::labels::{BranchEnd, BranchRole, Labelled, Resolution},
    session::session,
};

/// A branch of a document.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) branch: view::Branch,
    /// Its document, which knows the sum of its deadline.
    pub(crate) of: Arc<view::DocumentView>,
}

/// Words of the day on a document or branch (ghi chú, tiến độ, đôn đốc).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Remark {
    /// When.
    at: DateTime,
    /// By whom; none for the system.
    by: Option<Person>,
    /// In words.
    text: String,
}

impl From<&view::Remark> for Remark {
    fn from(remark: &view::Remark) -> Self {
        Self { at: DateTime(remark.at), by: remark.by.map(Person), text: remark.text.as_str().to_owned() }
    }
}

/// A request for more time (đề nghị gia hạn).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ExtensionAsked {
    /// Until when.
    until: DateTime,
    /// Why.
    reason: String,
}

/// An earlier holder of a branch (người giữ việc trước đó).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct HeldBefore {
    /// Who.
    assignee: Assignee,
    /// Until when.
    until: DateTime,
}

/// How work ended (kết thúc).
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Ended {
    /// How.
    how: BranchEnd,
    /// When.
    at: DateTime,
}

#[ComplexObject]
impl Ended {
    /// The label of `how`.
    async fn how_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> &'static str {
        self.how.label(lang.unwrap_or(session(ctx).language))
    }
}

/// How work stands of which lateness is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Still owed.
    Open,
    /// Done then.
    Done(time::Timestamp),
    /// Taken or given back, closed with its document, refused or cancelled: neither on time nor late.
    Dropped,
}

impl Standing {
    /// `done` tells of how it ended whether that is having done it.
    pub(crate) fn of<E: Copy>(ended: Option<(E, time::Timestamp)>, done: impl FnOnce(E) -> bool) -> Self {
        match ended {
            None => Self::Open,
            Some((how, at)) if done(how) => Self::Done(at),
            Some(_) => Self::Dropped,
        }
    }
}

/// Is work late that is due then and stands so?
pub(crate) fn late(binding: Option<time::Timestamp>, stands: Standing, now: time::Timestamp) -> bool {
    binding.is_some_and(|due| match stands {
        Standing::Open => now > due,
        Standing::Done(at) => at > due,
        Standing::Dropped => false,
    })
}

/// One duty in the directive tree (một nhánh của ý kiến chỉ đạo; Decree 30/2020/NĐ-CP, art. 23, Annex IV.VII).
#[Object]
impl Branch {
    /// Its id.
    async fn id(&self) -> Uuid {
        Uuid(self.branch.id.uuid())
    }

    /// The branch it is a part of; none for those that the directive itself gave.
    async fn parent(&self) -> Option<Uuid> {
        self.branch.parent.map(|parent| Uuid(parent.uuid()))
    }

    /// The round of work it belongs to, from 1; reopening begins another.
    async fn round(&self) -> u32 {
        self.branch.round
    }

    /// Who gave it (người giao).
    async fn author(&self) -> Option<Holder> {
        self.branch.author.map(Holder::from)
    }

    /// Who has it, or had it at its end (người, đơn vị được giao).
    async fn assignee(&self) -> Assignee {
        self.branch.assignee.into()
    }

    /// The unit that it counts for.
    async fn unit(&self) -> Option<Unit> {
        self.branch.unit.map(Unit)
    }

    /// Since when they have it.
    async fn held_since(&self) -> DateTime {
        DateTime(self.branch.held_since)
    }

    /// Lead, coordinating or informed (chủ trì, phối hợp, nhận để biết).
    async fn role(&self) -> BranchRole {
        self.branch.role.into()
    }

    /// The role's label.
    async fn role_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> &'static str {
        BranchRole::from(self.branch.role).label(lang.unwrap_or(session(ctx).language))
    }

    /// What is to be done (nội dung giao).
    async fn note(&self) -> Option<&str> {
        self.branch.note.as_ref().map(AsRef::as_ref)
    }

    /// When it was given: day 0 of its limit.
    async fn assigned_at(&self) -> DateTime {
        DateTime(self.branch.assigned_at)
    }

    /// When it was signed for (ký nhận; register column 9).
    async fn accepted_at(&self) -> Option<DateTime> {
        self.branch.accepted.map(|(at, _)| DateTime(at))
    }

    /// Who signed for it.
    async fn accepted_by(&self) -> Option<Person> {
        self.branch.accepted.and_then(|(_, by)| by).map(Person)
    }

    /// The handler's first act (bắt đầu xử lý).
    async fn started_at(&self) -> Option<DateTime> {
        self.branch.started_at.map(DateTime)
    }

    /// Its deadline, with the sum (thời hạn). An informed branch has none.
    #[allow(clippy::unused_async)] // resolvers are
    async fn deadline(&self, ctx: &Context<'_>, lang: Option<Language>) -> Result<Deadline> {
        let branch = &self.branch;
        let now = moment(ctx).now();
        let sum = self.of.sum_of(branch)?;
        Ok(Deadline {
            due_at: branch.due.map(DateTime),
            original_due_at: branch.original_due.map(DateTime),
            binding_due_at: branch.binding_due.map(DateTime),
            late: late(
                branch.binding_due,
                Standing::of(branch.ended, |how| how == incoming::BranchEnd::Completed),
                now,
            ),
            sum: deadline::lines(&sum, lang.unwrap_or(session(ctx).language)),
        })
    }

    /// More time is asked for (đề nghị gia hạn).
    async fn extension_asked(&self) -> Option<ExtensionAsked> {
        let asked = self.branch.extension_asked.as_ref()?;
        Some(ExtensionAsked { until: DateTime(asked.0), reason: asked.1.as_str().to_owned() })
    }

    /// Reports on progress (tiến độ).
    async fn progress(&self) -> Vec<Remark> {
        self.branch.progress.iter().map(Remark::from).collect()
    }

    /// Urgings (đôn đốc).
    async fn urged(&self) -> Vec<Remark> {
        self.branch.urged.iter().map(Remark::from).collect()
    }

    /// Who had it before.
    async fn held_before(&self) -> Vec<HeldBefore> {
        let held =
            |(assignee, until): &(_, _)| HeldBefore { assignee: Assignee::from(*assignee), until: DateTime(*until) };
        self.branch.held_before.iter().map(held).collect()
    }

    /// How and when it ended; none while it is owed.
    async fn ended(&self) -> Option<Ended> {
        self.branch.ended.map(|(how, at)| Ended { how: how.into(), at: DateTime(at) })
    }

    /// The contribution, or the reason of a return or withdrawal (kết quả).
    async fn result(&self) -> Option<&str> {
        self.branch.result.as_deref()
    }

    /// How the lead officer proposes to resolve the document (đề xuất).
    async fn proposal(&self) -> Option<Resolution> {
        self.branch.proposal.map(Resolution::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_owed_or_done_is_late() {
        use incoming::BranchEnd::{ClosedWithDocument, Completed, Returned, Withdrawn};
        let at = time::Timestamp::from_micros;
        let branch = |how, when| Standing::of(Some((how, at(when))), |how| how == incoming::BranchEnd::Completed);
        let late = |stands| late(Some(at(10)), stands, at(20));
        assert!(late(Standing::Open) && late(branch(Completed, 11)));
        assert!(!late(branch(Completed, 10)));
        for how in [Withdrawn, Returned, ClosedWithDocument] {
            assert!(!late(branch(how, 11)), "{how:?}");
        }
        assert!(!super::late(Some(at(20)), Standing::Open, at(20)) && !super::late(None, Standing::Open, at(20)));
    }
}
