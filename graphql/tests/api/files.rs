//! Files: only one's own uploads are attached, only what one sees is sent.

use serde_json::{Value, json};
use socai_graphql::Settings;

use crate::world::{World, with};

const PDF: &[u8] = b"%PDF-1.7 mau";

fn file(source: &Value) -> Value {
    json!([{ "source": source, "name": "Công văn 1.pdf", "role": "MAIN" }])
}

async fn hash_of(world: &World, id: &str) -> String {
    let query = "query($id: ID!) { incomingDocument(id: $id) { files { hash url name role size } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "id": id })).await;
    let file = &World::data(&answer)["incomingDocument"]["files"][0];
    assert_eq!(file["url"], json!(format!("/files/{}?of={id}", file["hash"].as_str().unwrap())));
    file["hash"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_upload_is_attached_and_sent_to_whoever_sees_the_document() {
    let world = World::new().await;
    let id = world.received().await;
    let ticket = world.upload(world.scene.clerk, PDF).await;
    let attach = json!({ "files": file(&json!({ "ticket": ticket })) });
    World::data(&world.mutate(world.scene.clerk, "attachScan", with(world.on(&id), attach)).await);
    let hash = hash_of(&world, &id).await;
    let get = async |who, hash: &str, of: &str| {
        let request = world.client().get(format!("{}/files/{hash}?of={of}", world.url));
        request.bearer_auth(world.token(who)).send().await.unwrap()
    };
    let response = get(world.scene.leader, &hash, &id).await;
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/pdf");
    assert_eq!(headers["content-disposition"], "attachment; filename*=UTF-8''C%C3%B4ng%20v%C4%83n%201.pdf");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(response.bytes().await.unwrap(), PDF);
    let other = world.received().await;
    for (who, hash, of) in [
        (world.scene.outsider, &*hash, &*id),
        (world.scene.other_officer, &hash, &id),
        (world.scene.clerk, &hash, &other),
        (world.scene.clerk, &"0".repeat(64), &id),
        (world.scene.clerk, "nonsense", &id),
        (world.scene.clerk, &hash, ""),
    ] {
        let response = get(who, hash, of).await;
        assert_eq!(response.status(), 404, "{hash} of {of}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(World::error(&answer)["code"], "NOT_FOUND");
    }
    let nobody = world.client().get(format!("{}/files/{hash}?of={id}", world.url)).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}

#[tokio::test]
async fn a_ticket_is_for_its_uploader_and_a_day() {
    let world = World::new().await;
    let id = world.received().await;
    let leaders = world.upload(world.scene.leader, PDF).await;
    let attach = |ticket: &str| with(world.on(&id), json!({ "files": file(&json!({ "ticket": ticket })) }));
    let answer = world.mutate(world.scene.clerk, "attachScan", attach(&leaders)).await;
    assert_eq!(World::error(&answer)["code"], "TICKET_INVALID");
    let own = world.upload(world.scene.clerk, PDF).await;
    world.stored.0.lock().unwrap().clear();
    let answer = world.mutate(world.scene.clerk, "attachScan", attach(&own)).await;
    assert_eq!(World::error(&answer)["code"], "TICKET_INVALID", "its file was removed with another document");
    let own = world.upload(world.scene.clerk, PDF).await;
    world.clock.pass_minutes(24 * 60 + 1);
    let answer = world.mutate(world.scene.clerk, "attachScan", attach(&own)).await;
    assert_eq!(World::error(&answer)["code"], "TICKET_INVALID");
}

#[tokio::test]
async fn a_file_is_taken_over_only_from_a_document_that_one_sees() {
    let world = World::new().await;
    let first = world.received().await;
    let ticket = world.upload(world.scene.clerk, PDF).await;
    let attach = json!({ "files": file(&json!({ "ticket": ticket })) });
    World::data(&world.mutate(world.scene.clerk, "attachScan", with(world.on(&first), attach)).await);
    let (second, hash) = (world.received().await, hash_of(&world, &first).await);
    let of =
        |document: &str, hash: &str| json!({ "files": file(&json!({ "of": { "document": document, "hash": hash } })) });
    let guessed = with(world.on(&second), of(&second, &hash));
    assert_eq!(World::error(&world.mutate(world.scene.clerk, "attachScan", guessed).await)["code"], "NOT_FOUND");
    let taken = with(world.on(&second), of(&first, &hash));
    World::data(&world.mutate(world.scene.clerk, "attachScan", taken).await);
    assert_eq!(hash_of(&world, &second).await, hash);
}

#[tokio::test]
async fn uploads_answer_alike_and_have_a_limit() {
    let world = World::with(Settings { upload: 100, ..Settings::default() }).await;
    let upload = async |who, bytes: Vec<u8>| {
        let request = world.client().post(format!("{}/files", world.url)).bearer_auth(world.token(who)).body(bytes);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (first, again) =
        (upload(world.scene.clerk, PDF.to_vec()).await, upload(world.scene.leader, PDF.to_vec()).await);
    let keys = |answer: &Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((first.0, again.0, keys(&first.1)), (201, 201, keys(&again.1)));
    assert_eq!(first.1["hash"], again.1["hash"]);
    assert_ne!(first.1["ticket"], again.1["ticket"]);
    let (status, answer) = upload(world.scene.clerk, Vec::new()).await;
    assert_eq!((status, World::error(&answer)["code"].as_str()), (422, Some("INVALID_INPUT")), "{answer}");
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("tệp rỗng; hãy kiểm tra rồi gửi lại"), "{message}");
    let (status, answer) = upload(world.scene.clerk, vec![b'x'; 101]).await;
    assert_eq!((status, &World::error(&answer)["code"]), (413, &json!("TOO_LARGE")));
    let nobody = world.client().post(format!("{}/files", world.url)).body(PDF).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}
