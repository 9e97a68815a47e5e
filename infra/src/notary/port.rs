//! The notary as the API asks it.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use socai_domain::{
    ledger::{Position, RecordHash},
    proof::{
        Note, Tile, TileKind, TreeHead, bundle, consistency, inclusion, leaf_hash, receipt::Promise,
        tlog_proof::TlogProof,
    },
    time::Timestamp,
};
use socai_graphql::notary::{self as api, Growth, Proof, Signed, Taken, Wanted};

use super::{Notary, StoreError, Voice, standing::Committed};

/// How long a promise waits at most, just after the start, until it is known whether anything is signed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why there is no answer.
enum Unread {
    Store(StoreError),
    /// It would have to be signed now, and nothing is.
    Unsigned,
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Committed {
    fn told(&self) -> Signed {
        let head = self.head;
        Signed { size: head.size, root: head.root, note: Arc::clone(&self.note), signed_at: self.signed_at }
    }
}

impl Notary {
    /// Reads where that holds up nobody. What is damaged is an alarm.
    fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self, &Committed) -> Result<T, Unread> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, api::NotaryError>> {
        let this = self.clone();
        async move {
            let Some(committed) = this.committed() else { return Err(this.nothing()) };
            let work = move || {
                let done = read(&this, &committed);
                if let Err(Unread::Store(error @ StoreError::Damaged(_))) = &done {
                    this.raise(error.to_string());
                }
                done.map_err(|error| match error {
                    Unread::Store(error) if error.may_pass() => unavailable(error),
                    Unread::Store(error) => api::NotaryError::Nothing(error.to_string()),
                    Unread::Unsigned => this.nothing(),
                })
            };
            tokio::task::spawn_blocking(work).await.map_err(unavailable)?
        }
        .boxed()
    }

    fn nothing(&self) -> api::NotaryError {
        match &self.0.standing.borrow().voice {
            Voice::Starting | Voice::Signing => api::NotaryError::Unavailable("it has not read its store yet".into()),
            Voice::Silent => api::NotaryError::Nothing("its store was lost".into()),
            Voice::Alarm(why) => api::NotaryError::Nothing(why.clone()),
        }
    }

    /// The signed head of the first `size` records: of the newest tree, the one that is kept; of another, signed anew, if
    /// anything is signed. Never two roots for one size: it is shown first to be the beginning of what was signed.
    fn head_of(&self, committed: &Committed, size: u64) -> Result<Signed, Unread> {
        if size == committed.head.size {
            return Ok(committed.told());
        }
        if self.0.standing.borrow().voice != Voice::Signing {
            return Err(Unread::Unsigned);
        }
        let head = TreeHead { size, root: self.hashes(size).root()? };
        let way = self.hashes(committed.head.size).consistency(size)?.unwrap_or_default();
        consistency::verify(head, committed.head, &way).map_err(damaged)?;
        let note = self.sign(head).map_err(damaged)?;
        Ok(Signed { size, root: head.root, note: note.to_string().into(), signed_at: None })
    }

    fn covered(&self, committed: &Committed, index: u64, record: RecordHash) -> Result<Proof, StoreError> {
        let TreeHead { size, root } = committed.head;
        let hashes = self.hashes(size).inclusion(index)?.unwrap_or_default();
        inclusion::verify(leaf_hash(&record), index, size, root, &hashes).map_err(damaged)?;
        let note = Note::parse(committed.note.as_bytes()).map_err(damaged)?;
        let text = TlogProof::new(record, index, hashes, note).to_string();
        Ok(Proof::Covered { index, size, text })
    }
}

/// The store holds something else than was signed.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn damaged(error: impl ToString) -> StoreError {
    StoreError::Damaged(format!("the tree in the notary's store is not the one that was signed: {}", error.to_string()))
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn unavailable(error: impl ToString) -> api::NotaryError {
    api::NotaryError::Unavailable(error.to_string())
}

impl api::Notary for Notary {
    fn standing(&self) -> api::Standing {
        let standing = self.0.standing.borrow();
        let voice = match &standing.voice {
            Voice::Starting => api::Voice::Starting,
            Voice::Signing => api::Voice::Signing,
            Voice::Silent => api::Voice::Silent,
            Voice::Alarm(why) => api::Voice::Alarm(why.clone()),
        };
        let committed = standing.committed.as_ref();
        let cosigned = self.0.cosigned.borrow();
        // With cosignatures, where the newest one has them.
        let cosigned =
            cosigned.as_ref().filter(|cosigned| committed.is_some_and(|newest| newest.head == cosigned.head));
        let signed = committed.map(|newest| Signed {
            note: Arc::clone(&cosigned.map_or(newest, |cosigned| cosigned).note),
            ..newest.told()
        });
        api::Standing { key: self.0.key.public().clone(), signed, voice }
    }

    fn cosigned(&self) -> Option<Signed> {
        self.0.cosigned.borrow().as_ref().map(|cosigned| cosigned.told())
    }

    fn witnesses(&self) -> Vec<api::Asked> {
        self.0.witnesses.borrow().clone()
    }

    fn promise(&self, taken: Taken) -> BoxFuture<'_, Option<String>> {
        async move {
            let mut standing = self.0.standing.subscribe();
            let known = standing.wait_for(|standing| standing.voice != Voice::Starting);
            let voice = tokio::time::timeout(PATIENCE, known).await.ok()?.ok()?.voice.clone();
            let reach = standing.borrow().reach;
            let due = |recorded| api::Notary::due(self, recorded);
            if voice != Voice::Signing || !self.0.promises.may_give(taken, reach, due) {
                return None;
            }
            let Taken { stream, revision, hash, recorded, .. } = taken;
            let origin = self.0.key.public().name().clone();
            let promise = Promise { origin, stream, revision, hash, recorded, within: self.0.within };
            promise.sign(&self.0.key).map(|note| note.to_string()).ok()
        }
        .boxed()
    }

    fn due(&self, recorded: Timestamp) -> Timestamp {
        recorded.plus_micros(i64::from(self.0.within) * 1_000_000)
    }

    fn leaves(&self, positions: Vec<Position>) -> BoxFuture<'_, Result<Vec<Option<u64>>, api::NotaryError>> {
        self.reading(move |this, committed| {
            let hashes = this.hashes(committed.head.size);
            positions.into_iter().map(|position| Ok(hashes.leaf_at(position.place())?)).collect()
        })
    }

    fn prove(&self, wanted: Wanted) -> BoxFuture<'_, Result<Proof, api::NotaryError>> {
        self.reading(move |this, committed| {
            let hashes = this.hashes(committed.head.size);
            let leaf = match wanted {
                Wanted::Record(id) => this.0.recent.find(&*this.0.store, id)?,
                Wanted::At(position) => hashes.leaf_at(position.place())?,
            };
            match leaf {
                Some(index) if index < committed.head.size => {
                    // What others vouch for, too, is worth more than what is newest.
                    let cosigned = this.0.cosigned.borrow().clone().filter(|cosigned| index < cosigned.head.size);
                    Ok(this.covered(cosigned.as_deref().unwrap_or(committed), index, hashes.entry(index)?)?)
                }
                // Taken into the tree, but not committed: its time is at most now.
                Some(_) => Ok(Proof::NotYet { by: api::Notary::due(this, this.0.clock.now()) }),
                None => Ok(Proof::Unknown),
            }
        })
    }

    fn growth(&self, from: u64, to: Option<u64>) -> BoxFuture<'_, Result<Option<Growth>, api::NotaryError>> {
        self.reading(move |this, committed| {
            let to = to.unwrap_or(committed.head.size);
            if from > to || to > committed.head.size {
                return Ok(None);
            }
            let Some(hashes) = this.hashes(to).consistency(from)? else { return Ok(None) };
            let (from, to) = (this.head_of(committed, from)?, this.head_of(committed, to)?);
            let head = |signed: &Signed| TreeHead { size: signed.size, root: signed.root };
            consistency::verify(head(&from), head(&to), &hashes).map_err(damaged)?;
            Ok(Some(Growth { hashes, from, to }))
        })
    }

    fn signed(&self, size: u64) -> BoxFuture<'_, Result<Option<Signed>, api::NotaryError>> {
        self.reading(
            move |this, committed| {
                if size > committed.head.size { Ok(None) } else { this.head_of(committed, size).map(Some) }
            },
        )
    }

    fn tile(&self, tile: Tile) -> BoxFuture<'_, Result<Option<Vec<u8>>, api::NotaryError>> {
        self.reading(move |this, committed| {
            let size = committed.head.size;
            let there = Tile::within(tile.kind(), tile.index(), size);
            if there.is_none_or(|there| there.width() < tile.width()) {
                return Ok(None);
            }
            let hashes = this.hashes(size);
            Ok(Some(match tile.kind() {
                TileKind::Entries => bundle::write_entries(&hashes.entries(tile)?),
                TileKind::Hashes(_) => bundle::write_hashes(&hashes.tile(tile)?),
            }))
        })
    }
}
