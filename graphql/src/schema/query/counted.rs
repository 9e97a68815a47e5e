//! The lists behind the figures: each is as long as its number.

use async_graphql::{Context, InputObject, Object};
use socai_projections::{
    PageRequest, lags,
    statistics::{GroupBy, StatisticsFilter},
};

use super::figures::FiguresInput;
use crate::{
    error::Result,
    reading::{read_at, services},
    scalars::{DateTime, Position},
    schema::{
        labels::{
            BranchFigure, Clocked, DocumentFigure, PaperFigure, PromptFigure, PromptStage, ReworkFigure, SavingFigure,
            Stage,
        },
        page::{self, Connection, connect},
        types::counted::{
            CountedBranch, CountedDocument, LagDocument, PaperDocument, PromptDocument, ReworkSpell, SavedDocument,
        },
    },
};

/// Only what took so long: with the bounds of a class of `Distribution`, what that class counts (khoảng thời gian).
#[derive(Debug, InputObject)]
pub(crate) struct TookInput {
    /// By which clock.
    clock: Clocked,
    /// More than so many seconds.
    more_than: Option<u32>,
    /// At most so many seconds.
    at_most: Option<u32>,
}

impl From<TookInput> for lags::Took {
    fn from(took: TookInput) -> Self {
        let micros = |seconds: u32| i64::from(seconds) * 1_000_000;
        Self { clock: took.clock.into(), more_than: took.more_than.map(micros), at_most: took.at_most.map(micros) }
    }
}

/// What every such list is asked by.
struct Asked {
    views: socai_projections::Views,
    viewer: socai_projections::Viewer,
    filter: StatisticsFilter,
    page: PageRequest,
}

impl Asked {
    async fn read(
        ctx: &Context<'_>,
        of: FiguresInput,
        as_of: Option<DateTime>,
        (first, after): (Option<u32>, Option<String>),
        at_least: Option<Position>,
    ) -> Result<Self> {
        let page = page::request(first, after)?;
        let moment = read_at(ctx, as_of, at_least).await?;
        let (viewer, filter) = (moment.viewer(ctx)?, of.read(&services(ctx).views).await?);
        Ok(Self { views: moment.views, viewer, filter, page })
    }
}

#[derive(Debug, Default)]
pub(crate) struct CountedQuery;

/// The lists behind the figures.
#[Object]
#[allow(clippy::too_many_arguments)] // the arguments of fields
impl CountedQuery {
    /// The documents that a figure of `processingStatistics` counts, the last first, of the late ones those in process before
    /// the others: one that is finished between two pages may come twice (danh sách văn bản của một số liệu).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn counted_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        figure: DocumentFigure,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<CountedDocument>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let figure = figure.into();
        let list = views.counted_documents(&viewer, &filter, figure, &page);
        let total = async {
            let lines = views.document_statistics(&viewer, &filter, GroupBy::Organ).await?;
            Ok(lines.iter().map(|line| line.figures.get(figure)).sum())
        };
        connect(ctx, &page, list, total, async |item| Ok(Some(CountedDocument::from(item)))).await
    }

    /// The branches that a figure of `processingStatistics` counts, the last first, of the late ones those in process before the
    /// others: one that is finished between two pages may come twice (danh sách nhánh xử lý của một số liệu).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn counted_branches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        figure: BranchFigure,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<CountedBranch>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let figure = figure.into();
        let list = views.counted_branches(&viewer, &filter, figure, &page);
        let total = async {
            let lines = views.branch_statistics(&viewer, &filter, GroupBy::Organ).await?;
            Ok(lines.iter().map(|line| line.figures.get(figure)).sum())
        };
        connect(ctx, &page, list, total, async |item| Ok(Some(CountedBranch::from(item)))).await
    }

    /// The documents that came to a stage in the period, the last first (danh sách văn bản và độ trễ).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn lag_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        #[graphql(desc = "The stage they came to.")] stage: Stage,
        #[graphql(desc = "Only those that took so long from the stage before.")] took: Option<TookInput>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<LagDocument>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let (stage, took) = (stage.into(), took.map(Into::into));
        let list = views.lags(&viewer, &filter, stage, took, &page);
        let total = views.count_lags(&viewer, &filter, stage, took);
        connect(ctx, &page, list, total, async |item| Ok(Some(LagDocument::from(item)))).await
    }

    /// The documents that a figure of promptness counts, the last to arrive first (danh sách văn bản vào sổ, trình đúng hoặc
    /// chậm thời gian; Decree 30/2020/NĐ-CP, art. 23.1).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn prompt_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        stage: PromptStage,
        figure: PromptFigure,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<PromptDocument>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let (stage, figure) = (stage.into(), figure.into());
        let list = views.prompt_documents(&viewer, &filter, stage, figure, &page);
        let total = async { Ok(views.promptness(&viewer, &filter, stage).await?.get(figure)) };
        connect(ctx, &page, list, total, async |item| Ok(Some(PromptDocument::from(item)))).await
    }

    /// Each time that something was given back in the period, the last first (danh sách lần trả lại).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn rework_spells(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        figure: ReworkFigure,
        #[graphql(desc = "Only those that took so long until they went forward again.")] took: Option<TookInput>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<ReworkSpell>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let (figure, took) = (figure.into(), took.map(Into::into));
        let list = views.rework(&viewer, &filter, figure, took, &page);
        let total = views.count_rework(&viewer, &filter, figure, took);
        connect(ctx, &page, list, total, async |item| Ok(Some(ReworkSpell::from(item)))).await
    }

    /// The documents that a figure of the wait for paper counts, the last to arrive first (danh sách văn bản chờ bản giấy).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn paper_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        figure: PaperFigure,
        #[graphql(desc = "Only those whose paper took so long.")] took: Option<TookInput>,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<PaperDocument>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let (figure, took) = (figure.into(), took.map(Into::into));
        let list = views.paper_waits(&viewer, &filter, figure, took, &page);
        let total = views.count_paper_waits(&viewer, &filter, figure, took);
        connect(ctx, &page, list, total, async |item| Ok(Some(PaperDocument::from(item)))).await
    }

    /// The documents that `savings` reckons with, the last first (danh sách văn bản được tính tiết kiệm).
    #[graphql(complexity = "first.unwrap_or(20) as usize * child_complexity + 1")]
    async fn saved_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As for the figures.")] of: FiguresInput,
        figure: SavingFigure,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        first: Option<u32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Result<Connection<SavedDocument>> {
        let Asked { views, viewer, filter, page } = Asked::read(ctx, of, as_of, (first, after), at_least).await?;
        let figure = figure.into();
        let list = views.saved_documents(&viewer, &filter, figure, &page);
        let total = async { Ok(views.savings(&viewer, &filter).await?.iter().map(|saving| saving.get(figure)).sum()) };
        connect(ctx, &page, list, total, async |item| Ok(Some(SavedDocument::from(item)))).await
    }
}
