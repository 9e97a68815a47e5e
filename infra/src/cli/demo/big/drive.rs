//! Playing all lives side by side, minute by minute: in each minute first what changes in the agency, then what is done to
//! documents, all of it at once but the numbers, which are given in the order of arrival. So the same lives make the same
//! history, however many cores there are.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, bail};
use futures::future::join_all;
use indicatif::ProgressBar;
use socai::{app::Building, blobs::BlobStore};
use socai_commands::{CommandError, Handler};
use socai_domain::time::{Date, Timestamp};

use super::{
    World,
    found::{Change, Founder, changes},
    life::{Act, Life},
};
use crate::cli::demo::clock::DemoClock;

/// After so many working days, what was begun and not finished is looked for: while it is still in memory.
const LOOK_BACK: usize = 10;

/// Plays.
pub(super) struct Driver<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) building: &'a Building,
    pub(super) clock: &'a DemoClock,
    /// Counts documents.
    pub(super) bar: &'a ProgressBar,
    /// Somebody asked to stop.
    pub(super) stop: &'a AtomicBool,
}

/// What is done next to whom, by the minute.
type Agenda = BTreeMap<Timestamp, Vec<Life>>;

impl Driver<'_> {
    /// All of it.
    pub(super) async fn play(&self) -> anyhow::Result<()> {
        let founder = Founder { world: self.world, handler: &self.building.handler };
        self.clock.set(self.world.office.founded);
        founder.found().await.context("founding the agency")?;
        let mut changes = changes(self.world).into_iter().peekable();
        let mut agenda = Agenda::new();
        let days: Vec<_> = self.world.days.arrivals().collect();
        for (index, (_, numbers)) in days.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                bail!("interrupted: what was built so far is of no use; delete it");
            }
            let lives: Vec<_> = numbers.clone().map(|n| Life::of(self.world, n)).collect();
            self.building.make_keys(lives.iter().map(Life::stream)).await?;
            for life in lives {
                put(&mut agenda, life);
            }
            // Until the next working day; after the last one, until the year is over.
            let until = days.get(index + 1).map_or_else(|| self.world.days.end(), |(next, _): &(Date, _)| next.start());
            while let Some(at) = next(&agenda, changes.peek()).filter(|at| *at < until) {
                self.clock.set(at);
                while let Some((_, change)) = changes.next_if(|(when, _)| *when <= at) {
                    founder.change(change).await.with_context(|| format!("a change of the agency at {at}"))?;
                }
                for life in self.minute(agenda.remove(&at).unwrap_or_default()).await? {
                    put(&mut agenda, life);
                }
            }
            self.bar.set_position(numbers.end);
            if index % LOOK_BACK == 0 {
                self.building.react().await?;
            }
        }
        Ok(self.building.react().await?)
    }

    /// One thing happens to each of them.
    async fn minute(&self, lives: Vec<Life>) -> anyhow::Result<Vec<Life>> {
        let (mut registering, others): (Vec<_>, Vec<_>) = lives.into_iter().partition(Life::registers_next);
        registering.sort_unstable_by_key(|life| life.n);
        let share = others.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from)).max(8);
        let mut parts = vec![];
        let mut others = others.into_iter().peekable();
        while others.peek().is_some() {
            let part: Vec<_> = others.by_ref().take(share).collect();
            parts.push(tokio::spawn(together(self.stage(), part)));
        }
        let mut done = in_turn(self.stage(), registering).await?;
        for part in parts {
            done.extend(part.await.context("a part of the play stopped")??);
        }
        Ok(done)
    }

    fn stage(&self) -> Stage {
        Stage {
            world: Arc::clone(self.world),
            handler: self.building.handler.clone(),
            blobs: Arc::clone(&self.building.blobs),
        }
    }
}

/// The next minute in which something happens.
fn next(agenda: &Agenda, change: Option<&(Timestamp, Change)>) -> Option<Timestamp> {
    let life = agenda.keys().next().copied();
    let change = change.map(|(at, _)| *at);
    life.into_iter().chain(change).min()
}

/// Puts a life where it goes on, if it does.
fn put(agenda: &mut Agenda, life: Life) {
    if let Some(at) = life.next() {
        agenda.entry(at).or_default().push(life);
    }
}

/// Where it is played.
#[derive(Clone)]
struct Stage {
    world: Arc<World>,
    handler: Handler,
    blobs: Arc<BlobStore>,
}

async fn together(stage: Stage, lives: Vec<Life>) -> anyhow::Result<Vec<Life>> {
    join_all(lives.into_iter().map(|life| stage.go_on(life))).await.into_iter().collect()
}

async fn in_turn(stage: Stage, lives: Vec<Life>) -> anyhow::Result<Vec<Life>> {
    let mut done = Vec::with_capacity(lives.len());
    for life in lives {
        done.push(stage.go_on(life).await?);
    }
    Ok(done)
}

impl Stage {
    /// Does the next thing. What was written must come to pass: anything else is a mistake in the play.
    async fn go_on(&self, mut life: Life) -> anyhow::Result<Life> {
        let Some(act) = life.acts.next() else { return Ok(life) };
        let envelope = act.envelope(&self.world);
        let Act { at, deed, refused, file, .. } = act;
        if let Some(file) = file {
            self.blobs.put(&file)?;
        }
        let name = deed.name();
        let answer = deed.carry_out(&self.handler, life.stream(), envelope).await;
        match (answer, refused) {
            (Ok(receipt), None) if receipt.changed && receipt.at == at => Ok(life),
            (Err(CommandError::Refused(why)), Some(code)) if why.code == code => Ok(life),
            (Ok(receipt), _) => bail!("document {}, {name} at {at}: not as written: {receipt:?}", life.n),
            (Err(error), _) => Err(error).with_context(|| format!("document {}, {name} at {at}", life.n)),
        }
    }
}
