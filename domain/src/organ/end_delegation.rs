//! End a delegation before its time.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::DelegationEnded};
use crate::{
    decide::{By, Decide},
    id::{PersonId, PostId},
    refusal::Denied,
};

/// The substitute no longer acts for the post.
#[derive(Clone, Debug, Serialize)]
pub struct EndDelegation {
    /// The post.
    pub post: PostId,
    /// The substitute.
    pub to: PersonId,
}

impl Decide for EndDelegation {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "endDelegation";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        by.acting().map(|_| ()).map_err(Refusal::from).and(organ.known().map(|_| ()))
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let acting = by.acting()?;
        let post = organ.posts.get(&self.post).ok_or(Refusal::NoSuchPost)?;
        if acting.post != self.post && acting.role != super::Role::Administrator {
            return Err(Denied::NotInPath.into());
        }
        let open = |delegation: &super::Delegation| delegation.person == self.to && by.at < delegation.until;
        if !post.delegations.iter().any(open) {
            return Ok(vec![]); // already so
        }
        Ok(vec![DelegationEnded { post: self.post, to: self.to }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    #[test]
    fn it_ends_once() {
        let scene = scene();
        let ((post, _), (_, to)) = (holder(scene.leader), holder(scene.deputy));
        let end = EndDelegation { post, to };
        assert_eq!(asks(&scene, scene.leader, &end), Ok(vec![]));
        let from = crate::testing::MORNING;
        let until = from.plus_minutes(24 * 60);
        let delegated = evolve(&scene.organ, &[crate::organ::events::PostDelegated { post, to, from, until }.into()]);
        assert_eq!(asks_of(&delegated, scene.officer, &end), Err(Code::NotEntitled));
        let happened = asks_of(&delegated, scene.leader, &end).unwrap();
        assert_eq!(asks_of(&evolve(&delegated, &happened), scene.leader, &end), Ok(vec![]));
    }

    #[test]
    fn overlapping_delegations_end_together() {
        let scene = scene();
        let ((post, _), (_, to)) = (holder(scene.leader), holder(scene.deputy));
        let from = crate::testing::MORNING;
        let [longer, shorter] = [600, 300].map(|minutes| {
            crate::organ::events::PostDelegated { post, to, from, until: from.plus_minutes(minutes) }.into()
        });
        let delegated = evolve(&scene.organ, &[longer, shorter]);
        let happened = asks_of(&delegated, scene.leader, &EndDelegation { post, to }).unwrap();
        let after = evolve(&delegated, &happened).who(to, Some(post), from.plus_minutes(60));
        assert_eq!(after, crate::decide::Who::Nobody(to, Denied::NotYourPost));
    }
}
