//! `docs/EVENTS.md`: the format for people, and for programs in other languages.

use std::fmt::Write;

use postcard_schema::Schema;
use socai_domain::{
    id::PostId,
    ledger::{
        Context, EventKind, LedgerId, RecordHash, Revision, SealedRecord, StreamId, StreamKey, StreamKind, body,
        catalogue::OrganEvent,
        log::{HEAD_CONTEXT, chain_head},
        record::{GENESIS_CONTEXT, HEADER_LEN, MAX_RECORD_LEN, RECORD_CONTEXT},
    },
    organ::events::PostAbolished,
    testing::samples::samples,
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    describe::{Shape, Types, catalogue},
    source::Comments,
};

/// The whole document.
pub(crate) fn markdown() -> String {
    let (mut text, mut types, comments) = (format_chapter(), Types::default(), Comments::read());
    text.push_str(&example());
    text.push_str("\n## The context\n\nStands before every event, in the same sealed body.\n");
    let context = types.name(&<Context as Schema>::SCHEMA.into()).unwrap();
    fields(&mut text, &types, &comments, &context);
    text.push_str("\n## The events\n");
    let lines = catalogue();
    for kind in StreamKind::ALL {
        let _ = writeln!(text, "\n### Streams `{}-*`: kind {}", kind.name(), kind.number());
        for line in lines.iter().filter(|line| line.stream == kind) {
            let ty = types.name(&line.schema).unwrap();
            let _ = writeln!(text, "\n#### {} {}@{}\n\n{}", line.number, line.name, line.version, comments.of(&ty));
            fields(&mut text, &types, &comments, &ty);
        }
    }
    text.push_str("\n## The types\n\n| type | encoded as | |\n|---|---|---|\n");
    for (name, shape) in &types.0 {
        if let Shape::Newtype(inner) = shape {
            let _ = writeln!(text, "| `{name}` | `{inner}` | {} |", comments.of(name));
        }
    }
    let events: Vec<String> = lines.iter().map(|line| line.schema.name.clone()).collect();
    for (name, shape) in &types.0 {
        match shape {
            Shape::Newtype(_) => {}
            Shape::Struct(_) if events.contains(name) || *name == context => {}
            Shape::Struct(_) => {
                let _ = writeln!(text, "\n#### {name}\n\n{}", comments.of(name));
                fields(&mut text, &types, &comments, name);
            }
            Shape::Enum(variants) => {
                let _ = writeln!(
                    text,
                    "\n#### {name}\n\n{}\n\n| # | variant | fields | |\n|---|---|---|---|",
                    comments.of(name)
                );
                for (ordinal, (variant, fields)) in variants.iter().enumerate() {
                    let fields: Vec<String> = fields.iter().map(|(field, ty)| format!("`{field}: {ty}`")).collect();
                    let comment = comments.of_member(name, variant);
                    let _ = writeln!(text, "| {ordinal} | {variant} | {} | {comment} |", fields.join(", "));
                }
            }
        }
    }
    text
}

fn fields(text: &mut String, types: &Types, comments: &Comments, ty: &str) {
    let Some(Shape::Struct(fields)) = types.0.get(ty) else { panic!("{ty} is no struct: write another table") };
    text.push_str("\n| # | field | type | |\n|---|---|---|---|\n");
    for (ordinal, (field, of)) in fields.iter().enumerate() {
        let comment = comments.of_member(ty, field);
        assert!(!comment.is_empty(), "{ty}.{field} has no comment that can be found");
        let _ = writeln!(text, "| {ordinal} | {field} | `{of}` | {comment} |");
    }
}

fn format_chapter() -> String {
    format!(
        "# The events and how they are stored

Written by `domain/tests/golden` from the source; do not edit. Everything here is kept for ever: entries are only added.

## A record

A record is a header of {HEADER_LEN} bytes and a sealed body, together at most {MAX_RECORD_LEN} bytes. Numbers in the header are
little-endian.

| bytes | field | |
|---|---|---|
| 0 | version | 1 |
| 1 | stream kind | u8: the numbers under *The events* |
| 2–3 | event kind | u16: the numbers under *The events* |
| 4–11 | revision | u64: the place in the stream, from 0 without gaps |
| 12–19 | recorded time | i64: microseconds since 1970-01-01T00:00:00Z; never goes back along the log |
| 20–35 | stream key | 16 bytes |
| 36–51 | organ | key of the organ's stream; zero where there is none |
| 52–67 | acting person | key of the person's stream; zero for the system itself |
| 68–99 | previous | the hash of the stream's previous record; of the first, the genesis value |
| 100– | sealed body | the body, encrypted, and a tag of 16 bytes |

A stream is named by its kind's word, a dash and its key as a UUID: `incoming-018f2f6e-0000-7000-8000-000000000000`.

## Hashes

All are BLAKE3 in derive-key mode, 32 bytes. `‖` joins bytes.

| what | context string | over |
|---|---|---|
| hash of a record | `{RECORD_CONTEXT}` | header ‖ sealed body, as stored |
| genesis value | `{GENESIS_CONTEXT}` | ledger id (16 bytes) ‖ stream kind (1 byte) ‖ stream key (16 bytes) |
| log head | `{HEAD_CONTEXT}` | the head before it ‖ the hashes of the batch's records; before the first batch, in place of a head, ledger id ‖ 16 zero bytes |

A record's id is a UUID, version 8, of the first 16 bytes of its hash (version and variant bits set as RFC 9562 says).
The hash covers ciphertext: chains can be checked without any key, and after keys were destroyed.

## Sealing

The body is sealed with AES-256-GCM-SIV (RFC 8452) under the stream's key, which the key ring holds.

- Nonce, 12 bytes: the revision (u64, little-endian) ‖ 4 zero bytes.
- Additional data, 59 bytes: stream kind (1) ‖ stream key (16) ‖ revision (u64, little-endian) ‖ event kind (u16,
  little-endian) ‖ organ (16) ‖ acting person (16).
- A stream has one key from revision 0. An erasure begins another at a later revision and destroys the one before:
  the bodies below that revision cannot be opened any more.

## The body

The context, then the event, one directly after the other, nothing after them. Both are encoded as
[postcard](https://postcard.jamesmunns.com/wire-format) does:

| type | bytes |
|---|---|
| `bool` | 1 byte, 0 or 1 |
| `u8` | 1 byte |
| `u16` `u32` `u64` | varint: 7 bits a byte, the lowest first; the top bit says that more bytes follow |
| `i16` `i32` `i64` | zigzag, then varint: 0, -1, 1, -2 … become 0, 1, 2, 3 … |
| `String` | length in bytes (varint), then UTF-8 |
| `[u8; n]` | n bytes, no length |
| `Option<T>` | 0; or 1 and the value |
| `Vec<T>` | count (varint), then the values |
| a struct | its fields in the order of their ordinals, nothing between them |
| an enum | the variant's ordinal (varint), then its fields in order |
| a named type `= T` | as T |

Names are not stored, only the order counts. Instants (`Timestamp`) are microseconds since 1970-01-01T00:00:00Z, dates (`Date`) days
since 1970-01-01. `domain/golden/bytes.txt` has samples of every event in which every variant stands.
"
    )
}

/// A record from beginning to end, to check another program by.
fn example() -> String {
    let ledger = LedgerId(Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f));
    let stream = StreamId::new(StreamKind::Organ, Uuid::from_bytes([0x11; 16]));
    let person = Uuid::from_bytes([0x22; 16]);
    let key: [u8; 32] = std::array::from_fn(|at| at.to_le_bytes()[0]);
    let context: Context = postcard::from_bytes(&samples(<Context as Schema>::SCHEMA)[1]).unwrap();
    let event = OrganEvent::from(PostAbolished { post: PostId::new(Uuid::from_bytes([0x33; 16])) });
    let body = body::encode(&context, &event);
    let cipher = StreamKey::new(key).cipher();
    let draft = cipher.seal(stream, Revision::FIRST, EventKind::new(121), stream.key(), person, &body);
    let mut record = Vec::new();
    let genesis = RecordHash::genesis(ledger, stream);
    let recorded = Timestamp::from_micros(1_795_000_000_000_000);
    let hash = draft.stamp(stream, Revision::FIRST, recorded, genesis, &mut record);
    let read = SealedRecord::from_bytes(record.clone()).unwrap();
    assert_eq!(body::open(&cipher, &read).unwrap(), (context, event.into()));
    let head = chain_head(ledger, None, &[hash]);
    format!(
        "
## An example to check by

The first record of `{stream}` in the ledger `{ledger}`: the post of sixteen bytes 33 is abolished (121 PostAbolished@1), recorded at
1795000000000000 µs; organ: the stream's key, person: sixteen bytes 22. The stream's key in the ring is the bytes 00 01 … 1f.

| | hexadecimal |
|---|---|
| body | `{}` |
| genesis value | `{genesis}` |
| record | `{}` |
| hash | `{hash}` |
| record id | `{}` |
| log head, if it is the ledger's first batch | `{head}` |
",
        hex(&body),
        hex(&record),
        hash.id(),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
