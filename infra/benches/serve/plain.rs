//! The peer: plain async-graphql and axum over a pool of sqlx, with the same rows of the same database. It knows nobody and
//! checks no rights.

use std::path::Path;

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, ID, Object, Request, Response, Result, Schema, SimpleObject,
    connection::{Connection, Edge},
};
use axum::{Json, Router, extract::State, routing::post};
use socai_domain::time::{Date, Timestamp};
use sqlx::{
    Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};
use tokio::net::TcpListener;
use uuid::Uuid;

const LINES: &str = "SELECT e.book, e.number, b.year, e.document_id, l.arrived_on, l.issuer, l.code, l.promulgated_on, \
    l.type_name, l.abstract, l.passed_on_at, l.signed_at, l.note FROM register_entry e JOIN register_book b USING (book) \
    JOIN document d ON d.id = e.document_id LEFT JOIN register_line l ON l.document = d.document \
    WHERE b.year = ? AND (e.book, e.number) > (?, ?) ORDER BY e.book, e.number LIMIT ?";
const DOCUMENT: &str = "SELECT id, revision, code, arrived_at, stage_since, type_name, issuer_name, abstract, \
    promulgated_on, number, year FROM document WHERE id = ?";

type PlainSchema = Schema<Query, EmptyMutation, EmptySubscription>;

#[derive(SimpleObject)]
struct RegisterLine {
    year: Option<i16>,
    number: i64,
    arrived_on: Option<String>,
    issuer: Option<String>,
    code: Option<String>,
    promulgated_on: Option<String>,
    type_name: Option<String>,
    abstract_text: Option<String>,
    passed_on_at: Option<String>,
    signed_at: Option<String>,
    note: Option<String>,
    document_id: ID,
}

#[derive(SimpleObject)]
struct Details {
    type_name: Option<String>,
    issuer_name: Option<String>,
    abstract_text: Option<String>,
    promulgated_on: Option<String>,
}

#[derive(SimpleObject)]
struct Registration {
    number: Option<i64>,
    year: Option<i16>,
}

#[derive(SimpleObject)]
struct IncomingDocument {
    id: ID,
    revision: i64,
    code: Option<String>,
    arrived_at: Option<String>,
    stage_since: Option<String>,
    details: Details,
    registration: Registration,
}

fn day(row: &SqliteRow, at: usize) -> sqlx::Result<Option<String>> {
    Ok(row.try_get::<Option<i32>, _>(at)?.map(|days| Date::from_days(days).to_string()))
}

fn instant(row: &SqliteRow, at: usize) -> sqlx::Result<Option<String>> {
    Ok(row.try_get::<Option<i64>, _>(at)?.map(|micros| Timestamp::from_micros(micros).to_string()))
}

fn document_id(row: &SqliteRow, at: usize) -> sqlx::Result<ID> {
    let id = Uuid::from_slice(row.try_get(at)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(format!("incoming-{id}").into())
}

fn line(row: &SqliteRow) -> sqlx::Result<RegisterLine> {
    Ok(RegisterLine {
        year: row.try_get(2)?,
        number: row.try_get(1)?,
        document_id: document_id(row, 3)?,
        arrived_on: day(row, 4)?,
        issuer: row.try_get(5)?,
        code: row.try_get(6)?,
        promulgated_on: day(row, 7)?,
        type_name: row.try_get(8)?,
        abstract_text: row.try_get(9)?,
        passed_on_at: instant(row, 10)?,
        signed_at: instant(row, 11)?,
        note: row.try_get(12)?,
    })
}

fn document(row: &SqliteRow) -> sqlx::Result<IncomingDocument> {
    Ok(IncomingDocument {
        id: document_id(row, 0)?,
        revision: row.try_get(1)?,
        code: row.try_get(2)?,
        arrived_at: instant(row, 3)?,
        stage_since: instant(row, 4)?,
        details: Details {
            type_name: row.try_get(5)?,
            issuer_name: row.try_get(6)?,
            abstract_text: row.try_get(7)?,
            promulgated_on: day(row, 8)?,
        },
        registration: Registration { number: row.try_get(9)?, year: row.try_get(10)? },
    })
}

struct Query;

#[Object]
impl Query {
    async fn incoming_register(
        &self,
        ctx: &Context<'_>,
        year: i16,
        first: i64,
        after: Option<String>,
    ) -> Result<Connection<String, RegisterLine>> {
        let after = after.as_deref().and_then(|cursor| cursor.split_once(':')).unwrap_or(("0", "0"));
        let after: (i64, i64) = (after.0.parse()?, after.1.parse()?);
        let rows = sqlx::query(LINES).bind(year).bind(after.0).bind(after.1).bind(first + 1);
        let rows = rows.fetch_all(ctx.data_unchecked::<SqlitePool>()).await?;
        let more = rows.len() > usize::try_from(first)?;
        let mut page = Connection::new(false, more);
        for row in rows.iter().take(usize::try_from(first)?) {
            let cursor = format!("{}:{}", row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?);
            page.edges.push(Edge::new(cursor, line(row)?));
        }
        Ok(page)
    }

    async fn incoming_document(&self, ctx: &Context<'_>, id: ID) -> Result<Option<IncomingDocument>> {
        let id = Uuid::parse_str(id.strip_prefix("incoming-").unwrap_or_default())?;
        let row = sqlx::query(DOCUMENT).bind(id.as_bytes().as_slice());
        let row = row.fetch_optional(ctx.data_unchecked::<SqlitePool>()).await?;
        Ok(row.as_ref().map(document).transpose()?)
    }
}

async fn answer(State(schema): State<PlainSchema>, Json(request): Json<Request>) -> Json<Response> {
    Json(schema.execute(request).await)
}

/// Serves the database; tells where on standard output.
pub(crate) async fn serve(views: &Path) {
    let options = SqliteConnectOptions::new().filename(views).read_only(true);
    let pool = SqlitePoolOptions::new().connect_with(options).await.expect("it opens");
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(pool).finish();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it listens"));
    let router = Router::new().route("/graphql", post(answer)).with_state(schema);
    axum::serve(listener, router).await.expect("it serves");
}
