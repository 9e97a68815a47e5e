//! The API with all that it needs, and the one way that every operation takes through it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

use async_graphql::{Data, Executor, Request, Response, ServerError};
use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use socai_domain::{
    ledger::{EventLog, Following},
    refusal::Code,
    time::Clock,
};
use tokio::sync::{Semaphore, watch};
use tracing::Instrument as _;

use crate::{
    asked::{Asked, Kind},
    error::{self, ApiCode, ApiError},
    files::{Files, Tickets},
    notary::Notary,
    rate::Rates,
    reading::{Moments, Turns, current},
    schema::{self, ApiSchema},
    session::Session,
    settings::Settings,
    token::Verifier,
    witness::Witness,
};

/// Tells the metrics, as Prometheus text.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything that the API is given.
pub struct Services {
    /// Carries out commands.
    pub handler: socai_commands::Handler,
    /// The read models.
    pub views: socai_projections::Views,
    /// Checks tokens.
    pub verifier: Verifier,
    /// Keeps files.
    pub files: Arc<dyn Files>,
    /// Writes upload tickets.
    pub tickets: Tickets,
    /// Signs heads of the tree over all records, and proves from it.
    pub notary: Arc<dyn Notary>,
    /// Watches other logs; no such paths without it.
    pub witness: Option<Arc<dyn Witness>>,
    /// How the views are doing: it decides whether they may be shown.
    pub following: watch::Receiver<Following>,
    /// Who follows the log, by name, and how they are doing: for health.
    pub followers: Vec<(&'static str, watch::Receiver<Following>)>,
    /// What `/metrics` answers; no such path without it.
    pub metrics: Option<Render>,
    /// What one request may ask for.
    pub settings: Settings,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Services({} on {})", self.log().ledger(), self.log().engine())
    }
}

impl Services {
    /// The ledger itself, for trails and its head.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        self.handler.log()
    }

    /// Tells the time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.handler.clock()
    }
}

/// The API. Cloning shares it.
#[derive(Clone)]
pub struct App {
    schema: ApiSchema,
    asked: Arc<Asked>,
    services: Arc<Services>,
    rates: Arc<Rates>,
    turns: Arc<Turns>,
    stopping: watch::Sender<bool>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.services.fmt(f)
    }
}

impl App {
    /// The API over these services.
    pub fn new(services: Services) -> Self {
        let services = Arc::new(services);
        let rates = Arc::new(Rates::new(services.settings.rate, services.settings.burst));
        let (schema, asked, turns) = (schema::build(&services), Arc::default(), Arc::default());
        Self { schema, asked, services, rates, turns, stopping: watch::Sender::new(false) }
    }

    /// What it was given.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// From now on subscriptions end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ready when the program stops.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`, so this ends only when the value is there.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Is the time of the session's token over?
    pub(crate) fn expired(&self, session: &Session) -> bool {
        session.caller.is_none_or(|caller| caller.expires <= self.services.clock().now())
    }

    /// Checks that somebody with a valid token asks, and not too often.
    pub(crate) fn admit(&self, session: &Session) -> Result<(), ApiError> {
        let caller = session.caller()?;
        if self.expired(session) {
            return Err(ApiError::new(ApiCode::Unauthenticated, "the token has expired"));
        }
        if !self.rates.take(caller.person, Instant::now()) {
            return Err(ApiError::new(ApiCode::RateLimited, "the bucket is empty"));
        }
        Ok(())
    }

    /// Carries out a query or mutation of somebody who was admitted.
    pub async fn execute(&self, session: Session, mut request: Request) -> Response {
        let started = Instant::now();
        let kind = self.asked.parse(&mut request);
        let span = tracing::info_span!("graphql", kind = kind.name(), correlation = %session.correlation);
        let response = self.run(session, request, kind).instrument(span).await;
        let outcome = if response.errors.is_empty() { "ok" } else { "error" };
        metrics::histogram!("socai_request_seconds", "kind" => kind.name(), "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        response
    }

    async fn run(&self, session: Session, request: Request, kind: Kind) -> Response {
        // A command is judged by the ledger itself; what its answer shows is looked at there.
        if kind != Kind::Mutation
            && let Err(error) = current(&self.services).await
        {
            return refused(&error, &session);
        }
        let (settings, moments) = (&self.services.settings, Arc::new(Moments::new(Arc::clone(&self.turns))));
        let mut work = std::pin::pin!(self.schema.execute(request.data(session).data(Arc::clone(&moments))));
        let answer = match tokio::time::timeout(settings.time, &mut work).await {
            // Reading past moments from the ledger has a limit of its own, for all of the request together.
            Err(_) if moments.replaying() => tokio::time::timeout(settings.replay, &mut work).await,
            answer => answer,
        };
        match answer {
            Ok(response) => error::finish(response, &session),
            // What a command wrote stays written, whoever stopped waiting for it.
            Err(_) if kind == Kind::Mutation => {
                refused(&ApiError::new(Code::OutcomeUnknown, "no answer in time"), &session)
            }
            Err(_) => refused(&ApiError::new(ApiCode::TimedOut, "no answer in time"), &session),
        }
    }
}

/// A WebSocket connection: every operation on it is asked by the one who opened it.
#[derive(Clone)]
pub(crate) struct Connection {
    app: App,
    session: Arc<OnceLock<Session>>,
    /// A permit for each subscription that may still be opened.
    room: Arc<Semaphore>,
}

impl Connection {
    pub(crate) fn new(app: App, session: Arc<OnceLock<Session>>) -> Self {
        let room = Arc::new(Semaphore::new(app.services.settings.subscriptions));
        Self { app, session, room }
    }
}

#[async_trait]
impl Executor for Connection {
    async fn execute(&self, request: Request) -> Response {
        match self.session.get() {
            Some(session) => self.app.execute(*session, request).await,
            None => Response::from_errors(vec![ServerError::new("not initialised", None)]),
        }
    }

    fn execute_stream(&self, mut request: Request, data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let this = self.clone();
        let Some(session) = this.session.get().copied() else { return stream::empty().boxed() };
        if let Err(error) = this.app.admit(&session) {
            return stream::once(async move { refused(&error, &session) }).boxed();
        }
        if Kind::of(&mut request) != Kind::Subscription {
            return stream::once(async move { this.app.execute(session, request).await }).boxed();
        }
        let Ok(permit) = Arc::clone(&this.room).try_acquire_owned() else {
            let error = ApiError::new(ApiCode::TooComplex, "too many subscriptions on one connection");
            return stream::once(async move { refused(&error, &session) }).boxed();
        };
        metrics::counter!("socai_subscriptions_total").increment(1);
        let responses =
            this.app.schema.execute_stream_with_session_data(request.data(session), data.unwrap_or_default());
        let stopped = async move { this.app.stopped().await };
        let told = responses.map(move |response| {
            let _room = &permit; // given back when the subscription ends
            error::finish(response, &session)
        });
        told.take_until(Box::pin(stopped)).boxed()
    }
}

/// An answer that is only this error.
pub(crate) fn refused(error: &ApiError, session: &Session) -> Response {
    Response::from_errors(vec![error.tell(session)])
}
