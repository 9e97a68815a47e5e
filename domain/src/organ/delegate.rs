//! Delegate a post for an absence (ủy quyền xử lý): a substitute does what the post may, within dates.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::PostDelegated};
use crate::{
    decide::{By, Decide},
    id::{PersonId, PostId},
    refusal::Denied,
    time::Timestamp,
};

/// Name a substitute for a post.
#[derive(Clone, Debug, Serialize)]
pub struct DelegatePost {
    /// The post.
    pub post: PostId,
    /// The substitute.
    pub to: PersonId,
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
}

impl Decide for DelegatePost {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "delegatePost";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        by.acting().map(|_| ()).map_err(Refusal::from).and(organ.known().map(|_| ()))
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let acting = by.acting()?;
        let post = organ.open_post(self.post)?;
        if acting.on_behalf_of.is_some() {
            return Err(Refusal::OnwardDelegation);
        }
        if acting.post != self.post && acting.role != super::Role::Administrator {
            return Err(Denied::NotInPath.into());
        }
        if self.until <= self.from || self.until <= by.at {
            return Err(Refusal::InvalidPeriod);
        }
        let (place, holder) = post.tenure(by.at).ok_or(Refusal::PostVacant)?;
        if holder.person == self.to {
            return Err(Refusal::ToTheHolder);
        }
        let given_in = Some(place);
        let same = super::Delegation { person: self.to, from: self.from, until: self.until, given_in };
        if post.delegations.contains(&same) {
            return Ok(vec![]); // already so
        }
        Ok(vec![PostDelegated { post: self.post, to: self.to, from: self.from, until: self.until }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn delegate(scene: &crate::testing::Scene) -> DelegatePost {
        let ((post, _), (_, to)) = (holder(scene.leader), holder(scene.deputy));
        let from = crate::testing::MORNING;
        DelegatePost { post, to, from, until: from.plus_minutes(24 * 60) }
    }

    #[test]
    fn a_substitute_acts_within_the_dates_and_not_on() {
        let scene = scene();
        let command = delegate(&scene);
        let happened = asks(&scene, scene.leader, &command).unwrap();
        let after = evolve(&scene.organ, &happened);
        let who = |at| after.who(command.to, Some(command.post), at);
        let substitute = who(command.until.plus_micros(-1));
        assert!(matches!(substitute, crate::decide::Who::Acting(a) if a.on_behalf_of == Some(holder(scene.leader).1)));
        assert!(matches!(who(command.until), crate::decide::Who::Nobody(..)));
        assert_eq!(asks_of(&after, substitute, &command), Err(Code::OnwardDelegation));
        assert_eq!(asks_of(&after, scene.leader, &command), Ok(vec![]));
    }

    #[test]
    fn a_successor_has_delegated_nothing_until_they_do() {
        use crate::organ::events::{PostAssumed, PostLeft};
        let scene = scene();
        let command = delegate(&scene);
        let ((post, leader), from) = (holder(scene.leader), command.from.plus_minutes(60));
        let newcomer = PersonId::new(uuid::Uuid::from_u128(77));
        let happened = asks(&scene, scene.leader, &command).unwrap();
        let left = evolve(&evolve(&scene.organ, &happened), &[PostLeft { post, person: leader, from }.into()]);
        let who = |organ: &Organ, minutes| organ.who(command.to, Some(post), from.plus_minutes(minutes));
        let nobody = crate::decide::Who::Nobody(command.to, Denied::NotYourPost);
        let for_the_leader = |who| matches!(who, crate::decide::Who::Acting(a) if a.on_behalf_of == Some(leader));
        assert!(for_the_leader(who(&left, -1)), "old facts stay true of their time");
        for next in [newcomer, leader] {
            let assumed = evolve(&left, &[PostAssumed { post, person: next, from: from.plus_minutes(1) }.into()]);
            assert!(for_the_leader(who(&assumed, -1)));
            assert_eq!(who(&assumed, 1), nobody, "even where the giver comes back");
        }
        let now = crate::testing::MORNING.plus_minutes(30);
        let left = evolve(&left, &[PostLeft { post, person: leader, from: now.plus_minutes(-1) }.into()]);
        assert_eq!(asks_of(&left, scene.administrator, &command), Err(Code::OnwardDelegation), "of a vacant post");
        let assumed = evolve(&left, &[PostAssumed { post, person: newcomer, from: now }.into()]);
        let again = asks_of(&assumed, assumed.who(newcomer, None, now), &command).unwrap();
        let acting = evolve(&assumed, &again).who(command.to, Some(post), now);
        assert!(matches!(acting, crate::decide::Who::Acting(a) if a.on_behalf_of == Some(newcomer)), "{acting:?}");
    }

    #[test]
    fn not_backwards_and_not_for_others() {
        let scene = scene();
        let command = delegate(&scene);
        let backwards = DelegatePost { until: command.from, ..command.clone() };
        assert_eq!(asks(&scene, scene.leader, &backwards), Err(Code::InvalidPeriod));
        assert_eq!(asks(&scene, scene.officer, &command), Err(Code::NotEntitled));
        assert!(asks(&scene, scene.administrator, &command).is_ok());
    }
}
