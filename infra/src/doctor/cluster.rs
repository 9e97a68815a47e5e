//! What a KurrentDB cluster says when it is asked.

use socai_kurrent::{KurrentLog, Look, OpenKurrentError};

use super::{Found, Verdict};
use crate::{
    config::Config,
    waiting::{Ended, Waiting},
};

impl Found {
    /// Asks the cluster that keeps the log, as a start would, but writes nothing. Says whether it holds a ledger.
    pub(super) fn cluster(&mut self, config: &Config) -> bool {
        let (name, url) = (config.log_shown(), config.log.clone());
        let asked = Waiting::new().map_err(|error| error.to_string()).and_then(|waiting| {
            waiting.wait(async move { KurrentLog::look(&url).await.map_err(Unseen::from) }).map_err(|Unseen(why)| why)
        });
        let Look { version, ledger, metadata } = match asked {
            Ok(look) => look,
            Err(why) => {
                self.add("log", Verdict::Wrong, format!("{name}: {why}"));
                return false;
            }
        };
        let version = version.unwrap_or_else(|| "of a version that it does not tell".to_owned());
        if let Some((verdict, why)) = of_version(&version) {
            self.add("log", verdict, format!("{name} is KurrentDB {version}: {why}"));
        }
        if !metadata {
            let text = format!(
                "{name}: the metadata of its streams could not be read in time; the start looks whether any of it would have \
                 records thrown away"
            );
            self.add("log", Verdict::Note, text);
        }
        let (verdict, text) = ledger.map_or_else(
            || {
                let text = "holds no ledger of this name yet: the first start begins one".to_owned();
                (Verdict::Note, text)
            },
            |ledger| {
                let text = format!(
                    "holds ledger {ledger}, and it may be read; `socai verify` and `socai fsck` tell whether it is whole"
                );
                (Verdict::Good, text)
            },
        );
        self.add("log", verdict, format!("{name}, KurrentDB {version}, {text}"));
        ledger.is_some()
    }
}

/// Why a cluster does not say what was asked.
struct Unseen(String);

impl From<OpenKurrentError> for Unseen {
    fn from(error: OpenKurrentError) -> Self {
        Self(error.to_string())
    }
}

impl From<Ended> for Unseen {
    fn from(ended: Ended) -> Self {
        Self(ended.to_string())
    }
}

/// What is to be said of a server of this version, if anything (decision 13).
fn of_version(version: &str) -> Option<(Verdict, &'static str)> {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let version = (numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0));
    if version < (22, 6, 0) {
        return Some((Verdict::Wrong, "socai needs 22.6 or newer"));
    }
    let wrong_reads = version < (24, 10, 5) || version == (25, 0, 0);
    let why = "its filtered reads are right from 24.10.5 and 25.0.1 on; take a newer one";
    wrong_reads.then_some((Verdict::Note, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_do_not_do_are_told_from_those_that_do() {
        let verdict = |version| of_version(version).map(|(verdict, _)| verdict);
        for version in ["5.0.8", "21.10.9", "22.5.0"] {
            assert_eq!(verdict(version), Some(Verdict::Wrong), "{version}");
        }
        for version in ["22.6.0", "24.10.4.77-nightly", "25.0.0"] {
            assert_eq!(verdict(version), Some(Verdict::Note), "{version}");
        }
        for version in ["24.10.5", "24.11.0", "25.0.1", "25.1.0-rc.1", "26.1.0", "unknown"] {
            assert_eq!(verdict(version), None, "{version}");
        }
    }
}
