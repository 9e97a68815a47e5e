//! Opening views in `PostgreSQL`.

use super::{Location, PostgresUrl, Views};
use crate::{
    building::{Place, Schema, Schemas},
    door::Door,
    erasure,
    error::ViewsError,
    schema::{Indexes, prepare},
};

/// How many readers at once.
pub(crate) const READERS: u32 = 8;

impl Views {
    /// Opens the views in a database, or makes empty ones there.
    pub(super) async fn in_database(url: &PostgresUrl) -> Result<Self, ViewsError> {
        let schemas = Schemas::new(url);
        // Of two programs that find nothing only one makes the tables.
        let alone = schemas.alone().await?;
        let schema = if let Some(schema) = schemas.in_use().await? {
            schema
        } else {
            let schema = schemas.begin().await?;
            prepare(&schema.write().await?, Indexes::All).await?;
            schemas.put(&schema).await?;
            schema
        };
        let views = Self::in_schema(&schema, Some(Place::Schemas(schemas))).await?;
        alone.close().await?;
        Ok(views)
    }

    /// Are these views on a standby of a database? Then this program can read them, and only another one write them, by way
    /// of the primary.
    pub async fn are_on_standby(at: &Location) -> Result<bool, ViewsError> {
        match at {
            Location::Path(_) => Ok(false),
            Location::Postgres(url) => Schemas::new(url).are_on_standby().await,
        }
    }

    /// The same for a log of so many records, or awaited where there are none that can be read.
    pub(super) async fn in_database_or_awaited(url: &PostgresUrl, records: u64) -> Result<Self, ViewsError> {
        let schemas = Schemas::new(url);
        let standby = schemas.are_on_standby().await?;
        if !standby {
            match schemas.building(false).await {
                Ok(alone) => {
                    schemas.tidy().await?;
                    alone.close().await?;
                }
                // Whoever builds tidies up, too.
                Err(ViewsError::Overtaken) => {}
                Err(error) => return Err(error),
            }
        }
        let awaited = || Self::awaited_at(Place::Schemas(schemas.clone()));
        if (standby || records > 0) && schemas.in_use().await?.is_none() {
            return Ok(awaited());
        }
        match Self::in_database(url).await {
            Err(ViewsError::Outdated(_)) => Ok(awaited()),
            opened => opened,
        }
    }

    /// Opens the views in a schema, or makes empty ones there.
    pub(crate) async fn in_schema(schema: &Schema, place: Option<Place>) -> Result<Self, ViewsError> {
        let write = schema.write().await?;
        let older = prepare(&write, Indexes::All).await?;
        let read = schema.read(READERS).await?;
        let views = Self::with(Door::new(Some(write), older), Door::new(Some(read), older), place).await?;
        let owed = erasure::is_owed(&mut views.write.acquire().await?).await?;
        views.set_unclean(owed);
        Ok(views)
    }
}
