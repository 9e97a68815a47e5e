//! The messages of KurrentDB's gRPC protocol that we use, written by hand: no code generator, no `protoc`.
//!
//! Names and field numbers are those of the published `streams.proto`, `shared.proto`, `gossip.proto` and
//! `serverfeatures.proto`; that they are right is shown by the published client, which speaks with our test double through
//! them.

pub mod features;
pub mod gossip;
pub mod read;
pub mod shared;
pub mod write;

/// Paths of the calls, as HTTP/2 sees them.
pub mod path {
    /// Reads a stream or `$all`, once or as a subscription.
    pub const READ: &str = "/event_store.client.streams.Streams/Read";
    /// Appends to one stream.
    pub const APPEND: &str = "/event_store.client.streams.Streams/Append";
    /// Deletes a stream such that it can be written to again.
    pub const DELETE: &str = "/event_store.client.streams.Streams/Delete";
    /// Deletes a stream for ever.
    pub const TOMBSTONE: &str = "/event_store.client.streams.Streams/Tombstone";
    /// Tells the members of the cluster.
    pub const GOSSIP: &str = "/event_store.client.gossip.Gossip/Read";
    /// Tells what the server can do.
    pub const FEATURES: &str = "/event_store.client.server_features.ServerFeatures/GetSupportedMethods";
}

/// What errors and requests carry beside their messages.
pub mod header {
    /// In an error: what went wrong, by name.
    pub const EXCEPTION: &str = "exception";
    /// In an error of [`NOT_LEADER`]: where the leader is.
    pub const LEADER_HOST: &str = "leader-endpoint-host";
    /// In an error of [`NOT_LEADER`]: where the leader is.
    pub const LEADER_PORT: &str = "leader-endpoint-port";
    /// In a request: answer only if you are the leader.
    pub const REQUIRES_LEADER: &str = "requires-leader";
    /// In a request: a name for the server's own log.
    pub const CONNECTION_NAME: &str = "connection-name";
    /// Exception: another node leads.
    pub const NOT_LEADER: &str = "not-leader";
    /// Exception: the stream was deleted.
    pub const STREAM_DELETED: &str = "stream-deleted";
    /// Exception: the user may not do that.
    pub const ACCESS_DENIED: &str = "access-denied";
    /// Exception: the whole append is too large.
    pub const APPEND_TOO_LARGE: &str = "maximum-append-size-exceeded";
    /// Exception: one event is too large.
    pub const EVENT_TOO_LARGE: &str = "maximum-append-event-size-exceeded";
    /// Metadata of an event: its type.
    pub const TYPE: &str = "type";
    /// Metadata of an event: the type of its content.
    pub const CONTENT_TYPE: &str = "content-type";
    /// Metadata of an event: when the server took it, in units of 100 ns since 1970.
    pub const CREATED: &str = "created";
}
