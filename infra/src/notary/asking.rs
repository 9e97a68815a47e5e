//! Asks witnesses to cosign checkpoints (C2SP `tlog-witness`), keeps the newest one that reaches the quorum, and says which
//! witnesses do not answer, or refuse: a log that was put back to an older copy learns it from them.
//!
//! Nothing waits for a witness. Each is asked when its own time has come: about the newest checkpoint that others have been
//! asked about and that is new to it, so that cosignatures meet on one checkpoint; only without one about the newest of all.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc, time::Duration};

use axum::http::{StatusCode, Uri};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use socai_domain::{
    ledger::{Following, following::wait_after},
    proof::{
        AddCheckpoint, Checkpoint, Note, Policy, TreeHead, VerifierKey,
        cosignature::cosigned,
        note::SignatureLine,
        policy::{NotAPolicy, Witness},
        witness::read_size,
    },
    time::Timestamp,
};
use socai_graphql::notary::{Asked, Problem};
use socai_projections::Lease;
use thiserror::Error;
use tokio::{sync::watch, time::Instant};

use super::{
    Notary, NotaryError,
    posting::{HttpClient, client, post},
    standing::Committed,
    store::Text,
    writer::blocking,
};

/// How often it is looked what another server was given.
const LOOK: Duration = Duration::from_secs(1);
/// How long a witness may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Checkpoints that are kept for more cosignatures, besides those that somebody is being asked about.
const OPEN: usize = 8;

/// Why no witness is asked.
#[derive(Debug, Error)]
pub enum AskingError {
    /// The policy.
    #[error("{0}: {1}")]
    Policy(String, NotAPolicy),
    /// A file.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// Somebody else's policy.
    #[error("{0} does not name this log: add the line `log {1}`")]
    OtherLog(String, String),
    /// A witness that cannot be asked.
    #[error("{0}: the witness {1} has no URL of the kind https://HOST[:PORT]/PATH that can be asked")]
    Url(String, String),
    /// Nobody's certificate can be checked.
    #[error(
        "{0} names a witness by https, but no certificate authorities are known here: {1} (name a file in SSL_CERT_FILE)"
    )]
    Authorities(String, io::Error),
}

/// A witness as this log knows it.
#[derive(Debug)]
struct State {
    witness: Witness,
    url: Uri,
    /// Leaves of the tree that it cosigned last.
    size: u64,
    /// Leaves of the checkpoint that it is being asked to cosign.
    asked: Option<u64>,
    failures: u32,
    not_before: Instant,
}

/// What a witness answered.
#[derive(Debug)]
pub(super) enum Heard {
    /// It cosigned, at this time.
    Cosigned(SignatureLine, Timestamp),
    /// It has cosigned a larger tree of this log than it was asked about, of so many leaves.
    Ahead(u64),
    /// It did not cosign.
    Not(Problem),
}

/// A question that is on its way: the witness's index, what it was asked about, what it answered.
type OnTheWay = FuturesUnordered<BoxFuture<'static, (usize, TreeHead, Heard)>>;

/// Asks.
#[derive(Debug)]
pub struct Asking {
    notary: Notary,
    policy: Policy,
    witnesses: Vec<State>,
    between: Duration,
    pub(super) patience: Duration,
    client: HttpClient,
    /// Checkpoints with what was added to them, by size.
    notes: BTreeMap<u64, (TreeHead, Note)>,
    telling: watch::Sender<Following>,
}

impl Asking {
    /// Reads whom to ask from the file `policy`; each is asked at most once in the time `between`. What they give is kept
    /// in the notary's store.
    pub fn open(
        notary: Notary,
        policy: &Path,
        between: Duration,
        telling: watch::Sender<Following>,
    ) -> Result<Self, AskingError> {
        let name = policy.display().to_string();
        let bytes = fs::read(policy).map_err(|error| AskingError::Io(name.clone(), error))?;
        let policy = Policy::parse(&bytes).map_err(|error| AskingError::Policy(name.clone(), error))?;
        if !policy.logs().contains(notary.0.key.public()) {
            return Err(AskingError::OtherLog(name, notary.verifier_key()));
        }
        let mut witnesses = Vec::new();
        for witness in policy.witnesses() {
            let url = witness.url.as_deref().map(|url| format!("{}/add-checkpoint", url.trim_end_matches('/')));
            let url = url.and_then(|url| url.parse::<Uri>().ok());
            let url = url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
            let url = url.ok_or_else(|| AskingError::Url(name.clone(), witness.name.clone()))?;
            witnesses.push(State { witness, url, size: 0, asked: None, failures: 0, not_before: Instant::now() });
        }
        let asked = |state: &State| Asked { name: state.witness.name.clone(), cosigned: None, problem: None };
        notary.0.witnesses.send_replace(witnesses.iter().map(asked).collect());
        let encrypted = witnesses.iter().any(|state| state.url.scheme_str() == Some("https"));
        let client = client(encrypted).map_err(|error| AskingError::Authorities(name, error))?;
        let notes = BTreeMap::new();
        Ok(Self { notary, policy, witnesses, between, patience: PATIENCE, client, notes, telling })
    }

    /// Asks until `shutdown` ends, while this server has the notary's `lease`; else shows what another one was given.
    pub async fn run(mut self, lease: Lease, shutdown: impl Future<Output = ()> + Send) -> Result<(), NotaryError> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut standing = self.notary.0.standing.subscribe();
        let mut asking = OnTheWay::new();
        let signing = async { drop(standing.wait_for(|standing| standing.committed.is_some()).await) };
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            () = signing => self.remember(&lease).await,
        }
        loop {
            if !lease.is_held() {
                tokio::select! {
                    () = &mut shutdown => return Ok(()),
                    // It knows what was signed last once the notary has read its store.
                    () = lease.gained() => drop(tokio::time::timeout(PATIENCE, standing.changed()).await),
                    () = tokio::time::sleep(LOOK) => self.remember(&lease).await,
                }
                continue;
            }
            let newest = self.notary.committed();
            let waiting = |state: &&State| {
                newest.as_ref().is_some_and(|newest| state.asked.is_none() && state.size != newest.head.size)
            };
            let due = self.witnesses.iter().filter(waiting).map(|state| state.not_before).min();
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                () = lease.lost() => {}
                Some((index, head, given)) = asking.next() => self.heard(index, head, given).await,
                // The sender lives as long as `self`.
                _ = standing.changed() => {}
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let Some(newest) = newest else { continue };
                    self.ask_all(&newest, &mut asking);
                }
            }
        }
    }

    /// Begins to ask everybody whose time has come.
    fn ask_all(&mut self, newest: &Committed, asking: &mut OnTheWay) {
        let Ok(note) = Note::parse(newest.note.as_bytes()) else { return };
        let now = Instant::now();
        for (index, state) in self.witnesses.iter_mut().enumerate() {
            if state.asked.is_some() || state.size == newest.head.size || state.not_before > now {
                continue;
            }
            let (head, note) = match met(&self.notes, state.size) {
                Some((head, note)) => (*head, note.clone()),
                None => (newest.head, note.clone()),
            };
            self.notes.entry(head.size).or_insert_with(|| (head, note.clone()));
            (state.asked, state.not_before) = (Some(head.size), now + self.between);
            let request = AddCheckpoint { old: state.size.min(head.size), proof: Vec::new(), note };
            let (notary, client, url) = (self.notary.clone(), self.client.clone(), state.url.clone());
            let asked = ask(notary, client, url, state.witness.key.clone(), request, head);
            let answer = tokio::time::timeout(self.patience, asked);
            let late = || Heard::Not(Problem::Unreachable("no answer in time".into()));
            asking.push(async move { (index, head, answer.await.unwrap_or_else(|_| late())) }.boxed());
        }
        self.forget();
    }

    /// Lets the oldest checkpoints go that nobody is being asked about.
    fn forget(&mut self) {
        let asked: Vec<u64> = self.witnesses.iter().filter_map(|state| state.asked).collect();
        let idle: Vec<u64> = self.notes.keys().copied().filter(|size| !asked.contains(size)).collect();
        for size in &idle[..idle.len().saturating_sub(OPEN)] {
            self.notes.remove(size);
        }
    }

    async fn heard(&mut self, index: usize, head: TreeHead, given: Heard) {
        let state = &mut self.witnesses[index];
        let name = state.witness.name.clone();
        state.asked = None;
        let mut well = None;
        let problem = match given {
            Heard::Cosigned(line, at) => {
                (state.size, state.failures) = (head.size, 0);
                well = Some((head.size, at));
                self.add(head, line).await;
                None
            }
            // It answers; next time it is asked about a tree that is new to it.
            Heard::Ahead(size) => {
                (state.size, state.failures) = (size, 0);
                None
            }
            Heard::Not(problem) => {
                state.failures += 1;
                state.not_before = Instant::now() + wait_after(state.failures).max(self.between);
                Some(problem)
            }
        };
        let before = self.notary.0.witnesses.borrow().get(index).and_then(|asked| asked.problem.clone());
        match &problem {
            Some(Problem::Refuses(why)) if before != problem => {
                tracing::error!(witness = name, why, "ALARM: a witness does not cosign this log");
            }
            Some(Problem::Unreachable(why)) if before != problem => {
                tracing::warn!(witness = name, why, "a witness cannot be asked; it is tried again");
            }
            None if before.is_some() => tracing::info!(witness = name, "the witness cosigns again"),
            _ => {}
        }
        let level = match &problem {
            None => 0.0,
            Some(Problem::Unreachable(_)) => 1.0,
            Some(Problem::Refuses(_)) => 2.0,
        };
        metrics::gauge!("socai_notary_witness_problem", "witness" => name).set(level);
        self.notary.0.witnesses.send_modify(|asked| {
            if let Some(asked) = asked.get_mut(index) {
                asked.cosigned = well.or(asked.cosigned);
                asked.problem = problem;
            }
        });
        let all_well = self.notary.0.witnesses.borrow().iter().all(|asked| asked.problem.is_none());
        let now = if all_well { Following::Well } else { Following::Retrying("a witness does not cosign".into()) };
        self.telling.send_replace(now);
    }

    /// Adds a cosignature. What reaches the quorum is kept and shown.
    async fn add(&mut self, head: TreeHead, line: SignatureLine) {
        let Some((_, note)) = self.notes.get_mut(&head.size) else { return };
        note.add(line);
        if self.policy.check(note).is_err() {
            return;
        }
        let newer = self.notary.0.cosigned.borrow().as_ref().is_none_or(|kept| kept.head.size <= head.size);
        if !newer {
            return;
        }
        let (text, store): (Arc<str>, _) = (note.to_string().into(), Arc::clone(&self.notary.0.store));
        let bytes = Arc::clone(&text);
        if let Err(error) = blocking(move || Ok(store.keep(Text::Cosigned, bytes.as_bytes())?)).await {
            tracing::warn!(%error, "the cosigned checkpoint is not kept; the next one will be");
        }
        self.notary.0.cosigned.send_replace(Some(Arc::new(Committed { head, note: text, signed_at: None })));
    }

    /// Shows what was kept before, if it is of this tree. One that covers more than was committed shows that the store is an
    /// older copy.
    async fn remember(&self, lease: &Lease) {
        let led = lease.is_held();
        let store = Arc::clone(&self.notary.0.store);
        let bytes = match blocking(move || Ok(store.text(Text::Cosigned)?)).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "the cosigned checkpoint that was kept is not shown"),
        };
        let note = Note::parse(&bytes).ok().filter(|note| self.policy.check(note).is_ok());
        let Some(note) = note else { return };
        let Ok(head) = Checkpoint::open(&note, self.notary.0.key.public()).map(|checkpoint| checkpoint.head()) else {
            return;
        };
        let Some(committed) = self.notary.committed() else { return };
        let notary = self.notary.clone();
        let root =
            move || if head.size > committed.head.size { Ok(None) } else { Ok(Some(notary.hashes(head.size).root()?)) };
        match blocking(root).await {
            Ok(Some(root)) if root == head.root => {
                let committed = Committed { head, note: note.to_string().into(), signed_at: None };
                self.notary.0.cosigned.send_replace(Some(Arc::new(committed)));
            }
            // Another server is further than it was looked at.
            Ok(None) if !led => {}
            Ok(_) => self.notary.raise(format!(
                "in {:?} is a cosigned checkpoint of {} records that the notary's tree does not have: the store, or the log with \
                 it, is an older copy. Restore the newest copies",
                self.notary.0.store,
                head.size
            )),
            Err(error) => tracing::warn!(%error, "the cosigned checkpoint that was kept is not shown"),
        }
    }
}

fn refuses(why: impl Into<String>) -> Heard {
    Heard::Not(Problem::Refuses(why.into()))
}

/// The newest checkpoint with more leaves than `size` that some witness has been asked about.
pub(super) fn met(notes: &BTreeMap<u64, (TreeHead, Note)>, size: u64) -> Option<&(TreeHead, Note)> {
    notes.range(size + 1..).next_back().map(|(_, note)| note)
}

/// Asks one witness, and once more if it knows another size than we thought.
async fn ask(
    notary: Notary,
    client: HttpClient,
    url: Uri,
    key: VerifierKey,
    mut request: AddCheckpoint,
    head: TreeHead,
) -> Heard {
    let mut again = true;
    loop {
        let (from, old) = (notary.clone(), request.old);
        request.proof = match blocking(move || Ok(from.hashes(head.size).consistency(old)?)).await {
            Ok(proof) => proof.unwrap_or_default(),
            Err(error) => return Heard::Not(Problem::Unreachable(error.to_string())),
        };
        let (status, answer) = match post(&client, &url, request.to_string()).await {
            Ok(answered) => answered,
            Err(why) => return Heard::Not(Problem::Unreachable(why)),
        };
        let told = String::from_utf8_lossy(&answer).chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        return match status {
            StatusCode::OK => cosignature(&request.note, &key, &answer)
                .map_or_else(Heard::Not, |(line, at)| Heard::Cosigned(line, at)),
            StatusCode::CONFLICT => match read_size(&answer) {
                None => refuses(format!("it says no size: {told:?}")),
                // What was signed meanwhile, somebody else may have shown it.
                Some(size) if notary.committed().is_some_and(|committed| size > committed.head.size) => {
                    refuses(format!(
                        "it has cosigned a checkpoint of {size} records, which this log has not signed: the log is an older copy"
                    ))
                }
                Some(size) if size > head.size => Heard::Ahead(size),
                Some(size) if again && size != old => {
                    (again, request.old) = (false, size);
                    continue;
                }
                Some(size) => {
                    Heard::Not(Problem::Unreachable(format!("it was asked from {old} records, but says {size}")))
                }
            },
            StatusCode::UNPROCESSABLE_ENTITY => {
                refuses(format!("the log does not continue what it has cosigned: {told}"))
            }
            // These pass by themselves.
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Heard::Not(Problem::Unreachable(format!("{status}: {told}")))
            }
            status if status.is_client_error() => refuses(format!("{status}: {told}")),
            status => Heard::Not(Problem::Unreachable(format!("{status}: {told}"))),
        };
    }
}

/// The witness's line in the answer, checked; lines of keys that are not known are left out.
fn cosignature(note: &Note, key: &VerifierKey, answer: &[u8]) -> Result<(SignatureLine, Timestamp), Problem> {
    let text = str::from_utf8(answer).map_err(|_| Problem::Refuses("its answer is not text".into()))?;
    let mut lines = text.lines().filter_map(|line| SignatureLine::parse(line).ok());
    let line = lines.find(|line| line.is_by(key));
    let line = line.ok_or_else(|| Problem::Refuses(format!("its answer has no cosignature by {}", key.name())))?;
    let mut with = note.clone();
    with.add(line.clone());
    let at = cosigned(&with, key).map_err(|error| Problem::Refuses(error.to_string()))?;
    Ok((line, at))
}
