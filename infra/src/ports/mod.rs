//! What the inner crates ask of the outside world, answered: checkpoints, the erasure of files, files for the API.

mod checkpoints;
mod erasure;
mod files;

pub use checkpoints::FileCheckpoints;
pub use erasure::Erasure;
pub use files::BlobFiles;
