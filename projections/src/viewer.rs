//! Who asks, and what they may see: clerks, leaders and inspectors of an organ see all its documents; others those in
//! which they or their unit (a head: with sub-units) hold or held a part, or to which they were granted access. Where the
//! organ is open, everybody in it sees all. It stands inside the SQL of every query.

use std::sync::Arc;

use socai_domain::{
    id::{OrganId, PersonId},
    organ::Role,
    time::Timestamp,
};

use crate::{
    db::Dialect,
    directory,
    document::PartyKind,
    error::ViewsError,
    sql::{Source, Sql},
    store::Views,
    value::{Cells, Column as _, Value, literal},
};

/// Who asks, about whose documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    organ: OrganId,
    /// None: the operator at the console.
    person: Option<PersonId>,
    at: Timestamp,
    /// In views of the past: what they may see today. None: what these views say.
    rights: Option<Rights>,
}

/// What somebody may see today, for views of the past: content is of then, rights are of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights(May);

#[derive(Clone, Debug, PartialEq, Eq)]
enum May {
    /// All documents of the organ.
    All,
    /// These, as a JSON list of their keys: the places of their first records, the same in all views of a log.
    These(Arc<str>),
    /// These, as a list for that database: in views that go on, and so few that lists are made of them, or to be counted.
    Few(Dialect, Arc<str>),
}

impl Rights {
    pub(crate) const ALL: Self = Self(May::All);

    pub(crate) fn to_few(dialect: Dialect, list: Arc<str>) -> Self {
        Self(May::Few(dialect, list))
    }

    pub(crate) fn few(&self) -> Option<(Dialect, Arc<str>)> {
        match &self.0 {
            May::Few(dialect, list) => Some((*dialect, Arc::clone(list))),
            May::All | May::These(_) => None,
        }
    }
}

/// What sort of rights somebody has in their organ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// They hold a post, or substitute in one.
    pub acts: bool,
    /// They see all of the organ.
    pub sees_all: bool,
}

impl Views {
    /// Whether the viewer holds a post, and whether they see all.
    pub async fn standing(&self, viewer: &Viewer) -> Result<Standing, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push("SELECT EXISTS (SELECT 1 FROM acting), EXISTS (SELECT 1 FROM sees_all)");
        let Some(row) = sql.fetch_optional(&mut self.reading().await?).await? else {
            return Ok(Standing { acts: false, sees_all: false });
        };
        let mut cells = Cells::of(&row);
        Ok(Standing { acts: cells.next()?, sees_all: cells.next()? })
    }

    /// What the viewer may see in these views.
    pub async fn rights(&self, viewer: &Viewer) -> Result<Rights, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        if viewer.sees_all(snapshot.db()).await? {
            return Ok(Rights::ALL);
        }
        let mut these = Sql::of(viewer);
        these.push(match self.dialect() {
            Dialect::Sqlite => "SELECT json_group_array(d.document) FROM document d WHERE ",
            Dialect::Postgres => "SELECT CAST(json_agg(d.document) AS TEXT) FROM document d WHERE ",
        });
        these.visible();
        let row = these.fetch_optional(snapshot.db()).await?;
        let list: Option<String> = row.map_or(Ok(None), |row| Cells::of(&row).next())?;
        Ok(Rights(May::These(list.unwrap_or_else(|| "[]".to_owned()).into())))
    }
}

impl Viewer {
    /// A person. `at` is now: what posts they hold or substitute in, and what is late, is judged at this instant.
    pub fn person(organ: OrganId, person: PersonId, at: Timestamp) -> Self {
        Self { organ, person: Some(person), at, rights: None }
    }

    /// The operator at the console sees all of the organ. Never for a request from outside.
    pub fn operator(organ: OrganId, at: Timestamp) -> Self {
        Self { organ, person: None, at, rights: Some(Rights::ALL) }
    }

    /// With these rights instead of those that the views of a past moment would give.
    #[must_use]
    pub fn seeing(self, rights: Rights) -> Self {
        Self { rights: Some(rights), ..self }
    }

    /// Do they see all documents of the organ?
    pub(crate) async fn sees_all(&self, db: &mut impl Source) -> Result<bool, ViewsError> {
        if let Some(Rights(may)) = &self.rights {
            return Ok(*may == May::All);
        }
        let mut sql = Sql::of(self);
        sql.push("SELECT COUNT(*) FROM sees_all");
        Ok(sql.count(db).await? > 0)
    }

    /// Whose documents.
    pub fn organ(&self) -> OrganId {
        self.organ
    }

    /// Who; none is the operator.
    pub fn who(&self) -> Option<PersonId> {
        self.person
    }

    /// Now.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// Holds the post at `$3` (the newest of overlapping tenures counts; nobody holds an abolished post), or substitutes for who
/// does. A delegation is good only in the tenure in which it was given: a successor delegated nothing.
const ACTING: &str = "\
acting(post, unit, role) AS (
  SELECT p.post, p.unit, p.role FROM directory_tenure t JOIN directory_post p ON p.post = t.post
  WHERE t.person = $2 AND p.organ = $1 AND p.abolished = 0 AND t.since <= $3 AND (t.till IS NULL OR t.till > $3)
    AND NOT EXISTS (SELECT 1 FROM directory_tenure l
      WHERE l.post = t.post AND l.place > t.place AND l.since <= $3 AND (l.till IS NULL OR l.till > $3))
  UNION
  SELECT p.post, p.unit, p.role FROM directory_delegation d JOIN directory_post p ON p.post = d.post
  WHERE d.person = $2 AND p.organ = $1 AND p.abolished = 0 AND d.since <= $3 AND d.till > $3
    AND d.given_in = (SELECT MAX(h.place) FROM directory_tenure h
      WHERE h.post = d.post AND h.since <= $3 AND (h.till IS NULL OR h.till > $3))
)";

impl Sql {
    /// A query on behalf of a viewer: `$1` is the organ, `$2` the person, `$3` now. The tables `acting` (posts they act
    /// in), `headed` (units they head, with sub-units), `eyes` (as what they have a part) and `sees_all` come first.
    pub(crate) fn of(viewer: &Viewer) -> Self {
        let mut sql = Self::plain();
        let all: Vec<String> = directory::SEE_ALL.iter().map(literal).collect();
        let party = |kind: PartyKind| literal(&kind);
        sql.with(viewer);
        sql.push("WITH RECURSIVE ").push(ACTING);
        sql.push(", headed(unit) AS (SELECT unit FROM acting WHERE role IN (")
            .push(&[literal(&Role::Leader), literal(&Role::UnitHead)].join(", "))
            .push(") UNION SELECT u.unit FROM directory_unit u JOIN headed h ON u.parent = h.unit)");
        sql.push(", eyes(kind, party) AS (SELECT ").push(&party(PartyKind::Person)).push(", $2 FROM acting");
        sql.push(" UNION SELECT ").push(&party(PartyKind::Granted)).push(", $2 FROM acting");
        sql.push(" UNION SELECT ").push(&party(PartyKind::Post)).push(", post FROM acting");
        sql.push(" UNION SELECT ").push(&party(PartyKind::Unit)).push(", unit FROM acting");
        sql.push(" UNION SELECT ").push(&party(PartyKind::Unit)).push(", unit FROM headed");
        sql.push(" UNION SELECT ").push(&party(PartyKind::UnitOfPerson)).push(", unit FROM headed)");
        sql.push(", sees_all(yes) AS (SELECT 1 FROM acting WHERE role IN (").push(&all.join(", "));
        sql.push(") UNION SELECT 1 FROM directory_organ o WHERE o.id = $1 AND o.open_within_organ = 1");
        sql.push(" AND EXISTS (SELECT 1 FROM acting) UNION SELECT 1 WHERE $2 IS NULL) ");
        sql
    }

    /// The condition that a document `d` is one that the viewer sees.
    pub(crate) fn visible(&mut self) -> &mut Self {
        self.push("d.organ = $1 AND ").seen("d.document")
    }

    /// The condition that the viewer sees the document of their organ whose number is in this column.
    pub(crate) fn seen(&mut self, column: &str) -> &mut Self {
        match self.rights().cloned() {
            Some(Rights(May::All)) => return self.push("1 = 1"),
            Some(Rights(May::These(list))) => {
                self.push(column).push(" IN (SELECT value FROM json_each(").bind(list.to_string());
                return self.push("))");
            }
            Some(Rights(May::Few(..))) => return self.push("few.document = ").push(column),
            None => {}
        }
        // Neither EXISTS nor a join: of the one, PostgreSQL makes a list of all that the viewer sees, and goes through all parties
        // for it; for the other, it reckons anew for each document as what the viewer has a part.
        self.push("(EXISTS (SELECT 1 FROM sees_all) OR (SELECT 1 FROM document_party s WHERE s.document = ");
        self.push(column)
            .push(" AND CASE WHEN (s.kind, s.party) IN (SELECT kind, party FROM eyes) THEN 1 END = 1 LIMIT 1) = 1)")
    }
}

impl Viewer {
    pub(crate) fn given(&self) -> Option<Rights> {
        self.rights.clone()
    }

    pub(crate) fn args(&self) -> [Value; 3] {
        [self.organ.to_value(), self.person.to_value(), self.at.to_value()]
    }
}
