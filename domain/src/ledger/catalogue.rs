//! Every event that is ever stored. **This is the storage format**: lines are only ever added, and a stored type is never
//! changed. A changed event is a new line with a new number and the next version; the old one is read for ever.

use std::fmt;

use serde::de::DeserializeOwned;

use super::{
    StreamKind,
    body::{self, Unreadable},
};
use crate::{
    incoming::events as incoming, organ::events as organ, person::events as person, register::events as register,
};

/// The number of an event's kind, in every record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(u16);

impl EventKind {
    /// The kind with this number, known or not.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its line in the catalogue.
    pub fn entry(self) -> Option<&'static Entry> {
        CATALOGUE.binary_search_by_key(&self, |entry| entry.kind).ok().map(|index| &CATALOGUE[index])
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Some(entry) => write!(f, "{}@{}", entry.name, entry.version),
            None => write!(f, "kind {}", self.0),
        }
    }
}

/// A line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The kind number.
    pub kind: EventKind,
    /// The event's name.
    pub name: &'static str,
    /// Its version.
    pub version: u8,
    /// The streams it stands in.
    pub stream: StreamKind,
    /// Every field and variant that its bytes hold.
    pub schema: &'static postcard_schema::schema::NamedType,
}

/// The events of one kind of stream.
pub trait StoredEvent: Clone + fmt::Debug + Into<DomainEvent> + Send + Sync + 'static {
    /// The kind of stream.
    const STREAM: StreamKind;

    /// The event's kind.
    fn kind(&self) -> EventKind;

    /// Adds the event's bytes.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Reads the event of this kind.
    fn decode(kind: EventKind, bytes: &[u8]) -> Result<Self, Unreadable>;

    /// This event, if it is one of these streams.
    fn from_domain(event: &DomainEvent) -> Option<&Self>;
}

fn read<T: DeserializeOwned>(kind: EventKind, bytes: &[u8]) -> Result<T, Unreadable> {
    let malformed = |error| Unreadable::Malformed(kind, error);
    match postcard::take_from_bytes::<T>(bytes).map_err(malformed)? {
        (payload, []) => Ok(payload),
        _ => Err(malformed(postcard::Error::DeserializeBadEncoding)),
    }
}

catalogue! {
    Organ: /// What happens to an agency.
    OrganEvent {
        100 "OrganRegistered" 1 => Registered(organ::OrganRegistered),
        101 "OrganCodeChanged" 1 => CodeChanged(organ::OrganCodeChanged),
        102 "OrganSucceeded" 1 => Succeeded(organ::OrganSucceeded),
        110 "UnitCreated" 1 => UnitCreated(organ::UnitCreated),
        111 "UnitRenamed" 1 => UnitRenamed(organ::UnitRenamed),
        112 "UnitClosed" 1 => UnitClosed(organ::UnitClosed),
        120 "PostCreated" 1 => PostCreated(organ::PostCreated),
        121 "PostAbolished" 1 => PostAbolished(organ::PostAbolished),
        122 "PostAssumed" 1 => PostAssumed(organ::PostAssumed),
        123 "PostLeft" 1 => PostLeft(organ::PostLeft),
        124 "PostDelegated" 1 => PostDelegated(organ::PostDelegated),
        125 "DelegationEnded" 1 => DelegationEnded(organ::DelegationEnded),
        130 "CalendarDecided" 1 => CalendarDecided(organ::CalendarDecided),
        131 "LimitDecided" 1 => LimitDecided(organ::LimitDecided),
        132 "SettingChanged" 1 => SettingChanged(organ::SettingChanged),
        133 "BaselineDecided" 1 => BaselineDecided(organ::BaselineDecided),
        134 "HandOverDecided" 1 => HandOverDecided(organ::HandOverDecided),
    }
    Person: /// What is known of a person.
    PersonEvent {
        200 "PersonRegistered" 1 => Registered(person::PersonRegistered),
        201 "PersonChanged" 1 => Changed(person::PersonChanged),
    }
    Register: /// What happens in a number series.
    RegisterEvent {
        300 "BookOpened" 1 => BookOpened(register::BookOpened),
        301 "NumberAssigned" 1 => NumberAssigned(register::NumberAssigned),
        302 "NumberVoided" 1 => NumberVoided(register::NumberVoided),
        303 "FingerprintsRenewed" 1 => FingerprintsRenewed(register::FingerprintsRenewed),
    }
    Incoming: /// What happens to an incoming document.
    IncomingEvent {
        400 "IncomingArrived" 1 => Arrived(incoming::Arrived),
        401 "IncomingArrivedAgain" 1 => ArrivedAgain(incoming::ArrivedAgain),
        402 "UnopenedLogged" 1 => UnopenedLogged(incoming::UnopenedLogged),
        403 "AuthenticityChecked" 1 => AuthenticityChecked(incoming::AuthenticityChecked),
        404 "IncomingCorrected" 1 => Corrected(incoming::Corrected),
        405 "IncomingAnnotated" 1 => Annotated(incoming::Annotated),
        406 "ScanAttached" 1 => ScanAttached(incoming::ScanAttached),
        407 "PaperArrived" 1 => PaperArrived(incoming::PaperArrived),
        408 "ReceiptRefused" 1 => ReceiptRefused(incoming::ReceiptRefused),
        410 "RegistrationBegan" 1 => RegistrationBegan(incoming::RegistrationBegan),
        411 "RegistrationAbandoned" 1 => RegistrationAbandoned(incoming::RegistrationAbandoned),
        412 "IncomingRegistered" 1 => Registered(incoming::Registered),
        420 "IncomingSubmitted" 1 => Submitted(incoming::Submitted),
        421 "PassedToLeader" 1 => PassedToLeader(incoming::PassedToLeader),
        422 "ReturnedToClerk" 1 => ReturnedToClerk(incoming::ReturnedToClerk),
        423 "IncomingDirected" 1 => Directed(incoming::Directed),
        424 "BranchesAssigned" 1 => Assigned(incoming::Assigned),
        425 "BranchAccepted" 1 => BranchAccepted(incoming::BranchAccepted),
        426 "ProgressReported" 1 => ProgressReported(incoming::ProgressReported),
        427 "BranchAmended" 1 => BranchAmended(incoming::BranchAmended),
        428 "BranchReassigned" 1 => BranchReassigned(incoming::BranchReassigned),
        429 "BranchWithdrawn" 1 => BranchWithdrawn(incoming::BranchWithdrawn),
        430 "BranchReturned" 1 => BranchReturned(incoming::BranchReturned),
        431 "ExtensionRequested" 1 => ExtensionRequested(incoming::ExtensionRequested),
        432 "ExtensionDecided" 1 => ExtensionDecided(incoming::ExtensionDecided),
        433 "UrgedToAct" 1 => Urged(incoming::Urged),
        434 "IncomingPaused" 1 => Paused(incoming::Paused),
        435 "IncomingResumed" 1 => Resumed(incoming::Resumed),
        436 "BranchCompleted" 1 => BranchCompleted(incoming::BranchCompleted),
        437 "FollowerAppointed" 1 => FollowerAppointed(incoming::FollowerAppointed),
        438 "WorkHandedOver" 1 => WorkHandedOver(incoming::WorkHandedOver),
        439 "AccessGranted" 1 => AccessGranted(incoming::AccessGranted),
        450 "ResolutionProposed" 1 => ResolutionProposed(incoming::ResolutionProposed),
        451 "ResolutionDeclined" 1 => ResolutionDeclined(incoming::ResolutionDeclined),
        452 "IncomingResolved" 1 => Resolved(incoming::Resolved),
        453 "IncomingReopened" 1 => Reopened(incoming::Reopened),
        460 "IncomingCancelled" 1 => Cancelled(incoming::Cancelled),
        461 "ExpungeRequested" 1 => ExpungeRequested(incoming::ExpungeRequested),
        462 "IncomingExpunged" 1 => Expunged(incoming::Expunged),
        463 "ErasureCompleted" 1 => ErasureCompleted(incoming::ErasureCompleted),
        464 "ExpungeDeclined" 1 => ExpungeDeclined(incoming::ExpungeDeclined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_order_and_once() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].kind < pair[1].kind));
        let names: std::collections::HashSet<_> = CATALOGUE.iter().map(|entry| (entry.name, entry.version)).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        assert_eq!(EventKind::new(412).to_string(), "IncomingRegistered@1");
        assert_eq!(EventKind::new(9).to_string(), "kind 9");
    }
}
