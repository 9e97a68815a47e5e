//! What a record seals: postcard of the [`Context`], then postcard of the event.

use thiserror::Error;

use super::{
    DomainEvent, EventKind, Header,
    catalogue::StoredEvent,
    keys::{DoesNotOpen, StreamCipher},
    record::SealedRecord,
};
use crate::{
    id::{CauseId, CommandId, CorrelationId, PersonId, PostId},
    time::Timestamp,
};

stable! {
    /// Who acted, on what authority, and because of what.
    pub struct Context {
        /// The instant for which the decision was made; rules and figures count from it. The header's time says when
        /// the log took it, moments later.
        pub at: Timestamp,
        /// The post acted in.
        pub acting_as: Option<PostId>,
        /// Whom a substitute acted for.
        pub on_behalf_of: Option<PersonId>,
        /// The command that this came of.
        pub command: CommandId,
        /// Digest of the command's actor and input: the same id with another digest is another command.
        pub input: [u8; 32],
        /// Joins the records of one request.
        pub correlation: CorrelationId,
        /// The record that led to this one.
        pub causation: Option<CauseId>,
        /// The revision of the organ's stream by which roles, units, delegations and calendar were judged.
        pub judged_by: Option<u64>,
    }
}

/// What a record turned out to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // opened one at a time, and nearly always an event
pub enum Opened {
    /// Its content.
    Event(Context, DomainEvent),
    /// Its key was destroyed: only the header is left.
    Erased,
}

/// A body that opens but cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Wrong key, or a changed byte.
    #[error(transparent)]
    DoesNotOpen(#[from] DoesNotOpen),
    /// A kind that this program does not know.
    #[error("event {0} is unknown: a newer socai wrote it")]
    UnknownKind(EventKind),
    /// The bytes are not of that kind.
    #[error("the body is not a {0}: {1}")]
    Malformed(EventKind, postcard::Error),
}

/// The bytes to be sealed for an event.
pub fn encode<E: StoredEvent>(context: &Context, event: &E) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    write(context, &mut bytes);
    event.encode(&mut bytes);
    bytes
}

pub(super) fn write<T: serde::Serialize>(value: &T, bytes: &mut Vec<u8>) {
    let flavour = postcard::ser_flavors::ExtendFlavor::new(std::mem::take(bytes));
    *bytes = postcard::serialize_with_flavor(value, flavour).expect("writing to memory does not fail");
}

/// Opens a record and reads what it holds.
pub fn open(cipher: &StreamCipher, record: &SealedRecord) -> Result<(Context, DomainEvent), Unreadable> {
    open_body(cipher, record.header(), record.body())
}

/// Opens the body that belongs to this header, and reads what it holds.
pub fn open_body(cipher: &StreamCipher, header: &Header, body: &[u8]) -> Result<(Context, DomainEvent), Unreadable> {
    decode(header, &cipher.open_body(header, body)?)
}

/// Reads an opened body.
pub fn decode(header: &Header, body: &[u8]) -> Result<(Context, DomainEvent), Unreadable> {
    let malformed = |error| Unreadable::Malformed(header.kind, error);
    let (context, event) = postcard::take_from_bytes::<Context>(body).map_err(malformed)?;
    Ok((context, DomainEvent::decode(header.kind, event)?))
}
