//! `shared.proto`.

use prost::{Message, Oneof};
use uuid::Uuid;

/// Nothing.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Empty {}

/// A UUID, in one of two forms.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WireUuid {
    /// Its value.
    #[prost(oneof = "UuidValue", tags = "1, 2")]
    pub value: Option<UuidValue>,
}

/// The two forms of a UUID.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum UuidValue {
    /// As two numbers.
    #[prost(message, tag = "1")]
    Structured(Structured),
    /// As text.
    #[prost(string, tag = "2")]
    Text(String),
}

/// A UUID as two numbers, big end first.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Structured {
    /// Its first eight bytes.
    #[prost(int64, tag = "1")]
    pub most: i64,
    /// Its last eight bytes.
    #[prost(int64, tag = "2")]
    pub least: i64,
}

impl WireUuid {
    /// As text.
    pub fn text(id: Uuid) -> Self {
        Self { value: Some(UuidValue::Text(id.to_string())) }
    }

    /// As two numbers.
    pub fn structured(id: Uuid) -> Self {
        let (most, least) = id.as_u64_pair();
        let (most, least) = (most.cast_signed(), least.cast_signed());
        Self { value: Some(UuidValue::Structured(Structured { most, least })) }
    }

    /// The UUID, if this is one.
    pub fn uuid(&self) -> Option<Uuid> {
        match self.value.as_ref()? {
            UuidValue::Text(text) => Uuid::try_parse(text).ok(),
            UuidValue::Structured(Structured { most, least }) => {
                Some(Uuid::from_u64_pair(most.cast_unsigned(), least.cast_unsigned()))
            }
        }
    }
}

/// The name of a stream.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct StreamName {
    /// UTF-8.
    #[prost(bytes = "vec", tag = "3")]
    pub name: Vec<u8>,
}

impl From<&str> for StreamName {
    fn from(name: &str) -> Self {
        Self { name: name.as_bytes().to_vec() }
    }
}

/// A place in `$all`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Place {
    /// Where it was committed.
    #[prost(uint64, tag = "1")]
    pub commit: u64,
    /// Where it was prepared; the same for what is written without an explicit transaction.
    #[prost(uint64, tag = "2")]
    pub prepare: u64,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct WireTime {
    /// Since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Of the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_uuid_are_read() {
        let id = Uuid::from_u128(0x8111_2222_3333_4444_9555_6666_7777_8888);
        assert_eq!(WireUuid::text(id).uuid(), Some(id));
        assert_eq!(WireUuid::structured(id).uuid(), Some(id));
        assert_eq!(WireUuid { value: Some(UuidValue::Text("7".into())) }.uuid(), None);
        assert_eq!(WireUuid { value: None }.uuid(), None);
    }

    #[test]
    fn field_numbers_are_those_that_were_published() {
        assert_eq!(StreamName::from("a").encode_to_vec(), [3 << 3 | 2, 1, b'a']);
        assert_eq!(Place { commit: 1, prepare: 2 }.encode_to_vec(), [1 << 3, 1, 2 << 3, 2]);
    }
}
