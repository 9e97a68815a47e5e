//! Whoever lost their post must not act on any server, however far behind that server is: it has five seconds to learn of it,
//! and says that it is busy where it cannot.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::json;
use uuid::Uuid;

use super::{
    ask::{Acknowledged, Outcome},
    dice::Dice,
    journal::pass,
    work::Work,
};
use crate::office::paper;

/// How old a server's knowledge of the organ may be.
const FRESH: Duration = Duration::from_secs(5);

/// A clerk leaves and comes back, again and again; what they still could do is counted.
pub(super) async fn comes_and_goes(work: Arc<Work>, mut dice: Dice) {
    let (asker, staff) = (&work.asker, &work.staff);
    let (administrator, temporary) = (&staff.administrator, &staff.temporary);
    let holder = json!({ "post": temporary.post, "person": temporary.person });
    while !work.over.load(Ordering::Relaxed) {
        if asker.command(&mut dice, administrator, "leavePost", holder.clone()).await.is_none() {
            return;
        }
        let left = Instant::now();
        pass(FRESH).await;
        while left.elapsed() < 2 * FRESH {
            let server = dice.below(asker.world.servers.len());
            let number = format!("T{}", dice.below(1_000_000));
            let mut input = paper(&number);
            input["commandId"] = json!(Uuid::from_u128(u128::from(dice.throw())));
            let begun = left.elapsed();
            if let Outcome::Done(done) = asker.attempt(server, &temporary.token, "receiveIncoming", &input).await {
                let Acknowledged { stream, .. } = *done;
                let told = format_args!("server {server} let a clerk act {begun:?} after they left: {stream}");
                asker.world.journal.wrong(told);
            }
            pass(Duration::from_millis(100)).await;
        }
        if asker.command(&mut dice, administrator, "assumePost", holder.clone()).await.is_none() {
            return;
        }
    }
}
