//! The directive tree, work lists and figures, over the API.

use std::collections::HashSet;

use serde_json::{Value, json};
use socai_domain::decide::Who;

use crate::world::{World, person_of, post_of, with};

/// A registered document with a main file, submitted to the leader.
pub(crate) async fn submitted(world: &World) -> String {
    let ticket = world.upload(world.scene.clerk, b"%PDF-1.7 v\xc3\xad d\xe1\xbb\xa5").await;
    let mut input = world.arrival();
    input["arriving"]["files"] = json!([{ "source": { "ticket": ticket }, "name": "cong-van.pdf", "role": "MAIN" }]);
    let answer = world.mutate(world.scene.clerk, "receiveIncoming", input).await;
    let id = answer["payload"]["document"]["id"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    let to = json!({ "to": post_of(world.scene.leader) });
    World::data(&world.mutate(world.scene.clerk, "submitIncoming", with(world.on(&id), to)).await);
    id
}

/// Directed to the first unit.
pub(crate) async fn directed(world: &World) -> (String, String) {
    directed_within(world, json!({ "workingDays": 3 })).await
}

/// Directed to the first unit, with this limit.
pub(crate) async fn directed_within(world: &World, limit: Value) -> (String, String) {
    let id = submitted(world).await;
    let branches = json!({ "note": "Giao Phòng Kế hoạch", "branches": [
        { "assignee": { "unit": world.scene.unit.to_string() }, "role": "LEAD", "limit": limit } ] });
    World::data(&world.mutate(world.scene.leader, "directIncoming", with(world.on(&id), branches)).await);
    let branch = branches_of(world, &id).await[0]["id"].as_str().unwrap().to_owned();
    (id, branch)
}

async fn branches_of(world: &World, id: &str) -> Vec<Value> {
    let query = "query($id: ID!, $at: Position) { incomingDocument(id: $id, atLeast: $at) { branches { id role
        deadline { dueAt late sum { kind text } } assignee { unit { name } holder { person { name } } } ended { how } } } }";
    let at = world.head().await.to_string();
    let answer = world.ask(world.scene.leader, query, json!({ "id": id, "at": at })).await;
    World::data(&answer)["incomingDocument"]["branches"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_document_is_directed_assigned_handled_and_resolved() {
    let world = World::new().await;
    let (id, lead) = directed(&world).await;
    let branch = &branches_of(&world, &id).await[0];
    assert_eq!(branch["assignee"]["unit"]["name"], "Phòng Kế hoạch");
    assert_eq!(branch["deadline"]["sum"][1]["text"], "Thời hạn: 3 ngày làm việc");
    let on_lead = || with(world.on(&id), json!({ "branch": lead }));
    World::data(&world.mutate(world.scene.head, "acceptBranch", on_lead()).await);
    let assign = json!({ "branches": [{ "assignee": { "post": post_of(world.scene.officer) }, "role": "LEAD" }] });
    World::data(&world.mutate(world.scene.head, "assignIncoming", with(on_lead(), assign)).await);
    let officers = branches_of(&world, &id).await[1]["id"].clone();
    let done = json!({ "branch": officers, "result": "Đã dự thảo văn bản góp ý", "proposal": "ANSWERED" });
    let completed = world.mutate(world.scene.officer, "completeBranch", with(world.on(&id), done)).await;
    World::data(&completed);
    let resolve = json!({ "how": "ANSWERED", "answers": [
        { "organ": "Sở Ví Dụ", "code": "05/SVD-KH", "date": "2026-03-03" }] });
    let resolved = world.mutate(world.scene.head, "resolveIncoming", with(world.on(&id), resolve)).await;
    World::data(&resolved);
    assert_eq!(resolved["payload"]["document"]["stage"], "RESOLVED");
    let query = "query($at: Position) { followUpRegister(atLeast: $at) { totalCount edges { node { number answers stage late } } } }";
    let at = &resolved["payload"]["receipt"]["position"];
    let answer = world.ask(world.scene.leader, query, json!({ "at": at })).await;
    let line = &World::data(&answer)["followUpRegister"]["edges"][0]["node"];
    assert_eq!(
        (&line["answers"], &line["stage"], &line["late"]),
        (&json!("05/SVD-KH"), &json!("RESOLVED"), &json!(false))
    );
}

#[tokio::test]
async fn the_work_list_says_who_owes_what_and_what_is_late() {
    let world = World::new().await;
    let (id, _) = directed(&world).await;
    let query = "query($of: WorkOf, $state: WorkState) { workCounts(of: $of) { all late new }
        workList(of: $of, state: $state) { totalCount edges { node { kind kindLabel states documentId unit { name } } } } }";
    let mine = async |who, variables: Value| World::data(&world.ask(who, query, variables).await).clone();
    let heads = mine(world.scene.head, json!({})).await;
    let item = &heads["workList"]["edges"][0]["node"];
    assert_eq!((&item["kind"], &item["documentId"], &item["states"]), (&json!("HANDLE"), &json!(id), &json!(["NEW"])));
    assert_eq!(heads["workCounts"], json!({ "all": 1, "late": 0, "new": 1 }));
    assert_eq!(mine(world.scene.other_head, json!({ "of": { "all": true } })).await["workList"]["totalCount"], 0);
    assert_eq!(mine(world.scene.head, json!({ "state": "LATE" })).await["workList"]["totalCount"], 0);
    world.clock.pass_minutes(10 * 24 * 60);
    let late = mine(world.scene.head, json!({ "state": "LATE" })).await;
    assert_eq!((&late["workList"]["totalCount"], &late["workCounts"]["late"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn search_finds_with_and_without_diacritics_and_nothing_for_an_outsider() {
    let world = World::new().await;
    let id = world.received().await;
    let query = "query($q: String!) { searchDocuments(query: $q) { totalCount edges { node { id } } } }";
    for words in ["góp ý", "gop y du thao", "ubnd tinh vi du"] {
        let answer = world.ask(world.scene.clerk, query, json!({ "q": words })).await;
        assert_eq!(World::data(&answer)["searchDocuments"]["edges"][0]["node"]["id"], json!(id), "{words}");
        let nothing = world.ask(world.scene.outsider, query, json!({ "q": words })).await;
        assert_eq!(World::data(&nothing)["searchDocuments"], json!({ "totalCount": 0, "edges": [] }));
    }
}

#[tokio::test]
async fn the_administrator_hands_over_what_somebody_holds_without_seeing_it() {
    let world = World::new().await;
    let (id, lead) = directed(&world).await;
    let assign = json!({ "branch": lead, "branches": [{ "assignee": { "post": post_of(world.scene.officer) }, "role": "LEAD" }] });
    World::data(&world.mutate(world.scene.head, "assignIncoming", with(world.on(&id), assign)).await);
    let input = hand_over(&world, world.scene.officer, world.scene.colleague);
    let answer = world.ask(world.scene.administrator, HAND_OVER, json!({ "input": input })).await;
    let changed = json!([{ "document": id, "receipt": { "stream": id, "changed": true }, "refusal": null }]);
    assert_eq!(World::data(&answer)["handOverWork"]["documents"], changed);
    let held = &branches_of(&world, &id).await[1];
    assert_eq!(held["assignee"]["holder"]["person"]["name"], "Nguyễn Văn colleague");
    let again = world.ask(world.scene.administrator, HAND_OVER, json!({ "input": input })).await;
    let again = &World::data(&again)["handOverWork"];
    assert_eq!((&again["receipt"]["repeated"], &again["documents"]), (&json!(true), &json!([])));
    // Under the same id nothing else is decided, also where much of it is still to be done.
    let elsewhere = with(input, json!({ "to": post_of(world.scene.head) }));
    let refused = world.ask(world.scene.administrator, HAND_OVER, json!({ "input": elsewhere })).await;
    assert_eq!(World::error(&refused)["code"], "COMMAND_ID_REUSED");
}

const HAND_OVER: &str =
    "mutation($input: HandOverWorkInput!) { handOverWork(input: $input) { receipt { repeated } documents {
    document receipt { stream changed } refusal } } }";

fn hand_over(world: &World, from: Who, to: Who) -> Value {
    json!({ "commandId": world.command_id().to_string(), "person": format!("person-{}", person_of(from)),
        "from": post_of(from), "to": post_of(to) })
}

#[tokio::test]
async fn a_hand_over_takes_what_is_followed_and_known_of_too_and_goes_on_after_a_refusal() {
    let world = World::new().await;
    let scene = &world.scene;
    let first = submitted(&world).await;
    let pass = json!({ "to": post_of(scene.deputy) });
    World::data(&world.mutate(scene.leader, "passToLeader", with(world.on(&first), pass)).await);
    let second = submitted(&world).await;
    let direct = json!({ "follower": { "post": post_of(scene.deputy) }, "branches": [
        { "assignee": { "unit": scene.unit.to_string() }, "role": "LEAD", "limit": { "workingDays": 3 } } ] });
    World::data(&world.mutate(scene.leader, "directIncoming", with(world.on(&second), direct)).await);
    let third = submitted(&world).await;
    let direct = json!({ "branches": [
        { "assignee": { "unit": scene.unit.to_string() }, "role": "LEAD", "limit": { "workingDays": 3 } },
        { "assignee": { "post": post_of(scene.deputy) }, "role": "INFORMED" } ] });
    World::data(&world.mutate(scene.leader, "directIncoming", with(world.on(&third), direct)).await);
    let changed = |id: &str| json!({ "document": id, "receipt": { "stream": id, "changed": true }, "refusal": null });
    let refused = |id: &str| json!({ "document": id, "receipt": null, "refusal": "NOT_A_LEADER" });
    let input = json!({ "input": hand_over(&world, scene.deputy, scene.head) });
    let answer = world.ask(scene.administrator, HAND_OVER, input).await;
    let expected = json!([refused(&first), changed(&second), changed(&third)]);
    assert_eq!(World::data(&answer)["handOverWork"]["documents"], expected);
    // Who directed has it, too, without a branch of their own.
    let input = json!({ "input": hand_over(&world, scene.leader, scene.deputy) });
    let answer = world.ask(scene.administrator, HAND_OVER, input).await;
    assert_eq!(World::data(&answer)["handOverWork"]["documents"], json!([changed(&second), changed(&third)]));
}

#[tokio::test]
async fn who_may_hand_over_is_asked_before_anything_is_looked_up() {
    let world = World::new().await;
    for (who, code) in [(world.scene.officer, "NOT_ENTITLED"), (world.scene.outsider, "NO_POST")] {
        let input = json!({ "input": hand_over(&world, world.scene.colleague, world.scene.officer) });
        let refused = world.ask(who, HAND_OVER, input).await;
        assert_eq!(World::error(&refused)["code"], code);
    }
}

#[tokio::test]
async fn there_is_a_mutation_for_everything_that_a_document_offers() {
    let world = World::new().await;
    let id = world.received().await;
    let query = "query($id: ID!) { __schema { mutationType { fields { name description } } }
        incomingDocument(id: $id) { availableActions { code } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "id": id })).await;
    let data = World::data(&answer);
    let fields = data["__schema"]["mutationType"]["fields"].as_array().unwrap();
    let mutations: HashSet<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    let actions = data["incomingDocument"]["availableActions"].as_array().unwrap();
    assert!(actions.len() > 30);
    let missing: Vec<_> =
        actions.iter().filter(|action| !mutations.contains(action["code"].as_str().unwrap())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(fields.iter().all(|field| field["description"].as_str().is_some_and(|text| text.contains('('))));
}
