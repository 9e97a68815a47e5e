//! The log: as `socai verify` checks it.

use socai_domain::ledger::{Position, ReadError};
use socai_kurrent::{OpenKurrentError, client};

use super::{Fault, Ground, Kind, Layer, source::Source};
use crate::{
    log::{Known, OpenLogError, file::reader::Reader},
    notary,
    verify::{self, VerifyReport, verify, verify_told},
};

/// Verifies every segment, record, chain and head; then reads what the other layers rest on.
pub(super) async fn check(ground: &mut Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Log);
    match Source::open(ground.config).await {
        Ok(source) => ground.source = Some(source),
        Err(error) => return failed(layer, &error.into()),
    }
    if ground.is_wanted(Kind::Log) {
        let verified = verifying(ground).await;
        match verified {
            Ok(report) => told(&mut layer, &report, ground),
            Err(fault) => {
                let whole = matches!(fault, verify::Fault::Unexpected(_) | verify::Fault::Short { .. });
                layer = failed(layer, &fault);
                if !whole {
                    return layer;
                }
            }
        }
    }
    if let Err(error) = ground.read_facts().await {
        // What is wrong with a log that was verified just now is not known: it may have been removed meanwhile.
        layer.unchecked = Some(error.to_string());
    }
    layer
}

async fn verifying(ground: &Ground<'_>) -> Result<VerifyReport, verify::Fault> {
    let expect = ground.options.expect;
    let checkpoint = ground.checkpoint.as_ref().ok().copied().flatten();
    // A store that cannot be read is the notary's layer's to name.
    let signed = notary::signed_size(&ground.config.notary).unwrap_or_default();
    let progress = ground.progress(Kind::Log);
    // One of another ledger says nothing of this log; the reactions' layer names it.
    let known = move |here: Option<Position>| {
        let position = checkpoint.filter(|known| here.is_some_and(|here| here.same_log(*known)));
        Known { position, signed }
    };
    let tell = move |now: verify::Progress| progress(now.done, now.total);
    match ground.source.clone() {
        Some(Source::Told(log, begins)) => verify_told(log, expect, known(Some(begins)), tell).await,
        Some(Source::Files(directory)) => {
            super::blocking(move || {
                let begins = Reader::open(&directory).map(|reader| reader.position(0)).ok();
                verify(&directory, expect, known(begins), tell)
            })
            .await
        }
        None => Err(verify::Fault::Missing(ground.config.log_shown())),
    }
}

fn told(layer: &mut Layer, report: &VerifyReport, ground: &mut Ground<'_>) {
    layer.count("records", report.records);
    layer.count("streams", report.streams as u64);
    if report.segments > 0 {
        layer.count("segments", report.segments as u64);
    }
    layer.count("bytes", report.bytes);
    if let Some(torn) = &report.torn {
        layer.note(format!("{torn}; a torn batch at the end, which the next start cuts"));
    }
    ground.head = Some(report.head);
}

fn failed(mut layer: Layer, fault: &verify::Fault) -> Layer {
    let message = fault.to_string();
    let name = match fault {
        verify::Fault::Told(misplaced) => {
            let mut fault = Fault::new("log-damaged", message).at(misplaced.position.place());
            fault.stream = Some(misplaced.stream);
            return layer.with(fault);
        }
        verify::Fault::Wrong(wrong) => {
            let mut fault = Fault::new("log-damaged", message).at(wrong.damage.record);
            fault.stream = wrong.stream;
            return layer.with(fault);
        }
        verify::Fault::Unexpected(_) => "log-unexpected",
        verify::Fault::Short { .. } => "log-short",
        verify::Fault::Missing(_) => "log-missing",
        verify::Fault::Unreadable { .. } => {
            layer.unchecked = Some(message);
            return layer;
        }
        verify::Fault::Untold(error) => {
            let Some(name) = of_cluster(error) else {
                layer.unchecked = Some(message);
                return layer;
            };
            name
        }
    };
    layer.with(Fault::new(name, message))
}

/// What is wrong with the log that a cluster keeps, if it told so.
fn of_cluster(error: &OpenLogError) -> Option<&'static str> {
    let OpenLogError::Kurrent(error) = error else { return None };
    Some(match **error {
        OpenKurrentError::Missing(_) => "log-missing",
        OpenKurrentError::Losing { .. } => "log-losing",
        // The last two: of the ledger's own stream, as what is met among records is told by `Read`.
        OpenKurrentError::Identity { .. }
        | OpenKurrentError::Read(ReadError::Corrupt(_))
        | OpenKurrentError::Cluster(client::Fault::Deleted(_) | client::Fault::Oversize(_)) => "log-damaged",
        _ => return None,
    })
}
