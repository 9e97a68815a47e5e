//! The life of a document, written before it is played: who does what and when. It follows from the document's number alone,
//! so any number of lives can be played side by side and still come out the same.

mod desk;
mod end;
mod work;

use futures::future::BoxFuture;
use socai_commands::{CommandError, Envelope, Handler, Receipt, Requester};
use socai_domain::{
    decide::Decide,
    id::{CommandId, IncomingId, derive},
    incoming::{self, IncomingDocument},
    ledger::StreamId,
    refusal::Code,
    text::{LongText, Reason},
    time::Timestamp,
};

use super::{
    World,
    dice::Dice,
    fate::{Fate, Turn, is_late},
    letter::Letter,
};

/// A command on an incoming document.
pub(super) trait Deed: Send {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Carries it out.
    fn carry_out(
        self: Box<Self>,
        handler: &Handler,
        stream: StreamId,
        envelope: Envelope,
    ) -> BoxFuture<'_, Result<Receipt, CommandError>>;
}

impl<C: Decide<State = IncomingDocument>> Deed for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn carry_out(
        self: Box<Self>,
        handler: &Handler,
        stream: StreamId,
        envelope: Envelope,
    ) -> BoxFuture<'_, Result<Receipt, CommandError>> {
        Box::pin(handler.execute(stream, envelope, *self))
    }
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The system: the exchange axis.
    System,
    /// Whoever does what this post does, by its index.
    Post(usize),
}

/// One thing that is done.
pub(super) struct Act {
    pub(super) at: Timestamp,
    pub(super) who: Actor,
    pub(super) command: CommandId,
    pub(super) deed: Box<dyn Deed>,
    /// The refusal that it meets, if it is to meet one.
    pub(super) refused: Option<Code>,
    /// What is put into the file store before.
    pub(super) file: Option<Vec<u8>>,
}

/// All that happens to a document, in order; no two things in one minute.
pub(super) struct Life {
    pub(super) n: u64,
    pub(super) document: IncomingId,
    pub(super) acts: std::vec::IntoIter<Act>,
}

impl Life {
    /// Of document `n`.
    pub(super) fn of(world: &World, n: u64) -> Self {
        let mut script = Script::new(world, n);
        script.write();
        let Script { document, mut acts, .. } = script;
        // What runs side by side was written one after the other.
        acts.sort_by_key(|act| act.at);
        let mut earliest = Timestamp::from_micros(i64::MIN);
        for act in &mut acts {
            act.at = act.at.max(earliest);
            earliest = act.at.plus_minutes(1);
        }
        acts.retain(|act| act.at < world.days.end());
        Self { n, document, acts: acts.into_iter() }
    }

    /// When something is done next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.acts.as_slice().first().map(|act| act.at)
    }

    /// Is a number asked for next?
    pub(super) fn registers_next(&self) -> bool {
        self.acts.as_slice().first().is_some_and(|act| act.deed.name() == incoming::register::RegisterIncoming::NAME)
    }

    /// Its stream.
    pub(super) fn stream(&self) -> StreamId {
        incoming::stream(self.document)
    }
}

impl Act {
    /// What comes with the command.
    pub(super) fn envelope(&self, world: &World) -> Envelope {
        let office = &world.office;
        match self.who {
            Actor::System => Envelope::of(office.organ, Requester::System, self.command),
            Actor::Post(post) => {
                let person = office.actor(post, self.at);
                Envelope::of(office.organ, Requester::Person(person), self.command)
                    .acting_as(Some(office.posts[post].id))
            }
        }
    }
}

/// A life in the making.
struct Script<'a> {
    world: &'a World,
    n: u64,
    fate: Fate,
    turn: Turn,
    late: bool,
    letter: Letter,
    document: IncomingId,
    dice: Dice,
    /// How far it is.
    now: Timestamp,
    acts: Vec<Act>,
    clerk: usize,
}

impl<'a> Script<'a> {
    fn new(world: &'a World, n: u64) -> Self {
        let mut dice = Dice::of("a life", n);
        let (mut fate, turn) = (Fate::of(n), Turn::of(n));
        if matches!(fate, Fate::Duplicate | Fate::DuplicateAccepted) && original(world, n).is_none() {
            fate = Fate::Usual;
        }
        let mut letter = Letter::of(world, n);
        desk::fit(world, n, fate, turn, &mut letter);
        let clerk = *dice.one(&world.office.clerks);
        let (document, now) = (document(world, n, &letter), letter.arrived);
        Self { world, n, fate, turn, late: is_late(n), letter, document, dice, now, acts: Vec::new(), clerk }
    }

    fn write(&mut self) {
        let Some(directed) = self.desk() else { return };
        let Some(mut work) = self.directed(directed) else { return };
        self.work(&mut work);
        self.end(&work);
    }

    /// So many minutes of office hours go by.
    fn wait(&mut self, least: i64, most: i64) {
        let minutes = self.dice.within(least, most);
        self.now = self.world.days.later(self.now, minutes);
    }

    /// Somebody does something now.
    fn act(&mut self, who: Actor, deed: impl Decide<State = IncomingDocument>) -> CommandId {
        self.act_at(self.now, who, deed)
    }

    fn act_at(&mut self, at: Timestamp, who: Actor, deed: impl Decide<State = IncomingDocument>) -> CommandId {
        let command = CommandId::new(derive(self.document.uuid(), &format!("act {}", self.acts.len())));
        self.acts.push(Act { at, who, command, deed: Box::new(deed), refused: None, file: None });
        command
    }

    fn clerk_does(&mut self, deed: impl Decide<State = IncomingDocument>) -> CommandId {
        self.act(Actor::Post(self.clerk), deed)
    }
}

/// Which document it is.
fn document(world: &World, n: u64, letter: &Letter) -> IncomingId {
    if letter.channel == socai_domain::document_types::Channel::Axis {
        IncomingId::of_axis(world.office.organ, letter.axis_id.as_str(), 0)
    } else {
        IncomingId::new(world.office.command(&format!("document {n}")).creates(world.office.organ))
    }
}

/// The document that a duplicate is a copy of: always as far before it, so that no two are copies of one; of some days before,
/// so that it is registered by now.
fn original(world: &World, n: u64) -> Option<u64> {
    let before = n.checked_sub(6 * world.days.fullest() + 20)?;
    // Others next to it, if this one is not in the book.
    let mut candidates = (0..5).filter_map(|further| before.checked_sub(further));
    candidates.find(|m| Fate::of(*m) == Fate::Usual)
}

fn text(text: &str) -> LongText {
    LongText::new(text).expect("a text")
}

fn why(reason: &str) -> Reason {
    Reason::new(reason).expect("a reason of at least ten characters")
}
