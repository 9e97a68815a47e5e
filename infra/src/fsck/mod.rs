//! Checking the whole product, layer by layer, against the log: nothing is written, no lock is held, and a server may go on
//! writing meanwhile.
//!
//! A layer is a file here, and its result a [`Layer`]. What other layers keep is always read in the order in which the
//! program relies on it: a checkpoint before the log that it speaks of, the log before the keys that its records need. What
//! still looks wrong because something went on in between is judged again by what the log says then.

mod database;
mod facts;
mod files;
mod index;
mod keys;
mod layer;
mod log;
mod notary;
mod opening;
mod reactions;
mod ring;
mod scratch;
mod source;
mod views;

use std::sync::Arc;

use socai_domain::ledger::{Head, Header, Opener, Position, ReadError, RecordHash};

pub use self::layer::{Fault, Kind, Layer};
use self::{facts::Facts, opening::Records, ring::Lost, ring::Ring, scratch::Scratch, source::Source};
use crate::{config::Config, data};

/// What is to be checked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these layers; all if there are none.
    pub only: Vec<Kind>,
    /// The log must have had this head at this position.
    pub expect: Option<(Position, RecordHash)>,
    /// Open the content of every record.
    pub deep: bool,
}

/// How far a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The layer.
    pub kind: Kind,
    /// So much is done.
    pub done: u64,
    /// Of so much; zero if that is not known.
    pub total: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The end of the log as it was verified.
    pub head: Option<Head>,
    /// The layers that were checked, in their order.
    pub layers: Vec<Layer>,
}

impl Report {
    /// What the program ends with: 0 if all is well; the code of the first layer with a fault; 1 if something could not be
    /// looked at.
    pub fn exit_code(&self) -> u8 {
        let faulty = self.layers.iter().find(|layer| layer.fault.is_some());
        let unchecked = self.layers.iter().any(|layer| layer.unchecked.is_some());
        faulty.map_or(u8::from(unchecked), |layer| layer.kind.exit_code())
    }
}

/// Where progress is told.
pub type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// Checks what the configuration names. Dropping it half-way leaves nothing behind.
pub async fn check(config: &Config, options: &Options, tell: Tell) -> Report {
    // Before the log: what it names was in the log then.
    let checkpoint = reactions::checkpoint(config).await;
    let mut ground = Ground {
        config,
        options,
        source: None,
        tell,
        checkpoint,
        scratch: Scratch::default(),
        head: None,
        facts: None,
        ring: None,
        met: None,
    };
    let mut layers = Vec::new();
    for kind in Kind::ALL {
        let layer = match kind {
            // The other layers rest on it, wanted or not.
            Kind::Log => log::check(&mut ground).await,
            _ if !ground.is_wanted(kind) => continue,
            Kind::Index => index::check(&ground).await,
            Kind::Reactions => reactions::check(&ground),
            Kind::Notary => notary::check(&mut ground).await,
            Kind::Keys | Kind::Views | Kind::Files => with_keys(&mut ground, kind).await,
        };
        if ground.is_wanted(kind) || layer.fault.is_some() || layer.unchecked.is_some() {
            layers.push(layer);
        }
    }
    if let Some(fault) = ground.met.take() {
        keys_are_wrong(&mut layers, fault);
    }
    views_rest_on_keys(&mut layers);
    ground.let_go_of_the_ring().await;
    Report { head: ground.head, layers }
}

/// How often a layer is checked again because somebody wrote to the ring's file, which was taken for one that rests.
const ATTEMPTS: u32 = 5;

/// A layer that reads the key ring.
async fn with_keys(ground: &mut Ground<'_>, kind: Kind) -> Layer {
    let mut attempt = 1;
    loop {
        let met = ground.met.clone();
        let layer = match kind {
            Kind::Keys => keys::check(ground).await,
            Kind::Views => views::check(ground).await,
            _ => files::check(ground).await,
        };
        let well = layer.fault.is_none() && layer.unchecked.is_none();
        let changed = match &ground.ring {
            Some(ring) => ring.has_changed().await,
            None => false,
        };
        if well || !changed || attempt == ATTEMPTS {
            return layer;
        }
        attempt += 1;
        ground.met = met;
        ground.let_go_of_the_ring().await;
    }
}

/// A record did not open while another layer was checked: that is told with the keys, whether or not they were to be checked.
fn keys_are_wrong(layers: &mut Vec<Layer>, fault: Fault) {
    match layers.iter_mut().find(|layer| layer.kind == Kind::Keys) {
        Some(keys) if keys.fault.is_none() => keys.wrong(fault),
        Some(_) => {}
        None => {
            let at = layers.partition_point(|layer| layer.kind < Kind::Keys);
            layers.insert(at, Layer::new(Kind::Keys).with(fault));
        }
    }
}

/// A rebuild with wrong keys gives wrong rows: that the views differ from it says nothing of them.
fn views_rest_on_keys(layers: &mut [Layer]) {
    let wrong = layers.iter().any(|layer| layer.kind == Kind::Keys && layer.fault.is_some());
    let views = layers.iter_mut().find(|layer| layer.kind == Kind::Views && wrong);
    if let Some(views) = views
        && views.fault.take_if(|fault| fault.name == views::ROW_DIFFERS).is_some()
    {
        views.faults = 0;
        views.unchecked = Some("they cannot be compared with a rebuild while keys are wrong".into());
    }
}

/// What the layers have in common.
struct Ground<'a> {
    config: &'a Config,
    options: &'a Options,
    /// The log, once it was found.
    source: Option<Source>,
    tell: Tell,
    /// The reactions' checkpoint, as it was before the log was read; or what is to be said of it.
    checkpoint: Result<Option<Position>, Layer>,
    scratch: Scratch,
    head: Option<Head>,
    /// What the log's headers say; none where it cannot be read to its end.
    facts: Option<Facts>,
    ring: Option<Ring>,
    /// The first record that did not open.
    met: Option<Fault>,
}

impl Ground<'_> {
    fn is_wanted(&self, kind: Kind) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&kind)
    }

    /// Where a layer tells how far it is.
    fn progress(&self, kind: Kind) -> impl Fn(u64, u64) + Send + Sync + 'static {
        let tell = Arc::clone(&self.tell);
        move |done, total| tell(Progress { kind, done, total })
    }

    /// Does a program write in the data directory? If that cannot be told, perhaps.
    fn is_in_use(&self) -> bool {
        data::is_in_use(&self.config.data).unwrap_or(true)
    }

    async fn read_facts(&mut self) -> Result<(), ReadError> {
        let Some(source) = self.source.clone() else { return Ok(()) };
        let done = self.checkpoint.as_ref().ok().copied().flatten().map_or(0, Position::place);
        let progress = self.progress(Kind::Log);
        let facts = blocking(move || Facts::read(&source, done, |place| progress(place, 0))).await?;
        self.facts = Some(facts);
        Ok(())
    }

    /// Takes in what the log got since it was last read.
    async fn catch_up(&mut self) -> Result<(), ReadError> {
        let Some(mut facts) = self.facts.take() else { return Ok(()) };
        let (facts, caught_up) = blocking(move || {
            let caught_up = facts.catch_up(|_| ());
            (facts, caught_up)
        })
        .await;
        self.facts = Some(facts);
        caught_up
    }

    /// All records of the log that are wanted, and the place where it ends.
    fn records(&self, wanted: fn(&Header) -> bool) -> Option<(u64, Records)> {
        let end = self.facts.as_ref()?.end().place();
        Some((end, Records::new(self.source.as_ref()?.reader().ok()?, wanted)))
    }

    /// The key ring, opened when it is first needed; none if there is no such file.
    async fn ring(&mut self) -> Result<Option<&Ring>, Lost> {
        if self.ring.is_none() {
            self.ring = Ring::open(self.config, &mut self.scratch).await?;
        }
        Ok(self.ring.as_ref())
    }

    /// What opens records.
    async fn opener(&mut self) -> Result<Opener, String> {
        match self.ring().await {
            Ok(Some(ring)) => Ok(Opener::new(Arc::new(ring.reader.clone()))),
            Ok(None) => Err("there is no key ring".into()),
            Err(Lost::Wrong(fault)) => Err(fault.message),
            Err(Lost::Unreadable(why)) => Err(why),
        }
    }

    /// A record did not open.
    fn met(&mut self, fault: Fault) {
        self.met.get_or_insert(fault);
    }

    async fn let_go_of_the_ring(&mut self) {
        if let Some(ring) = self.ring.take() {
            ring.close().await;
        }
    }
}

/// Runs what waits for the disk or computes for long where it holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
