//! Statistics.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use socai_domain::id::{PersonId, UnitId};
use socai_projections::{
    Views,
    lags::{PaperFigures, PromptStage, ReworkFigures},
    statistics::{GroupBy, Period, StatisticsFilter, UnitScope},
};

use crate::{
    error::{ApiError, Result},
    reading::{read_at, services},
    scalars::{DateTime, Position, Uuid},
    schema::{
        input,
        labels::Channel,
        types::{
            figures::ProcessingStatistics,
            savings::Saving,
            times::{LagStatistics, Prompt},
        },
    },
};

/// What figures are of (điều kiện thống kê).
#[derive(Debug, InputObject)]
pub(crate) struct FiguresInput {
    /// From this instant (từ).
    from: DateTime,
    /// Until before this instant (đến trước).
    before: DateTime,
    /// Documents of this type, by name.
    document_type: Option<String>,
    /// Documents that came this way.
    channel: Option<Channel>,
    /// What counts for this unit and those under it.
    unit: Option<Uuid>,
    /// Not those under it: what a line of figures by unit counts.
    #[graphql(default)]
    unit_alone: bool,
    /// By which unit tree, where it is asked as of a past moment.
    #[graphql(default)]
    unit_tree: UnitTree,
    /// What counts for this person.
    person: Option<ID>,
}

/// By which unit tree (cây đơn vị).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum UnitTree {
    /// That of the moment asked about (tại thời điểm thống kê).
    #[default]
    OfThen,
    /// Today's (hiện nay).
    OfToday,
}

/// What figures are grouped by (nhóm theo).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum FiguresBy {
    /// The whole organ (toàn cơ quan).
    #[default]
    Organ,
    /// Units; documents are not grouped by them (đơn vị).
    Unit,
    /// Persons; documents are not grouped by them (cá nhân).
    Person,
    /// Document types (loại văn bản).
    DocumentType,
    /// Channels (cách đến).
    Channel,
}

impl From<FiguresBy> for GroupBy {
    fn from(by: FiguresBy) -> Self {
        match by {
            FiguresBy::Organ => Self::Organ,
            FiguresBy::Unit => Self::Unit,
            FiguresBy::Person => Self::Person,
            FiguresBy::DocumentType => Self::DocumentType,
            FiguresBy::Channel => Self::Channel,
        }
    }
}

impl FiguresInput {
    pub(super) async fn read(self, today: &Views) -> Result<StatisticsFilter> {
        if self.before.0 <= self.from.0 {
            return Err(ApiError::field(
                "of.before",
                ("kỳ kết thúc sau khi bắt đầu", "the period ends after it begins"),
            ));
        }
        let person = |id: ID| -> Result<PersonId> { input::person("of.person", &id) };
        let unit = match (self.unit.map(|unit| UnitId::new(unit.0)), self.unit_tree) {
            (None, _) => None,
            (Some(unit), _) if self.unit_alone => Some(UnitScope::Exactly(unit)),
            (Some(unit), UnitTree::OfThen) => Some(UnitScope::WithSubUnits(unit)),
            (Some(unit), UnitTree::OfToday) => Some(UnitScope::AnyOf(today.with_sub_units(unit).await?)),
        };
        Ok(StatisticsFilter {
            period: Period { from: self.from.0, before: self.before.0 },
            document_type: self.document_type,
            channel: self.channel.map(Into::into),
            unit,
            person: self.person.map(person).transpose()?,
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct FiguresQuery;

/// Statistics.
#[Object]
impl FiguresQuery {
    /// How much was done, how much is open, what is late (số liệu xử lý văn bản). Every number equals the length of its list:
    /// `countedDocuments`, `countedBranches` with the same `of`, and the group's type, channel, person, or unit (`unitAlone`).
    #[graphql(complexity = "50 * child_complexity")]
    async fn processing_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is counted.")] of: FiguresInput,
        #[graphql(desc = "Grouped by what.", default)] by: FiguresBy,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<ProcessingStatistics> {
        let moment = read_at(ctx, as_of, at_least).await?;
        let (views, viewer) = (&moment.views, moment.viewer(ctx)?);
        let position = views.position().await?.map(Position);
        let filter = of.read(&services(ctx).views).await?;
        let mut figures = ProcessingStatistics { position, documents: Vec::new(), branches: Vec::new() };
        // Nobody waits for what was not asked for.
        if ctx.look_ahead().field("documents").exists() {
            let documents = views.document_statistics(&viewer, &filter, by.into()).await?;
            figures.documents = documents.into_iter().map(Into::into).collect();
        }
        if ctx.look_ahead().field("branches").exists() {
            let branches = views.branch_statistics(&viewer, &filter, by.into()).await?;
            figures.branches = branches.into_iter().map(Into::into).collect();
        }
        Ok(figures)
    }

    /// How long it took (the lists: `lagDocuments`, `promptDocuments`, `reworkSpells`, `paperDocuments`): from stage to stage, after returns, and waiting for paper (độ trễ).
    #[graphql(complexity = "5 * child_complexity")]
    async fn lag_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is counted.")] of: FiguresInput,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<LagStatistics> {
        let moment = read_at(ctx, as_of, at_least).await?;
        let (views, viewer) = (&moment.views, moment.viewer(ctx)?);
        let position = views.position().await?.map(Position);
        let filter = of.read(&services(ctx).views).await?;
        let asked = |field| ctx.look_ahead().field(field).exists();
        let lags = if asked("lags") { views.lag_statistics(&viewer, &filter).await? } else { Vec::new() };
        let mut promptness = Vec::new();
        for stage in [PromptStage::Registered, PromptStage::Submitted] {
            if asked("promptness") {
                promptness.push(Prompt::of(stage, &views.promptness(&viewer, &filter, stage).await?));
            }
        }
        let rework =
            if asked("rework") { views.rework_statistics(&viewer, &filter).await? } else { ReworkFigures::default() };
        let paper =
            if asked("paper") { views.paper_statistics(&viewer, &filter).await? } else { PaperFigures::default() };
        Ok(LagStatistics::of(position, lags, promptness, rework, paper))
    }

    /// How much faster than before, and what was saved (tiết kiệm): formulas over parameters that the agency decides
    /// (`decideBaseline`), with their inputs (the lists: `savedDocuments`). One for each stretch of the period with the same
    /// parameters.
    #[graphql(complexity = "5 * child_complexity")]
    async fn savings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is reckoned.")] of: FiguresInput,
        #[graphql(
            desc = "As it stood at this past moment (tại thời điểm), with today's rights; a future one is refused, and \
                          so is atLeast beside it."
        )]
        as_of: Option<DateTime>,
        at_least: Option<Position>,
    ) -> Result<Vec<Saving>> {
        let moment = read_at(ctx, as_of, at_least).await?;
        let viewer = moment.viewer(ctx)?;
        let savings = moment.views.savings(&viewer, &of.read(&services(ctx).views).await?).await?;
        Ok(savings.into_iter().map(Saving::from).collect())
    }
}
