//! Pass to a leader: the leader with whom a document lies gives it to another leader to direct.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, Stage, assignment::To, events::PassedToLeader};
use crate::{
    decide::{By, Decide},
    id::PostId,
    organ::Role,
    refusal::{Code, Denied},
    text::LongText,
};

/// Why a document cannot be passed to another leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the leader it lies with passes it on, before it is directed.
    #[error("only the leader with whom the document lies passes it to another: {0}")]
    Barred(#[from] Barred),
    /// The other post is not a leader's, or nobody holds it now.
    #[error("the other post is not held by a leader now")]
    NotALeader,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Barred(denied.into())
    }
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NotALeader => Code::NotALeader,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::NotALeader { &["to"] } else { &[] }
    }
}

/// Give the document to another leader to direct.
#[derive(Clone, Debug, Serialize)]
pub struct PassToLeader {
    /// The other leader's post.
    pub to: PostId,
    /// Remarks.
    pub note: Option<LongText>,
}

impl Decide for PassToLeader {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "passToLeader";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        Ok(document.directing(by).map(|_| ())?)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        by.require(Role::Leader)?;
        let to = To::leader(self.to, by.organ, by.at);
        if document.stage == Some(Stage::Submitted) && to.is_some() && document.leader == to {
            return Ok(vec![]); // already so
        }
        Self::permit(document, by)?;
        let to = to.ok_or(Refusal::NotALeader)?;
        Ok(vec![PassedToLeader { to, note: self.note.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{holder, post, to_submitted, tree_directed},
        testing::{given, scene},
    };

    fn pass(to: Who) -> PassToLeader {
        PassToLeader { to: post(to), note: None }
    }

    #[test]
    fn a_leader_passes_the_document_to_another_who_then_has_it() {
        let scene = scene();
        given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, pass(scene.deputy))
            .then([PassedToLeader { to: holder(scene.deputy), note: None }.into()])
            .when(scene.leader, pass(scene.deputy))
            .then_nothing_happened();
        let passed = given(&scene.organ, to_submitted(&scene)).when(scene.leader, pass(scene.deputy));
        let events = passed.then([PassedToLeader { to: holder(scene.deputy), note: None }.into()]);
        events.clone().when(scene.deputy, pass(scene.leader)).happened();
        let registered_again = events.when(scene.deputy, crate::incoming::return_to_clerk::tests::return_it());
        registered_again.happened();
    }

    #[test]
    fn only_the_leader_it_lies_with_passes_it() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "leader") {
            let refused = given(&scene.organ, to_submitted(&scene)).when(who, pass(scene.clerk));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
    }

    #[test]
    fn any_leader_takes_over_what_a_gone_leader_had() {
        let mut scene = scene();
        scene.leaves_at(scene.leader, crate::testing::MORNING.plus_minutes(120));
        given(&scene.organ, to_submitted(&scene)).when(scene.deputy, pass(scene.leader)).then_refused(Code::NotALeader);
        let events = given(&scene.organ, to_submitted(&scene)).when(scene.deputy, pass(scene.deputy)).happened();
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn it_goes_to_a_leader_and_before_it_is_directed() {
        let scene = scene();
        given(&scene.organ, to_submitted(&scene)).when(scene.leader, pass(scene.head)).then_refused(Code::NotALeader);
        let past = to_submitted(&scene).into_iter().chain([tree_directed(&scene)]);
        given(&scene.organ, past).when(scene.leader, pass(scene.deputy)).then_refused(Code::WrongStage);
        let past = to_submitted(&scene).into_iter().take(1);
        given(&scene.organ, past).when(scene.leader, pass(scene.deputy)).then_refused(Code::WrongStage);
    }
}
