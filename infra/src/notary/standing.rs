//! What the notary says of itself.

use std::sync::Arc;

use socai_domain::{proof::TreeHead, time::Timestamp};

/// A head of the tree that was signed and is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// Size and root.
    pub(crate) head: TreeHead,
    /// The signed note, perhaps with cosignatures.
    pub(crate) note: Arc<str>,
    /// When this process signed it; unknown of one that was found.
    pub(crate) signed_at: Option<Timestamp>,
}

/// Whether it signs, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Voice {
    /// It has not looked yet whether the log is the one that it signed.
    #[default]
    Starting,
    /// It signs.
    Signing,
    /// Its store was lost: what it has made of the log is shown to nobody until it agrees with what others hold.
    Silent,
    /// What it signed and what is there do not belong together: a person must act.
    Alarm(String),
}

/// The last committed tree, and whether there will be more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// None before the store was read, and in a store that was lost or is damaged.
    pub(crate) committed: Option<Arc<Committed>>,
    /// The place in the log of the last record that it covers; 0 where it covers none.
    pub(crate) reach: u64,
    /// Does it sign?
    pub(crate) voice: Voice,
}
