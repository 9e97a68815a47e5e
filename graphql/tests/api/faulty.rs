//! A log that may not tell whether it took a record, or gives back others than it took.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use futures::{
    FutureExt,
    future::{BoxFuture, ready},
};
use serde_json::json;
use socai_domain::ledger::{
    Append, AppendError, Appended, Direction, EventLog, ReadError, Recorded, Revision, SealedRecord, StreamId,
    memory::MemoryLog,
};
use socai_graphql::Settings;

use crate::world::World;

#[derive(Clone, Default)]
struct Faults {
    /// Nobody knows what became of an append.
    silent: Arc<AtomicBool>,
    /// The last byte of the last record that is read is another.
    garbled: Arc<AtomicBool>,
}

struct Faulty {
    log: MemoryLog,
    faults: Faults,
}

impl EventLog for Faulty {
    socai_domain::hand_on!(log: follow, stood_at, head, ledger);

    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        if self.faults.silent.load(SeqCst) {
            return ready(Err(AppendError::Unknown("no answer".into()))).boxed();
        }
        self.log.append(append)
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        let read = self.log.read(stream, direction, from, limit);
        let garbled = self.faults.garbled.load(SeqCst);
        async move {
            let mut records = read.await?;
            if let Some(last) = records.last_mut().filter(|_| garbled) {
                let mut bytes = last.record.bytes().to_vec();
                *bytes.last_mut().unwrap() ^= 1;
                last.record = SealedRecord::from_bytes(bytes).unwrap();
            }
            Ok(records)
        }
        .boxed()
    }

    fn engine(&self) -> &'static str {
        "faulty"
    }
}

async fn faulty() -> (World, Faults) {
    let (faults, settings) =
        (Faults::default(), Settings { wait: std::time::Duration::from_millis(50), ..Settings::default() });
    let given = faults.clone();
    (World::over(settings, |log| Arc::new(Faulty { log, faults: given })).await, faults)
}

#[tokio::test]
async fn whoever_cannot_know_whether_it_was_done_is_told_so_also_while_the_views_lag() {
    let (mut world, faults) = faulty().await;
    world.stall().await;
    let received = world.mutate(world.scene.clerk, "receiveIncoming", world.arrival()).await;
    let id = received["payload"]["receipt"]["stream"].as_str().unwrap().to_owned();
    let refused = world.mutate(world.scene.officer, "registerIncoming", world.on(&id)).await;
    assert_eq!(World::error(&refused)["code"], "NOT_YET", "a refusal tells nothing");
    faults.silent.store(true, SeqCst);
    let unknown = world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await;
    let error = World::error(&unknown);
    assert_eq!((&error["code"], &error["retry"]), (&json!("OUTCOME_UNKNOWN"), &json!("VERBATIM")));
}

#[tokio::test]
async fn a_record_that_does_not_open_is_told_from_a_broken_chain() {
    let (world, faults) = faulty().await;
    let id = world.received().await;
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    faults.garbled.store(true, SeqCst);
    let query = "query($id: ID!) { incomingDocument(id: $id) { trail { verification brokenAt
        records { edges { node { verification erased } } } } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "id": id })).await;
    let trail = &World::data(&answer)["incomingDocument"]["trail"];
    let last = trail["records"]["edges"].as_array().unwrap().last().unwrap();
    // The chain's last hash is for whoever holds it to compare: in itself it is whole.
    assert_eq!((&trail["verification"], &trail["brokenAt"]), (&json!("VERIFIED"), &json!(null)));
    assert_eq!(last["node"], json!({ "verification": "UNREADABLE", "erased": false }));
}
