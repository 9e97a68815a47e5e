//! Looking at a cluster and its ledger before either is used. Nothing is written, and nobody is waited for long.

use std::time::Duration;

use socai_domain::ledger::LedgerId;
use tokio::time::timeout;

use super::{
    KurrentLog,
    identity::Identity,
    names::Names,
    open::{self, OpenKurrentError},
    tally,
};
use crate::{
    client::{Client, Fault},
    wire::read::ReadDirection,
};

/// An election takes a second or two.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who has said nothing by then is not there.
const ANSWERS: Duration = Duration::from_secs(5);
/// The server looks through all it has for metadata.
const METADATA: Duration = Duration::from_secs(10);

/// What a cluster says of itself and of a ledger in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its version, as in `26.1.0`; nothing where it does not tell.
    pub version: Option<String>,
    /// The ledger; none where there is none of that name yet.
    pub ledger: Option<LedgerId>,
    /// Was all metadata of the ledger's streams looked at? Else there was no time.
    pub metadata: bool,
}

impl KurrentLog {
    /// Asks the cluster that the URL names, at most for some seconds: who it is, which ledger it holds, whether that may be
    /// read, and whether the metadata of its streams would have records thrown away.
    pub async fn look(url: &str) -> Result<Look, OpenKurrentError> {
        let client = Client::new(url.parse()?)?;
        let names = Names::new(&client.address().ledger);
        let silent = |_| Fault::Unknown(format!("no answer within {} s", ANSWERS.as_secs()));
        let (version, identity) = timeout(ANSWERS, answers(&client, &names)).await.map_err(silent)??;
        if identity.is_some_and(|identity| identity.copying) {
            return Err(OpenKurrentError::Copying(client.address().ledger.clone()));
        }
        let Ok(tally) = timeout(METADATA, tally::metadata(&client, &names)).await else {
            return Ok(Look { version, ledger: identity.map(|identity| identity.ledger), metadata: false });
        };
        if let Some((stream, settings)) = tally?.losing() {
            return Err(OpenKurrentError::Losing { stream: stream.to_owned(), settings: settings.to_owned() });
        }
        Ok(Look { version, ledger: identity.map(|identity| identity.ledger), metadata: true })
    }
}

async fn answers(client: &Client, names: &Names) -> Result<(Option<String>, Option<Identity>), OpenKurrentError> {
    let version = open::version(client, PATIENCE).await?;
    let identity = Identity::read(client, names, PATIENCE).await?;
    // Its last record: who may read the one stream may not have the right to read them all in their order.
    let prefixes = [names.prefix().to_owned()];
    let mut last = client.read_all(&prefixes, ReadDirection::Backwards, None, 1).await?;
    while last.next(client.address().deadline).await?.is_some() {}
    Ok((version, identity))
}
