//! The agency is merged into another, which goes on in its place.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::OrganSucceeded};
use crate::{
    decide::{By, Decide},
    id::OrganId,
    time::Date,
};

/// Name the agency that goes on in this one's place.
#[derive(Clone, Debug, Serialize)]
pub struct SucceedOrgan {
    /// The agency that goes on.
    pub by: OrganId,
    /// From when.
    pub from: Date,
}

impl Decide for SucceedOrgan {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "succeedOrgan";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        if organ.succeeded_by == Some((self.by, self.from)) {
            return Ok(vec![]); // already so
        }
        if organ.id == Some(self.by) {
            return Err(Refusal::OrganExists);
        }
        Ok(vec![OrganSucceeded { by: self.by, from: self.from }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    #[test]
    fn not_by_itself_and_not_twice() {
        let scene = scene();
        let from = Date::new(2026, 7, 1).unwrap();
        let itself = SucceedOrgan { by: scene.organ.id.unwrap(), from };
        assert_eq!(asks(&scene, scene.administrator, &itself), Err(Code::OrganExists));
        let other = SucceedOrgan { by: OrganId::of_code("H98"), from };
        let after = evolve(&scene.organ, &asks(&scene, scene.administrator, &other).unwrap());
        assert_eq!(asks_of(&after, scene.administrator, &other), Ok(vec![]));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&SucceedOrgan {
            by: OrganId::of_code("H98"),
            from: Date::new(2026, 7, 1).unwrap(),
        });
    }
}
