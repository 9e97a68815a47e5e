//! Work lists, the follow-up register and search.

use async_graphql::{Context, ID, Object, OneofObject};
use socai_domain::id::UnitId;
use socai_projections::{
    follow_up_register::FollowUpFilter,
    work_list::{WorkFilter, WorkScope},
};

use crate::{
    error::Result,
    reading::{at_least, moment, read_at},
    scalars::{DateTime, Position, Uuid},
    schema::{
        input,
        labels::{WorkKind, WorkState},
        page::{self, Connection, connect},
        types::{
            document::IncomingDocument,
            follow_up::FollowUpLine,
            work::{WorkCounts, WorkItem},
        },
    },
};

/// Whose duties (việc của ai).
#[derive(Debug, OneofObject)]
pub(crate) enum WorkOf {
    /// A person's, as far as you see the documents.
    Person(ID),
    /// A unit's and those of the people in it, sub-units included.
    Unit(Uuid),
    /// `true`: all that you see.
    All(bool),
}

/// Whose duties are meant; your own unless said otherwise.
pub(crate) fn scope(of: Option<WorkOf>) -> Result<WorkScope> {
    Ok(match of {
        None | Some(WorkOf::All(false)) => WorkScope::Mine,
        Some(WorkOf::Person(person)) => WorkScope::Person(input::person("of.person", &person)?),
        Some(WorkOf::Unit(unit)) => WorkScope::Unit(UnitId::new(unit.0)),
        Some(WorkOf::All(true)) => WorkScope::All,
    })
}

#[derive(Debug, Default)]
pub(crate) struct WorkQuery;

/// Work lists, the follow-up register and search.
#[Object]
impl WorkQuery {
    /// Duties, soonest due first (danh sách việc): your own, or a person's or unit's as far as you see the documents.
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    #[allow(clippy::too_many_arguments)] // the arguments of a field
    async fn work_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose; without it your own.")] of: Option<WorkOf>,
        #[graphql(desc = "Only those in this state.")] state: Option<WorkState>,
        #[graphql(desc = "Only those of this kind.")] kind: Option<WorkKind>,
        first: Option<u32>,
        after: Option<String>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<Connection<WorkItem>> {
        let page = page::request(first, after)?;
        let moment = read_at(ctx, as_of, at_least).await?;
        let (views, viewer) = (&moment.views, moment.viewer(ctx)?);
        let filter = WorkFilter { scope: scope(of)?, state: state.map(Into::into), kind: kind.map(Into::into) };
        let total = views.work_list_count(&viewer, &filter);
        let items = views.work_list(&viewer, &filter, &page);
        connect(ctx, &page, items, total, async |item| Ok(Some(WorkItem(item)))).await
    }

    /// How many duties are in which state (số việc theo tình trạng).
    async fn work_counts(
        &self,
        ctx: &Context<'_>,
        of: Option<WorkOf>,
        at_least: Option<Position>,
    ) -> Result<WorkCounts> {
        self::at_least(ctx, at_least).await?;
        let moment = moment(ctx);
        Ok(moment.views.work_counts(&moment.viewer(ctx)?, scope(of)?).await?.into())
    }

    /// The follow-up register (sổ theo dõi giải quyết văn bản đến; Decree 30/2020/NĐ-CP, Annex IV): seven columns.
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    #[allow(clippy::too_many_arguments)] // the arguments of a field
    async fn follow_up_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The book's year.")] year: Option<i16>,
        #[graphql(desc = "Those on which work is open, or only others.")] open: Option<bool>,
        #[graphql(desc = "Only those that are late now.", default)] late: bool,
        first: Option<u32>,
        after: Option<String>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<Connection<FollowUpLine>> {
        let page = page::request(first, after)?;
        let moment = read_at(ctx, as_of, at_least).await?;
        let (views, viewer) = (&moment.views, moment.viewer(ctx)?);
        let filter = FollowUpFilter { year, open, late };
        let lines = views.follow_up_register(&viewer, &filter, &page);
        let count = views.follow_up_register_count(&viewer, &filter);
        connect(ctx, &page, lines, count, async |line| Ok(Some(FollowUpLine(line)))).await
    }

    /// Documents by words of abstract, number, symbol and issuer (tra cứu): with and without diacritics, newest first.
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn search_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words; each must stand in the document or begin a word of it.")] query: String,
        first: Option<u32>,
        after: Option<String>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<Connection<IncomingDocument>> {
        let page = page::request(first, after)?;
        let moment = read_at(ctx, as_of, at_least).await?;
        let viewer = moment.viewer(ctx)?;
        let found = moment.views.search(&viewer, &query, &page);
        let count = moment.views.search_count(&viewer, &query);
        connect(ctx, &page, found, count, async |row| IncomingDocument::seen(ctx, row.id).await).await
    }
}
