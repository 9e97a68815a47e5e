//! Values of stored types, made from their schemas: for goldens, and to show that folds take whatever was ever stored.
//!
//! Bytes are written here by the rules of `docs/EVENTS.md`, not by the encoder that socai uses: reading them back is a
//! check of those rules, too.

use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType};

use crate::{
    decide::Meta,
    ledger::{
        Context, DomainEvent, Header, RecordHash, Revision, StreamId, StreamKind,
        catalogue::{CATALOGUE, Entry},
    },
    time::Timestamp,
};

/// What a value is made of: asked at each place of a schema. A place is the way there, by ordinals.
pub trait Choices {
    /// Which of `of` alternatives: a variant, `false` or `true`, absent or present.
    fn alternative(&mut self, place: &[usize], of: usize) -> usize;
    /// How many elements.
    fn length(&mut self, place: &[usize]) -> usize;
    /// A number of so many bits, as they stand in memory.
    fn integer(&mut self, place: &[usize], bits: u32) -> u64;
    /// A text.
    fn text(&mut self, place: &[usize]) -> String;
    /// So many bytes.
    fn bytes(&mut self, place: &[usize], len: usize) -> Vec<u8>;
}

/// The bytes of a value of this schema.
pub fn encode(schema: &NamedType, choices: &mut dyn Choices) -> Vec<u8> {
    let mut bytes = Vec::new();
    Walk { choices, place: Vec::new(), bytes: &mut bytes }.value(schema);
    bytes
}

/// An event of this line of the catalogue.
pub fn event(entry: &Entry, choices: &mut dyn Choices) -> DomainEvent {
    let bytes = encode(entry.schema, choices);
    DomainEvent::decode(entry.kind, &bytes).expect("a schema says what its type reads")
}

/// The lines of the catalogue for one kind of stream.
pub fn entries(kind: StreamKind) -> Vec<&'static Entry> {
    CATALOGUE.iter().filter(|entry| entry.stream == kind).collect()
}

struct Walk<'a> {
    choices: &'a mut dyn Choices,
    place: Vec<usize>,
    bytes: &'a mut Vec<u8>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &NamedType) {
        match schema.ty {
            DataModelType::Bool => {
                let value = self.choices.alternative(&self.place, 2);
                self.bytes.push(u8::from(value == 1));
            }
            DataModelType::U8 => {
                let value = self.choices.integer(&self.place, 8);
                self.bytes.push(value.to_le_bytes()[0]);
            }
            DataModelType::U16 => self.unsigned(16),
            DataModelType::U32 => self.unsigned(32),
            DataModelType::U64 => self.unsigned(64),
            DataModelType::I16 => self.signed(16),
            DataModelType::I32 => self.signed(32),
            DataModelType::I64 => self.signed(64),
            DataModelType::String => {
                let text = self.choices.text(&self.place);
                self.varint(text.len() as u64);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            DataModelType::Option(inner) => {
                let present = self.choices.alternative(&self.place, 2);
                self.bytes.push(u8::from(present == 1));
                if present == 1 {
                    self.inside(0, inner);
                }
            }
            DataModelType::Seq(inner) => {
                let length = self.choices.length(&self.place);
                self.varint(length as u64);
                (0..length).for_each(|_| self.inside(0, inner));
            }
            DataModelType::NewtypeStruct(inner) => self.inside(0, inner),
            DataModelType::Tuple(fields) if fields.iter().all(|field| matches!(field.ty, DataModelType::U8)) => {
                let bytes = self.choices.bytes(&self.place, fields.len());
                self.bytes.extend_from_slice(&bytes);
            }
            DataModelType::Tuple(fields) | DataModelType::TupleStruct(fields) => self.all(fields.iter().copied()),
            DataModelType::Struct(fields) => self.all(fields.iter().map(|field| field.ty)),
            DataModelType::Enum(variants) => {
                let ordinal = self.choices.alternative(&self.place, variants.len());
                self.varint(ordinal as u64);
                self.place.push(ordinal);
                match variants[ordinal].ty {
                    DataModelVariant::UnitVariant => {}
                    DataModelVariant::NewtypeVariant(inner) => self.inside(0, inner),
                    DataModelVariant::TupleVariant(fields) => self.all(fields.iter().copied()),
                    DataModelVariant::StructVariant(fields) => self.all(fields.iter().map(|field| field.ty)),
                }
                self.place.pop();
            }
            DataModelType::Unit | DataModelType::UnitStruct => {}
            other => unreachable!("{other:?} may not stand in a stored event"),
        }
    }

    fn inside(&mut self, ordinal: usize, schema: &NamedType) {
        self.place.push(ordinal);
        self.value(schema);
        self.place.pop();
    }

    fn all<'s>(&mut self, fields: impl Iterator<Item = &'s NamedType>) {
        fields.enumerate().for_each(|(ordinal, field)| self.inside(ordinal, field));
    }

    fn unsigned(&mut self, bits: u32) {
        let value = self.choices.integer(&self.place, bits) & mask(bits);
        self.varint(value);
    }

    /// Zigzag: 0, -1, 1, -2 … become 0, 1, 2, 3 …
    fn signed(&mut self, bits: u32) {
        let value = self.choices.integer(&self.place, bits) & mask(bits);
        let negative = value >> (bits - 1) == 1;
        let doubled = (value << 1) & mask(bits);
        self.varint(if negative { doubled ^ mask(bits) } else { doubled });
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.bytes.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.bytes.push(value.to_le_bytes()[0]);
    }
}

fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// Anything, from a seed. Ids come from a few, so that events of one history speak of the same things; numbers and
/// instants are often at their bounds.
#[derive(Clone, Debug)]
pub struct Anything(u64);

impl Anything {
    /// The same seed gives the same choices.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `SplitMix64` (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// A line of the catalogue for this kind of stream, and an event of it.
    pub fn event_in(&mut self, kind: StreamKind) -> DomainEvent {
        let entries = entries(kind);
        let entry = entries[self.below(entries.len())];
        event(entry, self)
    }

    /// What stands around an event.
    pub fn context(&mut self) -> Context {
        let bytes = encode(<Context as postcard_schema::Schema>::SCHEMA, self);
        postcard::from_bytes(&bytes).expect("a schema says what its type reads")
    }

    /// The header of a record of this kind of stream.
    pub fn header(&mut self, event: &DomainEvent, kind: StreamKind) -> Header {
        let id = |choices: &mut Self| uuid::Uuid::from_slice(&choices.bytes(&[], 16)).unwrap_or_default();
        Header {
            kind: event.kind(),
            stream: StreamId::new(kind, id(self)),
            revision: Revision::new(self.integer(&[], 64)),
            recorded: Timestamp::from_micros(self.integer(&[], 64).cast_signed()),
            organ: id(self),
            person: id(self),
            previous: RecordHash([0; 32]),
        }
    }

    /// What a fold is told of an event.
    pub fn meta(&mut self, event: &DomainEvent, kind: StreamKind) -> Meta {
        let (header, context) = (self.header(event, kind), self.context());
        Meta::of(&header, &context)
    }
}

impl Choices for Anything {
    fn alternative(&mut self, _: &[usize], of: usize) -> usize {
        self.below(of)
    }

    fn length(&mut self, _: &[usize]) -> usize {
        self.below(4)
    }

    fn integer(&mut self, _: &[usize], bits: u32) -> u64 {
        const NOVEMBER_2026: u64 = 1_795_000_000_000_000;
        const HOUR: u64 = 3_600_000_000;
        match (self.below(8), bits) {
            (0, _) => 0,
            (1, _) => mask(bits),
            (2, _) => mask(bits) >> 1,
            (3, _) => (mask(bits) >> 1) + 1,
            (4 | 5, 64) => NOVEMBER_2026 + HOUR * (self.next() % 1_000),
            (4 | 5, 32) => 20_700 + self.next() % 1_000,
            (4..=6, _) => self.next() % 5,
            _ => self.next(),
        }
    }

    fn text(&mut self, _: &[usize]) -> String {
        let long = "Đ".repeat(5_000);
        let texts = ["", "đến", "Công văn", "15/QĐ-BNV", "\u{0}\u{202e}\n", "000.00.01.G22", &long];
        texts[self.below(texts.len())].to_owned()
    }

    fn bytes(&mut self, _: &[usize], len: usize) -> Vec<u8> {
        if self.below(8) == 0 {
            return (0..len).map(|_| self.next().to_le_bytes()[0]).collect();
        }
        vec![self.next().to_le_bytes()[0] % 4; len]
    }
}
