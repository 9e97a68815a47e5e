//! Pages of lists, by key: what was inserted before the cursor never shifts a page.

use std::future::Future;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use socai_domain::ledger::Position;

use crate::{error::ViewsError, value::Value};

/// The most items on a page.
pub const MAX_PAGE: u32 = 100;

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items, 1 to [`MAX_PAGE`].
    pub first: u32,
    /// After this cursor; from the beginning without one.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// The first page, of at most `first` items.
    pub fn first(first: u32) -> Self {
        Self { first, after: None }
    }

    /// The page after a cursor.
    #[must_use]
    pub fn after(self, cursor: Cursor) -> Self {
        Self { after: Some(cursor), ..self }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, each with its own cursor.
    pub items: Vec<(Cursor, T)>,
    /// Is there more?
    pub has_next: bool,
    /// The cursor of the last item.
    pub end_cursor: Option<Cursor>,
    /// The position of the log that the page reflects; none before the first record.
    pub position: Option<Position>,
}

impl<T> Page<T> {
    /// The same page of other things.
    pub(crate) fn map<U>(self, make: impl Fn(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(|(cursor, item)| (cursor, make(item))).collect();
        Page { items, has_next: self.has_next, end_cursor: self.end_cursor, position: self.position }
    }

    /// The items without their cursors.
    pub fn nodes(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|(_, item)| item)
    }
}

/// One page of those items of a list that are wanted, where no SQL can tell: whole pages are looked through.
pub(crate) async fn sift<T, F: Future<Output = Result<Page<T>, ViewsError>>>(
    request: &PageRequest,
    list: impl Fn(PageRequest) -> F,
    wanted: impl Fn(&T) -> bool,
) -> Result<Page<T>, ViewsError> {
    let first = usize::try_from(request.first).unwrap_or(usize::MAX);
    // The first look is of the size asked for, so that a wrong size is refused.
    let (mut items, mut request) = (Vec::new(), request.clone());
    loop {
        let looked = list(request).await?;
        items.extend(looked.items.into_iter().filter(|(_, item)| wanted(item)));
        let Some(cursor) = looked.end_cursor.filter(|_| looked.has_next && items.len() <= first) else {
            let has_next = items.len() > first;
            items.truncate(first);
            let end_cursor = items.last().map(|(cursor, _)| cursor.clone());
            return Ok(Page { items, has_next, end_cursor, position: looked.position });
        };
        request = PageRequest::first(MAX_PAGE).after(cursor);
    }
}

/// Where in a list an item stands: its sort key and id, by which the list goes on, and the position at which it was read:
/// only for who looks into a cursor that was reported, nothing here reads it. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Takes back what a client was given; checked when a list is asked with it.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For the client.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    list: String,
    keys: Vec<Key>,
    position: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Key {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The cursor of an item of this list.
pub(crate) fn cursor(list: &str, keys: &[Value], position: Option<Position>) -> Cursor {
    let keys = keys.iter().cloned().map(|value| match value {
        Value::Null => Key::Null,
        Value::Int(number) => Key::Int(number),
        Value::Text(text) => Key::Text(text),
        Value::Bytes(bytes) => Key::Bytes(bytes),
    });
    let position = position.map(|position| position.to_string());
    let content = Content { list: list.to_owned(), keys: keys.collect(), position };
    let bytes = postcard::to_stdvec(&content).expect("writing to memory does not fail");
    Cursor(URL_SAFE_NO_PAD.encode(bytes))
}

/// The keys in a cursor of this list.
pub(crate) fn keys(list: &str, cursor: &Cursor, count: usize) -> Result<Vec<Value>, ViewsError> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(&cursor.0).ok()?;
        let content: Content = postcard::from_bytes(&bytes).ok()?;
        (content.list == list && content.keys.len() == count).then_some(content.keys)
    };
    let keys = read().ok_or(ViewsError::BadCursor)?;
    let value = |key| match key {
        Key::Null => Value::Null,
        Key::Int(number) => Value::Int(number),
        Key::Text(text) => Value::Text(text),
        Key::Bytes(bytes) => Value::Bytes(bytes),
    };
    Ok(keys.into_iter().map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let keys_in = [Value::Int(-4), Value::Bytes(vec![1, 2]), Value::Text("đ".into())];
        let given = cursor("register", &keys_in, None);
        assert_eq!(keys("register", &given, 3).unwrap(), keys_in);
        assert!(matches!(keys("search", &given, 3), Err(ViewsError::BadCursor)));
        assert!(matches!(keys("register", &given, 2), Err(ViewsError::BadCursor)));
        for wrong in ["", "0", "zz", "ff", "đđ", "+1"] {
            assert!(matches!(keys("register", &Cursor::from_text(wrong), 3), Err(ViewsError::BadCursor)), "{wrong}");
        }
    }
}
