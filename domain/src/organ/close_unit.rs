//! Close a unit: nothing is assigned to it any more.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::UnitClosed};
use crate::{
    decide::{By, Decide},
    id::UnitId,
};

/// Close a unit that has no posts and no open units under it.
#[derive(Clone, Debug, Serialize)]
pub struct CloseUnit {
    /// The unit.
    pub unit: UnitId,
}

impl Decide for CloseUnit {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "closeUnit";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let unit = organ.units.get(&self.unit).ok_or(Refusal::NoSuchUnit)?;
        if unit.closed {
            return Ok(vec![]); // already so
        }
        let has_posts = organ.posts.values().any(|post| post.unit == self.unit && !post.abolished);
        let has_units = organ.units.values().any(|unit| unit.parent == Some(self.unit) && !unit.closed);
        if has_posts || has_units || organ.root == Some(self.unit) {
            return Err(Refusal::UnitInUse);
        }
        Ok(vec![UnitClosed { unit: self.unit }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    #[test]
    fn a_unit_with_posts_is_not_closed() {
        let scene = scene();
        assert_eq!(asks(&scene, scene.administrator, &CloseUnit { unit: scene.unit }), Err(Code::UnitInUse));
    }

    #[test]
    fn closing_twice_changes_nothing() {
        let mut scene = scene();
        close(&mut scene);
        assert_eq!(asks(&scene, scene.administrator, &CloseUnit { unit: scene.unit }), Ok(vec![]));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&CloseUnit { unit: scene().unit });
    }
}
