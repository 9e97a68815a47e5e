//! The flags of all settings, made of the table.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use socai::config::{Config, ConfigError, SETTINGS, Setting};
use socai_domain::{id::OrganId, text::OrganCode};

/// The settings that every subcommand takes; those of a server too if `SERVING`.
#[derive(Clone, Debug)]
pub(crate) struct Settings<const SERVING: bool>(BTreeMap<&'static str, String>);

/// What a subcommand on a data directory takes.
pub(crate) type Place = Settings<false>;

/// An organ, by its id or by the identifier under which it was first registered, in either form.
pub(crate) fn organ(text: &str) -> Result<OrganId, String> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let dotted = Some(text).filter(|text| text.contains(|c: char| c.is_ascii_digit()) && !text.contains('-'));
    let code = dotted.and_then(|text| OrganCode::new(text).ok());
    let code = code.ok_or("give the organ's id, or its identifier (mã định danh) as in H99.05 or 000.00.05.H99")?;
    Ok(OrganId::of_code(code.normalised().as_ref()))
}

impl<const SERVING: bool> Settings<SERVING> {
    /// The configuration.
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.0, |name| std::env::var_os(name))
    }

    /// The same with another value where nobody gave a flag.
    pub(crate) fn or(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.entry(name).or_insert_with(|| value.into());
        self
    }

    /// The same with this data directory where nobody gave a flag, and all that stands in one by default standing in it,
    /// whatever the environment and the file say.
    pub(crate) fn all_in(self, data: String) -> Self {
        let this = self.or("data", data);
        let data = this.0["data"].clone();
        let inside = SETTINGS.iter().filter(|setting| setting.default.contains("DATA/"));
        inside.fold(this, |this, setting| this.or(setting.name, setting.default.replacen("DATA", &data, 1)))
    }

    /// Was this flag given?
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn taken() -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().filter(|setting| SERVING || !setting.serving)
    }
}

impl<const SERVING: bool> Args for Settings<SERVING> {
    fn augment_args(command: Command) -> Command {
        Self::taken().fold(command, |command, setting| {
            let help = format!("{} [{}; default: {}]", setting.what, setting.variable(), setting.default);
            command.arg(
                Arg::new(setting.name)
                    .long(setting.flag())
                    .value_name(setting.value)
                    .help(help)
                    .help_heading("Settings (flag, then environment, then socai.toml)"),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const SERVING: bool> FromArgMatches for Settings<SERVING> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &'static Setting| Some((setting.name, matches.get_one::<String>(setting.name)?.clone()));
        Ok(Self(Self::taken().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organ_is_named_by_id_or_by_code_in_either_form() {
        let id = organ("H99.05").unwrap();
        for text in ["000.00.05.H99", &id.to_string()] {
            assert_eq!(organ(text), Ok(id), "{text}");
        }
        assert_ne!(organ("H99"), Ok(id));
        for wrong in ["", "Sở Ví Dụ", "e46ed50f-5b41", "H99/05"] {
            assert!(organ(wrong).unwrap_err().contains("000.00.05.H99"), "{wrong}");
        }
    }

    #[test]
    fn what_is_all_in_one_directory_is_nowhere_else() {
        for given in [None, Some("/chosen")] {
            let flags = given.map(|data| ("data", data.to_owned())).into_iter().collect();
            let settings = Settings::<true>(flags).all_in("/fresh".into());
            // The production's, for everything that is a text.
            let environment = |name: &str| {
                let typed = [
                    "SEGMENT_MIB",
                    "VIEWS_MEMORY_MIB",
                    "VIEWS_COPIES",
                    "LISTEN",
                    "GRAPHIQL",
                    "MESSAGES",
                    "CONFIG",
                    "MERGE_DELAY",
                    "WITNESS_PAUSE",
                ];
                let text = !typed.iter().any(|typed| name.ends_with(typed));
                text.then(|| "file:/production/x".into())
            };
            let config = Config::load(&settings.0, environment).unwrap();
            let wanted = given.unwrap_or("/fresh");
            assert_eq!(config.log, format!("file:{wanted}/log"));
            assert_eq!(config.data, std::path::Path::new(wanted));
            let Config { master_key, log_key, key_ring, token_key, token_public_key, notary, views, blobs, .. } =
                config;
            let [key_ring, notary, views] = [key_ring, notary, views].map(|at| at.path().unwrap().to_owned());
            let blobs = blobs.path().unwrap().to_owned();
            for path in [master_key, log_key, key_ring, token_key, token_public_key, notary, views, blobs] {
                assert!(path.starts_with(wanted), "{}", path.display());
            }
        }
    }
}
