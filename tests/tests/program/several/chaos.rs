//! What goes wrong. One server at a time is harmed, so that most of them can always go on; beside it, the engines have
//! troubles of their own, which all servers feel.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use socai_kurrent_double::AppendFault;
use sqlx::{Connection as _, PgConnection};

use super::{
    dice::Dice,
    journal::pass,
    proxy::{Line, Proxy},
    world::{NODES, READY, World},
};

/// What happens to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    Killed,
    Paused,
    /// The lines to the log, to the database, are in this state.
    Lines(bool, bool, Line),
}

const CUT: Line = Line::Cut;
const SILENT: Line = Line::Silent;
const HARMS: [Harm; 9] = [
    Harm::Killed,
    Harm::Paused,
    Harm::Lines(true, false, CUT),
    Harm::Lines(false, true, CUT),
    Harm::Lines(true, true, CUT),
    Harm::Lines(true, false, SILENT),
    Harm::Lines(false, true, SILENT),
    Harm::Lines(true, true, SILENT),
    Harm::Lines(true, true, Line::Slow(Duration::from_millis(150))),
];

/// What happens to an engine. An event that subscriptions skip is not among it: a server that is told so stops, and is right.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    Append(AppendFault),
    LeaderMoves,
    NoLeader,
    ConnectionsBreak,
    ConnectionsRefused,
    SubscriptionsEnd,
    EventsToldAgain,
    CheckpointsBeyond,
    /// Found out after the idle time of followers.
    SubscriptionsSilent,
    BackendsEnd,
    DatabaseRestarts,
    /// A synchronous standby takes the place of the database.
    DatabaseFailsOver,
}

fn troubles() -> Vec<Trouble> {
    use AppendFault::{AbortedAfter, AbortedBefore, Busy, CutAfter, CutBefore, Ignored, NotLeader, WrittenInSilence};
    let elsewhere = NotLeader("127.0.0.1".into(), 1);
    let appends = [AbortedBefore, AbortedAfter, CutBefore, CutAfter, Ignored, WrittenInSilence, Busy, elsewhere];
    let others = [
        Trouble::LeaderMoves,
        Trouble::NoLeader,
        Trouble::ConnectionsBreak,
        Trouble::ConnectionsRefused,
        Trouble::SubscriptionsEnd,
        Trouble::EventsToldAgain,
        Trouble::CheckpointsBeyond,
        Trouble::SubscriptionsSilent,
        Trouble::BackendsEnd,
        Trouble::DatabaseRestarts,
        Trouble::DatabaseFailsOver,
    ];
    appends.into_iter().map(Trouble::Append).chain(others).collect()
}

/// How long things stay wrong, and right in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) wrong: (Duration, Duration),
    pub(super) right: (Duration, Duration),
}

/// When it is found out that a subscription is silent: half a minute after it was made, which may take a while.
const FOUND_OUT: Duration = Duration::from_secs(40);

/// From when until when something was wrong.
pub(super) type Disturbance = (Instant, Instant);

pub(super) struct Chaos {
    world: Arc<World>,
    pace: Pace,
    /// Every kind happens at least once, also when it is later than this.
    until: Instant,
    disturbances: Mutex<Vec<Disturbance>>,
    /// When subscriptions last fell silent.
    silent_since: Mutex<Option<Instant>>,
}

impl Chaos {
    pub(super) fn new(world: Arc<World>, pace: Pace, until: Instant) -> Self {
        Self { world, pace, until, disturbances: Mutex::default(), silent_since: Mutex::default() }
    }

    /// In the order in which they ended.
    pub(super) fn disturbances(&self) -> Vec<Disturbance> {
        self.disturbances.lock().unwrap().clone()
    }

    fn disturbed(&self, since: Instant) {
        self.disturbances.lock().unwrap().push((since, Instant::now()));
    }

    async fn rest(&self, dice: &mut Dice) {
        pass(dice.between(self.pace.right.0, self.pace.right.1)).await;
    }

    /// Harms one server after the other, in rounds of all kinds.
    pub(super) async fn of_servers(&self, mut dice: Dice) {
        loop {
            let mut harms = HARMS;
            dice.shuffle(&mut harms);
            for harm in harms {
                self.rest(&mut dice).await;
                let (server, long) = (dice.below(self.world.servers.len()), self.wrong(&mut dice));
                self.world.journal.say(format_args!("server {server}: {harm:?} for {long:?}"));
                let since = Instant::now();
                self.harm(server, harm, long).await;
                if !self.world.ready(server, READY).await {
                    let said = self.world.servers[server].last_messages(12);
                    self.world
                        .journal
                        .wrong(format_args!("server {server} is not ready {READY:?} after {harm:?}: {said}"));
                }
                self.disturbed(since);
            }
            if Instant::now() >= self.until {
                return;
            }
        }
    }

    fn wrong(&self, dice: &mut Dice) -> Duration {
        dice.between(self.pace.wrong.0, self.pace.wrong.1)
    }

    async fn harm(&self, server: usize, harm: Harm, time: Duration) {
        let server = &self.world.servers[server];
        match harm {
            Harm::Killed => {
                server.kill();
                pass(time).await;
                server.start();
            }
            Harm::Paused => {
                server.signal("-STOP");
                pass(time).await;
                server.signal("-CONT");
            }
            Harm::Lines(of_log, of_database, line) => {
                let to_log = server.to_log.iter().filter(|_| of_log);
                let lines: Vec<&Proxy> = to_log.chain(Some(&server.to_postgres).filter(|_| of_database)).collect();
                let set = |line| lines.iter().for_each(|proxy: &&Proxy| proxy.set(line));
                set(line);
                pass(time).await;
                set(Line::Open);
            }
        }
    }

    /// Troubles the engines, in rounds of all kinds.
    pub(super) async fn of_engines(&self, mut dice: Dice) {
        loop {
            let mut troubles = troubles();
            dice.shuffle(&mut troubles);
            for trouble in troubles {
                self.rest(&mut dice).await;
                let long = self.wrong(&mut dice);
                self.world.journal.say(format_args!("engines: {trouble:?}"));
                let since = Instant::now();
                self.trouble(trouble, long, &mut dice).await;
                self.disturbed(since);
            }
            if Instant::now() >= self.until {
                return;
            }
        }
    }

    async fn trouble(&self, trouble: Trouble, long: Duration, dice: &mut Dice) {
        let (double, faults) = (&self.world.double, self.world.double.faults());
        match trouble {
            Trouble::Append(fault) => faults.appends(vec![fault; 1 + dice.below(3)]),
            Trouble::LeaderMoves => double.lead(Some(dice.below(NODES))),
            Trouble::NoLeader => {
                double.lead(None);
                pass(long).await;
                double.lead(Some(dice.below(NODES)));
            }
            Trouble::ConnectionsBreak => double.cut(),
            Trouble::ConnectionsRefused => {
                faults.refuse_connections(1 + dice.below(8));
                double.cut();
            }
            Trouble::SubscriptionsEnd => {
                faults.end_subscriptions(true);
                pass(long).await;
                faults.end_subscriptions(false);
            }
            Trouble::EventsToldAgain => {
                faults.redeliver(1 + dice.below(20));
                double.cut();
                pass(long).await;
                faults.redeliver(0);
            }
            Trouble::CheckpointsBeyond => faults.checkpoint_beyond(),
            Trouble::SubscriptionsSilent => {
                faults.silence(1 + dice.below(3));
                double.cut();
                *self.silent_since.lock().unwrap() = Some(Instant::now());
            }
            Trouble::BackendsEnd => self.end_backends().await,
            Trouble::DatabaseRestarts => {
                let world = Arc::clone(&self.world);
                tokio::task::spawn_blocking(move || world.database().restart("").unwrap()).await.unwrap();
            }
            Trouble::DatabaseFailsOver => self.fail_over().await,
        }
    }

    /// A standby is made, has all that is committed, and is asked before anything else is; then its primary dies.
    async fn fail_over(&self) {
        let old = self.world.database();
        let making = Arc::clone(&old);
        let standby = tokio::task::spawn_blocking(move || making.standby().unwrap()).await.unwrap();
        let mut database = PgConnection::connect_with(&old.options()).await.unwrap();
        for setting in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            sqlx::raw_sql(setting).execute(&mut database).await.unwrap();
        }
        // A commit that waited for it.
        let waits = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut database).await.unwrap() == 0 {
            pass(Duration::from_millis(20)).await;
        }
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS waited_for (here int)").execute(&mut database).await.unwrap();
        let standby = Arc::new(standby);
        let new = Arc::clone(&standby);
        tokio::task::spawn_blocking(move || old.fail_over(&new).unwrap()).await.unwrap();
        self.world.databases.lock().unwrap().push(standby);
    }

    /// Each session of the database ends by itself with one half probability.
    async fn end_backends(&self) {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < 0.5";
        let mut database = PgConnection::connect_with(&self.world.database().options()).await.unwrap();
        sqlx::query(end).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }

    /// From now on nothing goes wrong, but for subscriptions that are silent.
    pub(super) fn end(&self) {
        self.world.heal();
        self.world.double.faults().forget_appends();
        self.world.double.faults().silence(0);
        self.world.double.faults().refuse_connections(0);
    }

    /// Waits until followers have found out which subscriptions are silent. Until then something was wrong.
    pub(super) async fn heard(&self) {
        let silent = *self.silent_since.lock().unwrap();
        if let Some(since) = silent {
            let found_out = since + FOUND_OUT;
            pass(found_out.saturating_duration_since(Instant::now())).await;
            self.disturbances.lock().unwrap().push((since, found_out));
        }
    }
}
