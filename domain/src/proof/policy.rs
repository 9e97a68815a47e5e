//! What a verifier demands of a checkpoint: which logs it knows, and whose cosignatures it wants (C2SP `tlog-policy`).
//!
//! ```text
//! log <verifier key of a log> [<url>]
//! witness <name> <verifier key of a witness> [<url>]
//! group <name> all|any|<number> <name>...
//! quorum <name>|none
//! ```
//!
//! Read strictly and, unlike the specification, as UTF-8; keys of kinds that socai does not check are refused.

use std::{collections::BTreeMap, fmt};

use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, NotTheLogs},
    cosignature::cosigned,
    key::{KeyName, NotAVerifierKey, SignatureKind, VerifierKey},
    note::{NotSigned, Note},
};
use crate::time::Timestamp;

/// The longest policy that is read, in bytes.
pub const MAX_POLICY_LEN: usize = 256 * 1024;

/// Whom a verifier believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    members: Vec<(String, Member)>,
    /// Where witnesses are asked.
    urls: BTreeMap<String, String>,
    /// Which member must have witnessed; none: nobody need.
    quorum: Option<usize>,
}

/// A witness that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy.
    pub name: String,
    /// What checks its cosignatures.
    pub key: VerifierKey,
    /// Where it is asked, if the policy says so.
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Witness(VerifierKey),
    Group { least: usize, of: Vec<usize> },
}

/// Why a text is not a policy, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("policy, line {line}: {what}")]
pub struct NotAPolicy {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyFault {
    /// Longer than [`MAX_POLICY_LEN`].
    #[error("a policy has at most {MAX_POLICY_LEN} bytes")]
    TooLong,
    /// A control character other than line end and tab, or bytes that are not UTF-8.
    #[error("a policy is plain text in UTF-8 without control characters")]
    NotText,
    /// Neither a log, a witness, a group nor the quorum, or with too few or too many words.
    #[error("write `log KEY`, `witness NAME KEY`, `group NAME all|any|NUMBER NAME…` or `quorum NAME`")]
    Form,
    /// Not a key.
    #[error(transparent)]
    Key(#[from] NotAVerifierKey),
    /// A witness's key for a log, or the other way round.
    #[error("a log's key has kind 1, a witness's kind 4")]
    Kind,
    /// A key, or a name, that was there before.
    #[error("{0} is there already")]
    Repeated(String),
    /// `none` stands for no quorum and names nothing.
    #[error("`none` cannot be the name of a witness or group")]
    None,
    /// A name that no line above defines.
    #[error("{0} is not defined above")]
    Unknown(String),
    /// A member of two groups, or twice of one.
    #[error("{0} is in a group already")]
    Shared(String),
    /// A number that the group cannot reach, or none.
    #[error("a group asks for all, any, or a number from 1 to that of its members")]
    Least,
    /// No quorum line, or no log line.
    #[error("there must be a log, and exactly one line `quorum`")]
    Incomplete,
}

/// A checkpoint that satisfies a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The log's key that signed it.
    pub key: VerifierKey,
    /// The known witnesses that cosigned it, and when.
    pub witnessed: Vec<(KeyName, Timestamp)>,
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAccepted {
    /// The log has not signed it.
    #[error("the checkpoint: {0}")]
    Log(#[from] NotTheLogs),
    /// A known witness's line is false.
    #[error("the checkpoint: {0}")]
    Witness(NotSigned),
    /// Too few known witnesses have cosigned.
    #[error("the checkpoint: the quorum `{quorum}` is not reached: cosigned by {by}, not by {without}")]
    Quorum {
        /// The name of the quorum.
        quorum: String,
        /// Known witnesses that did.
        by: Names,
        /// Known witnesses that did not.
        without: Names,
    },
}

/// Names, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("nobody") } else { f.write_str(&self.0.join(", ")) }
    }
}

impl Policy {
    /// This log, and at least so many of these witnesses.
    pub fn new(log: VerifierKey, witnesses: Vec<VerifierKey>, least: usize) -> Result<Self, PolicyFault> {
        let mut builder = Builder::default();
        builder.log(log)?;
        let names: Vec<_> = witnesses.iter().map(|key| key.name().to_string()).collect();
        for key in witnesses {
            builder.witness(&key.name().to_string(), key)?;
        }
        if least > 0 {
            builder.group("--quorum", least, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
            builder.quorum = Quorum::Member(names.len());
        } else {
            builder.quorum = Quorum::Nobody;
        }
        builder.finish()
    }

    /// Reads a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAPolicy> {
        let whole = |what| NotAPolicy { line: 1, what };
        if bytes.len() > MAX_POLICY_LEN {
            return Err(whole(PolicyFault::TooLong));
        }
        let text = str::from_utf8(bytes).map_err(|_| whole(PolicyFault::NotText))?;
        let mut builder = Builder::default();
        let mut last = 1;
        for (at, line) in text.split('\n').enumerate() {
            last = at + 1;
            builder.line(line).map_err(|what| NotAPolicy { line: last, what })?;
        }
        builder.finish().map_err(|what| NotAPolicy { line: last, what })
    }

    /// The logs that are believed.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses, in the order of the policy.
    pub fn witnesses(&self) -> impl Iterator<Item = Witness> {
        self.members.iter().filter_map(|(name, member)| match member {
            Member::Witness(key) => {
                Some(Witness { name: name.clone(), key: key.clone(), url: self.urls.get(name).cloned() })
            }
            Member::Group { .. } => None,
        })
    }

    /// Does the checkpoint in `note` satisfy this policy?
    pub fn check(&self, note: &Note) -> Result<Accepted, NotAccepted> {
        let (key, checkpoint) = self.signed(note)?;
        let (mut witnessed, mut without, mut have) = (Vec::new(), Vec::new(), Vec::new());
        for (name, member) in &self.members {
            have.push(match member {
                Member::Witness(key) => match cosigned(note, key) {
                    Ok(at) => {
                        witnessed.push((name.clone(), key.name().clone(), at));
                        true
                    }
                    Err(NotSigned::Missing { .. }) => {
                        without.push(name.clone());
                        false
                    }
                    Err(fault) => return Err(NotAccepted::Witness(fault)),
                },
                // Members of a group stand above it.
                Member::Group { least, of } => of.iter().filter(|member| have[**member]).count() >= *least,
            });
        }
        if let Some(quorum) = self.quorum.filter(|quorum| !have[*quorum]) {
            let by = Names(witnessed.into_iter().map(|(name, ..)| name).collect());
            let quorum = self.members[quorum].0.clone();
            return Err(NotAccepted::Quorum { quorum, by, without: Names(without) });
        }
        let witnessed = witnessed.into_iter().map(|(_, key, at)| (key, at)).collect();
        Ok(Accepted { checkpoint, key, witnessed })
    }

    /// Which of the logs signed; every line by a known log must be good. Who cosigned is not looked at.
    pub fn signed(&self, note: &Note) -> Result<(VerifierKey, Checkpoint), NotAccepted> {
        let mut signed = None;
        for key in &self.logs {
            match Checkpoint::open(note, key) {
                Ok(checkpoint) => signed = signed.or(Some((key.clone(), checkpoint))),
                Err(NotTheLogs::Signature(NotSigned::Missing { .. })) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        let first = || self.logs.first().expect("a policy has a log");
        signed.ok_or_else(|| NotTheLogs::Signature(NotSigned::missing(first())).into())
    }
}

/// What the lines say so far of the quorum.
#[derive(Clone, Copy, Default, PartialEq)]
enum Quorum {
    #[default]
    Unsaid,
    Nobody,
    Member(usize),
}

/// A policy of which not all lines are read yet.
#[derive(Default)]
struct Builder {
    logs: Vec<VerifierKey>,
    members: Vec<(String, Member)>,
    names: BTreeMap<String, usize>,
    urls: BTreeMap<String, String>,
    grouped: Vec<bool>,
    quorum: Quorum,
}

impl Builder {
    fn line(&mut self, line: &str) -> Result<(), PolicyFault> {
        if line.chars().any(|c| c != '\t' && c.is_ascii_control()) {
            return Err(PolicyFault::NotText);
        }
        let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => self.log(key.parse()?),
            ["witness", name, key] => self.witness(name, key.parse()?),
            ["witness", name, key, url] => {
                self.witness(name, key.parse()?)?;
                self.urls.insert(name.to_owned(), url.to_owned());
                Ok(())
            }
            ["group", name, least, ref of @ ..] if !of.is_empty() => {
                let least = match least {
                    "any" => 1,
                    "all" => of.len(),
                    number => {
                        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                        number.parse().ok().filter(|_| digits).ok_or(PolicyFault::Least)?
                    }
                };
                self.group(name, least, of)
            }
            ["quorum", _] if self.quorum != Quorum::Unsaid => Err(PolicyFault::Incomplete),
            ["quorum", "none"] => {
                self.quorum = Quorum::Nobody;
                Ok(())
            }
            ["quorum", name] => {
                self.quorum = Quorum::Member(self.known(name)?);
                Ok(())
            }
            _ => Err(PolicyFault::Form),
        }
    }

    fn log(&mut self, key: VerifierKey) -> Result<(), PolicyFault> {
        if key.kind() != SignatureKind::Note {
            return Err(PolicyFault::Kind);
        }
        if self.logs.iter().any(|other| other.public() == key.public()) {
            return Err(PolicyFault::Repeated(key.to_string()));
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &str, key: VerifierKey) -> Result<(), PolicyFault> {
        if key.kind() != SignatureKind::Cosignature {
            return Err(PolicyFault::Kind);
        }
        let known =
            |(_, other): &(String, Member)| matches!(other, Member::Witness(other) if other.public() == key.public());
        if self.members.iter().any(known) {
            return Err(PolicyFault::Repeated(key.to_string()));
        }
        self.define(name, Member::Witness(key))
    }

    fn group(&mut self, name: &str, least: usize, of: &[&str]) -> Result<(), PolicyFault> {
        if !(1..=of.len()).contains(&least) {
            return Err(PolicyFault::Least);
        }
        let mut indices = Vec::with_capacity(of.len());
        for member in of {
            let index = self.known(member)?;
            if std::mem::replace(&mut self.grouped[index], true) {
                return Err(PolicyFault::Shared((*member).to_owned()));
            }
            indices.push(index);
        }
        self.define(name, Member::Group { least, of: indices })
    }

    fn known(&self, name: &str) -> Result<usize, PolicyFault> {
        self.names.get(name).copied().ok_or_else(|| PolicyFault::Unknown(name.to_owned()))
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), PolicyFault> {
        if name == "none" {
            return Err(PolicyFault::None);
        }
        if self.names.insert(name.to_owned(), self.members.len()).is_some() {
            return Err(PolicyFault::Repeated(name.to_owned()));
        }
        self.members.push((name.to_owned(), member));
        self.grouped.push(false);
        Ok(())
    }

    fn finish(self) -> Result<Policy, PolicyFault> {
        let Self { logs, members, urls, quorum, .. } = self;
        let quorum = match quorum {
            Quorum::Member(member) => Some(member),
            Quorum::Nobody => None,
            Quorum::Unsaid => return Err(PolicyFault::Incomplete),
        };
        if logs.is_empty() { Err(PolicyFault::Incomplete) } else { Ok(Policy { logs, members, urls, quorum }) }
    }
}

#[cfg(test)]
mod tests;
