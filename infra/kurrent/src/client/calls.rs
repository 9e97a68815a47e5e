//! The calls.

use std::{collections::HashMap, time::Duration};

use futures::stream;
use tonic::{Streaming, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;
use uuid::Uuid;

use super::{Client, Fault};
use crate::wire::{
    features::SupportedMethods,
    header, path,
    read::{
        AllSource, Amount, EventPlace, Expression, Filter, FilterBy, FilterOptions, FromPlace, FromRevision,
        ReadAnswer, ReadDirection, ReadEvent, ReadOptions, ReadRequest, Source, StreamSource, Told, UuidChoice,
        UuidForm, Window,
    },
    shared::{Empty, Place, WireUuid},
    write::{
        AppendAnswer, AppendPart, AppendRequest, AppendResult, ExpectedState, PlacedAt, ProposedEvent, StandsAt,
        WriteOptions, WrittenAt,
    },
};

/// The largest message that is taken from a server: its own bound for an event is 16 MiB.
const MAX_ANSWER: usize = 20 << 20;
/// How many events a server looks at before it says how far it is.
const WINDOW: u32 = 1_024;

/// Where a stream must stand. There is no "anywhere": a repetition would then be recognised for a while only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Without an event.
    NoStream,
    /// With a last event of this revision.
    Revision(u64),
}

/// An event to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// By this alone the server recognises a repetition.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// Its content is JSON, for whoever looks at it in the server's own pages.
    pub json: bool,
    /// Its content.
    pub data: Vec<u8>,
}

/// The server's answer to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was written, now or before.
    Success {
        /// The revision of the last event.
        last: u64,
        /// The commit position of the last event.
        commit: u64,
    },
    /// The stream stands elsewhere: its last revision, if it has one.
    WrongExpected(Option<u64>),
}

/// An event that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: Uuid,
    /// Its stream's whole name.
    pub stream: String,
    /// Its place in its stream.
    pub revision: u64,
    /// Its place in `$all`, where the server tells it.
    pub place: Option<Place>,
    /// Its type.
    pub kind: String,
    /// Its content.
    pub data: Vec<u8>,
}

/// What a read or a subscription says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An event.
    Event(Box<Event>),
    /// So far the server has looked, whether or not it told of events.
    Checkpoint(Place),
    /// All was told; what follows is live.
    CaughtUp,
    /// There is no such stream.
    NoStream,
    /// Something that we have no use for.
    Other,
}

/// The answers to a read or a subscription.
#[derive(Debug)]
pub struct Answers(Streaming<ReadAnswer>);

impl Answers {
    /// The next one; nothing when the server has ended in good order.
    pub async fn next(&mut self, within: Duration) -> Result<Option<Said>, Fault> {
        match tokio::time::timeout(within, self.0.message()).await {
            Ok(Ok(Some(answer))) => said(answer).map(Some),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(status)) => Err(status.into()),
            Err(_) => Err(Fault::Unknown(format!("no answer within {} ms", within.as_millis()))),
        }
    }
}

fn said(answer: ReadAnswer) -> Result<Said, Fault> {
    Ok(match answer.told {
        Some(Told::Event(event)) => match event_of(*event)? {
            Some(event) => Said::Event(Box::new(event)),
            None => Said::Other,
        },
        Some(Told::Checkpoint(checkpoint)) => {
            Said::Checkpoint(Place { commit: checkpoint.commit, prepare: checkpoint.prepare })
        }
        Some(Told::CaughtUp(_)) => Said::CaughtUp,
        Some(Told::NotFound(_)) => Said::NoStream,
        // What a newer server adds is none of our business.
        Some(_) | None => Said::Other,
    })
}

fn event_of(read: ReadEvent) -> Result<Option<Event>, Fault> {
    let Some(event) = read.event else { return Ok(None) };
    let odd = |what: &str| Fault::Refused(format!("KurrentDB told of an event without {what}"));
    let id = event.id.as_ref().and_then(WireUuid::uuid).ok_or_else(|| odd("a readable id"))?;
    let name = event.stream.ok_or_else(|| odd("a stream"))?.name;
    let stream = String::from_utf8(name).map_err(|_| odd("a readable name of its stream"))?;
    let told = match read.place {
        Some(EventPlace::Commit(commit)) => Some(commit),
        _ => None,
    };
    let place = told.filter(|commit| *commit != u64::MAX).map(|commit| Place { commit, prepare: event.prepare });
    let kind = event.metadata.get(header::TYPE).cloned().unwrap_or_default();
    Ok(Some(Event { id, stream, revision: event.revision, place, kind, data: event.data }))
}

fn texts() -> UuidForm {
    UuidForm { choice: Some(UuidChoice::Text(Empty {})) }
}

impl Client {
    /// Asks the server once to write these events at the end of a stream.
    pub async fn append(&self, stream: &str, expected: Expected, events: &[Proposed]) -> Result<Written, Fault> {
        let expected = match expected {
            Expected::NoStream => ExpectedState::NoStream(Empty {}),
            Expected::Revision(revision) => ExpectedState::Revision(revision),
        };
        let options = WriteOptions { stream: Some(stream.into()), expected: Some(expected) };
        let mut parts = Vec::with_capacity(1 + events.len());
        parts.push(AppendRequest { part: Some(AppendPart::Options(options)) });
        parts.extend(events.iter().map(|event| AppendRequest { part: Some(AppendPart::Event(proposed(event))) }));
        let link = self.link().await?;
        let call = async {
            let mut grpc = Grpc::new(link.channel.clone());
            grpc.ready().await.map_err(|error| Fault::Unknown(error.to_string()))?;
            let mut request = self.request(stream::iter(parts));
            request.set_timeout(self.address.deadline);
            let codec = ProstCodec::<AppendRequest, AppendAnswer>::default();
            let path = PathAndQuery::from_static(path::APPEND);
            let answer = grpc.client_streaming(request, path, codec).await?.into_inner();
            written(answer).ok_or_else(|| Fault::Unknown("KurrentDB answers an append without a result".into()))
        };
        let answer = tokio::time::timeout(self.address.deadline, call).await.unwrap_or_else(|_| {
            Err(Fault::Unknown(format!("no answer within {} ms", self.address.deadline.as_millis())))
        });
        if let Err(fault) = &answer {
            self.judge(&link, fault);
        }
        answer
    }

    /// Reads at most `count` events of a stream from this revision on; without one, from its first or last event.
    pub async fn read_stream(
        &self,
        stream: &str,
        direction: ReadDirection,
        from: Option<u64>,
        count: u64,
    ) -> Result<Answers, Fault> {
        let from = match (from, direction) {
            (Some(revision), _) => FromRevision::Revision(revision),
            (None, ReadDirection::Forwards) => FromRevision::Start(Empty {}),
            (None, ReadDirection::Backwards) => FromRevision::End(Empty {}),
        };
        self.read(ReadOptions {
            source: Some(Source::Stream(StreamSource { stream: Some(stream.into()), from: Some(from) })),
            direction: direction.into(),
            resolve_links: false,
            amount: Some(Amount::Count(count)),
            filter: Some(Filter::None(Empty {})),
            uuids: Some(texts()),
        })
        .await
    }

    /// Reads at most `count` events of streams with such names, the one at `from` included; without it, from the first or
    /// last event of all.
    pub async fn read_all(
        &self,
        prefixes: &[String],
        direction: ReadDirection,
        from: Option<Place>,
        count: u64,
    ) -> Result<Answers, Fault> {
        let from = match (from, direction) {
            (Some(place), _) => FromPlace::Place(place),
            (None, ReadDirection::Forwards) => FromPlace::Start(Empty {}),
            (None, ReadDirection::Backwards) => FromPlace::End(Empty {}),
        };
        self.read(of_all(prefixes, direction, from, Amount::Count(count))).await
    }

    /// Every event of streams with such names after `after`, first those that are there, then live.
    pub async fn subscribe(&self, prefixes: &[String], after: Option<Place>) -> Result<Answers, Fault> {
        let from = after.map_or(FromPlace::Start(Empty {}), FromPlace::Place);
        self.read(of_all(prefixes, ReadDirection::Forwards, from, Amount::Subscription(Empty {}))).await
    }

    /// The server's version, as in `26.1.0`; nothing where it does not tell.
    pub async fn version(&self) -> Result<Option<String>, Fault> {
        let link = self.link().await?;
        let call = async {
            let mut grpc = Grpc::new(link.channel.clone());
            grpc.ready().await.map_err(|error| Fault::Unknown(error.to_string()))?;
            let codec = ProstCodec::<Empty, SupportedMethods>::default();
            let path = PathAndQuery::from_static(path::FEATURES);
            let answer = grpc.unary(self.request(Empty {}), path, codec).await?.into_inner();
            Ok(Some(answer.version).filter(|version| !version.is_empty()))
        };
        let patience = self.address.gossip_timeout;
        let answer = tokio::time::timeout(patience, call).await.unwrap_or_else(|_| {
            Err(Fault::Unknown(format!(
                "KurrentDB gives no answer within {} ms, asked for its version",
                patience.as_millis()
            )))
        });
        match answer {
            // It does not know the call. Who is only slow is asked again: that version may be one that is refused.
            Err(Fault::Refused(_)) => Ok(None),
            Err(fault) => {
                self.judge(&link, &fault);
                Err(fault)
            }
            answer => answer,
        }
    }

    async fn read(&self, options: ReadOptions) -> Result<Answers, Fault> {
        let link = self.link().await?;
        let call = async {
            let mut grpc = Grpc::new(link.channel.clone()).max_decoding_message_size(MAX_ANSWER);
            grpc.ready().await.map_err(|error| Fault::Unknown(error.to_string()))?;
            let request = self.request(ReadRequest { options: Some(options) });
            let codec = ProstCodec::<ReadRequest, ReadAnswer>::default();
            let path = PathAndQuery::from_static(path::READ);
            Ok(Answers(grpc.server_streaming(request, path, codec).await?.into_inner()))
        };
        let answer = tokio::time::timeout(self.address.deadline, call).await.unwrap_or_else(|_| {
            Err(Fault::Unknown(format!("no answer within {} ms", self.address.deadline.as_millis())))
        });
        if let Err(fault) = &answer {
            self.judge(&link, fault);
        }
        answer
    }

    /// The connection is doubtful: the next call makes a new one.
    pub fn doubt(&self, fault: &Fault) {
        let link = self.current().link.clone();
        if let Some(link) = link {
            self.judge(&link, fault);
        }
    }
}

fn of_all(prefixes: &[String], direction: ReadDirection, from: FromPlace, amount: Amount) -> ReadOptions {
    let by = FilterBy::Stream(Expression { regex: String::new(), prefixes: prefixes.to_vec() });
    let filter = FilterOptions { by: Some(by), window: Some(Window::Max(WINDOW)), checkpoint_multiplier: 1 };
    ReadOptions {
        source: Some(Source::All(AllSource { from: Some(from) })),
        direction: direction.into(),
        resolve_links: false,
        amount: Some(amount),
        filter: Some(Filter::Some(filter)),
        uuids: Some(texts()),
    }
}

fn proposed(event: &Proposed) -> ProposedEvent {
    let content_type = if event.json { "application/json" } else { "application/octet-stream" };
    ProposedEvent {
        id: Some(WireUuid::text(event.id)),
        metadata: HashMap::from([
            (header::TYPE.to_owned(), event.kind.clone()),
            (header::CONTENT_TYPE.to_owned(), content_type.to_owned()),
        ]),
        custom_metadata: Vec::new(),
        data: event.data.clone(),
    }
}

fn written(answer: AppendAnswer) -> Option<Written> {
    Some(match answer.result? {
        AppendResult::Success(success) => {
            let Some(WrittenAt::Revision(last)) = success.revision else { return None };
            let Some(PlacedAt::Place(Place { commit, .. })) = success.place else { return None };
            Written::Success { last, commit }
        }
        AppendResult::WrongExpected(wrong) => Written::WrongExpected(match wrong.stands {
            Some(StandsAt::Revision(revision)) => Some(revision),
            Some(StandsAt::NoStream(_)) | None => None,
        }),
    })
}
