//! Who asks, in which language, under which correlation id.

use async_graphql::Context;
use socai_domain::{
    id::{CorrelationId, OrganId, PersonId},
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    error::{ApiCode, ApiError, Result},
    language::Language,
};

/// The person behind a valid token. What they may do, their organ's stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub person: PersonId,
    /// In which organ.
    pub organ: OrganId,
    /// From when on the token is no good.
    pub expires: Timestamp,
}

/// One request, or one WebSocket connection.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Who asks; nobody without a valid token.
    pub caller: Option<Caller>,
    /// In which language to answer.
    pub language: Language,
    /// What joins the answer, the log and the records.
    pub correlation: CorrelationId,
}

impl Session {
    /// The caller, or the error that says what to send.
    pub fn caller(&self) -> Result<Caller> {
        self.caller.ok_or_else(|| ApiError::new(ApiCode::Unauthenticated, "no valid token"))
    }
}

/// The session of a resolver.
pub(crate) fn session<'a>(ctx: &Context<'a>) -> &'a Session {
    ctx.data_unchecked::<Session>()
}

/// A correlation id given by the client (a UUID), or a new one.
pub(crate) fn correlation(given: Option<&str>) -> CorrelationId {
    CorrelationId::new(given.and_then(|text| Uuid::try_parse(text).ok()).unwrap_or_else(Uuid::now_v7))
}
