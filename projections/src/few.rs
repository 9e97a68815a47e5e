//! Who sees few of many documents: their lists are made of just these. Along a whole register, or a year, somebody new would
//! wait until all of it was looked at.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use socai_domain::id::{OrganId, PersonId};

use crate::{
    db::Dialect,
    error::ViewsError,
    sql::{Source, Sql},
    store::{Reading, Snapshot, Views},
    value::Cells,
    viewer::{Rights, Viewer},
};

/// So many parts in documents are few. Each costs some lookups, up to 0.1 ms where little is in memory: beyond that, most pages are
/// met sooner along the list.
pub(crate) const FEW: i64 = 3_000;
/// So many parts are handed back for a total: four megabytes of text.
const COUNTED: i64 = 500_000;
/// Who sees many is not counted again for so long. Should they see few by then, their lists are right, only slower.
const FOR: Duration = Duration::from_mins(5);
/// So many are remembered.
const MOST: usize = 10_000;

/// Who was found to see many documents, and when.
#[derive(Debug, Default)]
pub(crate) struct Many(Mutex<HashMap<(OrganId, PersonId), Instant>>);

impl Many {
    fn has(&self, who: (OrganId, PersonId)) -> bool {
        let many = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        many.get(&who).is_some_and(|since| since.elapsed() < FOR)
    }

    fn note(&self, who: (OrganId, PersonId)) {
        let mut many = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if many.len() >= MOST {
            many.clear();
        }
        many.insert(who, Instant::now());
    }
}

impl Views {
    /// To read a list from, and the viewer of it: whoever sees few documents is given them.
    pub(crate) async fn looking(&self, viewer: &Viewer) -> Result<(Reading, Viewer), ViewsError> {
        if self.takes_as_given(viewer) {
            return Ok((self.reading().await?, viewer.clone()));
        }
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        Ok((snapshot.into_reading(), viewer))
    }

    /// To count what is narrow, and the viewer: whoever sees all or few is given it.
    pub(crate) async fn judging(&self, viewer: &Viewer) -> Result<(Snapshot, Viewer), ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let all = viewer.given().is_none() && viewer.sees_all(&mut snapshot).await?;
        Ok((snapshot, if all { viewer.seeing(Rights::ALL) } else { viewer }))
    }

    /// To count what is broad: whoever sees more is given it, too, up to a bound, and asked about no document by itself.
    pub(crate) async fn counting(&self, viewer: &Viewer) -> Result<(Snapshot, Viewer), ViewsError> {
        let (mut snapshot, viewer) = self.judging(viewer).await?;
        if viewer.given().is_some() || self.on_demand.is_some() {
            return Ok((snapshot, viewer));
        }
        let theirs = few(&mut snapshot, &viewer, COUNTED.max(self.few)).await?;
        Ok((snapshot, theirs.map_or_else(|| viewer.clone(), |theirs| viewer.clone().seeing(theirs))))
    }

    /// The viewer of this state: whoever sees few documents is given them.
    pub(crate) async fn narrowed(&self, snapshot: &mut Snapshot, viewer: &Viewer) -> Result<Viewer, ViewsError> {
        let Some(who) = who(viewer).filter(|_| !self.takes_as_given(viewer)) else { return Ok(viewer.clone()) };
        let few = few(snapshot.db(), viewer, self.few).await?;
        if few.is_none() {
            self.many.note(who);
        }
        Ok(few.map_or_else(|| viewer.clone(), |few| viewer.clone().seeing(few)))
    }

    /// The operator, somebody with rights of their own in views of the past, or who was found to see many.
    fn takes_as_given(&self, viewer: &Viewer) -> bool {
        viewer.given().is_some() || self.on_demand.is_some() || who(viewer).is_none_or(|who| self.many.has(who))
    }
}

fn who(viewer: &Viewer) -> Option<(OrganId, PersonId)> {
    viewer.who().map(|person| (viewer.organ(), person))
}

/// The documents that the viewer sees, if those are few.
async fn few(db: &mut impl Source, viewer: &Viewer, few: i64) -> Result<Option<Rights>, ViewsError> {
    let dialect = db.dialect();
    let mut sql = Sql::of(viewer);
    sql.push("SELECT EXISTS (SELECT 1 FROM sees_all) OR COUNT(*) > ").bind(few);
    sql.push(match dialect {
        Dialect::Sqlite => ", json_group_array(DISTINCT document)",
        Dialect::Postgres => ", CAST(COALESCE(array_agg(DISTINCT document), '{}') AS TEXT)",
    });
    // SQLite keeps the order of cross joins, and goes along the index by parties.
    sql.push(
        " FROM (SELECT s.document FROM eyes e CROSS JOIN document_party s WHERE s.kind = e.kind AND s.party = e.party",
    );
    sql.push(" AND NOT EXISTS (SELECT 1 FROM sees_all) LIMIT ").bind(few + 1).push(") found");
    let read = |cells: &mut Cells<'_>| Ok((cells.next::<bool>()?, cells.next::<String>()?));
    let found = sql.read_optional(db, read).await?;
    Ok(found.filter(|(many, _)| !many).map(|(_, list)| Rights::to_few(dialect, Arc::from(list))))
}
