//! How many records there are. KurrentDB does not count them: it is done once when the log is opened, and goes on from
//! there. The same reading finds streams whose metadata would have the server throw records away.

use std::collections::BTreeMap;

use serde::Deserialize;
use socai_domain::{
    ledger::{Head, ReadError, RecordHash},
    time::Timestamp,
};

use super::{Shared, names::Names, read_error};
use crate::{
    client::{Client, Event, Fault, Said, place},
    wire::read::ReadDirection,
};

/// So many at a time.
const PAGE: u64 = 4_096;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The last event that was looked at.
    at: u64,
    /// The last record.
    last: u64,
    records: u64,
    recorded: Timestamp,
    /// Streams that lose records, and by what.
    losing: BTreeMap<String, String>,
}

/// What in a stream's metadata makes the server throw events away.
#[derive(Debug, Default, Deserialize)]
struct Retention {
    #[serde(rename = "$maxAge")]
    max_age: Option<serde_json::Value>,
    #[serde(rename = "$maxCount")]
    max_count: Option<serde_json::Value>,
    #[serde(rename = "$tb")]
    truncate_before: Option<serde_json::Value>,
}

impl Retention {
    fn describe(&self) -> Option<String> {
        let settings = [("$maxAge", &self.max_age), ("$maxCount", &self.max_count), ("$tb", &self.truncate_before)];
        let set: Vec<_> = settings
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} = {value}")))
            .collect();
        (!set.is_empty()).then(|| set.join(", "))
    }
}

/// What in this metadata makes the server throw events away.
pub(super) fn loses(metadata: &Event) -> Option<String> {
    serde_json::from_slice::<Retention>(&metadata.data).unwrap_or_default().describe()
}

impl Tally {
    fn metadata(&mut self, stream: &str, event: &Event) {
        match loses(event) {
            Some(settings) => self.losing.insert(stream.to_owned(), settings),
            // The last word counts.
            None => self.losing.remove(stream),
        };
    }

    /// The first stream that loses records, and by what.
    pub(super) fn losing(&self) -> Option<(&str, &str)> {
        self.losing.first_key_value().map(|(stream, settings)| (stream.as_str(), settings.as_str()))
    }
}

impl Shared {
    /// Counts what came since the last time.
    pub(super) async fn count(&self, tally: &mut Tally) -> Result<(), ReadError> {
        loop {
            let [of_records, of_identity] = self.names.metadata_prefixes();
            let prefixes = [self.names.prefix().to_owned(), of_records, of_identity];
            let page = || page(&self.client, &prefixes, tally.at);
            let page = self.client.patiently(self.options.patience, page).await;
            let page = page.map_err(|fault| read_error(format_args!("after place {}", tally.at), fault))?;
            let count = page.len() as u64;
            for event in page {
                let at = event.place.map_or(tally.at, |place| place.commit);
                if at <= tally.at && tally.at != 0 {
                    continue;
                }
                tally.at = at;
                if let Some(stream) = event.stream.strip_prefix("$$") {
                    if self.names.is_ours(stream) {
                        tally.metadata(stream, &event);
                    }
                    continue;
                }
                let record = self.recorded(event).map_err(ReadError::Corrupt)?.record;
                tally.last = at;
                tally.records += 1;
                tally.recorded = tally.recorded.max(record.header().recorded);
                self.see(at, tally.recorded);
            }
            if count < PAGE {
                return Ok(());
            }
        }
    }

    pub(super) async fn head(&self) -> Result<Head, ReadError> {
        let mut tally = self.tally.lock().await;
        self.count(&mut tally).await?;
        if let Some((stream, settings)) = tally.losing() {
            return Err(ReadError::Corrupt(losing(stream, settings)));
        }
        Ok(Head {
            position: self.position(tally.last),
            records: tally.records,
            hash: RecordHash([0; 32]),
            recorded: tally.recorded,
        })
    }
}

/// The next events of streams with such names, from this one on.
async fn page(client: &Client, prefixes: &[String], from: u64) -> Result<Vec<Event>, Fault> {
    let from = (from != 0).then(|| place(from));
    let mut answers = client.read_all(prefixes, ReadDirection::Forwards, from, PAGE).await?;
    let mut events = Vec::new();
    while let Some(said) = answers.next(client.address().deadline).await? {
        if let Said::Event(event) = said {
            events.push(*event);
        }
    }
    Ok(events)
}

/// Reads the metadata alone, without counting.
pub(super) async fn metadata(client: &Client, names: &Names) -> Result<Tally, Fault> {
    let (mut tally, prefixes) = (Tally::default(), names.metadata_prefixes());
    loop {
        let page = page(client, &prefixes, tally.at).await?;
        for event in &page {
            tally.at = event.place.map_or(tally.at, |place| place.commit);
            if let Some(stream) = event.stream.strip_prefix("$$").filter(|stream| names.is_ours(stream)) {
                tally.metadata(stream, event);
            }
        }
        if (page.len() as u64) < PAGE {
            return Ok(tally);
        }
    }
}

/// What is told about a stream that loses records.
pub(super) fn losing(stream: &str, settings: &str) -> String {
    format!(
        "the metadata of stream {stream} has {settings}: KurrentDB throws records of the ledger away. Take that out of the \
         metadata before the next scavenge, then have the ledger verified"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_loses_records_is_found_in_metadata() {
        let read = |json: &str| serde_json::from_str::<Retention>(json).unwrap().describe();
        assert_eq!(read(r#"{"$acl": {"$r": "ops"}, "owner": "archive"}"#), None);
        assert_eq!(read(r#"{"$maxCount": 5}"#).as_deref(), Some("$maxCount = 5"));
        assert_eq!(read(r#"{"$tb": 9, "$maxAge": 60}"#).as_deref(), Some("$maxAge = 60, $tb = 9"));
    }
}
