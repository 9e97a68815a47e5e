//! Confirm an erasure: a second person agrees that the document is secret. Key, files and every view of its text go; its
//! number, void, and the trail of who did what stay.

use serde::Serialize;
use thiserror::Error;

use super::{Event, ExpungeRequest, IncomingDocument, events::Expunged};
use crate::{
    decide::{Acting, By, Decide},
    organ::Role,
    refusal::{Code, Denied},
};

/// Why the erasure cannot be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk or a leader confirms.
    #[error("only a records clerk or a leader confirms an erasure: {0}")]
    NotEntitled(#[from] Denied),
    /// Nobody asked for it.
    #[error("nobody has asked to have the document erased")]
    NotRequested,
    /// Two persons erase, in whichever post they act; neither as the other's substitute.
    #[error("another person than the one who asked must confirm")]
    SamePerson,
    /// The number that comes would have no use.
    #[error("a number is being given to the document")]
    Underway,
    /// It was erased.
    #[error("the document was erased")]
    Erased,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotEntitled(denied) => denied.code(),
            Self::NotRequested => Code::ExpungeNotRequested,
            Self::SamePerson => Code::SecondPersonRequired,
            Self::Underway => Code::RegistrationUnderway,
            Self::Erased => Code::Erased,
        }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// Erase the document.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmExpunge {}

impl ExpungeRequest {
    /// Is one of those who asked this person, or the one they substitute for?
    fn is_of(&self, acting: &Acting) -> bool {
        let asked = |person| person == self.person || Some(person) == self.on_behalf_of;
        asked(acting.person) || acting.on_behalf_of.is_some_and(asked)
    }
}

impl Decide for ConfirmExpunge {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "confirmExpunge";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        let acting = by.require_any(&[Role::RecordsClerk, Role::Leader])?;
        match document.expunge_requested {
            _ if document.erased => Err(Refusal::Erased),
            None => Err(Refusal::NotRequested),
            Some(request) if request.is_of(&acting) => Err(Refusal::SamePerson),
            Some(_) if document.registering.is_some() => Err(Refusal::Underway),
            Some(_) => Ok(()),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let requested = document.expunge_requested.zip(document.organ);
        let Some((ExpungeRequest { person: requested_by, level, .. }, organ)) = requested else {
            return Err(Refusal::NotRequested);
        };
        // Also where a cancellation voided the number: its record cannot be read again, should that step be unfinished.
        let (register, void_number) = document.registered.unzip();
        let mut files: Vec<_> = document.files.iter().map(|file| file.hash).collect();
        files.extend(&document.other_files);
        files.sort_unstable();
        files.dedup();
        Ok(vec![Expunged { level, requested_by, organ, void_number, register, files }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        document_types::SecrecyLevel,
        incoming::{
            Stage,
            events::{ArrivedAgain, Attachment, ExpungeRequested},
            expunge::ExpungeIncoming,
            testing::{
                Plausible, arrived, book, details, expunge_requested, holder, main_file, past, registered,
                registration_began,
            },
        },
        register::VoidReason,
        testing::{Scene, given, scene},
        text::ArrivalNumber,
    };

    impl Plausible for ConfirmExpunge {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            ConfirmExpunge {}
        }
    }

    #[test]
    fn a_second_person_erases_it_with_all_its_files_and_voids_its_number() {
        let scene = scene();
        let other = ArrivedAgain {
            content: [2; 32],
            details: details(),
            files: vec![main_file(), Attachment { hash: [3; 32], ..main_file() }],
        };
        let expunged = crate::incoming::events::Expunged {
            level: SecrecyLevel::Secret,
            requested_by: holder(scene.clerk).person,
            organ: scene.organ.id.unwrap(),
            void_number: ArrivalNumber::new(1).ok(),
            register: Some(book(&scene)),
            files: vec![[3; 32], main_file().hash],
        };
        let past = [
            arrived(&scene),
            past(Who::System, 1, other),
            registration_began(&scene),
            registered(&scene),
            expunge_requested(&scene),
        ];
        let given = given(&scene.organ, past).when(scene.leader, ConfirmExpunge {}).then([expunged.into()]);
        let document = given.state();
        assert_eq!((document.stage, document.erased), (Some(Stage::Cancelled), true));
        assert_eq!(document.cancelled, Some(VoidReason::BelongsToSecretRegister));
        assert_eq!(document.registered, Some((book(&scene), ArrivalNumber::FIRST)));
        assert_eq!((&document.details, document.files.len()), (&None, 0));
        given.when(scene.leader, ConfirmExpunge {}).then_refused(Code::Erased);
    }

    #[test]
    fn who_asked_does_not_confirm_in_any_post() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene), expunge_requested(&scene)]);
        given.clone().when(scene.clerk, ConfirmExpunge {}).then_refused(Code::SecondPersonRequired);
        let clerk = holder(scene.clerk).person;
        let Who::Acting(leader) = scene.leader else { panic!("the leader acts") };
        let for_the_leader = Who::Acting(Acting { person: clerk, on_behalf_of: Some(leader.person), ..leader });
        given.when(for_the_leader, ConfirmExpunge {}).then_refused(Code::SecondPersonRequired);
    }

    #[test]
    fn neither_confirms_for_the_other() {
        let mut scene = scene();
        let leader_for_clerk = scene.substitutes(scene.leader, scene.clerk);
        let officer_for_clerk = scene.substitutes(scene.officer, scene.clerk);
        let officer_for_leader = scene.substitutes(scene.officer, scene.leader);
        let asked = |who| {
            let level = SecrecyLevel::Secret;
            let request = ExpungeRequested { level };
            given(&scene.organ, [arrived(&scene)]).when(who, ExpungeIncoming { level }).then([request.into()])
        };
        // The clerk's word would stand twice.
        asked(scene.clerk).when(leader_for_clerk, ConfirmExpunge {}).then_refused(Code::SecondPersonRequired);
        for who in [scene.clerk, officer_for_leader, leader_for_clerk] {
            asked(officer_for_clerk).when(who, ConfirmExpunge {}).then_refused(Code::SecondPersonRequired);
        }
        asked(officer_for_clerk).when(scene.leader, ConfirmExpunge {}).happened();
    }

    #[test]
    fn not_unasked_and_not_while_a_number_is_on_its_way() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)])
            .when(scene.leader, ConfirmExpunge {})
            .then_refused(Code::ExpungeNotRequested);
        given(&scene.organ, [arrived(&scene), expunge_requested(&scene), registration_began(&scene)])
            .when(scene.leader, ConfirmExpunge {})
            .then_refused(Code::RegistrationUnderway);
    }
}
