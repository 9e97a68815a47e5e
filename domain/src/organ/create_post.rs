//! Create a post (vị trí) with a role in a unit.

use serde::Serialize;

use super::{Event, Organ, Refusal, Role, events::PostCreated};
use crate::{
    decide::{By, Decide},
    id::{PostId, UnitId},
    text::ShortText,
};

/// Create a post.
#[derive(Clone, Debug, Serialize)]
pub struct CreatePost {
    /// Where it is.
    pub unit: UnitId,
    /// What it may do.
    pub role: Role,
    /// Its title.
    pub title: ShortText,
}

impl Decide for CreatePost {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "createPost";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        organ.open_unit(self.unit)?;
        let post = PostId::new(by.command.creates(organ.known()?));
        Ok(vec![PostCreated { post, unit: self.unit, role: self.role, title: self.title.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn create(unit: UnitId) -> CreatePost {
        CreatePost { unit, role: Role::Specialist, title: text("Chuyên viên") }
    }

    #[test]
    fn a_post_stands_in_an_open_unit() {
        let mut scene = scene();
        let happened = asks(&scene, scene.administrator, &create(scene.unit)).unwrap();
        assert!(matches!(&happened[..], [Event::PostCreated(e)] if e.role == Role::Specialist));
        close(&mut scene);
        assert_eq!(asks(&scene, scene.administrator, &create(scene.unit)), Err(Code::UnitClosed));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&create(scene().unit));
    }
}
