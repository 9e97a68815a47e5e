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
