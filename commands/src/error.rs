//! Why a command was not carried out, by what its sender may do next.

use socai_domain::{
    decide::Refusal,
    ledger::{AppendError, KeyError, OpenError, ReadError},
    refusal::Code,
};
use thiserror::Error;
use uuid::Uuid;

/// The domain said no. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {detail}", code.name())]
pub struct Refused {
    /// The stable code; it carries the messages in both languages.
    pub code: Code,
    /// What exactly, for a developer or an operator; holds no content of documents.
    pub detail: String,
    /// The input fields that are wrong, in the API's spelling.
    pub fields: &'static [&'static str],
    /// What stands in the way, where that can be named: the documents that this may be a duplicate of, open branches.
    pub because_of: Vec<Uuid>,
    /// It may be tried again after a look at the present state.
    pub reload: bool,
}

impl Refused {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let (because_of, reload) = (Vec::new(), code == Code::ChangedSince);
        Self { code, detail: detail.into(), fields: &[], because_of, reload }
    }

    pub(crate) fn by(refusal: &dyn Refusal) -> Self {
        let code = refusal.code();
        Self {
            code,
            detail: refusal.to_string(),
            fields: refusal.fields(),
            because_of: refusal.because_of(),
            reload: refusal.reload(),
        }
    }
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The domain said no. Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Log, key ring or another writer were in the way. Nothing was written.
    #[error("busy: {0}")]
    Busy(String),
    /// It may have been written, or only its first part was: the same command again will tell, or finish it.
    #[error("not known whether it was done: {0}")]
    Unknown(String),
    /// The program is shutting down. Nothing was written.
    #[error("no new commands are taken: the program is shutting down")]
    Closed,
    /// Log or key ring are damaged or do not belong together: a person must look. Nothing was written by this command.
    #[error("stopped: {0}")]
    Stopped(String),
}

impl CommandError {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(refused) => refused.code,
            Self::Busy(_) | Self::Closed => Code::Busy,
            Self::Unknown(_) => Code::OutcomeUnknown,
            Self::Stopped(_) => Code::Stopped,
        }
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Busy(why) => Self::Busy(why),
            AppendError::Unknown(why) => Self::Unknown(why),
            AppendError::Corrupt(why) => Self::Stopped(why),
            AppendError::Conflict { .. } => Self::Busy(error.to_string()),
            AppendError::TooLarge { .. } | AppendError::Count { .. } => {
                Refused::new(Code::TooLarge, error.to_string()).into()
            }
        }
    }
}

impl From<ReadError> for CommandError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Busy(why) => Self::Busy(why),
            ReadError::Foreign(_) | ReadError::Beyond(_) | ReadError::Corrupt(_) => Self::Stopped(error.to_string()),
        }
    }
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unavailable(why) => Self::Busy(why),
            KeyError::Missing(_) | KeyError::Destroyed(_) | KeyError::WrongMaster | KeyError::Damaged(_) => {
                Self::Stopped(error.to_string())
            }
        }
    }
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Key(error) => error.into(),
            OpenError::Unreadable { .. } => Self::Stopped(error.to_string()),
        }
    }
}
