//! Cancel: a document that was registered in error, is here already, or was recalled by its sender ends, and its number is
//! void with it (Decree 30/2020, Annex VI, 8: the incoming document is cancelled, the data of the recall stay).

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, events::Cancelled};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    register::VoidReason,
    text::Reason,
};

/// Why the document cannot be cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk or a leader cancels.
    #[error("only a records clerk or a leader cancels documents: {0}")]
    NotTheClerk(#[from] Denied),
    /// The number that comes would have no use.
    #[error("a number is being given to the document")]
    Underway,
    /// Nothing has arrived, or it ended.
    #[error("only a document that is here and not at an end is cancelled")]
    WrongStage,
    /// Cancelling would leave its content here.
    #[error("a secret document is erased, not cancelled: ask for that with expungeIncoming")]
    Secret,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::Underway => Code::RegistrationUnderway,
            Self::WrongStage => Code::WrongStage,
            Self::Secret => Code::ExpungeInstead,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::Secret { &["kind"] } else { &[] }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// End the document without resolving it. Open branches end with it; its number stays in the book, void.
#[derive(Clone, Debug, Serialize)]
pub struct CancelIncoming {
    /// Why: in error, a duplicate, or recalled.
    pub kind: VoidReason,
    /// Why, in words.
    pub reason: Reason,
}

impl Decide for CancelIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "cancelIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_any(&[Role::RecordsClerk, Role::Leader])?;
        if document.registering.is_some() {
            return Err(Refusal::Underway);
        }
        match document.stage {
            Some(stage) if !stage.ended() => Ok(()),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        by.require_any(&[Role::RecordsClerk, Role::Leader])?;
        if self.kind == VoidReason::BelongsToSecretRegister {
            Self::permit(document, by)?;
            return Err(Refusal::Secret);
        }
        if document.cancelled == Some(self.kind) {
            return Ok(vec![]); // already so
        }
        Self::permit(document, by)?;
        let (register, void_number) = document.registered.unzip();
        Ok(vec![Cancelled { kind: self.kind, reason: self.reason.clone(), void_number, register }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{
            Stage,
            branch::BranchEnd,
            testing::{Plausible, arrived, book, registration_began, to_directed},
        },
        testing::{Scene, given, scene},
        text::ArrivalNumber,
    };

    impl Plausible for CancelIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            cancel(VoidReason::Error)
        }
    }

    fn cancel(kind: VoidReason) -> CancelIncoming {
        CancelIncoming { kind, reason: Reason::new("Đăng ký nhầm văn bản").unwrap() }
    }

    fn cancelled(scene: &Scene, number: Option<u32>, kind: VoidReason) -> Event {
        let void_number = number.and_then(|number| ArrivalNumber::new(number).ok());
        let register = void_number.map(|_| book(scene));
        Cancelled { kind, reason: cancel(kind).reason, void_number, register }.into()
    }

    #[test]
    fn a_duplicate_without_a_number_just_ends() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, cancel(VoidReason::Duplicate))
            .then([cancelled(&scene, None, VoidReason::Duplicate)])
            .when(scene.clerk, cancel(VoidReason::Duplicate))
            .then_nothing_happened();
    }

    #[test]
    fn the_number_is_void_with_it_also_once_submitted_and_directed() {
        let scene = scene();
        let past = to_directed(&scene);
        for events in 3..=past.len() {
            let given = given(&scene.organ, past[..events].iter().cloned())
                .when(scene.clerk, cancel(VoidReason::RecalledBySender))
                .then([cancelled(&scene, Some(1), VoidReason::RecalledBySender)]);
            assert_eq!(given.state().stage, Some(Stage::Cancelled));
            let ends = |end: Option<BranchEnd>| end == Some(BranchEnd::ClosedWithDocument);
            assert!(given.state().branches.values().all(|branch| ends(branch.ended.map(|(how, _)| how))));
            given.when(scene.leader, cancel(VoidReason::Error)).then_refused(Code::WrongStage);
        }
    }

    #[test]
    fn not_while_a_number_is_on_its_way() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(scene.clerk, cancel(VoidReason::Error))
            .then_refused(Code::RegistrationUnderway);
    }

    #[test]
    fn a_secret_document_is_erased_instead() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, cancel(VoidReason::BelongsToSecretRegister))
            .then_refused(Code::ExpungeInstead);
    }
}
