//! A stretch of the log in pieces that may be read side by side: the way to read much of it on all cores.

use futures::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};

use super::{Block, Followed, Position, ReadError, Recorded};
use crate::time::Timestamp;

/// A part of the log, read from its front. Reading may wait for the disk: it has no place on an async runtime's threads.
pub trait Piece: Send {
    /// Puts the next records into `block` in place of those that it held, `bytes` of them or about so much; none when all
    /// have been given. Checksums are checked, hashes are not.
    fn next(&mut self, block: &mut Block, bytes: usize) -> Result<(), ReadError>;
}

/// Pieces in the order of the log: each lies wholly after the one before it.
pub type Pieces = BoxStream<'static, Result<Box<dyn Piece>, ReadError>>;

/// What a follower is told, as pieces: for engines that know no other places to start from.
pub fn followed(told: BoxStream<'static, Result<Followed, ReadError>>, until: Position) -> Pieces {
    let within = move |recorded: &Recorded| recorded.position.place() <= until.place();
    told.scan(false, move |ended, told| {
        if *ended {
            return ready(None);
        }
        ready(match told {
            Ok(Followed::CaughtUp) => None,
            Ok(Followed::Records(mut records)) => {
                let count = records.len();
                records.retain(within);
                *ended = records.len() < count;
                Some(Ok(Box::new(Told(records.into_iter())) as Box<dyn Piece>))
            }
            Err(error) => {
                *ended = true;
                Some(Err(error))
            }
        })
    })
    .boxed()
}

/// Records that were told.
#[derive(Debug)]
struct Told(std::vec::IntoIter<Recorded>);

impl Piece for Told {
    fn next(&mut self, block: &mut Block, bytes: usize) -> Result<(), ReadError> {
        block.begin();
        let mut taken = 0;
        while taken < bytes.max(1)
            && let Some(Recorded { position, record }) = self.0.next()
        {
            block.push(record.at(position.place()));
            taken += record.bytes().len();
        }
        Ok(())
    }
}

/// The last position before the first record that was recorded after `then`, found by following from the beginning.
pub async fn last_by(
    told: BoxStream<'static, Result<Followed, ReadError>>,
    then: Timestamp,
) -> Result<Option<Position>, ReadError> {
    let mut last = None;
    let mut records = told.take_while(|told| ready(!matches!(told, Ok(Followed::CaughtUp)))).flat_map(|told| {
        stream::iter(match told {
            Ok(Followed::Records(records)) => records.into_iter().map(Ok).collect(),
            Ok(Followed::CaughtUp) => Vec::new(),
            Err(error) => vec![Err(error)],
        })
    });
    while let Some(recorded) = records.next().await {
        let Recorded { position, record } = recorded?;
        if record.header().recorded > then {
            break;
        }
        last = Some(position);
    }
    Ok(last)
}
