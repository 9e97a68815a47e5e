//! No file takes another one's place before two builds agree on every row, at one position.

use socai_domain::ledger::Position;

use super::{
    Phase, Rebuild,
    bulk::{Bulk, Halt},
    erasures::Erasures,
    progress::Teller,
};
use crate::{
    digest::{Digest, digest},
    error::ViewsError,
    follower::Builder,
    store::Views,
};

impl Rebuild<'_> {
    /// The digest of the new views once another build has the same, and that of those in use, where they can be compared.
    pub(super) async fn agreed(
        &self,
        new: &Views,
        builder: &mut Builder,
        erasures: &mut Erasures,
        teller: &mut Teller<'_>,
    ) -> Result<(Digest, Option<Digest>), ViewsError> {
        loop {
            teller.begin(Phase::CatchingUp, new.records().await?, self.log.head().await?.records);
            self.catch_up(new, builder, None, teller).await?;
            match self.compare(new, builder, erasures, teller).await {
                Ok(agreed) => return Ok(agreed),
                // The new file takes the erasure in first.
                Err(Halt::Erased) => {
                    tracing::warn!("a text was erased while builds were compared: they are compared anew");
                }
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
    }

    async fn compare(
        &self,
        new: &Views,
        builder: &mut Builder,
        erasures: &mut Erasures,
        teller: &mut Teller<'_>,
    ) -> Result<(Digest, Option<Digest>), Halt> {
        if erasures.look()?.is_some() {
            return Err(Halt::Erased);
        }
        let before = self.with_those_in_use(new, builder, erasures, teller).await?;
        if let Some((digest, before)) = before.filter(|(digest, before)| digest == before) {
            return Ok((digest, Some(before)));
        }
        let digest = if let Some((digest, _)) = before {
            tracing::error!(
                "the views in use are not what the log says; a second build tells whether the new ones are"
            );
            digest
        } else {
            teller.begin(Phase::Comparing, 0, 0);
            unless_erased(erasures, new.digest()).await?
        };
        self.gate.pass()?;
        let second = self.second(digest.position, erasures, teller).await?;
        self.gate.pass()?;
        if second == digest {
            Ok((digest, before.map(|(_, before)| before)))
        } else {
            let at = digest.position.map_or_else(|| "the beginning".to_owned(), |at| at.to_string());
            Err(ViewsError::Disagree(at).into())
        }
    }

    /// The digests of the new views and of those in use at one position; none where those cannot be compared.
    async fn with_those_in_use(
        &self,
        new: &Views,
        builder: &mut Builder,
        erasures: &mut Erasures,
        teller: &mut Teller<'_>,
    ) -> Result<Option<(Digest, Digest)>, Halt> {
        if self.views.are_awaited() || self.views.write.is_older() {
            return Ok(None);
        }
        let (mut one, mut other) = {
            let _turn = self.views.turn.lock().await;
            let Ok(at) = self.views.position().await else { return Ok(None) };
            self.catch_up(new, builder, at, teller).await?;
            (new.snapshot().await?, self.views.snapshot().await?)
        };
        if one.position != other.position {
            return Ok(None);
        }
        teller.begin(Phase::Comparing, 0, 0);
        let both = async { Ok(tokio::join!(digest(one.db()), digest(other.db()))) };
        let (one, other) = unless_erased(erasures, both).await?;
        match other {
            Ok(other) => Ok(Some((one?, other))),
            Err(error) => {
                tracing::error!(%error, "the views in use cannot be read");
                Ok(None)
            }
        }
    }

    /// The digest of a second build up to the same position, in commits of another size. It is thrown away.
    async fn second(
        &self,
        until: Option<Position>,
        erasures: &mut Erasures,
        teller: &mut Teller<'_>,
    ) -> Result<Digest, Halt> {
        let beside = self.place.begin_check().await?;
        let mut bulk = Bulk::open(&beside, self.budget.other_commits(), std::sync::Arc::clone(&self.gate)).await?;
        teller.begin(Phase::Checking, 0, self.log.head().await?.records);
        let built = async {
            if until.is_some() {
                bulk.run(self.log, self.opener, until, erasures, teller).await?;
            }
            teller.begin(Phase::Comparing, 0, 0);
            unless_erased(erasures, bulk.digest()).await
        };
        let built = built.await;
        bulk.close().await?;
        if let Err(Halt::Erased) = &built {
            beside.wipe().await?;
        } else {
            beside.remove().await?;
        }
        built
    }
}

/// What this comes to, unless something is erased meanwhile.
async fn unless_erased<T>(
    erasures: &mut Erasures,
    work: impl Future<Output = Result<T, ViewsError>>,
) -> Result<T, Halt> {
    tokio::select! {
        done = work => Ok(done?),
        erased = erasures.next() => {
            erased?;
            Err(Halt::Erased)
        }
    }
}
