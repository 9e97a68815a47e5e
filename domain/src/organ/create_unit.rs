//! Create a unit (đơn vị) in the tree.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::UnitCreated};
use crate::{
    decide::{By, Decide},
    id::UnitId,
    text::ShortText,
};

/// Create a unit.
#[derive(Clone, Debug, Serialize)]
pub struct CreateUnit {
    /// The unit it belongs to.
    pub parent: UnitId,
    /// Its name.
    pub name: ShortText,
    /// Its abbreviation in symbols.
    pub abbreviation: ShortText,
}

impl Decide for CreateUnit {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "createUnit";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        organ.open_unit(self.parent)?;
        let unit = UnitId::new(by.command.creates(organ.known()?));
        let (name, abbreviation) = (self.name.clone(), self.abbreviation.clone());
        Ok(vec![UnitCreated { unit, parent: self.parent, name, abbreviation }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn create(parent: UnitId) -> CreateUnit {
        CreateUnit { parent, name: text("Phòng Tổng hợp"), abbreviation: text("TH") }
    }

    #[test]
    fn the_administrator_creates_a_unit_under_another() {
        let scene = scene();
        let happened = asks(&scene, scene.administrator, &create(scene.unit)).unwrap();
        assert!(matches!(&happened[..], [Event::UnitCreated(e)] if e.parent == scene.unit));
    }

    #[test]
    fn not_under_a_unit_that_is_not_there_or_closed() {
        let mut scene = scene();
        let nowhere = UnitId::new(uuid::Uuid::nil());
        assert_eq!(asks(&scene, scene.administrator, &create(nowhere)), Err(Code::NotFound));
        close(&mut scene);
        assert_eq!(asks(&scene, scene.administrator, &create(scene.unit)), Err(Code::UnitClosed));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&create(scene().unit));
    }
}
