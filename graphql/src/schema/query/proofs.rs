//! Proofs: for whoever does not want to believe the server.

use async_graphql::{Context, ID, Object};
use socai_domain::{
    decide::Who,
    id::IncomingId,
    ledger::{Direction, RecordId, Recorded, Revision as At, StreamId, StreamKind},
    organ::Role,
    refusal::Code,
};

use crate::{
    app::Services,
    error::{ApiError, Result},
    notary::{NotaryError, Proof, Wanted},
    reading::services,
    scalars::{DateTime, Revision, Uuid},
    schema::types::notary::{ConsistencyProof, ReceiptProof},
    session::{Caller, session},
    visible,
};

#[derive(Debug, Default)]
pub(crate) struct ProofQuery;

/// Proofs.
#[Object]
impl ProofQuery {
    /// The proof that a record is in the ledger (chứng minh bản ghi nằm trong sổ cái): of the record with this id, which its
    /// receipt names, or of the record at this revision of a stream that you see.
    async fn receipt_proof(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The record's id.")] record: Option<Uuid>,
        #[graphql(desc = "Without a record's id: its stream.")] stream: Option<ID>,
        #[graphql(desc = "Its place in the stream.")] revision: Option<Revision>,
    ) -> Result<ReceiptProof> {
        let services = services(ctx);
        let (wanted, due) = match (record, stream, revision) {
            (Some(record), None, None) => (Wanted::Record(RecordId(record.0)), None),
            (None, Some(stream), Some(revision)) => {
                let recorded = seen(services, &session(ctx).caller()?, &stream, revision.0).await?;
                let due = services.notary.due(recorded.record.header().recorded);
                (Wanted::At(recorded.position), Some(due))
            }
            _ => {
                let which = ("hãy cho record, hoặc stream cùng revision", "give record, or stream and revision");
                return Err(ApiError::field("record", which));
            }
        };
        let none = ReceiptProof { leaf_index: None, size: None, text: None, due_at: None };
        match (services.notary.prove(wanted).await?, due) {
            (Proof::Covered { index, size, text }, _) => {
                Ok(ReceiptProof { leaf_index: Some(index), size: Some(size), text: Some(text), ..none })
            }
            (Proof::NotYet { .. } | Proof::Unknown, Some(due)) | (Proof::NotYet { by: due }, None) => {
                Ok(ReceiptProof { due_at: Some(DateTime(due)), ..none })
            }
            (Proof::Unknown, None) => Err(ApiError::not_found().of(&["record"]).hint((
                "Nếu bản ghi vừa được ghi, hãy hỏi lại sau một giây.",
                "If it was written just now, ask again in a second.",
            ))),
        }
    }

    /// The proof that the tree of `to` records (without it, the newest) begins with all of the tree of `from` records (chứng
    /// minh sổ cái chỉ ghi thêm). For inspectors and administrators; the same can be made from the public tiles.
    async fn consistency_proof(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Records of the earlier tree.")] from: u64,
        #[graphql(desc = "Records of the later one; without it, the newest checkpoint's.")] to: Option<u64>,
    ) -> Result<ConsistencyProof> {
        let services = services(ctx);
        inspects(services, &session(ctx).caller()?).await?;
        let growth = services.notary.growth(from, to).await?;
        let why = (
            "không có hai cây như vậy: from phải không lớn hơn to, và to không lớn hơn điểm kiểm mới nhất",
            "there are no such trees: from is at most to, and to is at most the newest checkpoint's size",
        );
        growth.map(ConsistencyProof::from).ok_or_else(|| ApiError::field("to", why))
    }
}

/// The record at this revision of a stream, if the caller sees the stream: a document that they see, or what is their organ's.
async fn seen(services: &Services, caller: &Caller, stream: &ID, revision: At) -> Result<Recorded> {
    let stream: StreamId = stream.parse().map_err(|_| ApiError::not_found())?;
    if stream.kind() == StreamKind::Incoming {
        visible::require(services, caller, IncomingId::new(stream.key())).await?;
    }
    let records = services.log().read(stream, Direction::Forwards, Some(revision), 1).await?;
    let organ = caller.organ.uuid();
    let own = |recorded: &Recorded| stream.kind() == StreamKind::Incoming || recorded.record.header().organ == organ;
    records.into_iter().find(own).ok_or_else(ApiError::not_found)
}

/// Nothing, if the caller acts in a post that inspects or administers.
async fn inspects(services: &Services, caller: &Caller) -> Result<()> {
    let organ = services.handler.organ(caller.organ).await?;
    let now = services.clock().now();
    let acts = |post| match organ.who(caller.person, Some(post), now) {
        Who::Acting(acting) => matches!(acting.role, Role::Inspector | Role::Administrator),
        _ => false,
    };
    if organ.posts.keys().any(|post| acts(*post)) {
        Ok(())
    } else {
        Err(ApiError::new(Code::NotEntitled, "neither an inspector nor an administrator"))
    }
}

impl From<NotaryError> for ApiError {
    fn from(error: NotaryError) -> Self {
        match error {
            NotaryError::Nothing(_) => Self::new(Code::Stopped, error).hint((
                "Công chứng của sổ cái đang dừng: hãy báo người vận hành.",
                "The ledger's notary shows nothing now: tell the operator.",
            )),
            NotaryError::Unavailable(_) => Self::new(Code::Busy, error),
        }
    }
}
