//! Who works in the agency: made over the API before anything goes wrong.

use serde_json::{Value, json};
use uuid::Uuid;

use super::world::World;
use crate::{binary::told, office::Client};

/// Somebody with a post.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) person: String,
    pub(super) post: String,
    pub(super) token: String,
}

#[derive(Clone, Debug)]
pub(super) struct Staff {
    pub(super) administrator: String,
    pub(super) clerks: Vec<Member>,
    pub(super) leader: Member,
    pub(super) head: Member,
    pub(super) officer: Member,
    /// A clerk who comes and goes.
    pub(super) temporary: Member,
    /// The head's and the officer's.
    pub(super) unit: String,
}

impl Staff {
    pub(super) async fn hire(world: &World, clerks: usize) -> Self {
        let administrator = world.office.administrator(&world.servers[0].url().unwrap());
        let hiring = Hiring { world, administrator: &administrator };
        let whole = hiring.units().await[0].clone();
        let unit =
            json!({ "commandId": Uuid::now_v7(), "name": "Phòng Kế hoạch", "abbreviation": "KH", "parent": whole });
        hiring.done("createUnit", unit).await;
        let unit = hiring.units().await.into_iter().find(|unit| *unit != whole).unwrap();
        let mut all = Vec::new();
        for _ in 0..clerks {
            all.push(hiring.member(&whole, "RECORDS_CLERK", "Ngô Thị Lan").await);
        }
        Self {
            clerks: all,
            leader: hiring.member(&whole, "LEADER", "Trần Văn Minh").await,
            head: hiring.member(&unit, "UNIT_HEAD", "Lê Thị Hoa").await,
            officer: hiring.member(&unit, "SPECIALIST", "Phạm Văn Nam").await,
            temporary: hiring.member(&whole, "RECORDS_CLERK", "Đỗ Thị Tạm").await,
            unit,
            administrator: administrator.token.clone(),
        }
    }
}

struct Hiring<'a> {
    world: &'a World,
    administrator: &'a Client,
}

impl Hiring<'_> {
    async fn done(&self, name: &str, input: Value) {
        let kind = match name {
            "assumePost" => "PostHolderInput".to_owned(),
            _ => format!("{}{}Input", name[..1].to_uppercase(), &name[1..]),
        };
        let mutation = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ receipt {{ changed }} }} }}");
        self.administrator.must(&mutation, input).await;
    }

    async fn units(&self) -> Vec<String> {
        let told = self.organ("units { id }").await;
        told["units"].as_array().unwrap().iter().map(|unit| unit["id"].as_str().unwrap().to_owned()).collect()
    }

    /// What the views say of the organ, as of the log's end.
    async fn organ(&self, fields: &str) -> Value {
        let head = self.administrator.ask("{ ledger { head { position } } }", json!({})).await;
        let query = format!("query($at: Position) {{ organ(atLeast: $at) {{ {fields} }} }}");
        let told = self.administrator.ask(&query, json!({ "at": head["data"]["ledger"]["head"]["position"] })).await;
        assert!(told["data"]["organ"].is_object(), "{told}");
        told["data"]["organ"].clone()
    }

    async fn member(&self, unit: &str, role: &str, name: &str) -> Member {
        let register =
            "mutation($input: RegisterPersonInput!) { registerPerson(input: $input) { receipt { stream } } }";
        let made = self.administrator.must(register, json!({ "commandId": Uuid::now_v7(), "name": name })).await;
        let person = made["registerPerson"]["receipt"]["stream"].as_str().unwrap().to_owned();
        let create = json!({ "commandId": Uuid::now_v7(), "unit": unit, "role": role, "title": name });
        self.done("createPost", create).await;
        let posts = self.organ("posts { id role holder { id } }").await["posts"].as_array().unwrap().clone();
        let vacant = |post: &&Value| post["role"] == role && post["holder"].is_null();
        let post = posts.iter().find(vacant).unwrap()["id"].as_str().unwrap().to_owned();
        let assume = json!({ "commandId": Uuid::now_v7(), "post": post, "person": person });
        self.done("assumePost", assume).await;
        let (office, bare) = (&self.world.office, person.trim_start_matches("person-"));
        let token = told(office.path(), &["token", "--organ", &office.organ, "--person", bare]);
        Member { person, post, token: token.trim().to_owned() }
    }
}
