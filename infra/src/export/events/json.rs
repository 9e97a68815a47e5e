//! An event as JSON, made from its stored bytes by the schema in the catalogue: the same names as in `docs/EVENTS.md`.
//!
//! Ids are written as UUIDs, instants and dates as people write them, other bytes in hexadecimal; all else as JSON has it.

use std::fmt::Write as _;

use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType, NamedValue};
use serde::de::DeserializeOwned;
use socai_domain::{
    ledger::DomainEvent,
    time::{Date, Timestamp},
};
use uuid::Uuid;

/// The event as one line of JSON.
pub(crate) fn text(event: &DomainEvent) -> String {
    let mut bytes = Vec::new();
    event.encode(&mut bytes);
    let schema = event.kind().entry().expect("an event that was read is in the catalogue").schema;
    let mut walk = Walk { rest: &bytes, out: String::with_capacity(4 * bytes.len()) };
    walk.value(schema).expect("bytes that were just encoded are read by the schema of their type");
    walk.out
}

struct Walk<'a> {
    rest: &'a [u8],
    out: String,
}

type Done = Result<(), postcard::Error>;

fn is_bytes(schema: &NamedType) -> Option<usize> {
    match schema.ty {
        DataModelType::Tuple(of) if of.iter().all(|of| matches!(of.ty, DataModelType::U8)) => Some(of.len()),
        _ => None,
    }
}

impl Walk<'_> {
    fn take<T: DeserializeOwned>(&mut self) -> Result<T, postcard::Error> {
        let (value, rest) = postcard::take_from_bytes(self.rest)?;
        self.rest = rest;
        Ok(value)
    }

    fn show(&mut self, value: impl std::fmt::Display) -> Done {
        write!(self.out, "{value}").map_err(|_| postcard::Error::SerializeBufferFull)
    }

    fn value(&mut self, schema: &NamedType) -> Done {
        match (schema.name, schema.ty) {
            ("Timestamp", _) => {
                let at = Timestamp::from_micros(self.take()?);
                self.show(format_args!("\"{at}\""))
            }
            ("Date", _) => {
                let date = Date::from_days(self.take()?);
                self.show(format_args!("\"{date}\""))
            }
            (name, DataModelType::NewtypeStruct(inner)) if name.ends_with("Id") && is_bytes(inner) == Some(16) => {
                let id = Uuid::from_bytes(self.take()?);
                self.show(format_args!("\"{id}\""))
            }
            (_, DataModelType::NewtypeStruct(inner)) => self.value(inner),
            (_, DataModelType::Tuple(of)) => match is_bytes(schema) {
                Some(len) => self.bytes(len),
                None => self.list(of.len(), |at| of[at]),
            },
            (_, DataModelType::TupleStruct(of)) => self.list(of.len(), |at| of[at]),
            (_, DataModelType::Seq(of)) => {
                let len: u64 = self.take()?;
                self.list(usize::try_from(len).unwrap_or(usize::MAX), |_| of)
            }
            (_, DataModelType::Option(inner)) => {
                if self.take()? {
                    self.value(inner)
                } else {
                    self.show("null")
                }
            }
            (_, DataModelType::Struct(fields)) => self.fields(fields),
            (_, DataModelType::Enum(variants)) => {
                let ordinal: u32 = self.take()?;
                let variant = variants.get(ordinal as usize).ok_or(postcard::Error::DeserializeBadEnum)?;
                self.variant(variant.name, variant.ty)
            }
            (_, plain) => self.plain(plain),
        }
    }

    fn plain(&mut self, of: &DataModelType) -> Done {
        match of {
            DataModelType::Bool => self.number::<bool>(),
            DataModelType::U8 => self.number::<u8>(),
            DataModelType::U16 => self.number::<u16>(),
            DataModelType::U32 => self.number::<u32>(),
            DataModelType::U64 => self.number::<u64>(),
            DataModelType::I16 => self.number::<i16>(),
            DataModelType::I32 => self.number::<i32>(),
            DataModelType::I64 => self.number::<i64>(),
            DataModelType::String => {
                let text: String = self.take()?;
                self.show(serde_json::Value::String(text))
            }
            DataModelType::Unit | DataModelType::UnitStruct => self.show("null"),
            // Nothing else is storage-stable.
            _ => Err(postcard::Error::WontImplement),
        }
    }

    fn number<T: DeserializeOwned + std::fmt::Display>(&mut self) -> Done {
        let number: T = self.take()?;
        self.show(number)
    }

    fn bytes(&mut self, len: usize) -> Done {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.rest = rest;
        self.out.push('"');
        bytes.iter().try_for_each(|byte| self.show(format_args!("{byte:02x}")))?;
        self.out.push('"');
        Ok(())
    }

    fn list<'s>(&mut self, len: usize, of: impl Fn(usize) -> &'s NamedType) -> Done {
        self.out.push('[');
        for at in 0..len {
            if at > 0 {
                self.out.push(',');
            }
            self.value(of(at))?;
        }
        self.out.push(']');
        Ok(())
    }

    fn fields(&mut self, fields: &[&NamedValue]) -> Done {
        self.out.push('{');
        for (at, field) in fields.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            self.show(format_args!("{comma}\"{}\":", field.name))?;
            self.value(field.ty)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn variant(&mut self, name: &str, of: &DataModelVariant) -> Done {
        if matches!(of, DataModelVariant::UnitVariant) {
            return self.show(format_args!("\"{name}\""));
        }
        self.show(format_args!("{{\"{name}\":"))?;
        match of {
            DataModelVariant::UnitVariant => {}
            DataModelVariant::NewtypeVariant(inner) => self.value(inner)?,
            DataModelVariant::TupleVariant(of) => self.list(of.len(), |at| of[at])?,
            DataModelVariant::StructVariant(fields) => self.fields(fields)?,
        }
        self.out.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use socai_domain::{
        id::{IncomingId, OrganId},
        incoming::{events::Arrived, testing},
        ledger::catalogue::{CATALOGUE, RegisterEvent},
        register::events::{BookOpened, Fingerprint, NumberAssigned},
        testing::samples::samples,
        text::{ArrivalNumber, ShortText},
    };

    use super::*;

    /// Every event in which every variant stands: read to its last byte, and JSON.
    #[test]
    fn every_event_that_can_be_stored_is_shown() {
        for entry in CATALOGUE {
            for bytes in samples(entry.schema) {
                let event = DomainEvent::decode(entry.kind, &bytes).unwrap();
                let mut walk = Walk { rest: &bytes, out: String::new() };
                walk.value(entry.schema).unwrap();
                assert!(walk.rest.is_empty(), "{}", entry.kind);
                assert_eq!(walk.out, text(&event), "{}", entry.kind);
                assert!(serde_json::from_str::<Value>(&walk.out).unwrap().is_object(), "{}", walk.out);
                assert!(!walk.out.contains('\n'), "{}", walk.out);
            }
        }
    }

    #[test]
    fn ids_instants_and_bytes_are_written_for_people() {
        let document = IncomingId::new(Uuid::from_u128(0xd0c));
        let fingerprint = Some(Fingerprint::of("a", "1", "b", 2026));
        let number = ArrivalNumber::new(7).unwrap();
        let assigned = NumberAssigned {
            number,
            document,
            fingerprint,
            accepted_duplicates: vec![document],
            accepted_because: None,
        };
        let shown: Value = serde_json::from_str(&text(&RegisterEvent::from(assigned).into())).unwrap();
        let id = "00000000-0000-0000-0000-000000000d0c";
        assert_eq!((&shown["number"], &shown["document"]), (&json!(7), &json!(id)));
        assert_eq!((&shown["accepted_duplicates"], &shown["accepted_because"]), (&json!([id]), &Value::Null));
        let hexadecimal = shown["fingerprint"].as_str().unwrap();
        assert!(hexadecimal.len() == 32 && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hexadecimal}");

        let (organ, series) = (OrganId::new(Uuid::from_u128(1)), ShortText::new("Văn bản \"đến\"").unwrap());
        let opened = BookOpened { organ, series, year: 2026 };
        let shown = text(&RegisterEvent::from(opened).into());
        let wanted = r#"{"organ":"00000000-0000-0000-0000-000000000001","series":"Văn bản \"đến\"","year":2026}"#;
        assert_eq!(shown, wanted);

        let arrived_at = Timestamp::parse("2026-11-21T08:00:00+07:00").unwrap();
        let mut details = testing::details();
        details.promulgated_on = Some(Date::new(2026, 11, 20).unwrap());
        let channel = socai_domain::document_types::Channel::Paper;
        let arrived = Arrived { channel, axis: None, arrived_at, details, files: Vec::new(), follows: None };
        let event = socai_domain::ledger::catalogue::IncomingEvent::from(arrived);
        let shown: Value = serde_json::from_str(&text(&event.into())).unwrap();
        assert_eq!(shown["arrived_at"], "2026-11-21T08:00:00.000000+07:00");
        assert_eq!((&shown["channel"], &shown["axis"]), (&json!("Paper"), &Value::Null));
        assert_eq!(shown["details"]["promulgated_on"], "2026-11-20");
    }
}
