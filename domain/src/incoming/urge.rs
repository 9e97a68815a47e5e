//! Urge (đôn đốc): somebody above, or who follows the work, presses for it by authority (Decree 30/2020, art. 24). A recorded
//! act; it changes no state.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Branch, Event, IncomingDocument,
    events::{Assignee, BranchRole, Urged},
};
use crate::{
    decide::{Acting, By, Decide},
    id::BranchId,
    organ::Role,
    refusal::Code,
    text::LongText,
};

/// Why nobody can be urged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only somebody above on the path, the follower, or the head of the unit that follows.
    #[error("only who stands above the branch or follows the work urges: {0}")]
    Barred(#[from] Barred),
    /// Who is informed owes nothing.
    #[error("who is informed owes nothing")]
    Informed,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Informed => Code::InformedOwesNothing,
        }
    }
}

/// Press for a branch.
#[derive(Clone, Debug, Serialize)]
pub struct UrgeIncoming {
    /// The branch.
    pub branch: BranchId,
    /// In words.
    pub note: LongText,
}

impl IncomingDocument {
    /// Does this person follow the work: in the post of the follower, or as head of the unit that follows?
    pub fn is_followed_by(&self, acting: &Acting) -> bool {
        match self.follower {
            Some(Assignee::Person { holder }) => holder.post == acting.post,
            Some(Assignee::Unit { unit }) => acting.unit == unit && acting.role == Role::UnitHead,
            None => false,
        }
    }

    fn may_urge(&self, branch: BranchId, by: &By<'_>, acting: &Acting) -> bool {
        self.is_followed_by(acting) || self.is_above(branch, by, acting)
    }
}

fn owed(branch: &Branch) -> Result<(), Refusal> {
    if branch.role == BranchRole::Informed { Err(Refusal::Informed) } else { Ok(()) }
}

impl Decide for UrgeIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "urgeIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.reach_any(by, |id, _, acting| document.may_urge(id, by, acting), |_, branch| owed(branch))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.reach(self.branch, by, |id, _, acting| document.may_urge(id, by, acting))?;
        branch.still_open()?;
        owed(branch)?;
        Ok(vec![Urged { branch: self.branch, note: self.note.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{
            events::{BranchReturned, FollowerAppointed},
            testing::*,
        },
        testing::{given, scene},
    };

    fn urge(n: u128) -> UrgeIncoming {
        UrgeIncoming { branch: branch(n), note: words("Đề nghị khẩn trương hoàn thành.") }
    }

    #[test]
    fn urging_is_recorded_and_changes_no_state() {
        let scene = scene();
        let before = given::<IncomingDocument>(&scene.organ, to_assigned(&scene)).state().clone();
        let urged = given(&scene.organ, to_assigned(&scene)).when(scene.leader, urge(OFFICER)).then([Urged {
            branch: branch(OFFICER),
            note: urge(0).note,
        }
        .into()]);
        assert_eq!(*urged.state(), before);
        urged.when(scene.head, urge(OFFICER)).happened();
    }

    #[test]
    fn the_follower_urges_or_the_head_of_the_unit_that_follows() {
        let mut scene = scene();
        let substitute = scene.substitutes(scene.colleague, scene.clerk);
        let following = |follower| {
            let appointed = past(scene.leader, 5, FollowerAppointed { follower });
            given(&scene.organ, to_assigned(&scene).into_iter().chain([appointed]))
        };
        following(person(scene.clerk)).when(scene.clerk, urge(OFFICER)).happened();
        following(person(scene.clerk)).when(substitute, urge(OFFICER)).happened();
        let unit = Assignee::Unit { unit: scene.other_unit };
        following(unit).when(scene.other_head, urge(OFFICER)).happened();
        following(unit).when(scene.other_officer, urge(OFFICER)).then_refused(Code::NotEntitled);
    }

    #[test]
    fn nobody_else_urges() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !["leader", "head"].contains(name)) {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, urge(OFFICER));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_assigned(&scene)).when(scene.head, urge(LEAD)).then_refused(Code::NotEntitled);
    }

    #[test]
    fn only_what_is_open_and_owed() {
        let scene = scene();
        let returned = past(scene.officer, 6, BranchReturned { branch: branch(OFFICER), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([returned]))
            .when(scene.leader, urge(OFFICER))
            .then_refused(Code::BranchEnded);
        given(&scene.organ, to_assigned(&scene))
            .when(scene.leader, urge(INFORMED))
            .then_refused(Code::InformedOwesNothing);
    }
}
