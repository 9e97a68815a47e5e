//! Decide the time limit for documents of a type and urgency (art. 24.2: the agency's regulation).

use serde::Serialize;

use super::{Event, Organ, Refusal, events::LimitDecided};
use crate::{
    deadline::Limit,
    decide::{By, Decide},
    document_types::Urgency,
    text::ShortText,
};

/// Set a time limit, for assignments from now on.
#[derive(Clone, Debug, Serialize)]
pub struct DecideLimit {
    /// The type's name; every type where there is none.
    pub document_type: Option<ShortText>,
    /// The urgency; every urgency where there is none.
    pub urgency: Option<Urgency>,
    /// The limit: a time span, or none; an instant would pass, and make all later work late at its beginning.
    pub limit: Limit,
}

impl Decide for DecideLimit {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "decideLimit";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        if !self.limit.stands() {
            return Err(Refusal::LimitPasses);
        }
        let same =
            |limit: &&super::DatedLimit| limit.document_type == self.document_type && limit.urgency == self.urgency;
        if organ.limits.iter().rev().find(same).is_some_and(|limit| limit.limit == self.limit) {
            return Ok(vec![]); // already so
        }
        let document_type = self.document_type.clone();
        Ok(vec![LimitDecided { document_type, urgency: self.urgency, limit: self.limit }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn limit(document_type: Option<&str>, days: u16) -> DecideLimit {
        DecideLimit { document_type: document_type.map(text), urgency: None, limit: Limit::WorkingDays { days } }
    }

    #[test]
    fn the_most_particular_limit_counts_and_the_newest_of_those() {
        let scene = scene();
        let mut organ = scene.organ.clone();
        for command in [limit(None, 10), limit(Some("Tờ trình"), 5), limit(None, 7)] {
            let happened = asks_of(&organ, scene.administrator, &command).unwrap();
            organ = evolve(&organ, &happened);
        }
        let at = crate::testing::MORNING.plus_minutes(60);
        let of = |name| organ.limit(&text(name), Urgency::Normal, at);
        assert_eq!(of("Tờ trình"), Some(Limit::WorkingDays { days: 5 }));
        assert_eq!(of("Công văn"), Some(Limit::WorkingDays { days: 7 }));
        for written in ["TỜ TRÌNH", "tờ trình", "To\u{302}\u{300} tri\u{300}nh"] {
            assert_eq!(
                of(written),
                Some(Limit::WorkingDays { days: if written.starts_with("To") { 7 } else { 5 } }),
                "{written}"
            );
        }
        assert_eq!(asks_of(&organ, scene.administrator, &limit(None, 7)), Ok(vec![]));
    }

    #[test]
    fn an_instant_is_no_standing_limit() {
        let scene = scene();
        let at = crate::testing::MORNING.plus_minutes(60);
        let command = DecideLimit { document_type: None, urgency: None, limit: Limit::At { at } };
        assert_eq!(asks(&scene, scene.administrator, &command), Err(Code::LimitPasses));
        let span = asks(&scene, scene.administrator, &limit(None, 7)).unwrap();
        let stored = LimitDecided { document_type: None, urgency: None, limit: command.limit };
        let organ = evolve(&evolve(&scene.organ, &span), &[stored.into()]);
        assert_eq!(organ.limit(&text("Công văn"), Urgency::Normal, at), Some(Limit::WorkingDays { days: 7 }));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&limit(None, 7));
    }
}
