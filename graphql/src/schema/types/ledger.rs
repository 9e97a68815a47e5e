//! The ledger itself: its end and its engine.

use async_graphql::{Context, Object, SimpleObject};

use socai_projections::Progress;

use super::notary::Notary;
use crate::{
    error::Result,
    reading::services,
    scalars::{DateTime, Hash, Position, Uuid},
    schema::labels::RebuildPhase,
    witness::Watched,
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

/// A rebuild of the views from the ledger (dựng lại dữ liệu tra cứu): beside those in use, which are shown until the new ones
/// take their place. Where there are none, everything that would be read from them answers `NOT_YET`.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Rebuild {
    /// What it does.
    phase: RebuildPhase,
    /// Records that this phase has taken in.
    done: u64,
    /// Records that it will have taken in at its end; 0 where a phase does not go by records.
    total: u64,
    /// Records in a second, in this phase.
    records_per_second: u64,
    /// How long it still takes at that rate, a second build to compare included; null where that is not known.
    seconds_left: Option<u64>,
    /// How long it takes already.
    seconds_elapsed: u64,
}

impl From<Progress> for Rebuild {
    fn from(progress: Progress) -> Self {
        Self {
            phase: progress.phase.into(),
            done: progress.done,
            total: progress.total,
            records_per_second: progress.rate,
            seconds_left: progress.left.map(|left| left.as_secs()),
            seconds_elapsed: progress.elapsed.as_secs(),
        }
    }
}

/// Another agency's log that this server watches (sổ cái được chứng kiến).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WatchedLog {
    /// Its name, the first line of its checkpoints.
    origin: String,
    /// How many records the checkpoint covers that was cosigned last; null before the first.
    cosigned_size: Option<u64>,
    /// How often it has signed another history than the one that was cosigned (số lần ký hai lịch sử khác nhau): anything but 0
    /// convicts it, and the operator has the evidence.
    splits: u64,
}

impl From<Watched> for WatchedLog {
    fn from(watched: Watched) -> Self {
        Self { origin: watched.log, cosigned_size: watched.cosigned, splits: watched.splits as u64 }
    }
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

    /// The logs of other agencies that this server watches and cosigns (sổ cái của cơ quan khác được chứng kiến); null where it
    /// is nobody's witness, or cannot read now what it cosigned.
    async fn watched(&self, ctx: &Context<'_>) -> Option<Vec<WatchedLog>> {
        let watched = services(ctx).witness.as_ref()?.watched().await?;
        Some(watched.into_iter().map(WatchedLog::from).collect())
    }

    /// The position that the views reflect: at most the head's. Null while there are none because they are being built.
    async fn reflected(&self, ctx: &Context<'_>) -> Result<Option<Position>> {
        let views = &services(ctx).views;
        if views.are_awaited() { Ok(None) } else { Ok(views.position().await?.map(Position)) }
    }

    /// How far a rebuild of the views is (tiến độ dựng lại dữ liệu tra cứu); null while there is none.
    async fn rebuild(&self, ctx: &Context<'_>) -> Option<Rebuild> {
        services(ctx).views.rebuilding().borrow().progress().map(Rebuild::from)
    }
}
