//! `socai keygen`: the keys of an installation.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use socai::{
    config::{Config, Location},
    data::DataLock,
    files,
    keyring::{MasterKey, Ring},
    keys,
    log_key::LogKey,
    notary,
    token_keys::TokenKeys,
};

use super::flags::Place;

/// Makes the keys of an installation: the master key, which wraps the keys of all streams; the log key, which signs
/// checkpoints and receipts; the witness key, which cosigns the checkpoints of other logs; and the pair that signs and checks
/// access tokens. Nothing is ever overwritten.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai keygen --data /srv/socai
  socai keygen --data /srv/socai --missing          # make only what is not there
  socai keygen --data /srv/socai --rotate-master    # server stopped; the old key stays as master.key.old

Without the master key nothing in the ledger can be read again: keep a copy of it and of the key ring,
apart from the copies of the log. Without the log key no checkpoint can be signed again that those who
hold older ones would believe: keep a copy of it, too, where nobody else can sign with it.")]
pub(crate) struct Keygen {
    /// Make only the keys that are not there.
    #[arg(long, conflicts_with = "rotate_master")]
    missing: bool,
    /// Wrap all keys of the ring by a new master key.
    #[arg(long)]
    rotate_master: bool,
    #[command(flatten)]
    place: Place,
}

impl Keygen {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        if self.rotate_master {
            let _lock = DataLock::take(&config.data)?;
            super::runtime()?.block_on(keys::rotate_master(&config))?;
            println!("new   {}", config.master_key.display());
            println!("old   {}", files::beside(&config.master_key, "old").display());
            println!(
                "Every key is wrapped by the new master key. Copy it to where the old one is kept; destroy the old"
            );
            println!("one as soon as no copy of the ring from before today is needed.");
            return Ok(ExitCode::SUCCESS);
        }
        let _lock = DataLock::make(&config.data)?;
        for made in make(&config, self.missing)? {
            println!("{made}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Is there a ring already?
fn has_ring(at: &Location) -> anyhow::Result<bool> {
    match at {
        Location::Path(path) => Ok(path.exists()),
        Location::Postgres(_) => Ok(super::runtime()?.block_on(Ring::exists(at))?),
    }
}

/// Makes the keys, or only the missing ones; says a line about each.
pub(crate) fn make(config: &Config, missing: bool) -> anyhow::Result<Vec<String>> {
    let Config { master_key, log_key, witness_key, token_key, token_public_key, .. } = config;
    let all = [master_key, log_key, witness_key, token_key, token_public_key];
    let there: Vec<_> = all.into_iter().filter(|path| path.exists()).collect();
    if let ([first, ..], false) = (&there[..], missing) {
        bail!("{} is there already and is not overwritten; --missing makes only what is not there", first.display());
    }
    if !master_key.exists() && has_ring(&config.key_ring)? {
        bail!(
            "the key ring {} needs the master key that it was made with: put it back at {}",
            config.key_ring,
            master_key.display()
        );
    }
    if !witness_key.exists() && config.witness.join("lock").exists() {
        bail!(
            "what stands in {} was cosigned with the witness's key: put it back at {}, or move the directory away",
            config.witness.display(),
            witness_key.display()
        );
    }
    if !log_key.exists() && notary::has_signed(&config.notary)? {
        bail!("the notary's store {} was signed with the log key: put it back at {}", config.notary, log_key.display());
    }
    for path in all {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        files::make_private_dir(directory).with_context(|| directory.display().to_string())?;
    }
    let mut made = Vec::new();
    if master_key.exists() {
        made.push(format!("kept  {}", master_key.display()));
    } else {
        MasterKey::generate()?.save(master_key)?;
        made.push(format!("made  {}  (master key: copy it to a safe place)", master_key.display()));
    }
    if log_key.exists() {
        made.push(format!("kept  {}", log_key.display()));
    } else {
        LogKey::make(log_key)?;
        made.push(format!("made  {}  (signs checkpoints and receipts: copy it to a safe place)", log_key.display()));
    }
    if witness_key.exists() {
        made.push(format!("kept  {}", witness_key.display()));
    } else {
        LogKey::make(witness_key)?;
        made.push(format!("made  {}  (cosigns the checkpoints of other logs)", witness_key.display()));
    }
    match (token_key.exists(), token_public_key.exists()) {
        (true, true) => made.push(format!("kept  {}", token_key.display())),
        (false, false) => {
            let keys = TokenKeys::generate()?;
            // The private one first: a public key alone would look like a pair.
            files::create_private(token_key, keys.private.as_bytes()).context(token_key.display().to_string())?;
            files::create_private(token_public_key, keys.public.as_bytes())
                .context(token_public_key.display().to_string())?;
            made.push(format!("made  {}  (signs access tokens)", token_key.display()));
            made.push(format!("made  {}  (checks access tokens)", token_public_key.display()));
        }
        (true, false) => {
            let private = files::read_secret(token_key).with_context(|| token_key.display().to_string())?;
            let public = TokenKeys::public_of(str::from_utf8(&private)?)?;
            files::create_private(token_public_key, public.as_bytes())
                .context(token_public_key.display().to_string())?;
            made.push(format!("made  {}  (from {})", token_public_key.display(), token_key.display()));
        }
        (false, true) => bail!(
            "{} is there without {}: put the private key back, or move the public one away",
            token_public_key.display(),
            token_key.display()
        ),
    }
    Ok(made)
}
