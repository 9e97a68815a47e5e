//! Errors as the client sees them: a stable code, a safe message in the wanted language, the article, the wrong fields,
//! what to do next, and the correlation id under which the log has the rest.

mod code;

pub use code::{ApiCode, ErrorCode};

use std::fmt;

use async_graphql::{Enum, ServerError, Value};
use socai_domain::{
    ledger::{KeyError, OpenError, ReadError},
    refusal::Code,
    text::InvalidText,
};

use crate::{Language, session::Session};

/// What a client may do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Retry {
    /// Not with this input: the answer would be the same.
    Never,
    /// Load the thing again, look, and decide anew.
    Reload,
    /// The same request, a little later.
    Later,
    /// The very same command with the same `commandId`, at once: it may have been done.
    Verbatim,
}

impl Retry {
    fn name(self) -> &'static str {
        match self {
            Self::Never => "NEVER",
            Self::Reload => "RELOAD",
            Self::Later => "LATER",
            Self::Verbatim => "VERBATIM",
        }
    }
}

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: ErrorCode,
    retry: Retry,
    fields: Vec<String>,
    hint: Option<Hint>,
    present: Option<Value>,
    because_of: Vec<Value>,
    cause: String,
}

/// What is told after a code's message: what to do, in both languages.
#[derive(Clone, Debug)]
pub struct Hint {
    vi: String,
    en: String,
}

impl Hint {
    /// In Vietnamese and in English.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }

    /// What a parser says: it knows one language only.
    pub fn of_parser(said: impl fmt::Display) -> Self {
        Self::new(said.to_string(), said.to_string())
    }

    fn of(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

impl From<(&str, &str)> for Hint {
    fn from((vi, en): (&str, &str)) -> Self {
        Self::new(vi, en)
    }
}

impl From<InvalidText> for Hint {
    fn from(why: InvalidText) -> Self {
        Self::new(why.message_vi(), why.to_string())
    }
}

/// What the API's functions answer.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

impl ApiError {
    /// With this code; `cause` is for the log only.
    pub fn new(code: impl Into<ErrorCode>, cause: impl fmt::Display) -> Self {
        let code = code.into();
        let (fields, retry) = (Vec::new(), code.retry());
        let (hint, present, because_of, cause) = (None, None, Vec::new(), cause.to_string());
        Self(Box::new(Parts { code, retry, fields, hint, present, because_of, cause }))
    }

    /// A field is not as it must be. `why` is shown: it says what to do and holds nothing that the client did not send.
    pub fn field(field: &str, why: impl Into<Hint>) -> Self {
        let why = why.into();
        let mut error = Self::new(Code::InvalidInput, format!("{field}: {}", why.en));
        (error.0.fields, error.0.hint) = (vec![field.to_owned()], Some(why));
        error
    }

    /// There is no such thing, or the caller may not see it: nobody can tell which.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "not found or not visible")
    }

    /// A refusal of the domain.
    pub fn refused(code: Code, fields: &[&str], reload: bool, cause: impl fmt::Display) -> Self {
        let mut error = Self::new(code, cause);
        if reload {
            error.0.retry = Retry::Reload;
        }
        error.0.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        error
    }

    /// About these arguments.
    #[must_use]
    pub fn of(mut self, fields: &[&str]) -> Self {
        self.0.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    /// With more for the client to show; safe for the caller's eyes.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// With the present state of the thing.
    #[must_use]
    pub fn present(mut self, present: Value) -> Self {
        self.0.present = Some(present);
        self
    }

    /// With what stands in the way: ids of possible duplicates, of open branches.
    #[must_use]
    pub fn because_of(mut self, because_of: Vec<Value>) -> Self {
        self.0.because_of = because_of;
        self
    }

    /// Its code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// As the client sees it, and a line in the log with the rest.
    pub fn tell(&self, session: &Session) -> ServerError {
        let parts = &*self.0;
        let (code, correlation) = (parts.code.name(), session.correlation);
        if parts.code == ApiCode::Internal.into() {
            tracing::error!(code, %correlation, cause = parts.cause, "request failed");
        } else {
            tracing::info!(code, %correlation, cause = parts.cause, "request refused");
        }
        let message = match &parts.hint {
            Some(hint) => format!("{} {}", parts.code.message(session.language), hint.of(session.language)),
            None => parts.code.message(session.language).to_owned(),
        };
        let mut error = ServerError::new(message, None);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", code);
        extensions.set("retry", parts.retry.name());
        extensions.set("fields", parts.fields.iter().map(|field| Value::from(field.as_str())).collect::<Vec<_>>());
        extensions.set("article", parts.code.article(session.language).map_or(Value::Null, Value::from));
        extensions.set("correlationId", correlation.to_string());
        if !parts.because_of.is_empty() {
            extensions.set("becauseOf", parts.because_of.clone());
        }
        if let Some(present) = &parts.present {
            extensions.set("present", present.clone());
        }
        error
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.cause)
    }
}

impl std::error::Error for ApiError {}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Foreign(_) | ReadError::Beyond(_) => Self::new(ApiCode::ForeignPosition, error),
            ReadError::Busy(_) => Self::new(Code::Busy, error),
            ReadError::Corrupt(_) => Self::new(ApiCode::Internal, error),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unavailable(_) => Self::new(Code::Busy, error),
            KeyError::Missing(_) | KeyError::Destroyed(_) | KeyError::WrongMaster | KeyError::Damaged(_) => {
                Self::new(ApiCode::Internal, error)
            }
        }
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Key(error) => error.into(),
            OpenError::Unreadable { .. } => Self::new(ApiCode::Internal, error),
        }
    }
}

/// Gives every error of a response its final shape.
pub(crate) fn finish(mut response: async_graphql::Response, session: &Session) -> async_graphql::Response {
    for error in &mut response.errors {
        let told = match error.source::<ApiError>() {
            Some(known) => known.tell(session),
            None => unplanned(error).tell(session),
        };
        error.message = told.message;
        error.extensions = told.extensions;
        error.source = None;
    }
    response
}

/// Errors of the GraphQL layer itself: they speak of the client's own request text.
fn unplanned(error: &ServerError) -> ApiError {
    if error.source.is_some() {
        return ApiError::new(ApiCode::Internal, &error.message);
    }
    let too_much = ["too complex", "too deep", "nested too deep", "recursion depth"];
    if too_much.iter().any(|words| error.message.to_lowercase().contains(words)) {
        return ApiError::new(ApiCode::TooComplex, &error.message);
    }
    ApiError::new(ApiCode::BadRequest, &error.message).hint(Hint::of_parser(&error.message))
}
