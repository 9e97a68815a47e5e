//! Scalars: values with a meaning of their own, each with its spelling.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use socai_domain::{ledger, time};

macro_rules! scalars {
    ($($(#[$meta:meta])* $name:ident($of:ty) as $graphql:literal, $parse:expr;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $of);

        $(#[$meta])*
        #[Scalar(name = $graphql)]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
                let parse: fn(&str) -> Result<$of, String> = $parse;
                parse(text).map(Self).map_err(InputValueError::custom)
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.to_string())
            }
        }

        impl From<$of> for $name {
            fn from(value: $of) -> Self {
                Self(value)
            }
        }
    )* };
}

scalars! {
    /// A place in the ledger's one order (vị trí trong sổ cái). Opaque: keep it as text and give it back; positions of two
    /// ledgers cannot be compared.
    Position(ledger::Position) as "Position", |text| text.parse().map_err(|error: ledger::log::NotAPosition| error.to_string());

    /// The place of a record in the history of its thing, from 0 (số thứ tự bản ghi). A string, because 64 bits do not fit
    /// a JavaScript number.
    Revision(ledger::Revision) as "Revision", |text| text
        .parse()
        .map(ledger::Revision::new)
        .map_err(|_| format!("not a revision: {text:?}; write a whole number"));

    /// A calendar date (ngày): `2026-11-21`.
    Date(time::Date) as "Date", |text| time::Date::parse(text).map_err(|error| error.to_string());

    /// An instant (thời điểm): RFC 3339 with an offset, `2026-11-21T08:00:00+07:00`. Answers are in Viet Nam's offset.
    DateTime(time::Timestamp) as "DateTime", |text| time::Timestamp::parse(text).map_err(|error| error.to_string());

    /// A UUID (RFC 9562), in its usual spelling.
    Uuid(uuid::Uuid) as "UUID", |text| uuid::Uuid::try_parse(text).map_err(|_| format!("not a UUID: {text:?}"));

    /// The hash of a record: BLAKE3, 64 hexadecimal digits (giá trị băm).
    Hash(ledger::RecordHash) as "Hash", |text| text.parse().map_err(|error: ledger::record::NotAHash| error.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: ScalarType>(text: &str) -> Option<T> {
        T::parse(Value::from(text)).ok()
    }

    #[test]
    fn each_survives_its_text() {
        let position = ledger::Position::new(ledger::LedgerId(uuid::Uuid::from_u128(1)), 1, 5);
        let cases = [
            (Position(position).to_value(), parse::<Position>(&position.to_string()).map(|s| s.to_value())),
            (Value::from("7"), parse::<Revision>("7").map(|s| s.to_value())),
            (Value::from("2026-02-28"), parse::<Date>("2026-02-28").map(|s| s.to_value())),
            (
                Value::from("2026-11-21T08:00:00.000000+07:00"),
                parse::<DateTime>("2026-11-21T01:00:00Z").map(|s| s.to_value()),
            ),
        ];
        for (expected, read) in cases {
            assert_eq!(read, Some(expected));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse::<Date>("2026-02-30"), None);
        assert_eq!(parse::<Date>("30/10/2026"), None);
        assert_eq!(parse::<DateTime>("2026-11-21T08:00:00"), None, "without an offset");
        assert_eq!(parse::<Revision>("-1"), None);
        assert_eq!(parse::<Position>("5"), None);
        assert_eq!(parse::<Hash>("abc"), None);
        assert!(Revision::parse(Value::from(7)).is_err(), "revisions are strings");
    }
}
