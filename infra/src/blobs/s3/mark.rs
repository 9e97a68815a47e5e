//! The object that says whose the files are.

use std::sync::Arc;

use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, UpdateVersion};

use super::{
    super::{BlobError, Mark, Noted},
    S3, Trouble, failed,
    trouble::is_not_implemented,
};

const LEDGER: &str = "ledger";
const SEE_WHOSE: &str = "see whose the files are";

impl S3 {
    pub(super) fn noted(&self) -> Result<Option<Noted>, BlobError> {
        let (client, at) = (Arc::clone(&self.client), self.bucket.within(LEDGER));
        let read = async move {
            let object = client.get(&at).await?;
            Ok((object.meta.e_tag.clone(), object.bytes().await?))
        };
        let Some((etag, noted)) = self.ask_for(SEE_WHOSE, read)? else { return Ok(None) };
        let mark = std::str::from_utf8(&noted).ok().and_then(|text| text.trim_end().parse().ok());
        let noted = mark.map(|mark| Some(Noted { mark, etag }));
        noted.ok_or(Trouble::NoMark).map_err(failed(SEE_WHOSE, &self.bucket))
    }

    /// Only in the place of what was noted before: so the number of records never goes back.
    pub(super) fn note(&self, before: Option<Noted>, now: Mark) -> Result<bool, BlobError> {
        let refused = |trouble| Err(failed(SEE_WHOSE, &self.bucket)(trouble));
        let only = match before {
            None => PutMode::Create,
            Some(Noted { mark, .. }) if mark.ledger != now.ledger => return refused(Trouble::OtherLedger),
            Some(Noted { mark: Mark { records: had, .. }, .. }) if had > now.records => {
                return refused(Trouble::OlderCopy { had, has: now.records });
            }
            Some(Noted { mark, .. }) if mark == now => return Ok(true),
            Some(Noted { etag: None, .. }) => PutMode::Overwrite,
            Some(Noted { etag, .. }) => PutMode::Update(UpdateVersion { e_tag: etag, version: None }),
        };
        let (client, at) = (Arc::clone(&self.client), self.bucket.within(LEDGER));
        let note = PutPayload::from(now.to_string());
        self.ask("note whose the files are", async move {
            match client.put_opts(&at, note.clone(), only.into()).await {
                Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => Ok(false),
                // It knows no conditions: then the last of two at the same moment counts.
                Err(error) if is_not_implemented(&error) => client.put(&at, note).await.map(|_| true),
                done => done.map(|_| true),
            }
        })
    }
}
