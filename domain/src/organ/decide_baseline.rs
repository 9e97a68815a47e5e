//! Decide what "faster" and "saved" are reckoned by: what work took before, and what it costs on paper (S0-4, S2-1). The
//! figures of the press are claims; these are parameters, each from a day on, shown with every result.

use serde::Serialize;

use super::{
    Event, Organ, Refusal,
    events::{Baseline, BaselineDecided},
};
use crate::{
    decide::{By, Decide},
    time::Date,
};

/// Set what is reckoned by from a day on, until the next such day.
#[derive(Clone, Debug, Serialize)]
pub struct DecideBaseline {
    /// The first day.
    pub from: Date,
    /// What it is reckoned by.
    pub baseline: Baseline,
}

impl Decide for DecideBaseline {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "decideBaseline";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        if self.baseline.handling_minutes == Some(0) {
            return Err(Refusal::NoHandlingTime);
        }
        if organ.baselines.get(&self.from) == Some(&self.baseline) {
            return Ok(vec![]); // already so
        }
        Ok(vec![BaselineDecided { from: self.from, baseline: self.baseline.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn baseline(day: i8, page_price: u32) -> DecideBaseline {
        let baseline = Baseline { page_price: Some(page_price), ..Baseline::default() };
        DecideBaseline { from: Date::new(2026, 3, day).unwrap(), baseline }
    }

    #[test]
    fn each_day_has_one_and_the_same_again_changes_nothing() {
        let scene = scene();
        let mut organ = scene.organ.clone();
        for command in [baseline(1, 300), baseline(9, 400), baseline(1, 350)] {
            let happened = asks_of(&organ, scene.administrator, &command).unwrap();
            assert_eq!(happened.len(), 1);
            organ = evolve(&organ, &happened);
            assert_eq!(asks_of(&organ, scene.administrator, &command), Ok(vec![]));
        }
        let prices: Vec<_> = organ.baselines.values().map(|baseline| baseline.page_price).collect();
        assert_eq!(prices, [Some(350), Some(400)]);
    }

    #[test]
    fn work_that_took_no_time_is_not_compared() {
        let scene = scene();
        let mut command = baseline(1, 300);
        command.baseline.handling_minutes = Some(0);
        assert_eq!(asks_of(&scene.organ, scene.administrator, &command), Err(Code::NoHandlingTime));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&baseline(1, 300));
    }
}
