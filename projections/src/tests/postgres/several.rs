//! Several servers on one database: one writes, the others follow it, and one of those takes over.

use std::{sync::Arc, time::Duration};

use socai_domain::ledger::{EventLog as _, Following};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use super::{super::history::History, cluster};
use crate::{Follower, Lease, Location, Rebuilder, Rebuilds, Views};

/// A server, as far as it has views.
struct Server {
    views: Views,
    lease: watch::Sender<bool>,
    rebuilds: Rebuilds,
    stop: Vec<oneshot::Sender<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    async fn start(history: &History, at: &Location, leads: bool) -> Self {
        let (lease, held) = watch::channel(leads);
        let records = history.log.head().await.unwrap().records;
        let views = Views::open_or_await(at, records).await.unwrap().led_by(Lease::shared(held));
        let log = Arc::new(history.log.clone());
        let (mut stop, mut tasks) = (Vec::new(), Vec::new());
        let mut until = || {
            let (sender, stopped) = oneshot::channel::<()>();
            stop.push(sender);
            async move { drop(stopped.await) }
        };
        let state = watch::Sender::<Following>::default();
        let following = Follower::run(log.clone(), history.opener(), views.clone(), state, until());
        tasks.push(tokio::spawn(async move { following.await.unwrap() }));
        let (rebuilder, rebuilds) = Rebuilder::new(views.clone(), history.opener());
        tasks.push(tokio::spawn(rebuilder.run(log, until())));
        Self { views, lease, rebuilds, stop, tasks }
    }

    /// It shows all that is in the log.
    async fn shows(&self, history: &History) {
        let head = history.log.head().await.unwrap();
        self.views.wait_for(head.position, Duration::from_mins(1)).await.unwrap();
        assert_eq!(self.views.digest().await.unwrap(), history.views().await.digest().await.unwrap());
        assert_eq!(self.views.records().await.unwrap(), head.records);
    }

    async fn end(self) {
        drop(self.stop);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn who_stands_by_shows_what_another_server_writes_and_takes_over() {
    let (_cluster, at) = cluster();
    let mut history = History::new();
    history.arrives(1, |_| {});
    // The one that may not write waits for the views to be built.
    let two = Server::start(&history, &at, false).await;
    assert!(two.views.are_awaited());
    let one = Server::start(&history, &at, true).await;
    for server in [&one, &two] {
        server.shows(&history).await;
    }
    history.arrives(2, |_| {});
    let head = history.log.head().await.unwrap().position;
    two.views.wait_for(head, Duration::from_mins(1)).await.unwrap();

    // Another build takes the place of the one that both read; only who writes makes one.
    let refused = two.rebuilds.ask().await.unwrap_err();
    assert!(refused.contains("another server"), "{refused}");
    let (rebuilt, ()) = tokio::join!(one.rebuilds.ask(), async {
        for n in 3..6 {
            history.arrives(n, |_| {});
            let head = history.log.head().await.unwrap().position;
            two.views.wait_for(head, Duration::from_mins(1)).await.unwrap();
        }
    });
    assert!(rebuilt.unwrap().equal());
    history.arrives(6, |_| {});
    for server in [&two, &one] {
        server.shows(&history).await;
    }
    // They take turns; for a while both believe that it is theirs.
    for (n, (first, second)) in (7..).zip([(false, true), (true, true), (true, false), (false, false), (false, true)]) {
        one.lease.send_replace(first);
        two.lease.send_replace(second);
        history.arrives(n, |_| {});
    }
    for server in [&one, &two] {
        server.shows(&history).await;
    }
    one.end().await;
    two.end().await;
}
