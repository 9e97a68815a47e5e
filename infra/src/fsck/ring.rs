//! The key ring with its master key, opened to be read.

use std::io;

use socai_domain::ledger::KeyError;

use super::{Fault, database::Database, scratch::Scratch};
use crate::{
    config::{Config, Location},
    files,
    keyring::{MasterKey, MasterKeyError, Ring as KeyRing, RingReader},
};

/// The ring, and how its file is read.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) reader: RingReader,
    /// None of a ring that is not in a file.
    database: Option<Database>,
    /// What is worth knowing of it.
    pub(super) note: Option<String>,
}

/// Why there is no ring to read from.
#[derive(Debug)]
pub(super) enum Lost {
    Wrong(Fault),
    Unreadable(String),
}

/// How often it is opened again when somebody comes or goes just then.
const LOOKS: u32 = 5;

impl Ring {
    /// The ring that the configuration names; none if there is none.
    pub(super) async fn open(config: &Config, scratch: &mut Scratch) -> Result<Option<Self>, Lost> {
        let unreadable = |error: io::Error| Lost::Unreadable(format!("{}: {error}", config.key_ring));
        let mut looks = 0;
        loop {
            if !KeyRing::exists(&config.key_ring).await.map_err(of_ring)? {
                return Ok(None);
            }
            let master = MasterKey::load(&config.master_key).map_err(of_master)?;
            let database = match &config.key_ring {
                Location::Path(path) => Some(Database::prepare(path, &config.data, scratch).map_err(unreadable)?),
                Location::Postgres(_) => None,
            };
            looks += 1;
            match Self::read(config, database.as_ref(), master).await {
                // Whoever had it open may have come or gone just then.
                Err(_) if looks < LOOKS && database.as_ref().is_some_and(Database::has_changed) => {}
                read => return read.map(|(reader, note)| Some(Self { reader, database, note })),
            }
        }
    }

    async fn read(
        config: &Config,
        database: Option<&Database>,
        master: MasterKey,
    ) -> Result<(RingReader, Option<String>), Lost> {
        let next = files::beside(&config.master_key, "next");
        let open = async |master| match database {
            Some(database) => RingReader::open_as(database.options.clone(), master).await,
            None => RingReader::open(&config.key_ring, master).await,
        };
        match open(master).await {
            Ok(reader) => Ok((reader, None)),
            // As at a start: the next master key waits there until every key is wrapped by it.
            Err(KeyError::WrongMaster) if next.exists() => {
                let next = MasterKey::load(&next).map_err(of_master)?;
                let reader = open(next).await.map_err(of_ring)?;
                Ok((reader, Some("a rotation of the master key was cut off; the next start finishes it".to_owned())))
            }
            Err(error) => Err(of_ring(error)),
        }
    }

    /// Did somebody write to it, or rotate its master key, in a way that makes what was read of it worthless?
    pub(super) async fn has_changed(&self) -> bool {
        self.database.as_ref().is_some_and(Database::has_changed) || !self.reader.has_its_master().await
    }

    pub(super) async fn close(self) {
        self.reader.close().await;
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn of_master(error: MasterKeyError) -> Lost {
    let name = match &error {
        MasterKeyError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "master-key-missing",
        MasterKeyError::Io { .. } => return Lost::Unreadable(error.to_string()),
        MasterKeyError::Open(_) => "master-key-open",
        _ => "master-key-damaged",
    };
    Lost::Wrong(Fault::new(name, error.to_string()))
}

fn of_ring(error: KeyError) -> Lost {
    match error {
        KeyError::WrongMaster => Lost::Wrong(Fault::new("master-key-wrong", error.to_string())),
        KeyError::Unavailable(why) if why.contains("no such table") => {
            let message = "the key ring's file holds no key ring: restore its newest copy";
            Lost::Wrong(Fault::new("ring-damaged", message))
        }
        KeyError::Unavailable(why) => Lost::Unreadable(why),
        error => Lost::Wrong(Fault::new("ring-damaged", error.to_string())),
    }
}
