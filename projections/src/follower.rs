//! Follows the log: open the records, apply them, commit rows and checkpoint together, say how far it is.

use std::{collections::HashSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures::StreamExt as _;
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Followed, Following, Opener, Position, ReadError, Recorded, following::wait_after},
};
use tokio::{sync::watch, time::Instant};

use crate::{
    apply::apply,
    building::Rebuilding,
    copies::Copying,
    erasure,
    error::ViewsError,
    following::tell,
    models::MODELS,
    rows::Rows,
    store::{LOOK, Views, Waited, checkpoint},
    writer::{Gate, Open, Writer},
};

/// Records in one commit, at most.
const CHUNK: usize = 1_000;
/// So many bytes of things are kept between two commits.
const KEEP: usize = 128 << 20;

/// By then another server has taken over from one that brings the views on no more, if it can.
const TAKEN_OVER: Duration = Duration::from_secs(10);
const STUCK: &str = "no server brings the views on: see what those say that have socai_lease_held of the views";

/// Keeps views in step with a log.
#[derive(Debug)]
pub struct Follower;

impl Follower {
    /// Follows until `shutdown` ends; builds the views first, where they are awaited. What is not committed then is folded
    /// again at the next start. What may pass, a full disk or a database that does not answer, is tried again from the last
    /// commit, for as long as it takes; `state` says so.
    ///
    /// # Errors
    /// What does not pass by itself: log, key ring or views are damaged or do not belong together. The views stay as of
    /// their last commit: calling again goes on from there.
    pub async fn run(
        log: Arc<dyn EventLog>,
        opener: Opener,
        views: Views,
        state: watch::Sender<Following>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ViewsError> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut failures = 0;
        loop {
            // Boxed, as it is large: a build is a part of it.
            let following = Box::pin(follow(&*log, &opener, &views, &state, &mut failures, shutdown.as_mut()));
            let Err(error) = following.await else { return Ok(()) };
            // What was read may be no more in use, and gone.
            let again = match views.are_replaced().await {
                Ok(replaced) => replaced && views.renew().await.unwrap_or(true),
                Err(_) => true,
            };
            if !again && !error.may_pass() {
                tell(&state, Following::Stopped(error.to_string()));
                return Err(error);
            }
            failures += 1;
            tell(&state, Following::Retrying(error.to_string()));
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                // Whose turn it is does not wait for what it failed at before.
                () = views.lease().gained_anew() => failures = 1,
                () = tokio::time::sleep(wait_after(failures)) => {}
            }
        }
    }
}

/// From the last commit until `shutdown` ends or something fails. Each commit ends the count of failures.
async fn follow(
    log: &dyn EventLog,
    opener: &Opener,
    views: &Views,
    state: &watch::Sender<Following>,
    failures: &mut u32,
    mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Result<(), ViewsError> {
    if views.are_awaited() {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            first = first(log, opener, views) => first?,
        }
    }
    let mut builder = Builder::new(views.clone(), opener.clone());
    if *failures > 0 {
        // A commit that was said to have failed may have landed, with an erasure in it.
        views.pasts.forget();
        // Not with every retry: on a full disk it fills what little room there is.
        builder.clean_at = Some(Instant::now() + erasure::LATER);
    }
    let mut progress = Progress { clean: *failures == 0, ..Progress::default() };
    let mut look = tokio::time::interval(LOOK);
    'build: loop {
        let after = views.position().await?;
        // Of a commit after which something failed nobody was told.
        views.announce(after);
        builder.at = Some(place_of(after));
        progress.seen = after;
        let mut followed = log.follow(after);
        loop {
            let leads = views.lease().is_held();
            if leads && std::mem::take(&mut progress.clean) {
                builder.clean().await;
            }
            let next = tokio::select! {
                () = &mut shutdown => return Ok(()),
                next = followed.next() => next,
                () = builder.cleaning_due(), if leads => {
                    builder.clean().await;
                    continue;
                }
                // Whoever led before may owe a cleaning.
                () = views.lease().gained(), if !leads => {
                    progress.clean = true;
                    continue;
                }
                _ = look.tick(), if views.lease().is_shared() => {
                    if views.are_replaced().await? && views.renew().await? {
                        continue 'build;
                    }
                    continue;
                }
            };
            match next.unwrap_or_else(|| Err(ReadError::Busy("the log cannot be followed".into())))? {
                Followed::CaughtUp => {
                    tracing::info!("the views have caught up");
                    // Not before: what they show until then lacks what came while they could not go on.
                    tell(state, Following::Well);
                }
                Followed::Records(records) => {
                    for chunk in records.chunks(CHUNK) {
                        let mut stuck = false;
                        let waited = {
                            let mut waiting = std::pin::pin!(progress.wait(views, chunk));
                            loop {
                                tokio::select! {
                                    () = &mut shutdown => return Ok(()),
                                    waited = &mut waiting => break waited?,
                                    () = tokio::time::sleep(TAKEN_OVER), if !stuck => {
                                        stuck = true;
                                        tell(state, Following::Retrying(STUCK.to_owned()));
                                    }
                                }
                            }
                        };
                        if stuck {
                            tell(state, Following::Well);
                        }
                        match waited {
                            Waited::OurTurn => {
                                builder.take(chunk).await?;
                                progress.copying.look(views, chunk.len());
                                metrics::counter!("socai_projection_applied_total").increment(chunk.len() as u64);
                            }
                            Waited::Taken => views.taken_by_others(chunk),
                            Waited::Replaced => {
                                views.renew().await?;
                                continue 'build;
                            }
                        }
                        let behind = log.head().await?.records.saturating_sub(views.records().await?);
                        metrics::gauge!("socai_projection_lag_records").set(lossy(behind));
                    }
                }
            }
            *failures = 0;
        }
    }
}

/// The first views: built by who has the lease, waited for by the others.
async fn first(log: &dyn EventLog, opener: &Opener, views: &Views) -> Result<(), ViewsError> {
    loop {
        if views.lease().is_held() {
            tokio::select! {
                built = views.rebuild(log, opener) => return built.map(drop),
                () = views.lease().lost() => {
                    views.rebuilding.send_replace(Rebuilding::Failed("another server builds them".to_owned()));
                }
            }
        } else if views.renew().await? {
            return Ok(());
        } else {
            let _ = tokio::time::timeout(LOOK, views.lease().gained()).await;
        }
    }
}

/// What is known from chunk to chunk.
#[derive(Default)]
struct Progress {
    copying: Copying,
    /// The files are to be cleaned, if that is owed.
    clean: bool,
    /// How far another server is known to have brought the views.
    seen: Option<Position>,
}

impl Progress {
    async fn wait(&mut self, views: &Views, chunk: &[Recorded]) -> Result<Waited, ViewsError> {
        if views.lease().is_held() {
            return Ok(Waited::OurTurn);
        }
        let waited = views.wait_for_others(chunk, &mut self.seen).await;
        self.clean |= matches!(waited, Ok(Waited::OurTurn));
        waited
    }
}

#[allow(clippy::cast_precision_loss)] // a gauge for people
fn lossy(number: u64) -> f64 {
    number as f64
}

/// Applies records to views, chunk by chunk.
pub(crate) struct Builder {
    views: Views,
    opener: Opener,
    rows: Rows,
    gate: Arc<dyn Gate>,
    /// Clean the files after an erasure.
    clean: bool,
    /// When they are to be cleaned, if that is owed.
    clean_at: Option<Instant>,
    /// Documents of which only the erasure is read, whether or not their keys are destroyed yet.
    erased: HashSet<IncomingId>,
    /// How often the views were in another file before: what is in memory is of this one.
    count: u64,
    /// The place of the log at which the views are (0 before the first record), if nobody else wrote them: what is in memory is
    /// of there.
    at: Option<u64>,
}

impl Builder {
    pub(crate) fn new(views: Views, opener: Opener) -> Self {
        let (rows, gate, erased, count) = (Rows::default(), Arc::new(Open), HashSet::new(), views.write.count());
        Self { views, opener, rows, gate, clean: true, clean_at: None, erased, count, at: None }
    }

    /// For a file that nobody has read yet and that no erased text ever reaches.
    pub(crate) fn building(views: Views, opener: Opener) -> Self {
        Self { clean: false, ..Self::new(views, opener) }
    }

    /// As if the keys of these documents were destroyed already.
    pub(crate) fn without(self, erased: &HashSet<IncomingId>) -> Self {
        Self { erased: erased.clone(), ..self }
    }

    /// Passing this gate.
    pub(crate) fn through(views: Views, opener: Opener, gate: Arc<dyn Gate>) -> Self {
        Self { gate, ..Self::new(views, opener) }
    }

    /// One chunk of records, in one transaction. Records that the views have are left out.
    pub(crate) async fn take(&mut self, records: &[Recorded]) -> Result<(), ViewsError> {
        let _turn = Arc::clone(&self.views.turn).lock_owned().await;
        let count = self.views.write.count();
        if std::mem::replace(&mut self.count, count) != count {
            self.rows = Rows::default();
            self.at = None;
        }
        let before = self.at;
        let mut writer = Writer::begin(&self.views.write, Arc::clone(&self.gate)).await?;
        let folded = self.fold(&mut writer, records).await;
        let committed = match folded {
            Ok(erased) => writer.commit().await.map(|()| erased && self.clean),
            Err(error) => Err(error),
        };
        match committed {
            Ok(erased) => {
                self.rows.settled(KEEP);
                if erased {
                    // First this: from now on nothing is read from copies, until they are wiped.
                    self.views.set_unclean(true);
                    self.views.pasts.forget();
                }
                self.views.note_organs(records);
                self.views.announce(records.last().map(|last| last.position));
                if erased {
                    self.clean().await;
                }
                Ok(())
            }
            Err(error) => {
                // Nobody may count on this chunk being in the tables; nothing of it may stay in memory.
                self.rows = Rows::default();
                self.at = before;
                Err(error)
            }
        }
    }

    /// Cleans the files, if that is owed.
    pub(crate) async fn clean(&mut self) {
        let wait = erasure::clean(&self.views, Arc::clone(&self.gate)).await;
        self.clean_at = wait.map(|wait| Instant::now() + wait);
    }

    async fn cleaning_due(&self) {
        if let Some(at) = self.clean_at {
            return tokio::time::sleep_until(at).await;
        }
        // It may be owed since a rebuild, whose own tries ended with it.
        let mut unclean = self.views.unclean();
        if unclean.wait_for(|owed| *owed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Somebody else may write these views, too: then what is in memory is of a state that is no more. If they stand before
    /// where they were, the database was set back (a commit was lost with its server), and records would be left out.
    fn look_where(&mut self, at: u64) -> Result<(), ViewsError> {
        match self.at.replace(at) {
            Some(left) if left > at => Err(ViewsError::Overtaken),
            Some(left) if left < at => {
                self.rows = Rows::default();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn fold(&mut self, writer: &mut Writer, records: &[Recorded]) -> Result<bool, ViewsError> {
        let at = checkpoint(&mut writer.tables().lock().await).await?;
        if let Some(foreign) = records.iter().find(|read| at.is_some_and(|at| !at.same_log(read.position))) {
            return Err(ViewsError::Foreign(foreign.position));
        }
        self.look_where(place_of(at))?;
        let fresh = records.iter().filter(|read| at.is_none_or(|at| read.position.place() > at.place()));
        let (fresh, sealed): (Vec<_>, Vec<_>) = fresh.map(|read| (read, &read.record)).unzip();
        let opened = self.opener.open_all(&sealed).await?;
        let (mut erased, mut taken) = (false, 0_i64);
        for (Recorded { position, record }, opened) in fresh.into_iter().zip(&opened) {
            erased |= erasure::concerns(opened);
            let (header, opened) = (record.header(), erasure::shown(&self.erased, record.header(), opened));
            let place = i64::try_from(position.place()).unwrap_or(i64::MAX);
            self.rows.load(&mut writer.tables(), place, header, opened).await?;
            apply(&mut self.rows, place, header, opened);
            taken += 1;
        }
        self.rows.take_changes().write(writer).await?;
        if let Some(last) = records.last().filter(|_| taken > 0) {
            move_checkpoint(writer, at, last.position, taken).await?;
            self.at = Some(last.position.place());
        }
        if erased && self.clean {
            erasure::owe(writer).await?;
        }
        Ok(erased)
    }
}

fn place_of(at: Option<Position>) -> u64 {
    at.map_or(0, Position::place)
}

/// The checkpoint of every read model, also of one that all these records are nothing to.
///
/// # Errors
/// [`ViewsError::Overtaken`] where it is not any more where it was read: two programs would have taken the same records in.
pub(crate) async fn move_checkpoint(
    writer: &mut Writer,
    from: Option<Position>,
    to: Position,
    taken: i64,
) -> Result<(), ViewsError> {
    let place = i64::try_from(to.place()).unwrap_or(i64::MAX);
    let from = from.map(|from| from.to_string());
    let args = vec![to.to_string().into(), place.into(), taken.into(), from.into()];
    let sql = "UPDATE read_model SET position = $1, place = $2, records = records + $3 \
        WHERE position IS NOT DISTINCT FROM $4";
    let moved = writer.run(sql.into(), args).await?;
    if moved == MODELS.len() as u64 { Ok(()) } else { Err(ViewsError::Overtaken) }
}
