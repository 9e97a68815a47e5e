//! What a column can hold, on either database, and how the domain's types become it.

use socai_domain::{
    document_types::{Channel, Urgency},
    id::{BranchId, IncomingId, OrganId, PersonId, PostId, RegisterId, UnitId},
    incoming::{BranchEnd, Stage, events::BranchRole},
    organ::Role,
    register::VoidReason,
    time::{Date, Timestamp},
};
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};
use uuid::Uuid;

use crate::{db::Row, error::ViewsError};

/// A value of a row. Instants are microseconds, dates days, ids 16 bytes, words of the domain their stored ordinals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A type that a column can hold.
pub(crate) trait Column: Sized {
    fn to_value(&self) -> Value;
    fn from_value(value: Value) -> Option<Self>;
}

/// A word of the domain as it stands in the text of a query.
pub(crate) fn literal<T: Column>(word: &T) -> String {
    match word.to_value() {
        Value::Int(number) => number.to_string(),
        _ => "NULL".to_owned(),
    }
}

impl<T: Column> From<T> for Value {
    fn from(value: T) -> Self {
        value.to_value()
    }
}

impl Column for i64 {
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(number) = value { Some(number) } else { None }
    }
}

impl Column for String {
    fn to_value(&self) -> Value {
        Value::Text(self.replace('\0', ""))
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Column for Vec<u8> {
    fn to_value(&self) -> Value {
        Value::Bytes(self.clone())
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
    }
}

impl<T: Column> Column for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Column::to_value)
    }
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

macro_rules! through_int {
    ($($type:ty: |$value:ident| $to:expr, |$number:ident| $from:expr;)*) => { $(
        impl Column for $type {
            fn to_value(&self) -> Value {
                let $value = self;
                Value::Int($to)
            }
            fn from_value(value: Value) -> Option<Self> {
                let $number = i64::from_value(value)?;
                $from
            }
        }
    )* };
}

through_int! {
    bool: |value| i64::from(*value), |number| Some(number != 0);
    u16: |value| i64::from(*value), |number| number.try_into().ok();
    i16: |value| i64::from(*value), |number| number.try_into().ok();
    u32: |value| i64::from(*value), |number| number.try_into().ok();
    Timestamp: |value| value.as_micros(), |number| Some(Timestamp::from_micros(number));
    Date: |value| i64::from(value.as_days()), |number| Some(Date::from_days(number.try_into().ok()?));
}

macro_rules! through_bytes {
    ($($id:ty),* $(,)?) => { $(
        impl Column for $id {
            fn to_value(&self) -> Value {
                Value::Bytes(self.uuid().as_bytes().to_vec())
            }
            fn from_value(value: Value) -> Option<Self> {
                Some(Self::new(Uuid::from_slice(&Vec::<u8>::from_value(value)?).ok()?))
            }
        }
    )* };
}

through_bytes!(OrganId, PersonId, UnitId, PostId, RegisterId, IncomingId, BranchId);

/// Words are stored by their place in these lists, which only grow at the end.
macro_rules! through_place {
    ($($type:ident: $($word:ident),* $(,)?;)*) => { $(
        impl $crate::value::Column for $type {
            fn to_value(&self) -> $crate::value::Value {
                let place = [$(Self::$word),*].iter().position(|word| word == self);
                $crate::value::Value::Int(place.map_or(-1, |place| i64::try_from(place).unwrap_or(-1)))
            }
            fn from_value(value: $crate::value::Value) -> Option<Self> {
                [$(Self::$word),*].get(usize::try_from(<i64 as $crate::value::Column>::from_value(value)?).ok()?).copied()
            }
        }
    )* };
}
pub(crate) use through_place;

through_place! {
    Stage: Unopened, Arrived, Registered, Submitted, Directed, Resolved, Refused, Cancelled;
    BranchEnd: Completed, Withdrawn, Returned, ClosedWithDocument;
    BranchRole: Lead, Coordinating, Informed;
    Channel: Axis, Paper, Internal;
    Urgency: Normal, Urgent, VeryUrgent, Flash, FlashTimed;
    Role: Leader, UnitHead, RecordsClerk, Specialist, Inspector, Administrator;
    VoidReason: Error, Duplicate, BelongsToSecretRegister, RecalledBySender;
}

/// Reads a row's columns from left to right.
pub(crate) struct Cells<'a> {
    row: &'a Row,
    at: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn of(row: &'a Row) -> Self {
        Self { row, at: 0 }
    }

    /// From a later column on.
    pub(crate) fn skipping(row: &'a Row, at: usize) -> Self {
        Self { row, at }
    }

    /// The next column.
    pub(crate) fn next<T: Column>(&mut self) -> Result<T, ViewsError> {
        let at = self.at;
        self.at += 1;
        T::from_value(value(self.row, at)?)
            .ok_or_else(|| ViewsError::Damaged(format!("column {at} is not of its type")))
    }
}

/// What is in a column, borrowed from its row.
enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Cell<'a> {
    fn of(row: &'a Row, at: usize) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => {
                let raw = row.try_get_raw(at)?;
                if raw.is_null() {
                    return Ok(Self::Null);
                }
                Ok(match raw.type_info().name() {
                    "TEXT" => Self::Text(row.try_get_unchecked(at)?),
                    "BLOB" => Self::Bytes(row.try_get_unchecked(at)?),
                    _ => Self::Int(row.try_get_unchecked(at)?),
                })
            }
            Row::Postgres(row) => {
                let raw = row.try_get_raw(at)?;
                if raw.is_null() {
                    return Ok(Self::Null);
                }
                Ok(match raw.type_info().name() {
                    "INT8" => Self::Int(row.try_get_unchecked(at)?),
                    "BYTEA" => Self::Bytes(row.try_get_unchecked(at)?),
                    "TEXT" => Self::Text(row.try_get_unchecked(at)?),
                    // What literals and conditions are.
                    "INT4" => Self::Int(row.try_get_unchecked::<i32, _>(at)?.into()),
                    "BOOL" => Self::Int(row.try_get_unchecked::<bool, _>(at)?.into()),
                    other => return Err(sqlx::Error::TypeNotFound { type_name: other.to_owned() }),
                })
            }
        }
    }
}

/// The value in a column, whatever it is.
pub(crate) fn value(row: &Row, at: usize) -> Result<Value, ViewsError> {
    Ok(match Cell::of(row, at)? {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Int(number),
        Cell::Text(text) => Value::Text(text.to_owned()),
        Cell::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
    })
}

/// Adds the canonical encoding of the value in a column: a tag, the length where there is one, the bytes. What digests are
/// made of.
pub(crate) fn encode(row: &Row, at: usize, out: &mut Vec<u8>) -> Result<(), ViewsError> {
    let (tag, bytes): (u8, &[u8]) = match Cell::of(row, at)? {
        Cell::Null => {
            out.push(0);
            return Ok(());
        }
        Cell::Int(number) => {
            out.push(1);
            out.extend_from_slice(&number.to_be_bytes());
            return Ok(());
        }
        Cell::Text(text) => (2, text.as_bytes()),
        Cell::Bytes(bytes) => (3, bytes),
    };
    out.push(tag);
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn a_column_has_one_encoding() {
        let mut db = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let row = sqlx::query("SELECT NULL, -2, 'Sổ', x'00ff', ''").fetch_one(&mut db).await.unwrap();
        let row = Row::Sqlite(row);
        let mut bytes = Vec::new();
        for at in 0..5 {
            encode(&row, at, &mut bytes).unwrap();
        }
        let mut wanted = vec![0, 1, 255, 255, 255, 255, 255, 255, 255, 254];
        wanted.extend([2, 0, 0, 0, 0, 0, 0, 0, 4, b'S', 0xe1, 0xbb, 0x95]);
        wanted.extend([3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 255]);
        wanted.extend([2, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes, wanted);
    }
}
