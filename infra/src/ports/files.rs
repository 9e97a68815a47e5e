//! The blob store as the API's file store.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use axum::body::Bytes;
use futures::{StreamExt as _, future::BoxFuture, stream};
use socai_commands::Hold;
use socai_graphql::files::{FileStream, Files, FilesError, Found, Kept};
use tokio::{
    io::AsyncReadExt as _,
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::blobs::{BlobError, BlobHash, BlobStore};

/// Files by content hash in a [`BlobStore`].
#[derive(Clone, Debug)]
pub struct BlobFiles {
    blobs: Arc<BlobStore>,
    /// A permit for each file that is being checked.
    checks: Arc<Semaphore>,
    /// A permit for each upload: it keeps a thread until it ends.
    uploads: Arc<Semaphore>,
    /// How long the sender of an upload may be silent, and how long a turn is waited for.
    patience: Duration,
}

/// Bytes of a piece of a download.
const PIECE: usize = 64 << 10;
/// Pieces of an upload that wait for the disk before the sender does.
const AHEAD: usize = 8;
/// Files that are checked at once before they are sent.
const CHECKS: usize = 4;
/// Uploads at once.
const UPLOADS: usize = 32;
/// How long the sender of an upload may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

impl BlobFiles {
    /// In this store.
    pub fn new(blobs: Arc<BlobStore>) -> Self {
        Self::with(blobs, UPLOADS, PATIENCE)
    }

    fn with(blobs: Arc<BlobStore>, uploads: usize, patience: Duration) -> Self {
        let (checks, uploads) = (Arc::new(Semaphore::new(CHECKS)), Arc::new(Semaphore::new(uploads)));
        Self { blobs, checks, uploads, patience }
    }

    async fn keep(&self, mut bytes: FileStream, limit: u64) -> Result<Kept, FilesError> {
        let turn = Arc::clone(&self.uploads).try_acquire_owned();
        let turn = turn.map_err(|_| FilesError::Unavailable("too many files are being uploaded now".into()))?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let blobs = Arc::clone(&self.blobs);
        let storing = tokio::task::spawn_blocking(move || {
            let _turn = turn; // given back when the thread is free
            blobs.put_from(Pieces::new(receiver), limit)
        });
        let mut broken = None;
        let silent = |_| Some(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for too long")));
        while let Some(piece) = timeout(self.patience, bytes.next()).await.unwrap_or_else(silent) {
            let (piece, error) = match piece {
                Ok(piece) => (Ok(piece), None),
                Err(error) => (Err(()), Some(error)),
            };
            broken = error;
            // Nobody listens any more: too large, or the disk failed.
            if sender.send(piece).await.is_err() || broken.is_some() {
                break;
            }
        }
        drop(sender);
        let stored = storing.await.map_err(|error| FilesError::Unavailable(error.to_string()))?;
        match (stored, broken) {
            (_, Some(error)) => Err(FilesError::BrokeOff(error)),
            (Ok((hash, size)), None) => Ok(Kept { hash: *hash.as_bytes(), size }),
            (Err(BlobError::TooLarge { limit }), None) => Err(FilesError::TooLarge(limit)),
            (Err(error), None) => Err(FilesError::Unavailable(error.to_string())),
        }
    }

    /// Read whole and checked, so that no byte of a damaged file is ever sent; then read again piece by piece, so that a slow
    /// receiver holds no more than a piece in memory.
    async fn find(&self, hash: BlobHash) -> Result<Option<Found>, FilesError> {
        let blobs = Arc::clone(&self.blobs);
        let unavailable = |error: &dyn std::fmt::Display| FilesError::Unavailable(error.to_string());
        let turn = timeout(self.patience, Arc::clone(&self.checks).acquire_owned()).await;
        let turn = turn.map_err(|_| unavailable(&"too many files are being fetched now"))?;
        let turn = turn.map_err(|error| unavailable(&error))?;
        let checking = tokio::task::spawn_blocking(move || {
            let _turn = turn; // given back when it is checked
            blobs.open_checked(hash)
        });
        let found = checking.await.map_err(|error| unavailable(&error))?;
        let Some((file, size, content_type)) = found.map_err(|error| unavailable(&error))? else { return Ok(None) };
        let pieces = stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
            let mut piece = Vec::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await?;
            Ok((read > 0).then_some((piece.into(), file)))
        });
        Ok(Some(Found { size, content_type, bytes: pieces.boxed() }))
    }
}

impl Files for BlobFiles {
    fn put(&self, bytes: FileStream, limit: u64) -> BoxFuture<'_, Result<Kept, FilesError>> {
        Box::pin(self.keep(bytes, limit))
    }

    fn attach(&self, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<Option<Hold>, FilesError>> {
        Box::pin(async move {
            let hold = self.blobs.attaching().await.map_err(|error| FilesError::Unavailable(error.to_string()))?;
            let blobs = Arc::clone(&self.blobs);
            let files: Vec<BlobHash> = files.into_iter().map(BlobHash::from).collect();
            let there = tokio::task::spawn_blocking(move || blobs.refresh(&files)).await;
            let there = there.map_err(|error| FilesError::Unavailable(error.to_string()))?;
            let there = there.map_err(|error| FilesError::Unavailable(error.to_string()))?;
            Ok(there.then(|| Arc::new(hold) as Hold))
        })
    }

    fn get(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Option<Found>, FilesError>> {
        Box::pin(self.find(hash.into()))
    }
}

/// What comes from the network, as what the store reads.
struct Pieces {
    receiver: mpsc::Receiver<Result<Bytes, ()>>,
    piece: Bytes,
}

impl Pieces {
    fn new(receiver: mpsc::Receiver<Result<Bytes, ()>>) -> Self {
        Self { receiver, piece: Bytes::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                // Half a file is not stored.
                Some(Err(())) => return Err(io::ErrorKind::ConnectionAborted.into()),
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(pieces: Vec<io::Result<&'static [u8]>>) -> FileStream {
        stream::iter(pieces.into_iter().map(|piece| piece.map(Bytes::from_static))).boxed()
    }

    fn store() -> (tempfile::TempDir, BlobFiles) {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Arc::new(BlobStore::open(directory.path()).unwrap());
        (directory, BlobFiles::new(blobs))
    }

    #[tokio::test]
    async fn what_is_put_comes_back_with_its_type() {
        let (_directory, files) = store();
        let kept = files.put(stream(vec![Ok(b"%PDF"), Ok(b""), Ok(b"-1.7")]), 8).await.unwrap();
        assert_eq!(kept.size, 8);
        let found = files.get(kept.hash).await.unwrap().unwrap();
        assert_eq!((found.size, found.content_type), (8, "application/pdf"));
        let bytes: Vec<Bytes> = found.bytes.map(Result::unwrap).collect().await;
        assert_eq!(bytes.concat(), b"%PDF-1.7");
        assert!(files.get([0; 32]).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_what_is_too_large_or_broke_off() {
        let (_directory, files) = store();
        let large = files.put(stream(vec![Ok(b"12345"), Ok(b"6789")]), 8).await;
        assert!(matches!(large, Err(FilesError::TooLarge(8))));
        let broken = files.put(stream(vec![Ok(b"12345"), Err(io::ErrorKind::ConnectionReset.into())]), 8).await;
        assert!(matches!(broken, Err(FilesError::BrokeOff(_))));
        assert_eq!(files.blobs.list().count(), 0);
    }

    #[tokio::test]
    async fn silent_senders_are_dropped_and_hold_up_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Arc::new(BlobStore::open(directory.path()).unwrap());
        let silent = || stream(vec![Ok(b"12345")]).chain(stream::pending()).boxed();
        let files = BlobFiles::with(Arc::clone(&blobs), 1, PATIENCE);
        let mut waiting = files.put(silent(), 8);
        assert!(futures::poll!(&mut waiting).is_pending());
        let turned_away = files.put(stream(vec![Ok(b"1")]), 8).await;
        assert!(matches!(turned_away, Err(FilesError::Unavailable(_))));

        let files = BlobFiles::with(blobs, 1, Duration::ZERO);
        for _ in 0..2 {
            let dropped = files.put(silent(), 8).await;
            assert!(matches!(&dropped, Err(FilesError::BrokeOff(error)) if error.kind() == io::ErrorKind::TimedOut));
        }
        files.put(stream(vec![Ok(b"1")]), 8).await.unwrap();
        assert_eq!(files.blobs.list().count(), 1);
    }

    #[tokio::test]
    async fn a_turn_is_not_waited_for_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Arc::new(BlobStore::open(directory.path()).unwrap());
        let hash = *blobs.put(b"12345").unwrap().as_bytes();
        let files = BlobFiles::with(blobs, 1, Duration::ZERO);
        let others = Arc::clone(&files.checks).acquire_many_owned(u32::try_from(CHECKS).unwrap()).await.unwrap();
        let turned_away = files.get(hash).await;
        assert!(matches!(turned_away, Err(FilesError::Unavailable(why)) if why.contains("too many files")));
        drop(others);
        assert_eq!(files.get(hash).await.unwrap().unwrap().size, 5);
    }

    #[tokio::test]
    async fn a_damaged_file_is_not_sent() {
        let (directory, files) = store();
        let kept = files.put(stream(vec![Ok(b"12345")]), 8).await.unwrap();
        let hash = BlobHash::from(kept.hash).to_string();
        std::fs::write(directory.path().join(&hash[..2]).join(&hash), b"12346").unwrap();
        assert!(matches!(files.get(kept.hash).await, Err(FilesError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_large_file_comes_in_pieces_and_whole() {
        let (_directory, files) = store();
        let content: Vec<u8> = (0..3 * PIECE + 7).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let hash = *files.blobs.put(&content).unwrap().as_bytes();
        // More than are checked at once, none of them read to its end.
        let mut slow = Vec::new();
        for _ in 0..2 * CHECKS {
            slow.push(files.get(hash).await.unwrap().unwrap());
        }
        for found in slow {
            let pieces: Vec<Bytes> = found.bytes.map(Result::unwrap).collect().await;
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!((pieces.concat(), found.size), (content.clone(), content.len() as u64));
        }
    }
}
