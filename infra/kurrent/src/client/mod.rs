//! The client: append, read, subscribe, on whichever node leads. It holds one connection and asks anew for the leader when
//! that one fails. An append is never sent twice by itself: whoever asked knows what an unknown outcome means for it.

mod calls;
mod connect;
pub mod fault;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use crate::{
    address::{Address, Node},
    wire::{header, shared::Place},
};
pub use calls::{Answers, Event, Expected, Proposed, Said, Written};
pub use connect::ClientError;
pub use fault::Fault;

/// Between two attempts of a call that may be repeated: short, for an election takes a second or two.
const PAUSE: Duration = Duration::from_millis(100);

/// The commit and prepare position of an event that was written without an explicit transaction: the same number.
pub(crate) fn place(number: u64) -> Place {
    Place { commit: number, prepare: number }
}

/// A client of one cluster.
#[derive(Clone, Debug)]
pub struct Client {
    address: Arc<Address>,
    tls: Option<tonic::transport::ClientTlsConfig>,
    authorization: Option<MetadataValue<Ascii>>,
    name: Option<MetadataValue<Ascii>>,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug, Default)]
struct Current {
    link: Option<Link>,
    /// The attempt that all who need a connection wait for, instead of making one each. Whoever waits drives it on: a lock would
    /// be held by a caller that is not polled for a while.
    connecting: Option<Shared<BoxFuture<'static, Result<Link, Fault>>>>,
    /// Where the leader is, as a node told us that is none.
    hint: Option<Node>,
    made: u64,
}

/// A connection to a node.
#[derive(Clone, Debug)]
struct Link {
    number: u64,
    channel: Channel,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(address: Address) -> Result<Self, ClientError> {
        let tls = connect::tls(&address)?;
        let authorization = address.credentials.as_ref().map(|credentials| {
            let text = BASE64_STANDARD.encode(format!("{}:{}", credentials.user, credentials.password));
            let mut value = MetadataValue::try_from(format!("Basic {text}")).expect("base64 is ASCII");
            value.set_sensitive(true);
            value
        });
        let name = address.connection_name.as_deref().map(|name| name.parse().expect("the address holds ASCII only"));
        Ok(Self { address: Arc::new(address), tls, authorization, name, current: Arc::default() })
    }

    /// The same client on a connection of its own: who reads slowly then holds up nobody else.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { current: Arc::default(), ..self.clone() }
    }

    /// What the URL said.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Does `call` until it goes well, until its fault will not pass, or until `patience` is at its end.
    pub async fn patiently<T, F>(&self, patience: Duration, mut call: impl FnMut() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let begun = Instant::now();
        loop {
            match call().await {
                Err(fault) if fault.may_pass() && begun.elapsed() < patience => tokio::time::sleep(PAUSE).await,
                answer => return answer,
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to the node that leads, as far as is known.
    async fn link(&self) -> Result<Link, Fault> {
        let connecting = {
            let mut current = self.current();
            if let Some(link) = &current.link {
                return Ok(link.clone());
            }
            let hint = current.hint.take();
            current.connecting.get_or_insert_with(|| self.connecting(hint)).clone()
        };
        connecting.await
    }

    fn connecting(&self, hint: Option<Node>) -> Shared<BoxFuture<'static, Result<Link, Fault>>> {
        // It stands in what is current, so it must not hold that.
        let (client, current) = (self.apart(), Arc::downgrade(&self.current));
        let connecting = async move {
            let found = client.find(hint).await;
            let Some(current) = current.upgrade() else { return Err(Fault::NotSent("nobody asks any more".into())) };
            let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
            current.connecting = None;
            current.made += 1;
            let link = Link { number: current.made, channel: found? };
            current.link = Some(link.clone());
            Ok(link)
        };
        connecting.boxed().shared()
    }

    /// Forgets the connection if the fault makes it doubtful.
    fn judge(&self, link: &Link, fault: &Fault) {
        let hint = match fault {
            Fault::NotLeader(node) => node.clone(),
            Fault::Unknown(_) | Fault::NotSent(_) => None,
            _ => return,
        };
        let mut current = self.current();
        if current.link.as_ref().is_some_and(|current| current.number == link.number) {
            current.link = None;
            current.hint = hint;
        }
    }

    /// A request with what every request carries.
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert(header::REQUIRES_LEADER, MetadataValue::from_static("true"));
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(name) = &self.name {
            metadata.insert(header::CONNECTION_NAME, name.clone());
        }
        request
    }
}
