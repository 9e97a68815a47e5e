//! `socai export --document`: the audit bundle of a document.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use socai::{
    bundle::{Bundled, Wanted, gather},
    server::asked_to_stop,
};
use socai_domain::{
    id::IncomingId,
    ledger::{StreamId, StreamKind},
    proof::note::MAX_NOTE_LEN,
};

use super::Settled;
use crate::cli::{believed::read, runtime, telling, verify_bundle::tell_faults};

/// What is exported of a document.
#[derive(Debug, Args)]
pub(super) struct Document {
    /// The audit bundle of this document: its id as the API shows it, incoming-….
    #[arg(id = "document", long, value_name = "ID", value_parser = document)]
    pub(super) id: Option<IncomingId>,
    /// With the contents of the document's files, not only their hashes.
    #[arg(long, conflicts_with_all = ["sealed", "events"], help_heading = "Options of --document")]
    with_files: bool,
    /// Show, too, that the log only grew since this checkpoint, which the checker holds.
    #[arg(long, value_name = "FILE", conflicts_with = "events", help_heading = "Options of --document")]
    since: Option<PathBuf>,
}

fn document(text: &str) -> Result<IncomingId, String> {
    let stream: Option<StreamId> = text.parse().ok();
    let of_stream = stream.filter(|stream| stream.kind() == StreamKind::Incoming).map(StreamId::key);
    let id = of_stream.map(IncomingId::new).or_else(|| text.parse().ok());
    id.ok_or_else(|| "give the document's id, as in incoming-018f2f6e-0000-7000-8000-000000000000".to_owned())
}

/// What a bundle is called where nobody says.
pub(super) fn usual_name(document: IncomingId) -> PathBuf {
    PathBuf::from(format!("{}.socai-bundle.zip", socai_domain::incoming::stream(document)))
}

/// The exit code of a question that makes no sense.
const ASKED_WRONGLY: u8 = 2;
/// Beyond what the notary promises, how long to wait for it.
const MARGIN: Duration = Duration::from_secs(5);

impl Document {
    pub(super) fn run(&self, id: IncomingId, settled: &Settled) -> anyhow::Result<ExitCode> {
        if settled.goes_to_terminal() {
            eprintln!("socai: a bundle is not for a terminal: give --output FILE, or redirect standard output");
            return Ok(ExitCode::from(ASKED_WRONGLY));
        }
        let since = self.since.as_deref().map(|path| read(path, MAX_NOTE_LEN)).transpose()?;
        let patience = Duration::from_secs(settled.config.merge_delay.into()).min(Duration::from_mins(1)) + MARGIN;
        let wanted = Wanted { document: id, sealed: settled.sealed, with_files: self.with_files, since, patience };
        // Refused before the log is read, not after.
        let mut target = settled.target()?;
        runtime()?.block_on(async {
            let bar = telling::bar(0, "reading the log", settled.json);
            let told = bar.clone();
            let progress = move |behind, total| {
                told.set_length(total);
                told.set_position(behind);
            };
            let bundled = tokio::select! {
                bundled = gather(&settled.config, settled.own, &wanted, progress) => bundled?,
                () = asked_to_stop() => anyhow::bail!("interrupted; nothing was exported"),
            };
            bar.finish_and_clear();
            target.write_all(&bundled.bytes).context("the bundle cannot be written; nothing stands under its name")?;
            target.commit()?;
            tell(settled, &bundled);
            // It is evidence all the same.
            Ok(if bundled.report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }
}

fn tell(settled: &Settled, bundled: &Bundled) {
    let Bundled { bytes, report } = bundled;
    let (records, size) = report.about.as_ref().map_or((0, 0), |about| {
        (about.records, about.accepted.as_ref().map_or(0, |accepted| accepted.checkpoint.size()))
    });
    let (length, faults) = (bytes.len() as u64, report.faults.len());
    let output: &Path = &settled.output;
    if settled.json {
        let told = json!({
            "output": output.display().to_string(),
            "bytes": length,
            "records": records,
            "size": size,
            "faults": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        return settled.tell(&told.to_string());
    }
    settled.tell(&format!(
        "exported  {}: {records} records of the document, {} bytes\ncovered   by a checkpoint of {} records",
        output.display(),
        telling::thousands(length),
        telling::thousands(size)
    ));
    if faults > 0 {
        eprintln!("socai: whoever checks this bundle finds {faults} faults:");
        tell_faults(&report.faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_named_with_or_without_its_kind() {
        let id = "018f2f6e-0000-7000-8000-000000000000";
        assert_eq!(document(id), document(&format!("incoming-{id}")));
        assert_eq!(usual_name(document(id).unwrap()), Path::new(&format!("incoming-{id}.socai-bundle.zip")));
        for wrong in ["", "incoming-", &format!("person-{id}"), "7"] {
            assert!(document(wrong).unwrap_err().contains("incoming-"), "{wrong}");
        }
    }
}
