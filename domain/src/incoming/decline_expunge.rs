//! Decline an erasure: the document is not secret, or was meant to be another. Without this, a false alarm would stay, one
//! word away from destroying the document.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, events::ExpungeDeclined};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::Reason,
};

/// Why the erasure cannot be declined.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk or a leader declines.
    #[error("only a records clerk or a leader declines an erasure: {0}")]
    NotEntitled(#[from] Denied),
    /// Nobody asked for it.
    #[error("nobody has asked to have the document erased")]
    NotRequested,
    /// It was erased.
    #[error("the document was erased")]
    Erased,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotEntitled(denied) => denied.code(),
            Self::NotRequested => Code::ExpungeNotRequested,
            Self::Erased => Code::Erased,
        }
    }
}

/// Keep the document. Also by who asked: they may have been wrong.
#[derive(Clone, Debug, Serialize)]
pub struct DeclineExpunge {
    /// Why.
    pub reason: Reason,
}

impl Decide for DeclineExpunge {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "declineExpunge";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_any(&[Role::RecordsClerk, Role::Leader])?;
        match document.expunge_requested {
            _ if document.erased => Err(Refusal::Erased),
            None => Err(Refusal::NotRequested),
            Some(_) => Ok(()),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        Ok(vec![ExpungeDeclined { reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{
            confirm_expunge::ConfirmExpunge,
            testing::{Plausible, arrived, expunge_requested, expunged},
        },
        testing::{Scene, given, scene},
    };

    impl Plausible for DeclineExpunge {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            DeclineExpunge { reason: Reason::new("Văn bản không đóng dấu độ mật").unwrap() }
        }
    }

    fn decline(scene: &Scene) -> DeclineExpunge {
        DeclineExpunge::plausible(scene, &IncomingDocument::default(), scene.clerk)
    }

    #[test]
    fn after_a_false_alarm_nothing_is_left_to_confirm() {
        let scene = scene();
        for who in [scene.clerk, scene.leader] {
            let given = given(&scene.organ, [arrived(&scene), expunge_requested(&scene)])
                .when(who, decline(&scene))
                .then([ExpungeDeclined { reason: decline(&scene).reason }.into()]);
            given.clone().when(scene.leader, ConfirmExpunge {}).then_refused(Code::ExpungeNotRequested);
            given.when(who, decline(&scene)).then_refused(Code::ExpungeNotRequested);
        }
    }

    #[test]
    fn what_was_erased_does_not_come_back() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), expunge_requested(&scene), expunged(&scene)])
            .when(scene.leader, decline(&scene))
            .then_refused(Code::Erased);
    }
}
