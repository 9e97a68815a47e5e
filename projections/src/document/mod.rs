//! Read model: the document. Its state, who has it and since when, its deadline and what that is made of, who may see it.
//!
//! [`Document`] is folded from the document's events and kept beside its row; the tables of the other read models are
//! pure functions of it, so that a row can never remember what the history does not say.

mod fold;
mod held;
pub mod query;
mod rows;
mod state;
mod weight;

pub use held::HeldBy;
pub use query::{DocumentRow, DocumentView};
pub use state::{
    Branch, Document, Erased, ExpungeAsked, OtherContent, Progress, Registration, Remark, ResolutionMade, Rework,
    Round, RoundEnd,
};

pub(crate) use rows::{DOCUMENT, PARTY, POSTGRES_INDEX, PartyKind, rows};

/// The read model's name.
pub(crate) const NAME: &str = "document";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 9;
