//! `socai demo --documents N`: years of a big office, twice the same, through the real program.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use futures::StreamExt as _;
use serde_json::Value;
use socai::{app::Store, clock::SystemClock, config::Config};
use socai_domain::{
    document_types::{Channel, Urgency},
    id::IncomingId,
    ledger::{
        DomainEvent, Followed, Opened, StreamKind,
        catalogue::{CATALOGUE, IncomingEvent, RegisterEvent},
    },
    time::Timestamp,
};

use crate::binary::{run, socai, text, told};

const DOCUMENTS: u64 = 1_000;

/// What stands in the ledger that was built.
#[derive(Debug, Default, PartialEq)]
struct History {
    /// How many records of each kind.
    kinds: BTreeMap<String, u64>,
    /// Of each year's book, who has which number, in the order in which they were given.
    books: BTreeMap<i16, Vec<(u32, IncomingId)>>,
    /// Which event of which document was decided when.
    decided: BTreeSet<(String, u16, Timestamp)>,
    channels: HashMap<String, u64>,
    types: HashMap<String, u64>,
    urgent: u64,
    arrived: u64,
}

impl History {
    async fn read(data: &Path) -> Self {
        let flags = BTreeMap::from([("data", data.to_str().unwrap().to_owned())]);
        let config = Config::load(&flags, |_| None).unwrap();
        let store = Store::open(&config, Arc::new(SystemClock)).await.unwrap();
        let mut history = Self::default();
        let mut followed = store.log().follow(None);
        let mut year = 0;
        while let Followed::Records(records) = followed.next().await.unwrap().unwrap() {
            for recorded in records {
                let header = recorded.record.header();
                *history.kinds.entry(header.kind.entry().unwrap().name.to_owned()).or_insert(0) += 1;
                let Opened::Event(context, event) = store.opener.open(&recorded.record).await.unwrap() else {
                    continue;
                };
                assert!(header.recorded >= context.at);
                history.decided.insert((header.stream.to_string(), header.kind.number(), context.at));
                match event {
                    DomainEvent::Register(RegisterEvent::BookOpened(e)) => year = e.year,
                    DomainEvent::Register(RegisterEvent::NumberAssigned(e)) => {
                        assert_eq!(context.at.year(), year, "the books follow each other");
                        history.books.entry(year).or_default().push((e.number.get(), e.document));
                    }
                    DomainEvent::Incoming(IncomingEvent::Arrived(e)) => {
                        history.arrived += 1;
                        *history.channels.entry(format!("{:?}", e.channel)).or_insert(0) += 1;
                        *history.types.entry(e.details.type_name.to_string()).or_insert(0) += 1;
                        history.urgent += u64::from(e.details.urgency != Urgency::Normal);
                    }
                    _ => {}
                }
            }
        }
        store.close().await.unwrap();
        history
    }

    /// In tenths of a percent of all that arrived.
    fn share(&self, count: u64) -> u64 {
        count * 1_000 / self.arrived
    }
}

fn build(data: &Path) -> String {
    told(data, &["demo", "--documents", &DOCUMENTS.to_string(), "--exit", "--lang", "en"])
}

fn stats(data: &Path) -> Value {
    let arguments = ["stats", "--organ", "G97", "--from", "2023-01-01", "--as-of", "2025-12-31", "--json"];
    serde_json::from_str(&told(data, &arguments)).unwrap()
}

#[tokio::test]
async fn the_same_number_gives_the_same_years() {
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (said, again) = (build(first.path()), build(second.path()));
    let figures = |said: &str| said.split_once("\nyear  ").map(|(_, figures)| figures.to_owned()).unwrap();
    assert_eq!(figures(&said), figures(&again), "{said}");
    for year in ["2023", "2024", "2025"] {
        assert!(said.contains(&format!("\n{year}  ")), "{said}");
    }
    let verified = told(first.path(), &["verify"]);
    assert!(verified.starts_with("verified"), "{verified}");
    let head = verified.lines().find_map(|line| line.strip_prefix("head      ")).unwrap();
    assert!(said.contains(head), "{said}\n{verified}");

    let counted = stats(first.path());
    assert_eq!(counted["documents"], stats(second.path())["documents"]);
    assert_eq!(counted["units"], stats(second.path())["units"]);
    let history = History::read(first.path()).await;
    assert_eq!(history, History::read(second.path()).await);

    // What the figures say is what was written.
    let number = |name: &str| counted["documents"][name].as_u64().unwrap();
    let kind = |name: &str| history.kinds.get(name).copied().unwrap_or(0);
    // When an erased one arrived cannot be read any more.
    assert_eq!(number("arrived") + kind("IncomingExpunged"), kind("IncomingArrived"));
    assert_eq!(number("refused"), kind("ReceiptRefused"));
    let opened: u64 = history.kinds.values().sum();
    assert!((9 * DOCUMENTS..18 * DOCUMENTS).contains(&opened), "{opened} records");

    // Everything that may befall an incoming document has befallen one.
    let missing: Vec<_> = CATALOGUE
        .iter()
        .filter(|entry| entry.stream == StreamKind::Incoming && kind(entry.name) == 0)
        .map(|entry| entry.name)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");

    for (year, numbers) in &history.books {
        let given: Vec<u32> = numbers.iter().map(|(number, _)| *number).collect();
        assert_eq!(given, (1..=u32::try_from(given.len()).unwrap()).collect::<Vec<_>>(), "{year}: without a gap");
    }
    assert_eq!(history.books.keys().copied().collect::<Vec<_>>(), [2023, 2024, 2025]);

    let near = |count: u64, wanted: u64, tolerance: u64| {
        let share = history.share(count);
        assert!(share.abs_diff(wanted) <= tolerance, "{share} ‰, wanted {wanted} ‰");
    };
    let channel = |channel: Channel| history.channels[&format!("{channel:?}")];
    near(channel(Channel::Axis), 850, 40);
    near(channel(Channel::Paper), 120, 35);
    near(channel(Channel::Internal), 30, 20);
    near(history.urgent, 100, 30);
    for (name, share) in [("Công văn", 620), ("Báo cáo", 140), ("Tờ trình", 90), ("Giấy mời", 50)] {
        near(history.types[name], share, 45);
    }
    near(number("late"), 60, 25);
    near(kind("ReceiptRefused") + kind("BranchReturned") + kind("ReturnedToClerk"), 20, 5);
}

/// Interrupted, it is refused by whoever opens it, and says what to do.
#[test]
fn half_a_ledger_is_not_used() {
    let data = tempfile::tempdir().unwrap();
    let mut command = socai();
    command.args(["demo", "--documents", "1000000", "--exit", "--data"]).arg(data.path());
    let mut building = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // After the first day.
    let begun = data.path().join("reactions.checkpoint");
    while !begun.exists() {
        assert!(building.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let asked = Command::new("kill").arg("-TERM").arg(building.id().to_string()).status().unwrap();
    assert!(asked.success());
    let ended = building.wait_with_output().unwrap();
    assert!(!ended.status.success());
    assert!(text(&ended.stderr).contains("interrupted"), "{}", text(&ended.stderr));
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["verify"],
        &["rebuild"],
        &["stats", "--organ", "G97"],
        &["demo", "--exit"],
        &["demo", "--documents", "10", "--exit"],
    ] {
        let refused = run(data.path(), arguments);
        let said = text(&refused.stderr);
        assert!(!refused.status.success() && said.contains("delete its data directory"), "{arguments:?}: {said}");
    }
}

/// Interrupted after the last record was written, only its views lack.
#[test]
fn a_whole_ledger_gets_its_views_later() {
    let data = tempfile::tempdir().unwrap();
    let mut command = socai();
    command.args(["demo", "--documents", "1000", "--exit", "--data"]).arg(data.path());
    let mut building = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("views.sqlite");
    while !std::fs::read_dir(data.path()).unwrap().any(|entry| begun(&entry.unwrap().file_name())) {
        assert!(building.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let asked = Command::new("kill").arg("-TERM").arg(building.id().to_string()).status().unwrap();
    assert!(asked.success());
    let ended = building.wait_with_output().unwrap();
    assert!(!ended.status.success() && text(&ended.stderr).contains("socai rebuild"), "{}", text(&ended.stderr));
    assert!(told(data.path(), &["rebuild"]).contains("rebuilt"));
    assert!(told(data.path(), &["fsck", "--only", "views"]).contains("whole"));
}
