//! A person leaves a post. Work they still hold never stands in the way: it shows as without a holder.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::PostLeft};
use crate::{
    decide::{By, Decide},
    id::{PersonId, PostId},
    time::Timestamp,
};

/// End a person's time in a post.
#[derive(Clone, Debug, Serialize)]
pub struct LeavePost {
    /// The post.
    pub post: PostId,
    /// The person.
    pub person: PersonId,
    /// From when they no longer hold it; now where there is none.
    pub from: Option<Timestamp>,
}

impl Decide for LeavePost {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "leavePost";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let from = self.from.unwrap_or(by.at);
        let post = organ.posts.get(&self.post).ok_or(Refusal::NoSuchPost)?;
        let theirs = |tenure: &&super::Tenure| tenure.person == self.person;
        let tenure = post.tenures.iter().rev().find(theirs).ok_or(Refusal::NotTheHolder)?;
        if tenure.until.is_some_and(|until| until <= from) {
            return Ok(vec![]); // already so
        }
        if from < tenure.from {
            return Err(Refusal::InvalidPeriod);
        }
        Ok(vec![PostLeft { post: self.post, person: self.person, from }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    #[test]
    fn leaving_is_never_refused_to_the_holder() {
        let scene = scene();
        let (post, person) = holder(scene.officer);
        let leave = LeavePost { post, person, from: None };
        let happened = asks(&scene, scene.administrator, &leave).unwrap();
        let after = evolve(&scene.organ, &happened);
        assert_eq!(after.holder(post, crate::testing::MORNING.plus_minutes(60)), None);
        assert_eq!(asks_of(&after, scene.administrator, &leave), Ok(vec![]));
    }

    #[test]
    fn who_never_held_it_does_not_leave_it() {
        let scene = scene();
        let ((post, _), (_, person)) = (holder(scene.officer), holder(scene.head));
        let leave = LeavePost { post, person, from: None };
        assert_eq!(asks(&scene, scene.administrator, &leave), Err(Code::NotTheHolder));
    }

    #[test]
    fn only_the_administrator() {
        let (post, person) = holder(scene().officer);
        only_the_administrator_asks(&LeavePost { post, person, from: None });
    }
}
