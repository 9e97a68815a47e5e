//! The notary: what it signs, and what it proves.

use async_graphql::{Enum, Object, SimpleObject};

use crate::{
    language::Language,
    notary::{Asked, Growth, Problem, Signed, Standing, Voice},
    reading::services,
    scalars::DateTime,
    session::session,
};

/// Whether the notary signs (tình trạng công chứng).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum NotaryState {
    /// It has just started and is looking at its store (đang khởi động).
    Starting,
    /// It signs a checkpoint for every record (đang ký).
    Signing,
    /// Its store was lost: it waits for the operator and shows nothing (tạm im lặng, chờ người vận hành).
    Silent,
    /// The ledger is not the one that it signed, or its store is damaged: the operator must act. It signs nothing more; what it
    /// signed before stays good (báo động, đã dừng ký).
    Alarm,
}

impl NotaryState {
    fn message(self, language: Language) -> &'static str {
        match self {
            Self::Starting => language.choose("Công chứng đang khởi động.", "The notary is starting."),
            Self::Signing => {
                language.choose("Mọi bản ghi đều được ký xác nhận.", "Every record is covered by a signature.")
            }
            Self::Silent => language.choose(
                "Kho công chứng bị mất nên chưa ký: người vận hành cần đối chiếu.",
                "The notary's store was lost, so nothing is signed: the operator must compare it first.",
            ),
            Self::Alarm => language.choose(
                "Báo động: sổ cái không khớp với những gì đã ký, không ký thêm; hãy báo người vận hành.",
                "Alarm: the ledger is not what was signed, nothing more is signed; tell the operator.",
            ),
        }
    }
}

/// A signed head of the tree over all records (điểm kiểm đã ký; C2SP tlog-checkpoint). Keep it: whoever holds one can show
/// that no record it covers was changed, removed or moved since.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Checkpoint {
    /// How many records it covers: those whose leaf index is smaller (số bản ghi).
    size: u64,
    /// The root over them: SHA-256, base64 (gốc của cây).
    root: String,
    /// The signed note, byte for byte (văn bản đã ký).
    text: String,
    /// When it was signed; none where that is not known any more (thời điểm ký).
    signed_at: Option<DateTime>,
}

impl From<Signed> for Checkpoint {
    fn from(signed: Signed) -> Self {
        Self {
            size: signed.size,
            root: signed.root.to_string(),
            text: signed.note.to_string(),
            signed_at: signed.signed_at.map(DateTime),
        }
    }
}

/// The notary (công chứng của sổ cái).
#[derive(Clone, Debug)]
pub(crate) struct Notary(pub(crate) Standing);

/// The notary (công chứng của sổ cái): it keeps a Merkle tree over all records and signs its heads, so that anybody can check
/// that history only ever grew, without trusting the server.
#[Object]
impl Notary {
    /// The log's name, the first line of its checkpoints.
    async fn origin(&self) -> String {
        self.0.key.name().to_string()
    }

    /// What checks its signatures, a C2SP verifier key. Take it from the operator, once, by another way than this one.
    async fn verifier_key(&self) -> String {
        self.0.key.to_string()
    }

    /// Does it sign?
    async fn state(&self) -> NotaryState {
        match self.0.voice {
            Voice::Starting => NotaryState::Starting,
            Voice::Signing => NotaryState::Signing,
            Voice::Silent => NotaryState::Silent,
            Voice::Alarm(_) => NotaryState::Alarm,
        }
    }

    /// What that means, in words.
    async fn message(
        &self,
        ctx: &async_graphql::Context<'_>,
        lang: Option<Language>,
    ) -> async_graphql::Result<&'static str> {
        Ok(self.state(ctx).await?.message(lang.unwrap_or(session(ctx).language)))
    }

    /// The newest checkpoint; none before the first, and where the store was lost.
    async fn checkpoint(&self) -> Option<Checkpoint> {
        self.0.signed.clone().map(Checkpoint::from)
    }

    /// The newest checkpoint with the cosignatures of other agencies that the operator asks for (điểm kiểm đã được đồng ký).
    async fn cosigned(&self, ctx: &async_graphql::Context<'_>) -> Option<Checkpoint> {
        services(ctx).notary.cosigned().map(Checkpoint::from)
    }

    /// Who is asked to cosign (các bên chứng kiến).
    async fn witnesses(&self, ctx: &async_graphql::Context<'_>) -> Vec<Witness> {
        services(ctx).notary.witnesses().into_iter().map(Witness::from).collect()
    }
}

/// Why a witness did not cosign when it was asked last (lý do chưa đồng ký).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum WitnessProblem {
    /// It does not answer now; it is asked again (không trả lời).
    Unreachable,
    /// It refuses: the ledger does not continue what it cosigned before, or it does not watch this one. The operator must act
    /// (từ chối).
    Refuses,
}

/// Another agency's installation that is asked to cosign checkpoints (bên chứng kiến).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Witness {
    /// What the operator calls it (tên).
    name: String,
    /// How many records the checkpoint covers that it cosigned last, since the server was started.
    last_cosigned_size: Option<u64>,
    /// When it did (thời điểm đồng ký gần nhất).
    last_cosigned_at: Option<DateTime>,
    /// Why it did not when it was asked last; none if it did, or was not asked yet.
    problem: Option<WitnessProblem>,
}

impl From<Asked> for Witness {
    fn from(asked: Asked) -> Self {
        let problem = asked.problem.map(|problem| match problem {
            Problem::Unreachable(_) => WitnessProblem::Unreachable,
            Problem::Refuses(_) => WitnessProblem::Refuses,
        });
        let (size, at) = asked.cosigned.unzip();
        Self { name: asked.name, last_cosigned_size: size, last_cosigned_at: at.map(DateTime), problem }
    }
}

/// What can be proved of a record (chứng minh cho một bản ghi).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReceiptProof {
    /// Its leaf in the tree, its place in the order of the whole ledger, from 0; none before a checkpoint covers it.
    pub(crate) leaf_index: Option<u64>,
    /// How many records the checkpoint in the proof covers.
    pub(crate) size: Option<u64>,
    /// The proof as a file, C2SP tlog-proof: whoever has the log's verifier key can check it without this server (tệp chứng minh).
    pub(crate) text: Option<String>,
    /// If no checkpoint covers it yet: until when one will, at the latest (chậm nhất khi nào).
    pub(crate) due_at: Option<DateTime>,
}

/// That a later tree begins with all of an earlier one (chứng minh sổ cái chỉ ghi thêm; RFC 6962, section 2.1.2).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ConsistencyProof {
    /// The earlier head.
    from: Checkpoint,
    /// The later head.
    to: Checkpoint,
    /// The hashes of the proof, base64.
    hashes: Vec<String>,
}

impl From<Growth> for ConsistencyProof {
    fn from(growth: Growth) -> Self {
        let hashes = growth.hashes.iter().map(ToString::to_string).collect();
        Self { from: growth.from.into(), to: growth.to.into(), hashes }
    }
}
