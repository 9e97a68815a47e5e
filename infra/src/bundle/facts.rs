//! What the records of a bundle say: opened with their keys, folded, and looked up. The same code reads what an export has
//! gathered and what a bundle holds, so both show the same.

use std::collections::{BTreeMap, BTreeSet};

use socai_domain::{
    decide::{Aggregate as _, Meta},
    id::{OrganId, PersonId},
    incoming::{self, IncomingDocument, events::Attachment},
    ledger::{
        Context, DomainEvent, LedgerId, RecordHash, Revision, SealedRecord, StreamId, StreamKind, body,
        catalogue::StoredEvent as _,
    },
    organ::{self, Organ},
    person,
    proof::Checkpoint,
};

use super::{
    fault::{Fault, Kind},
    keys::Keys,
};
use crate::ports::files_of;

/// What a record turned out to hold.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Nobody gave a key.
    Sealed,
    /// Its key was destroyed.
    Erased,
    /// Its content.
    Opened(Box<(Context, DomainEvent)>),
}

/// A record of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The record.
    pub(crate) record: SealedRecord,
    /// Its hash.
    pub(crate) hash: RecordHash,
    /// Its place in the order of the whole ledger.
    pub(crate) leaf: u64,
    /// What it holds.
    pub(crate) body: Body,
}

impl Held {
    /// Opens it with its key, if there is one; says what is wrong with that.
    pub(crate) fn open(record: SealedRecord, leaf: u64, entry: &str, keys: Option<&Keys>) -> (Self, Option<Fault>) {
        let hash = record.hash();
        let (body, wrong) = match keys.map(|keys| keys.get(entry)) {
            None => (Body::Sealed, None),
            Some(None) => (Body::Sealed, Some("the bundle has no key for it".to_owned())),
            Some(Some(None)) => (Body::Erased, None),
            Some(Some(Some(key))) => {
                let opened = key.open(&record).map_err(|_| "its key does not open it".to_owned());
                let read =
                    opened.and_then(|bytes| body::decode(record.header(), &bytes).map_err(|error| error.to_string()));
                match read {
                    Ok(opened) => (Body::Opened(Box::new(opened)), None),
                    Err(what) => (Body::Sealed, Some(what)),
                }
            }
        };
        let held = Self { record, hash, leaf, body };
        let fault =
            wrong.map(|what| Fault { entry: Some(entry.to_owned()), ..Fault::record(Kind::Key, held.place(), what) });
        (held, fault)
    }

    /// Stream and revision.
    pub(crate) fn place(&self) -> (StreamId, Revision) {
        let header = self.record.header();
        (header.stream, header.revision)
    }

    /// Its content, where it is open.
    pub(crate) fn opened(&self) -> Option<(&Context, &DomainEvent)> {
        match &self.body {
            Body::Opened(opened) => Some((&opened.0, &opened.1)),
            Body::Sealed | Body::Erased => None,
        }
    }

    fn meta(&self, context: &Context) -> Meta {
        Meta::of(self.record.header(), context)
    }
}

/// All that a bundle holds.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The ledger.
    pub(crate) ledger: LedgerId,
    /// The document's stream.
    pub(crate) document: StreamId,
    /// No keys were given.
    pub(crate) sealed: bool,
    /// The checkpoint that all proofs lead to.
    pub(crate) checkpoint: Checkpoint,
    /// The records by stream, in the order of their revisions.
    pub(crate) streams: BTreeMap<StreamId, Vec<Held>>,
}

impl Facts {
    /// The records of a stream.
    pub(crate) fn stream(&self, stream: StreamId) -> &[Held] {
        self.streams.get(&stream).map_or(&[], Vec::as_slice)
    }

    /// The document's records.
    pub(crate) fn records(&self) -> &[Held] {
        self.stream(self.document)
    }

    /// An organ as it was at a revision of its stream; none where the bundle does not go so far.
    pub(crate) fn organ(&self, id: OrganId, judged_by: Option<u64>) -> Option<Organ> {
        let mut organ = Organ::default();
        let Some(last) = judged_by else { return Some(organ) };
        let records = self.stream(organ::stream(id));
        let wanted = usize::try_from(last).ok()?.checked_add(1)?;
        for held in records.get(..wanted)? {
            let (context, event) = held.opened()?;
            organ.evolve(organ::Event::from_domain(event)?, &held.meta(context));
        }
        Some(organ)
    }

    /// What somebody was called when the record at this leaf was written; none where that was erased or is not in the bundle.
    pub(crate) fn name(&self, person: PersonId, at_leaf: u64) -> Option<String> {
        let mut known = person::Person::default();
        for held in self.stream(person::stream(person)).iter().take_while(|held| held.leaf <= at_leaf) {
            let (context, event) = held.opened()?;
            known.evolve(person::Event::from_domain(event)?, &held.meta(context));
        }
        known.known.map(|known| known.name.to_string())
    }

    /// Folds the document, telling each record with what the document was before it.
    pub(crate) fn fold(&self, mut each: impl FnMut(&IncomingDocument, &Held)) -> IncomingDocument {
        let mut document = IncomingDocument::default();
        for held in self.records() {
            each(&document, held);
            take_in(&mut document, held);
        }
        document
    }

    /// The files of the document, each content once, in the order in which they came; those of other content that the
    /// axis brought, too.
    pub(crate) fn files(&self) -> Vec<Attachment> {
        let mut seen = BTreeSet::new();
        let files = self.records().iter().filter_map(Held::opened).flat_map(|(_, event)| files_of(event));
        files.filter(|file| seen.insert(file.hash)).cloned().collect()
    }

    /// Everybody who acted, or for whom somebody did.
    pub(crate) fn actors(&self) -> BTreeSet<PersonId> {
        let mut actors = BTreeSet::new();
        for held in self.records() {
            let person = held.record.header().person;
            actors.extend((!person.is_nil()).then(|| PersonId::new(person)));
            actors.extend(held.opened().and_then(|(context, _)| context.on_behalf_of));
        }
        actors
    }

    /// By which revision of which organ's stream the document's records were judged, at most.
    pub(crate) fn judges(&self) -> BTreeMap<StreamId, u64> {
        let mut judges = BTreeMap::new();
        for held in self.records() {
            if let Some(last) = held.opened().and_then(|(context, _)| context.judged_by) {
                let organ = organ::stream(OrganId::new(held.record.header().organ));
                judges.entry(organ).and_modify(|known: &mut u64| *known = last.max(*known)).or_insert(last);
            }
        }
        judges
    }

    /// The books that gave the document a number.
    pub(crate) fn books(&self) -> BTreeSet<StreamId> {
        let book = |(_, event): (&Context, &DomainEvent)| match event {
            DomainEvent::Incoming(incoming::Event::Registered(e)) => {
                Some(StreamId::new(StreamKind::Register, e.register.uuid()))
            }
            _ => None,
        };
        self.records().iter().filter_map(Held::opened).filter_map(book).collect()
    }
}

/// Takes a record into the document.
pub(crate) fn take_in(document: &mut IncomingDocument, held: &Held) {
    match held.opened() {
        Some((context, DomainEvent::Incoming(event))) => document.evolve(event, &held.meta(context)),
        _ => document.evolve_erased(held.record.header()),
    }
}
