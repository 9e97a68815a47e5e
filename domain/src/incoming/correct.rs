//! Correct: data of the document that a clerk entered were wrong. Old and new stay. What the axis gave is the sender's and
//! is annotated instead; what it left open a clerk fills in.

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    arrival::{Unacceptable, check_details},
    events::{Corrected, Details},
};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::Reason,
};

/// Why the data cannot be corrected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk corrects.
    #[error("only a records clerk corrects data: {0}")]
    NotTheClerk(#[from] Denied),
    /// Nothing has arrived, or it was refused or cancelled.
    #[error("only data of a document that is here and was taken in are corrected")]
    WrongStage,
    /// A number is on its way: what duplicates are found by stays until it is there.
    #[error("a number is being given to the document")]
    Underway,
    /// The axis gave it.
    #[error("the exchange axis gave {field}: annotate it instead")]
    GivenByAxis {
        /// The first field that the axis gave and that would change.
        field: &'static str,
        /// The same as a list.
        fields: &'static [&'static str],
    },
    /// The new data are impossible.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::WrongStage => Code::WrongStage,
            Self::Underway => Code::RegistrationUnderway,
            Self::GivenByAxis { .. } => Code::GivenByAxis,
            Self::Unacceptable(why) => why.code(),
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::GivenByAxis { fields, .. } => fields,
            Self::Unacceptable(why) => why.fields(),
            _ => &[],
        }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// Put the data right.
#[derive(Clone, Debug, Serialize)]
pub struct CorrectIncoming {
    /// All data, as they should be.
    pub details: Details,
    /// Why.
    pub reason: Reason,
}

impl Decide for CorrectIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "correctIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived) if document.registering.is_some() => Err(Refusal::Underway),
            Some(Stage::Arrived | Stage::Registered | Stage::Submitted | Stage::Directed | Stage::Resolved) => Ok(()),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let Some(old) = document.details.clone() else { return Err(Refusal::WrongStage) };
        if old == self.details {
            return Ok(vec![]); // already so
        }
        let given = document.as_given.as_ref().unwrap_or(&old);
        if let Some(fields) = document.given_by_axis.then(|| contradicted(given, &self.details)).flatten() {
            return Err(Refusal::GivenByAxis { field: fields[0], fields });
        }
        check_details(&self.details, by)?;
        Ok(vec![Corrected { old, new: self.details.clone(), reason: self.reason.clone() }.into()])
    }
}

/// The first field that was given and is another now; the API's spelling.
fn contradicted(given: &Details, new: &Details) -> Option<&'static [&'static str]> {
    macro_rules! given_optional {
        ($($field:ident $name:literal),* $(,)?) => {
            $(if given.$field.is_some() && given.$field != new.$field { return Some(&[$name]); })*
        };
    }
    macro_rules! always_given {
        ($($field:ident $name:literal),* $(,)?) => {
            $(if given.$field != new.$field { return Some(&[$name]); })*
        };
    }
    always_given! {
        issuer_name "issuerName", type_name "typeName", abstract_text "abstractText", urgency "urgency",
        paper_follows "paperFollows",
    }
    given_optional! {
        issuer_code "issuerCode", number "number", notation "notation", place "place",
        promulgated_on "promulgatedOn", language "language", page_count "pageCount", copy_count "copyCount",
        signer "signer", due_on "dueOn", due_at "dueAt", addressee "addressee", response_for "responseFor",
        note "note",
    }
    (!given.to_places.is_empty() && given.to_places != new.to_places).then_some(&["toPlaces"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived, arrived_on_paper, details, registration_began},
        testing::{Scene, given, scene},
        text::{CodeNumber, ShortText},
    };

    impl Plausible for CorrectIncoming {
        fn plausible(_: &Scene, document: &IncomingDocument, _: Who) -> Self {
            let details = document.details.clone().unwrap_or_else(details);
            correct(Details { place: ShortText::new("Ví Dụ").ok(), ..details })
        }
    }

    fn correct(details: Details) -> CorrectIncoming {
        CorrectIncoming { details, reason: Reason::new("Văn thư nhập nhầm dữ liệu").unwrap() }
    }

    fn corrected(old: Details, new: Details) -> Event {
        Corrected { old, new, reason: correct(details()).reason }.into()
    }

    fn numbered(number: &str) -> Details {
        Details { number: CodeNumber::new(number).ok(), ..details() }
    }

    #[test]
    fn what_a_clerk_entered_is_corrected_and_both_stay() {
        let scene = scene();
        given(&scene.organ, [arrived_on_paper(&scene)])
            .when(scene.clerk, correct(numbered("21")))
            .then([corrected(details(), numbered("21"))])
            .when(scene.clerk, correct(numbered("21")))
            .then_nothing_happened();
    }

    #[test]
    fn not_while_a_number_is_on_its_way() {
        let scene = scene();
        given(&scene.organ, [arrived_on_paper(&scene), registration_began(&scene)])
            .when(scene.clerk, correct(numbered("21")))
            .then_refused(Code::RegistrationUnderway);
    }

    #[test]
    fn what_the_axis_gave_is_not_corrected() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene)]);
        let changes: [fn(&mut Details); 4] = [
            |details| details.number = CodeNumber::new("21").ok(),
            |details| details.issuer_code = None,
            |details| details.paper_follows = true,
            |details| details.type_name = ShortText::new("Tờ trình").unwrap(),
        ];
        for change in changes {
            let mut new = details();
            change(&mut new);
            given.clone().when(scene.clerk, correct(new)).then_refused(Code::GivenByAxis);
        }
    }

    #[test]
    fn what_the_axis_left_open_is_filled_in_and_filled_in_again() {
        let scene = scene();
        let in_place = |place| Details { place: ShortText::new(place).ok(), ..details() };
        let given = given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, correct(in_place("Ví Dụ")))
            .then([corrected(details(), in_place("Ví Dụ"))])
            .when(scene.clerk, correct(in_place("Thí Dụ")))
            .then([corrected(in_place("Ví Dụ"), in_place("Thí Dụ"))]);
        given.when(scene.clerk, correct(numbered("21"))).then_refused(Code::GivenByAxis);
    }
}
