//! A notary whose tree is in memory: the contract of the port as plain data.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, ready},
};
use socai_domain::{
    ledger::{EventLog, Followed, Position, RecordHash},
    proof::{
        Checkpoint, KeyName, Node, Note, SecretKey, SignatureKind, Tile, TileKind, TreeHash, TreeHead, bundle,
        consistency, inclusion, leaf_hash, node_hash, receipt::Promise, tlog_proof::TlogProof, tree,
    },
    testing::MORNING,
    time::Timestamp,
};
use socai_graphql::notary::{
    Asked, Growth, Notary, NotaryError, Problem, Proof, Signed, Standing, Taken, Voice, Wanted,
};

/// Seconds within which its receipts promise a checkpoint.
pub(crate) const WITHIN: u32 = 60;

/// What it knows of the log, and what it says.
#[derive(Debug)]
struct State {
    records: Vec<(RecordHash, Position)>,
    /// So many of them are covered.
    size: usize,
    /// Covers nothing more until it is let go.
    held: bool,
    voice: Voice,
}

/// A notary in memory.
#[derive(Debug)]
pub(crate) struct MemoryNotary {
    key: SecretKey,
    state: Mutex<State>,
}

type Answer<T> = BoxFuture<'static, Result<T, NotaryError>>;

fn answer<T: Send + 'static>(answer: T) -> Answer<T> {
    ready(Ok(answer)).boxed()
}

impl MemoryNotary {
    /// Follows this log for as long as the runtime lives.
    pub(crate) fn of(log: &Arc<dyn EventLog>) -> Arc<Self> {
        let key = SecretKey::new(KeyName::new("log.example/ví-dụ").unwrap(), SignatureKind::Note, &[9; 32]);
        let state = State { records: Vec::new(), size: 0, held: false, voice: Voice::Signing };
        let this = Arc::new(Self { key, state: Mutex::new(state) });
        let (notary, mut followed) = (Arc::clone(&this), log.follow(None));
        tokio::spawn(async move {
            while let Some(Ok(told)) = followed.next().await {
                let Followed::Records(records) = told else { continue };
                let mut state = notary.state();
                state.records.extend(records.iter().map(|recorded| (recorded.record.hash(), recorded.position)));
                state.size = if state.held { state.size } else { state.records.len() };
            }
        });
        this
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Covers nothing more, or everything again.
    pub(crate) fn hold(&self, held: bool) {
        let mut state = self.state();
        state.held = held;
        state.size = if held { state.size } else { state.records.len() };
    }

    /// How many records it covers.
    pub(crate) fn covers(&self) -> u64 {
        self.state().size as u64
    }

    pub(crate) fn say(&self, voice: Voice) {
        self.state().voice = voice;
    }

    pub(crate) fn key(&self) -> &SecretKey {
        &self.key
    }
}

impl State {
    fn node(&self, node: Node) -> Result<TreeHash, NotaryError> {
        let Some(level) = node.level.checked_sub(1) else {
            let record = self.records.get(usize::try_from(node.index).unwrap());
            return record.map(|(hash, _)| leaf_hash(hash)).ok_or(NotaryError::Unavailable(format!("{node:?}")));
        };
        let below = |index| self.node(Node { level, index });
        Ok(node_hash(&below(2 * node.index)?, &below(2 * node.index + 1)?))
    }

    fn signed(&self, key: &SecretKey, size: u64) -> Signed {
        let root = tree::root(size, |node| self.node(node)).unwrap();
        let note = Checkpoint::new(key.public().name().clone(), TreeHead { size, root }).sign(key).unwrap();
        Signed { size, root, note: note.to_string().into(), signed_at: None }
    }
}

impl Notary for MemoryNotary {
    fn standing(&self) -> Standing {
        let state = self.state();
        let signed = (state.voice != Voice::Silent).then(|| state.signed(&self.key, state.size as u64));
        Standing { key: self.key.public().clone(), signed, voice: state.voice.clone() }
    }

    fn cosigned(&self) -> Option<Signed> {
        None
    }

    fn witnesses(&self) -> Vec<Asked> {
        let problem = Some(Problem::Refuses("secret".into()));
        vec![
            Asked { name: "so-b".into(), cosigned: Some((1, MORNING)), problem: None },
            Asked { name: "so-c".into(), cosigned: None, problem },
        ]
    }

    fn promise(&self, taken: Taken) -> BoxFuture<'_, Option<String>> {
        let Taken { stream, revision, hash, recorded, .. } = taken;
        let origin = self.key.public().name().clone();
        let promise = Promise { origin, stream, revision, hash, recorded, within: WITHIN };
        let signs = self.state().voice == Voice::Signing;
        ready(signs.then(|| promise.sign(&self.key).unwrap().to_string())).boxed()
    }

    fn due(&self, recorded: Timestamp) -> Timestamp {
        recorded.plus_micros(i64::from(WITHIN) * 1_000_000)
    }

    fn leaves(&self, positions: Vec<Position>) -> Answer<Vec<Option<u64>>> {
        let state = self.state();
        let covered = &state.records[..state.size];
        let leaf = |at: Position| covered.iter().position(|(_, position)| *position == at).map(|leaf| leaf as u64);
        answer(positions.into_iter().map(leaf).collect())
    }

    fn prove(&self, wanted: Wanted) -> Answer<Proof> {
        let state = self.state();
        if state.voice == Voice::Silent {
            return ready(Err(NotaryError::Nothing("its store was lost".into()))).boxed();
        }
        let is = |(hash, position): &(RecordHash, Position)| match wanted {
            Wanted::Record(id) => hash.id() == id,
            Wanted::At(at) => *position == at,
        };
        let proof = match state.records.iter().position(is) {
            Some(leaf) if leaf < state.size => {
                let (index, size, record) = (leaf as u64, state.size as u64, state.records[leaf].0);
                let hashes = inclusion::prove(index, size, |node| state.node(node)).unwrap().unwrap();
                let note = Note::parse(state.signed(&self.key, size).note.as_bytes()).unwrap();
                Proof::Covered { index, size, text: TlogProof::new(record, index, hashes, note).to_string() }
            }
            Some(_) => Proof::NotYet { by: Timestamp::default() },
            None => Proof::Unknown,
        };
        answer(proof)
    }

    fn growth(&self, from: u64, to: Option<u64>) -> Answer<Option<Growth>> {
        let state = self.state();
        let to = to.unwrap_or(state.size as u64);
        if from > to || to > state.size as u64 {
            return answer(None);
        }
        let hashes = consistency::prove(from, to, |node| state.node(node)).unwrap().unwrap();
        answer(Some(Growth { hashes, from: state.signed(&self.key, from), to: state.signed(&self.key, to) }))
    }

    fn signed(&self, size: u64) -> Answer<Option<Signed>> {
        let state = self.state();
        answer((size <= state.size as u64).then(|| state.signed(&self.key, size)))
    }

    fn tile(&self, tile: Tile) -> Answer<Option<Vec<u8>>> {
        let state = self.state();
        let there = Tile::within(tile.kind(), tile.index(), state.size as u64);
        if there.is_none_or(|there| there.width() < tile.width()) {
            return answer(None);
        }
        answer(Some(match tile.kind() {
            TileKind::Hashes(_) => {
                bundle::write_hashes(&tile.nodes().map(|node| state.node(node).unwrap()).collect::<Vec<_>>())
            }
            TileKind::Entries => {
                let first = usize::try_from(tile.index()).unwrap() * 256;
                let entries = &state.records[first..first + usize::from(tile.width())];
                bundle::write_entries(&entries.iter().map(|(hash, _)| *hash).collect::<Vec<_>>())
            }
        }))
    }
}
