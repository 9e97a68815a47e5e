//! An agency on a data directory of its own, with clerks, and their clients.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::binary::{Serving, told};

/// The agency.
pub(crate) struct Office {
    pub(crate) data: TempDir,
    pub(crate) organ: String,
    administrator: String,
}

impl Office {
    /// A fresh installation.
    pub(crate) fn new(code: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        told(data.path(), &["keygen"]);
        Self::joining(data, code, &[])
    }

    /// Registered beside what is in the data directory.
    pub(crate) fn joining(data: TempDir, code: &str, settings: &[&str]) -> Self {
        let register =
            ["register-organ", "--json", "--code", code, "--name", "Bộ Ví Dụ", "--administrator", "Trần Thị Ví Dụ"];
        let register = [&register[..], settings].concat();
        let registered: Value = serde_json::from_str(&told(data.path(), &register)).unwrap();
        let id = |of: &str| registered[of].as_str().unwrap().to_owned();
        Self { organ: id("organ"), administrator: id("administrator"), data }
    }

    pub(crate) fn path(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn serve(&self) -> Serving {
        Serving::start(self.path(), &[])
    }

    /// A client of this person.
    pub(crate) fn client(&self, url: &str, person: &str) -> Client {
        let token = told(self.path(), &["token", "--organ", &self.organ, "--person", person]);
        Client { http: reqwest::Client::new(), url: format!("{url}/graphql"), token: token.trim().to_owned() }
    }

    pub(crate) fn administrator(&self, url: &str) -> Client {
        self.client(url, &self.administrator)
    }

    /// Makes a clerk, over the API; their person's id.
    pub(crate) async fn clerk(&self, url: &str, name: &str) -> String {
        let administrator = self.administrator(url);
        let person = "mutation($input: RegisterPersonInput!) { registerPerson(input: $input) { person { id } } }";
        let made = administrator.must(person, json!({ "commandId": Uuid::now_v7(), "name": name })).await;
        let person = made["registerPerson"]["person"]["id"].as_str().unwrap().to_owned();
        let units = administrator.ask("{ organ { units { id } } }", json!({})).await;
        let unit = units["data"]["organ"]["units"][0]["id"].clone();
        let post = "mutation($input: CreatePostInput!) { createPost(input: $input) { organ { posts { id role holder { id } } } } }";
        let input = json!({ "commandId": Uuid::now_v7(), "unit": unit, "role": "RECORDS_CLERK", "title": "Văn thư" });
        let made = administrator.must(post, input).await;
        let posts = made["createPost"]["organ"]["posts"].as_array().unwrap().clone();
        let vacant = |post: &&Value| post["role"] == "RECORDS_CLERK" && post["holder"].is_null();
        let post = posts.iter().find(vacant).unwrap()["id"].clone();
        let assume = "mutation($input: PostHolderInput!) { assumePost(input: $input) { receipt { changed } } }";
        administrator.must(assume, json!({ "commandId": Uuid::now_v7(), "post": post, "person": person })).await;
        person.trim_start_matches("person-").to_owned()
    }
}

/// Somebody's client.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Client {
    /// The answer, or that there was none.
    pub(crate) async fn try_ask(&self, query: &str, variables: Value) -> Result<Value, reqwest::Error> {
        let body = json!({ "query": query, "variables": variables });
        self.http.post(&self.url).bearer_auth(&self.token).json(&body).send().await?.json().await
    }

    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        self.try_ask(query, variables).await.unwrap()
    }

    /// The data of a mutation that must succeed.
    pub(crate) async fn must(&self, query: &str, input: Value) -> Value {
        let answer = self.ask(query, json!({ "input": input })).await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].clone()
    }
}

/// Receives paper.
pub(crate) const RECEIVE: &str = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) \
    { document { id } receipt { stream revision position hash } } }";
/// Registers a document.
pub(crate) const REGISTER: &str = "mutation($input: RegisterIncomingInput!) { registerIncoming(input: $input) \
    { document { id } receipt { stream revision position hash } } }";

/// A paper document of this number.
pub(crate) fn paper(number: &str) -> Value {
    json!({
        "commandId": Uuid::now_v7(),
        "channel": "PAPER",
        "arriving": {
            "arrivedAt": "2026-01-05T08:00:00+07:00",
            "details": {
                "issuerName": "Sở Ví Dụ",
                "number": number,
                "notation": "SVD-VP",
                "typeName": "Công văn",
                "abstractText": "V/v thử nghiệm",
            },
        },
    })
}

/// A document with a file.
#[derive(Clone)]
pub(crate) struct Filed {
    pub(crate) document: String,
    pub(crate) file: String,
}

/// Receives a paper document with a file of this content.
pub(crate) async fn receive(clerk: &Client, number: &str, content: &str) -> Filed {
    let files = clerk.url.replace("/graphql", "/files");
    let upload = clerk.http.post(files).bearer_auth(&clerk.token).body(format!("%PDF-1.7 {content}"));
    let uploaded: Value = upload.send().await.unwrap().json().await.unwrap();
    let mut input = paper(number);
    input["arriving"]["files"] =
        json!([{ "source": { "ticket": uploaded["ticket"] }, "name": "a.pdf", "role": "MAIN" }]);
    let received = clerk.must(RECEIVE, input).await;
    let document = received["receiveIncoming"]["document"]["id"].as_str().unwrap().to_owned();
    Filed { document, file: uploaded["hash"].as_str().unwrap().to_owned() }
}

pub(crate) async fn register(clerk: &Client, document: &str) {
    clerk.must(REGISTER, json!({ "commandId": Uuid::now_v7(), "document": document })).await;
}

/// One asks for the erasure, another confirms.
pub(crate) async fn erase(one: &Client, other: &Client, document: &str) {
    let ask = "mutation($input: ExpungeIncomingInput!) { expungeIncoming(input: $input) { receipt { changed } } }";
    one.must(ask, json!({ "commandId": Uuid::now_v7(), "document": document, "level": "SECRET" })).await;
    let confirm = "mutation($input: DocumentInput!) { confirmExpunge(input: $input) { receipt { changed } } }";
    other.must(confirm, json!({ "commandId": Uuid::now_v7(), "document": document })).await;
}
