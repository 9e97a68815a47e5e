//! The export: reads the log, the key ring and the notary's store, takes no lock, writes to none of them.
//!
//! The log is read twice from its first record on: once for the document, and, when it is known who acted and by what it was
//! judged, once for those.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use socai_domain::{
    id::IncomingId,
    incoming,
    ledger::{
        DomainEvent, KeyRing, KeyState, LedgerId, RecordKey, Revision, StreamId, StreamKind, body,
        catalogue::RegisterEvent, keys::StreamCipher,
    },
    proof::{Checkpoint, Note, Policy, checkpoint::NotACheckpoint, note::NotANote, policy::PolicyFault},
};
use thiserror::Error;

use super::{
    consistency,
    container::TooLarge,
    facts::Facts,
    pack::{Gathered, Proven},
    verify::{Question, Report},
};
use crate::{
    blobs::{self, BlobError, BlobHash, BlobStore},
    config::{Config, Location},
    keyring::RingReader,
    keys::{self, KeysError},
    known,
    log::{
        Known, OpenLogError,
        file::beside::Placed,
        reading::{Reading, ever},
    },
    notary::{Beside, BesideError},
};

/// What is exported.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The document.
    pub document: IncomingId,
    /// Without keys: headers, chain and proofs only.
    pub sealed: bool,
    /// With the contents of its files.
    pub with_files: bool,
    /// Show that the log grew from this checkpoint, too.
    pub since: Option<Vec<u8>>,
    /// How long to wait for the notary to cover the newest record.
    pub patience: Duration,
}

/// A bundle, and what a checker finds in it.
#[derive(Debug)]
pub struct Bundled {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What was found when it was checked with the log's own key.
    pub report: Report,
}

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// There is no such document.
    #[error("there is no record of {0} in this ledger: give the document's id, as the API shows it")]
    NotFound(StreamId),
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// What tells how far the log goes at least.
    #[error("{0}")]
    Known(String),
    /// The key ring.
    #[error("{0}; with --sealed no keys are needed, and headers, chain and proofs are exported")]
    Keys(#[from] KeysError),
    /// A key.
    #[error(transparent)]
    Key(#[from] socai_domain::ledger::KeyError),
    /// The notary's store.
    #[error(transparent)]
    Notary(#[from] BesideError),
    /// The newest record is not covered yet.
    #[error(
        "the notary's checkpoint covers {covered} records of the log, and not yet all of {document}: is the server running, and \
         its notary signing? Ask again when it has signed"
    )]
    NotCovered {
        /// The document.
        document: StreamId,
        /// Records that the checkpoint covers.
        covered: u64,
    },
    /// A file.
    #[error("file {name} ({hash}): {what}; export without --with-files, or restore the file")]
    File {
        /// What it is called.
        name: String,
        /// Its hash.
        hash: BlobHash,
        /// What is wrong.
        what: String,
    },
    /// The store of files.
    #[error(transparent)]
    Files(#[from] BlobError),
    /// The earlier checkpoint.
    #[error("the checkpoint since which the log is to have grown: {0}")]
    Since(String),
    /// Too much for one file.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The log's key cannot be one.
    #[error("the log's key: {0}")]
    Policy(#[from] PolicyFault),
    /// The reader ended that should not have.
    #[error("reading the log stopped: {0}")]
    Stopped(String),
}

/// How long between two looks at the notary's checkpoint.
const APART: Duration = Duration::from_millis(50);
/// How long witnesses are waited for, where there are some. Without them the bundle has the log's own signature.
const WITNESSES: Duration = Duration::from_secs(10);

/// Exports a document. With `own`, the log is the one of the data directory and must not be shorter than is known.
/// `on_progress` is told how much of the log was read, of how much.
pub async fn gather(
    config: &Config,
    own: bool,
    wanted: &Wanted,
    on_progress: impl Fn(u64, u64) + Send + Sync + 'static,
) -> Result<Bundled, BundleError> {
    let known = if own { known(config).map_err(BundleError::Known)? } else { Known::default() };
    let reading = Told { log: Reading::open(&config.log, known).await?, on_progress: Arc::new(on_progress) };
    let document = incoming::stream(wanted.document);
    let of_document = reading.all(move |placed| placed.record.header().stream == document).await?;
    let Some(last) = of_document.last().map(|placed| placed.position.place()) else {
        return Err(BundleError::NotFound(document));
    };
    let notary = covering(&config.notary, document, last, wanted.patience).await?;
    let ledger = reading.log.ledger();
    let mut gathered = begin(&notary, ledger, document, wanted)?;
    if wanted.sealed {
        gathered.records = proven(&notary, of_document, None).await?;
    } else {
        let ring = keys::read_ring_of(config, ledger).await?;
        gathered.records = proven(&notary, of_document, Some(&ring)).await?;
        let facts = gathered.facts();
        let around = around(&reading, &ring, &facts, last).await?;
        gathered.records.extend(proven(&notary, around, Some(&ring)).await?);
        if wanted.with_files {
            gathered.files = contents(&config.blobs, &facts)?;
        }
    }
    // What a stranger would find is told to who exports.
    let policy = Policy::new(notary.key().clone(), Vec::new(), 0)?;
    let bytes = gathered.pack()?;
    let report = Question { file: &bytes, policy: &policy, since: wanted.since.as_deref() }.check();
    Ok(Bundled { bytes, report })
}

/// The notary's tree, once it covers the document's last record; that of a checkpoint with cosignatures, if one comes soon.
async fn covering(at: &Location, document: StreamId, last: u64, patience: Duration) -> Result<Beside, BundleError> {
    let begun = tokio::time::Instant::now();
    loop {
        let notary = Beside::open(at)?;
        let cosigned = notary.cosigned()?;
        let asks_witnesses = cosigned.is_some();
        if let Some(cosigned) = cosigned
            && cosigned.leaf_at(last)?.is_some()
        {
            return Ok(cosigned);
        }
        let covers = notary.leaf_at(last)?.is_some();
        if covers && (!asks_witnesses || begun.elapsed() >= WITNESSES) {
            return Ok(notary);
        }
        if !covers && begun.elapsed() >= patience {
            return Err(BundleError::NotCovered { document, covered: notary.head().size });
        }
        tokio::time::sleep(APART).await;
    }
}

fn begin(notary: &Beside, ledger: LedgerId, document: StreamId, wanted: &Wanted) -> Result<Gathered, BundleError> {
    let since = BundleError::Since;
    let consistency = match wanted.since.as_deref().map(earlier).transpose().map_err(since)? {
        None => None,
        Some(old) => {
            let shorter =
                || since(format!("it covers {} records, the notary's newest {}", old.size(), notary.head().size));
            let (head, hashes) = notary.grown_from(old.size())?.ok_or_else(shorter)?;
            Some(consistency::write(head, &hashes))
        }
    };
    let note = notary.note().clone();
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| since(error.to_string()))?;
    Ok(Gathered {
        ledger,
        document,
        sealed: wanted.sealed,
        note,
        key: notary.key().clone(),
        checkpoint,
        records: Vec::new(),
        files: BTreeMap::new(),
        consistency,
    })
}

/// The checkpoint in a file, whoever signed it: a checker asks for that.
fn earlier(bytes: &[u8]) -> Result<Checkpoint, String> {
    let note = Note::parse(bytes).map_err(|error: NotANote| error.to_string())?;
    Checkpoint::parse(note.text()).map_err(|error: NotACheckpoint| error.to_string())
}

/// The log, and whom to tell how far it was read.
struct Told {
    log: Reading,
    on_progress: Arc<dyn Fn(u64, u64) + Send + Sync>,
}

impl Told {
    /// All records that fit, in the log's order.
    async fn all(&self, mut fits: impl FnMut(&Placed) -> bool + Send + 'static) -> Result<Vec<Placed>, BundleError> {
        let (log, tell) = (self.log.clone(), Arc::clone(&self.on_progress));
        let read = move || -> Result<Vec<Placed>, BundleError> {
            let mut found = Vec::new();
            let mut each = |placed: Placed| {
                if fits(&placed) {
                    found.push(placed);
                }
                true
            };
            let total = log.amount();
            log.read(ever(), &mut each, |behind| tell(behind, total))?;
            Ok(found)
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| BundleError::Stopped(error.to_string()))?
    }
}

/// The records with their proofs, and with their keys if there is a ring.
async fn proven(notary: &Beside, records: Vec<Placed>, ring: Option<&RingReader>) -> Result<Vec<Proven>, BundleError> {
    let keys = match ring {
        None => records.iter().map(|_| None).collect(),
        Some(ring) => record_keys(ring, &records).await?,
    };
    let mut proven = Vec::with_capacity(records.len());
    for (Placed { position, record, hash }, key) in records.into_iter().zip(keys) {
        let stream = record.header().stream;
        let covered = notary.head().size;
        let leaf = notary.leaf_at(position.place())?.ok_or(BundleError::NotCovered { document: stream, covered })?;
        proven.push(Proven { proof: notary.prove(leaf, hash)?, record, key });
    }
    Ok(proven)
}

/// The key of each record alone; none where it was destroyed.
async fn record_keys(ring: &RingReader, records: &[Placed]) -> Result<Vec<Option<RecordKey>>, BundleError> {
    let place = |placed: &Placed| (placed.record.header().stream, placed.record.header().revision);
    let places: Vec<_> = records.iter().map(place).collect();
    let states = ring.opening_all(&places).await?;
    let key = |(state, placed): (&KeyState, &Placed)| {
        // Of several, the one that opens it; if none does, the bundle's check says so.
        let opens = state.keys().find(|key| key.cipher().open(&placed.record).is_ok());
        opens.or(state.keys().next()).map(|key| key.of_record(placed.record.header().revision))
    };
    Ok(states.iter().zip(records).map(key).collect())
}

/// What the document's records are judged and read by: the organ up to the revisions that they name, the people who acted,
/// and the book's record that gave the number.
async fn around(reading: &Told, ring: &RingReader, facts: &Facts, last: u64) -> Result<Vec<Placed>, BundleError> {
    let judges = facts.judges();
    let people: BTreeSet<StreamId> = facts.actors().into_iter().map(socai_domain::person::stream).collect();
    let mut books = BTreeMap::<StreamId, StreamCipher>::new();
    for book in facts.books() {
        if let Some(key) = ring.opening(book, Revision::FIRST).await?.keys().next() {
            books.insert(book, key.cipher());
        }
    }
    let document = facts.document;
    let fits = move |placed: &Placed| {
        let header = placed.record.header();
        let stream = header.stream;
        match stream.kind() {
            StreamKind::Organ => judges.get(&stream).is_some_and(|last| header.revision.number() <= *last),
            StreamKind::Person => placed.position.place() < last && people.contains(&stream),
            StreamKind::Register => books.get(&stream).is_some_and(|cipher| gives_number_to(placed, cipher, document)),
            StreamKind::Incoming => false,
        }
    };
    reading.all(fits).await
}

/// Is it the record in which the book gives the document a number?
fn gives_number_to(placed: &Placed, cipher: &StreamCipher, document: StreamId) -> bool {
    // `NumberAssigned`: the others need not be opened.
    let assigns = placed.record.header().kind.entry().is_some_and(|entry| entry.name == "NumberAssigned");
    let opened = assigns.then(|| body::open(cipher, &placed.record).ok()).flatten();
    matches!(opened, Some((_, DomainEvent::Register(RegisterEvent::NumberAssigned(e)))) if e.document.uuid() == document.key())
}

/// The contents of the document's files, checked against their hashes. Those of erased records are not known, and gone.
fn contents(blobs: &blobs::Place, facts: &Facts) -> Result<BTreeMap<[u8; 32], Vec<u8>>, BundleError> {
    let store = BlobStore::as_it_is(blobs)?;
    let mut contents = BTreeMap::new();
    for file in facts.files() {
        let hash = BlobHash::from(file.hash);
        let wrong = |what: String| BundleError::File { name: file.name.to_string(), hash, what };
        let found = store.read(hash).map_err(|error| wrong(error.to_string()))?;
        let bytes = found.ok_or_else(|| wrong("it is not in the store of files".to_owned()))?;
        contents.insert(file.hash, bytes);
    }
    Ok(contents)
}
