//! `streams.proto`: reading and subscribing.

use std::collections::HashMap;

use prost::{Enumeration, Message, Oneof};

use super::shared::{Empty, Place, StreamName, WireTime, WireUuid};

/// A request to read.
#[derive(Clone, PartialEq, Message)]
pub struct ReadRequest {
    /// What and how.
    #[prost(message, optional, tag = "1")]
    pub options: Option<ReadOptions>,
}

/// What to read and how.
#[derive(Clone, PartialEq, Message)]
pub struct ReadOptions {
    /// What.
    #[prost(oneof = "Source", tags = "1, 2")]
    pub source: Option<Source>,
    /// Which way.
    #[prost(enumeration = "ReadDirection", tag = "3")]
    pub direction: i32,
    /// Follow links to the events that they name.
    #[prost(bool, tag = "4")]
    pub resolve_links: bool,
    /// How many.
    #[prost(oneof = "Amount", tags = "5, 6")]
    pub amount: Option<Amount>,
    /// Which of them.
    #[prost(oneof = "Filter", tags = "7, 8")]
    pub filter: Option<Filter>,
    /// In which form UUIDs are told. Required.
    #[prost(message, optional, tag = "9")]
    pub uuids: Option<UuidForm>,
}

/// A stream or `$all`.
#[derive(Clone, PartialEq, Oneof)]
pub enum Source {
    /// A stream.
    #[prost(message, tag = "1")]
    Stream(StreamSource),
    /// Everything.
    #[prost(message, tag = "2")]
    All(AllSource),
}

/// Which way to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum ReadDirection {
    /// Older to newer.
    Forwards = 0,
    /// Newer to older.
    Backwards = 1,
}

/// A stream, from where.
#[derive(Clone, PartialEq, Message)]
pub struct StreamSource {
    /// The stream.
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamName>,
    /// From where; a subscription begins after it.
    #[prost(oneof = "FromRevision", tags = "2, 3, 4")]
    pub from: Option<FromRevision>,
}

/// Where in a stream to begin.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum FromRevision {
    /// There.
    #[prost(uint64, tag = "2")]
    Revision(u64),
    /// With its first event.
    #[prost(message, tag = "3")]
    Start(Empty),
    /// With its last event.
    #[prost(message, tag = "4")]
    End(Empty),
}

/// Everything, from where.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct AllSource {
    /// From where; a subscription begins after it.
    #[prost(oneof = "FromPlace", tags = "1, 2, 3")]
    pub from: Option<FromPlace>,
}

/// Where in `$all` to begin.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum FromPlace {
    /// There.
    #[prost(message, tag = "1")]
    Place(Place),
    /// With the first event.
    #[prost(message, tag = "2")]
    Start(Empty),
    /// With the last event.
    #[prost(message, tag = "3")]
    End(Empty),
}

/// A number of events, or all that ever come.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum Amount {
    /// At most so many.
    #[prost(uint64, tag = "5")]
    Count(u64),
    /// For ever.
    #[prost(message, tag = "6")]
    Subscription(Empty),
}

/// Which events of `$all`.
#[derive(Clone, PartialEq, Oneof)]
pub enum Filter {
    /// Some.
    #[prost(message, tag = "7")]
    Some(FilterOptions),
    /// Every one.
    #[prost(message, tag = "8")]
    None(Empty),
}

/// Which events of `$all`.
#[derive(Clone, PartialEq, Message)]
pub struct FilterOptions {
    /// By what.
    #[prost(oneof = "FilterBy", tags = "1, 2")]
    pub by: Option<FilterBy>,
    /// How many events to look at before the server says how far it is.
    #[prost(oneof = "Window", tags = "3, 4")]
    pub window: Option<Window>,
    /// A checkpoint after so many windows.
    #[prost(uint32, tag = "5")]
    pub checkpoint_multiplier: u32,
}

/// By stream or by type.
#[derive(Clone, PartialEq, Oneof)]
pub enum FilterBy {
    /// By the stream's name.
    #[prost(message, tag = "1")]
    Stream(Expression),
    /// By the event's type.
    #[prost(message, tag = "2")]
    Type(Expression),
}

/// How many events to look at.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum Window {
    /// At most so many.
    #[prost(uint32, tag = "3")]
    Max(u32),
    /// Not told.
    #[prost(message, tag = "4")]
    Count(Empty),
}

/// What a name must be like.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Expression {
    /// A regular expression, which counts before prefixes.
    #[prost(string, tag = "1")]
    pub regex: String,
    /// One of these beginnings.
    #[prost(string, repeated, tag = "2")]
    pub prefixes: Vec<String>,
}

/// In which form UUIDs are told.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct UuidForm {
    /// Which.
    #[prost(oneof = "UuidChoice", tags = "1, 2")]
    pub choice: Option<UuidChoice>,
}

/// In which form UUIDs are told.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum UuidChoice {
    /// As two numbers.
    #[prost(message, tag = "1")]
    Structured(Empty),
    /// As text.
    #[prost(message, tag = "2")]
    Text(Empty),
}

/// One message of an answer.
#[derive(Clone, PartialEq, Message)]
pub struct ReadAnswer {
    /// What it says.
    #[prost(oneof = "Told", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9")]
    pub told: Option<Told>,
}

/// What a message of an answer says.
#[derive(Clone, PartialEq, Oneof)]
pub enum Told {
    /// An event.
    #[prost(message, tag = "1")]
    Event(Box<ReadEvent>),
    /// A subscription has begun.
    #[prost(message, tag = "2")]
    Confirmation(Confirmation),
    /// So far the server has looked, whether or not it told of events.
    #[prost(message, tag = "3")]
    Checkpoint(Checkpoint),
    /// There is no such stream.
    #[prost(message, tag = "4")]
    NotFound(NotFound),
    /// The stream's first revision.
    #[prost(uint64, tag = "5")]
    First(u64),
    /// The stream's last revision.
    #[prost(uint64, tag = "6")]
    Last(u64),
    /// The last place of `$all`.
    #[prost(message, tag = "7")]
    LastPlace(Place),
    /// All was told; what follows is live.
    #[prost(message, tag = "8")]
    CaughtUp(CaughtUp),
    /// No longer live.
    #[prost(message, tag = "9")]
    FellBehind(CaughtUp),
}

/// An event, perhaps named by a link.
#[derive(Clone, PartialEq, Message)]
pub struct ReadEvent {
    /// The event; none if a link names one that is gone.
    #[prost(message, optional, tag = "1")]
    pub event: Option<RecordedEvent>,
    /// The link that named it.
    #[prost(message, optional, tag = "2")]
    pub link: Option<RecordedEvent>,
    /// Where the event, or the link, was committed.
    #[prost(oneof = "EventPlace", tags = "3, 4")]
    pub place: Option<EventPlace>,
}

/// Where an event was committed.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum EventPlace {
    /// There.
    #[prost(uint64, tag = "3")]
    Commit(u64),
    /// Not told.
    #[prost(message, tag = "4")]
    None(Empty),
}

/// An event that was written.
#[derive(Clone, PartialEq, Message)]
pub struct RecordedEvent {
    /// Its id.
    #[prost(message, optional, tag = "1")]
    pub id: Option<WireUuid>,
    /// Its stream.
    #[prost(message, optional, tag = "2")]
    pub stream: Option<StreamName>,
    /// Its place in its stream, from 0.
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    /// Where it was prepared; all ones where that is not known.
    #[prost(uint64, tag = "4")]
    pub prepare: u64,
    /// Where it was committed; all ones where that is not known.
    #[prost(uint64, tag = "5")]
    pub commit: u64,
    /// Its type, its content type and when the server took it.
    #[prost(map = "string, string", tag = "6")]
    pub metadata: HashMap<String, String>,
    /// Metadata of the user's own.
    #[prost(bytes = "vec", tag = "7")]
    pub custom_metadata: Vec<u8>,
    /// Its content.
    #[prost(bytes = "vec", tag = "8")]
    pub data: Vec<u8>,
}

/// A subscription has begun.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Confirmation {
    /// Its id, for the server's own log.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// How far the server has looked.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Checkpoint {
    /// Commit position.
    #[prost(uint64, tag = "1")]
    pub commit: u64,
    /// Prepare position.
    #[prost(uint64, tag = "2")]
    pub prepare: u64,
    /// When.
    #[prost(message, optional, tag = "3")]
    pub time: Option<WireTime>,
}

/// There is no such stream.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct NotFound {
    /// Which.
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamName>,
}

/// A subscription has become live, or is no longer.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct CaughtUp {
    /// When.
    #[prost(message, optional, tag = "1")]
    pub time: Option<WireTime>,
    /// Of a stream: how far it was told.
    #[prost(int64, optional, tag = "2")]
    pub revision: Option<i64>,
    /// Of `$all`: how far it was told.
    #[prost(message, optional, tag = "3")]
    pub place: Option<Place>,
}
