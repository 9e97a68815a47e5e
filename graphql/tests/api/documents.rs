//! A document from its arrival to its number, over the API.

use serde_json::{Value, json};
use socai_commands::{Envelope, Requester};
use socai_domain::{
    document_types::Channel,
    id::IncomingId,
    incoming::{self, events::AxisArrival, receive::ReceiveIncoming, testing},
    text::AxisDocumentId,
};

use crate::world::{World, post_of, with};

#[tokio::test]
async fn a_document_is_received_registered_and_read_back() {
    let world = World::new().await;
    let clerk = world.scene.clerk;
    let id = world.received().await;
    let answer = world.mutate(clerk, "registerIncoming", world.on(&id)).await;
    let receipt = &answer["payload"]["receipt"];
    assert_eq!((&receipt["changed"], &receipt["stream"]), (&json!(true), &json!(id)), "{answer:#}");
    let query =
        "query($id: ID!, $at: Position) { incomingDocument(id: $id, atLeast: $at) { id stage stageLabel revision
        details { issuerName urgency urgencyLabel } registration { number year } heldBy { kind }
        availableActions { code allowed refusal } } }";
    let answer = world.ask(clerk, query, json!({ "id": id, "at": receipt["position"] })).await;
    let document = &World::data(&answer)["incomingDocument"];
    assert_eq!((&document["stage"], &document["stageLabel"]), (&json!("REGISTERED"), &json!("Đã vào sổ")));
    assert_eq!(document["registration"], json!({ "number": 1, "year": 2026 }));
    assert_eq!(document["details"]["urgencyLabel"], "Thường");
    let action = |code: &str| {
        let actions = document["availableActions"].as_array().unwrap();
        actions.iter().find(|action| action["code"] == code).unwrap_or_else(|| panic!("{code}")).clone()
    };
    assert_eq!(action("annotateIncoming"), json!({ "code": "annotateIncoming", "allowed": true, "refusal": null }));
    assert_eq!(action("refuseIncoming")["refusal"], "ALREADY_REGISTERED");
}

#[tokio::test]
async fn the_register_shows_it_page_by_page() {
    let world = World::new().await;
    for _ in 0..3 {
        let id = world.received().await;
        World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    }
    let query = "query($after: String) { incomingRegister(year: 2026, first: 2, after: $after) { totalCount
        edges { node { number code issuer document { stage } } } pageInfo { hasNextPage endCursor } } }";
    let first = world.ask(world.scene.clerk, query, json!({})).await;
    let first = &World::data(&first)["incomingRegister"];
    let numbers = |page: &Value| -> Vec<u64> {
        page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["number"].as_u64().unwrap()).collect()
    };
    assert_eq!((numbers(first), &first["totalCount"]), (vec![1, 2], &json!(3)));
    assert_eq!(first["edges"][0]["node"]["document"]["stage"], "REGISTERED");
    let next = world.ask(world.scene.clerk, query, json!({ "after": first["pageInfo"]["endCursor"] })).await;
    let next = &World::data(&next)["incomingRegister"];
    assert_eq!((numbers(next), &next["pageInfo"]["hasNextPage"]), (vec![3], &json!(false)));
    let wrong = world.ask(world.scene.clerk, query, json!({ "after": "nonsense" })).await;
    assert_eq!(
        (&World::error(&wrong)["code"], &World::error(&wrong)["fields"]),
        (&json!("INVALID_INPUT"), &json!(["after"]))
    );
}

#[tokio::test]
async fn a_repeated_command_is_answered_as_the_first_time() {
    let world = World::new().await;
    let input = world.arrival();
    let first = world.mutate(world.scene.clerk, "receiveIncoming", input.clone()).await;
    let again = world.mutate(world.scene.clerk, "receiveIncoming", input.clone()).await;
    for field in ["recordId", "revision", "position", "hash"] {
        assert_eq!(first["payload"]["receipt"][field], again["payload"]["receipt"][field], "{field}");
    }
    assert_eq!(again["payload"]["receipt"]["repeated"], true);
    let other = with(input, json!({ "channel": "INTERNAL" }));
    let reused = world.mutate(world.scene.clerk, "receiveIncoming", other).await;
    assert_eq!(
        (&World::error(&reused)["code"], &World::error(&reused)["retry"]),
        (&json!("COMMAND_ID_REUSED"), &json!("NEVER"))
    );
}

#[tokio::test]
async fn doing_what_is_done_changes_nothing_and_says_so() {
    let world = World::new().await;
    let id = world.received().await;
    let reason = json!({ "reason": "Văn bản gửi nhầm cơ quan" });
    let first = world.mutate(world.scene.clerk, "refuseIncoming", with(world.on(&id), reason.clone())).await;
    let again = world.mutate(world.scene.clerk, "refuseIncoming", with(world.on(&id), reason)).await;
    assert_eq!(
        (&first["payload"]["receipt"]["changed"], &again["payload"]["receipt"]["changed"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(first["payload"]["receipt"]["hash"], again["payload"]["receipt"]["hash"]);
}

#[tokio::test]
async fn who_looked_at_an_older_state_is_shown_the_present_one() {
    let world = World::new().await;
    let id = world.received().await;
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    let late = with(world.on(&id), json!({ "expectedRevision": "0", "note": "Đã xem phong bì" }));
    let answer = world.mutate(world.scene.clerk, "annotateIncoming", late).await;
    let error = World::error(&answer);
    assert_eq!((&error["code"], &error["retry"]), (&json!("CHANGED_SINCE"), &json!("RELOAD")));
    let present = &error["present"];
    assert_eq!(
        (&present["stage"], &present["arrivalNumber"], &present["id"]),
        (&json!("REGISTERED"), &json!(1), &json!(id))
    );
    let good = with(world.on(&id), json!({ "expectedRevision": present["revision"], "note": "Đã xem phong bì" }));
    World::data(&world.mutate(world.scene.clerk, "annotateIncoming", good).await);
}

#[tokio::test]
async fn refusals_carry_code_article_fields_and_both_languages() {
    let world = World::new().await;
    let id = world.received().await;
    let short = with(world.on(&id), json!({ "reason": "sai" }));
    let answer = world.mutate(world.scene.clerk, "refuseIncoming", short).await;
    assert_eq!(
        (&World::error(&answer)["code"], &World::error(&answer)["fields"]),
        (&json!("INVALID_INPUT"), &json!(["reason"]))
    );
    let reason = json!({ "reason": "Văn bản gửi nhầm cơ quan" });
    let by_leader = world.mutate(world.scene.leader, "refuseIncoming", with(world.on(&id), reason.clone())).await;
    assert_eq!(World::error(&by_leader)["code"], "NOT_ENTITLED");
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    let token = format!("Bearer {}", world.token(world.scene.clerk));
    let mutation = "mutation($input: RefuseIncomingInput!) { refuseIncoming(input: $input) { receipt { hash } } }";
    for (language, message, article) in [
        ("vi", "Văn bản đã vào sổ", "Điều 22 Nghị định 30/2020/NĐ-CP"),
        ("en", "The document is registered already", "Decree 30/2020/NĐ-CP, art. 22"),
    ] {
        let input = json!({ "input": with(world.on(&id), reason.clone()) });
        let headers = [("authorization", &*token), ("accept-language", language)];
        let (_, answer) = world.ask_with(&headers, mutation, input).await;
        assert_eq!(
            (&World::error(&answer)["code"], &World::error(&answer)["article"]),
            (&json!("ALREADY_REGISTERED"), &json!(article))
        );
        assert!(answer["errors"][0]["message"].as_str().unwrap().starts_with(message), "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["refuseIncoming"]));
    }
}

#[tokio::test]
async fn a_possible_duplicate_names_the_candidates() {
    let world = World::new().await;
    let (first, second) = (world.arrival(), world.arrival());
    let same = with(second, json!({ "arriving": first["arriving"] }));
    let mut ids = Vec::new();
    for input in [first, same] {
        let answer = world.mutate(world.scene.clerk, "receiveIncoming", input).await;
        ids.push(answer["payload"]["document"]["id"].as_str().unwrap().to_owned());
    }
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&ids[0])).await);
    let answer = world.mutate(world.scene.clerk, "registerIncoming", world.on(&ids[1])).await;
    let error = World::error(&answer);
    assert_eq!(error["code"], "POSSIBLE_DUPLICATE");
    let candidate = format!("incoming-{}", error["becauseOf"][0].as_str().unwrap());
    assert_eq!(candidate, ids[0]);
    let accepted = json!({ "acceptDuplicateOf": [candidate], "acceptedBecause": "Bản thứ hai có chữ ký tươi" });
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", with(world.on(&ids[1]), accepted)).await);
}

#[tokio::test]
async fn the_trail_tells_who_did_what_and_its_chain_is_whole() {
    let world = World::new().await;
    let id = world.received().await;
    let registered = world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await;
    let query =
        "query($id: ID!, $after: String) { trail(document: $id, first: 2, after: $after) { verification length last
        records { edges { cursor node { event title summary verification hash previous revision person { name }
        actingAs { title } } } pageInfo { hasNextPage endCursor } } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "id": id })).await;
    let trail = &World::data(&answer)["trail"];
    assert_eq!((&trail["verification"], &trail["length"]), (&json!("VERIFIED"), &json!(3)));
    assert_eq!(trail["last"], registered["payload"]["receipt"]["hash"]);
    let record = |edge: usize| &trail["records"]["edges"][edge]["node"];
    assert_eq!((&record(0)["event"], &record(0)["title"]), (&json!("IncomingArrived"), &json!("Văn bản đến")));
    assert_eq!(
        (&record(0)["person"]["name"], &record(0)["actingAs"]["title"]),
        (&json!("Nguyễn Văn clerk"), &json!("Văn thư"))
    );
    assert_eq!(record(1)["previous"], record(0)["hash"]);
    let after = &trail["records"]["pageInfo"]["endCursor"];
    let answer = world.ask(world.scene.clerk, query, json!({ "id": id, "after": after })).await;
    let rest = &World::data(&answer)["trail"]["records"];
    assert_eq!(
        (&rest["edges"][0]["node"]["event"], &rest["pageInfo"]["hasNextPage"]),
        (&json!("IncomingRegistered"), &json!(false))
    );
}

#[tokio::test]
async fn an_outsider_sees_nothing() {
    let world = World::new().await;
    let id = world.received().await;
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    let query =
        "query($id: ID!) { incomingDocument(id: $id) { stage } node(id: $id) { id } trail(document: $id) { length }
        incomingRegister { totalCount edges { node { number } } } }";
    let seen = world.ask(world.scene.leader, query, json!({ "id": id })).await;
    let seen = World::data(&seen);
    assert_eq!((&seen["incomingDocument"]["stage"], &seen["node"]["id"]), (&json!("REGISTERED"), &json!(id)));
    assert_eq!((&seen["trail"]["length"], &seen["incomingRegister"]["totalCount"]), (&json!(3), &json!(1)));
    for who in [world.scene.outsider, world.scene.other_officer, world.scene.administrator] {
        let answer = world.ask(who, query, json!({ "id": id })).await;
        let nothing = json!({ "incomingDocument": null, "node": null, "trail": null,
            "incomingRegister": { "totalCount": 0, "edges": [] } });
        assert_eq!(World::data(&answer), &nothing);
        let answer = world.mutate(who, "annotateIncoming", with(world.on(&id), json!({ "note": "Tôi thấy" }))).await;
        assert_eq!(World::error(&answer)["code"], "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_position_is_waited_for_and_a_foreign_one_refused() {
    let world = World::new().await;
    let query = "query($at: Position) { organ(atLeast: $at) { name } }";
    let head = world.head().await;
    World::data(&world.ask(world.scene.clerk, query, json!({ "at": head.to_string() })).await);
    let beyond = socai_domain::ledger::Position::new(head.ledger(), 1, head.place() + 1);
    let foreign = socai_domain::ledger::Position::new(socai_domain::ledger::LedgerId(uuid::Uuid::from_u128(9)), 1, 1);
    for position in [beyond, foreign] {
        let answer = world.ask(world.scene.clerk, query, json!({ "at": position.to_string() })).await;
        assert_eq!(World::error(&answer)["code"], "FOREIGN_POSITION");
    }
}

#[tokio::test]
async fn the_administrator_keeps_the_agencys_affairs() {
    let world = World::new().await;
    let root = world.scene.organ.root.unwrap();
    let mutation = "mutation($input: CreateUnitInput!) { createUnit(input: $input) { organ { units { name } } } }";
    let input = json!({ "commandId": world.command_id().to_string(), "parent": root.to_string(), "name": "Phòng Tổng hợp",
        "abbreviation": "TH" });
    let answer = world.ask(world.scene.administrator, mutation, json!({ "input": input.clone() })).await;
    let units = &World::data(&answer)["createUnit"]["organ"]["units"];
    assert_eq!(units[3]["name"], "Phòng Tổng hợp");
    let answer = world
        .ask(
            world.scene.clerk,
            mutation,
            json!({ "input": with(input, json!({
        "commandId": world.command_id().to_string() })) }),
        )
        .await;
    assert_eq!(World::error(&answer)["code"], "NOT_ENTITLED");
    assert_ne!(post_of(world.scene.clerk), post_of(world.scene.leader));
}

#[tokio::test]
async fn other_content_under_the_same_id_is_the_clerks_to_look_at_with_its_files() {
    let world = World::new().await;
    let clerk = world.scene.clerk;
    world.upload(clerk, b"%PDF-1.7 khac").await;
    let document_id = AxisDocumentId::new("000.00.00.H99,2026/03/02,12/UBND-VP").unwrap();
    let document = IncomingId::of_axis(world.organ, document_id.as_str(), 0);
    let axis = |n| Some(AxisArrival { document_id: document_id.clone(), ordinal: 0, content: [n; 32] });
    let mut arriving = testing::arriving();
    let deliver = async |axis, arriving| {
        let receive = ReceiveIncoming { channel: Channel::Axis, axis, arriving, follows: None };
        let envelope = Envelope::of(world.organ, Requester::System, world.command_id());
        let receipt = world.handler.execute(incoming::stream(document), envelope, receive).await.unwrap();
        world.views.wait_for(receipt.position, std::time::Duration::from_secs(30)).await.unwrap();
    };
    deliver(axis(1), arriving.clone()).await;
    arriving.files[0].hash = blake3::hash(b"%PDF-1.7 khac").into();
    deliver(axis(2), arriving).await;
    let id = incoming::stream(document).to_string();
    let query = "query($id: ID!, $at: Position) { workList(kind: LOOK_AT_OTHER, atLeast: $at) { totalCount
        edges { node { kindLabel roles documentId } } }
        incomingDocument(id: $id) { files { hash } arrivedAgain { notedAt details { typeName } files { hash url } } } }";
    let answer = world.ask(clerk, query, json!({ "id": id })).await;
    let data = World::data(&answer);
    let item = &data["workList"]["edges"][0]["node"];
    assert_eq!((&item["documentId"], &item["roles"]), (&json!(id), &json!(["RECORDS_CLERK"])), "{data:#}");
    let other = &data["incomingDocument"]["arrivedAgain"][0];
    assert_ne!(data["incomingDocument"]["files"][0]["hash"], other["files"][0]["hash"]);
    let get = async |who| {
        let url = format!("{}{}", world.url, other["files"][0]["url"].as_str().unwrap());
        world.client().get(url).bearer_auth(world.token(who)).send().await.unwrap()
    };
    assert_eq!(get(clerk).await.bytes().await.unwrap().as_ref(), b"%PDF-1.7 khac");
    for who in [world.scene.outsider, world.scene.other_officer] {
        assert_eq!(get(who).await.status(), 404);
    }
    // Noted: the work is done.
    let note = with(world.on(&id), json!({ "note": "Bản gửi lại chỉ thêm phụ lục" }));
    let noted = world.mutate(clerk, "annotateIncoming", note).await;
    let at = &noted["payload"]["receipt"]["position"];
    let answer = world.ask(clerk, query, json!({ "id": id, "at": at })).await;
    assert_eq!(World::data(&answer)["workList"]["totalCount"], 0);
    assert!(World::data(&answer)["incomingDocument"]["arrivedAgain"][0]["notedAt"].is_string());
}

#[tokio::test]
async fn an_erasure_waits_in_the_list_of_whoever_may_confirm_it() {
    let world = World::new().await;
    let id = world.received().await;
    let asked = with(world.on(&id), json!({ "level": "SECRET" }));
    let asked = world.mutate(world.scene.clerk, "expungeIncoming", asked).await;
    let query =
        "query($id: ID!, $at: Position) { workList(kind: CONFIRM_EXPUNGE, atLeast: $at) { edges { node { documentId
        document { expungeAsked { level by { name } } availableActions { code allowed } } } } }
        incomingDocument(id: $id) { expungeAsked { level } } }";
    let variables = json!({ "id": id, "at": asked["payload"]["receipt"]["position"] });
    let answer = world.ask(world.scene.leader, query, variables.clone()).await;
    let item = &World::data(&answer)["workList"]["edges"][0]["node"];
    assert_eq!(item["documentId"], json!(id), "{answer:#}");
    assert_eq!(item["document"]["expungeAsked"], json!({ "level": "SECRET", "by": { "name": "Nguyễn Văn clerk" } }));
    let actions = item["document"]["availableActions"].as_array().unwrap();
    assert!(actions.contains(&json!({ "code": "confirmExpunge", "allowed": true })), "{actions:#?}");
    for who in [world.scene.clerk, world.scene.outsider] {
        let answer = world.ask(who, query, variables.clone()).await;
        assert_eq!(World::data(&answer)["workList"]["edges"], json!([]));
    }
}

#[tokio::test]
async fn the_name_of_another_organs_person_is_not_read_by_appointing_them() {
    use socai_commands::{Envelope, Requester};
    use socai_domain::{id, organ::events as on, person, testing::Happen, text::PersonName};
    let world = World::new().await;
    let stranger = id::PersonId::new(uuid::Uuid::from_u128(0x5717));
    let name = PersonName::new("Trần Thị Ví Dụ").unwrap();
    let registered = person::events::PersonRegistered { name, email: None, phone: None };
    let elsewhere = Envelope::of(id::OrganId::of_code("H98"), Requester::System, world.command_id());
    let happen = Happen::<person::Person>(vec![registered.into()]);
    world.handler.execute(person::stream(stranger), elsewhere, happen).await.unwrap();
    let (unit, post) = (world.scene.unit, id::PostId::new(uuid::Uuid::from_u128(0x905)));
    let title = socai_domain::text::ShortText::new("Chuyên viên").unwrap();
    let created = on::PostCreated { post, unit, role: socai_domain::organ::Role::Specialist, title };
    let from = socai_domain::testing::MORNING;
    world.agency(vec![created.into(), on::PostAssumed { post, person: stranger, from }.into()]).await;
    let query = "{ organ { posts { id holder { id name } } } }";
    let answer = world.ask(world.scene.administrator, query, json!({})).await;
    let posts = World::data(&answer)["organ"]["posts"].as_array().unwrap();
    let holder = posts.iter().find(|row| row["id"] == json!(post.to_string())).unwrap()["holder"].clone();
    assert_eq!(holder, json!({ "id": format!("person-{stranger}"), "name": null }));
    assert!(posts.iter().any(|row| row["holder"]["name"] == "Nguyễn Văn clerk"), "their own are named");
}
