//! Reading and subscribing.

use std::{collections::HashMap, sync::Arc};

use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use socai_kurrent::wire::{
    header,
    read::{
        Amount, CaughtUp, Checkpoint, Confirmation, EventPlace, Filter, FilterBy, FilterOptions, FromPlace,
        FromRevision, NotFound, ReadAnswer, ReadDirection, ReadEvent, ReadOptions, ReadRequest, RecordedEvent, Source,
        StreamSource, Told, UuidChoice, UuidForm, Window,
    },
    shared::{Place, WireUuid},
};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, server::ServerStreamingService};
use uuid::Uuid;

use crate::{
    calls::required,
    node::{self, Node},
    store::Stored,
};

type Answers = BoxStream<'static, Result<ReadAnswer, Status>>;
type Teller = mpsc::Sender<Result<ReadAnswer, Status>>;

/// So many answers wait for a slow reader.
const AHEAD: usize = 8;
/// How many events are looked at before the subscription says how far it is, unless the request says so.
const WINDOW: usize = 32;

/// Reads, once or for ever.
pub(crate) struct Read(pub(crate) Arc<Node>);

impl ServerStreamingService<ReadRequest> for Read {
    type Response = ReadAnswer;
    type ResponseStream = Answers;
    type Future = BoxFuture<'static, Result<Response<Answers>, Status>>;

    fn call(&mut self, request: Request<ReadRequest>) -> Self::Future {
        let node = Arc::clone(&self.0);
        Box::pin(async move { read(&node, &request).map(Response::new) })
    }
}

/// Which events, and in which form they are told.
#[derive(Clone)]
struct Form {
    filter: Option<FilterOptions>,
    uuids: UuidForm,
}

fn read(node: &Arc<Node>, request: &Request<ReadRequest>) -> Result<Answers, Status> {
    node.admit(request.metadata())?;
    let options = request.get_ref().options.as_ref().ok_or_else(|| required("options"))?;
    let filter = match options.filter.clone().ok_or_else(|| required("filter_option"))? {
        Filter::Some(filter) => Some(filter),
        Filter::None(_) => None,
    };
    let form = Form { filter, uuids: options.uuids.ok_or_else(|| required("uuid_option"))? };
    let source = options.source.clone().ok_or_else(|| required("stream_option"))?;
    match (source, options.amount.ok_or_else(|| required("count_option"))?) {
        (Source::Stream(_), _) if form.filter.is_some() => Err(Status::invalid_argument("a stream is not filtered")),
        (Source::Stream(stream), Amount::Count(count)) => {
            read_stream(node, &stream, options, count, &form).map(|answers| perhaps_given_up(node, answers))
        }
        (Source::Stream(_), Amount::Subscription(_)) => {
            Err(Status::unimplemented("subscriptions to one stream are not imitated"))
        }
        (Source::All(all), Amount::Count(count)) => {
            let from = all.from.ok_or_else(|| required("all_option"))?;
            if node.cluster.faults.plan().all_withheld {
                return Ok(stream::pending().boxed());
            }
            Ok(perhaps_given_up(node, read_all(node, from, options, count, &form)))
        }
        (Source::All(all), Amount::Subscription(_)) => {
            Ok(subscribe(node, all.from.ok_or_else(|| required("all_option"))?, form))
        }
    }
}

/// The answers to a read, as far as they come.
fn perhaps_given_up(node: &Node, answers: Answers) -> Answers {
    match node.cluster.faults.plan().reads.pop_front() {
        Some(after) => answers.take(after).chain(stream::iter([Err(node::too_late())])).boxed(),
        None => answers,
    }
}

fn read_stream(
    node: &Node,
    source: &StreamSource,
    options: &ReadOptions,
    count: u64,
    form: &Form,
) -> Result<Answers, Status> {
    let name = source.stream.clone().ok_or_else(|| required("stream_identifier"))?;
    let stream = String::from_utf8_lossy(&name.name).into_owned();
    let from = source.from.ok_or_else(|| required("revision_option"))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    node.cluster.read(|store| {
        if store.is_tombstoned(&stream) {
            return Err(node::deleted(&stream));
        }
        let Some(events) = store.readable(&stream) else {
            let told = Told::NotFound(NotFound { stream: Some(name) });
            return Ok(stream::iter([Ok(ReadAnswer { told: Some(told) })]).boxed());
        };
        let answer = |event: &Stored| form.answer(event);
        let answers: Vec<_> = match (options.direction(), from) {
            (ReadDirection::Forwards, FromRevision::End(_)) => Vec::new(),
            (ReadDirection::Forwards, from) => {
                let first = if let FromRevision::Revision(revision) = from { revision } else { 0 };
                events.into_iter().filter(|event| event.revision >= first).take(count).map(answer).collect()
            }
            (ReadDirection::Backwards, FromRevision::Start(_)) => events.into_iter().take(1).map(answer).collect(),
            (ReadDirection::Backwards, from) => {
                let last = if let FromRevision::Revision(revision) = from { revision } else { u64::MAX };
                events.into_iter().rev().filter(|event| event.revision <= last).take(count).map(answer).collect()
            }
        };
        Ok(stream::iter(answers).map(Ok).boxed())
    })
}

fn read_all(node: &Node, from: FromPlace, options: &ReadOptions, count: u64, form: &Form) -> Answers {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let answers: Vec<_> = node.cluster.read(|store| {
        let index = match from {
            FromPlace::Start(_) => 0,
            FromPlace::Place(place) => store.index_from(place),
            FromPlace::End(_) => store.log().len(),
        };
        let wanted = |event: &&Stored| form.wants(event);
        let answer = |event: &Stored| form.answer(event);
        match options.direction() {
            ReadDirection::Forwards => store.log()[index..].iter().filter(wanted).take(count).map(answer).collect(),
            ReadDirection::Backwards => {
                store.log()[..index].iter().rev().filter(wanted).take(count).map(answer).collect()
            }
        }
    });
    stream::iter(answers).map(Ok).boxed()
}

fn subscribe(node: &Arc<Node>, from: FromPlace, form: Form) -> Answers {
    node.cluster.counted(|counts| counts.subscriptions += 1);
    let (tell, told) = mpsc::channel(AHEAD);
    let node = Arc::clone(node);
    tokio::spawn(async move {
        let listener = tell.clone();
        tokio::select! {
            () = listener.closed() => {}
            end = subscription(&node, from, &form, &tell) => if let Err(status) = end {
                let _ = listener.send(Err(status)).await;
            },
        }
    });
    stream::unfold(told, |mut told| async { told.recv().await.map(|answer| (answer, told)) }).boxed()
}

/// Tells what is there after the given place, then what comes. It ends when a test wants it to, or when the node no longer
/// leads.
async fn subscription(node: &Node, from: FromPlace, form: &Form, tell: &Teller) -> Result<(), Status> {
    let mut changes = node.cluster.changes();
    let (mut next, mut at) = node.cluster.read(|store| match from {
        FromPlace::Start(_) => (0, 0),
        FromPlace::Place(place) => (store.index_after(place), place.commit),
        FromPlace::End(_) => (store.log().len(), store.log().last().map_or(0, |event| event.position)),
    });
    say(tell, Told::Confirmation(Confirmation { id: Uuid::from_u128(next as u128).to_string() })).await;
    let (silent, again, fails) = {
        let mut plan = node.cluster.faults.plan();
        let silent = plan.silent > 0;
        plan.silent = plan.silent.saturating_sub(1);
        (silent, plan.redelivered, plan.failing.pop_front())
    };
    if silent {
        std::future::pending::<()>().await;
    }
    next = next.saturating_sub(again);
    let (mut live, window, mut told) = (false, form.window(), 0);
    loop {
        changes.borrow_and_update();
        if let Some(leader) = node.cluster.leader().filter(|leader| leader.number != node.number) {
            return Err(node::not_leader(node.name_of(&leader)));
        }
        let events: Vec<Stored> = node.cluster.read(|store| store.log()[next..].iter().take(window).cloned().collect());
        let ended = events.len() < window;
        for event in &events {
            let skipped = node.cluster.faults.plan().skipped.contains(&(event.stream.clone(), event.revision));
            if form.wants(event) && !skipped {
                if fails == Some(told) {
                    break;
                }
                let _ = tell.send(Ok(form.answer(event))).await;
                told += 1;
            }
        }
        if fails == Some(told) {
            return Err(Status::unavailable("Server Is Not Ready"));
        }
        next += events.len();
        if let Some(last) = events.last() {
            at = last.position;
            let ahead = if node.cluster.faults.plan().beyond { 1_000_000 } else { 0 };
            if form.filter.is_some() {
                let (commit, time) = (at + ahead, None);
                say(tell, Told::Checkpoint(Checkpoint { commit, prepare: commit, time })).await;
            }
        }
        if !ended {
            continue;
        }
        if !live {
            live = true;
            let place = (at != 0).then_some(Place { commit: at, prepare: at });
            say(tell, Told::CaughtUp(CaughtUp { time: None, revision: None, place })).await;
        }
        if node.cluster.faults.plan().ending {
            return Ok(());
        }
        if changes.changed().await.is_err() {
            return Ok(());
        }
    }
}

async fn say(tell: &Teller, told: Told) {
    // Whoever no longer listens ends the subscription.
    let _ = tell.send(Ok(ReadAnswer { told: Some(told) })).await;
}

impl Form {
    fn window(&self) -> usize {
        let max = match self.filter.as_ref().and_then(|filter| filter.window) {
            Some(Window::Max(max)) => usize::try_from(max).unwrap_or(WINDOW),
            Some(Window::Count(_)) | None => WINDOW,
        };
        max.clamp(1, WINDOW)
    }

    fn wants(&self, event: &Stored) -> bool {
        let (name, expression) = match self.filter.as_ref().and_then(|filter| filter.by.as_ref()) {
            Some(FilterBy::Stream(expression)) => (&event.stream, expression),
            Some(FilterBy::Type(expression)) => (&event.kind, expression),
            None => return true,
        };
        expression.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    fn answer(&self, event: &Stored) -> ReadAnswer {
        let id = match self.uuids.choice {
            Some(UuidChoice::Text(_)) => WireUuid::text(event.id),
            Some(UuidChoice::Structured(_)) | None => WireUuid::structured(event.id),
        };
        let recorded = RecordedEvent {
            id: Some(id),
            stream: Some(event.stream.as_str().into()),
            revision: event.revision,
            prepare: event.prepare,
            commit: event.position,
            metadata: HashMap::from([
                (header::TYPE.to_owned(), event.kind.clone()),
                (header::CONTENT_TYPE.to_owned(), event.content_type.clone()),
                (header::CREATED.to_owned(), event.created.to_string()),
            ]),
            custom_metadata: event.metadata.clone(),
            data: event.data.clone(),
        };
        let place = Some(EventPlace::Commit(event.position));
        ReadAnswer { told: Some(Told::Event(Box::new(ReadEvent { event: Some(recorded), link: None, place }))) }
    }
}
