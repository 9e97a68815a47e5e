//! The network between a server and its database loses the answers on all connections that are open, and nobody ends them: each
//! question of the server ends, and everything goes on.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    ask::Asker, dice::Dice, journal::pass, judge, pushed, reacting::holds, rush, signed, staff::Staff, takeover,
    watch::Watch, work::Work, world::World,
};

/// How often. It is in the middle of something else each time.
const LOSSES: usize = 2;
/// By then all servers show what was done after it: the longest wait for an answer, and what there is to do then.
const GOES_ON: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_whose_answers_from_the_database_are_lost_goes_on() {
    let world = World::start(10_000).await;
    let journal = Arc::clone(&world.journal);
    let staff = Staff::hire(&world, 2).await;
    let work = Arc::new(Work::new(Arc::new(Asker::new(Arc::clone(&world))), staff));
    let watch = Arc::new(Watch::new(Arc::clone(&world)));
    let (mut clients, mut watchers) = (JoinSet::new(), JoinSet::new());
    for server in 0..world.servers.len() {
        watchers.spawn(Arc::clone(&watch).run(server));
    }
    for clerk in 0..2 {
        clients.spawn(Arc::clone(&work).run(clerk, Dice::new(2, 100 + clerk as u64)));
    }
    clients.spawn(rush::at_one_book(Arc::clone(&work), Dice::new(2, 5)));
    // The first one that starts has all leases.
    assert!(holds(&world, 0, "views").await);
    let (mut dice, mut disturbances) = (Dice::new(2, 6), Vec::new());
    for _ in 0..LOSSES {
        pass(Duration::from_secs(2)).await;
        let since = Instant::now();
        world.servers[0].to_postgres.lose_answers();
        let on = tokio::time::timeout(GOES_ON, takeover::by_these(&work, &watch, &[0, 1, 2], &mut dice)).await;
        journal.say(format_args!("answers were lost; all show what came later after {:?}", since.elapsed()));
        if on.is_err() {
            let said = world.servers[0].last_messages(12);
            panic!("not all show what came after answers were lost {GOES_ON:?} ago: {said}");
        }
        disturbances.push((since, Instant::now()));
    }
    work.over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    pushed::on_every_server(&work, &mut Dice::new(2, 4)).await;
    signed(&world, &watch).await;
    watch.end();
    while let Some(ended) = watchers.join_next().await {
        ended.unwrap();
    }
    judge(&world, &work, &watch, &disturbances).await;
    assert_eq!(journal.all_wrong(), Vec::<String>::new());
}
