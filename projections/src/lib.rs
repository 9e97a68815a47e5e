//! The read side: read models folded from the ledger's events, and asking them. It owns its database and commands nothing.
//!
//! - [`Views`]: the handle. Every query is a method of it, beside the read model that it asks.
//! - Read models, a module each: [`directory`], [`document`], [`branches`], [`incoming_register`],
//!   [`follow_up_register`], [`work_list`], [`holdings`], [`statistics`], [`lags`], [`savings`],
//!   [`search`].
//! - [`Viewer`]: who asks. What they may see is part of the SQL of every query.
//! - [`Page`]: pages by key.

mod answer;
mod apply;
pub mod branches;
mod building;
mod cache;
mod changes;
mod compare;
mod copies;
mod db;
mod digest;
pub mod directory;
pub mod document;
mod door;
mod erasure;
mod error;
mod few;
pub mod follow_up_register;
mod follower;
mod following;
pub mod holdings;
pub mod incoming_register;
pub mod lags;
mod lease;
mod models;
mod out;
pub mod page;
mod past;
mod pg;
pub mod replay;
mod rows;
pub mod savings;
mod schema;
pub mod search;
mod sql;
pub mod statistics;
mod store;
mod table;
mod value;
mod viewer;
pub mod work_list;
mod writer;

pub use answer::Watched;
pub use building::{Phase, Progress, Rebuilder, Rebuilding, Rebuilds, Rebuilt, VIEWS_TABLE};
pub use compare::{Compared, Difference, Expected, Extent, Resting, Stored};
pub use digest::Digest;
pub use error::ViewsError;
pub use follower::Follower;
pub use lease::Lease;
pub use page::{Cursor, MAX_PAGE, Page, PageRequest};
pub use pg::EVICT;
pub use store::{Location, NotAPostgresUrl, PostgresUrl, Views};
pub use viewer::{Rights, Standing, Viewer};

#[cfg(test)]
mod tests;
