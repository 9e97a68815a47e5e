//! Why the program does not start, or does not go on.

use std::{io, path::Path};

use socai_commands::{CommandError, ReactionError};
use socai_domain::ledger::{OpenError, ReadError};
use socai_projections::ViewsError;
use thiserror::Error;

use crate::{
    blobs::BlobError,
    config::Location,
    data::DataError,
    keys::KeysError,
    log::OpenLogError,
    log_key::LogKeyError,
    notary::{NotaryError, asking::AskingError},
    ports::NotClaimed,
    witness::WitnessError,
};

/// Why the program does not start, or does not go on.
#[derive(Debug, Error)]
pub enum AppError {
    /// The data directory.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The log's key.
    #[error(transparent)]
    LogKey(#[from] LogKeyError),
    /// The notary.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// The witnesses that are asked.
    #[error(transparent)]
    Asking(#[from] AskingError),
    /// The witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// Nothing can be written to the views, and no other server is there that could.
    #[error(
        "{0} is a standby: only one of several servers may have its views there (a log in KurrentDB, the notary in PostgreSQL), \
         while another one keeps them in step. Name the primary in `views`"
    )]
    OnlyReads(Location),
    /// What tells how far the log goes.
    #[error("{0}")]
    Known(String),
    /// The log is not, or not any more, the one that a checkpoint was taken from.
    #[error(
        "{source}. If an older copy of the log was restored on purpose, first keep a copy of the files of documents (blobs): \
         those that this log does not know are removed in time. Then delete {} and {}, which tell of the newer log and are \
         made anew. The notary has signed the newer log and will raise its alarm: to go on without what it signed, keep its \
         store {} aside, serve as a log of another name (`origin`), and run `socai notary agree --first`",
        checkpoint.display(), views.display(), notary
    )]
    NotThisLog {
        /// What is wrong with the log.
        source: OpenLogError,
        /// The reactions' checkpoint, which tells of another log.
        checkpoint: Box<Path>,
        /// The views, which do, too.
        views: Box<Path>,
        /// The notary's store, which does, too.
        notary: Box<Location>,
    },
    /// The log is another one of the same ledger.
    #[error(
        "the positions that {} tells of are of another log of this ledger: {source}. If the ledger was copied here, or a copy of it \
         was restored, delete {} and {}, which are made anew. Where one of the two logs is in a cluster, put the notary's store \
         {} aside, too, and run `socai notary agree --checkpoint` with the checkpoint in it",
        checkpoint.display(), checkpoint.display(), views.display(), notary
    )]
    Copied {
        /// What is wrong with the log.
        source: OpenLogError,
        /// The reactions' checkpoint, which tells of the other log.
        checkpoint: Box<Path>,
        /// The views, which do, too.
        views: Box<Path>,
        /// The notary's store, whose places are the other log's.
        notary: Box<Location>,
    },
    /// Reading the log.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The files are not this ledger's.
    #[error(transparent)]
    NotClaimed(#[from] NotClaimed),
    /// The handler.
    #[error(transparent)]
    Handler(#[from] CommandError),
    /// The reactions.
    #[error(transparent)]
    Reactions(#[from] ReactionError),
    /// The views.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// A record.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What may pass did not pass. Only while the program starts or ends: in between it is tried again and again.
    #[error("the {0} cannot come to the log's end: {1}; mend that, then start again")]
    Behind(&'static str, String),
    /// A task ended that should not have.
    #[error("a part of the program stopped: {0}")]
    Stopped(String),
    /// A ledger that is built as a whole did not come to its end.
    #[error("the ledger was not built: {0}; delete its data directory and build it again")]
    NotBuilt(String),
    /// Not all was put in order at the end; nothing acknowledged is lost.
    #[error("the end was not in order: {0}; nothing that was acknowledged is lost")]
    NotClosed(String),
    /// The network.
    #[error("{0}: {1}")]
    Network(String, io::Error),
}
