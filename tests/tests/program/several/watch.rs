//! What every server shows while everything goes wrong: signed checkpoints, and whether anybody must act.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use socai_domain::proof::{Checkpoint, Note, TreeHead};

use super::world::World;

/// How often each server is asked.
const EVERY: Duration = Duration::from_millis(200);

/// A checkpoint that a server showed for the first time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) server: usize,
    pub(super) head: TreeHead,
}

pub(super) struct Watch {
    world: Arc<World>,
    seen: Mutex<Vec<Seen>>,
    over: AtomicBool,
}

impl Watch {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self { world, seen: Mutex::default(), over: AtomicBool::new(false) }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The newest checkpoint that the server shows now.
    pub(super) async fn checkpoint(&self, server: usize) -> Option<TreeHead> {
        let (200, text) = self.world.get(server, "/log/checkpoint").await? else { return None };
        let opened = Note::parse(text.as_bytes()).map(|note| Checkpoint::open(&note, &self.world.key));
        match opened {
            Ok(Ok(checkpoint)) => Some(checkpoint.head()),
            wrong => {
                self.world
                    .journal
                    .wrong(format_args!("server {server} shows what is no checkpoint: {wrong:?}: {text}"));
                None
            }
        }
    }

    /// Looks at one server, to the end.
    pub(super) async fn run(self: Arc<Self>, server: usize) {
        let (mut last, mut alarms) = (None::<TreeHead>, HashSet::new());
        while !self.over.load(Ordering::Relaxed) {
            if let Some(head) = self.checkpoint(server).await
                && last != Some(head)
            {
                if let Some(last) = last.filter(|last| last.size >= head.size) {
                    self.world.journal.wrong(format_args!("server {server} shows {head:?} after {last:?}"));
                }
                self.seen.lock().unwrap().push(Seen { at: Instant::now(), server, head });
                last = Some(head);
            }
            if let Some((_, health)) = self.world.get(server, "/health/ready").await
                && health.contains("a person must act")
                && alarms.insert(health.clone())
            {
                let said = self.world.servers[server].last_messages(4);
                self.world.journal.wrong(format_args!("alarm of server {server}: {health}: {said}"));
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
