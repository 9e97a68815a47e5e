//! Building views anew beside those in use, which are shown and kept in step meanwhile; and putting the new ones in their
//! place (blue/green).
//!
//! In `PostgreSQL` a file is a schema, else all is the same.
//!
//! 1. A file of its own is filled from the log ([`bulk`]), then gets its indexes, then follows the log as any other does. It
//!    is committed now and then: a rebuild that was interrupted goes on from there.
//! 2. Another build must agree at one position, row by row: the views in use, if they are of this version; else, or if those
//!    do not agree, a second build that is thrown away ([`check`]).
//! 3. Between two commits of the views in use the new file takes in the last records and is put in their place
//!    ([`place`]). Who reads the old one ends what they ask; then it is removed.
//!
//! What is erased meanwhile ([`erasures`]): a file that is only being filled and may hold the text is overwritten and begun
//! anew without it; one that follows the log is cleaned as the views in use are.

mod bulk;
mod check;
mod erasures;
mod files;
mod keeper;
mod place;
mod progress;
mod schemas;

use std::{collections::HashSet, sync::Arc};

use futures::StreamExt as _;
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Followed, Opener, Position, ReadError},
};

use self::{
    bulk::{Budget, Bulk, Halt},
    erasures::Erasures,
    progress::Teller,
};
use crate::{
    db::Pool,
    digest::Digest,
    error::ViewsError,
    follower::Builder,
    store::{LOOK, Views, run},
    writer::{Gate, Open},
};

pub(crate) use files::{Files, make, remove, wipe};
pub use keeper::{Rebuilder, Rebuilds};
pub(crate) use place::{Build, Place};
pub use progress::{Phase, Progress, Rebuilding};
pub use schemas::VIEWS_TABLE;
pub(crate) use schemas::{NAME, Schema, Schemas};

/// Records in one commit of a file that follows the log.
const CHUNK: usize = 1_000;

/// What a rebuild made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records taken in.
    pub records: u64,
    /// The digest of the new views.
    pub digest: Digest,
    /// That of the old ones at the same position, where they were of this version.
    pub before: Option<Digest>,
}

impl Rebuilt {
    /// Were the old views, if they could be compared, right?
    pub fn equal(&self) -> bool {
        self.before.is_none_or(|before| before == self.digest)
    }
}

impl Views {
    /// Builds the views anew beside these, and puts them in their place once another build agrees. Goes on with a rebuild that
    /// was interrupted. Dropping the future interrupts it.
    ///
    /// # Errors
    /// These views stay in their place and are shown as before, if they are.
    pub async fn rebuild(&self, log: &dyn EventLog, opener: &Opener) -> Result<Rebuilt, ViewsError> {
        self.rebuild_through(log, opener, Arc::new(Open)).await
    }

    /// The same, passing this gate at each step.
    pub(crate) async fn rebuild_through(
        &self,
        log: &dyn EventLog,
        opener: &Opener,
        gate: Arc<dyn Gate>,
    ) -> Result<Rebuilt, ViewsError> {
        let Some(place) = &self.place else {
            return Err(std::io::Error::other("views in memory are not built anew").into());
        };
        let _alone = self.building.lock().await;
        let mut teller = Teller::new(&self.rebuilding);
        let budget = Budget::of(self.memory);
        let rebuild = Rebuild { views: self, place, log, opener, budget, gate };
        let made = match place.alone(self.lease().is_shared()).await {
            // Boxed, as it is large.
            Ok(alone) => Box::pin(rebuild.run(&mut teller)).await.map(|made| (made, alone)),
            Err(error) => Err(error),
        };
        match made {
            Ok(((made, old), alone)) => {
                tracing::info!(records = made.records, digest = %made.digest, "the views built anew are in place");
                teller.end(Rebuilding::Done(made));
                // Who reads them ends what they ask.
                for pool in old {
                    pool.close().await;
                }
                if self.lease().is_shared() {
                    // Other servers read there until they have seen it.
                    tokio::time::sleep(3 * LOOK).await;
                }
                place.tidy().await?;
                if let Some(mut alone) = alone {
                    // The next one need not wait until the server has noticed that this one has gone.
                    run(&mut alone, "SELECT pg_advisory_unlock_all()").await?;
                }
                Ok(made)
            }
            Err(error) => {
                teller.end(Rebuilding::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    /// Is there a rebuild, and how far is it?
    pub fn rebuilding(&self) -> tokio::sync::watch::Receiver<Rebuilding> {
        self.rebuilding.subscribe()
    }

    /// Ready when there are views.
    pub async fn arrived(&self) {
        // The sender lives as long as `self`.
        let _ = self.rebuilding.subscribe().wait_for(|_| !self.are_awaited()).await;
    }
}

struct Rebuild<'a> {
    views: &'a Views,
    place: &'a Place,
    log: &'a dyn EventLog,
    opener: &'a Opener,
    budget: Budget,
    gate: Arc<dyn Gate>,
}

impl Rebuild<'_> {
    /// All of it; the connections to the old file, to be closed.
    async fn run(&self, teller: &mut Teller<'_>) -> Result<(Rebuilt, Vec<Pool>), ViewsError> {
        teller.begin(Phase::Building, 0, self.log.head().await?.records);
        let mut erasures = Erasures::up_to_now(&self.views.pasts.crew, self.log).await?;
        loop {
            let (build, resumed) = match self.build(&mut erasures, teller).await {
                Ok(built) => built,
                Err(Halt::Erased) => {
                    tracing::warn!("a text that was read is erased: the rebuild begins anew without it");
                    continue;
                }
                Err(Halt::Failed(error)) => return Err(error),
            };
            match self.put(&build, &mut erasures, teller).await {
                // It lay there, perhaps for long, and may be of another life of this log.
                Err(error @ ViewsError::Disagree(_)) if resumed => {
                    tracing::warn!(%error, "what an interrupted rebuild had left is wrong: it is begun anew");
                }
                put => return put,
            }
        }
    }

    /// Compares a file that has its indexes, and puts it in its place.
    async fn put(
        &self,
        build: &Build,
        erasures: &mut Erasures,
        teller: &mut Teller<'_>,
    ) -> Result<(Rebuilt, Vec<Pool>), ViewsError> {
        self.gate.pass()?;
        let new = build.views().await?;
        let mut builder = Builder::through(new.clone(), self.opener.clone(), Arc::clone(&self.gate));
        builder.clean().await;
        let put = async {
            let (digest, before) = self.agreed(&new, &mut builder, erasures, teller).await?;
            let (records, old) = self.switch(&new, build, &mut builder, teller).await?;
            Ok((Rebuilt { records, digest, before }, old))
        };
        let put = put.await;
        if let Err(error) = &put {
            new.close().await;
            if let ViewsError::Disagree(_) = error {
                build.remove().await?;
            }
        }
        put
    }

    /// Fills a file and makes its indexes, from where an interrupted rebuild came to, if there was one.
    async fn build(&self, erasures: &mut Erasures, teller: &mut Teller<'_>) -> Result<(Build, bool), Halt> {
        let begun = self.begun(erasures.found()).await?;
        let resumed = begun.is_some();
        let (build, mut bulk) = if let Some(begun) = begun {
            begun
        } else {
            let build = self.place.begin().await?;
            let bulk = Bulk::open(&build, self.budget, Arc::clone(&self.gate)).await?;
            (build, bulk)
        };
        bulk.copied(&build, self.views.keeps, self.log.head().await?.records);
        let filled = self.fill(&mut bulk, erasures, teller).await;
        bulk.close().await?;
        match filled {
            Ok(()) => Ok((build, resumed)),
            Err(Halt::Erased) => {
                build.wipe().await?;
                Err(Halt::Erased)
            }
            Err(failed) => Err(failed),
        }
    }

    async fn fill(&self, bulk: &mut Bulk, erasures: &mut Erasures, teller: &mut Teller<'_>) -> Result<(), Halt> {
        if bulk.is_complete().await? {
            return Ok(());
        }
        teller.begin(Phase::Building, bulk.records().await?, self.log.head().await?.records);
        bulk.run(self.log, self.opener, None, erasures, teller).await?;
        self.gate.pass()?;
        teller.begin(Phase::Indexing, 0, 0);
        Ok(bulk.index().await?)
    }

    /// The file of an interrupted rebuild, if it can be gone on with.
    async fn begun(&self, erased: &HashSet<IncomingId>) -> Result<Option<(Build, Bulk)>, ViewsError> {
        let Some(build) = self.place.begun().await? else { return Ok(None) };
        let bulk = match Bulk::open(&build, self.budget, Arc::clone(&self.gate)).await {
            Ok(bulk) => bulk,
            Err(error) if error.may_pass() => return Err(error),
            Err(_) => {
                build.remove().await?;
                return Ok(None);
            }
        };
        let head = self.log.head().await?.position;
        let of_this_log = bulk.at().is_none_or(|at| at.compare(head).is_ok_and(std::cmp::Ordering::is_le));
        // One that follows the log takes the erasure in and cleans itself.
        let clean = bulk.is_complete().await? || !bulk.holds_any(erased).await?;
        if of_this_log && clean {
            return Ok(Some((build, bulk)));
        }
        bulk.close().await?;
        if clean {
            build.remove().await?;
        } else {
            build.wipe().await?;
        }
        Ok(None)
    }

    /// Takes in what is in the log now, or up to `until`, as live.
    async fn catch_up(
        &self,
        new: &Views,
        builder: &mut Builder,
        until: Option<Position>,
        teller: &mut Teller<'_>,
    ) -> Result<(), ViewsError> {
        let mut followed = self.log.follow(new.position().await?);
        let within = |place: u64| until.is_none_or(|until| place <= until.place());
        loop {
            let next = followed.next().await.unwrap_or_else(|| Err(ReadError::Busy("the log is closed".into())));
            let Followed::Records(records) = next? else { return Ok(()) };
            let wanted = records.iter().take_while(|recorded| within(recorded.position.place())).count();
            for chunk in records[..wanted].chunks(CHUNK) {
                builder.take(chunk).await?;
                teller.add(chunk.len() as u64);
            }
            if wanted < records.len() {
                return Ok(());
            }
        }
    }

    /// Puts the new file in the place of the one in use, which is not written meanwhile. How many records it has taken in, and
    /// the connections to the old one.
    async fn switch(
        &self,
        new: &Views,
        build: &Build,
        builder: &mut Builder,
        teller: &mut Teller<'_>,
    ) -> Result<(u64, Vec<Pool>), ViewsError> {
        teller.begin(Phase::Switching, 0, 0);
        self.catch_up(new, builder, None, teller).await?;
        let _turn = self.views.turn.lock().await;
        // The views in use may have come further meanwhile, and who read there must not be shown less now.
        if let Some(at) = self.views.reached() {
            self.catch_up(new, builder, Some(at), teller).await?;
        }
        let (position, records) = (new.position().await?, new.records().await?);
        self.gate.pass()?;
        if !self.views.lease().is_held() {
            return Err(ViewsError::Overtaken);
        }
        self.place.put(build, position.filter(|_| !self.views.are_awaited())).await?;
        // From here on nothing fails.
        Ok((records, self.views.change(new, position)))
    }
}
