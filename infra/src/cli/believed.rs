//! Whom a checker believes: the log's key, witnesses and how many of them, or a policy file.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use socai_domain::proof::{Policy, VerifierKey, note::MAX_NOTE_LEN, policy::MAX_POLICY_LEN};

/// Whom a checker believes.
#[derive(Debug, Args)]
pub(crate) struct Believed {
    /// The log's key.
    #[arg(long, value_name = "KEY", required_unless_present = "policy", value_parser = key)]
    key: Option<VerifierKey>,
    /// The key of a witness that you believe; repeat it for each.
    #[arg(long, value_name = "KEY", value_parser = key)]
    witness: Vec<VerifierKey>,
    /// How many of the witnesses must have cosigned; all, if not given.
    #[arg(long, value_name = "NUMBER", requires = "witness")]
    quorum: Option<usize>,
    /// Log, witnesses and quorum as a policy file (c2sp.org/tlog-policy).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "witness", "quorum"])]
    policy: Option<PathBuf>,
}

/// A verifier key, or a file that holds one.
fn key(text: &str) -> Result<VerifierKey, String> {
    match text.parse() {
        Ok(key) => Ok(key),
        Err(_) if Path::new(text).is_file() => {
            let held = read(Path::new(text), MAX_NOTE_LEN).map_err(|why| format!("{why:#}"))?;
            let held = String::from_utf8(held).map_err(|_| format!("{text} holds no key"))?;
            held.trim_end().parse().map_err(|why| format!("{text}: {why}"))
        }
        Err(why) => Err(format!("{why}; there is no such file either")),
    }
}

/// A file that must not be longer than what it is said to be.
pub(crate) fn read(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes)).with_context(name)?;
    if bytes.len() > most {
        bail!("{}: it has more than {most} bytes, and is not read", name());
    }
    Ok(bytes)
}

impl Believed {
    /// As a policy.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        match (&self.policy, &self.key) {
            (Some(path), _) => Policy::parse(&read(path, MAX_POLICY_LEN)?).with_context(|| path.display().to_string()),
            (None, Some(key)) => {
                let least = self.quorum.unwrap_or(self.witness.len());
                Policy::new(key.clone(), self.witness.clone(), least).context("--key, --witness and --quorum")
            }
            (None, None) => bail!("give --key or --policy"),
        }
    }
}
