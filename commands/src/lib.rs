//! The write side: load, decide, seal, append; and the reactions.
//!
//! ```text
//! Handler::execute ──► fold the stream (cache) ──► decide ──► seal ──► EventLog::append ──► durable ──► Receipt
//!                        ▲ events not yet durable included ▲                                    │
//!                        └──────────────────────────────────── next steps, each the same way ◄──┘
//! ```
//!
//! - [`Handler`]: carries out commands. Those of one stream are decided in turn, on top of each other, without waiting for
//!   the disk; a batch of the log takes what has gathered. If an append fails, what was decided on top of it fails with it.
//! - [`Envelope`], [`Receipt`], [`CommandError`]: what comes with a command and what goes back.
//! - On a log that other servers write to ([`EventLog::is_shared`]), an answer without a write is confirmed by the log, and
//!   no command is judged by rights that may be older than five seconds (`lookout`).
//! - [`Reactions`]: takes the steps that nobody lived to take; follows the log from a [`Checkpoints`].
//! - [`Blobs`]: destroys files of erased documents.
//!
//! [`EventLog::is_shared`]: socai_domain::ledger::EventLog::is_shared

mod alone;
mod blobs;
mod cache;
mod digest;
mod envelope;
mod error;
mod flight;
mod fold;
mod gate;
mod handler;
mod inner;
mod lookout;
mod organs;
mod reactions;
mod run;
mod slot;
mod steps;
mod turn;

pub use blobs::{Blobs, BlobsUnavailable};
pub use envelope::{Envelope, Receipt, Requester};
pub use error::{CommandError, Refused};
pub use gate::Hold;
pub use handler::{Handler, default_room};
pub use organs::KnownOrgan;
pub use reactions::{CHECKPOINT, CheckpointError, Checkpoints, ReactionError, Reactions};
