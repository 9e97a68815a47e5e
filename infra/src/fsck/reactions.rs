//! The reactions: their checkpoint says that everything that was begun before it has ended.

use super::{Fault, Ground, Kind, Layer, facts::Facts};

/// Holds the checkpoint, which was read before the log, against the log.
pub(super) fn check(ground: &Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Reactions);
    let checkpoint = match &ground.checkpoint {
        Ok(checkpoint) => *checkpoint,
        Err(why) => return layer.with(Fault::new("checkpoint-unreadable", why.clone())),
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
        let message = format!("the checkpoint {checkpoint} is of another ledger than {}", facts.ledger());
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
    layer.count("records done", checkpoint.place());
    layer.count("records to do", end.place() - checkpoint.place());
    undone(facts, checkpoint.place(), &mut layer);
    layer
}

/// What was begun before the checkpoint and never ended.
fn undone(facts: &Facts, done: u64, layer: &mut Layer) {
    let again = "stop the program, delete the checkpoint and start again: everything is looked at once more";
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
