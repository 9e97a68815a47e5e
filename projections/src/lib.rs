//! The read side: read models folded from the ledger's events, and asking them. It owns its database and commands nothing.
//!
//! - [`Views`]: the handle. Every query is a method of it, beside the read model that it asks.
//! - Read models, a module each: [`directory`], [`document`], [`incoming_register`].
//! - [`Viewer`]: who asks. What they may see is part of the SQL of every query.
//! - [`Page`]: pages by key.

mod apply;
pub mod directory;
pub mod document;
mod erasure;
mod error;
mod follower;
pub mod incoming_register;
mod models;
pub mod page;
mod rows;
mod sql;
mod store;
mod table;
mod value;
mod viewer;
mod writer;

pub use error::ViewsError;
pub use follower::Follower;
pub use page::{Cursor, MAX_PAGE, Page, PageRequest};
pub use store::Views;
pub use viewer::Viewer;
