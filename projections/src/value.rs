//! What a column can hold, on either database, and how the domain's types become it.

use socai_domain::{
    document_types::{Channel, Urgency},
    id::{BranchId, IncomingId, OrganId, PersonId, PostId, RegisterId, UnitId},
    incoming::{BranchEnd, Stage, events::BranchRole},
    organ::Role,
    register::VoidReason,
    time::{Date, Timestamp},
};
use sqlx::{Row as _, sqlite::SqliteRow};
use uuid::Uuid;

use crate::error::ViewsError;

/// A value of a row. Instants are microseconds, dates days, ids 16 bytes, words of the domain their stored ordinals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// Adds the canonical encoding: a tag, the length where there is one, the bytes. What digests are made of.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (tag, bytes): (u8, &[u8]) = match self {
            Self::Null => return out.push(0),
            Self::Int(number) => {
                out.push(1);
                return out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Text(text) => (2, text.as_bytes()),
            Self::Bytes(bytes) => (3, bytes),
        };
        out.push(tag);
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    }
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
    row: &'a SqliteRow,
    at: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn of(row: &'a SqliteRow) -> Self {
        Self { row, at: 0 }
    }

    /// From a later column on.
    pub(crate) fn skipping(row: &'a SqliteRow, at: usize) -> Self {
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

/// The value in a column, whatever it is.
pub(crate) fn value(row: &SqliteRow, at: usize) -> Result<Value, ViewsError> {
    use sqlx::{TypeInfo as _, ValueRef as _};
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let name = raw.type_info().name().to_owned();
    Ok(match name.as_str() {
        "TEXT" => Value::Text(row.try_get_unchecked(at)?),
        "BLOB" => Value::Bytes(row.try_get_unchecked(at)?),
        _ => Value::Int(row.try_get_unchecked(at)?),
    })
}
