//! A server on a port of its own, over a ledger in memory with the domain's invented agency.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use futures::{
    FutureExt as _, StreamExt,
    future::{BoxFuture, ready},
    stream,
};
use serde_json::{Value, json};
use socai_commands::{Blobs, BlobsUnavailable, Envelope, Handler, Hold, Requester};
use socai_domain::{
    decide::Who,
    id::{CommandId, IncomingId, OrganId, PersonId},
    ledger::{EventLog, Following, LedgerId, Opener, memory::MemoryLog, memory_keys::MemoryKeyRing},
    organ, person,
    testing::{Happen, MORNING, Scene, SetClock, acting, agency_events, scene},
    text::PersonName,
    time::Clock,
};
use socai_graphql::{
    App, Services, Settings,
    files::{FileStream, Files, FilesError, Found, Kept, Tickets},
    token::{Issuer, Verifier},
};
use socai_projections::{Follower, Views};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::notary::MemoryNotary;

/// Files in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryFiles(pub(crate) Mutex<HashMap<[u8; 32], Vec<u8>>>);

impl Files for MemoryFiles {
    fn put(&self, mut bytes: FileStream, limit: u64) -> BoxFuture<'_, Result<Kept, FilesError>> {
        Box::pin(async move {
            let mut all = Vec::new();
            while let Some(piece) = bytes.next().await {
                all.extend_from_slice(&piece.map_err(FilesError::BrokeOff)?);
                if all.len() as u64 > limit {
                    return Err(FilesError::TooLarge(limit));
                }
            }
            let kept = Kept { hash: blake3::hash(&all).into(), size: all.len() as u64 };
            self.0.lock().unwrap().insert(kept.hash, all);
            Ok(kept)
        })
    }

    fn attach(&self, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<Option<Hold>, FilesError>> {
        let kept = self.0.lock().unwrap();
        let there = files.iter().all(|hash| kept.contains_key(hash));
        Box::pin(ready(Ok(there.then(|| Arc::new(()) as Hold))))
    }

    fn get(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Option<Found>, FilesError>> {
        let found = self.0.lock().unwrap().get(&hash).cloned().map(|bytes| Found {
            size: bytes.len() as u64,
            content_type: if bytes.starts_with(b"%PDF") { "application/pdf" } else { "application/octet-stream" },
            bytes: stream::once(ready(Ok(bytes.into()))).boxed(),
        });
        Box::pin(ready(Ok(found)))
    }
}

impl Blobs for MemoryFiles {
    fn remove(&self, _: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        let mut kept = self.0.lock().unwrap();
        let removed = files.iter().filter(|hash| kept.remove(*hash).is_some()).count();
        Box::pin(ready(Ok(u32::try_from(removed).unwrap())))
    }
}

/// The private and the public key made of this seed, in PEM.
pub(crate) fn keys(seed: u8) -> (String, String) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    (private, key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap())
}

pub(crate) struct World {
    pub(crate) clock: SetClock,
    pub(crate) handler: Handler,
    pub(crate) views: Views,
    /// What is told of how the views are doing.
    pub(crate) following: watch::Sender<Following>,
    follower: Option<tokio::task::JoinHandle<Result<(), socai_projections::ViewsError>>>,
    pub(crate) stored: Arc<MemoryFiles>,
    pub(crate) notary: Arc<MemoryNotary>,
    pub(crate) organ: OrganId,
    pub(crate) scene: Scene,
    pub(crate) url: String,
    client: reqwest::Client,
    commands: AtomicU64,
    stop: Vec<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::over(settings, |log| Arc::new(log)).await
    }

    /// Over another log that holds this one's records.
    pub(crate) async fn over(settings: Settings, log: impl FnOnce(MemoryLog) -> Arc<dyn EventLog>) -> Self {
        let clock = SetClock::at(MORNING.plus_minutes(5));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let log = log(MemoryLog::new(LedgerId(Uuid::from_u128(0x50ca1)), Arc::clone(&shared)));
        let opener = Opener::new(Arc::new(MemoryKeyRing::new()));
        let files = Arc::new(MemoryFiles::default());
        let stored = files.clone();
        let notary = MemoryNotary::of(&(log.clone() as Arc<dyn EventLog>));
        let handler = Handler::start(log.clone(), opener.clone(), files.clone(), shared).await.unwrap();
        let views = Views::in_memory().await.unwrap();
        let mut stop = Vec::new();
        let mut until = || {
            let (sender, dropped) = oneshot::channel::<()>();
            stop.push(sender);
            async move { drop(dropped.await) }
        };
        let (following, state) = watch::channel(Following::default());
        let follower = Follower::run(log, opener, views.clone(), watch::Sender::default(), until());
        let follower = Some(tokio::spawn(follower));
        let services = Services {
            handler: handler.clone(),
            views: views.clone(),
            verifier: Verifier::from_pem(&keys(1).1).unwrap(),
            files,
            tickets: Tickets::new(b"tests"),
            notary: notary.clone(),
            witness: None,
            following: state.clone(),
            followers: vec![("views", state)],
            metrics: Some(Arc::new(|| "socai_up 1\n".to_owned())),
            settings,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(socai_graphql::serve(listener, App::new(services), until().boxed()));
        let (scene, client) = (scene(), reqwest::Client::new());
        let organ = scene.organ.id.unwrap();
        let commands = AtomicU64::new(1);
        let served = Some(served);
        #[rustfmt::skip]
        let world = Self { clock, handler, views, following, follower, stored, notary, organ, scene, url, client, commands, stop, served };
        world.settle_agency().await;
        world
    }

    /// Something happens to the agency itself.
    pub(crate) async fn agency(&self, events: Vec<organ::Event>) {
        let envelope = Envelope::of(self.organ, Requester::System, self.command_id());
        let happen = Happen::<organ::Organ>(events);
        let done = self.handler.execute(organ::stream(self.organ), envelope, happen).await.unwrap();
        self.views.wait_for(done.position, Duration::from_secs(30)).await.unwrap();
    }

    async fn settle_agency(&self) {
        let system = || Envelope::of(self.organ, Requester::System, self.command_id());
        let agency = Happen::<organ::Organ>(agency_events());
        let mut last = self.handler.execute(organ::stream(self.organ), system(), agency).await.unwrap();
        for (name, who) in self.scene.everybody() {
            let named = person::events::PersonRegistered {
                name: PersonName::new(format!("Nguyễn Văn {name}")).unwrap(),
                email: None,
                phone: None,
            };
            let happen = Happen::<person::Person>(vec![named.into()]);
            last = self.handler.execute(person::stream(person_of(who)), system(), happen).await.unwrap();
        }
        self.views.wait_for(last.position, Duration::from_secs(30)).await.unwrap();
    }

    /// An id that no command had before.
    pub(crate) fn command_id(&self) -> CommandId {
        CommandId::new(Uuid::from_u128(0xc0_0000 + u128::from(self.commands.fetch_add(1, Ordering::SeqCst))))
    }

    /// A token for somebody of the agency, good for an hour.
    pub(crate) fn token(&self, who: Who) -> String {
        self.token_for(person_of(who), self.organ)
    }

    pub(crate) fn token_for(&self, person: PersonId, organ: OrganId) -> String {
        Issuer::from_pem(&keys(1).0).unwrap().issue(person, organ, self.clock.now(), 3_600).unwrap()
    }

    /// What the server answers to somebody's request.
    pub(crate) async fn ask(&self, who: Who, query: &str, variables: Value) -> Value {
        self.ask_with(&[("authorization", &format!("Bearer {}", self.token(who)))], query, variables).await.1
    }

    pub(crate) async fn ask_with(&self, headers: &[(&str, &str)], query: &str, variables: Value) -> (u16, Value) {
        let mut request = self.client.post(format!("{}/graphql", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The data of an answer without errors.
    #[track_caller]
    pub(crate) fn data(answer: &Value) -> &Value {
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        &answer["data"]
    }

    /// The extensions of an answer's one error.
    #[track_caller]
    pub(crate) fn error(answer: &Value) -> &Value {
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer:#}");
        &answer["errors"][0]["extensions"]
    }

    /// Sends a mutation `name(input: …)`, selecting the document's stage and the receipt.
    pub(crate) async fn mutate(&self, who: Who, name: &str, input: Value) -> Value {
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ document {{ id revision stage }} receipt {{ recordId \
             stream revision position hash recordedAt changed repeated }} }} }}"
        );
        let mut answer = self.ask(who, &query, json!({ "input": input })).await;
        if let Some(payload) = answer["data"].get_mut(name) {
            answer["payload"] = payload.take();
        }
        answer
    }

    /// Uploads a file; the ticket.
    pub(crate) async fn upload(&self, who: Who, bytes: &[u8]) -> String {
        let request = self.client.post(format!("{}/files", self.url)).bearer_auth(self.token(who));
        let answer: Value = request.body(bytes.to_vec()).send().await.unwrap().json().await.unwrap();
        answer["ticket"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// The clerk receives a paper document; its id.
    pub(crate) async fn received(&self) -> String {
        let input = self.arrival();
        let answer = self.mutate(self.scene.clerk, "receiveIncoming", input).await;
        answer["payload"]["document"]["id"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// The input of `receiveIncoming`; each with another number.
    pub(crate) fn arrival(&self) -> Value {
        let command = self.command_id();
        let number = command.uuid().as_u128() & 0xffff;
        json!({
            "commandId": command.to_string(),
            "channel": "PAPER",
            "arriving": { "arrivedAt": self.clock.now().to_string(), "details": details(&number.to_string()) },
        })
    }

    /// The envelope of a command on a document.
    pub(crate) fn on(&self, document: &str) -> Value {
        json!({ "commandId": self.command_id().to_string(), "document": document })
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// From now on the views stand still.
    pub(crate) async fn stall(&mut self) {
        drop(self.stop.remove(0));
        self.follower.take().unwrap().await.unwrap().unwrap();
    }

    /// Stops the server and waits for it.
    pub(crate) async fn stop(mut self) {
        self.stop.clear();
        self.served.take().unwrap().await.unwrap().unwrap();
    }

    /// The end of the ledger.
    pub(crate) async fn head(&self) -> socai_domain::ledger::Position {
        let log: &Arc<dyn EventLog> = self.handler.log();
        log.head().await.unwrap().position
    }
}

/// Adds fields to an input.
pub(crate) fn with(mut input: Value, more: Value) -> Value {
    if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
        input.extend(more);
    }
    input
}

/// What a document says of itself.
pub(crate) fn details(number: &str) -> Value {
    json!({
        "issuerName": "Văn phòng UBND tỉnh Ví Dụ",
        "number": number,
        "notation": "UBND-VP",
        "promulgatedOn": "2026-03-02",
        "typeName": "Công văn",
        "abstractText": "V/v góp ý dự thảo kế hoạch ví dụ",
    })
}

pub(crate) fn person_of(who: Who) -> PersonId {
    match who {
        Who::Acting(acting) => acting.person,
        Who::Nobody(person, _) => person,
        Who::System => panic!("the system has no token"),
    }
}

pub(crate) fn post_of(who: Who) -> String {
    acting(who).post.to_string()
}
