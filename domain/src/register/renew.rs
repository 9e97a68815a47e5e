//! Renew: what a document of the book is compared by was corrected, so that its duplicates are found by what is true. A step
//! of a correction, taken by the system alone.

use serde::Serialize;

use super::{Event, Fingerprint, Register, events::FingerprintsRenewed};
use crate::{
    decide::{By, Decide},
    id::IncomingId,
    refusal::Denied,
};

/// Compare a document by these fingerprints from now on.
#[derive(Clone, Debug, Serialize)]
pub struct RenewFingerprints {
    /// The document.
    pub document: IncomingId,
    /// By the issuer's code, where that is known, then by the issuer's name.
    pub fingerprints: Vec<Fingerprint>,
    /// The revision of the document that says so.
    pub as_of: u64,
}

impl Decide for RenewFingerprints {
    type State = Register;
    type Refusal = Denied;
    const NAME: &'static str = "renewFingerprints";

    fn permit(_: &Register, by: &By<'_>) -> Result<(), Denied> {
        by.require_system()
    }

    fn decide(&self, register: &Register, by: &By<'_>) -> Result<Vec<Event>, Denied> {
        Self::permit(register, by)?;
        let Some(entry) = register.numbers.get(&self.document).filter(|entry| entry.void.is_none()) else {
            return Ok(vec![]); // it is compared with nothing
        };
        // A later correction may have been quicker: the revision is written also where nothing else is new, so that what an
        // older one says comes too late.
        if entry.as_of >= self.as_of {
            return Ok(vec![]);
        }
        let (document, fingerprints, as_of) = (self.document, self.fingerprints.clone(), self.as_of);
        Ok(vec![FingerprintsRenewed { document, fingerprints, as_of }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        refusal::Code,
        register::{
            assign::AssignNumber,
            testing::{assign, assigned, document, fingerprint, opened, voided},
        },
        testing::{given, scene},
    };

    fn renew(n: u32, like: u32, as_of: u64) -> RenewFingerprints {
        RenewFingerprints { document: document(n), fingerprints: vec![fingerprint(like)], as_of }
    }

    #[test]
    fn what_was_corrected_is_found_by_what_it_says_now() {
        let scene = scene();
        let event = FingerprintsRenewed { document: document(1), fingerprints: vec![fingerprint(7)], as_of: 9 };
        let renewed =
            given(&scene.organ, [opened(), assigned(1, 1)]).when(Who::System, renew(1, 7, 9)).then([event.into()]);
        let like = |like| AssignNumber { fingerprints: vec![fingerprint(like)], ..assign(2) };
        renewed.clone().when(Who::System, like(7)).then_refused(Code::PossibleDuplicate);
        renewed.clone().when(Who::System, like(1)).happened();
        renewed.clone().when(Who::System, renew(1, 7, 9)).then_nothing_happened();
        renewed.clone().when(Who::System, renew(1, 1, 8)).then_nothing_happened();
        renewed.when(Who::System, renew(1, 1, 10)).happened();
    }

    #[test]
    fn an_older_correction_comes_too_late_also_after_one_that_took_it_back() {
        let scene = scene();
        let back = FingerprintsRenewed { document: document(1), fingerprints: vec![fingerprint(1)], as_of: 6 };
        given(&scene.organ, [opened(), assigned(1, 1)])
            .when(Who::System, renew(1, 1, 6))
            .then([back.into()])
            .when(Who::System, renew(1, 7, 5))
            .then_nothing_happened();
    }

    #[test]
    fn what_has_no_number_or_a_void_one_is_not_compared() {
        let scene = scene();
        let past = [opened(), assigned(1, 1), voided(1)];
        for n in [1, 2] {
            given(&scene.organ, past.clone()).when(Who::System, renew(n, 7, 9)).then_nothing_happened();
        }
    }

    #[test]
    fn no_person_renews() {
        let scene = scene();
        for (_, who) in scene.everybody() {
            given(&scene.organ, [opened(), assigned(1, 1)]).when(who, renew(1, 7, 9)).then_refused(Code::NotEntitled);
        }
    }
}
