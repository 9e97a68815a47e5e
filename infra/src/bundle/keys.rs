//! What opens the records of a bundle: a key for each, which opens no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use socai_domain::ledger::RecordKey;

use super::names::{hex, unhex};

/// The keys by the entries of the records; none where the content was erased.
pub(crate) type Keys = BTreeMap<String, Option<RecordKey>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    record: String,
    /// 48 bytes in hexadecimal: what AES-GCM-SIV makes of the stream's key for this record (RFC 8452, section 4).
    key: Option<String>,
}

/// The bytes of `keys.json`.
pub(crate) fn write(keys: &Keys) -> Vec<u8> {
    let given = |(record, key): (&String, &Option<RecordKey>)| Given {
        record: record.clone(),
        key: key.as_ref().map(|key| hex(key.bytes())),
    };
    let given: Vec<_> = keys.iter().map(given).collect();
    let mut bytes = serde_json::to_vec_pretty(&given).expect("texts are JSON");
    bytes.push(b'\n');
    bytes
}

/// Reads them; says what is wrong.
pub(crate) fn read(bytes: &[u8]) -> Result<Keys, String> {
    let given: Vec<Given> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut keys = Keys::new();
    for Given { record, key } in given {
        let key = match key {
            None => None,
            Some(text) => {
                Some(unhex(&text).map(RecordKey::new).ok_or(format!("the key of {record} is not 96 digits"))?)
            }
        };
        keys.insert(record, key);
    }
    if write(&keys) == bytes { Ok(keys) } else { Err("it is not written as an export writes it".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_are_written_in_one_way() {
        let keys = Keys::from([("b".to_owned(), None), ("a".to_owned(), Some(RecordKey::new([0xab; 48])))]);
        let bytes = write(&keys);
        assert_eq!(read(&bytes), Ok(keys));
        let text = String::from_utf8(bytes).unwrap();
        for wrong in ["[", "[]", &text.replacen("ab", "AB", 1), &text.replacen("ab", "a", 1), &text.replace('\n', "")] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
