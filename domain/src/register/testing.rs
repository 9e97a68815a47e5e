//! For tests: pasts of a book.

use uuid::Uuid;

use super::{
    Event, Fingerprint, VoidReason,
    assign::AssignNumber,
    events::{BookOpened, NumberAssigned, NumberVoided},
};
use crate::{
    id::{IncomingId, OrganId},
    testing::{MORNING, Past},
    text::{ArrivalNumber, ShortText},
};

fn past(event: impl Into<Event>) -> Past<Event> {
    Past { event: event.into(), at: MORNING, by: None }
}

fn series() -> ShortText {
    ShortText::new("đến").expect("a word is a short text")
}

/// Document number `n` of the tests.
pub fn document(n: u32) -> IncomingId {
    IncomingId::new(Uuid::from_u128(0xd000 + u128::from(n)))
}

/// Number `n` of the book.
pub fn number(n: u32) -> ArrivalNumber {
    ArrivalNumber::new(n).expect("above 0")
}

/// Each document has its own fingerprint.
pub fn fingerprint(n: u32) -> Fingerprint {
    Fingerprint::of("H99", &n.to_string(), "UBND-VP", 2026)
}

/// Gives document `n` a number.
pub fn assign(n: u32) -> AssignNumber {
    AssignNumber {
        organ: OrganId::new(Uuid::from_u128(0xa9e)),
        series: series(),
        year: 2026,
        document: document(n),
        fingerprints: vec![fingerprint(n)],
        as_of: 0,
        elsewhere: Vec::new(),
        accepted_duplicates: Vec::new(),
        accepted_because: None,
    }
}

/// The book of 2026 is open.
pub fn opened() -> Past<Event> {
    past(BookOpened { organ: OrganId::new(Uuid::from_u128(0xa9e)), series: series(), year: 2026 })
}

/// Document `n` has number `of`.
pub fn assigned(n: u32, of: u32) -> Past<Event> {
    let (accepted_duplicates, accepted_because) = (Vec::new(), None);
    let (number, document, fingerprint) = (number(of), document(n), Some(fingerprint(n)));
    past(NumberAssigned { number, document, fingerprint, accepted_duplicates, accepted_because })
}

/// Number `n` is void.
pub fn voided(n: u32) -> Past<Event> {
    past(NumberVoided { number: number(n), reason: VoidReason::Error, note: None })
}
