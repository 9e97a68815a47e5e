//! Queries, put together from fixed text and bound values. Nothing that comes from outside becomes text.

use futures::TryStreamExt as _;

use crate::{
    db::{Db, Dialect, Row},
    error::ViewsError,
    page::{self, Page, PageRequest},
    store::{POSITION, position},
    value::{Cells, Value, value},
    viewer::Rights,
};

/// What queries are asked of.
pub(crate) trait Source: Send {
    /// Which database that is.
    fn dialect(&self) -> Dialect;

    /// The connection, once all tables that the query's text names hold what they should.
    fn ready(&mut self, text: &str) -> impl Future<Output = Result<Db<'_>, ViewsError>> + Send;
}

/// A query in the making.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    text: String,
    args: Vec<Value>,
    rights: Option<Rights>,
}

impl Sql {
    pub(crate) fn plain() -> Self {
        Self { text: String::new(), args: Vec::new(), rights: None }
    }

    /// Adds text of the program.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds ` FROM` these tables. Whoever sees few documents: one after the other of those, which `seen` then compares with.
    pub(crate) fn from(&mut self, tables: &str) -> &mut Self {
        self.push(" FROM ");
        if let Some((dialect, few)) = self.rights.as_ref().and_then(Rights::few) {
            self.push(match dialect {
                Dialect::Sqlite => "(SELECT value AS document FROM json_each(",
                Dialect::Postgres => "(SELECT unnest(CAST(",
            });
            self.bind(few.to_string());
            self.push(match dialect {
                Dialect::Sqlite => ")) few CROSS JOIN ",
                Dialect::Postgres => " AS BIGINT[])) AS document) few CROSS JOIN ",
            });
        }
        self.push(tables)
    }

    /// Adds a value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.args.push(value.into());
        let place = self.args.len();
        self.push(&format!("${place}"))
    }

    /// Values that the text already calls `$4` and `$5`.
    pub(crate) fn fourth_and_fifth(&mut self, fourth: impl Into<Value>, fifth: impl Into<Value>) {
        self.fourth(fourth);
        self.args.push(fifth.into());
    }

    /// Adds values with commas between; where there are none, one that nothing equals.
    pub(crate) fn bind_all(&mut self, values: impl Iterator<Item = impl Into<Value>>) -> &mut Self {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return self.push("NULL");
        }
        for (at, value) in values.enumerate() {
            self.push(if at == 0 { "" } else { ", " }).bind(value);
        }
        self
    }

    /// The viewer's values come first.
    pub(crate) fn with(&mut self, viewer: &crate::viewer::Viewer) {
        self.args.extend(viewer.args());
        self.rights = viewer.given();
    }

    /// What the viewer may see today, where these views are of the past.
    pub(crate) fn rights(&self) -> Option<&Rights> {
        self.rights.as_ref()
    }

    /// Was the viewer given all documents of the organ?
    pub(crate) fn sees_all(&self) -> bool {
        self.rights == Some(Rights::ALL)
    }

    /// Was the viewer given the few documents that they see?
    pub(crate) fn sees_few(&self) -> bool {
        self.rights.as_ref().and_then(Rights::few).is_some()
    }

    /// A value that the text already calls `$4`.
    pub(crate) fn fourth(&mut self, value: impl Into<Value>) {
        debug_assert_eq!(self.args.len(), 3);
        self.args.push(value.into());
    }

    /// Adds ` AND column = value`, where there is a value.
    pub(crate) fn and_equal(&mut self, column: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.push(" AND ").push(column).push(" = ").bind(value);
        }
        self
    }

    /// The column is this unit or one under it, as the tree is now.
    pub(crate) fn within(&mut self, column: &str, unit: socai_domain::id::UnitId) -> &mut Self {
        self.push(column).push(" IN (WITH RECURSIVE part(unit) AS (SELECT ").bind(unit);
        self.push(
            " UNION SELECT u.unit FROM directory_unit u JOIN part ON u.parent = part.unit) SELECT unit FROM part)",
        )
    }

    pub(crate) async fn fetch_optional(&self, db: &mut impl Source) -> Result<Option<Row>, ViewsError> {
        db.ready(&self.text).await?.fetch_optional(self.text.clone(), self.args.clone()).await
    }

    pub(crate) async fn fetch_all(&self, db: &mut impl Source) -> Result<Vec<Row>, ViewsError> {
        db.ready(&self.text).await?.fetch_all(self.text.clone(), self.args.clone()).await
    }

    /// All rows, read.
    pub(crate) async fn read_all<T>(
        &self,
        db: &mut impl Source,
        read: impl Fn(&mut Cells<'_>) -> Result<T, ViewsError>,
    ) -> Result<Vec<T>, ViewsError> {
        self.fetch_all(db).await?.iter().map(|row| read(&mut Cells::of(row))).collect()
    }

    /// The first row, read.
    pub(crate) async fn read_optional<T>(
        &self,
        db: &mut impl Source,
        read: impl FnOnce(&mut Cells<'_>) -> Result<T, ViewsError>,
    ) -> Result<Option<T>, ViewsError> {
        self.fetch_optional(db).await?.map(|row| read(&mut Cells::of(&row))).transpose()
    }

    /// Hands over each row as it comes, for those who want none of them later.
    pub(crate) async fn for_each(
        &self,
        db: &mut impl Source,
        mut take: impl FnMut(&mut Cells<'_>) -> Result<(), ViewsError>,
    ) -> Result<(), ViewsError> {
        let mut rows = db.ready(&self.text).await?.fetch(self.text.clone(), self.args.clone());
        while let Some(row) = rows.try_next().await? {
            take(&mut Cells::of(&row))?;
        }
        Ok(())
    }

    pub(crate) async fn execute(&self, db: &mut impl Source) -> Result<(), ViewsError> {
        db.ready(&self.text).await?.execute(self.text.as_str().into(), self.args.clone()).await?;
        Ok(())
    }

    /// The one number that the query gives.
    pub(crate) async fn count(&self, db: &mut impl Source) -> Result<u64, ViewsError> {
        let row = self.fetch_optional(db).await?.ok_or(sqlx::Error::RowNotFound)?;
        let count: i64 = Cells::of(&row).next()?;
        Ok(count.unsigned_abs())
    }

    /// Whoever tests a list looks at its plan, too: rows come in its order by an index, and documents are looked up one by one.
    /// Else SQLite goes through all of the organ's.
    #[cfg(test)]
    pub(crate) async fn assert_looked_up(&self, what: &str, db: &mut impl Source) {
        if db.dialect() == Dialect::Postgres {
            return;
        }
        let plan = Self { text: format!("EXPLAIN QUERY PLAN {}", self.text), ..self.clone() };
        let plan: Vec<String> =
            plan.fetch_all(db).await.unwrap().iter().map(|row| Cells::skipping(row, 3).next().unwrap()).collect();
        // Delegations, too, are called `d`, where it is found out who the viewer is.
        let documents = |step: &&String| step.split(' ').nth(1) == Some("d") && !step.contains("directory_delegation");
        let is_lookup = |step: &String| step.contains("PRIMARY KEY (rowid=?)") || step.contains("(id=?");
        let goes_through = |step: &String| step == "SCAN l" || step.starts_with("SCAN l ");
        // What is open has no order before it is sorted.
        let sorted = self.sees_few() || plan.iter().any(|step| step.contains("(ended_at=?"));
        let sorts = |step: &String| !sorted && step.starts_with("USE TEMP B-TREE FOR") && step.ends_with("ORDER BY");
        let looked_up = plan.iter().filter(documents).all(is_lookup);
        assert!(looked_up && !plan.iter().any(|step| goes_through(step) || sorts(step)), "{what}: {plan:#?}");
    }

    /// The tables of `PostgreSQL` with so many rows that they must not be gone through, as far as it knows how many they are.
    /// Fewer are gone through sooner than they are found.
    #[cfg(test)]
    pub(crate) async fn large_tables(db: &mut impl Source) -> Vec<String> {
        const MANY: i64 = 2_000;
        let mut large = Self::plain();
        large.push("SELECT CAST(relname AS TEXT) FROM pg_class WHERE relkind = 'r' AND reltuples > ").bind(MANY);
        large.push(" AND relnamespace = CAST(current_schema() AS regnamespace)");
        // Of open duties there are as many as people have work, however long the ledger is.
        large.push(" AND relname <> 'work_item'");
        large.fetch_all(db).await.unwrap().iter().map(|row| Cells::of(row).next().unwrap()).collect()
    }

    /// `PostgreSQL` goes through no such table.
    #[cfg(test)]
    async fn assert_not_scanned(&self, what: &str, db: &mut impl Source) {
        let large = Self::large_tables(db).await;
        let plan = Self { text: format!("EXPLAIN {}", self.text), ..self.clone() };
        let plan = plan.fetch_all(db).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| Cells::of(row).next().unwrap()).collect();
        let scanned = |table: &String| plan.iter().any(|step| step.contains(&format!("Seq Scan on {table} ")));
        assert!(!large.iter().any(scanned), "{what}: {}\n{}", self.text, plan.join("\n"));
    }

    /// Adds the condition that an item comes after the one with these keys.
    fn after(&mut self, order: Order<'_>, keys: Vec<Value>) {
        let first = self.args.len() + 1;
        self.args.extend(keys);
        let places: Vec<String> = (first..=self.args.len()).map(|place| format!("${place}")).collect();
        let than = if order.newest_first { "<" } else { ">" };
        self.push(&format!(" AND ({}) {than} ({})", order.columns.join(", "), places.join(", ")));
        // Columns of two tables are compared only when both rows are there. Bounds besides, by which rows are found: the inner
        // column counts from 0 or 1.
        if let (&[outer, inner, ..], [after, past, ..], false) = (order.columns, places.as_slice(), order.newest_first)
            && table(outer) != table(inner)
        {
            self.push(&format!(
                " AND {outer} >= {after} AND {inner} >= CASE WHEN {outer} = {after} THEN {past} ELSE 0 END"
            ));
        }
    }

    /// One page of the list that this query is without its order. The columns `keys` come first in its rows, are never
    /// null and tell every two items apart.
    pub(crate) async fn page<T>(
        mut self,
        db: &mut impl Source,
        list: &'static str,
        order: Order<'_>,
        request: &PageRequest,
        read: impl Fn(&mut Cells<'_>) -> Result<T, ViewsError>,
    ) -> Result<Page<T>, ViewsError> {
        let first = request.first;
        if first == 0 || first > page::MAX_PAGE {
            return Err(ViewsError::PageSize { asked: first, max: page::MAX_PAGE });
        }
        if let Some(after) = &request.after {
            self.after(order, page::keys(list, after, order.columns.len())?);
        }
        let direction = if order.newest_first { " DESC" } else { "" };
        let mut by: Vec<String> = order.columns.iter().map(|column| format!("{column}{direction}")).collect();
        if db.dialect() == Dialect::Postgres && self.sees_few() {
            // All of them, and then sorted: it would go along the list, as if a page of theirs were always near.
            self.text = format!("SELECT * FROM ({} OFFSET 0) theirs", self.text);
            by = (1..=by.len()).map(|at| format!("{at}{direction}")).collect();
        }
        self.push(" ORDER BY ").push(&by.join(", ")).push(&format!(" LIMIT {}", u64::from(first) + 1));
        // In the same statement, so that no transaction is needed; also for an empty page.
        self.text =
            format!("SELECT checkpoint.*, item.* FROM ({POSITION}) checkpoint LEFT JOIN ({}) item ON TRUE", self.text);
        if db.dialect() == Dialect::Postgres {
            // It promises no order of what is joined.
            let by: Vec<String> = (2..2 + by.len()).map(|at| format!("{at}{direction}")).collect();
            self.push(" ORDER BY ").push(&by.join(", "));
        }
        #[cfg(test)]
        match db.dialect() {
            Dialect::Sqlite => self.assert_looked_up(list, db).await,
            Dialect::Postgres => self.assert_not_scanned(list, db).await,
        }
        let mut rows = self.fetch_all(db).await?;
        let position = rows.first().map_or(Ok(None), |row| position(&mut Cells::of(row)))?;
        let keys = |row: &Row| (1..=order.columns.len()).map(|at| value(row, at)).collect::<Result<Vec<Value>, _>>();
        if rows.first().map(keys).transpose()?.is_none_or(|keys| keys.contains(&Value::Null)) {
            rows.clear();
        }
        let mut items = Vec::new();
        for row in rows.iter().take(usize::try_from(first).unwrap_or(usize::MAX)) {
            let keys = keys(row)?;
            let item = read(&mut Cells::skipping(row, 1 + keys.len()))?;
            items.push((page::cursor(list, &keys, position), item));
        }
        let end_cursor = items.last().map(|(cursor, _)| cursor.clone());
        Ok(Page { has_next: rows.len() > items.len(), items, end_cursor, position })
    }
}

/// What a column's table is called in a query.
fn table(column: &str) -> Option<&str> {
    column.split_once('.').map(|(table, _)| table)
}

/// How a list is ordered: by columns that together are unique.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    pub(crate) columns: &'a [&'a str],
    pub(crate) newest_first: bool,
}
