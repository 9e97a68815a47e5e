//! Abolish a post. Never refused for what its holder still has: that shows as without a holder.

use serde::Serialize;

use super::{
    Event, Organ, Refusal,
    events::{PostAbolished, PostLeft},
};
use crate::{
    decide::{By, Decide},
    id::PostId,
};

/// Abolish a post; its holder leaves it.
#[derive(Clone, Debug, Serialize)]
pub struct AbolishPost {
    /// The post.
    pub post: PostId,
}

impl Decide for AbolishPost {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "abolishPost";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let post = organ.posts.get(&self.post).ok_or(Refusal::NoSuchPost)?;
        if post.abolished {
            return Ok(vec![]); // already so
        }
        let leaves =
            organ.holder(self.post, by.at).map(|person| PostLeft { post: self.post, person, from: by.at }.into());
        Ok(leaves.into_iter().chain([PostAbolished { post: self.post }.into()]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, testing::scene};

    #[test]
    fn the_holder_leaves_and_the_post_is_no_more() {
        let scene = scene();
        let (post, person) = holder(scene.officer);
        let happened = asks(&scene, scene.administrator, &AbolishPost { post }).unwrap();
        assert!(matches!(&happened[..], [Event::PostLeft(l), Event::PostAbolished(_)] if l.person == person));
        let after = evolve(&scene.organ, &happened);
        assert_eq!(after.holder(post, crate::testing::MORNING.plus_minutes(60)), None);
        assert_eq!(asks_of(&after, scene.administrator, &AbolishPost { post }), Ok(vec![]));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&AbolishPost { post: holder(scene().officer).0 });
    }
}
