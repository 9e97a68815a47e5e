//! The trail of a document for people: who did what, when, in which post, on whose behalf, by which article. Made of the records
//! alone, so that a checker makes it again and compares.

use serde::Serialize;
use serde_json::value::RawValue;
use socai_domain::{
    id::{OrganId, PersonId, PostId},
    incoming::{
        self, IncomingDocument,
        events::{Assignee, NewBranch},
    },
    ledger::{Context, DomainEvent},
    organ::Organ,
};
use socai_graphql::{Language, words};

use super::{
    facts::{Body, Facts, Held},
    names::hex,
};
use crate::export::event_in_json;

/// The language of the trail: what is printed goes to an agency of Viet Nam.
pub(super) const VI: Language = Language::Vi;

/// The trail.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trail {
    pub(crate) document: String,
    pub(crate) ledger: String,
    /// The log's name.
    pub(crate) origin: String,
    /// The checkpoint: records that it covers, and the root over them.
    pub(crate) covers: u64,
    pub(crate) root: String,
    pub(crate) sealed: bool,
    pub(crate) about: Option<About>,
    pub(crate) records: Vec<Line>,
    pub(crate) files: Vec<FileLine>,
}

/// What the document is, after its last record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    pub(crate) organ: Option<String>,
    pub(crate) stage: Option<&'static str>,
    pub(crate) arrival_number: Option<u32>,
    pub(crate) arrived_at: Option<String>,
    pub(crate) channel: Option<&'static str>,
    pub(crate) issuer: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) promulgated_on: Option<String>,
    pub(crate) type_name: Option<String>,
    #[serde(rename = "abstract")]
    pub(crate) abstract_text: Option<String>,
}

/// A record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) revision: u64,
    /// Its place in the order of the whole ledger, from 0.
    pub(crate) leaf: u64,
    pub(crate) record: String,
    pub(crate) hash: String,
    pub(crate) previous: String,
    pub(crate) event: String,
    pub(crate) title: &'static str,
    pub(crate) article: Option<String>,
    pub(crate) recorded_at: String,
    pub(crate) state: &'static str,
    /// No person acted.
    pub(crate) system: bool,
    pub(crate) person: Option<Named>,
    pub(crate) decision: Option<Decision>,
    /// All that was stored of the event.
    pub(crate) content: Option<Box<RawValue>>,
}

/// What an opened record tells more.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Decision {
    pub(crate) decided_at: String,
    /// The same as people say it.
    pub(crate) decided: String,
    pub(crate) acting_as: Option<Post>,
    pub(crate) on_behalf_of: Option<Named>,
    /// The revision of the organ's stream by which it was judged.
    pub(crate) judged_by: Option<u64>,
    pub(crate) command: String,
    pub(crate) summary: Option<String>,
    /// Whom work was given to.
    pub(crate) given: Vec<String>,
}

/// A person, and what they were called then.
#[derive(Debug, Serialize)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// A post as it was then.
#[derive(Debug, Serialize)]
pub(crate) struct Post {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) role: Option<&'static str>,
}

/// A file.
#[derive(Debug, Serialize)]
pub(crate) struct FileLine {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) size: u64,
    pub(crate) blake3: String,
}

impl Trail {
    /// Of these facts.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut records = Vec::with_capacity(facts.records().len());
        let document = facts.fold(|_, held| records.push(line(facts, held)));
        let files = facts.files().into_iter().map(|file| FileLine {
            name: file.name.to_string(),
            role: words::file_role(file.role, VI),
            size: file.size,
            blake3: hex(&file.hash),
        });
        let checkpoint = &facts.checkpoint;
        Self {
            document: facts.document.to_string(),
            ledger: facts.ledger.to_string(),
            origin: checkpoint.origin().to_string(),
            covers: checkpoint.size(),
            root: checkpoint.root().to_string(),
            sealed: facts.sealed,
            about: (!facts.sealed).then(|| about(facts, &document)),
            records,
            files: files.collect(),
        }
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("texts, numbers and JSON are JSON");
        bytes.push(b'\n');
        bytes
    }
}

fn about(facts: &Facts, document: &IncomingDocument) -> About {
    let last = facts.records().iter().rev().find_map(|held| held.opened().map(|(context, _)| (held, context)));
    let organ =
        last.and_then(|(held, context)| facts.organ(OrganId::new(held.record.header().organ), context.judged_by));
    let details = document.details.as_ref();
    let code = details.and_then(|details| {
        let parts =
            [details.number.as_ref().map(ToString::to_string), details.notation.as_ref().map(ToString::to_string)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("/"))
    });
    About {
        organ: organ.and_then(|organ| organ.name).map(|name| name.to_string()),
        stage: document.stage.map(|stage| words::stage(stage, VI)),
        arrival_number: document.registered.map(|(_, number)| number.get()),
        arrived_at: document.channel.map(|_| words::moment(document.arrived_at)),
        channel: document.channel.map(|channel| words::channel(channel, VI)),
        issuer: details.map(|details| details.issuer_name.to_string()),
        code,
        promulgated_on: details.and_then(|details| details.promulgated_on).map(words::day),
        type_name: details.map(|details| details.type_name.to_string()),
        abstract_text: details.map(|details| details.abstract_text.to_string()),
    }
}

fn line(facts: &Facts, held: &Held) -> Line {
    let header = held.record.header();
    let opened = held.opened();
    Line {
        revision: header.revision.number(),
        leaf: held.leaf,
        record: held.hash.id().to_string(),
        hash: held.hash.to_string(),
        previous: header.previous.to_string(),
        event: header.kind.to_string(),
        title: words::title(header.kind, VI),
        article: words::article(header.kind, VI),
        recorded_at: header.recorded.to_string(),
        state: match held.body {
            Body::Sealed => "sealed",
            Body::Erased => "erased",
            Body::Opened(_) => "opened",
        },
        system: header.person.is_nil(),
        person: (!header.person.is_nil()).then(|| named(facts, PersonId::new(header.person), held)),
        decision: opened.map(|(context, event)| decision(facts, held, context, event)),
        content: opened
            .map(|(_, event)| RawValue::from_string(event_in_json(event)).expect("what is made to be JSON is JSON")),
    }
}

fn named(facts: &Facts, person: PersonId, held: &Held) -> Named {
    Named { id: person.to_string(), name: facts.name(person, held.leaf) }
}

fn decision(facts: &Facts, held: &Held, context: &Context, event: &DomainEvent) -> Decision {
    let organ = facts.organ(OrganId::new(held.record.header().organ), context.judged_by).unwrap_or_default();
    Decision {
        decided_at: context.at.to_string(),
        decided: words::moment(context.at),
        acting_as: context.acting_as.map(|post| post_of(&organ, post)),
        on_behalf_of: context.on_behalf_of.map(|person| named(facts, person, held)),
        judged_by: context.judged_by,
        command: context.command.to_string(),
        summary: words::summary(event, VI),
        given: match event {
            DomainEvent::Incoming(event) => given(&organ, event),
            _ => Vec::new(),
        },
    }
}

fn post_of(organ: &Organ, id: PostId) -> Post {
    let post = organ.posts.get(&id);
    Post {
        id: id.to_string(),
        title: post.map(|post| post.title.to_string()),
        unit: post.and_then(|post| organ.units.get(&post.unit)).map(|unit| unit.name.to_string()),
        role: post.map(|post| words::role(post.role, VI)),
    }
}

/// Whom an event gives something to.
fn given(organ: &Organ, event: &incoming::Event) -> Vec<String> {
    let post = |id: PostId| {
        let post = post_of(organ, id);
        let parts: Vec<String> = [post.title, post.unit].into_iter().flatten().collect();
        if parts.is_empty() { id.to_string() } else { parts.join(", ") }
    };
    let whom = |assignee: Assignee| match assignee {
        Assignee::Unit { unit } => {
            organ.units.get(&unit).map_or_else(|| unit.to_string(), |unit| unit.name.to_string())
        }
        Assignee::Person { holder } => post(holder.post),
    };
    let branch = |new: &NewBranch| {
        let note = new.note.as_ref().map(|note| format!(". {note}")).unwrap_or_default();
        let (role, limit) = (words::branch_role(new.role, VI), words::limit(new.limit, VI));
        format!("{role}: {} ({limit}){note}", whom(new.assignee))
    };
    match event {
        incoming::Event::Submitted(e) => vec![post(e.to.post)],
        incoming::Event::PassedToLeader(e) => vec![post(e.to.post)],
        incoming::Event::Directed(e) => e.branches.iter().map(branch).collect(),
        incoming::Event::Assigned(e) => e.branches.iter().map(branch).collect(),
        incoming::Event::BranchReassigned(e) => vec![format!("{} → {}", whom(e.from), whom(e.to))],
        incoming::Event::WorkHandedOver(e) => vec![format!("{} → {}", post(e.from.post), post(e.to.post))],
        incoming::Event::FollowerAppointed(e) => vec![whom(e.follower)],
        _ => Vec::new(),
    }
}
