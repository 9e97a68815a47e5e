//! Import: messages of the axis become incoming documents. Everything is checked before anything is stored; doing it again
//! changes nothing.

mod mapping;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use socai_commands::{CommandError, Envelope, Handler, Requester};
use socai_domain::{
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId, derive},
    incoming::{
        self, IncomingDocument,
        arrival::{Arrival, Arriving, next_arrival},
        events::AxisArrival,
        receive::ReceiveIncoming,
    },
    ledger::Revision,
    organ::Organ,
    refusal::Code,
};
use thiserror::Error;

use crate::{
    blobs::{BlobError, BlobHash, BlobStore},
    edxml::{self, Edoc, EdxmlError, Limits, Message, Operation, StatusCode},
};
use mapping::Mapped;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is an incoming document now.
    Received(IncomingId),
    /// The same content is here already; nothing was written.
    Known(IncomingId),
    /// A document of this identity is here with other content: both are kept for the clerk.
    ArrivedAgain(IncomingId),
}

impl Imported {
    /// The document.
    pub fn document(self) -> IncomingId {
        match self {
            Self::Received(document) | Self::Known(document) | Self::ArrivedAgain(document) => document,
        }
    }
}

/// Why a message was not taken in. Nothing of it is kept.
#[derive(Debug, Error)]
pub enum NotImported {
    /// It is no message.
    #[error(transparent)]
    Unreadable(#[from] EdxmlError),
    /// It is not for this organ.
    #[error("not addressed to this organ, but to {0}")]
    NotOurs(String),
    /// A kind of message that is not acted upon.
    #[error("{0}: not handled yet; nothing was done")]
    NotHandledYet(&'static str),
    /// More names and texts than one record holds.
    #[error("the message has too many files or too long texts for one record: ask the sender to pack the files")]
    TooLong,
    /// The ledger's rules or its state forbid it.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Its files cannot be stored.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The task that stores files ended.
    #[error("the files were not stored: {0}")]
    Interrupted(String),
}

/// Takes messages in.
#[derive(Clone, Debug)]
pub struct Importer {
    handler: Handler,
    blobs: Arc<BlobStore>,
    limits: Limits,
}

/// The most that details and files of one record may take, in bytes; the rest of 64 KiB is for what stands around them.
const RECORD: usize = 60_000;

impl Importer {
    /// Takes in through this handler, files into this store.
    pub fn new(handler: Handler, blobs: Arc<BlobStore>) -> Self {
        Self { handler, blobs, limits: Limits::default() }
    }

    /// The most bytes that a message may have.
    pub fn largest(&self) -> usize {
        self.limits.message
    }

    /// The organ, if it keeps its ledger here.
    pub async fn organ(&self, id: OrganId) -> Result<Option<Organ>, CommandError> {
        let organ = self.handler.organ(id).await?;
        Ok(organ.id.map(|_| organ.organ.clone()))
    }

    /// Takes one message in for the organ.
    pub async fn import(&self, id: OrganId, message: &[u8]) -> Result<Imported, NotImported> {
        let edoc = new_document(edxml::read(message, &self.limits)?)?;
        let organ = self.handler.organ(id).await?;
        if mapping::receiver(&edoc, &organ).is_none() {
            return Err(NotImported::NotOurs(receivers(&edoc)));
        }
        let mapped = mapping::map(&edoc, &organ);
        if size(&mapped) > RECORD {
            return Err(NotImported::TooLong);
        }
        self.receive(id, &edoc, mapped).await
    }

    async fn receive(&self, id: OrganId, edoc: &Edoc, mapped: Mapped<'_>) -> Result<Imported, NotImported> {
        let content = edxml::content_digest(edoc);
        let mut follows = None;
        let mut ordinal = 0;
        let axis = mapping::axis_id(edoc);
        let document = loop {
            // Without an identity the content is the identity.
            let Some(axis) = &axis else {
                let document = IncomingId::new(command(id, content, 0).creates(id));
                if self.look(document, |document| document.stage.is_some()).await? {
                    return Ok(Imported::Known(document));
                }
                break document;
            };
            let document = IncomingId::of_axis(id, axis.as_str(), ordinal);
            match self.look(document, |document| next_arrival(document, content)).await? {
                Arrival::Known => return Ok(Imported::Known(document)),
                Arrival::After { ordinal: next } => {
                    follows = Some(document);
                    ordinal = next;
                }
                Arrival::First | Arrival::Again | Arrival::Erased => break document,
            }
        };
        let axis = axis.map(|document_id| AxisArrival { document_id, ordinal, content });
        let arrived_at = self.handler.clock().now();
        let Mapped { details, files, bytes } = mapped;
        let arriving = Arriving { arrived_at, details, files, secrecy: None };
        let command_id = command(id, content, ordinal);
        let receive = ReceiveIncoming { channel: Channel::Axis, axis, arriving, follows };
        // The instant of arrival differs from one import to the next: a repetition is known by its content.
        let envelope = Envelope { digest: Some(content), ..Envelope::of(id, Requester::System, command_id) };
        let stream = incoming::stream(document);
        // Refused before any file is stored.
        let trial = Envelope { command_id: command_id.step("trial"), ..envelope };
        if !self.handler.preview(stream, &trial, &receive).await? {
            return Ok(Imported::Known(document));
        }
        let hold = Arc::new(self.blobs.attaching().await?);
        self.store(&bytes).await?;
        let receipt = self.handler.execute_holding(stream, envelope, receive, Some(hold)).await?;
        Ok(match receipt.revision {
            _ if receipt.repeated || !receipt.changed => Imported::Known(document),
            Revision::FIRST => Imported::Received(document),
            _ => Imported::ArrivedAgain(document),
        })
    }

    async fn look<R>(&self, document: IncomingId, look: impl Fn(&IncomingDocument) -> R) -> Result<R, NotImported> {
        Ok(self.handler.view(incoming::stream(document), |document, _| look(document)).await?)
    }

    async fn store(&self, files: &[&[u8]]) -> Result<(), NotImported> {
        for bytes in files {
            let (blobs, bytes) = (Arc::clone(&self.blobs), bytes.to_vec());
            let stored = tokio::task::spawn_blocking(move || blobs.put(&bytes)).await;
            stored.map_err(|error| NotImported::Interrupted(error.to_string()))??;
        }
        Ok(())
    }
}

impl NotImported {
    /// Its code, where the ledger's rules refused it.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Command(error) => Some(error.code()),
            _ => None,
        }
    }
}

/// One command for one content, arrival and organ, whenever it is imported.
fn command(organ: OrganId, content: [u8; 32], ordinal: u32) -> CommandId {
    CommandId::new(derive(organ.uuid(), &format!("import:{ordinal}:{}", BlobHash::from(content))))
}

/// The document, if the message brings a new one.
fn new_document(message: Message) -> Result<Box<Edoc>, NotImported> {
    let what = match message {
        Message::Edoc(edoc) => match edoc.operation {
            Operation::New => return Ok(edoc),
            Operation::Recall { .. } => "a recall of a document sent earlier (1)",
            Operation::Update(_) => "an update of a document sent earlier (2)",
            Operation::Replace(_) => "a replacement of documents sent earlier (3)",
        },
        Message::Status(status) => match status.code {
            StatusCode::Arrived => "a status, 01 arrived",
            StatusCode::Refused => "a status, 02 refused",
            StatusCode::Registered => "a status, 03 registered",
            StatusCode::Assigned => "a status, 04 assigned",
            StatusCode::InProgress => "a status, 05 in progress",
            StatusCode::Finished => "a status, 06 finished",
            StatusCode::TakeBackRequested => "a status, 13 take-back asked for",
            StatusCode::Agreed => "a status, 15 agreed",
            StatusCode::Declined => "a status, 16 declined",
            StatusCode::Unknown(_) => "a status of an unknown code",
        },
    };
    Err(NotImported::NotHandledYet(what))
}

/// Whom the message is addressed to, for people.
fn receivers(edoc: &Edoc) -> String {
    let all = edoc.to.iter().chain(&edoc.old_code_receivers);
    let names: Vec<_> =
        all.map(|to| if to.id.is_empty() { to.name.as_deref().unwrap_or("?") } else { to.id.as_str() }).collect();
    match &names[..] {
        [] => "nobody".to_owned(),
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

/// What the texts and files of a record take, roughly and rather too much.
fn size(mapped: &Mapped<'_>) -> usize {
    let files: usize = mapped.files.iter().map(|file| file.name.as_str().len() + 56).sum();
    serde_json::to_vec(&mapped.details).map_or(usize::MAX, |details| details.len()).saturating_add(files)
}
