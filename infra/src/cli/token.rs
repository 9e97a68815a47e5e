//! `socai token`: an access token for a person.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use socai::{clock::SystemClock, files};
use socai_domain::{
    id::{OrganId, PersonId},
    time::Clock as _,
};
use socai_graphql::token::Issuer;

use super::flags::{self, Place};

/// Writes an access token for a person of an organ. It says who they are; what they may do, the organ's own records say.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai token --organ 3f0e…  --person 9c1d…
  curl -H \"Authorization: Bearer $(socai token --organ 3f0e… --person 9c1d… --hours 1)\" …

Only the token goes to standard output.")]
pub(crate) struct Token {
    /// The organ: its id as `socai register-organ` printed it, or the identifier that it was registered under.
    #[arg(long, value_name = "ID|CODE", value_parser = flags::organ)]
    organ: OrganId,
    /// The person's id.
    #[arg(long, value_name = "ID")]
    person: PersonId,
    /// For how many hours it is good.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=24 * 366))]
    hours: u32,
    #[command(flatten)]
    place: Place,
}

impl Token {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        let path = &config.token_key;
        let name = || path.display().to_string();
        let pem = files::read_secret(path).with_context(|| format!("{} (make it with `socai keygen`)", name()))?;
        let issuer = Issuer::from_pem(str::from_utf8(&pem).with_context(name)?).with_context(name)?;
        println!("{}", issuer.issue(self.person, self.organ, SystemClock.now(), self.hours * 3600)?);
        Ok(ExitCode::SUCCESS)
    }
}
