//! The ledger itself: its end and its engine.

use async_graphql::{Context, Object, SimpleObject};

use super::notary::Notary;
use crate::{
    error::Result,
    reading::services,
    scalars::{DateTime, Hash, Position, Uuid},
};

/// The ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ledger;

/// The end of the ledger (đầu sổ cái). Keep it: whoever holds a head can later have the files checked against it.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Head {
    /// Position of the last record.
    position: Position,
    /// How many records there are.
    records: u64,
    /// The chain over all of them: `socai verify --expect` takes it.
    hash: Hash,
    /// When the last record was taken; none before the first.
    recorded_at: Option<DateTime>,
}

/// The ledger (sổ cái): every action is a sealed record in a hash chain.
#[Object]
impl Ledger {
    /// Its id, for ever and on every engine.
    async fn id(&self, ctx: &Context<'_>) -> Uuid {
        Uuid(services(ctx).log().ledger().0)
    }

    /// Its end now.
    async fn head(&self, ctx: &Context<'_>) -> Result<Head> {
        let head = services(ctx).log().head().await?;
        Ok(Head {
            position: Position(head.position),
            records: head.records,
            hash: Hash(head.hash),
            recorded_at: (head.records > 0).then_some(DateTime(head.recorded)),
        })
    }

    /// The engine that keeps it.
    async fn engine(&self, ctx: &Context<'_>) -> &'static str {
        services(ctx).log().engine()
    }

    /// Who signs heads of the tree over all records, and proves from it (công chứng).
    async fn notary(&self, ctx: &Context<'_>) -> Notary {
        Notary(services(ctx).notary.standing())
    }

    /// The position that the views reflect: at most the head's.
    async fn reflected(&self, ctx: &Context<'_>) -> Result<Option<Position>> {
        Ok(services(ctx).views.position().await?.map(Position))
    }
}
