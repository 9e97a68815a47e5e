//! Folding a stretch of the log stream by stream, bodies opened: records are opened on all cores, then folded on all cores,
//! each stream in its order.

use futures::{TryStreamExt as _, future::try_join_all};
use socai_domain::ledger::{Header, Opened, Opener, Pieces, RecordRef, StreamId, opening::open_with};
use tokio::runtime::Handle;

use super::{Crew, crew::Reading};
use crate::error::ViewsError;

/// Takes the records of some streams, those of each stream in their order.
pub trait Fold: Send + 'static {
    /// The next record.
    fn take(&mut self, place: i64, header: &Header, opened: &Opened);
}

/// A record that was opened.
struct Read {
    place: i64,
    header: Header,
    opened: Opened,
}

/// Lanes for each core: enough that the last one to be folded is not long waited for.
const LANES: usize = 4;

/// Folds the `wanted` records of a stretch, each stream in one of the folds that are returned, and says how many they were.
/// `fold` makes an empty one.
///
/// # Errors
/// [`ViewsError::Log`] when records cannot be read, [`ViewsError::Open`] when one cannot be opened.
pub async fn by_stream<F: Fold>(
    crew: &Crew,
    pieces: Pieces,
    opener: &Opener,
    wanted: impl Fn(RecordRef<'_>) -> bool + Send + Sync + 'static,
    fold: impl Fn() -> F,
) -> Result<(Vec<F>, u64), ViewsError> {
    let count = LANES * crew.size();
    let mut lanes: Vec<F> = (0..count).map(|_| fold()).collect();
    let (opener, keys) = (opener.clone(), Handle::current());
    let opened = crew.each(pieces, move |reading| open(reading, &opener, &keys, &wanted, count));
    let mut opened = std::pin::pin!(opened.try_ready_chunks(2 * crew.size()));
    let mut records = 0;
    while let Some(pieces) = opened.try_next().await.map_err(|error| error.1)? {
        let mut batches: Vec<Vec<Vec<Read>>> = (0..count).map(|_| Vec::with_capacity(pieces.len())).collect();
        for piece in pieces {
            for (batch, read) in batches.iter_mut().zip(piece) {
                records += read.len() as u64;
                batch.push(read);
            }
        }
        let folded = lanes.into_iter().zip(batches).map(|(mut lane, batch)| {
            crew.run(move || {
                for Read { place, header, opened } in batch.iter().flatten() {
                    lane.take(*place, header, opened);
                }
                lane
            })
        });
        lanes = try_join_all(folded).await?;
    }
    Ok((lanes, records))
}

/// Opens a piece's records and deals them out. The keys of a block are asked for at once.
fn open(
    reading: &mut Reading,
    opener: &Opener,
    keys: &Handle,
    wanted: &impl Fn(RecordRef<'_>) -> bool,
    lanes: usize,
) -> Result<Vec<Vec<Read>>, ViewsError> {
    let mut dealt: Vec<Vec<Read>> = (0..lanes).map(|_| Vec::new()).collect();
    while let Some(block) = reading.next()? {
        let records = || block.records().filter(|record| wanted(*record));
        let keys = keys.block_on(opener.keys(records()))?;
        for (key, record) in keys.iter().zip(records()) {
            let (header, opened) = (record.header(), open_with(key, record)?);
            let place = i64::try_from(record.place()).unwrap_or(i64::MAX);
            dealt[lane_of(header.stream, lanes)].push(Read { place, header, opened });
        }
    }
    Ok(dealt)
}

/// Which lane a stream is folded in. Ids are random or hashes: mixed once, their last bytes deal them out evenly.
fn lane_of(stream: StreamId, lanes: usize) -> usize {
    let (_, low) = stream.key().as_u64_pair();
    let mixed = low.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(mixed).unwrap_or_default() % lanes
}
