//! What went wrong in a call, by what it means for what was asked.

use thiserror::Error;
use tonic::{Code, Status};

use crate::{address::Node, wire::header};

/// Why a call was not answered as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// No node could be reached: nothing was sent.
    #[error("no node of the cluster answers: {0}")]
    NotSent(String),
    /// Another node leads: nothing was written.
    #[error("the node that was asked does not lead")]
    NotLeader(Option<Node>),
    /// The call may have had its effect, or not.
    #[error("{0}")]
    Unknown(String),
    /// The server does not let this user do that; nothing was written.
    #[error("{0}: give the URL a user (user:password@) that may do it")]
    Denied(String),
    /// The stream was deleted.
    #[error("the stream was deleted in KurrentDB: {0}")]
    Deleted(String),
    /// More than the server takes; nothing was written.
    #[error("the server does not take so much at once: {0}")]
    TooLarge(String),
    /// A read came to an event that is larger than what is taken from a server, which is more than any record has.
    #[error("an event is larger than any record of the ledger: another program wrote it there ({0})")]
    Oversize(String),
    /// The server says no for good, or says what makes no sense.
    #[error("{0}")]
    Refused(String),
}

impl Fault {
    /// Would the next attempt, on whichever node, perhaps go well?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::NotLeader(_) | Self::Unknown(_))
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        let exception = |name: &str| text(&status, header::EXCEPTION) == Some(name);
        if exception(header::NOT_LEADER) {
            return Self::NotLeader(leader(&status));
        }
        if exception(header::STREAM_DELETED) {
            return Self::Deleted(said(&status));
        }
        if exception(header::APPEND_TOO_LARGE) || exception(header::EVENT_TOO_LARGE) {
            return Self::TooLarge(said(&status));
        }
        // So says our own side of the call, not the server.
        if status.code() == Code::OutOfRange && status.message().contains("decoded message length too large") {
            return Self::Oversize(status.message().to_owned());
        }
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => Self::Denied(said(&status)),
            // The rest is final: the server has understood and will say the same again.
            Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::AlreadyExists
            | Code::OutOfRange
            | Code::Unimplemented => Self::Refused(said(&status)),
            _ => Self::Unknown(said(&status)),
        }
    }
}

fn text<'a>(status: &'a Status, name: &str) -> Option<&'a str> {
    status.metadata().get(name)?.to_str().ok()
}

fn leader(status: &Status) -> Option<Node> {
    let host = text(status, header::LEADER_HOST)?.to_owned();
    let port = text(status, header::LEADER_PORT)?.parse().ok()?;
    Some(Node { host, port })
}

fn said(status: &Status) -> String {
    let mut said = format!("KurrentDB says {:?}", status.code());
    if !status.message().is_empty() {
        said.push_str(": ");
        said.push_str(status.message());
    }
    // The reason of a failed connection is further down.
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        said.push_str(": ");
        said.push_str(&error.to_string());
        source = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: Code, trailers: &[(&'static str, &str)]) -> Fault {
        let mut status = Status::new(code, "because");
        for (name, value) in trailers {
            status.metadata_mut().insert(*name, value.parse().unwrap());
        }
        status.into()
    }

    #[test]
    fn what_may_have_been_written_is_told_from_what_was_not() {
        let node = Node { host: "n2".into(), port: 7 };
        let trailers =
            [(header::EXCEPTION, header::NOT_LEADER), (header::LEADER_HOST, "n2"), (header::LEADER_PORT, "7")];
        assert_eq!(status(Code::NotFound, &trailers), Fault::NotLeader(Some(node)));
        assert_eq!(status(Code::NotFound, &trailers[..1]), Fault::NotLeader(None));
        for code in [Code::Aborted, Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::Cancelled] {
            assert!(matches!(status(code, &[]), Fault::Unknown(_)), "{code:?}");
        }
        let deleted = status(Code::FailedPrecondition, &[(header::EXCEPTION, header::STREAM_DELETED)]);
        assert!(matches!(deleted, Fault::Deleted(_)) && !deleted.may_pass());
        let large = status(Code::InvalidArgument, &[(header::EXCEPTION, header::APPEND_TOO_LARGE)]);
        assert!(matches!(large, Fault::TooLarge(_)) && !large.may_pass());
        let denied = status(Code::PermissionDenied, &[(header::EXCEPTION, header::ACCESS_DENIED)]);
        assert!(denied.to_string().contains("user:password@"), "{denied}");
    }
}
