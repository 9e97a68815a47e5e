//! Appoint a follower: the leader names who follows the work and urges (Decree 30/2020, art. 24.1), beside the tree.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, Stage, assignment::To, events::FollowerAppointed};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
};

/// Why nobody can be appointed to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the leader who directs appoints a follower.
    #[error("only the leader who directs appoints a follower: {0}")]
    Barred(#[from] Barred),
    /// The follower cannot follow.
    #[error("the follower is not an open unit, or not a post that somebody holds")]
    NoFollower,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NoFollower => Code::NotAssignable,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::NoFollower { &["to"] } else { &[] }
    }
}

/// Name who follows the work.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AppointFollower {
    /// The person or unit.
    pub to: To,
}

impl Decide for AppointFollower {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "appointFollower";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        let acting = by.require(Role::Leader).map_err(Barred::from)?;
        match document.stage {
            Some(Stage::Submitted | Stage::Directed) if document.is_directed_by(&acting, by.organ, by.at) => Ok(()),
            Some(Stage::Submitted | Stage::Directed) => Err(Barred::Denied(Denied::NotInPath).into()),
            _ => Err(Barred::WrongStage.into()),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let follower = self.to.assignee(by.organ, by.at).map_err(|_| Refusal::NoFollower)?;
        if document.follower == Some(follower) {
            return Ok(vec![]); // already so
        }
        Ok(vec![FollowerAppointed { follower }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::testing::*,
        testing::{given, scene},
    };

    #[test]
    fn the_leader_names_a_follower_who_may_be_another_later() {
        let scene = scene();
        let appoint = |who| AppointFollower { to: To::Post(post(who)) };
        let appointed = given(&scene.organ, to_assigned(&scene))
            .when(scene.leader, appoint(scene.clerk))
            .then([FollowerAppointed { follower: person(scene.clerk) }.into()]);
        appointed.clone().when(scene.leader, appoint(scene.clerk)).then_nothing_happened();
        appointed.when(scene.leader, AppointFollower { to: To::Unit(scene.other_unit) }).happened();
    }

    #[test]
    fn only_the_leader_who_directs_and_only_who_can_follow() {
        let scene = scene();
        let appoint = |who| AppointFollower { to: To::Post(post(who)) };
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "leader") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, appoint(scene.clerk));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_registered(&scene))
            .when(scene.leader, appoint(scene.clerk))
            .then_refused(Code::WrongStage);
        given(&scene.organ, to_assigned(&scene))
            .when(scene.leader, appoint(scene.inspector))
            .then_refused(Code::NotAssignable);
    }
}
