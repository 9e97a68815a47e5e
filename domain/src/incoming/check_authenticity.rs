//! Record a check of authenticity: signatures and integrity of what arrived, and so its legal value (Decree 30/2020, art.
//! 5.1, 21.2a). The result is kept, because certificates expire and a later check cannot repeat it.

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    events::{Authenticity, AuthenticityChecked},
};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::{LongText, ShortText},
};

/// Why the check cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk checks, or the system.
    #[error("only a records clerk or the system checks authenticity: {0}")]
    NotTheClerk(#[from] Denied),
    /// Nothing has arrived, or it ended.
    #[error("only a document that is here and not at an end is checked")]
    WrongStage,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::WrongStage => Code::WrongStage,
        }
    }
}

/// Record what the check found. A later check stands beside the earlier ones; the last one is shown.
#[derive(Clone, Debug, Serialize)]
pub struct RecordAuthenticityCheck {
    /// What was found.
    pub result: Authenticity,
    /// By what or whom: a program with its version, an office.
    pub checked_by: Option<ShortText>,
    /// Remarks.
    pub note: Option<LongText>,
}

impl Decide for RecordAuthenticityCheck {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "recordAuthenticityCheck";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_or_system(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived | Stage::Registered | Stage::Submitted | Stage::Directed) => Ok(()),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let Self { result, checked_by, note } = self.clone();
        let checked = AuthenticityChecked { result, checked_by, note };
        let known = document.authenticity.as_ref() == Some(&checked);
        Ok(if known { vec![] } else { vec![checked.into()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived},
        testing::{Scene, given, scene},
    };

    impl Plausible for RecordAuthenticityCheck {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            found(Authenticity::Valid)
        }
    }

    fn found(result: Authenticity) -> RecordAuthenticityCheck {
        let checked_by = ShortText::new("Phần mềm kiểm tra chữ ký số ví dụ 1.0").ok();
        RecordAuthenticityCheck { result, checked_by, note: None }
    }

    fn checked(result: Authenticity) -> Event {
        AuthenticityChecked { result, checked_by: found(result).checked_by, note: None }.into()
    }

    #[test]
    fn the_system_checks_and_the_clerk_checks_again() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)])
            .when(Who::System, found(Authenticity::NotChecked))
            .then([checked(Authenticity::NotChecked)])
            .when(scene.clerk, found(Authenticity::Invalid))
            .then([checked(Authenticity::Invalid)])
            .when(scene.clerk, found(Authenticity::Valid))
            .then([checked(Authenticity::Valid)])
            .when(scene.clerk, found(Authenticity::Valid))
            .then_nothing_happened();
    }
}
