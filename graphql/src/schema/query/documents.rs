//! Documents and their registers.

use async_graphql::{Context, ID, Object};
use socai_projections::incoming_register::RegisterFilter;

use crate::{
    error::Result,
    reading::{at_least, moment, read_at, services},
    scalars::{Date, DateTime, Position},
    schema::{
        page::{self, Connection, connect},
        types::{
            document::IncomingDocument,
            register::RegisterLine,
            trail::{self, Trail},
        },
    },
    visible,
};

#[derive(Debug, Default)]
pub(crate) struct DocumentQuery;

/// Documents and their registers.
#[Object]
impl DocumentQuery {
    /// An incoming document that you see (văn bản đến); null for any other.
    async fn incoming_document(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<Option<IncomingDocument>> {
        read_at(ctx, as_of, at_least).await?;
        let Ok(id) = visible::document_id(&id) else { return Ok(None) };
        IncomingDocument::seen(ctx, id).await
    }

    /// The register of incoming documents (sổ đăng ký văn bản đến; Decree 30/2020/NĐ-CP, Annex IV): ten columns, by book and
    /// number. Long registers are exported, not paged through.
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    #[allow(clippy::too_many_arguments)] // the arguments of a field
    async fn incoming_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The book's year.")] year: Option<i16>,
        #[graphql(desc = "The book's series.")] series: Option<String>,
        #[graphql(desc = "Arrived on or after this day.")] arrived_from: Option<Date>,
        #[graphql(desc = "Arrived on or before this day.")] arrived_to: Option<Date>,
        #[graphql(desc = "Void numbers only, or only others.")] void: Option<bool>,
        first: Option<u32>,
        after: Option<String>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<Connection<RegisterLine>> {
        let page = page::request(first, after)?;
        let moment = read_at(ctx, as_of, at_least).await?;
        let (views, viewer) = (&moment.views, moment.viewer(ctx)?);
        let (arrived_from, arrived_to) = (arrived_from.map(|date| date.0), arrived_to.map(|date| date.0));
        let filter = RegisterFilter { year, series, arrived_from, arrived_to, void };
        let lines = views.incoming_register(&viewer, &filter, &page);
        let count = views.incoming_register_count(&viewer, &filter);
        connect(ctx, &page, lines, count, async |line| Ok(Some(RegisterLine(line)))).await
    }

    /// The trail of a document that you see, straight from the ledger (nhật ký): who did what when, in which post and for
    /// whom, with each record's hash and the verified chain. Null if you do not see the document.
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 20")]
    async fn trail(
        &self,
        ctx: &Context<'_>,
        document: ID,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Option<Trail>> {
        self::at_least(ctx, at_least).await?;
        let first = page::request(first, None)?.first;
        let Ok(document) = visible::document_id(&document) else { return Ok(None) };
        if !services(ctx).views.sees(&moment(ctx).viewer(ctx)?, document).await? {
            return Ok(None);
        }
        trail::read(services(ctx), document, first, after.as_deref(), None).await.map(Some)
    }
}
