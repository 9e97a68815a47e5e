//! Give a unit another name.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::UnitRenamed};
use crate::{
    decide::{By, Decide},
    id::UnitId,
    text::ShortText,
};

/// Rename a unit.
#[derive(Clone, Debug, Serialize)]
pub struct RenameUnit {
    /// The unit.
    pub unit: UnitId,
    /// Its new name.
    pub name: ShortText,
    /// Its new abbreviation.
    pub abbreviation: ShortText,
}

impl Decide for RenameUnit {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "renameUnit";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let unit = organ.open_unit(self.unit)?;
        if unit.name == self.name && unit.abbreviation.as_ref() == Some(&self.abbreviation) {
            return Ok(vec![]); // already so
        }
        let (name, abbreviation) = (self.name.clone(), self.abbreviation.clone());
        Ok(vec![UnitRenamed { unit: self.unit, name, abbreviation }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, testing::scene};

    fn rename(unit: UnitId, name: &str, abbreviation: &str) -> RenameUnit {
        RenameUnit { unit, name: text(name), abbreviation: text(abbreviation) }
    }

    #[test]
    fn a_new_name_is_one_event_and_the_same_name_none() {
        let scene = scene();
        let again = rename(scene.unit, "Phòng Kế hoạch", "KH");
        assert_eq!(asks(&scene, scene.administrator, &again), Ok(vec![]));
        let happened = asks(&scene, scene.administrator, &rename(scene.unit, "Phòng Tài chính", "TC")).unwrap();
        assert!(matches!(&happened[..], [Event::UnitRenamed(e)] if e.name == text("Phòng Tài chính")));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&rename(scene().unit, "Phòng Tài chính", "TC"));
    }
}
