//! Organs, units, posts and people, as they are shown. Loaded together, however many are asked for.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    ComplexObject, Context, ID, Object, SimpleObject,
    dataloader::{DataLoader, Loader},
};
use async_trait::async_trait;
use socai_domain::{
    id::{OrganId, PersonId, PostId, UnitId},
    incoming::events,
    ledger::{StreamId, StreamKind},
    time::Clock,
};
use socai_projections::{
    Views,
    directory::{OrganRow, PersonRow, PostRow, UnitRow},
};

use crate::{
    error::{ApiError, Result},
    language::Language,
    reading::moment,
    scalars::Uuid,
    schema::labels::{Labelled, Role},
    session::session,
};

/// Loads units, posts and people by id.
pub(crate) struct Directory {
    pub(crate) views: Views,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The loader of a resolver.
fn directory(ctx: &Context<'_>) -> Arc<DataLoader<Directory>> {
    moment(ctx).people
}

#[async_trait]
impl Loader<UnitId> for Directory {
    type Value = UnitRow;
    type Error = ApiError;

    async fn load(&self, ids: &[UnitId]) -> Result<HashMap<UnitId, UnitRow>> {
        Ok(self.views.units_by_id(ids).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

#[async_trait]
impl Loader<PostId> for Directory {
    type Value = PostRow;
    type Error = ApiError;

    async fn load(&self, ids: &[PostId]) -> Result<HashMap<PostId, PostRow>> {
        let now = self.clock.now();
        Ok(self.views.posts_by_id(ids, now).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// A person of the organ that may read their name: an id alone is anybody's to know.
#[async_trait]
impl Loader<(OrganId, PersonId)> for Directory {
    type Value = PersonRow;
    type Error = ApiError;

    async fn load(&self, ids: &[(OrganId, PersonId)]) -> Result<HashMap<(OrganId, PersonId), PersonRow>> {
        let people: Vec<PersonId> = ids.iter().map(|(_, person)| *person).collect();
        let rows = self.views.people_by_id(&people).await?;
        Ok(rows.into_iter().map(|row| ((row.organ, row.id), row)).collect())
    }
}

/// The id of a node: its stream's name.
pub(crate) fn node_id(kind: StreamKind, key: uuid::Uuid) -> ID {
    ID(StreamId::new(kind, key).to_string())
}

/// A person (người). Names stand in the person's own stream, so that one person can be erased.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person(pub(crate) PersonId);

/// A person (người).
#[Object]
impl Person {
    /// `person-…`.
    #[graphql(name = "id")]
    pub(crate) async fn node_id(&self) -> ID {
        node_id(StreamKind::Person, self.0.uuid())
    }

    /// Full name (họ và tên); none once erased, and of people whom another organ registered.
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let organ = session(ctx).caller()?.organ;
        Ok(directory(ctx).load_one((organ, self.0)).await?.and_then(|row| row.name))
    }
}

/// A unit (đơn vị).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit(pub(crate) UnitId);

/// A unit of an organ (đơn vị).
#[Object]
impl Unit {
    /// Its id.
    async fn id(&self) -> Uuid {
        Uuid(self.0.uuid())
    }

    /// Its name (tên đơn vị).
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(directory(ctx).load_one(self.0).await?.map(|row| row.name))
    }

    /// Its abbreviation in symbols (chữ viết tắt).
    async fn abbreviation(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(directory(ctx).load_one(self.0).await?.and_then(|row| row.abbreviation))
    }

    /// The unit it belongs to; none for the organ itself.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Unit>> {
        Ok(directory(ctx).load_one(self.0).await?.and_then(|row| row.parent).map(Unit))
    }

    /// It is no more (đã giải thể).
    async fn closed(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(directory(ctx).load_one(self.0).await?.is_some_and(|row| row.closed))
    }
}

/// A post.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post(pub(crate) PostId);

/// A post in a unit, held by one person at a time (vị trí).
#[Object]
impl Post {
    /// Its id: what `actingAs` names.
    async fn id(&self) -> Uuid {
        Uuid(self.0.uuid())
    }

    /// Its title, e.g. `Vụ trưởng` (chức danh).
    async fn title(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(directory(ctx).load_one(self.0).await?.map(|row| row.title))
    }

    /// Where it is.
    async fn unit(&self, ctx: &Context<'_>) -> Result<Option<Unit>> {
        Ok(directory(ctx).load_one(self.0).await?.map(|row| Unit(row.unit)))
    }

    /// What it may do.
    async fn role(&self, ctx: &Context<'_>) -> Result<Option<Role>> {
        Ok(directory(ctx).load_one(self.0).await?.map(|row| row.role.into()))
    }

    /// The role's label.
    async fn role_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> Result<Option<&'static str>> {
        let language = lang.unwrap_or(session(ctx).language);
        Ok(directory(ctx).load_one(self.0).await?.map(|row| Role::from(row.role).label(language)))
    }

    /// Who holds it now (người giữ vị trí).
    async fn holder(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(directory(ctx).load_one(self.0).await?.and_then(|row| row.holder).map(Person))
    }

    /// It is no more.
    async fn abolished(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(directory(ctx).load_one(self.0).await?.is_some_and(|row| row.abolished))
    }
}

/// A person in a post: work is held by a person *in a position* (người giữ việc).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Holder {
    /// The post.
    post: Post,
    /// Who held it when the work was given.
    person: Person,
}

impl From<events::Holder> for Holder {
    fn from(holder: events::Holder) -> Self {
        Self { post: Post(holder.post), person: Person(holder.person) }
    }
}

/// Who is to act: a unit, or a person in a post (đơn vị hoặc người được giao).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Assignee {
    /// The unit, where a unit was named.
    unit: Option<Unit>,
    /// The person in a post, where one was named.
    holder: Option<Holder>,
}

impl From<events::Assignee> for Assignee {
    fn from(assignee: events::Assignee) -> Self {
        match assignee {
            events::Assignee::Unit { unit } => Self { unit: Some(Unit(unit)), holder: None },
            events::Assignee::Person { holder } => Self { unit: None, holder: Some(holder.into()) },
        }
    }
}

/// An agency (cơ quan, tổ chức).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
#[allow(clippy::struct_field_names)] // the API's name
pub(crate) struct Organ {
    #[graphql(skip)]
    id: OrganId,
    /// Its name (tên cơ quan).
    name: Option<String>,
    /// Its identifier (mã định danh), the newest.
    code: Option<String>,
    /// Everybody in it sees all its documents (mở trong nội bộ cơ quan).
    open_within_organ: bool,
    /// Working days before the deadline from which work is due soon (sắp đến hạn).
    due_soon_days: u16,
    /// Minutes within which urgent documents are to be registered and submitted.
    urgent_minutes: u32,
}

impl From<OrganRow> for Organ {
    fn from(row: OrganRow) -> Self {
        let OrganRow { id, name, code, open_within_organ, due_soon_days, urgent_minutes, .. } = row;
        Self { id, name, code, open_within_organ, due_soon_days, urgent_minutes }
    }
}

#[ComplexObject]
impl Organ {
    /// `organ-…`.
    #[graphql(name = "id")]
    pub(crate) async fn node_id(&self) -> ID {
        node_id(StreamKind::Organ, self.id.uuid())
    }

    /// Its units, parents before children; the first stands for the whole organ.
    #[graphql(complexity = "20 * child_complexity")]
    async fn units(&self, ctx: &Context<'_>) -> Result<Vec<Unit>> {
        Ok(moment(ctx).views.units(self.id).await?.into_iter().map(|row| Unit(row.id)).collect())
    }

    /// Its posts.
    #[graphql(complexity = "50 * child_complexity")]
    async fn posts(&self, ctx: &Context<'_>) -> Result<Vec<Post>> {
        let moment = moment(ctx);
        let rows = moment.views.posts(self.id, moment.now()).await?;
        Ok(rows.into_iter().map(|row| Post(row.id)).collect())
    }

    /// Its people, by given name.
    #[graphql(complexity = "50 * child_complexity")]
    async fn people(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        Ok(moment(ctx).views.people(self.id).await?.into_iter().map(|row| Person(row.id)).collect())
    }
}
