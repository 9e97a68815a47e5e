//! What the inner crates ask of the outside world, answered: checkpoints, the erasure of files, files for the API; and the
//! sweeping of files that nobody attached.

mod checkpoints;
mod claim;
mod erasure;
mod files;
mod sweep;
#[cfg(test)]
mod testing;

pub use checkpoints::FileCheckpoints;
pub(crate) use checkpoints::Unread;
pub use claim::NotClaimed;
pub(crate) use claim::claim;
pub use erasure::Erasure;
pub(crate) use erasure::{WITH_FILES, files_of};
pub use files::BlobFiles;
pub use sweep::Sweep;
