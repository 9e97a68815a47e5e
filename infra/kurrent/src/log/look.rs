//! Looking at a cluster and its ledger before either is used. Nothing is written, and nobody is waited for long.

use std::time::Duration;

use futures::future::join;
use socai_domain::ledger::LedgerId;
use tokio::time::timeout;

use super::{
    KurrentLog,
    identity::Identity,
    names::Names,
    open::{self, OpenKurrentError},
    tally::{self, Tally},
};
use crate::{
    client::{Client, Fault},
    wire::read::ReadDirection,
};

/// An election takes a second or two.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who has said nothing by then is not there.
const ANSWERS: Duration = Duration::from_secs(5);
/// The server looks through all it has, of whatever ledger, for one's records and for their metadata.
const SEARCH: Duration = Duration::from_secs(10);

/// What a cluster says of itself and of a ledger in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its version, as in `26.1.0`; nothing where it does not tell.
    pub version: Option<String>,
    /// The ledger; none where there is none of that name yet.
    pub ledger: Option<LedgerId>,
    /// Was its last record found, where there is a ledger? Else there was no time.
    pub records: bool,
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
        let asked = async {
            let version = open::version(&client, PATIENCE).await?;
            Ok::<_, OpenKurrentError>((version, Identity::read(&client, &names, PATIENCE).await?))
        };
        let (version, identity) = timeout(ANSWERS, asked).await.map_err(silent)??;
        if identity.is_some_and(|identity| identity.copying) {
            return Err(OpenKurrentError::Copying(client.address().ledger.clone()));
        }
        let ledger = identity.map(|identity| identity.ledger);
        let last = async { if ledger.is_some() { last_record(&client, &names).await } else { Ok(()) } };
        let (last, tally) = join(in_time(last), in_time(tally::metadata(&client, &names))).await;
        let (last, tally) = (last?, tally?);
        if let Some((stream, settings)) = tally.as_ref().and_then(Tally::losing) {
            return Err(OpenKurrentError::Losing { stream: stream.to_owned(), settings: settings.to_owned() });
        }
        Ok(Look { version, ledger, records: last.is_some(), metadata: tally.is_some() })
    }
}

/// What is found, if it is in time: the server has answered before, so that it is not there is not to be feared.
async fn in_time<T>(search: impl Future<Output = Result<T, Fault>>) -> Result<Option<T>, Fault> {
    match timeout(SEARCH, search).await {
        Ok(Ok(found)) => Ok(Some(found)),
        Ok(Err(fault)) if !fault.may_pass() => Err(fault),
        // The URL may have less patience.
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// Who may read the one stream may not have the right to read them all in their order.
async fn last_record(client: &Client, names: &Names) -> Result<(), Fault> {
    let prefixes = [names.prefix().to_owned()];
    let mut last = client.read_all(&prefixes, ReadDirection::Backwards, None, 1).await?;
    while last.next(client.address().deadline).await?.is_some() {}
    Ok(())
}
