//! A rush at one book: on all servers numbers are asked for at the same moment, so that servers get into one another's way.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::join_all;
use serde_json::json;

use super::{dice::Dice, journal::pass, work::Work};
use crate::office::paper;

/// Documents that ask for a number at once, each on whichever server.
const AT_ONCE: usize = 6;
/// Between two rushes, so that others have their turn.
const REST: Duration = Duration::from_millis(300);

/// One rush after the other, until the work is over.
pub(super) async fn at_one_book(work: Arc<Work>, mut dice: Dice) {
    let (asker, clerks) = (&work.asker, &work.staff.clerks);
    let mut rushes = 0;
    while !work.over.load(Ordering::Relaxed) {
        let mut dices: Vec<_> = (0..AT_ONCE).map(|_| Dice::new(dice.throw(), 0)).collect();
        let receiving = dices.iter_mut().enumerate().map(|(nth, dice)| {
            let number = format!("R{}", rushes * AT_ONCE + nth);
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
        rushes += 1;
        pass(REST).await;
    }
}
