//! Whose the files are, and how much that ledger had when they were last used: so that neither another ledger nor an older
//! copy of this one removes what it does not know.

use std::{fmt, str::FromStr};

use socai_domain::ledger::LedgerId;
use thiserror::Error;

/// A ledger with so many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which.
    pub ledger: LedgerId,
    /// How many it had, at least.
    pub records: u64,
}

/// A mark as it was read, to be replaced only as long as nobody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What it says.
    pub mark: Mark,
    /// How the storage tells this writing of it from others, if it does.
    pub(super) etag: Option<String>,
}

/// It is no mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not the id of a ledger and a number of records")]
pub struct NotAMark;

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ledger, self.records)
    }
}

impl FromStr for Mark {
    type Err = NotAMark;

    fn from_str(text: &str) -> Result<Self, NotAMark> {
        let (ledger, records) = text.split_once(' ').ok_or(NotAMark)?;
        let ledger = ledger.parse().map_err(|_| NotAMark)?;
        Ok(Self { ledger: LedgerId(ledger), records: records.parse().map_err(|_| NotAMark)? })
    }
}
