//! Read model: the register of incoming documents (sổ đăng ký văn bản đến), ten columns (Decree 30/2020, Annex IV). One
//! line per number ever given: a void number stays in the book with its reason and author.

mod fold;
mod query;

pub use query::{BookRow, RegisterFilter, RegisterLine};

pub(crate) use query::OWN_BOOKS;

pub(crate) use fold::{BOOK, Book, ENTRY, Entry, LINE, rows};

/// The read model's name.
pub(crate) const NAME: &str = "incoming_register";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 4;
