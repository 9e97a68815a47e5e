//! A store that was lost: the tree is made anew from the log, and speaks again once it agrees with the highest checkpoint
//! that anybody outside holds. Who controls the log could have rewritten it meanwhile; the notary must not sign that.

use socai_domain::{
    ledger::EventLog,
    proof::{TreeHash, checkpoint::NotTheLogs},
};
use thiserror::Error;

use super::{Notary, NotaryError, writer};

/// Why the tree does not speak.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AgreeError {
    /// It was not lost.
    #[error("the notary's store has its checkpoint, of {0} records: there is nothing to agree on")]
    NotLost(u64),
    /// The checkpoint given is not one of this log.
    #[error("this is not a checkpoint of this log, whose key is {key}: {why}")]
    NotOurs {
        /// The log's verifier key.
        key: String,
        /// What is wrong.
        why: NotTheLogs,
    },
    /// The log ends before it.
    #[error(
        "the checkpoint covers {signed} records, but the log has only {there}: the end of the log is lost. Restore its newest \
         copy; nothing was signed"
    )]
    Short {
        /// Records of the checkpoint.
        signed: u64,
        /// Records of the log.
        there: u64,
    },
    /// The log is another one.
    #[error(
        "the first {size} records of the log give the root {ours}, but the checkpoint says {theirs}: the log was rewritten \
         since it was signed. Restore the right copy of the log, keep both; nothing was signed"
    )]
    Rewritten {
        /// Records of the checkpoint.
        size: u64,
        /// The root made of the log.
        ours: TreeHash,
        /// The root that was signed.
        theirs: TreeHash,
    },
    /// The notary itself.
    #[error(transparent)]
    Notary(#[from] NotaryError),
}

/// Makes the tree of all that is in the log and signs it, if it begins with the tree of this checkpoint; without one, of
/// whatever is there. How many records it covers.
pub async fn agree(
    notary: &Notary,
    log: &dyn EventLog,
    checkpoint: Option<&[u8]>,
    told: impl Fn(u64),
) -> Result<u64, AgreeError> {
    let key = notary.verifier_key();
    let signed = checkpoint.map(|bytes| notary.signed_by_us(bytes)).transpose();
    let signed = signed.map_err(|why| AgreeError::NotOurs { key, why })?;
    let begin = notary.clone();
    let (tree, before) = writer::blocking(move || begin.load()).await?;
    if before.is_some() {
        return Err(AgreeError::NotLost(tree.size()));
    }
    let mut tree = writer::catch_up(log, tree, told).await?;
    let there = tree.size();
    if let Some(signed) = signed.as_ref().filter(|signed| signed.size() > there) {
        return Err(AgreeError::Short { signed: signed.size(), there });
    }
    let notary = notary.clone();
    let speak = move || {
        tree.stage()?;
        if let Some(head) = signed.map(|signed| signed.head()) {
            let ours = notary.hashes(head.size).root()?;
            if ours != head.root {
                return Ok(Some(AgreeError::Rewritten { size: head.size, ours, theirs: head.root }));
            }
        }
        notary.commit(&mut tree, None)?;
        Ok(None)
    };
    match writer::blocking(speak).await? {
        Some(refused) => Err(refused),
        None => Ok(there),
    }
}
