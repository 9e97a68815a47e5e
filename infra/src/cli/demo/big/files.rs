//! The files of the documents: one content for each type, which all documents of the type share; and one of its own for each
//! document that is erased.

use std::{collections::HashMap, sync::Arc};

use futures::future::BoxFuture;
use socai::blobs::{BlobError, BlobHash, BlobStore};
use socai_commands::{Blobs, BlobsUnavailable};
use socai_domain::{
    id::IncomingId,
    incoming::events::{Attachment, FileRole},
    text::FileName,
};

/// What stands in the file of this type.
pub(super) fn content(type_name: &str) -> Vec<u8> {
    format!("{type_name}\n\nVăn bản mẫu của bản trình diễn. Nội dung không có thật.\n").into_bytes()
}

/// The contents, kept once each.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_type: HashMap<&'static str, (BlobHash, u64)>,
}

impl Files {
    /// Of these types.
    pub(super) fn of(types: impl IntoIterator<Item = &'static str>) -> Self {
        let of = |name| {
            let content = content(name);
            (name, (BlobHash::of(&content), content.len() as u64))
        };
        Self { by_type: types.into_iter().map(of).collect() }
    }

    /// Puts them into the store.
    pub(super) fn store(&self, blobs: &BlobStore) -> Result<(), BlobError> {
        self.by_type.keys().try_for_each(|name| blobs.put(&content(name)).map(drop))
    }

    /// The file of a document of this type.
    pub(super) fn main(&self, type_name: &'static str) -> Attachment {
        let (hash, size) = self.by_type.get(type_name).copied().unwrap_or((BlobHash::of(&[]), 0));
        attachment(hash, size)
    }

    fn are_shared(&self, hash: BlobHash) -> bool {
        self.by_type.values().any(|(shared, _)| *shared == hash)
    }
}

/// The document itself.
pub(super) fn attachment(hash: BlobHash, size: u64) -> Attachment {
    let name = FileName::new("van-ban.txt").expect("a file name");
    Attachment { hash: *hash.as_bytes(), name, size, role: FileRole::Main }
}

/// Removes the files of erased documents. Which files are shared is known, so the log is not searched for them each time, as
/// the program does where anybody may attach anything.
#[derive(Debug)]
pub(super) struct Removing {
    pub(super) store: Arc<BlobStore>,
    pub(super) files: Arc<Files>,
}

impl Blobs for Removing {
    fn remove(&self, _: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(async move {
            let own = files.into_iter().map(BlobHash::from).filter(|hash| !self.files.are_shared(*hash));
            let mut gone = 0;
            for hash in own {
                let removed = self.store.remove(hash).and_then(|_| self.store.contains(hash));
                gone += u32::from(!removed.map_err(|error| BlobsUnavailable(error.to_string()))?);
            }
            Ok(gone)
        })
    }
}
