//! What is shown.

pub(crate) mod branch;
pub(crate) mod counted;
pub(crate) mod deadline;
pub(crate) mod details;
pub(crate) mod document;
pub(crate) mod figures;
pub(crate) mod follow_up;
pub(crate) mod ledger;
pub(crate) mod notary;
mod parts;
pub(crate) mod people;
pub(crate) mod register;
pub(crate) mod savings;
pub(crate) mod times;
pub(crate) mod trail;
pub(crate) mod words;
pub(crate) mod work;
