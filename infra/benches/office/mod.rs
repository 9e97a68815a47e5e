//! The whole program on a data directory of its own, with the agency of the domain's tests.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures::future::join_all;
use serde::Serialize;
use socai::{
    app::App, clock::SystemClock, config::Config, data::DataLock, files::make_private_dir, keyring::MasterKey,
    log_key::LogKey,
};
use socai_commands::{Envelope, Handler, Requester};
use socai_domain::{
    decide::{By, Decide},
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId, PersonId},
    incoming::{self, receive::ReceiveIncoming, testing::arriving},
    organ::{self, Organ},
    refusal::Denied,
    testing::{Scene, acting, scene},
    text::CodeNumber,
};
use uuid::Uuid;

/// Lets the agency be there.
#[derive(Debug, Serialize)]
struct Agency {}

impl Decide for Agency {
    type State = Organ;
    type Refusal = Denied;
    const NAME: &'static str = "agency";

    fn permit(_: &Organ, _: &By<'_>) -> Result<(), Denied> {
        Ok(())
    }

    fn decide(&self, _: &Organ, _: &By<'_>) -> Result<Vec<organ::Event>, Denied> {
        Ok(socai_domain::testing::agency_events())
    }
}

/// Settings by name, as flags give them.
pub(crate) type Settings = BTreeMap<&'static str, String>;

fn config(data: &Path, settings: &Settings) -> Config {
    let mut flags = settings.clone();
    flags.insert("data", data.to_str().expect("a path in UTF-8").to_owned());
    Config::load(&flags, |_| None).expect("a data directory is all it needs")
}

/// The agency, and who is in it.
pub(crate) struct Office {
    pub(crate) scene: Scene,
    pub(crate) organ: OrganId,
}

impl Office {
    /// A new one, with these settings beside the data directory.
    pub(crate) async fn found(data: &Path, settings: &Settings) -> (Self, App, Config) {
        let config = config(data, settings);
        drop(DataLock::make(data).expect("the directory is ours"));
        make_private_dir(config.master_key.parent().expect("a file has a folder")).expect("the directory is ours");
        MasterKey::generate().and_then(|key| key.save(&config.master_key)).expect("a key can be made");
        LogKey::make(&config.log_key).expect("a key can be made");
        let app = App::open(&config, Arc::new(SystemClock)).await.expect("an empty directory opens");
        let scene = scene();
        let organ = scene.organ.id.expect("the agency is registered");
        let office = Self { scene, organ };
        let envelope = office.envelope(Requester::System);
        app.handler.execute(organ::stream(organ), envelope, Agency {}).await.expect("the agency is taken");
        (office, app, config)
    }

    /// Another server of a ledger, with the first one's keys.
    #[allow(dead_code)] // not every bench has several
    pub(crate) async fn joined(first: &Config, data: &Path, settings: &Settings) -> App {
        let mut settings = settings.clone();
        for (name, file) in [("master_key", &first.master_key), ("log_key", &first.log_key)] {
            settings.insert(name, file.to_str().expect("a path in UTF-8").to_owned());
        }
        drop(DataLock::make(data).expect("the directory is ours"));
        App::open(&config(data, &settings), Arc::new(SystemClock)).await.expect("the first one has begun the ledger")
    }

    fn envelope(&self, who: Requester) -> Envelope {
        Envelope::of(self.organ, who, CommandId::new(Uuid::now_v7()))
    }

    /// One of the scene's people does something.
    pub(crate) async fn act<C: Decide>(&self, handler: &Handler, who: PersonId, document: IncomingId, command: C) {
        let envelope = self.envelope(Requester::Person(who));
        handler.execute(incoming::stream(document), envelope, command).await.unwrap_or_else(|error| {
            panic!("{}: {error}", C::NAME);
        });
    }

    /// The clerk receives document number `n`.
    pub(crate) async fn receive(&self, handler: &Handler, n: usize) -> IncomingId {
        let mut arriving = arriving();
        arriving.details.number = CodeNumber::new(n.to_string()).ok();
        let document = IncomingId::new(Uuid::now_v7());
        let receive = ReceiveIncoming { channel: Channel::Paper, axis: None, arriving, follows: None };
        self.act(handler, self.clerk(), document, receive).await;
        document
    }

    pub(crate) fn clerk(&self) -> PersonId {
        acting(self.scene.clerk).person
    }
}

/// Does this for each of so many, 64 at a time.
pub(crate) async fn each<T, F>(count: usize, work: impl Fn(usize) -> F + Clone + Send + 'static) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let worker = |me: usize| {
        let work = work.clone();
        tokio::spawn(async move {
            let mut done = Vec::new();
            for n in (me..count).step_by(64) {
                done.push(work(n).await);
            }
            done
        })
    };
    let done = join_all((0..64).map(worker).collect::<Vec<_>>()).await;
    done.into_iter().flat_map(|done| done.expect("no worker panics")).collect()
}
