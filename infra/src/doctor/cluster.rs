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
        let Look { version, ledger, records, metadata } = match asked {
            Ok(look) => look,
            Err(why) => {
                self.add("log", Verdict::Wrong, format!("{name}: {why}"));
                return false;
            }
        };
        let version = version.unwrap_or_else(|| "of a version that it does not tell".to_owned());
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
                let read = if records {
                    "it may be read"
                } else {
                    "its last record was not told in time: others have much in this cluster, or it is busy"
                };
                let text = format!(
                    "holds ledger {ledger}, and {read}; `socai verify` and `socai fsck` tell whether it is whole"
                );
                (if records { Verdict::Good } else { Verdict::Note }, text)
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
