//! What is in a bundle. Nothing stands here that is not checked against something else: no date, no author, no remark.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{container::Entry, names};

/// What every manifest begins with.
const FORMAT: &str = "socai audit bundle";
/// The version of the format.
const VERSION: u32 = 1;
/// Of the words and the look of the trail. Another one makes other bytes of the same records: raise it with every change of
/// them, so that a bundle made before is told from one that was changed.
pub(crate) const RENDERING: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: String,
    version: u32,
    /// The version of the trail's words and look.
    pub(crate) rendering: u32,
    /// The ledger: every chain begins with its id.
    pub(crate) ledger: String,
    /// The document's stream.
    pub(crate) document: String,
    /// Without keys: headers, chains and proofs only.
    pub(crate) sealed: bool,
    /// Every other entry, in the order of the container.
    pub(crate) entries: Vec<Listed>,
}

/// An entry in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// BLAKE3 of its content.
    pub(crate) blake3: String,
}

impl Listed {
    fn of((name, content): &Entry) -> Self {
        let blake3 = blake3::hash(content).to_hex().to_string();
        Self { name: name.clone(), bytes: content.len() as u64, blake3 }
    }
}

impl Manifest {
    /// Of these entries.
    pub(crate) fn of(ledger: String, document: String, sealed: bool, entries: &[Entry]) -> Self {
        let listed = entries.iter().filter(|(name, _)| name != names::MANIFEST).map(Listed::of).collect();
        let format = FORMAT.to_owned();
        Self { format, version: VERSION, rendering: RENDERING, ledger, document, sealed, entries: listed }
    }

    /// Its bytes: there is one way to write it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("texts and numbers are JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Reads one; says what is wrong with it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if (read.format.as_str(), read.version) != (FORMAT, VERSION) {
            let Self { format, version, .. } = read;
            return Err(format!(
                "it is of the format {format:?} {version}, not {FORMAT:?} {VERSION}: a newer socai wrote it"
            ));
        }
        if read.to_bytes() == bytes { Ok(read) } else { Err("it is not written as an export writes it".to_owned()) }
    }

    /// How the entries differ from the list: name, and what is wrong.
    pub(crate) fn differences(&self, entries: &[Entry]) -> Vec<(String, &'static str)> {
        let mut wrong = Vec::new();
        let there: Vec<_> = entries.iter().filter(|(name, _)| name != names::MANIFEST).map(Listed::of).collect();
        // An office has thousands of records: each is looked up, not looked for.
        let listed: BTreeMap<&str, &Listed> = self.entries.iter().map(|listed| (&*listed.name, listed)).collect();
        let names: BTreeSet<&str> = there.iter().map(|entry| &*entry.name).collect();
        for entry in &there {
            match listed.get(&*entry.name) {
                None => wrong.push((entry.name.clone(), "the manifest does not list it")),
                Some(listed) if listed.bytes != entry.bytes => {
                    wrong.push((entry.name.clone(), "it has another length than the manifest says"));
                }
                Some(listed) if listed.blake3 != entry.blake3 => {
                    wrong.push((entry.name.clone(), "it has another hash than the manifest says"));
                }
                Some(_) => {}
            }
        }
        let missing = self.entries.iter().filter(|listed| !names.contains(&*listed.name));
        wrong.extend(missing.map(|listed| (listed.name.clone(), "the manifest lists it, and it is not there")));
        if wrong.is_empty() && self.entries != there {
            wrong.push((names::MANIFEST.to_owned(), "entries stand in another order, or twice"));
        }
        wrong
    }
}
