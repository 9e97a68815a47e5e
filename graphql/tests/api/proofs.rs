//! Promises, proofs, and the public paths of the log.

use serde_json::{Value, json};
use socai_domain::{
    decide::Who,
    ledger::RecordHash,
    proof::{
        Checkpoint, Note, Tile, TreeHead, bundle, consistency, policy::Policy, receipt::Promise, tlog_proof::TlogProof,
    },
    testing::MORNING,
};
use socai_graphql::notary::Voice;

use crate::{notary::WITHIN, world::World};

const PROOF: &str = "query($record: UUID, $stream: ID, $revision: Revision) { receiptProof(record: $record, stream: $stream, \
     revision: $revision) { leafIndex size text dueAt } }";

/// A document is received; its receipt with the promise.
async fn receipt(world: &World) -> Value {
    let query = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) { receipt { recordId stream \
         revision position hash recordedAt promise } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "input": world.arrival() })).await;
    World::data(&answer)["receiveIncoming"]["receipt"].clone()
}

async fn get(world: &World, path: &str) -> reqwest::Response {
    world.client().get(format!("{}{path}", world.url)).send().await.unwrap()
}

/// Waits until the notary covers all that is in the ledger.
async fn covered(world: &World) {
    let head = world.handler.log().head().await.unwrap().records;
    while world.notary.covers() < head {
        tokio::task::yield_now().await;
    }
}

fn text<'a>(value: &'a Value, of: &str) -> &'a str {
    value[of].as_str().unwrap_or_else(|| panic!("{of}: {value:#}"))
}

fn verified(world: &World, proof: &str, hash: RecordHash) -> (u64, u64) {
    let proof = TlogProof::parse(proof.as_bytes()).unwrap();
    let policy = Policy::new(world.notary.key().public().clone(), Vec::new(), 0).unwrap();
    let proved = proof.verify(hash, &policy).unwrap();
    assert_eq!(proved.record, hash);
    (proved.index, proved.accepted.checkpoint.size())
}

#[tokio::test]
async fn a_receipt_promises_and_the_proof_keeps_it() {
    let world = World::new().await;
    let receipt = receipt(&world).await;
    let note = Note::parse(text(&receipt, "promise").as_bytes()).unwrap();
    let promise = Promise::open(&note, world.notary.key().public()).unwrap();
    assert_eq!(promise.record().to_string(), text(&receipt, "recordId"));
    assert_eq!(promise.hash.to_string(), text(&receipt, "hash"));
    assert_eq!(promise.stream.to_string(), text(&receipt, "stream"));
    assert_eq!(promise.recorded.to_string(), text(&receipt, "recordedAt"));
    assert_eq!(promise.within, WITHIN);

    covered(&world).await;
    let by_id = world.ask(world.scene.clerk, PROOF, json!({ "record": receipt["recordId"] })).await;
    let by_id = &World::data(&by_id)["receiptProof"];
    let place = json!({ "stream": receipt["stream"], "revision": receipt["revision"] });
    let by_place = world.ask(world.scene.clerk, PROOF, place).await;
    assert_eq!(by_id, &World::data(&by_place)["receiptProof"]);
    let (index, size) = verified(&world, text(by_id, "text"), promise.hash);
    assert_eq!((&json!(index), &json!(size)), (&by_id["leafIndex"], &by_id["size"]));
    let file = get(&world, &format!("/log/proof/{}", text(&receipt, "recordId"))).await;
    assert_eq!(file.text().await.unwrap(), text(by_id, "text"));
}

#[tokio::test]
async fn what_no_checkpoint_covers_yet_says_when() {
    let world = World::new().await;
    world.notary.hold(true);
    let receipt = receipt(&world).await;
    let place = json!({ "stream": receipt["stream"], "revision": receipt["revision"] });
    let answer = world.ask(world.scene.clerk, PROOF, place).await;
    let proof = &World::data(&answer)["receiptProof"];
    assert!(proof["text"].is_null() && proof["leafIndex"].is_null(), "{proof}");
    let note = Note::parse(text(&receipt, "promise").as_bytes()).unwrap();
    let due = Promise::open(&note, world.notary.key().public()).unwrap().due();
    assert_eq!(text(proof, "dueAt"), due.to_string());
    assert!(due > MORNING, "{due}");
    let trail =
        "query($id: ID!) { trail(document: $id) { records { edges { node { leafIndex coveredBy { size text } } } } } }";
    let shown = async || {
        let answer = world.ask(world.scene.clerk, trail, json!({ "id": receipt["stream"] })).await;
        World::data(&answer)["trail"]["records"]["edges"][0]["node"].clone()
    };
    assert_eq!(shown().await, json!({ "leafIndex": null, "coveredBy": null }));
    world.notary.hold(false);
    covered(&world).await;
    let record = shown().await;
    assert!(record["leafIndex"].as_u64() < record["coveredBy"]["size"].as_u64(), "{record}");
    let note = Note::parse(text(&record["coveredBy"], "text").as_bytes()).unwrap();
    Checkpoint::open(&note, world.notary.key().public()).unwrap();
}

#[tokio::test]
async fn a_proof_by_place_is_for_those_who_see_the_stream() {
    let world = World::new().await;
    let receipt = receipt(&world).await;
    let place = json!({ "stream": receipt["stream"], "revision": receipt["revision"] });
    let error = |answer: &Value| World::error(answer)["code"].clone();
    assert_eq!(error(&world.ask(world.scene.outsider, PROOF, place).await), "NOT_FOUND");
    let beyond = json!({ "stream": receipt["stream"], "revision": "99" });
    assert_eq!(error(&world.ask(world.scene.clerk, PROOF, beyond).await), "NOT_FOUND");
    let both = json!({ "record": receipt["recordId"], "stream": receipt["stream"], "revision": "0" });
    assert_eq!(error(&world.ask(world.scene.clerk, PROOF, both).await), "INVALID_INPUT");
    let nobody = json!({ "record": "00000000-0000-8000-8000-000000000000" });
    assert_eq!(error(&world.ask(world.scene.clerk, PROOF, nobody).await), "NOT_FOUND");
}

#[tokio::test]
async fn the_tree_is_shown_to_have_grown() {
    let world = World::new().await;
    covered(&world).await;
    let before = world.notary.covers();
    receipt(&world).await;
    covered(&world).await;
    let query = "query($from: Int!, $to: Int) { consistencyProof(from: $from, to: $to) { from { size root text } to { size \
         root text } hashes } }";
    let asked = json!({ "from": before });
    assert_eq!(World::error(&world.ask(world.scene.clerk, query, asked.clone()).await)["code"], "NOT_ENTITLED");
    let answer = world.ask(world.scene.administrator, query, asked).await;
    let proof = &World::data(&answer)["consistencyProof"];
    let head = |of: &str| {
        let note = Note::parse(text(&proof[of], "text").as_bytes()).unwrap();
        Checkpoint::open(&note, world.notary.key().public()).unwrap().head()
    };
    let hashes: Vec<_> =
        proof["hashes"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
    let (from, to): (TreeHead, TreeHead) = (head("from"), head("to"));
    assert_eq!((from.size, to.size), (before, world.notary.covers()));
    assert_eq!(consistency::verify(from, to, &hashes), Ok(()));
    let beyond = world.ask(world.scene.administrator, query, json!({ "from": 1, "to": 1_000_000 })).await;
    assert_eq!(World::error(&beyond)["fields"], json!(["to"]));
}

#[tokio::test]
async fn anybody_can_read_the_log() {
    let world = World::new().await;
    for _ in 0..3 {
        receipt(&world).await;
    }
    covered(&world).await;
    let header = |answer: &reqwest::Response, name: &str| {
        answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let newest = get(&world, "/log/checkpoint").await;
    assert_eq!((newest.status().as_u16(), header(&newest, "cache-control").as_str()), (200, "no-cache"));
    let tag = header(&newest, "etag");
    let newest = newest.text().await.unwrap();
    let size = Checkpoint::open(&Note::parse(newest.as_bytes()).unwrap(), world.notary.key().public()).unwrap().size();
    let again = world.client().get(format!("{}/log/checkpoint", world.url)).header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status().as_u16(), 304);
    let old = get(&world, &format!("/log/checkpoint/{size}")).await;
    assert!(header(&old, "cache-control").contains("immutable"));
    assert_eq!(old.text().await.unwrap(), newest);

    for (path, width) in [("tile/0/000", size), ("tile/entries/000", size), ("tile/0/000", 1), ("tile/entries/000", 2)]
    {
        let tile: Tile = format!("{path}.p/{width}").parse().unwrap();
        let answer = get(&world, &format!("/log/{tile}")).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "cache-control").as_str()), (200, "public, max-age=60"));
        let bytes = answer.bytes().await.unwrap();
        let read = if path.contains("entries") {
            bundle::read_entries(tile, &bytes).map(|entries| entries.len())
        } else {
            bundle::read_hashes(tile, &bytes).map(|hashes| hashes.len())
        };
        assert_eq!(read, Ok(usize::try_from(width).unwrap()));
    }
    let beyond = [format!("checkpoint/{}", size + 1), format!("tile/0/000.p/{}", size + 1), "tile/1/000.p/1".into()];
    let wrong =
        ["checkpoint/01", "checkpoint/x", "tile/0/0", "tile/0/000.p/0", "tile/9/000", "proof/x"].map(String::from);
    for path in beyond.iter().chain(&wrong) {
        let answer = get(&world, &format!("/log/{path}")).await;
        assert_eq!(answer.status().as_u16(), 404, "{path}");
        assert!(answer.text().await.unwrap().len() > 20, "{path}: says why");
    }
}

#[tokio::test]
async fn a_notary_that_does_not_sign_says_so_and_promises_nothing() {
    let world = World::new().await;
    covered(&world).await;
    let query = "{ ledger { notary { origin verifierKey state message(lang: VI) checkpoint { size } } } }";
    let notary = async |who: Who| World::data(&world.ask(who, query, json!({})).await)["ledger"]["notary"].clone();
    let told = notary(world.scene.clerk).await;
    assert_eq!((&told["state"], &told["origin"]), (&json!("SIGNING"), &json!("log.example/ví-dụ")));
    assert_eq!(text(&told, "verifierKey"), world.notary.key().public().to_string());
    world.notary.say(Voice::Alarm("/secret/path was cut".into()));
    let told = notary(world.scene.clerk).await;
    assert!(told["state"] == "ALARM" && text(&told, "message").contains("Báo động"), "{told}");
    assert!(told["checkpoint"]["size"].is_number() && !told.to_string().contains("secret"), "{told}");
    // Commands and reads go on.
    let receipt = receipt(&world).await;
    assert!(receipt["hash"].is_string() && receipt["promise"].is_null(), "{receipt}");
    world.notary.say(Voice::Silent);
    let told = notary(world.scene.clerk).await;
    assert!(told["state"] == "SILENT" && told["checkpoint"].is_null(), "{told}");
    let answer = world.ask(world.scene.clerk, PROOF, json!({ "record": receipt["recordId"] })).await;
    assert_eq!(World::error(&answer)["code"], "STOPPED");
    for path in ["/log/checkpoint", &format!("/log/proof/{}", text(&receipt, "recordId"))] {
        assert_eq!(get(&world, path).await.status().as_u16(), 503, "{path}");
    }
}

#[tokio::test]
async fn witnesses_are_told_of_without_what_they_say() {
    let world = World::new().await;
    let query =
        "{ ledger { notary { cosigned { size } witnesses { name lastCosignedSize lastCosignedAt problem } } } }";
    let answer = world.ask(world.scene.clerk, query, json!({})).await;
    let told = &World::data(&answer)["ledger"]["notary"];
    let witnesses = told["witnesses"].as_array().unwrap();
    assert_eq!((&witnesses[0]["name"], &witnesses[0]["lastCosignedSize"]), (&json!("so-b"), &json!(1)), "{told}");
    assert!(witnesses[0]["lastCosignedAt"].is_string() && witnesses[0]["problem"].is_null(), "{told}");
    assert!(witnesses[1]["problem"] == "REFUSES" && witnesses[1]["lastCosignedSize"].is_null(), "{told}");
    assert!(told["cosigned"].is_null() && !told.to_string().contains("secret"), "{told}");
    assert_eq!(get(&world, "/log/checkpoint/cosigned").await.status(), 404);
    // It watches nobody.
    assert_eq!(get(&world, "/witness/0/checkpoint").await.status(), 404);
}
