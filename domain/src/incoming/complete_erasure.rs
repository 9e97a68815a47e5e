//! Complete an erasure: keys and files of an expunged document are destroyed, and the document says so. The last step of
//! `expungeIncoming`, taken by the system alone.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, events::ErasureCompleted};
use crate::{
    decide::{By, Decide},
    refusal::{Code, Denied},
};

/// Why no erasure is completed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the system takes this step.
    #[error(transparent)]
    NotTheSystem(#[from] Denied),
    /// Nobody expunged the document.
    #[error("the document was not expunged")]
    NotExpunged,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheSystem(denied) => denied.code(),
            Self::NotExpunged => Code::WrongStage,
        }
    }
}

/// Say that keys and files are destroyed.
#[derive(Clone, Debug, Serialize)]
pub struct CompleteErasure {
    /// Records below this revision cannot be opened any more.
    pub below: u64,
    /// Files that are removed; those that another document holds, too, are not counted.
    pub files_removed: u32,
}

impl Decide for CompleteErasure {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "completeErasure";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_system()?;
        if document.erased { Ok(()) } else { Err(Refusal::NotExpunged) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        if document.erasure_completed {
            return Ok(vec![]); // already so
        }
        let (below, files_removed) = (self.below, self.files_removed);
        Ok(vec![ErasureCompleted { below, files_removed }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        document_types::SecrecyLevel,
        incoming::{
            events::Expunged,
            testing::{arrived, past},
        },
        testing::{given, scene},
    };

    const COMPLETE: CompleteErasure = CompleteErasure { below: 1, files_removed: 2 };

    #[test]
    fn an_erasure_is_completed_once() {
        let scene = scene();
        let Who::Acting(clerk) = scene.clerk else { unreachable!("the clerk holds a post") };
        let expunged = Expunged {
            level: SecrecyLevel::ALL[0],
            requested_by: clerk.person,
            organ: scene.organ.id.unwrap(),
            void_number: None,
            register: None,
            files: vec![],
        };
        let history = [arrived(&scene), past(scene.leader, 1, expunged)];
        given(&scene.organ, history.clone()).when(scene.clerk, COMPLETE).then_refused(Code::NotEntitled);
        given(&scene.organ, history)
            .when(Who::System, COMPLETE)
            .then([ErasureCompleted { below: 1, files_removed: 2 }.into()])
            .when(Who::System, COMPLETE)
            .then_nothing_happened();
    }

    #[test]
    fn what_was_not_expunged_is_not_erased() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)]).when(Who::System, COMPLETE).then_refused(Code::WrongStage);
    }
}
