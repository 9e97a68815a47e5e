//! Change a setting of the working regulation.

use serde::Serialize;

use super::{Event, Organ, Refusal, Setting, events::SettingChanged};
use crate::decide::{By, Decide};

/// Change a setting.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeSetting {
    /// The setting and its value.
    pub setting: Setting,
}

impl Decide for ChangeSetting {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "changeSetting";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let mut after = organ.settings.clone();
        after.change(self.setting.clone());
        if after == organ.settings {
            return Ok(vec![]); // already so
        }
        Ok(vec![SettingChanged { setting: self.setting.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, testing::scene};

    #[test]
    fn the_same_value_changes_nothing() {
        let scene = scene();
        let on = ChangeSetting { setting: Setting::OpenWithinOrgan { on: true } };
        let off = ChangeSetting { setting: Setting::OpenWithinOrgan { on: false } };
        assert_eq!(asks(&scene, scene.administrator, &off), Ok(vec![]));
        let happened = asks(&scene, scene.administrator, &on).unwrap();
        assert!(evolve(&scene.organ, &happened).settings.open_within_organ);
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&ChangeSetting { setting: Setting::DueSoonDays { days: 3 } });
    }
}
