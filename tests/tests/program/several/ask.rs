//! Commands and questions, put to any server until one answers: the same command id each time.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use socai_domain::ledger::RecordHash;
use uuid::Uuid;

use super::{dice::Dice, journal::pass, world::World};

/// How long a command may go without an outcome, whatever happens to the servers.
const GIVE_UP: Duration = Duration::from_secs(150);
/// Between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));

/// What a client was told is in the ledger.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    pub(super) what: &'static str,
    /// The command's id.
    pub(super) command: Uuid,
    pub(super) record: Uuid,
    pub(super) hash: RecordHash,
    pub(super) stream: String,
    pub(super) revision: u64,
    pub(super) position: String,
    /// The signed promise, where one was given.
    pub(super) promise: Option<String>,
    pub(super) at: Instant,
}

impl Acknowledged {
    fn read(what: &'static str, input: &Value, receipt: &Value) -> Option<Self> {
        let text = |of: &str| receipt[of].as_str().map(str::to_owned);
        Some(Self {
            what,
            command: input["commandId"].as_str()?.parse().ok()?,
            record: text("recordId")?.parse().ok()?,
            hash: text("hash")?.parse().ok()?,
            stream: text("stream")?,
            revision: text("revision")?.parse().ok()?,
            position: text("position")?,
            promise: text("promise"),
            at: Instant::now(),
        })
    }

    fn is(&self, other: &Self) -> bool {
        (self.record, self.hash, &self.stream, self.revision, &self.position)
            == (other.record, other.hash, &other.stream, other.revision, &other.position)
    }
}

/// What one attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Done(Box<Acknowledged>),
    /// The code, and whether the client may try again.
    Refused(String, bool),
    /// Nobody knows whether it was done.
    Unknown,
}

/// How the attempts of all went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attempts {
    pub(super) done: usize,
    pub(super) refused: usize,
    pub(super) unknown: usize,
    /// Done commands that were sent to another server once more.
    pub(super) repeated: usize,
}

pub(super) struct Asker {
    pub(super) world: Arc<World>,
    pub(super) acknowledged: Mutex<Vec<Acknowledged>>,
    pub(super) attempts: Mutex<Attempts>,
}

impl Asker {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self { world, acknowledged: Mutex::default(), attempts: Mutex::default() }
    }

    /// Sends the command to this server, once.
    pub(super) async fn attempt(&self, server: usize, token: &str, name: &'static str, input: &Value) -> Outcome {
        let Some(client) = self.world.client(server, token) else { return Outcome::Unknown };
        let kind = match name {
            "assumePost" | "leavePost" => "PostHolderInput".to_owned(),
            _ => format!("{}{}Input", name[..1].to_uppercase(), &name[1..]),
        };
        let mutation = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) \
                {{ receipt {{ recordId hash stream revision position promise }} }} }}"
        );
        let Ok(answer) = client.try_ask(&mutation, json!({ "input": input })).await else { return Outcome::Unknown };
        if let Some(done) = Acknowledged::read(name, input, &answer["data"][name]["receipt"]) {
            return Outcome::Done(Box::new(done));
        }
        let error = &answer["errors"][0]["extensions"];
        let code = error["code"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
        let again = ["LATER", "VERBATIM"].iter().any(|retry| error["retry"] == *retry);
        Outcome::Refused(code.clone(), again || code == "REGISTRATION_UNDERWAY")
    }

    /// Has the command done, by whichever server does it. Now and then a done one is sent to another server, too, which must
    /// say the same. Nothing where it is refused: that is told as wrong.
    pub(super) async fn command(
        &self,
        dice: &mut Dice,
        token: &str,
        name: &'static str,
        input: Value,
    ) -> Option<Acknowledged> {
        let mut input = input;
        input["commandId"] = json!(Uuid::from_u128(u128::from(dice.throw()) << 64 | u128::from(dice.throw())));
        let done = self.until_done(dice, token, name, &input).await?;
        if dice.once_in(6) {
            let again = self.until_done(dice, token, name, &input).await?;
            self.attempts.lock().unwrap().repeated += 1;
            if !again.is(&done) {
                self.world.journal.wrong(format_args!("{name} was answered twice in two ways: {done:?} {again:?}"));
            }
        }
        self.acknowledged.lock().unwrap().push(done.clone());
        Some(done)
    }

    async fn until_done(
        &self,
        dice: &mut Dice,
        token: &str,
        name: &'static str,
        input: &Value,
    ) -> Option<Acknowledged> {
        let (begun, mut last) = (Instant::now(), String::new());
        while begun.elapsed() < GIVE_UP {
            let server = dice.below(self.world.servers.len());
            let outcome = self.attempt(server, token, name, input).await;
            match outcome {
                Outcome::Done(done) => {
                    self.attempts.lock().unwrap().done += 1;
                    return Some(*done);
                }
                Outcome::Refused(code, true) => {
                    self.attempts.lock().unwrap().refused += 1;
                    last = code;
                }
                Outcome::Refused(code, false) => {
                    self.world
                        .journal
                        .wrong(format_args!("server {server} refused {name}: {code}; before: {last}; {input}"));
                    return None;
                }
                Outcome::Unknown => {
                    self.attempts.lock().unwrap().unknown += 1;
                    "no answer".clone_into(&mut last);
                }
            }
            pass(dice.between(PAUSE.0, PAUSE.1)).await;
        }
        self.world.journal.wrong(format_args!("{name} has no outcome after {GIVE_UP:?}: {last}; {input}"));
        None
    }

    /// The data of a query, from whichever server answers it without an error.
    pub(super) async fn query(&self, dice: &mut Dice, token: &str, query: &str, variables: &Value) -> Option<Value> {
        let (begun, mut last) = (Instant::now(), Value::Null);
        while begun.elapsed() < GIVE_UP {
            let server = dice.below(self.world.servers.len());
            if let Some(client) = self.world.client(server, token)
                && let Ok(answer) = client.try_ask(query, variables.clone()).await
            {
                if answer["errors"].is_null() && answer["data"].is_object() {
                    return Some(answer["data"].clone());
                }
                last = answer;
            }
            pass(dice.between(PAUSE.0, PAUSE.1)).await;
        }
        self.world.journal.wrong(format_args!("no server answers {query} of {variables}: {last}"));
        None
    }
}
