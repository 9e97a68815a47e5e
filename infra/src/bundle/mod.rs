//! The audit bundle: all that is needed to show a stranger, offline, what happened to one document and that it was lawful.
//!
//! ```text
//! log, key ring, notary ──gather──► records, proofs, keys ──┬──► trail ──► manifest ──► container (a ZIP)
//! container ──verify──► records, proofs, keys ──► the same trail? the same judgement? ──► faults, named
//! ```
//!
//! - [`container`], [`manifest`], [`names`], [`keys`], [`consistency`]: the format, described in `docs/BUNDLE.md`.
//! - [`records`], [`facts`]: what the records are, and what they say. [`judge`]: the judgement of authority, run again.
//! - [`trail`], [`html`]: the trail for programs and for people.
//! - [`gather`]: the export. [`verify`], [`fault`]: the check.

mod consistency;
mod container;
mod facts;
mod fault;
mod fuzz;
mod gather;
mod html;
mod judge;
mod keys;
mod manifest;
mod names;
mod pack;
mod records;
#[cfg(test)]
mod tests;
mod trail;
mod verify;

pub use container::{MAX_BUNDLE_LEN, NotAContainer, TooLarge};
pub use fault::{Fault, Kind};
pub use fuzz::fuzz_bundle;
pub use gather::{BundleError, Bundled, Wanted, gather};
pub use judge::{Judged, Verdict};
pub use verify::{About, Question, Report};
