//! What must hold at the end: of the log itself, of what was told about it, of what the servers show.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde_json::{Value, json};
use socai_domain::{
    ledger::{RecordHash, SealedRecord},
    proof::{Frontier, Note, Promise, TreeHash, leaf_hash},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    ask::Acknowledged,
    chaos::Disturbance,
    place,
    watch::Seen,
    world::{MERGE_DELAY, World},
};
use crate::binary::{run, text, told};

/// However much goes wrong, others sign in the place of whoever cannot: by then a record is covered.
const COVERED: Duration = Duration::from_mins(2);

/// What a receipt says of a record: hash, stream, revision, place in the log.
type Placed = (RecordHash, String, u64, u64);

/// The log as the engine has it, against everything that anybody was told.
#[derive(Debug)]
pub(super) struct Log {
    /// Leaf indexes by record id, and what a receipt says of the record.
    leaves: HashMap<Uuid, (u64, Placed)>,
    /// Root of the tree of each size, from nothing on.
    roots: Vec<TreeHash>,
}

impl Log {
    /// Each stream goes on without a gap, each record hangs on the one before it, is not of an earlier time, and none is there
    /// twice.
    pub(super) fn read(world: &World) -> Self {
        let (mut ends, mut leaves) = (BTreeMap::<String, (u64, RecordHash, Timestamp)>::new(), HashMap::new());
        let mut tree = Frontier::new();
        let mut roots = vec![tree.root()];
        for event in world.records() {
            let record = SealedRecord::from_bytes(event.data.clone()).unwrap();
            let (header, hash) = (record.header(), record.hash());
            let stream = header.stream.to_string();
            assert_eq!((event.id, &event.stream), (hash.id().0, &format!("so-{stream}")));
            assert_eq!(header.revision.number(), event.revision, "{stream}");
            match ends.insert(stream.clone(), (event.revision, hash, header.recorded)) {
                Some((last, before, recorded)) => {
                    assert_eq!((event.revision, header.previous), (last + 1, before), "{stream}");
                    assert!(recorded <= header.recorded, "time goes back in {stream} at {}", event.revision);
                }
                None => assert_eq!(event.revision, 0, "{stream}"),
            }
            let again = leaves.insert(event.id, (tree.size(), (hash, stream, event.revision, event.position)));
            assert!(again.is_none(), "record {} of {} is there twice", event.id, event.stream);
            tree.append(leaf_hash(&hash));
            roots.push(tree.root());
        }
        Self { leaves, roots }
    }

    pub(super) fn records(&self) -> u64 {
        self.roots.len() as u64 - 1
    }

    /// What clients were told is there, as they were told it.
    pub(super) fn holds(&self, acknowledged: &[Acknowledged]) {
        for told in acknowledged {
            let there = self.leaves.get(&told.record).map(|(_, placed)| placed.clone());
            let placed = (told.hash, told.stream.clone(), told.revision, place(&told.position));
            assert_eq!(there, Some(placed), "what was acknowledged is not there: {told:?}");
        }
    }

    /// Every checkpoint that any server ever showed is a head of this one tree.
    pub(super) fn grew_into_one_tree(&self, seen: &[Seen]) {
        for Seen { head, server, .. } in seen {
            let root = usize::try_from(head.size).ok().and_then(|size| self.roots.get(size));
            assert_eq!(
                root,
                Some(&head.root),
                "server {server} showed a head of another tree, of {} leaves",
                head.size
            );
        }
    }

    /// Every promise is this log's, of this record, and was kept in time, or as long after something was wrong, but never later
    /// than [`COVERED`]. The longest time that a record waited, and how many promises there were.
    pub(super) fn kept(
        &self,
        world: &World,
        acknowledged: &[Acknowledged],
        seen: &[Seen],
        disturbances: &[Disturbance],
    ) -> (Duration, usize) {
        let (mut longest, mut promises) = (Duration::ZERO, 0);
        for told in acknowledged {
            let Some(promise) = &told.promise else { continue };
            let promise = Promise::open(&Note::parse(promise.as_bytes()).unwrap(), &world.key).unwrap();
            assert_eq!((promise.hash, promise.stream.to_string()), (told.hash, told.stream.clone()));
            let leaf = self.leaves[&told.record].0;
            let mut covering = seen.iter().filter(|seen| seen.head.size > leaf).map(|seen| seen.at);
            let covered = covering.next().unwrap_or_else(|| panic!("no server ever showed a checkpoint over {told:?}"));
            let delay = Duration::from_secs(MERGE_DELAY);
            let due = disturbances
                .iter()
                .fold(told.at + delay, |due, (since, until)| if *since <= due { due.max(*until + delay) } else { due });
            // In a long run something is wrong nearly always.
            let due = due.min(told.at + COVERED);
            if covered > due {
                let at = world.journal.since(told.at);
                world.journal.wrong(format_args!("promise of {at:?} was kept {:?} late: {told:?}", covered - due));
            }
            longest = longest.max(covered.saturating_duration_since(told.at));
            promises += 1;
        }
        (longest, promises)
    }
}

/// What everybody sees, as of the log's end.
const PAGE: &str = "query($at: Position, $after: String) { incomingRegister(first: 100, after: $after, atLeast: $at) \
    { edges { node { number documentId code void passedOnAt signedAt document { stage stageLabel revision } } } \
    pageInfo { hasNextPage endCursor } } }";
const FIGURES: &str = "query($at: Position, $of: FiguresInput!) { processingStatistics(of: $of, atLeast: $at) \
    { documents { arrived registered inProcess processed cancelled late onTime } \
    branches { assigned inProcess processed late } } }";

/// What a server shows of register and figures.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    lines: Vec<Value>,
    figures: Value,
}

impl Shown {
    /// As of this position, by the server itself.
    pub(super) async fn by(world: &World, server: usize, token: &str, at: &str) -> Self {
        let client = world.client(server, token).unwrap();
        let (mut lines, mut after) = (Vec::new(), Value::Null);
        loop {
            let answer = client.ask(PAGE, json!({ "at": at, "after": after })).await;
            let page = &answer["data"]["incomingRegister"];
            let edges = page["edges"].as_array().unwrap_or_else(|| panic!("server {server}: {answer}"));
            lines.extend(edges.iter().map(|edge| edge["node"].clone()));
            if page["pageInfo"]["hasNextPage"] != true {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        let of = json!({ "from": "2020-01-01T00:00:00+07:00", "before": "2100-01-01T00:00:00+07:00" });
        let answer = client.ask(FIGURES, json!({ "at": at, "of": of })).await;
        assert!(answer["errors"].is_null(), "server {server}: {answer}");
        Self { lines, figures: answer["data"]["processingStatistics"].clone() }
    }

    /// Numbers from 1 on, each given once; each document that was registered has one, and so many were voided.
    pub(super) fn is_one_book(&self, acknowledged: &[Acknowledged], voided: usize) {
        let mut numbers: Vec<_> = self.lines.iter().map(|line| line["number"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no gap, no duplicate");
        let mut registered: Vec<_> = self.lines.iter().map(|line| line["documentId"].as_str().unwrap()).collect();
        registered.sort_unstable();
        let told = acknowledged.iter().filter(|told| told.what == "registerIncoming");
        let mut told: Vec<_> = told.map(|told| told.stream.as_str()).collect();
        told.sort_unstable();
        assert_eq!(registered, told, "each document has one number");
        assert_eq!(self.lines.iter().filter(|line| !line["void"].is_null()).count(), voided);
        let figures = &self.figures["documents"][0];
        assert_eq!(figures["registered"], told.len(), "{figures}");
    }

    pub(super) fn resolved(&self) -> usize {
        self.lines.iter().filter(|line| line["document"]["stage"] == "RESOLVED").count()
    }
}

/// The program's own checks, with all servers stopped: the log verifies, and the views are what the log makes of them, in this
/// database and in a file.
pub(super) fn by_the_program(world: &World, records: u64) {
    let data = world.office.path();
    let verified = told(data, &["verify", "--json", "--log", world.direct_log()]);
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["records"], records, "{verified}");
    let direct = world.direct();
    let direct: Vec<_> = direct.iter().map(String::as_str).collect();
    let rebuilt = run(data, &[&["rebuild", "--json"], &direct[..]].concat());
    let rebuilt: Value =
        serde_json::from_slice(&rebuilt.stdout).unwrap_or_else(|_| panic!("{}", text(&rebuilt.stderr)));
    assert!(rebuilt["ok"] == true && rebuilt["before"] == rebuilt["after"], "{rebuilt}");
    let file = data.join("views.sqlite").display().to_string();
    let views = direct.iter().position(|flag| *flag == "--views").expect("it is a flag");
    let mut elsewhere = direct;
    elsewhere[views + 1] = &file;
    let in_file = told(data, &[&["rebuild", "--json"], &elsewhere[..]].concat());
    let in_file: Value = serde_json::from_str(&in_file).unwrap();
    assert_eq!(in_file["after"], rebuilt["after"], "the same log, the same rows");
}
