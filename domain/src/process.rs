//! What follows from an event: the next step of a process that spans several streams (DESIGN §3, "One stream per decision").
//!
//! ```text
//! incoming: RegistrationBegan ──► register: NumberAssigned ──► incoming: Registered
//!                              └─ refused as a duplicate ────► incoming: RegistrationAbandoned
//! incoming: Corrected ──► register: FingerprintsRenewed, where it has a number
//! incoming: Cancelled with a number ──► register: NumberVoided
//! incoming: Expunged ──► register: NumberVoided; keys and files destroyed ──► incoming: ErasureCompleted
//! ```
//!
//! Each step is idempotent, and named after the record that it follows from: whoever takes it, the command handler at
//! once or a reaction after a crash, does the same under the same command id.

use crate::{
    decide::Meta,
    id::{CauseId, CommandId, IncomingId, OrganId, RegisterId},
    incoming::{
        self,
        events::{Cancelled, Corrected, Expunged, RegistrationBegan},
    },
    ledger::{DomainEvent, EventKind, Revision},
    register::{self, VoidReason, events::NumberAssigned},
    text::{ArrivalNumber, Reason},
};

/// What stands before it is erased, so it is the first that a new key seals.
pub const EXPUNGED: EventKind = Expunged::KIND;

/// The kinds that something follows from.
const LEADING: [EventKind; 5] =
    [RegistrationBegan::KIND, NumberAssigned::KIND, Corrected::KIND, Cancelled::KIND, EXPUNGED];

/// May a step follow from an event of this kind? Tells without opening the record.
pub fn leads_on(kind: EventKind) -> bool {
    LEADING.contains(&kind)
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In which organ.
    pub organ: OrganId,
    /// Under which command id.
    pub command: CommandId,
    /// Because of which record.
    pub cause: CauseId,
    /// What.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The book gives a number to the document, or the registration is abandoned.
    Assign {
        /// The document.
        document: IncomingId,
        /// The command that began the registration.
        began_by: CommandId,
        /// The book.
        began: RegistrationBegan,
        /// The revision of the document at which it began.
        as_of: u64,
    },
    /// The book compares the document by what was corrected.
    Renew {
        /// The document: what it says when the step is taken counts, whatever corrections came since.
        document: IncomingId,
    },
    /// The document takes the number that the book gave.
    Finish {
        /// The document.
        document: IncomingId,
        /// The book.
        register: RegisterId,
        /// The number.
        number: ArrivalNumber,
    },
    /// The number of a document that ended is void.
    Void {
        /// The document.
        document: IncomingId,
        /// The book.
        register: RegisterId,
        /// The number.
        number: ArrivalNumber,
        /// Why.
        reason: VoidReason,
        /// In words.
        note: Option<Reason>,
    },
    /// Keys and files of the document are destroyed, and then the document says so.
    Erase {
        /// The document.
        document: IncomingId,
        /// Its records below this revision.
        below: Revision,
        /// Its files.
        files: Vec<[u8; 32]>,
    },
}

impl Step {
    /// The step `name` that follows from the record `cause`, written by `command`. Nobody knows the id before the record is
    /// written, so nobody can have used it for something else.
    pub fn new(organ: OrganId, command: CommandId, cause: CauseId, name: &str, action: Action) -> Self {
        Self { organ, command: command.step(&format!("{name}:{cause}")), cause, action }
    }
}

/// The steps that follow from an event, in the order in which they are taken. `cause` is the id of its record.
pub fn next_steps(event: &DomainEvent, meta: &Meta, cause: CauseId) -> Vec<Step> {
    let step = |name, action| Step::new(meta.organ, meta.command, cause, name, action);
    let void = |register, number, reason, note: &Option<Reason>| {
        let (document, note) = (IncomingId::new(meta.stream), note.clone());
        step("voidNumber", Action::Void { document, register, number, reason, note })
    };
    match event {
        DomainEvent::Incoming(incoming::Event::RegistrationBegan(began)) => {
            let (document, began_by) = (IncomingId::new(meta.stream), meta.command);
            let as_of = meta.revision.number();
            vec![step("assignNumber", Action::Assign { document, began_by, began: began.clone(), as_of })]
        }
        DomainEvent::Incoming(incoming::Event::Corrected(corrected)) => {
            let [old, new] = [&corrected.old, &corrected.new].map(incoming::register::fingerprints);
            let renew = || step("renewFingerprints", Action::Renew { document: IncomingId::new(meta.stream) });
            (old != new).then(renew).into_iter().collect()
        }
        DomainEvent::Register(register::Event::NumberAssigned(assigned)) => {
            let (document, register, number) = (assigned.document, RegisterId::new(meta.stream), assigned.number);
            vec![step("finishRegistration", Action::Finish { document, register, number })]
        }
        DomainEvent::Incoming(incoming::Event::Cancelled(cancelled)) => {
            let number = cancelled.register.zip(cancelled.void_number);
            let note = Some(cancelled.reason.clone());
            number.map(|(register, number)| void(register, number, cancelled.kind, &note)).into_iter().collect()
        }
        DomainEvent::Incoming(incoming::Event::Expunged(expunged)) => {
            let number = expunged.register.zip(expunged.void_number);
            let reason = VoidReason::BelongsToSecretRegister;
            let (document, files) = (IncomingId::new(meta.stream), expunged.files.clone());
            let erase = step("completeErasure", Action::Erase { document, below: meta.revision, files });
            number.map(|(register, number)| void(register, number, reason, &None)).into_iter().chain([erase]).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;
    use crate::{
        document_types::SecrecyLevel,
        id::PersonId,
        incoming::events::Details,
        register::testing::{assigned, number},
        time::Timestamp,
    };

    fn meta() -> Meta {
        Meta {
            stream: Uuid::from_u128(5),
            revision: Revision::new(4),
            at: Timestamp::default(),
            organ: OrganId::new(Uuid::from_u128(1)),
            person: None,
            acting_as: None,
            on_behalf_of: None,
            command: CommandId::new(Uuid::from_u128(2)),
        }
    }

    fn steps(event: impl Into<DomainEvent>) -> Vec<Step> {
        let event = event.into();
        assert!(leads_on(event.kind()), "{}", event.kind());
        next_steps(&event, &meta(), CauseId::new(Uuid::from_u128(3)))
    }

    fn cancelled(of: Option<u32>) -> incoming::Event {
        let (kind, reason) = (VoidReason::Error, Reason::new("Đăng ký nhầm văn bản").unwrap());
        let register = of.map(|_| RegisterId::new(Uuid::from_u128(9)));
        Cancelled { kind, reason, void_number: of.map(number), register }.into()
    }

    #[test]
    fn a_number_is_carried_to_its_document() {
        let steps = steps(assigned(7, 3).event);
        let (document, register) = (crate::register::testing::document(7), RegisterId::new(meta().stream));
        assert_eq!(steps[0].action, Action::Finish { document, register, number: number(3) });
    }

    #[test]
    fn only_a_correction_of_what_is_compared_renews_it() {
        let old = incoming::testing::details();
        let corrected = |new: &Details| {
            let (old, new, reason) = (old.clone(), new.clone(), Reason::new("Văn thư nhập nhầm dữ liệu").unwrap());
            steps(incoming::Event::from(Corrected { old, new, reason }))
        };
        assert_eq!(corrected(&Details { page_count: Some(9), ..old.clone() }), []);
        let new = Details { issuer_code: None, ..old.clone() };
        assert_eq!(corrected(&new)[0].action, Action::Renew { document: IncomingId::new(meta().stream) });
    }

    #[test]
    fn only_a_document_with_a_number_voids_one() {
        assert_eq!(steps(cancelled(None)), []);
        assert!(matches!(steps(cancelled(Some(3)))[..], [Step { action: Action::Void { .. }, .. }]));
    }

    #[test]
    fn an_erasure_voids_first_and_every_step_has_a_name_of_its_own() {
        let expunged = Expunged {
            level: SecrecyLevel::ALL[0],
            requested_by: PersonId::new(Uuid::from_u128(8)),
            organ: meta().organ,
            void_number: Some(number(3)),
            register: Some(RegisterId::new(Uuid::from_u128(9))),
            files: vec![[7; 32]],
        };
        let steps = steps(incoming::Event::from(expunged));
        assert!(matches!(steps[0].action, Action::Void { reason: VoidReason::BelongsToSecretRegister, .. }));
        assert!(matches!(steps[1].action, Action::Erase { below, .. } if below == meta().revision));
        let ids: HashSet<_> = steps.iter().map(|step| step.command).chain([meta().command]).collect();
        assert_eq!(ids.len(), 3);
    }
}
