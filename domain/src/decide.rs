//! The shape of a decision: what happened before, who asks for what, and what happens now or why not.

use std::fmt;

use crate::{
    id::{CommandId, OrganId, PersonId, PostId, UnitId},
    ledger::{Context, Header, Revision, StreamKind, catalogue::StoredEvent},
    organ::{Organ, Role},
    refusal::{Code, Denied},
    time::Timestamp,
};

/// What decisions on one kind of stream need to know, folded from its events.
pub trait Aggregate: Default + Clone + Send + Sync + fmt::Debug + 'static {
    /// Its streams.
    const KIND: StreamKind;
    /// Its events.
    type Event: StoredEvent;

    /// Takes in one event. Total: it cannot fail or panic on any event ever stored, in any order.
    fn evolve(&mut self, event: &Self::Event, meta: &Meta);

    /// The organ that it belongs to; none before it begins. Whoever asks from another organ finds nothing here.
    fn organ(&self) -> Option<OrganId>;

    /// Takes in a record whose content was erased: only the header is left.
    fn evolve_erased(&mut self, _header: &Header) {}
}

/// What stands around an event: from the record's header and context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Which stream: its key.
    pub stream: uuid::Uuid,
    /// Where in it.
    pub revision: Revision,
    /// The instant for which the decision was made.
    pub at: Timestamp,
    /// The organ concerned.
    pub organ: OrganId,
    /// Who acted; none for the system itself.
    pub person: Option<PersonId>,
    /// The post acted in.
    pub acting_as: Option<PostId>,
    /// Whom a substitute acted for.
    pub on_behalf_of: Option<PersonId>,
    /// The command it came of.
    pub command: CommandId,
}

impl Meta {
    /// From a record and what it sealed.
    pub fn of(header: &Header, context: &Context) -> Self {
        Self {
            stream: header.stream.key(),
            revision: header.revision,
            at: context.at,
            organ: OrganId::new(header.organ),
            person: (!header.person.is_nil()).then(|| PersonId::new(header.person)),
            acting_as: context.acting_as,
            on_behalf_of: context.on_behalf_of,
            command: context.command,
        }
    }
}

/// Who asks, in which post, and what their organ knew.
#[derive(Clone, Debug)]
pub struct By<'a> {
    /// The instant for which to decide.
    pub at: Timestamp,
    /// The command; ids of new things derive from it.
    pub command: CommandId,
    /// Who asks.
    pub who: Who,
    /// The organ, folded to the revision that the record will name.
    pub organ: &'a Organ,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The system itself: an import, a reaction, the operator at the console.
    System,
    /// A person in a post, or a substitute for one.
    Acting(Acting),
    /// A person whom the organ knows in no post (or not in the one named).
    Nobody(PersonId, Denied),
}

/// A person acting in a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The person.
    pub person: PersonId,
    /// The post.
    pub post: PostId,
    /// What the post may do.
    pub role: Role,
    /// Where the post is.
    pub unit: UnitId,
    /// The holder of the post, when the person is their substitute.
    pub on_behalf_of: Option<PersonId>,
}

impl By<'_> {
    /// The acting person, whatever their role.
    pub fn acting(&self) -> Result<Acting, Denied> {
        match self.who {
            Who::Acting(acting) => Ok(acting),
            Who::Nobody(_, denied) => Err(denied),
            Who::System => Err(Denied::NeedsAPerson),
        }
    }

    /// The acting person, if their post has this role.
    pub fn require(&self, role: Role) -> Result<Acting, Denied> {
        self.require_any(&[role])
    }

    /// The acting person, if their post has one of these roles.
    pub fn require_any(&self, roles: &[Role]) -> Result<Acting, Denied> {
        let acting = self.acting()?;
        if roles.contains(&acting.role) { Ok(acting) } else { Err(Denied::WrongRole) }
    }

    /// The system itself: a step that no person takes.
    pub fn require_system(&self) -> Result<(), Denied> {
        if self.who == Who::System { Ok(()) } else { Err(Denied::NeedsTheSystem) }
    }

    /// The acting person if they have the role; nobody if the system asks.
    pub fn require_or_system(&self, role: Role) -> Result<Option<Acting>, Denied> {
        if self.who == Who::System { Ok(None) } else { self.require(role).map(Some) }
    }
}

/// Why a command is refused: what it means for the client.
pub trait Refusal: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The stable code; it carries the message in both languages and the article.
    fn code(&self) -> Code;

    /// The input fields that are wrong, in the API's spelling.
    fn fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// What stands in the way, where that can be named: possible duplicates, open branches.
    fn because_of(&self) -> Vec<uuid::Uuid> {
        Vec::new()
    }

    /// May the command be tried again unchanged, once the state is read anew?
    fn reload(&self) -> bool {
        false
    }
}

/// A command: something that a person or the system wants done to one stream.
///
/// Its serialised form, with the actor, is what a repetition under the same command id is compared by.
pub trait Decide: serde::Serialize + fmt::Debug + Send + Sync + 'static {
    /// What it is decided on.
    type State: Aggregate;
    /// Why it may be refused.
    type Refusal: Refusal;
    /// Its name in the API, e.g. `refuseIncoming`.
    const NAME: &'static str;

    /// May this person do this now, whatever the input? Who and stage, as [`Decide::decide`] checks them first; what a
    /// client may offer, and the table of commands, stages and people, are made from it.
    fn permit(state: &Self::State, by: &By<'_>) -> Result<(), Self::Refusal>;

    /// What happens. Pure: the same arguments, the same answer. No events means "already so": success without a write.
    fn decide(&self, state: &Self::State, by: &By<'_>)
    -> Result<Vec<<Self::State as Aggregate>::Event>, Self::Refusal>;
}
