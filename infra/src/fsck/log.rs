//! The log: as `socai verify` checks it.

use super::{Fault, Ground, Kind, Layer};
use crate::{
    log::{Known, file::reader::Reader},
    notary,
    verify::{self, VerifyReport, verify},
};

/// Verifies every segment, record, chain and head; then reads what the other layers rest on.
pub(super) async fn check(ground: &mut Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Log);
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
    let (directory, expect) = (ground.directory.clone(), ground.options.expect);
    let checkpoint = ground.checkpoint.as_ref().ok().copied().flatten();
    // A store that cannot be read is the notary's layer's to name.
    let signed = notary::signed_size(&ground.config.notary).unwrap_or_default();
    let progress = ground.progress(Kind::Log);
    let work = move || {
        // One of another ledger says nothing of this log; the reactions' layer names it.
        let ledger = Reader::open(&directory).map(|reader| reader.position(0));
        let position = checkpoint.filter(|known| ledger.is_ok_and(|here| here.same_log(*known)));
        let known = Known { position, signed };
        verify(&directory, expect, known, |now| progress(now.done, now.total))
    };
    super::blocking(work).await
}

fn told(layer: &mut Layer, report: &VerifyReport, ground: &mut Ground<'_>) {
    layer.count("records", report.records);
    layer.count("streams", report.streams as u64);
    layer.count("segments", report.segments as u64);
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
            let mut fault = Fault::new("log-damaged", message).at(misplaced.record);
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
        verify::Fault::Unreadable { .. } | verify::Fault::Untold(_) => {
            layer.unchecked = Some(message);
            return layer;
        }
    };
    layer.with(Fault::new(name, message))
}
