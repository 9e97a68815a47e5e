//! The notary: follows the log's one order, keeps the tree over all records (RFC 6962), signs its heads, and proves from it.
//!
//! ```text
//! log ──follow──► leaves ──► tree ──stage──► store ──swap──► checkpoint ──publish──► whoever asks
//! ```
//!
//! - [`store`]: what it asks of the place where it keeps the tree; [`directory`]: files; [`postgres`]: rows of a database;
//!   [`ids`]: finding a record by its id.
//! - [`tree`]: the growing tree; [`hashes`]: reading what is kept.
//! - [`standing`]: what it says of itself; [`promises`]: what it owes.
//! - [`writer`]: the one task that follows, commits and publishes; [`check`]: is this the log that was signed?
//! - [`port`]: how the API asks it; [`beside`]: how an export reads it; [`compare`]: how `socai fsck` holds it against the log;
//!   [`agree`]: a store that was lost; [`asking`]: has checkpoints cosigned by witnesses; [`several`]: one of several servers.
//!
//! It never holds up a command and never stops the program. If the log is not the one it signed, it raises an alarm and signs
//! nothing more; what was signed before can still be read.

pub mod agree;
pub mod asking;
mod beside;
mod check;
mod compare;
mod directory;
mod hashes;
mod ids;
#[cfg(test)]
pub(crate) mod memory;
mod port;
mod postgres;
mod posting;
mod promises;
mod several;
mod standing;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod writer;

use std::sync::Arc;

use socai_domain::{
    ledger::{EventLog, Following, ReadError},
    proof::{Checkpoint, Note, SecretKey, TreeHead, checkpoint::NotTheLogs},
    time::Clock,
};
use socai_graphql::notary::Asked;
use thiserror::Error;
use tokio::sync::watch;

pub use self::{
    beside::{Beside, BesideError, has_signed, signed_size},
    standing::Voice,
    store::StoreError,
};
pub(crate) use self::{compare::Difference, postgres::TABLE};
use self::{
    directory::DirectoryStore,
    hashes::{Hashes, Kept},
    ids::Recent,
    postgres::PostgresStore,
    promises::Promises,
    standing::{Committed, Standing},
    store::{NotaryStore, Shelf, Text},
    tree::Tree,
};
use crate::config::Location;
use socai_projections::Lease;

/// The file in the store's directory that holds the newest checkpoint.
const CHECKPOINT: &str = "checkpoint";

/// Why the notary does not start, or does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotaryError {
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error("the notary cannot follow the log: {0}")]
    Log(#[from] ReadError),
    /// What was signed and what is there do not belong together.
    #[error("{0}")]
    Alarm(String),
    /// Its task was ended.
    #[error("the notary was ended: {0}")]
    Ended(String),
}

impl NotaryError {
    /// May it pass by itself? If not, a person must act.
    fn may_pass(&self) -> bool {
        match self {
            Self::Store(error) => error.may_pass(),
            Self::Log(error) => error.may_pass(),
            Self::Alarm(_) | Self::Ended(_) => false,
        }
    }
}

/// The notary, for whoever asks it. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Notary(Arc<Inner>);

struct Inner {
    store: Arc<dyn NotaryStore>,
    /// Among several servers: how what another one signs is read.
    beside: Option<Arc<dyn Shelf>>,
    recent: Arc<Recent>,
    kept: Arc<Kept>,
    key: SecretKey,
    clock: Arc<dyn Clock>,
    /// Seconds within which a record is covered: the maximum merge delay.
    within: u32,
    standing: watch::Sender<Standing>,
    promises: Promises,
    /// The newest checkpoint with a quorum of cosignatures.
    cosigned: watch::Sender<Option<Arc<Committed>>>,
    /// Who is asked to cosign.
    witnesses: watch::Sender<Vec<Asked>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notary({} in {:?})", self.key.public().name(), self.store)
    }
}

impl Notary {
    /// The notary of this log, with its store where `at` says; it covers every record `within` so many seconds. The
    /// store of a log without records is begun at once, before anything
    /// can be taken: later, a store that is missing was lost. Blocks while it waits for the disk or the database.
    ///
    /// # Errors
    /// The store cannot be used at all, or another notary has it.
    pub fn open(
        at: impl Into<Location>,
        key: SecretKey,
        within: u32,
        records: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotaryError> {
        let store: Arc<dyn NotaryStore> = match at.into() {
            Location::Path(dir) => Arc::new(DirectoryStore::open(&dir)?),
            Location::Postgres(address) => Arc::new(PostgresStore::open(&address)?),
        };
        let notary = Self::on(store, None, key, within, records, clock)?;
        notary.give_key_away()?;
        Ok(notary)
    }

    /// Keeps the verifier key beside the tree. Not beside a checkpoint of another key: whoever reads the store checks it with
    /// this one.
    fn give_key_away(&self) -> Result<(), NotaryError> {
        let (store, key) = (&self.0.store, format!("{}\n", self.verifier_key()));
        let ours = |bytes: Vec<u8>| self.signed_by_us(&bytes).is_ok();
        if store.load()?.is_none_or(ours) && store.text(Text::PublicKey)?.as_deref() != Some(key.as_bytes()) {
            store.keep(Text::PublicKey, key.as_bytes())?;
        }
        Ok(())
    }

    /// Signs the tree without leaves, where nothing ever was.
    fn begin(&self) -> Result<(), NotaryError> {
        if self.0.store.load()?.is_none() {
            let mut tree = Tree::load(Arc::clone(&self.0.store), Arc::clone(&self.0.recent), 0)?;
            self.commit(&mut tree, None)?;
        }
        Ok(())
    }

    fn on(
        store: Arc<dyn NotaryStore>,
        beside: Option<Arc<dyn Shelf>>,
        key: SecretKey,
        within: u32,
        records: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotaryError> {
        let notary = Self(Arc::new(Inner {
            store,
            beside,
            recent: Arc::default(),
            kept: Arc::new(Kept::few()),
            key,
            clock,
            within,
            standing: watch::Sender::default(),
            promises: Promises::default(),
            cosigned: watch::Sender::default(),
            witnesses: watch::Sender::default(),
        }));
        if records == 0 {
            notary.begin()?;
        }
        Ok(notary)
    }

    /// Signs this head.
    fn sign(&self, head: TreeHead) -> Result<Note, NotaryError> {
        let key = &self.0.key;
        let signed = Checkpoint::new(key.public().name().clone(), head).sign(key);
        signed.map_err(|error| NotaryError::Alarm(error.to_string()))
    }

    /// Reads a checkpoint that must be by this log's key.
    fn signed_by_us(&self, bytes: &[u8]) -> Result<Checkpoint, NotTheLogs> {
        Checkpoint::open(&Note::parse(bytes)?, self.0.key.public())
    }

    /// Stages what is waiting, signs the tree's head in the place of the checkpoint `before`, and then shows it. The
    /// checkpoint's bytes.
    fn commit(&self, tree: &mut Tree, before: Option<&[u8]>) -> Result<Arc<str>, NotaryError> {
        if let Voice::Alarm(why) = self.0.standing.borrow().voice.clone() {
            return Err(NotaryError::Alarm(why));
        }
        tree.stage()?;
        let head = TreeHead { size: tree.size(), root: tree.root() };
        let note: Arc<str> = self.sign(head)?.to_string().into();
        self.0.store.swap(before, note.as_bytes())?;
        let signed_at = Some(self.0.clock.now());
        self.publish(Committed { head, note: Arc::clone(&note), signed_at }, tree.reach());
        Ok(note)
    }

    fn publish(&self, committed: Committed, reach: u64) {
        self.0.standing.send_modify(|standing| {
            (standing.committed, standing.reach) = (Some(Arc::new(committed)), reach);
        });
    }

    /// The tree that was committed, as the store has it, with its checkpoint, which is shown from now on; or a tree without
    /// leaves where nothing ever was.
    fn load(&self) -> Result<(Tree, Option<Arc<str>>), NotaryError> {
        let tree = |size| Tree::load(Arc::clone(&self.0.store), Arc::clone(&self.0.recent), size);
        let Some(bytes) = self.0.store.load()? else { return Ok((tree(0)?, None)) };
        let checkpoint = self.signed_by_us(&bytes).map_err(|why| self.foreign(&why))?;
        let head = checkpoint.head();
        let tree = tree(head.size)?;
        if tree.root() != head.root {
            return Err(unlike(head.size).into());
        }
        let note: Arc<str> = String::from_utf8_lossy(&bytes).into();
        let signed_at = self.committed().filter(|before| before.note == note).and_then(|before| before.signed_at);
        self.publish(Committed { head, note: Arc::clone(&note), signed_at }, tree.reach());
        Ok((tree, Some(note)))
    }

    fn foreign(&self, why: &NotTheLogs) -> NotaryError {
        NotaryError::Alarm(format!(
            "the checkpoint of the notary's store {:?} is not one of this log ({}): {why}. Put back the log's key and its \
             origin as they were, or the store from its backup",
            self.0.store,
            self.0.key.public()
        ))
    }

    /// The last tree that was committed; none in a store that was lost or cannot be read.
    fn committed(&self) -> Option<Arc<Committed>> {
        self.0.standing.borrow().committed.clone()
    }

    /// The tree of so many leaves, which the committed one must have.
    fn hashes(&self, size: u64) -> Hashes<'_> {
        Hashes::new(&*self.0.store, size).with(&self.0.kept)
    }

    /// What others need to check its signatures: `origin+id+key`.
    pub fn verifier_key(&self) -> String {
        self.0.key.public().to_string()
    }

    /// Sets the gauges that change by time alone.
    pub fn measure(&self) {
        let standing = self.0.standing.borrow().clone();
        let number = |voice| match voice {
            Voice::Starting | Voice::Signing => 0.0,
            Voice::Silent => 1.0,
            Voice::Alarm(_) => 2.0,
        };
        metrics::gauge!("socai_notary_alarm").set(number(standing.voice));
        if let Some(committed) = standing.committed {
            #[allow(clippy::cast_precision_loss)] // gauges for people
            metrics::gauge!("socai_notary_tree_size").set(committed.head.size as f64);
            if let Some(at) = committed.signed_at {
                let micros = self.0.clock.now().as_micros().saturating_sub(at.as_micros());
                #[allow(clippy::cast_precision_loss)]
                metrics::gauge!("socai_notary_checkpoint_age_seconds").set(micros as f64 / 1e6);
            }
        }
    }

    /// Follows the log until `shutdown` ends, and commits what it has then; while another server has the `lease`, it shows
    /// what that one signs. See [`writer`].
    ///
    /// # Errors
    /// What does not pass by itself; the alarm is raised by then.
    pub async fn run(
        self,
        log: Arc<dyn EventLog>,
        state: watch::Sender<Following>,
        lease: Lease,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), NotaryError> {
        writer::run(self, log, state, writer::BETWEEN, lease, shutdown).await
    }

    /// Signs from now on, if nothing is against it.
    fn speak(&self) {
        self.0.standing.send_if_modified(|standing| {
            let first = matches!(standing.voice, Voice::Starting | Voice::Silent);
            if first {
                standing.voice = Voice::Signing;
            }
            first
        });
    }

    /// Signs nothing any more: a person must act. The first reason stays.
    fn raise(&self, why: String) {
        self.0.standing.send_if_modified(|standing| {
            let first = !matches!(standing.voice, Voice::Alarm(_));
            if first {
                standing.voice = Voice::Alarm(why);
            }
            first
        });
    }

    /// Ready with the reason when an alarm was raised.
    async fn alarmed(&self) -> String {
        let mut standing = self.0.standing.subscribe();
        let raised = standing.wait_for(|standing| matches!(standing.voice, Voice::Alarm(_))).await;
        match raised.map(|standing| standing.voice.clone()) {
            Ok(Voice::Alarm(why)) => why,
            // The sender lives as long as `self`.
            _ => std::future::pending().await,
        }
    }

    /// Waits until so many records are covered by a checkpoint; false if that will not be, because nothing is signed.
    pub async fn covers(&self, records: u64) -> bool {
        let mut standing = self.0.standing.subscribe();
        let settled = |standing: &Standing| {
            matches!(standing.voice, Voice::Silent | Voice::Alarm(_))
                || standing.committed.as_ref().is_some_and(|committed| committed.head.size >= records)
        };
        // The sender lives as long as `self`.
        let settled = standing.wait_for(settled).await;
        settled.is_ok_and(|standing| !matches!(standing.voice, Voice::Silent | Voice::Alarm(_)))
    }
}

fn unlike(size: u64) -> StoreError {
    StoreError::Damaged(format!("the tree of {size} leaves has another root than its checkpoint says"))
}
