//! The read models: every row is the one that the log gives at the same position.

use std::{collections::HashSet, path::Path};

use socai_projections::{Expected, Extent, Stored, ViewsError};

use super::{Fault, Ground, Kind, Layer, database::Database, opening, opening::Records, scratch};

/// What is in the way.
enum Trouble {
    Wrong(Fault),
    Unreadable(String),
    /// A record does not open.
    Keys(Fault),
    /// Somebody put other views there meanwhile.
    Replaced,
}

impl From<ViewsError> for Trouble {
    fn from(error: ViewsError) -> Self {
        let message = error.to_string();
        match error {
            ViewsError::Outdated(_) => Self::Wrong(Fault::new("views-outdated", message)),
            ViewsError::Open(error) => Self::Keys(opening::fault(&error)),
            ViewsError::Foreign(_) => Self::Wrong(Fault::new("views-foreign", message)),
            ViewsError::Database(_) if !error.may_pass() => Self::Wrong(Fault::new("views-damaged", rebuild(&message))),
            ViewsError::Damaged(_) => Self::Wrong(Fault::new("views-damaged", message)),
            _ => Self::Unreadable(message),
        }
    }
}

/// The name of the fault that a comparison finds.
pub(super) const ROW_DIFFERS: &str = "row-differs";

fn rebuild(what: &str) -> String {
    format!("{what}: run `socai rebuild`")
}

/// How often views are looked at again that go on while their rebuild catches up with them, and how near is near enough.
const LOOKS: u32 = 20;
const NEAR: u64 = 2_000;

/// Rebuilds the views beside and compares.
pub(super) async fn check(ground: &mut Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Views);
    let Some(file) = ground.config.views.path().map(Path::to_owned) else {
        return Layer::left_out(
            Kind::Views,
            "they are in PostgreSQL, and only those in a file are compared row by row here: `socai rebuild` compares them",
        );
    };
    if !file.exists() {
        layer.note("there are none; the next start makes them");
        return layer;
    }
    for _ in 0..LOOKS {
        match look(ground, &mut layer, &file).await {
            Ok(()) => return layer,
            Err(Trouble::Replaced) => layer = Layer::new(Kind::Views),
            Err(Trouble::Wrong(fault)) => return layer.with(fault),
            Err(Trouble::Unreadable(why)) => return Layer { unchecked: Some(why), ..layer },
            Err(Trouble::Keys(fault)) => {
                layer.unchecked = Some(format!("they cannot be rebuilt: {}", fault.message));
                ground.met(fault);
                return layer;
            }
        }
    }
    Layer::unchecked(Kind::Views, "other views are put in their place again and again")
}

async fn look(ground: &mut Ground<'_>, layer: &mut Layer, file: &Path) -> Result<(), Trouble> {
    let io = |error: std::io::Error| Trouble::Unreadable(error.to_string());
    let database = Database::prepare(file, &ground.config.data, &mut ground.scratch).map_err(io)?;
    let path = ground.scratch.file("views.sqlite").map_err(io)?;
    let compared = compare(ground, layer, &database, &path).await;
    scratch::remove(&path);
    if compared.is_err() && database.has_changed() { Err(Trouble::Replaced) } else { compared }
}

async fn compare(
    ground: &mut Ground<'_>,
    layer: &mut Layer,
    database: &Database,
    path: &std::path::Path,
) -> Result<(), Trouble> {
    let Some(mut stored) = Stored::open(database.options.clone()).await? else {
        layer.note("the file is empty; the next start fills it");
        return Ok(());
    };
    if let Some(damage) = stored.damage().await? {
        return Err(Trouble::Wrong(Fault::new("views-damaged", rebuild(&damage))));
    }
    if stored.is_unclean().await? {
        layer.note("erased text may still stand in free pages of the file; the program cleans them as soon as it can");
    }
    let Some((_, records)) = ground.records(|_| true) else {
        return Err(Trouble::Unreadable("the log cannot be read".into()));
    };
    let opener = ground.opener().await.map_err(Trouble::Unreadable)?;
    let mut rebuilding = Rebuild { records, views: Expected::new(path, opener).await?, taken: 0 };
    let mut looks = 0;
    let stored = loop {
        let at = place(ground, &stored).await?;
        if at < rebuilding.views.place() {
            return Err(Trouble::Replaced);
        }
        if at - rebuilding.views.place() <= NEAR || looks == LOOKS {
            // Held from here on: not while the whole log is read.
            rebuilding.go_on(at, ground).await?;
            break stored;
        }
        let resting = stored.rest().await?;
        rebuilding.go_on(at, ground).await?;
        looks += 1;
        stored = resting.wake().await?;
    };
    finish(ground, layer, stored, rebuilding).await
}

async fn finish(
    ground: &mut Ground<'_>,
    layer: &mut Layer,
    mut stored: Stored,
    rebuilding: Rebuild,
) -> Result<(), Trouble> {
    let (records, rebuilt) = (rebuilding.taken, rebuilding.views);
    // Keys may have been destroyed by erasures that these views have not come to: their documents are left out.
    ground.catch_up().await.map_err(|error| Trouble::Unreadable(error.to_string()))?;
    let Some(facts) = ground.facts.as_ref() else { return Ok(()) };
    let at = rebuilt.place();
    let erased = facts.erasures.iter().filter(|(_, erasure)| erasure.place > at);
    let without: HashSet<u64> = erased.filter_map(|(stream, _)| Some(facts.streams.get(stream)?.first)).collect();
    let progress = ground.progress(Kind::Views);
    let extent = Extent { without: &without, search: ground.options.deep };
    let compared = stored.compare(&rebuilt, extent, |rows| progress(rows, 0)).await?;
    stored.close().await;
    rebuilt.close().await;
    layer.count("records", records);
    layer.count("rows", compared.rows);
    let end = facts.records();
    if end > records && !ground.is_in_use() {
        layer.note(format!("they reflect the first {records} of {end} records; the next start folds the rest"));
    }
    if let Some(difference) = compared.difference {
        let mut fault = Fault::new(ROW_DIFFERS, rebuild(&difference.to_string()));
        fault.record = difference.record;
        return Err(Trouble::Wrong(fault));
    }
    Ok(())
}

/// The place that the views reflect, if it is one of this log.
async fn place(ground: &mut Ground<'_>, stored: &Stored) -> Result<u64, Trouble> {
    let Some(position) = stored.position() else { return Ok(0) };
    let end = |ground: &Ground<'_>| ground.facts.as_ref().map(super::facts::Facts::end);
    if end(ground).is_some_and(|end| position.place() > end.place()) {
        ground.catch_up().await.map_err(|error| Trouble::Unreadable(error.to_string()))?;
    }
    match end(ground) {
        Some(end) if !end.same_log(position) => Err(ViewsError::Foreign(end).into()),
        Some(end) if position.place() > end.place() => {
            let message = format!(
                "the views reflect record {}, and the log ends at record {}: the log was cut, or is an older copy; restore its \
                 newest copy, or, if that is lost, run `socai rebuild`",
                position.place(),
                end.place()
            );
            Err(Trouble::Wrong(Fault::new("views-beyond-log", message)))
        }
        _ => Ok(position.place()),
    }
}

/// Views in the making, and where their records come from.
struct Rebuild {
    records: Records,
    views: Expected,
    taken: u64,
}

impl Rebuild {
    async fn go_on(&mut self, until: u64, ground: &Ground<'_>) -> Result<(), Trouble> {
        let progress = ground.progress(Kind::Views);
        loop {
            let batch = self.records.next(until).await.map_err(|error| Trouble::Unreadable(error.to_string()))?;
            if batch.is_empty() {
                break;
            }
            self.views.take(&batch).await?;
            self.taken += batch.len() as u64;
            progress(self.views.place(), until);
        }
        if self.views.place() == until {
            Ok(())
        } else {
            Err(Trouble::Unreadable(format!("record {until} of the log cannot be read")))
        }
    }
}
