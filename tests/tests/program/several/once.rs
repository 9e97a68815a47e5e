//! Numbers, commands and the steps that follow from them are in the log once, as the log itself says, record by record.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::{ask::Acknowledged, world::World};
use crate::binary::told;

/// Each book's numbers are 1, 2, 3 in the order of the log, each of another document. A command's records stand together, in
/// one stream, and none of them is there twice; nor is what followed from a record. No document goes on by a command that
/// nobody was told of, but by those of `temporary`, whose answers nobody waits for. How many numbers there are.
pub(super) fn is_everything(world: &World, acknowledged: &[Acknowledged], temporary: &str) -> usize {
    let export = ["export", "--events", "--format", "jsonl"];
    let rows = told(world.office.path(), &[&export[..], &world.direct_log_and_keys()].concat());
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let told: HashSet<_> = acknowledged.iter().map(|told| told.command.to_string()).collect();

    let (mut books, mut numbered) = (BTreeMap::<String, u64>::new(), HashSet::new());
    let (mut commands, mut done) = (HashMap::new(), HashSet::new());
    for row in &rows {
        let text = |of: &str| row[of].as_str().unwrap_or_default();
        let (stream, revision) = (text("stream_id"), row["revision"].as_u64().unwrap());
        let (name, command, cause) = (text("event_name"), text("command_id"), text("causation_id"));
        assert!(!command.is_empty(), "nothing was erased here: {row}");

        if let Some((place, last)) = commands.insert(command, (stream, revision)) {
            assert_eq!((stream, revision), (place, last + 1), "a command was done twice, the second time here: {row}");
        }
        assert!(done.insert((command, name)), "a command did this twice: {row}");
        if !cause.is_empty() {
            assert!(done.insert((cause, name)), "this followed twice from the same record: {row}");
        } else if text("stream_kind") == "incoming" && !temporary.ends_with(text("person_id")) {
            assert!(told.contains(command), "nobody was told of this: {row}");
        }
        if name == "NumberAssigned" {
            let last = books.entry(stream.to_owned()).or_default();
            *last += 1;
            assert_eq!(row["event"]["number"], *last, "a number was left out or given twice: {row}");
            assert!(numbered.insert(row["event"]["document"].to_string()), "a document has two numbers: {row}");
        }
    }
    numbered.len()
}
