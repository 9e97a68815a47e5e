//! Samples of everything that is stored, byte by byte.

use std::fmt::Write;

use postcard_schema::Schema;
use socai_domain::{
    ledger::{Context, DomainEvent, EventKind, catalogue::CATALOGUE},
    testing::samples::samples,
};

/// One line a sample: kind number, name@version, bytes. The context has the number 0, which no event has.
pub(crate) fn lines() -> String {
    let mut text = String::from("# number name@version bytes\n");
    for sample in samples(<Context as Schema>::SCHEMA) {
        let _ = writeln!(text, "0 Context@1 {}", hex(&sample));
    }
    for entry in CATALOGUE {
        for sample in samples(entry.schema) {
            let _ = writeln!(text, "{} {} {}", entry.kind.number(), entry.kind, hex(&sample));
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// What the file holds is read from the file, not made anew: so it is with old ledgers.
#[test]
fn golden_bytes_read_back_and_are_written_the_same() {
    let mut read = 0;
    let stored = super::stored("golden/bytes.txt", &lines());
    for line in stored.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split(' ');
        let (Some(number), Some(name), Some(bytes)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("not a sample: {line}")
        };
        let bytes = unhex(bytes);
        let mut again = Vec::new();
        if number == "0" {
            let context: Context = postcard::from_bytes(&bytes).unwrap();
            again = postcard::to_stdvec(&context).unwrap();
        } else {
            let kind = EventKind::new(number.parse().unwrap());
            assert_eq!(kind.to_string(), name);
            DomainEvent::decode(kind, &bytes).unwrap().encode(&mut again);
        }
        assert_eq!(again, bytes, "{name}");
        read += 1;
    }
    assert!(read > CATALOGUE.len(), "every event has a sample, and so has the context");
}

/// A byte too many or too few is not the event.
#[test]
fn golden_bytes_are_exact() {
    for entry in CATALOGUE {
        for mut sample in samples(entry.schema) {
            if let Some(last) = sample.pop() {
                assert!(DomainEvent::decode(entry.kind, &sample).is_err(), "{} without its last byte", entry.kind);
                sample.extend([last, 0]);
            }
            assert!(DomainEvent::decode(entry.kind, &sample).is_err(), "{} with another byte", entry.kind);
        }
    }
}
