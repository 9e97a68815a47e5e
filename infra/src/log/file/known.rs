//! How far a log is known to go, because somebody was told so. One that ends before was damaged, not torn.

use socai_domain::ledger::Position;

use super::error::OpenLogError;

/// How far somebody was told that a log goes. By default nobody was told anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A position that was told, which says of which log.
    pub position: Option<Position>,
    /// How many records were signed, of whichever log.
    pub signed: u64,
}

impl Known {
    /// The place that the log reaches at least.
    pub fn place(self) -> u64 {
        self.told().max(self.signed)
    }

    /// The place that a log which ends well reaches at least: what was signed is for the notary to judge then.
    pub(crate) fn told(self) -> u64 {
        self.position.map_or(0, Position::place)
    }

    /// The log in which `here` is must be the one that was told of.
    pub(crate) fn check(self, here: Position) -> Result<(), OpenLogError> {
        match self.position.filter(|position| !position.same_log(here)) {
            Some(wanted) => Err(OpenLogError::OtherLog { wanted, found: here }),
            None => Ok(()),
        }
    }
}

impl From<Position> for Known {
    fn from(position: Position) -> Self {
        Self { position: Some(position), signed: 0 }
    }
}
