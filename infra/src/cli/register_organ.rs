//! `socai register-organ`: the first agency of a fresh installation, and any other.

use std::{process::ExitCode, sync::Arc};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use socai::{app::App, clock::SystemClock};
use socai_commands::{CommandError, Envelope, Handler, Requester};
use socai_domain::{
    id::{CommandId, OrganId, PersonId, derive},
    organ::{self, Organ, register::RegisterOrgan},
    person::{self, register::RegisterPerson},
    refusal::Code,
    text::{OrganCode, PersonName, ShortText},
};

use super::{flags::Place, telling};

/// Registers an agency with its first administrator, who then makes units, posts and people over the API. The server must
/// be stopped. Doing it again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  socai register-organ --code H99.05 --name 'Sở Ví Dụ' --administrator 'Trần Thị Ví Dụ'")]
pub(crate) struct Register {
    /// The agency's identifier (mã định danh), in either form: H99.05 or 000.00.05.H99.
    #[arg(long, value_parser = text(OrganCode::new))]
    code: OrganCode,
    /// Its name.
    #[arg(long, value_parser = text(ShortText::new))]
    name: ShortText,
    /// The full name of its first administrator.
    #[arg(long, value_name = "NAME", value_parser = text(PersonName::new))]
    administrator: PersonName,
    /// The title of the administrator's post.
    #[arg(long, default_value = "Quản trị viên", value_parser = text(ShortText::new))]
    title: ShortText,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// A parser of one of the domain's texts.
fn text<T, E: ToString>(
    read: impl Fn(String) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |given: &str| read(given.to_owned()).map_err(|error| error.to_string())
}

/// What to say when the same agency is registered with other words.
fn registered_already(code: &OrganCode, organ: &Organ) -> anyhow::Error {
    let name = organ.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let id = organ.id.map(|id| id.to_string()).unwrap_or_default();
    anyhow!(
        "{code} is registered already, as {name} (organ {id}), with another name, title, administrator or form of the \
         identifier; nothing was changed. Its administrator changes units, posts and people over the API"
    )
}

/// An agency and its administrator.
pub(crate) struct Registered {
    pub(crate) organ: OrganId,
    pub(crate) administrator: PersonId,
}

/// Registers agency and administrator, in this order; what was done before is not done again.
pub(crate) async fn register(
    handler: &Handler,
    code: OrganCode,
    name: ShortText,
    title: ShortText,
    administrator: RegisterPerson,
) -> Result<Registered, CommandError> {
    let person = PersonId::new(derive(OrganId::of_code(code.normalised().as_ref()).uuid(), "administrator's person"));
    let organ = RegisterOrgan { code, name, title, administrator: person };
    let id = organ.organ();
    let envelope = |step| Envelope::of(id, Requester::System, CommandId::new(derive(id.uuid(), step)));
    handler.execute(organ::stream(id), envelope("register"), organ).await?;
    handler.execute(person::stream(person), envelope("register administrator"), administrator).await?;
    Ok(Registered { organ: id, administrator: person })
}

impl Register {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        super::runtime()?.block_on(async {
            let app = App::open(&config, Arc::new(SystemClock)).await?;
            let person = RegisterPerson { name: self.administrator.clone(), email: None, phone: None };
            let registered = register(&app.handler, self.code.clone(), self.name.clone(), self.title, person).await;
            let there = app.handler.organ(OrganId::of_code(self.code.normalised().as_ref())).await;
            app.close().await?;
            let Registered { organ, administrator } = match registered {
                Err(CommandError::Refused(refused)) if refused.code == Code::CommandIdReused => {
                    let there = there?;
                    return Err(registered_already(&self.code, &there));
                }
                registered => registered?,
            };
            if self.json {
                println!("{}", json!({ "organ": organ.to_string(), "administrator": administrator.to_string() }));
            } else {
                println!("organ          {organ}  {}", self.name);
                println!("administrator  {administrator}  {}", self.administrator);
                println!("token          socai token --organ {organ} --person {administrator}");
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
