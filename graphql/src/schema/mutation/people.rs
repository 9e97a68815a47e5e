//! People: name and contacts.

use async_graphql::{Context, ID, InputObject, Object};
use socai_domain::{
    id::PersonId,
    person::{change::ChangePerson, register::RegisterPerson},
    text::{PersonName, ShortText},
};

use super::{PersonPayload, command_id, on_person};
use crate::{
    error::Result,
    schema::input::{self, Envelope, field, optional},
    session::session,
};

/// Input of `registerPerson`.
#[derive(Debug, InputObject)]
pub(crate) struct RegisterPersonInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// Full name.
    name: String,
    /// Official e-mail address.
    email: Option<String>,
    /// Telephone for notices.
    phone: Option<String>,
}

/// Input of `changePerson`.
#[derive(Debug, InputObject)]
pub(crate) struct ChangePersonInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// Who.
    person: ID,
    /// Full name.
    name: String,
    /// Official e-mail address.
    email: Option<String>,
    /// Telephone for notices.
    phone: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct PeopleMutation;

/// People (người).
#[Object]
impl PeopleMutation {
    /// Make a person known (đăng ký người dùng). By an administrator.
    async fn register_person(&self, ctx: &Context<'_>, input: RegisterPersonInput) -> Result<PersonPayload> {
        let command = RegisterPerson {
            name: field("name", PersonName::new(input.name))?,
            email: optional("email", input.email, ShortText::new)?,
            phone: optional("phone", input.phone, ShortText::new)?,
        };
        let person = PersonId::new(command_id(&input.envelope).creates(session(ctx).caller()?.organ));
        on_person(ctx, person, &input.envelope, command).await
    }

    /// Change a person's name or contacts (sửa thông tin người dùng).
    async fn change_person(&self, ctx: &Context<'_>, input: ChangePersonInput) -> Result<PersonPayload> {
        let person = input::person("person", &input.person)?;
        let command = ChangePerson {
            person,
            name: field("name", PersonName::new(input.name))?,
            email: optional("email", input.email, ShortText::new)?,
            phone: optional("phone", input.phone, ShortText::new)?,
        };
        on_person(ctx, person, &input.envelope, command).await
    }
}
