//! Decide that all that a person holds in a post goes to another post. What lies with them is handed over document by document
//! ([`HandOverWork`](crate::incoming::hand_over::HandOverWork)): this record stands for the whole.

use serde::Serialize;

use super::{Event, Organ, Refusal, Role, events::HandOverDecided};
use crate::{
    decide::{Acting, By, Decide},
    id::{PersonId, PostId},
    refusal::Denied,
};

/// Hand over what a person holds in a post to another post.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DecideHandOver {
    /// The person who has it.
    pub person: PersonId,
    /// The post in which they have it.
    pub from: PostId,
    /// The post that takes it.
    pub to: PostId,
}

/// Who may hand work over between these posts: a head inside their unit, a leader, the administrator.
pub(crate) fn entitled(by: &By<'_>, from: PostId, to: PostId) -> Result<(), Denied> {
    let acting = hands_over(by)?;
    if in_reach(&acting, from, by) && in_reach(&acting, to, by) { Ok(()) } else { Err(Denied::NotInPath) }
}

/// Who hands work over at all.
pub(crate) fn hands_over(by: &By<'_>) -> Result<Acting, Denied> {
    by.require_any(&[Role::UnitHead, Role::Leader, Role::Administrator])
}

/// A head hands over what is inside their unit.
pub(crate) fn in_reach(acting: &Acting, post: PostId, by: &By<'_>) -> bool {
    let inside = || by.organ.posts.get(&post).is_some_and(|post| by.organ.is_within(post.unit, acting.unit));
    acting.role != Role::UnitHead || inside()
}

impl Decide for DecideHandOver {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "decideHandOver";

    fn permit(_: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        hands_over(by)?;
        Ok(())
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        entitled(by, self.from, self.to)?;
        // Whether the post can take a piece of work is judged for each document.
        if ![self.from, self.to].iter().all(|post| organ.posts.contains_key(post)) {
            return Err(Refusal::NoSuchPost);
        }
        Ok(vec![HandOverDecided { person: self.person, from: self.from, to: self.to }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        organ::testing::*,
        refusal::Code,
        testing::{acting, scene},
    };

    #[test]
    fn a_head_decides_inside_their_unit_and_an_administrator_everywhere() {
        let scene = scene();
        let of = |from, to| {
            let from = acting(from);
            DecideHandOver { person: from.person, from: from.post, to: acting(to).post }
        };
        let inside = of(scene.officer, scene.colleague);
        let decided = HandOverDecided { person: inside.person, from: inside.from, to: inside.to };
        for who in [scene.head, scene.leader, scene.administrator] {
            assert_eq!(asks(&scene, who, &inside), Ok(vec![decided.clone().into()]));
        }
        assert_eq!(asks(&scene, scene.other_head, &inside), Err(Code::NotEntitled));
        assert_eq!(asks(&scene, scene.head, &of(scene.officer, scene.other_head)), Err(Code::NotEntitled));
        assert!(asks(&scene, scene.administrator, &of(scene.officer, scene.other_head)).is_ok());
        let nowhere = DecideHandOver { to: PostId::new(uuid::Uuid::from_u128(404)), ..inside };
        assert_eq!(asks(&scene, scene.administrator, &nowhere), Err(Code::NotFound));
        for who in [scene.officer, scene.clerk] {
            assert!(asks(&scene, who, &inside).is_err());
        }
    }
}
