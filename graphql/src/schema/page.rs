//! Relay connections: pages by key, and how many there are when somebody asks.

use std::{borrow::Cow, future::Future};

use async_graphql::{Context, OutputType, SimpleObject, TypeName, connection::PageInfo};
use futures::future::try_join_all;
use socai_projections::{Cursor, MAX_PAGE, Page, PageRequest, ViewsError};

use crate::{
    error::{ApiError, Hint, Result},
    scalars::Position,
};

/// Items on a page unless the client says.
pub(crate) const USUAL: u32 = 20;

/// An item of a page, with its own cursor.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct Edge<T: OutputType> {
    /// To ask for what follows: `after`.
    pub(crate) cursor: String,
    /// The item.
    pub(crate) node: T,
}

/// A page of a list (một trang của danh sách). What is inserted later never shifts the pages after it.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct Connection<T: OutputType> {
    /// The items in order.
    pub(crate) edges: Vec<Edge<T>>,
    /// Is there more?
    pub(crate) page_info: PageInfo,
    /// How many there are in all (tổng số). Counted only when selected.
    pub(crate) total_count: Option<u64>,
    /// The position of the ledger that the page reflects.
    pub(crate) position: Option<Position>,
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// `first` and `after` as given.
pub(crate) fn request(first: Option<u32>, after: Option<String>) -> Result<PageRequest> {
    let first = first.unwrap_or(USUAL);
    if first == 0 || first > MAX_PAGE {
        let hint = Hint::new(format!("mỗi trang có 1 đến {MAX_PAGE} mục"), format!("a page has 1 to {MAX_PAGE} items"));
        return Err(ApiError::field("first", hint));
    }
    Ok(PageRequest { first, after: after.map(Cursor::from_text) })
}

/// A page with its items made into what the schema shows; what cannot be shown any more is left out.
pub(crate) async fn connect<T, U: OutputType, F: Future<Output = Result<Option<U>>>>(
    ctx: &Context<'_>,
    request: &PageRequest,
    page: impl Future<Output = Result<Page<T>, ViewsError>>,
    count: impl Future<Output = Result<u64, ViewsError>>,
    show: impl Fn(T) -> F,
) -> Result<Connection<U>> {
    let page = page.await?;
    let total_count = if ctx.look_ahead().field("totalCount").exists() { Some(count.await?) } else { None };
    let page_info = PageInfo {
        has_previous_page: request.after.is_some(),
        has_next_page: page.has_next,
        start_cursor: page.items.first().map(|(cursor, _)| cursor.as_str().to_owned()),
        end_cursor: page.end_cursor.as_ref().map(|cursor| cursor.as_str().to_owned()),
    };
    let (cursors, items): (Vec<_>, Vec<_>) = page.items.into_iter().unzip();
    // All at once: what a loader brings comes together.
    let shown = try_join_all(items.into_iter().map(show)).await?;
    let edge = |(cursor, node): (Cursor, Option<U>)| Some(Edge { cursor: cursor.as_str().to_owned(), node: node? });
    let edges = cursors.into_iter().zip(shown).filter_map(edge).collect();
    Ok(Connection { edges, page_info, total_count, position: page.position.map(Position) })
}
