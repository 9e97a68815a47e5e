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
    /// The limit.
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
    use crate::{organ::testing::*, testing::scene};

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
        assert_eq!(asks_of(&organ, scene.administrator, &limit(None, 7)), Ok(vec![]));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&limit(None, 7));
    }
}
