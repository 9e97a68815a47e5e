//! How far the log of a data directory is known to go, by what lies beside it.

use socai_commands::CHECKPOINT;

use crate::{config::Config, log::Known, notary, ports::FileCheckpoints};

/// As far as the reactions have come, and as far as the notary has signed: each may be behind the other, or lost.
///
/// # Errors
/// What lies there cannot be read.
pub fn known(config: &Config) -> Result<Known, String> {
    let position = FileCheckpoints::new(&config.data).read(CHECKPOINT).map_err(|error| error.to_string())?;
    let signed = notary::signed_size(&config.notary).map_err(|error| error.to_string())?;
    Ok(Known { position, signed })
}
