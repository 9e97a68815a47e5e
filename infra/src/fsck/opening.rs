//! Reading records in the order of the log and opening their content, on all cores.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use socai_domain::ledger::{Header, KeyError, OpenError, Opened, Opener, ReadError, Recorded, SealedRecord};

use super::{
    Fault,
    source::{Entry, Reader, Until},
};

/// Records of the log, read where it holds up nobody.
#[derive(Debug)]
pub(super) struct Records {
    /// Taken while a thread reads with it.
    reader: Option<Reader>,
    wanted: fn(&Header) -> bool,
}

/// Records that are read at once, at least: those that are passed over, too.
const AT_ONCE: usize = 4_000;

impl Records {
    /// From the beginning; only those that are wanted.
    pub(super) fn new(reader: Reader, wanted: fn(&Header) -> bool) -> Self {
        Self { reader: Some(reader), wanted }
    }

    /// The place up to which was read.
    pub(super) fn place(&self) -> u64 {
        self.reader.as_ref().map_or(0, Reader::place)
    }

    /// The next records that are wanted, up to place `until`; none if there are no more up to there.
    pub(super) async fn next(&mut self, until: u64) -> Result<Vec<Recorded>, ReadError> {
        let Some(mut reader) = self.reader.take() else {
            return Err(ReadError::Busy("reading was interrupted".into()));
        };
        let wanted = self.wanted;
        let (reader, read) = super::blocking(move || {
            let read = batch(&mut reader, until, wanted);
            (reader, read)
        })
        .await;
        self.reader = Some(reader);
        read
    }
}

fn batch(reader: &mut Reader, until: u64, wanted: fn(&Header) -> bool) -> Result<Vec<Recorded>, ReadError> {
    let (mut records, mut wrong, mut more) = (Vec::new(), None, true);
    let origin = reader.position(0);
    while more && records.is_empty() {
        more = reader.read(Until::Place(until), AT_ONCE, &mut |entry: Entry<'_>| {
            let keep = Header::read(entry.record).map(|header| wanted(&header));
            match keep.and_then(|keep| keep.then(|| SealedRecord::from_bytes(entry.record)).transpose()) {
                Ok(Some(record)) => records.push(Recorded { position: origin.with_place(entry.place), record }),
                Ok(None) => {}
                Err(error) => {
                    wrong.get_or_insert_with(|| ReadError::Corrupt(format!("record {}: {error}", entry.place)));
                }
            }
        })?;
    }
    wrong.map_or(Ok(records), Err)
}

/// Opens records, in their order; the fault is that of the first that does not open.
pub(super) async fn open_all(opener: &Opener, records: Vec<Recorded>) -> Result<Vec<(Recorded, Opened)>, Fault> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = records.len().div_ceil(cores).max(1);
    let mut shares = Vec::new();
    let mut rest = records;
    while !rest.is_empty() {
        let after = rest.split_off(share.min(rest.len()));
        shares.push(std::mem::replace(&mut rest, after));
    }
    let opening = shares.into_iter().map(|share| {
        let opener = opener.clone();
        async move {
            let done = tokio::spawn(async move { open_share(&opener, share).await });
            done.await.unwrap_or_else(|error| Err(Fault::new("record-does-not-open", error.to_string())))
        }
    });
    let all: Vec<Vec<_>> = stream::iter(opening).buffered(cores).try_collect().await?;
    Ok(all.into_iter().flatten().collect())
}

async fn open_share(opener: &Opener, records: Vec<Recorded>) -> Result<Vec<(Recorded, Opened)>, Fault> {
    let sealed: Vec<&SealedRecord> = records.iter().map(|recorded| &recorded.record).collect();
    if let Ok(contents) = opener.open_all(&sealed).await {
        return Ok(records.into_iter().zip(contents).collect());
    }
    // One of them does not open: which one?
    let mut all = Vec::with_capacity(records.len());
    for recorded in records {
        match opener.open(&recorded.record).await {
            Ok(content) => all.push((recorded, content)),
            Err(error) => {
                let (place, stream) = (recorded.position.place(), recorded.record.header().stream);
                return Err(fault(&error).of(stream).at(place));
            }
        }
    }
    Ok(all)
}

/// A record that does not open is the key ring's fault, whoever met it.
pub(super) fn fault(error: &OpenError) -> Fault {
    let name = match error {
        OpenError::Key(KeyError::Missing(_)) => "key-missing",
        OpenError::Key(KeyError::Damaged(_)) => "key-damaged",
        OpenError::Key(_) => "ring-unusable",
        OpenError::Unreadable { .. } => "record-does-not-open",
    };
    Fault::new(name, error.to_string())
}
