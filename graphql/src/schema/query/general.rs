//! The organ, the one who asks, the ledger, nodes, and the schema's own words.

use async_graphql::{Context, ID, Interface, Object, SimpleObject};
use socai_domain::{
    decide::Who,
    id::{IncomingId, OrganId, PersonId},
    ledger::{StreamId, StreamKind},
};

use crate::{
    error::{ErrorCode, Result},
    language::Language,
    reading::{at_least, services},
    scalars::{DateTime, Position},
    schema::{
        labels::{self, EnumLabels},
        types::{
            document::IncomingDocument,
            ledger::Ledger,
            people::{Organ, Person, Post},
        },
    },
    session::session,
    visible,
};

/// Something with an id of its own (đối tượng có mã): the name of its stream in the ledger.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", method = "node_id", ty = "ID", desc = "The name of its stream in the ledger."))]
pub(crate) enum Node {
    IncomingDocument(IncomingDocument),
    Organ(Organ),
    Person(Person),
}

/// Who asks (người đang truy cập).
#[derive(Debug, SimpleObject)]
pub(crate) struct Viewer {
    /// The person of the token.
    person: Person,
    /// Their organ.
    organ: Option<Organ>,
    /// The posts that they hold now (vị trí đang giữ).
    posts: Vec<Post>,
    /// The posts that they may act in for somebody else now: name one as `actingAs` (vị trí được ủy quyền).
    substitutes_in: Vec<Post>,
    /// When the token ends.
    expires_at: DateTime,
    /// The language of answers.
    language: Language,
}

/// An error code with its message (mã lỗi và thông báo).
#[derive(Debug, SimpleObject)]
pub(crate) struct ErrorMessage {
    /// The code.
    code: ErrorCode,
    /// What to tell a person.
    message: &'static str,
    /// The rule it comes from.
    article: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct GeneralQuery;

/// The organ, the one who asks, the ledger, and the schema's own words.
#[Object]
impl GeneralQuery {
    /// Anything by its id (đối tượng theo mã); null if it is not there or you may not see it.
    async fn node(&self, ctx: &Context<'_>, id: ID, at_least: Option<Position>) -> Result<Option<Node>> {
        self::at_least(ctx, at_least).await?;
        let (services, caller) = (services(ctx), session(ctx).caller()?);
        let Ok(stream) = id.parse::<StreamId>() else { return Ok(None) };
        Ok(match stream.kind() {
            StreamKind::Incoming => {
                let found = visible::document(services, &caller, IncomingId::new(stream.key())).await?;
                found.map(|view| Node::IncomingDocument(view.into()))
            }
            StreamKind::Organ if OrganId::new(stream.key()) == caller.organ => {
                services.views.organ(caller.organ).await?.map(|row| Node::Organ(row.into()))
            }
            StreamKind::Person => {
                let found = services.views.people_by_id(&[PersonId::new(stream.key())]).await?;
                found.first().filter(|row| row.organ == caller.organ).map(|row| Node::Person(Person(row.id)))
            }
            StreamKind::Organ | StreamKind::Register => None,
        })
    }

    /// Your organ (cơ quan của bạn).
    async fn organ(&self, ctx: &Context<'_>, at_least: Option<Position>) -> Result<Option<Organ>> {
        self::at_least(ctx, at_least).await?;
        let caller = session(ctx).caller()?;
        Ok(services(ctx).views.organ(caller.organ).await?.map(Organ::from))
    }

    /// Who you are here (bạn là ai).
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let (services, session) = (services(ctx), session(ctx));
        let caller = session.caller()?;
        let known = services.handler.organ(caller.organ).await?;
        let now = services.clock().now();
        let acts = |post| match known.who(caller.person, Some(post), now) {
            Who::Acting(acting) => Some(acting.on_behalf_of.is_some()),
            _ => None,
        };
        let acting: Vec<_> =
            known.posts.keys().filter_map(|post| acts(*post).map(|other| (Post(*post), other))).collect();
        let of = |other| acting.iter().filter(move |(_, is)| *is == other).map(|(post, _)| *post).collect();
        Ok(Viewer {
            person: Person(caller.person),
            organ: services.views.organ(caller.organ).await?.map(Organ::from),
            posts: of(false),
            substitutes_in: of(true),
            expires_at: DateTime(caller.expires),
            language: session.language,
        })
    }

    /// The ledger itself (sổ cái).
    async fn ledger(&self) -> Ledger {
        Ledger
    }

    /// Every label of every enum (nhãn), for menus.
    async fn labels(&self, ctx: &Context<'_>, lang: Option<Language>) -> Vec<EnumLabels> {
        labels::all(lang.unwrap_or(session(ctx).language))
    }

    /// Every error code with its message (các mã lỗi).
    async fn error_codes(&self, ctx: &Context<'_>, lang: Option<Language>) -> Vec<ErrorMessage> {
        let language = lang.unwrap_or(session(ctx).language);
        let message =
            |code: ErrorCode| ErrorMessage { code, message: code.message(language), article: code.article(language) };
        ErrorCode::all().map(message).collect()
    }
}
