//! What a caller may look at, the same everywhere: lists have it in their SQL, this is for single things.

use async_graphql::ID;
use socai_domain::{id::IncomingId, incoming::events::Attachment, ledger::StreamKind};
use socai_projections::document::DocumentView;

use crate::{
    app::Services,
    error::{ApiError, Result},
    reading::{current, reached, viewer_of},
    schema::input,
    session::Caller,
};

/// The document with this id; anything else is as good as absent.
pub(crate) fn document_id(id: &str) -> Result<IncomingId> {
    let stream = input::stream(&ID::from(id), StreamKind::Incoming).ok_or_else(ApiError::not_found)?;
    Ok(IncomingId::new(stream.key()))
}

/// The document, if the caller sees it.
pub(crate) async fn document(services: &Services, caller: &Caller, id: IncomingId) -> Result<Option<DocumentView>> {
    current(services).await?;
    Ok(services.views.document(&viewer_of(services, caller), id).await?)
}

/// Nothing, if the caller sees the document as of the ledger's present end; else as if it were not there.
pub(crate) async fn require(services: &Services, caller: &Caller, id: IncomingId) -> Result<()> {
    if services.views.sees(&viewer_of(services, caller), id).await? {
        return Ok(());
    }
    // It may have come, or become visible, in records that the views have not read yet.
    reached(services, services.log().head().await?.position).await?;
    let sees = services.views.sees(&viewer_of(services, caller), id).await?;
    if sees { Ok(()) } else { Err(ApiError::not_found()) }
}

/// A file of a document that the caller sees, or of other content that arrived under its id.
pub(crate) async fn file(services: &Services, caller: &Caller, id: IncomingId, hash: [u8; 32]) -> Result<Attachment> {
    let found = document(services, caller, id).await?;
    let file = found.as_ref().and_then(|found| found.document.all_files().find(|file| file.hash == hash));
    file.cloned().ok_or_else(ApiError::not_found)
}
