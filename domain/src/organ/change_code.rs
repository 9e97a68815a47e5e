//! Give the agency another identifier from a date on; old documents keep the old one.

use serde::Serialize;

use super::{Event, Organ, Refusal, events::OrganCodeChanged};
use crate::{
    decide::{By, Decide},
    text::OrganCode,
    time::Date,
};

/// Change the agency's identifier.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeOrganCode {
    /// The new identifier.
    pub code: OrganCode,
    /// From when.
    pub from: Date,
}

impl Decide for ChangeOrganCode {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "changeOrganCode";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        if organ.codes.iter().any(|(from, code)| *from == self.from && *code == self.code) {
            return Ok(vec![]); // already so
        }
        if organ.codes.last().is_some_and(|(last, _)| *last >= self.from) {
            return Err(Refusal::InvalidPeriod);
        }
        Ok(vec![OrganCodeChanged { code: self.code.clone(), from: self.from }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    #[test]
    fn each_date_has_its_identifier() {
        let scene = scene();
        let (code, from) = (OrganCode::new("H98.05").unwrap(), Date::new(2026, 7, 1).unwrap());
        let change = ChangeOrganCode { code: code.clone(), from };
        let after = evolve(&scene.organ, &asks(&scene, scene.administrator, &change).unwrap());
        let known: Vec<_> = after.codes.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(known, ["H99.05", code.as_str()]);
        assert_eq!(after.codes[1].0, from);
        assert_eq!(asks_of(&after, scene.administrator, &change), Ok(vec![]));
        let earlier = ChangeOrganCode { code, from: from.plus_days(-1) };
        assert_eq!(asks_of(&after, scene.administrator, &earlier), Err(Code::InvalidPeriod));
    }

    #[test]
    fn only_the_administrator() {
        let (code, from) = (OrganCode::new("H98.05").unwrap(), Date::new(2026, 7, 1).unwrap());
        only_the_administrator_asks(&ChangeOrganCode { code, from });
    }
}
