//! The table of all settings.

use std::fmt::Write as _;

/// One thing that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in `socai.toml`; its flag has dashes for underscores, its variable is `SOCAI_` and the key in capitals.
    pub name: &'static str,
    /// What kind of value it takes.
    pub value: &'static str,
    /// What holds if nobody sets it; `DATA/` is the data directory.
    pub default: &'static str,
    /// What it is, in a sentence.
    pub what: &'static str,
    /// Only a server looks at it.
    pub serving: bool,
}

const fn setting(name: &'static str, value: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting { name, value, default, what, serving: false }
}

const fn serving(name: &'static str, value: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting { name, value, default, what, serving: true }
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    setting("config", "FILE", "socai.toml", "The file of settings; cannot itself stand in the file"),
    setting("data", "DIR", "socai-data", "The data directory: log, keys, views and files, unless set apart"),
    setting("log", "URL", "file:DATA/log", "Where the log is: file:DIR, or kurrentdb://HOST:2113?ledger=NAME"),
    setting("segment_mib", "NUMBER", "64", "Size of new segments of the log, in MiB: 1 to 1024"),
    setting(
        "master_key",
        "FILE",
        "DATA/keys/master.key",
        "What wraps the keys of the ring; keep a copy apart from the log",
    ),
    setting(
        "key_ring",
        "PLACE",
        "DATA/keys/ring.sqlite",
        "The keys of all streams, outside the log and its backups: FILE, or postgres://HOST/DATABASE",
    ),
    setting("token_key", "FILE", "DATA/keys/token.key", "What signs access tokens (Ed25519, PEM)"),
    setting("token_public_key", "FILE", "DATA/keys/token.pub", "What checks access tokens (Ed25519, PEM)"),
    setting(
        "log_key",
        "FILE",
        "DATA/keys/log.key",
        "What signs checkpoints and receipts (Ed25519, PEM); keep a copy apart from the log",
    ),
    setting(
        "origin",
        "NAME",
        "socai/LEDGER",
        "The log's name in checkpoints, like a URL without https://; LEDGER is the ledger's id; never change it",
    ),
    setting(
        "notary",
        "PLACE",
        "DATA/notary",
        "The notary's tree and checkpoint; belongs to the backup: DIR, or postgres://HOST/DATABASE",
    ),
    setting(
        "merge_delay",
        "SECONDS",
        "60",
        "Within how long receipts promise that a checkpoint covers a record: 1 to 86400",
    ),
    serving(
        "witness_for",
        "FILE",
        "DATA/witness-for.txt",
        "The logs of others that this server watches and cosigns, if the file is there: lines `log KEY`",
    ),
    setting(
        "witness_key",
        "FILE",
        "DATA/keys/witness.key",
        "What cosigns the checkpoints of others (Ed25519, PEM); never with another DATA/witness than its own",
    ),
    serving(
        "witnesses",
        "FILE",
        "DATA/witnesses.txt",
        "Who is asked to cosign our checkpoints, if the file is there: a C2SP tlog-policy with URLs",
    ),
    serving("witness_pause", "SECONDS", "10", "How long a witness is left alone after it was asked: 1 to 86400"),
    serving("witness_name", "NAME", "socai/LEDGER/witness", "The name of the witness's key; never change it"),
    serving(
        "witness",
        "DIR",
        "DATA/witness",
        "What was cosigned, and evidence; an older copy of it must not be restored",
    ),
    setting(
        "views",
        "PLACE",
        "DATA/views.sqlite",
        "The read models: FILE, or postgres://HOST/DATABASE; may be deleted while nothing runs: they are rebuilt",
    ),
    setting(
        "views_memory_mib",
        "NUMBER",
        "512",
        "How much memory a rebuild of the read models may take, in MiB: 64 to 65536",
    ),
    setting(
        "views_copies",
        "NUMBER",
        "4",
        "How many copies of the read models at earlier positions are kept for questions about past moments: 0 to 16",
    ),
    setting(
        "blobs",
        "PLACE",
        "DATA/blobs",
        "The files of documents, by content hash: DIR, or s3://BUCKET/PREFIX with AWS_… in the environment",
    ),
    serving("listen", "ADDRESS", "127.0.0.1:8080", "Where to serve HTTP; port 0 takes any free one"),
    serving(
        "tls_certificate",
        "FILE",
        "no TLS",
        "Serve HTTPS with this certificate and those that vouch for it (PEM); renewed ones are taken up within a minute",
    ),
    serving("tls_key", "FILE", "no TLS", "The key of that certificate (PEM)"),
    serving(
        "metrics_listen",
        "ADDRESS",
        "with the API",
        "Where to serve /metrics, apart from the API, as for one's own network",
    ),
    serving("graphiql", "BOOL", "false", "Serve the query editor at /graphiql"),
    setting("messages", "KIND", "auto", "How to tell what happens: text, json, or auto (text on a terminal)"),
    setting(
        "level",
        "FILTER",
        "info for a server, else warn",
        "What to tell: error, warn, info, debug, or as in info,socai=debug",
    ),
];

impl Setting {
    /// Its flag, without the dashes in front.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Its variable.
    pub fn variable(&self) -> String {
        format!("SOCAI_{}", self.name.to_ascii_uppercase())
    }

    /// The table as Markdown, as the README shows it.
    pub fn markdown() -> String {
        let mut table = String::from("| Flag | Variable | `socai.toml` | Default | |\n|---|---|---|---|---|\n");
        for setting in SETTINGS {
            let key = if setting.name == "config" { String::new() } else { format!("`{}`", setting.name) };
            let (flag, variable) = (setting.flag(), setting.variable());
            let Setting { value, default, what, .. } = setting;
            let _ = writeln!(table, "| `--{flag} {value}` | `{variable}` | {key} | `{default}` | {what} |"); // a String takes everything
        }
        table
    }
}

/// The default of a setting.
pub(super) fn default(name: &str) -> &'static str {
    SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_this_table() {
        let readme = include_str!("../../../README.md");
        assert!(
            readme.contains(&Setting::markdown()),
            "copy the table of `socai serve --list-settings` into README.md"
        );
    }

    #[test]
    fn every_setting_has_one_name_of_its_own() {
        let mut names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())));
    }
}
