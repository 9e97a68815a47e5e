//! What every arrival must be, and whether a message of the axis is here already.

use std::collections::HashSet;

use serde::Serialize;
use thiserror::Error;

use super::{
    IncomingDocument, Stage,
    events::{Attachment, Details, FileRole},
};
use crate::{
    decide::{By, Who},
    document_types::SecrecyLevel,
    refusal::Code,
    time::Timestamp,
};

/// What a message of the axis is to the arrival of the same `DocumentId` before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing arrived here before: receive it.
    First,
    /// The same content arrived before: nothing happens. Also after a refusal, because messages are delivered twice and
    /// folders are imported twice; what was refused by mistake the clerk receives by hand.
    Known,
    /// Other content: receive it, and the clerk is shown both.
    Again,
    /// Other content, and the arrival before was refused or cancelled: a new arrival with this ordinal, which follows it.
    After {
        /// Which arrival of the `DocumentId` it is.
        ordinal: u32,
    },
    /// The document was erased as secret: it is not taken in again.
    Erased,
}

/// What a message of the axis with this content digest is to `document`, the arrival of the same `DocumentId` that was
/// looked up. Begin with ordinal 0, and after [`Arrival::After`] look that arrival up.
pub fn next_arrival(document: &IncomingDocument, content: [u8; 32]) -> Arrival {
    let ended = matches!(document.stage, Some(Stage::Refused | Stage::Cancelled));
    if document.erased {
        Arrival::Erased
    } else if document.contents.contains(&content) {
        Arrival::Known
    } else if document.stage.is_none() {
        Arrival::First
    } else if ended {
        let ordinal = document.axis.as_ref().map_or(0, |axis| axis.ordinal);
        Arrival::After { ordinal: ordinal.saturating_add(1) }
    } else {
        Arrival::Again
    }
}

/// What arrives, whichever way.
#[derive(Clone, Debug, Serialize)]
pub struct Arriving {
    /// When it truly arrived: never later than now.
    pub arrived_at: Timestamp,
    /// What it says of itself.
    pub details: Details,
    /// Its files: the document itself and its annexes. Paper may have none yet.
    pub files: Vec<Attachment>,
    /// The level of secrecy that it bears. Any level is refused: the field exists so that nobody needs another place for it.
    pub secrecy: Option<SecrecyLevel>,
}

/// Why what arrives cannot be taken in as it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unacceptable {
    /// Secret documents have their own register and never stand here (Decree 63/2026/NĐ-CP).
    #[error("a document marked {} belongs in the register of secret documents; nothing of it was stored", .0.label_vi())]
    Secret(SecrecyLevel),
    /// It cannot arrive later than it is recorded.
    #[error("it cannot have arrived later than now")]
    ArrivesLater,
    /// A clerk has the document in hand: it is not of a day to come.
    #[error("a document that is here was not promulgated after today")]
    PromulgatedLater,
    /// The registry receives for several addressees, and this is none of them.
    #[error("name one of the addressees that this registry receives for")]
    UnknownAddressee,
    /// Handlers contribute; what arrives has main files and annexes.
    #[error("a file that arrives is the document itself or an annex, not a contribution")]
    Contribution,
}

impl Unacceptable {
    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Self::Secret(_) => Code::SecretItem,
            Self::ArrivesLater | Self::PromulgatedLater => Code::InTheFuture,
            Self::UnknownAddressee => Code::UnknownAddressee,
            Self::Contribution => Code::InvalidInput,
        }
    }

    /// The input fields that are wrong.
    pub fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Secret(_) => &["secrecy"],
            Self::ArrivesLater => &["arrivedAt"],
            Self::PromulgatedLater => &["promulgatedOn"],
            Self::UnknownAddressee => &["addressee"],
            Self::Contribution => &["files"],
        }
    }
}

impl Arriving {
    /// May it be taken in? From the axis the details are taken as they are: what is odd is the clerk's to see, not a
    /// reason to lose a message.
    pub fn check(&self, by: &By<'_>) -> Result<(), Unacceptable> {
        if let Some(level) = self.secrecy {
            return Err(Unacceptable::Secret(level));
        }
        if self.arrived_at > by.at {
            return Err(Unacceptable::ArrivesLater);
        }
        check_files(&self.files)?;
        check_details(&self.details, by)
    }

    /// The files, each content once.
    pub fn files(&self) -> Vec<Attachment> {
        once(&self.files)
    }
}

/// Are these files that arrive, and none that a handler made?
pub fn check_files(files: &[Attachment]) -> Result<(), Unacceptable> {
    let contributed = files.iter().any(|file| file.role == FileRole::Contribution);
    if contributed { Err(Unacceptable::Contribution) } else { Ok(()) }
}

/// Are these details possible, and to whom is it addressed?
pub fn check_details(details: &Details, by: &By<'_>) -> Result<(), Unacceptable> {
    let a_person_writes = by.who != Who::System;
    if a_person_writes && details.promulgated_on.is_some_and(|day| day > by.at.date()) {
        return Err(Unacceptable::PromulgatedLater);
    }
    let addressees = &by.organ.settings.addressees;
    let known = details.addressee.as_ref().map_or(!a_person_writes, |name| addressees.contains(name));
    if addressees.is_empty() || known { Ok(()) } else { Err(Unacceptable::UnknownAddressee) }
}

/// The files without those whose content stands before them.
pub(super) fn once(files: &[Attachment]) -> Vec<Attachment> {
    let mut seen = HashSet::new();
    files.iter().filter(|file| seen.insert(file.hash)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        decide::Decide,
        incoming::{
            Event,
            events::AxisArrival,
            receive::ReceiveIncoming,
            testing::{arriving, cancelled, expunged, past, receipt_refused},
        },
        testing::{Past, Scene, given, scene},
        text::AxisDocumentId,
    };

    /// What happens to one `DocumentId`, delivered again and again, with whatever content.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Deliver(u8),
        Refuse,
        Cancel,
        Erase,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            6 => (0..4_u8).prop_map(Act::Deliver),
            2 => Just(Act::Refuse),
            1 => Just(Act::Cancel),
            1 => Just(Act::Erase),
        ];
        prop::collection::vec(act, 1..20)
    }

    /// The arrivals, oldest first, as the importer finds and makes them.
    struct Arrivals {
        scene: Scene,
        histories: Vec<Vec<Past<Event>>>,
    }

    impl Arrivals {
        fn document(&self, ordinal: usize) -> IncomingDocument {
            let history = self.histories.get(ordinal).cloned().unwrap_or_default();
            given::<IncomingDocument>(&self.scene.organ, history).state().clone()
        }

        /// Receives, and tells whether something was written.
        fn deliver(&mut self, content: u8) -> bool {
            let mut ordinal = 0;
            while let Arrival::After { ordinal: next } = next_arrival(&self.document(ordinal), [content; 32]) {
                assert_eq!(usize::try_from(next).unwrap(), ordinal + 1, "arrivals are numbered without gaps");
                ordinal += 1;
            }
            let document_id = AxisDocumentId::new("000.00.00.H99,2026/03/02,12/UBND-VP").unwrap();
            let axis = AxisArrival { document_id, ordinal: u32::try_from(ordinal).unwrap(), content: [content; 32] };
            let receive = ReceiveIncoming {
                channel: crate::document_types::Channel::Axis,
                axis: Some(axis),
                arriving: arriving(),
                follows: None,
            };
            let command = crate::id::CommandId::new(uuid::Uuid::nil());
            let by = By { at: crate::testing::MORNING, command, who: Who::System, organ: &self.scene.organ };
            let events = match receive.decide(&self.document(ordinal), &by) {
                Ok(events) => events,
                Err(refused) => {
                    assert_eq!(refused, crate::incoming::receive::Refusal::Erased);
                    return false;
                }
            };
            if ordinal == self.histories.len() {
                self.histories.push(Vec::new());
            }
            self.histories[ordinal].extend(events.iter().cloned().map(|event| past(Who::System, 0, event)));
            !events.is_empty()
        }

        /// The newest arrival comes to an end, unless it did before.
        fn end(&mut self, event: Past<Event>) {
            let newest = self.histories.len().saturating_sub(1);
            let going_on = self.document(newest).stage.is_some_and(|stage| !stage.ended());
            if let Some(history) = self.histories.last_mut().filter(|_| going_on) {
                history.push(event);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_content_is_taken_in_once_whatever_became_of_the_arrivals_before(acts in acts()) {
            let scene = scene();
            let mut arrivals = Arrivals { scene: scene.clone(), histories: Vec::new() };
            let mut erased = false;
            for act in acts {
                match act {
                    Act::Deliver(content) => {
                        let known = |arrivals: &Arrivals| {
                            let all = (0..arrivals.histories.len()).map(|ordinal| arrivals.document(ordinal));
                            all.filter(|document| document.contents.contains(&[content; 32])).count()
                        };
                        let before = known(&arrivals);
                        let wrote = arrivals.deliver(content);
                        prop_assert!(!arrivals.deliver(content), "twice is once");
                        prop_assert_eq!(wrote, before == 0 && !erased);
                        prop_assert_eq!(known(&arrivals), before + usize::from(wrote));
                    }
                    Act::Refuse => arrivals.end(receipt_refused(&scene)),
                    Act::Cancel => arrivals.end(cancelled(&scene)),
                    Act::Erase => {
                        let newest = arrivals.histories.len();
                        arrivals.end(expunged(&scene));
                        erased = (0..newest).any(|ordinal| arrivals.document(ordinal).erased);
                    }
                }
            }
        }
    }
}
