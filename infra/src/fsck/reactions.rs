//! The reactions: their checkpoint says that everything that was begun before it has ended.

use socai_commands::CHECKPOINT;
use socai_domain::ledger::Position;
use socai_projections::PostgresUrl;

use super::{Fault, Ground, Kind, Layer, facts::Facts};
use crate::{
    config::{Config, Location},
    lease::{CHECKPOINTS, PostgresCheckpoints},
    ports::{FileCheckpoints, Unread},
    postgres,
};

/// Where the checkpoint is, if not in a file: servers that share a cluster's log keep it with their notary.
fn shared(config: &Config) -> Option<&PostgresUrl> {
    match &config.notary {
        Location::Postgres(at) if config.log_directory().is_none() => Some(at),
        _ => None,
    }
}

/// How far the reactions have come; or what is to be said of the layer.
pub(super) async fn checkpoint(config: &Config) -> Result<Option<Position>, Layer> {
    let read = match shared(config) {
        None => FileCheckpoints::new(&config.data).read(CHECKPOINT),
        Some(at) => match postgres::is_there(at, CHECKPOINTS).await {
            Ok(true) => PostgresCheckpoints::new(at).read(CHECKPOINT).await,
            Ok(false) => Ok(None),
            Err(error) => Err(Unread::Unanswered(error.to_string())),
        },
    };
    read.map_err(|unread| {
        let why = shared(config).map_or_else(|| unread.to_string(), |at| format!("{at}: {unread}"));
        match unread {
            Unread::Damaged(_) => Layer::new(Kind::Reactions).with(Fault::new("checkpoint-unreadable", why)),
            Unread::Unanswered(_) => Layer::unchecked(Kind::Reactions, why),
        }
    })
}

/// Holds the checkpoint, which was read before the log, against the log.
pub(super) fn check(ground: &Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Reactions);
    let checkpoint = match &ground.checkpoint {
        Ok(checkpoint) => *checkpoint,
        Err(unread) => return unread.clone(),
    };
    let Some(facts) = ground.facts.as_ref() else { return Layer::unchecked(Kind::Reactions, "the log cannot be read") };
    let Some(checkpoint) = checkpoint else {
        if facts.end().place() > 0 {
            layer.note(
                "there is no checkpoint: the next start looks at the whole log once more, and does nothing twice",
            );
        }
        return layer;
    };
    let end = facts.end();
    if !checkpoint.same_log(end) {
        let message = if checkpoint.ledger() == facts.ledger() {
            format!(
                "the checkpoint {checkpoint} is of another log of this ledger: the ledger was copied since, or a copy restored"
            )
        } else {
            format!("the checkpoint {checkpoint} is of another ledger than {}", facts.ledger())
        };
        return layer.with(Fault::new("checkpoint-foreign", message));
    }
    if checkpoint.place() > end.place() {
        let message = format!(
            "the checkpoint says that record {} was there, and the log ends at record {}: the log was cut, or is an older copy; \
             restore its newest copy",
            checkpoint.place(),
            end.place()
        );
        return layer.with(Fault::new("checkpoint-beyond-log", message));
    }
    layer.count("records done", facts.counted);
    layer.count("records to do", facts.records() - facts.counted);
    let again = if shared(ground.config).is_some() {
        format!("stop all servers, delete the row {CHECKPOINT} of {CHECKPOINTS}")
    } else {
        format!("stop the program, delete {CHECKPOINT}.checkpoint")
    };
    let again = format!("{again} and start again: everything is looked at once more");
    undone(facts, checkpoint.place(), &again, &mut layer);
    layer
}

/// What was begun before the checkpoint and never ended.
fn undone(facts: &Facts, done: u64, again: &str, layer: &mut Layer) {
    for (stream, place) in facts.begun.iter().filter(|(_, place)| **place <= done) {
        let message = format!("{stream}: a registration was begun in record {place} and never ended: {again}");
        layer.wrong(Fault::new("registration-not-ended", message).of(*stream).at(*place));
    }
    let open = facts.erasures.iter().filter(|(_, erasure)| erasure.completed.is_none() && erasure.place <= done);
    for (stream, erasure) in open {
        let message =
            format!("{stream}: its erasure was confirmed in record {} and never completed: {again}", erasure.place);
        layer.wrong(Fault::new("erasure-not-completed", message).of(*stream).at(erasure.place));
    }
    let waiting = facts.begun.len() + facts.erasures.values().filter(|erasure| erasure.completed.is_none()).count();
    layer.count("steps under way", waiting as u64);
}
