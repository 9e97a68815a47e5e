//! Grant access: a person sees a document that they have no part in.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, events::AccessGranted};
use crate::{
    decide::{By, Decide},
    id::PersonId,
    organ::Role,
    refusal::{Code, Denied},
};

/// Why access cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a leader or a records clerk grants access.
    #[error("only a leader or a records clerk grants access: {0}")]
    NotEntitled(#[from] Denied),
    /// Nothing has arrived.
    #[error("there is no document here")]
    NothingHere,
    /// Nothing is left to see.
    #[error("the document was erased")]
    Erased,
    /// People outside have no access.
    #[error("the person holds no post in the organ now")]
    NotInOrgan,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotEntitled(denied) => denied.code(),
            Self::NothingHere => Code::WrongStage,
            Self::Erased => Code::Erased,
            Self::NotInOrgan => Code::NotInOrgan,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::NotInOrgan { &["to"] } else { &[] }
    }
}

/// Let a person of the organ see the document.
#[derive(Clone, Debug, Serialize)]
pub struct GrantAccess {
    /// Who.
    pub to: PersonId,
}

impl Decide for GrantAccess {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "grantAccess";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_any(&[Role::Leader, Role::RecordsClerk])?;
        match document.stage {
            None => Err(Refusal::NothingHere),
            Some(_) if document.erased => Err(Refusal::Erased),
            Some(_) => Ok(()),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        if document.granted.contains(&self.to) {
            return Ok(vec![]); // already so
        }
        let holds = |post| by.organ.holder(post, by.at) == Some(self.to);
        if !by.organ.posts.keys().copied().any(holds) {
            return Err(Refusal::NotInOrgan);
        }
        Ok(vec![AccessGranted { to: self.to }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived, holder},
        testing::{Scene, given, scene},
    };

    impl Plausible for GrantAccess {
        fn plausible(scene: &Scene, _: &IncomingDocument, _: Who) -> Self {
            GrantAccess { to: holder(scene.other_officer).person }
        }
    }

    #[test]
    fn a_colleague_is_let_in_once() {
        let scene = scene();
        let grant = GrantAccess::plausible(&scene, &IncomingDocument::default(), scene.clerk);
        given(&scene.organ, [arrived(&scene)])
            .when(scene.leader, grant.clone())
            .then([AccessGranted { to: grant.to }.into()])
            .when(scene.clerk, grant)
            .then_nothing_happened();
    }

    #[test]
    fn nobody_outside_is_let_in() {
        let scene = scene();
        let to = PersonId::new(uuid::Uuid::from_u128(0x999));
        given(&scene.organ, [arrived(&scene)]).when(scene.leader, GrantAccess { to }).then_refused(Code::NotInOrgan);
    }
}
