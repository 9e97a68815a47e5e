//! `gossip.proto`.

use prost::{Enumeration, Message};

use super::shared::WireUuid;

/// What a node knows of its cluster.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ClusterInfo {
    /// Every node, itself included.
    #[prost(message, repeated, tag = "1")]
    pub members: Vec<Member>,
}

/// A node.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Member {
    /// Of this run of it.
    #[prost(message, optional, tag = "1")]
    pub instance: Option<WireUuid>,
    /// When it was last heard of, in units of 100 ns since 1970.
    #[prost(int64, tag = "2")]
    pub heard: i64,
    /// What it is doing.
    #[prost(enumeration = "State", tag = "3")]
    pub state: i32,
    /// It answers.
    #[prost(bool, tag = "4")]
    pub alive: bool,
    /// Where it serves gRPC.
    #[prost(message, optional, tag = "5")]
    pub end_point: Option<EndPoint>,
}

/// Host and port.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EndPoint {
    /// A name or an address.
    #[prost(string, tag = "1")]
    pub host: String,
    /// The port.
    #[prost(uint32, tag = "2")]
    pub port: u32,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum State {
    /// It begins.
    Initializing = 0,
    /// It looks for the leader.
    DiscoverLeader = 1,
    /// Nobody knows.
    Unknown = 2,
    /// It is about to follow.
    PreReplica = 3,
    /// It fetches what it lacks.
    CatchingUp = 4,
    /// It has all, but does not vote yet.
    Clone = 5,
    /// It follows.
    Follower = 6,
    /// It is about to lead.
    PreLeader = 7,
    /// It leads: writes go there.
    Leader = 8,
    /// It watches the nodes.
    Manager = 9,
    /// It ends.
    ShuttingDown = 10,
    /// It has ended.
    Shutdown = 11,
    /// A copy to read from, without a leader.
    ReadOnlyLeaderless = 12,
    /// About to be a copy to read from.
    PreReadOnlyReplica = 13,
    /// A copy to read from.
    ReadOnlyReplica = 14,
    /// It hands the lead over.
    ResigningLeader = 15,
}
