//! Read model: how long things take. A lag is the first arrival at a stage minus the first arrival at the one before;
//! what happens after something was given back is rework and shown apart. Wall time and working time, median, p90,
//! distribution. And the wait for paper.

mod distribution;
mod promptness;
mod query;
mod rows;

pub use distribution::Distribution;
pub use promptness::{PromptFigure, Promptness};
pub use query::{Lag, LagFigures, PaperFigures, PaperWait, ReworkFigures, ReworkSpell};

pub(crate) use rows::{LAG, PAPER, REWORK, rows};

/// The read model's name.
pub(crate) const NAME: &str = "lags";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 1;
