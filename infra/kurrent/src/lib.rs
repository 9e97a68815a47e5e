//! KurrentDB as an engine of the ledger: a thin client of its gRPC protocol, and the [`EventLog`] on top of it.
//!
//! - [`address`]: the URL that names a cluster and a ledger in it.
//! - [`wire`]: the messages, as far as we use them.
//! - [`client`]: append, read, subscribe, on whichever node leads.
//! - [`log`]: [`KurrentLog`], the engine.
//!
//! Why a client of our own: `docs/decisions/0013-a-thin-client-of-kurrentdb.md`.
//!
//! [`EventLog`]: socai_domain::ledger::EventLog

pub mod address;
pub mod client;
pub mod log;
pub mod wire;

pub use address::{Address, AddressError};
pub use log::{KurrentLog, KurrentOptions, KurrentRestore, Look, OpenKurrentError};
