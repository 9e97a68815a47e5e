//! Read model: who owes what. One row per open duty, gone when it is done; whether it is late, due soon or without a
//! holder is asked with a clock, never stored.

mod query;
mod rows;

pub use query::{WorkCounts, WorkFilter, WorkItem, WorkScope, WorkState};
pub use rows::WorkKind;

pub(crate) use rows::{ITEM, rows};

/// The read model's name.
pub(crate) const NAME: &str = "work_list";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 4;
