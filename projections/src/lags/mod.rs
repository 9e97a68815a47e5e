//! Read model: how long things take. A lag is the first arrival at a stage minus the first arrival at the one before;
//! what happens after something was given back is rework and shown apart. Wall time and working time, median, p90,
//! distribution. The wait for paper. And whether documents were registered and submitted in time.

mod distribution;
mod paper;
mod promptness;
mod query;
mod rework;
mod rows;

pub use distribution::{Clocked, Distribution, Took};
pub use paper::{PaperFigure, PaperFigures, PaperNumbers, PaperWait};
pub use promptness::{PromptDocument, PromptFigure, PromptStage, Promptness};
pub use query::{Lag, LagFigures};
pub use rework::{ReworkFigure, ReworkFigures, ReworkNumbers, ReworkSpell};

pub(crate) use rows::{LAG, PAPER, PROMPT, REWORK, rows};

/// The read model's name.
pub(crate) const NAME: &str = "lags";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 4;
