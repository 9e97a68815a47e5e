//! A rush at one book: on all servers numbers are asked for at the same moment, so that servers get into one another's way.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::json;

use super::{dice::Dice, journal::pass, work::Work, world::READY};
use crate::office::paper;

/// Documents that ask for a number at once, each on whichever server.
const AT_ONCE: usize = 9;
/// Between two rushes, so that others have their turn.
const REST: Duration = Duration::from_millis(300);
/// How often servers want the same place in a book when nothing else is wrong.
const MEETINGS: usize = 10;

/// One rush after the other, until the work is over.
pub(super) async fn at_one_book(work: Arc<Work>, mut dice: Dice) {
    while !work.over.load(Ordering::Relaxed) {
        once(&work, &mut dice).await;
        pass(REST).await;
    }
}

/// One rush after the other, until servers met often enough.
pub(super) async fn until_they_met(work: &Work, dice: &mut Dice) {
    let met = || work.asker.world.double.conflicts("so-register-");
    let (begun, before) = (Instant::now(), met());
    while met() < before + MEETINGS {
        assert!(begun.elapsed() < READY, "servers met {} times at the book", met() - before);
        once(work, dice).await;
    }
    work.asker.world.journal.say(format_args!("servers met at the book {before} times, now {}", met()));
}

async fn once(work: &Work, dice: &mut Dice) {
    let (asker, clerks) = (&work.asker, &work.staff.clerks);
    let mut dices: Vec<_> = (0..AT_ONCE).map(|_| Dice::new(dice.throw(), 0)).collect();
    let receiving = dices.iter_mut().enumerate().map(|(nth, dice)| {
        let number = format!("R{}", dice.throw());
        asker.command(dice, &clerks[nth % clerks.len()].token, "receiveIncoming", paper(&number))
    });
    let received: Vec<_> = join_all(receiving).await;
    let registering = dices.iter_mut().zip(received).enumerate().map(|(nth, (dice, received))| async move {
        // What went wrong was told where it did.
        let Some(received) = received else { return };
        let document = json!({ "document": received.stream });
        asker.command(dice, &clerks[nth % clerks.len()].token, "registerIncoming", document).await;
    });
    join_all(registering).await;
}
