//! The cores that read history, and how they share the work: piece by piece, each on whichever core is free.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use futures::{Stream, StreamExt as _};
use socai_domain::ledger::{Block, Piece, Pieces, ReadError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::error::ViewsError;

/// How much of a piece is looked at before the next bytes are read: it is still in the processor's cache then.
const BLOCK: usize = 256 << 10;

/// Cores that read history. Clones are the same cores: all who use them take turns.
#[derive(Clone)]
pub struct Crew {
    size: usize,
    cores: Arc<Semaphore>,
    /// Blocks that are used again: fresh memory for each piece would cost more than looking at it.
    blocks: Arc<Mutex<Vec<Block>>>,
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crew({} of {} free)", self.cores.available_permits(), self.size)
    }
}

/// How many cores the machine has.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Crew {
    /// So many cores, at least one.
    pub fn of(cores: usize) -> Self {
        let size = cores.max(1);
        Self { size, cores: Arc::new(Semaphore::new(size)), blocks: Arc::default() }
    }

    /// All cores of the machine.
    pub fn all() -> Self {
        Self::of(cores())
    }

    /// How many they are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many are free now.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.cores.available_permits()
    }

    /// Ready when all are free.
    #[cfg(test)]
    pub(crate) async fn rest(&self) {
        let all = u32::try_from(self.size).expect("a machine has fewer cores");
        drop(self.cores.acquire_many(all).await);
    }

    /// What `work` makes of each piece, in the order of the log; some pieces ahead are worked on meanwhile. Drop the stream
    /// and no further piece is begun.
    pub fn each<T: Send + 'static>(
        &self,
        pieces: Pieces,
        work: impl Fn(&mut Reading) -> Result<T, ViewsError> + Send + Sync + 'static,
    ) -> impl Stream<Item = Result<T, ViewsError>> + Send {
        let (crew, work) = (self.clone(), Arc::new(work));
        let worked_on = move |piece: Result<Box<dyn Piece>, ReadError>| {
            let (crew, work) = (crew.clone(), Arc::clone(&work));
            async move {
                let mut reading = Reading::new(&crew, piece?);
                crew.run(move || work(&mut reading)).await?
            }
        };
        pieces.map(worked_on).buffered(2 * self.size)
    }

    /// Does this on a core when one is free, whether or not anybody looks; drop the future before, and it is not begun.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ViewsError> {
        let cores = Arc::clone(&self.cores);
        let mut task = Task(tokio::spawn(async move {
            let core: Option<OwnedSemaphorePermit> = cores.acquire_owned().await.ok();
            let working = tokio::task::spawn_blocking(move || {
                // Given back when the work ends, not when nobody waits for it any more.
                let _core = core;
                work()
            });
            working.await
        }));
        match (&mut task.0).await.and_then(|done| done) {
            Ok(done) => Ok(done),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(ReadError::Busy("the program ends".into()).into()),
        }
    }
}

/// A task that is not begun any more when nobody waits for it.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A piece that is being read.
pub struct Reading {
    piece: Box<dyn Piece>,
    block: Block,
    blocks: Arc<Mutex<Vec<Block>>>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading({} records at hand)", self.block.len())
    }
}

impl Reading {
    fn new(crew: &Crew, piece: Box<dyn Piece>) -> Self {
        let blocks = Arc::clone(&crew.blocks);
        let block = blocks.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Self { piece, block, blocks }
    }

    /// The next records of the piece, some hundreds of them; none when all were given.
    ///
    /// # Errors
    /// [`ViewsError::Log`] when they cannot be read.
    pub fn next(&mut self) -> Result<Option<&Block>, ViewsError> {
        self.piece.next(&mut self.block, BLOCK)?;
        Ok((!self.block.is_empty()).then_some(&self.block))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(block);
    }
}
