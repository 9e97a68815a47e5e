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

/// One page of several lists, one after the other, in the making.
pub(crate) struct Chain<T> {
    page: Page<T>,
    first: u32,
    after: Option<Cursor>,
    /// The list that is asked next.
    at: usize,
    lists: usize,
}

impl<T> Chain<T> {
    /// In the cursors of its items each list has a name of its own and so many keys.
    pub(crate) fn of(lists: &[(&str, usize)], request: &PageRequest) -> Result<Self, ViewsError> {
        let after = request.after.clone();
        let goes_on =
            |(name, count): &(&str, usize)| after.as_ref().is_none_or(|after| keys(name, after, *count).is_ok());
        let at = lists.iter().position(goes_on).ok_or(ViewsError::BadCursor)?;
        let page = Page { items: Vec::new(), has_next: false, end_cursor: None, position: None };
        Ok(Self { page, first: request.first, after, at, lists: lists.len() })
    }

    fn left(&self) -> u32 {
        self.first.saturating_sub(u32::try_from(self.page.items.len()).unwrap_or(u32::MAX))
    }

    /// Where the page is full, one more tells whether it is the last.
    fn is_full(&self) -> bool {
        self.left() == 0 && !self.page.items.is_empty()
    }

    /// Of which list a page is wanted, and which one.
    pub(crate) fn wants(&mut self) -> Option<(usize, PageRequest)> {
        let first = if self.is_full() { 1 } else { self.left() };
        let wanted = !self.page.has_next && self.at < self.lists;
        wanted.then(|| (self.at, PageRequest { first, after: self.after.take() }))
    }

    /// Takes that page.
    pub(crate) fn take(&mut self, next: Page<T>) {
        self.at += 1;
        self.page.position = next.position;
        if self.is_full() {
            self.page.has_next = !next.items.is_empty();
        } else {
            self.page.has_next = next.has_next;
            self.page.items.extend(next.items);
        }
    }

    /// The page that was made.
    pub(crate) fn page(self) -> Page<T> {
        let end_cursor = self.page.items.last().map(|(cursor, _)| cursor.clone());
        Page { end_cursor, ..self.page }
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

    /// Lists of so many items each, chained, in pages of `first`: how many items each page had.
    fn chained(lists: &[i64], first: u32) -> Vec<usize> {
        let names: Vec<(String, usize)> = (0..lists.len()).map(|at| (format!("list {at}"), 2)).collect();
        let names: Vec<(&str, usize)> = names.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let (mut request, mut seen, mut pages) = (PageRequest::first(first), Vec::new(), Vec::new());
        loop {
            let mut chain = Chain::of(&names, &request).unwrap();
            while let Some((at, PageRequest { first, after })) = chain.wants() {
                assert!(first > 0);
                let begin = after.map_or(0, |after| match keys(names[at].0, &after, 2).unwrap()[1] {
                    Value::Int(number) => number + 1,
                    ref other => panic!("{other:?}"),
                });
                let all = begin..lists[at];
                let has_next = all.clone().count() > first as usize;
                let item = |number| (cursor(names[at].0, &[Value::Null, Value::Int(number)], None), (at, number));
                let items: Vec<_> = all.take(first as usize).map(item).collect();
                chain.take(Page { items, has_next, end_cursor: None, position: None });
            }
            let page = chain.page();
            pages.push(page.items.len());
            seen.extend(page.nodes().copied());
            assert_eq!(page.end_cursor.as_ref(), page.items.last().map(|(cursor, _)| cursor));
            if !page.has_next {
                break;
            }
            request = PageRequest::first(first).after(page.end_cursor.unwrap());
        }
        let all = lists.iter().enumerate().flat_map(|(at, count)| (0..*count).map(move |number| (at, number)));
        assert_eq!(seen, all.collect::<Vec<_>>());
        pages
    }

    #[test]
    fn chained_lists_are_one() {
        assert_eq!(chained(&[3, 4], 2), [2, 2, 2, 1]);
        assert_eq!(chained(&[2, 1], 2), [2, 1], "the first fills a page, and there is more");
        assert_eq!(chained(&[2, 0], 2), [2], "the first fills a page, and there is nothing more");
        assert_eq!(chained(&[0, 0, 2], 5), [2]);
        assert_eq!(chained(&[0], 5), [0]);
        let foreign = PageRequest::first(2).after(cursor("another", &[Value::Null, Value::Null], None));
        assert!(matches!(Chain::<i64>::of(&[("one", 2), ("two", 2)], &foreign), Err(ViewsError::BadCursor)));
    }
}
