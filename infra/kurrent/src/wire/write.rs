//! `streams.proto`: appending and deleting.

use std::collections::HashMap;

use prost::{Message, Oneof};

use super::shared::{Empty, Place, StreamName, WireUuid};

/// One message of an append: first the options, then the events.
#[derive(Clone, PartialEq, Message)]
pub struct AppendRequest {
    /// Which.
    #[prost(oneof = "AppendPart", tags = "1, 2")]
    pub part: Option<AppendPart>,
}

/// Options or an event.
#[derive(Clone, PartialEq, Oneof)]
pub enum AppendPart {
    /// First and once.
    #[prost(message, tag = "1")]
    Options(WriteOptions),
    /// Then each event.
    #[prost(message, tag = "2")]
    Event(ProposedEvent),
}

/// To which stream, standing where. Of appends and of both ways to delete.
#[derive(Clone, PartialEq, Message)]
pub struct WriteOptions {
    /// The stream.
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamName>,
    /// Where it must stand.
    #[prost(oneof = "ExpectedState", tags = "2, 3, 4, 5")]
    pub expected: Option<ExpectedState>,
}

/// Where a stream must stand.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum ExpectedState {
    /// Its last event has this revision.
    #[prost(uint64, tag = "2")]
    Revision(u64),
    /// It has no event.
    #[prost(message, tag = "3")]
    NoStream(Empty),
    /// Anywhere.
    #[prost(message, tag = "4")]
    Any(Empty),
    /// It has some event.
    #[prost(message, tag = "5")]
    Exists(Empty),
}

/// An event to be written.
#[derive(Clone, PartialEq, Message)]
pub struct ProposedEvent {
    /// By this alone a repetition is recognised.
    #[prost(message, optional, tag = "1")]
    pub id: Option<WireUuid>,
    /// Its type and content type.
    #[prost(map = "string, string", tag = "2")]
    pub metadata: HashMap<String, String>,
    /// Metadata of the user's own.
    #[prost(bytes = "vec", tag = "3")]
    pub custom_metadata: Vec<u8>,
    /// Its content.
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
}

/// What became of an append.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct AppendAnswer {
    /// Which.
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub result: Option<AppendResult>,
}

/// Written, or the stream stands elsewhere.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum AppendResult {
    /// Written, now or before.
    #[prost(message, tag = "1")]
    Success(Success),
    /// The stream stands elsewhere.
    #[prost(message, tag = "2")]
    WrongExpected(WrongExpected),
}

/// Written.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Success {
    /// The revision of the last event.
    #[prost(oneof = "WrittenAt", tags = "1, 2")]
    pub revision: Option<WrittenAt>,
    /// The place of the last event.
    #[prost(oneof = "PlacedAt", tags = "3, 4")]
    pub place: Option<PlacedAt>,
}

/// The revision of the last event that was written.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum WrittenAt {
    /// This one.
    #[prost(uint64, tag = "1")]
    Revision(u64),
    /// None: nothing was written.
    #[prost(message, tag = "2")]
    NoStream(Empty),
}

/// The place of the last event that was written.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum PlacedAt {
    /// Here.
    #[prost(message, tag = "3")]
    Place(Place),
    /// Not told.
    #[prost(message, tag = "4")]
    None(Empty),
}

/// The stream stands elsewhere. The fields 1 to 5 say the same to clients of 2020.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct WrongExpected {
    /// Where it stands.
    #[prost(oneof = "StandsAt", tags = "6, 7")]
    pub stands: Option<StandsAt>,
    /// Where it was expected.
    #[prost(oneof = "WasExpected", tags = "8, 9, 10, 11")]
    pub expected: Option<WasExpected>,
}

/// Where a stream stands.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum StandsAt {
    /// Its last event has this revision.
    #[prost(uint64, tag = "6")]
    Revision(u64),
    /// It has no event.
    #[prost(message, tag = "7")]
    NoStream(Empty),
}

/// Where a stream was expected.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum WasExpected {
    /// There.
    #[prost(uint64, tag = "8")]
    Revision(u64),
    /// Anywhere.
    #[prost(message, tag = "9")]
    Any(Empty),
    /// With some event.
    #[prost(message, tag = "10")]
    Exists(Empty),
    /// Without an event.
    #[prost(message, tag = "11")]
    NoStream(Empty),
}

/// A request to delete a stream, in either way.
#[derive(Clone, PartialEq, Message)]
pub struct DeleteRequest {
    /// Which stream.
    #[prost(message, optional, tag = "1")]
    pub options: Option<WriteOptions>,
}

/// A stream was deleted.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct DeleteAnswer {
    /// Where that was written.
    #[prost(message, optional, tag = "1")]
    pub place: Option<Place>,
}
