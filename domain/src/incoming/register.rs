//! Register: the clerk asks for the document's arrival number (Decree 30/2020, art. 22). This is the first of three
//! records: the book is chosen here, once; the book gives the number; the document takes it.

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    events::{Details, RegistrationBegan},
};
use crate::{
    decide::{By, Decide},
    id::{IncomingId, RegisterId},
    organ::Role,
    refusal::{Code, Denied},
    register::Fingerprint,
    text::{DocumentCode, Reason, search_key},
};

/// Why the document cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk registers.
    #[error("only a records clerk registers documents: {0}")]
    NotTheClerk(#[from] Denied),
    /// A number is on its way.
    #[error("a number is being given to the document")]
    Underway,
    /// It has a number.
    #[error("the document is registered")]
    Registered,
    /// Nothing has arrived, or it ended.
    #[error("only a document that has arrived is registered")]
    WrongStage,
    /// Duplicates are accepted for a reason.
    #[error("say why it is registered although it may be a duplicate")]
    ReasonRequired,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::Underway => Code::RegistrationUnderway,
            Self::Registered => Code::AlreadyRegistered,
            Self::WrongStage => Code::WrongStage,
            Self::ReasonRequired => Code::ReasonRequired,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::ReasonRequired { &["acceptedBecause"] } else { &[] }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// Enter the document in the book of the year in which this is decided.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterIncoming {
    /// Documents that it may be a duplicate of, and that the clerk looked at.
    pub accept_duplicate_of: Vec<IncomingId>,
    /// Why it is registered all the same; needed with the above.
    pub accepted_because: Option<Reason>,
}

impl Decide for RegisterIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "registerIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived) if document.registering.is_some() => Err(Refusal::Underway),
            Some(Stage::Arrived) => Ok(()),
            Some(Stage::Registered | Stage::Submitted | Stage::Directed | Stage::Resolved) => Err(Refusal::Registered),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        match Self::permit(document, by) {
            Err(Refusal::Registered) => return Ok(vec![]), // already so
            permitted => permitted?,
        }
        let (Some(organ), Some(details)) = (document.organ, &document.details) else { return Err(Refusal::WrongStage) };
        let mut accepted_duplicates = self.accept_duplicate_of.clone();
        accepted_duplicates.sort_unstable();
        accepted_duplicates.dedup();
        if !accepted_duplicates.is_empty() && self.accepted_because.is_none() {
            return Err(Refusal::ReasonRequired);
        }
        let series = by.organ.settings.incoming_series.clone();
        let year = by.at.year();
        let register = RegisterId::of(organ, series.as_str(), year);
        let fingerprint = fingerprints(details).first().copied();
        let accepted_because = self.accepted_because.clone().filter(|_| !accepted_duplicates.is_empty());
        Ok(vec![
            RegistrationBegan { register, series, year, fingerprint, accepted_duplicates, accepted_because }.into(),
        ])
    }
}

/// What a duplicate is found by (Decree 30/2020, Annex VI, 1h): issuer, number, symbol, year of promulgation; by the
/// issuer's code, where that is known, then by the name, because a clerk seldom knows the code. None where the document does
/// not say enough. Either form of the issuer's identifier, `05` or `5`, small or capital: the same.
pub fn fingerprints(details: &Details) -> Vec<Fingerprint> {
    let (Some(number), Some(notation), Some(date)) = (&details.number, &details.notation, details.promulgated_on)
    else {
        return Vec::new();
    };
    let key = DocumentCode { number: number.clone(), notation: notation.clone() }.key();
    let Some((number, notation)) = key.split_once('/') else { return Vec::new() };
    let code = details.issuer_code.as_ref().map(|code| format!("code:{}", code.normalised()));
    let name = format!("name:{}", search_key(details.issuer_name.as_str()));
    code.into_iter().chain([name]).map(|issuer| Fingerprint::of(&issuer, number, notation, date.year())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived, book, details, receipt_refused, registered, registration_began},
        organ::Setting,
        testing::{Scene, given, scene},
        text::{CodeNotation, CodeNumber, OrganCode, ShortText},
        time::{Date, Timestamp},
    };

    impl Plausible for RegisterIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            register()
        }
    }

    fn register() -> RegisterIncoming {
        RegisterIncoming { accept_duplicate_of: vec![], accepted_because: None }
    }

    #[test]
    fn the_book_is_chosen_once() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, register())
            .then([registration_began(&scene).event]);
        given.clone().when(scene.clerk, register()).then_refused(Code::RegistrationUnderway);
        let all = [arrived(&scene), registration_began(&scene), registered(&scene)];
        crate::testing::given(&scene.organ, all).when(scene.clerk, register()).then_nothing_happened();
    }

    #[test]
    fn the_year_is_that_of_the_registration_in_viet_nam() {
        let scene = scene();
        let began_at = |text| {
            let given = given(&scene.organ, [arrived(&scene)]).at(Timestamp::parse(text).unwrap());
            match given.when(scene.clerk, register()).happened().pop() {
                Some(Event::RegistrationBegan(began)) => (began.year, began.register),
                other => panic!("{other:?}"),
            }
        };
        let organ = scene.organ.id.unwrap();
        assert_eq!(began_at("2026-12-31T16:59:59.999999Z"), (2026, book(&scene)));
        assert_eq!(began_at("2026-12-31T17:00:00Z"), (2027, RegisterId::of(organ, "đến", 2027)));
    }

    #[test]
    fn the_series_is_the_organs() {
        let mut scene = scene();
        scene.set(Setting::IncomingSeries { name: ShortText::new("đến-VP").unwrap() });
        let events = given(&scene.organ, [arrived(&scene)]).when(scene.clerk, register()).happened();
        let series = |event: &Event| matches!(event, Event::RegistrationBegan(e) if e.series.as_str() == "đến-VP");
        assert!(series(&events[0]));
    }

    #[test]
    fn duplicates_are_accepted_by_name_and_for_a_reason() {
        let scene = scene();
        let other = IncomingId::new(uuid::Uuid::from_u128(9));
        let because = Reason::new("Bản thứ hai có đóng dấu giáp lai").ok();
        let named = RegisterIncoming { accept_duplicate_of: vec![other, other], accepted_because: None };
        let given = given(&scene.organ, [arrived(&scene)]);
        given.clone().when(scene.clerk, named.clone()).then_refused(Code::ReasonRequired);
        let named = RegisterIncoming { accepted_because: because.clone(), ..named };
        match given.when(scene.clerk, named).happened().pop() {
            Some(Event::RegistrationBegan(began)) => {
                assert_eq!((began.accepted_duplicates, began.accepted_because), (vec![other], because));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_refused_gets_no_number() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), receipt_refused(&scene)])
            .when(scene.clerk, register())
            .then_refused(Code::WrongStage);
    }

    #[test]
    fn a_duplicate_has_the_same_fingerprint_however_it_is_written() {
        let same = |change: fn(&mut Details)| {
            let mut other = details();
            change(&mut other);
            fingerprints(&other) == fingerprints(&details())
        };
        assert_eq!(fingerprints(&details()).len(), 2);
        assert!(same(|d| d.issuer_code = OrganCode::new("H99").ok()), "the other form of the identifier");
        assert!(same(|d| d.number = CodeNumber::new("012").ok()));
        assert!(same(|d| d.notation = CodeNotation::new("ubnd-vp").ok()));
        assert!(same(|d| d.promulgated_on = Date::new(2026, 12, 31).ok()));
        assert!(!same(|d| d.promulgated_on = Date::new(2025, 12, 31).ok()));
        assert!(!same(|d| d.number = CodeNumber::new("13").ok()));
        assert!(!same(|d| d.notation = CodeNotation::new("UBND-VX").ok()));
        assert!(!same(|d| d.issuer_code = OrganCode::new("H98").ok()));
    }

    #[test]
    fn a_copy_without_the_code_shares_the_fingerprint_by_name() {
        let by_name = fingerprints(&Details { issuer_code: None, ..details() });
        assert_eq!(by_name, fingerprints(&details())[1..]);
    }

    #[test]
    fn without_a_code_the_name_tells_issuers_apart_and_without_a_number_nothing_is_compared() {
        let of = |name: &str, number: Option<&str>| {
            let number = number.and_then(|number| CodeNumber::new(number).ok());
            let issuer_name = ShortText::new(name).unwrap();
            fingerprints(&Details { issuer_code: None, issuer_name, number, ..details() })
        };
        assert_eq!(of("Ủy ban Ví Dụ", Some("5")), of("UỶ BAN  VÍ DỤ", Some("05")));
        assert_ne!(of("Ủy ban Ví Dụ", Some("5")), of("Hội đồng Ví Dụ", Some("5")));
        assert_eq!(of("Ủy ban Ví Dụ", None), []);
    }
}
