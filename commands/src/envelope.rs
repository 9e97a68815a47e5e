//! What comes with a command, and what its sender gets back.

use socai_domain::{
    decide::{Aggregate, By, Who},
    id::{CauseId, CommandId, CorrelationId, OrganId, PersonId, PostId},
    ledger::{Position, RecordHash, RecordId, Revision, StreamId, log::Stamp},
    organ::Organ,
    refusal::Code,
    time::Timestamp,
};

use crate::Refused;

/// Who asks, before anybody looked up what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// The system itself: an import, a reaction, the operator at the console.
    System,
    /// A person, as the token names them.
    Person(PersonId),
}

/// What comes with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The organ by whose posts, delegations and calendar the command is judged.
    pub organ: OrganId,
    /// Who asks.
    pub who: Requester,
    /// The post they name; needed by who holds several or substitutes.
    pub acting_as: Option<PostId>,
    /// What the sender calls the command: a repetition under the same id is answered with the first outcome.
    pub command_id: CommandId,
    /// Joins the records and log lines of one request.
    pub correlation: CorrelationId,
    /// The record that led to this command.
    pub causation: Option<CauseId>,
    /// The revision that the sender saw; if the stream has moved on, the command is refused.
    pub expected_revision: Option<Revision>,
    /// What a repetition is compared by; without it, actor, command's name and input are digested.
    pub digest: Option<[u8; 32]>,
}

impl Envelope {
    /// Of a command by this person in an organ; the request is called after the command.
    pub fn of(organ: OrganId, who: Requester, command_id: CommandId) -> Self {
        Self {
            organ,
            who,
            acting_as: None,
            command_id,
            correlation: CorrelationId::new(command_id.uuid()),
            causation: None,
            expected_revision: None,
            digest: None,
        }
    }

    /// In this post.
    #[must_use]
    pub fn acting_as(self, post: Option<PostId>) -> Self {
        Self { acting_as: post, ..self }
    }

    /// As part of this request.
    #[must_use]
    pub fn correlation(self, correlation: CorrelationId) -> Self {
        Self { correlation, ..self }
    }

    /// Who asks, in which post, by what this organ knows.
    pub fn by<'a>(&self, organ: &'a Organ, at: Timestamp) -> By<'a> {
        let who = match self.who {
            Requester::System => Who::System,
            Requester::Person(person) => organ.who(person, self.acting_as, at),
        };
        By { at, command: self.command_id, who, organ }
    }

    /// Is it about a thing of this organ? Another organ's is not found, whoever asks and whatever it is.
    pub(crate) fn concerns(&self, state: &impl Aggregate) -> Result<(), Refused> {
        match state.organ() {
            Some(organ) if organ != self.organ => Err(Refused::new(Code::NotFound, "it belongs to another organ")),
            _ => Ok(()),
        }
    }

    /// Only if the stream still stands there.
    #[must_use]
    pub fn expecting(self, revision: Option<Revision>) -> Self {
        Self { expected_revision: revision, ..self }
    }
}

/// What the ledger took, or what stands in it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The stream.
    pub stream: StreamId,
    /// The record's place in it.
    pub revision: Revision,
    /// The record's place in the log.
    pub position: Position,
    /// The record's hash.
    pub hash: RecordHash,
    /// When the log took it.
    pub recorded: Timestamp,
    /// The instant for which it was decided; rules and figures count from it.
    pub at: Timestamp,
    /// The command that this answers.
    pub command_id: CommandId,
    /// False: it was already so, nothing was written; the record is the stream's last.
    pub changed: bool,
    /// The same command had been answered before, with this record.
    pub repeated: bool,
}

impl Receipt {
    /// The record's id.
    pub fn record(&self) -> RecordId {
        self.hash.id()
    }

    pub(crate) fn of(stream: StreamId, stamp: &Stamp, at: Timestamp, command_id: CommandId) -> Self {
        let Stamp { position, revision, recorded, hash } = *stamp;
        Self { stream, revision, position, hash, recorded, at, command_id, changed: true, repeated: false }
    }
}
