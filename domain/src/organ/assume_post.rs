//! A person takes a post.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::PostAssumed};
use crate::{
    decide::{By, Decide},
    id::{PersonId, PostId},
    time::Timestamp,
};

/// Appoint a person to a post.
#[derive(Clone, Debug, Serialize)]
pub struct AssumePost {
    /// The post.
    pub post: PostId,
    /// The person.
    pub person: PersonId,
    /// From when; now where there is none.
    pub from: Option<Timestamp>,
}

impl Decide for AssumePost {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "assumePost";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let from = self.from.unwrap_or(by.at);
        let post = organ.open_post(self.post)?;
        if organ.holder(self.post, from) == Some(self.person) {
            return Ok(vec![]); // already so
        }
        if post.tenures.iter().any(|tenure| tenure.until.is_none_or(|until| from < until)) {
            return Err(Refusal::PostHeld);
        }
        Ok(vec![PostAssumed { post: self.post, person: self.person, from }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn assume(post: PostId, person: PersonId) -> AssumePost {
        AssumePost { post, person, from: None }
    }

    #[test]
    fn one_person_at_a_time() {
        let scene = scene();
        let (post, person) = holder(scene.officer);
        let newcomer = PersonId::new(uuid::Uuid::from_u128(77));
        assert_eq!(asks(&scene, scene.administrator, &assume(post, person)), Ok(vec![]));
        assert_eq!(asks(&scene, scene.administrator, &assume(post, newcomer)), Err(Code::PostHeld));
        let now = crate::testing::MORNING.plus_minutes(30);
        let left = evolve(&scene.organ, &[crate::organ::events::PostLeft { post, person, from: now }.into()]);
        let happened = asks_of(&left, scene.administrator, &assume(post, newcomer)).unwrap();
        let after = evolve(&left, &happened);
        assert_eq!(after.holder(post, crate::testing::MORNING.plus_minutes(60)), Some(newcomer));
        assert_eq!(after.holder(post, now.plus_micros(-1)), Some(person), "old facts stay true of their time");
    }

    #[test]
    fn only_the_administrator() {
        let (post, person) = holder(scene().officer);
        only_the_administrator_asks(&assume(post, person));
    }
}
