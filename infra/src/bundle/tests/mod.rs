//! Bundles of a real ledger: exported, checked, and changed in every way that somebody could want.

mod honest;
mod hostile;
mod office;
