//! Submit: the clerk puts the registered document before the leader who directs, on the day it came, at the latest on the
//! next working day; urgent ones at once (Decree 30/2020, art. 4.2c, 23.1).

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    events::{Holder, Submitted},
};
use crate::{
    decide::{By, Decide},
    id::PostId,
    organ::Role,
    refusal::{Code, Denied},
    text::LongText,
};

/// Why the document cannot be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk submits.
    #[error("only a records clerk submits documents: {0}")]
    NotTheClerk(#[from] Denied),
    /// Unregistered, nobody has a duty to handle it (art. 22.1).
    #[error("the document has no arrival number yet")]
    NotRegistered,
    /// A number is on its way.
    #[error("a number is being given to the document")]
    Underway,
    /// It lies with a leader, is being handled, or ended.
    #[error("only a document that waits for submission is submitted")]
    WrongStage,
    /// Nothing could be read on the network (S1-31, S1-32).
    #[error("the document has no main file: attach its scan first")]
    MainFileMissing,
    /// The post is not a leader's.
    #[error("the post is not a leader's")]
    NotALeader,
    /// Nobody holds the post.
    #[error("nobody holds the post now")]
    PostNotHeld,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::NotRegistered => Code::NotRegistered,
            Self::Underway => Code::RegistrationUnderway,
            Self::WrongStage => Code::WrongStage,
            Self::MainFileMissing => Code::MainFileMissing,
            Self::NotALeader => Code::NotALeader,
            Self::PostNotHeld => Code::PostNotHeld,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if matches!(self, Self::NotALeader | Self::PostNotHeld) { &["to"] } else { &[] }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// Put the document before a leader.
#[derive(Clone, Debug, Serialize)]
pub struct SubmitIncoming {
    /// The leader's post.
    pub to: PostId,
    /// The clerk's or unit's proposal.
    pub note: Option<LongText>,
}

impl Decide for SubmitIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "submitIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived) if document.registering.is_some() => Err(Refusal::Underway),
            Some(Stage::Arrived) => Err(Refusal::NotRegistered),
            Some(Stage::Registered) if document.has_main_file() => Ok(()),
            Some(Stage::Registered) => Err(Refusal::MainFileMissing),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        by.require(Role::RecordsClerk)?;
        if document.stage == Some(Stage::Submitted) && document.leader.is_some_and(|leader| leader.post == self.to) {
            return Ok(vec![]); // already so
        }
        Self::permit(document, by)?;
        let person = by.organ.holder(self.to, by.at).ok_or(Refusal::PostNotHeld)?;
        if by.organ.posts.get(&self.to).is_none_or(|post| post.role != Role::Leader) {
            return Err(Refusal::NotALeader);
        }
        let to = Holder { post: self.to, person };
        Ok(vec![Submitted { to, note: self.note.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{
            Plausible, arrived, arrived_on_paper, holder, registered, registration_began, scan_attached, submitted,
        },
        testing::{Scene, given, scene},
    };

    impl Plausible for SubmitIncoming {
        fn plausible(scene: &Scene, _: &IncomingDocument, _: Who) -> Self {
            to(holder(scene.leader))
        }
    }

    fn to(holder: Holder) -> SubmitIncoming {
        SubmitIncoming { to: holder.post, note: None }
    }

    #[test]
    fn a_registered_document_is_put_before_a_leader() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene), registration_began(&scene), registered(&scene)])
            .when(scene.clerk, to(holder(scene.leader)))
            .then([submitted(&scene).event]);
        given.clone().when(scene.clerk, to(holder(scene.leader))).then_nothing_happened();
        given.when(scene.clerk, to(holder(scene.deputy))).then_refused(Code::WrongStage);
    }

    #[test]
    fn only_a_leaders_post_that_somebody_holds() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene), registration_began(&scene), registered(&scene)]);
        given.clone().when(scene.clerk, to(holder(scene.head))).then_refused(Code::NotALeader);
        let nowhere = SubmitIncoming { to: PostId::new(uuid::Uuid::nil()), note: None };
        given.when(scene.clerk, nowhere).then_refused(Code::PostNotHeld);
        let mut vacant = scene.clone();
        vacant.leaves(scene.leader);
        crate::testing::given(&vacant.organ, [arrived(&scene), registration_began(&scene), registered(&scene)])
            .when(scene.clerk, to(holder(scene.leader)))
            .then_refused(Code::PostNotHeld);
    }

    #[test]
    fn not_without_a_number() {
        let scene = scene();
        let submit = || to(holder(scene.leader));
        given(&scene.organ, [arrived(&scene)]).when(scene.clerk, submit()).then_refused(Code::NotRegistered);
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(scene.clerk, submit())
            .then_refused(Code::RegistrationUnderway);
    }

    #[test]
    fn not_without_something_to_read() {
        let scene = scene();
        let submit = || to(holder(scene.leader));
        let paper = [arrived_on_paper(&scene), registration_began(&scene), registered(&scene)];
        given(&scene.organ, paper.clone()).when(scene.clerk, submit()).then_refused(Code::MainFileMissing);
        given(&scene.organ, paper.into_iter().chain([scan_attached(&scene)]))
            .when(scene.clerk, submit())
            .then([submitted(&scene).event]);
    }
}
