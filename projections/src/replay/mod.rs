//! Reading history again, on all cores: by headers alone ([`scan()`]), stream by stream with bodies opened
//! ([`by_stream`]), and into views as of a past moment.
//!
//! ```text
//! pieces ──► agencies, by a scan: what calendars and posts were at each place of the log
//! pieces ──► keys in bulk, bodies opened ──► things, each stream by itself ──► rows
//! ```
//!
//! Documents depend on their agency alone, so that with its calendars and posts at hand they are folded side by side.

#![allow(clippy::similar_names)] // what an opener opens is opened

mod agencies;
mod crew;
mod fill;
mod on_demand;
mod scan;
mod streams;
mod things;

use std::{collections::HashSet, sync::Arc};

use futures::TryStreamExt as _;
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Opener, Position, ReadError, RecordRef, Recorded, SealedRecord, StreamKind},
};

pub(crate) use crew::cores;
pub use crew::{Crew, Reading};
pub(crate) use on_demand::OnDemand;
pub use scan::scan;
pub use streams::{Fold, by_stream};

use self::things::Folded;
use crate::{
    error::ViewsError, follower::Builder, models::is_of_documents, schema::create_indexes_of, sql::Source as _,
    store::Views,
};

/// Records in one transaction, where they are taken in one by one.
const CHUNK: usize = 1_000;

/// Takes what lies between two positions into views that have all before it, record by record.
pub(crate) async fn go_on(
    crew: &Crew,
    log: &dyn EventLog,
    opener: Opener,
    views: &Views,
    from: Option<Position>,
    until: Position,
    erased: &HashSet<IncomingId>,
) -> Result<(), ViewsError> {
    // What a calendar is counted for is found there.
    views.snapshot().await?.ready("branch document_fact").await?;
    let mut builder = Builder::building(views.clone(), opener).without(erased);
    let read = crew.each(log.pieces(from, until), move |reading| {
        let mut records = Vec::new();
        while let Some(block) = reading.block()? {
            for record in block.records() {
                let position = until.with_place(record.place());
                let record = SealedRecord::from_bytes(record.bytes());
                let record = record.map_err(|error| ReadError::Corrupt(error.to_string()))?;
                records.push(Recorded { position, record });
            }
        }
        Ok(records)
    });
    let mut read = std::pin::pin!(read);
    while let Some(records) = read.try_next().await? {
        for records in records.chunks(CHUNK) {
            builder.take(records).await?;
        }
    }
    fill::measure(views).await
}

/// Takes the log up to a position (without one, nothing) into empty views of a past moment, without what was said in the `erased` documents.
pub(crate) async fn replay(
    crew: &Crew,
    log: &dyn EventLog,
    opener: &Opener,
    views: &Views,
    until: Option<Position>,
    erased: HashSet<IncomingId>,
) -> Result<(), ViewsError> {
    let Some(until) = until else {
        return create_indexes_of(&mut views.write.acquire().await?, |table| !is_of_documents(table)).await;
    };
    let mut read = agencies::read(crew, log.pieces(None, until), opener).await?;
    let (agencies, erased) = (Arc::new(std::mem::take(&mut read.agencies)), Arc::new(erased));
    let fold = || Folded::new(Arc::clone(&agencies), Arc::clone(&erased));
    let others = |record: RecordRef<'_>| record.stream_kind() != StreamKind::Organ;
    let (folded, records) = by_stream(crew, log.pieces(None, until), opener, others, fold).await?;
    fill::fill(crew, views, read, folded, until, records).await
}
