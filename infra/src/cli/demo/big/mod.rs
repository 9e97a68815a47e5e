//! `socai demo --documents N`: years of an invented agency, for measuring and for looking around in.

mod days;
mod dice;
mod drive;
mod fate;
mod files;
mod found;
mod letter;
mod life;
mod office;
mod summary;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use socai::{
    app::{App, Building, Store},
    clock::SystemClock,
    config::Config,
    verify::VerifyReport,
};
use socai_projections::Views;

pub(super) use self::summary::how_to_go_on;
use self::{
    days::Days,
    drive::Driver,
    files::{Files, Removing},
    letter::TYPES,
    office::Office,
};
use super::{clock::DemoClock, words::Lang};
use crate::cli::telling;

/// All that the play is made of. It follows from the number of documents.
#[derive(Debug)]
struct World {
    days: Days,
    office: Office,
    files: Arc<Files>,
}

impl World {
    fn of(documents: u64) -> Self {
        let days = Days::of(documents);
        let office = Office::of(&days);
        Self { days, office, files: Arc::new(Files::of(TYPES.map(|kind| kind.1))) }
    }
}

/// How long each part took.
#[derive(Clone, Copy, Debug, Default)]
struct Took {
    played: Duration,
    checked: Duration,
    views: Duration,
}

/// Builds the ledger and its views where nothing is, and tells about it.
pub(super) async fn build(
    config: &Config,
    documents: u64,
    lang: Lang,
    stop: &mut tokio::task::JoinHandle<()>,
) -> anyhow::Result<()> {
    let world = Arc::new(World::of(documents));
    let mut took = Took::default();
    let report = Box::pin(played(config, &world, lang, stop, &mut took)).await?;
    let began_views = Instant::now();
    {
        let store = Store::open(config, Arc::new(SystemClock)).await?;
        let bar = bar(report.records, lang.of("dựng các bảng", "building the views"));
        let views = Views::awaited(&config.views).with_memory(config.views_memory());
        let views = views.with_copies(config.views_copies);
        let log = store.log();
        let rebuilding = telling::rebuilding(&views, Box::pin(views.rebuild(&*log, &store.opener)), |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        });
        let rebuilt = tokio::select! {
            rebuilt = rebuilding => Some(rebuilt),
            _ = stop => None,
        };
        bar.finish_and_clear();
        views.close().await;
        store.close().await?;
        let data = config.data.display();
        rebuilt.with_context(|| {
            format!("interrupted: the ledger is whole, its views are not; `socai rebuild --data {data}` goes on")
        })??;
    }
    took.views = began_views.elapsed();
    let app = App::open(config, Arc::new(SystemClock)).await?;
    let told = summary::tell(&app, config, &world, lang, &report, took).await;
    app.close().await?;
    told
}

/// Plays all of it, and checks what was written.
async fn played(
    config: &Config,
    world: &Arc<World>,
    lang: Lang,
    stop: &mut tokio::task::JoinHandle<()>,
    took: &mut Took,
) -> anyhow::Result<VerifyReport> {
    let began = Instant::now();
    let clock = Arc::new(DemoClock::new());
    let files = Arc::clone(&world.files);
    let building =
        Building::begin(config, clock.clone(), |store| Arc::new(Removing { store, files: Arc::clone(&files) })).await?;
    files.store(&building.blobs)?;
    let documents = bar(world.days.documents(), lang.of("đang ghi sổ", "playing"));
    let stopped = AtomicBool::new(false);
    let driver = Driver { world, building: &building, clock: &clock, bar: &documents, stop: &stopped };
    let played = until_stopped(Box::pin(driver.play()), stop, &stopped).await;
    documents.finish_and_clear();
    played?;
    took.played = began.elapsed();
    let began = Instant::now();
    let checking = bar(0, lang.of("kiểm tra", "checking"));
    let shown = checking.clone();
    let report = building
        .finish(move |progress| {
            shown.set_length(progress.total);
            shown.set_position(progress.done);
        })
        .await?;
    checking.finish_and_clear();
    took.checked = began.elapsed();
    Ok(report)
}

/// Plays to the end, or until somebody asks to stop and the play has heard it.
async fn until_stopped<T>(
    playing: impl Future<Output = T>,
    stop: &mut tokio::task::JoinHandle<()>,
    stopped: &AtomicBool,
) -> T {
    let mut playing = std::pin::pin!(playing);
    tokio::select! {
        played = &mut playing => played,
        _ = stop => {
            stopped.store(true, Ordering::Relaxed);
            playing.await
        }
    }
}

/// A bar with the rate and the time left, on a terminal.
fn bar(total: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:32}] {percent:>3} %  {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style).with_message(what)
}
