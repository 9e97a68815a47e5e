//! The notary on one of several servers: until it is its turn to sign, it shows what another one signs.

use std::sync::Arc;

use socai_domain::{proof::SecretKey, time::Clock};
use socai_projections::PostgresUrl;

use super::{
    Notary, NotaryError,
    postgres::{PostgresShelf, PostgresStore},
    standing::{Committed, Voice},
    unlike,
};

impl Notary {
    /// The notary of this log on one of several servers, with the store that all of them share: until it is this one's turn
    /// to sign, it shows what another one has signed.
    ///
    /// # Errors
    /// The store cannot be used at all.
    pub fn among_several(
        at: &PostgresUrl,
        key: SecretKey,
        within: u32,
        records: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotaryError> {
        let (store, beside) = (PostgresStore::among_several(at)?, Arc::new(PostgresShelf::open(at)?));
        // Who stands by begins nothing.
        let notary = Self::on(Arc::new(store), Some(beside), key, within, 1, clock)?;
        if records == 0 {
            notary.begin_among_others()?;
        }
        Ok(notary)
    }

    /// Whoever comes first begins the store; others may be at it, too.
    fn begin_among_others(&self) -> Result<(), NotaryError> {
        let mut failures = 0;
        while let Some(beside) = &self.0.beside
            && beside.checkpoint()?.is_none()
        {
            match self.begin().and_then(|()| self.give_key_away()) {
                Err(error) if error.may_pass() && failures < 3 => failures += 1,
                begun => return begun,
            }
        }
        Ok(())
    }

    /// Shows what another server has signed by now, and signs promises as that one does. Blocks.
    pub(super) fn look(&self) -> Result<(), NotaryError> {
        let Some(bytes) = self.0.beside.as_ref().map(|beside| beside.checkpoint()).transpose()?.flatten() else {
            // None is signed as long as there is nothing to go on from.
            self.0.standing.send_if_modified(|standing| {
                let spoke = matches!(standing.voice, Voice::Starting | Voice::Signing);
                if spoke {
                    standing.voice = Voice::Silent;
                }
                spoke
            });
            return Ok(());
        };
        if self.committed().is_some_and(|committed| committed.note.as_bytes() == bytes) {
            self.speak();
            return Ok(());
        }
        let checkpoint = self.signed_by_us(&bytes).map_err(|why| self.foreign(&why))?;
        let head = checkpoint.head();
        if self.hashes(head.size).root()? != head.root {
            return Err(unlike(head.size).into());
        }
        self.0.recent.catch_up(&*self.0.store, head.size)?;
        let reach = self.hashes(head.size).reach()?;
        self.publish(Committed { head, note: String::from_utf8_lossy(&bytes).into(), signed_at: None }, reach);
        self.speak();
        Ok(())
    }
}
