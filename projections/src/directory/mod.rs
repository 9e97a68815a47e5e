//! Read model: the agencies and their people. Units, posts, who holds them when, settings, calendars, names.
//!
//! It also says who a viewer is: [`viewer`](crate::viewer) builds on these tables.

mod agency;
mod fold;
pub mod query;
mod rows;

pub use query::{OrganRow, PersonRow, PostRow, UnitRow};

pub(crate) use agency::{Agencies, Agency};
pub(crate) use fold::{Organ, Person};
pub(crate) use query::{CALENDAR, StoredCalendar, calendar, due_soon, folded};
pub(crate) use rows::{DELEGATION, ORGAN, PERSON, POST, SEE_ALL, TENURE, UNIT};

/// The read model's name.
pub(crate) const NAME: &str = "directory";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 5;
