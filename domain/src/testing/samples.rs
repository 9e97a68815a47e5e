//! A few values of a schema in which every alternative stands at least once: every variant, absent and present, false and
//! true, none and several.

use std::collections::{BTreeMap, BTreeSet};

use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType};

use super::arbitrary::{Choices, encode};

/// The bytes of the samples. The same schema gives the same samples, for ever; a schema without alternatives has one.
///
/// # Panics
/// If some alternative is never reached: a schema without end.
pub fn samples(schema: &NamedType) -> Vec<Vec<u8>> {
    let mut open = BTreeSet::new();
    alternatives(schema, &mut Vec::new(), &mut open);
    let mut choices = InTurn::default();
    let mut samples = Vec::new();
    while samples.is_empty() || !open.is_empty() {
        assert!(samples.len() < 1_000, "never reached: {open:?}");
        samples.push(encode(schema, &mut choices));
        open.retain(|alternative| !choices.seen.contains(alternative));
    }
    samples
}

type Alternative = (Vec<usize>, usize);

/// Every alternative of a schema. An enum's variants, and two of everything else.
fn alternatives(schema: &NamedType, place: &mut Vec<usize>, all: &mut BTreeSet<Alternative>) {
    let mut inside = |ordinal: usize, schema: &NamedType, place: &mut Vec<usize>| {
        place.push(ordinal);
        alternatives(schema, place, all);
        place.pop();
    };
    match schema.ty {
        DataModelType::Bool => all.extend([(place.clone(), 0), (place.clone(), 1)]),
        DataModelType::Option(inner) | DataModelType::Seq(inner) => {
            inside(0, inner, place);
            all.extend([(place.clone(), 0), (place.clone(), 1)]);
        }
        DataModelType::NewtypeStruct(inner) => inside(0, inner, place),
        DataModelType::Tuple(fields) | DataModelType::TupleStruct(fields) => {
            (0..).zip(*fields).for_each(|(ordinal, field)| inside(ordinal, field, place));
        }
        DataModelType::Struct(fields) => {
            (0..).zip(*fields).for_each(|(ordinal, field)| inside(ordinal, field.ty, place));
        }
        DataModelType::Enum(variants) => {
            for (variant, named) in variants.iter().enumerate() {
                place.push(variant);
                match named.ty {
                    DataModelVariant::UnitVariant => {}
                    DataModelVariant::NewtypeVariant(inner) => inside(0, inner, place),
                    DataModelVariant::TupleVariant(fields) => {
                        (0..).zip(*fields).for_each(|(ordinal, field)| inside(ordinal, field, place));
                    }
                    DataModelVariant::StructVariant(fields) => {
                        (0..).zip(*fields).for_each(|(ordinal, field)| inside(ordinal, field.ty, place));
                    }
                }
                place.pop();
            }
            all.extend((0..variants.len()).map(|variant| (place.clone(), variant)));
        }
        _ => {}
    }
}

/// Takes the alternatives of each place in turn, the fullest first.
#[derive(Default)]
struct InTurn {
    visits: BTreeMap<Vec<usize>, usize>,
    seen: BTreeSet<Alternative>,
}

impl InTurn {
    fn visit(&mut self, place: &[usize]) -> usize {
        let visits = self.visits.entry(place.to_vec()).or_default();
        *visits += 1;
        *visits - 1
    }

    /// A number that differs between places and visits.
    fn number(&mut self, place: &[usize]) -> usize {
        place.iter().fold(self.visit(place), |number, ordinal| number * 31 + ordinal + 1)
    }
}

impl Choices for InTurn {
    fn alternative(&mut self, place: &[usize], of: usize) -> usize {
        let chosen = (of - 1 + self.visit(place)) % of;
        self.seen.insert((place.to_vec(), chosen));
        chosen
    }

    fn length(&mut self, place: &[usize]) -> usize {
        2 * self.alternative(place, 2)
    }

    fn integer(&mut self, place: &[usize], bits: u32) -> u64 {
        let top = 1 << (bits - 1);
        let interesting = [1, 127, 128, 300, 16_384, u64::MAX, top, top - 1];
        interesting[self.number(place) % interesting.len()]
    }

    fn text(&mut self, place: &[usize]) -> String {
        match self.number(place) % 1_000 {
            number if number % 7 == 0 => String::new(),
            number if number % 7 == 1 => format!("số {number}/QĐ, {}", "đ".repeat(64)),
            number => format!("chữ {number}"),
        }
    }

    fn bytes(&mut self, place: &[usize], len: usize) -> Vec<u8> {
        let first = self.number(place);
        (first..first + len).map(|byte| byte.to_le_bytes()[0]).collect()
    }
}
