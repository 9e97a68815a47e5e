//! The notary's store: what it signed is what the log holds, and what it keeps is what follows from that.

use std::{fs, path::Path};

use socai_domain::{
    ledger::RecordHash,
    proof::{Policy, TreeHead, VerifierKey, policy::NotAccepted},
};

use super::{
    Fault, Ground, Kind, Layer, blocking,
    facts::Facts,
    source::{Entry, Source, Until},
};
use crate::{
    config::{Config, Location},
    log_key::{self, LogKey, LogKeyError},
    notary::{Beside, BesideError, Difference, StoreError},
};

/// Records that are read between two reports.
const AT_ONCE: usize = 50_000;

/// Makes the tree again of the log's records and compares it with what was signed and with what is kept.
pub(super) async fn check(ground: &mut Ground<'_>) -> Layer {
    let layer = Layer::new(Kind::Notary);
    let Some(facts) = ground.facts.as_ref() else { return Layer::unchecked(Kind::Notary, "the log cannot be read") };
    let key = match key(ground.config, facts.ledger()) {
        Ok(key) => key,
        Err(fault) => return layer.with(fault),
    };
    let at = ground.config.notary.clone();
    let opened = blocking(move || open(&at, &key)).await;
    // What a checkpoint covers was in the log before it.
    if let Err(error) = ground.catch_up().await {
        return Layer::unchecked(Kind::Notary, error.to_string());
    }
    let records = ground.facts.as_ref().map_or(0, Facts::records);
    let (beside, cosigned) = match opened {
        Ok(opened) => opened,
        Err(fault) if records == 0 && fault.name == MISSING => return layer,
        Err(fault) => return layer.with(fault),
    };
    if beside.head().size > records {
        let message = format!(
            "the checkpoint that was signed covers {} records, and the log has {records}: the log was cut, or is an older \
             copy; restore its newest copy",
            beside.head().size
        );
        return layer.with(Fault::new("notary-beyond-log", message));
    }
    let policy = ground.config.witnesses.clone();
    let Some(source) = ground.source.clone() else { return Layer::unchecked(Kind::Notary, "the log cannot be read") };
    let progress = ground.progress(Kind::Notary);
    blocking(move || {
        let mut layer = Layer::new(Kind::Notary);
        layer.count("records covered", beside.head().size);
        if let Some(cosigned) = &cosigned {
            layer.count("records cosigned", cosigned.head().size);
            check_cosignatures(cosigned, policy.as_deref(), &mut layer);
        }
        if let Err(why) = compare(&source, &beside, cosigned.as_ref(), progress, &mut layer) {
            layer.unchecked = Some(why);
        }
        layer
    })
    .await
}

const MISSING: &str = "notary-missing";

/// The key that the log signs with.
fn key(config: &Config, ledger: socai_domain::ledger::LedgerId) -> Result<VerifierKey, Fault> {
    let loaded = LogKey::load(&config.log_key).and_then(|key| Ok(key.named(log_key::origin(&config.origin, ledger)?)));
    loaded.map(|key| key.public().clone()).map_err(|error| {
        let name = match error {
            LogKeyError::Missing(_) => "log-key-missing",
            _ => "log-key-damaged",
        };
        Fault::new(name, error.to_string())
    })
}

/// The tree of the newest checkpoint, and that of the newest one that was cosigned.
fn open(at: &Location, key: &VerifierKey) -> Result<(Beside, Option<Beside>), Fault> {
    let published = Beside::published_key(at).map_err(|error| match error {
        BesideError::Key(..) => Fault::new("notary-key-wrong", error.to_string()),
        error => unopened(&error),
    })?;
    let beside = Beside::open_with(at, key.clone()).map_err(|error| unopened(&error))?;
    if published.as_ref() != Some(key) {
        let message = format!(
            "{at}/log.pub does not hold the log's verifier key {key}, and is given away as if it did: the next start \
             writes it again; find out who changed it"
        );
        return Err(Fault::new("notary-key-wrong", message));
    }
    let cosigned = beside.cosigned().map_err(|error| match error {
        BesideError::Store(_) => unopened(&error),
        _ => Fault::new("cosigned-wrong", format!("the cosigned checkpoint: {error}")),
    })?;
    Ok((beside, cosigned))
}

fn unopened(error: &BesideError) -> Fault {
    match error {
        BesideError::Nothing(dir) => {
            let message = format!(
                "{dir} has no signed checkpoint, and the log has records: restore the newest copy of the notary's store; if there \
                 is none, `socai notary agree`"
            );
            Fault::new(MISSING, message)
        }
        BesideError::Store(StoreError::Unavailable(_)) => Fault::new("notary-unreadable", error.to_string()),
        _ => Fault::new("notary-signature-wrong", error.to_string()),
    }
}

/// Are the cosignatures those of the witnesses that are asked now?
fn check_cosignatures(cosigned: &Beside, policy: Option<&Path>, layer: &mut Layer) {
    let Some(path) = policy else { return layer.note("no witnesses are set: cosignatures were not looked at") };
    let read = fs::read(path).map_err(|error| error.to_string());
    let policy = match read.and_then(|bytes| Policy::parse(&bytes).map_err(|error| error.to_string())) {
        Ok(policy) => policy,
        Err(why) => return layer.note(format!("cosignatures were not looked at: {}: {why}", path.display())),
    };
    match policy.check(cosigned.note()) {
        Ok(accepted) => layer.count("witnesses", accepted.witnessed.len() as u64),
        Err(error @ NotAccepted::Quorum { .. }) => {
            layer.note(format!("the cosigned checkpoint is not enough for the witnesses that are asked now: {error}"));
        }
        Err(error) => layer.wrong(Fault::new("cosigned-wrong", format!("the cosigned checkpoint: {error}"))),
    }
}

/// Reads the log up to the newest checkpoint.
fn compare(
    source: &Source,
    beside: &Beside,
    cosigned: Option<&Beside>,
    progress: impl Fn(u64, u64),
    layer: &mut Layer,
) -> Result<(), String> {
    let mut reader = source.reader().map_err(|error| error.to_string())?;
    let mut comparison = beside.compare().map_err(|error| error.to_string())?;
    let heads = cosigned.map(|cosigned| ("cosigned", cosigned.head()));
    for (which, head) in heads.into_iter().chain([("newest", beside.head())]) {
        let mut more = true;
        while more {
            let mut records = Vec::new();
            let mut take = |entry: Entry<'_>| {
                records.push((RecordHash::of(entry.record), entry.place));
            };
            more = reader.read(Until::Records(head.size), AT_ONCE, &mut take).map_err(|error| error.to_string())?;
            comparison.add(records.into_iter()).map_err(|error| error.to_string())?;
            progress(reader.records(), beside.head().size);
        }
        if comparison.root() != head.root {
            let differs = comparison.end().map_err(|error| error.to_string())?;
            layer.wrong(rewritten(which, head, &differs));
            return Ok(());
        }
    }
    // The log is the one that was signed: what differs from it is the store.
    for differs in comparison.end().map_err(|error| error.to_string())? {
        let message = format!(
            "{differs} in the notary's store is not what the log gives, though the root that was signed is: restore the store's \
             newest copy"
        );
        layer.wrong(Fault::new("notary-damaged", message));
    }
    Ok(())
}

fn rewritten(which: &str, head: TreeHead, differs: &[Difference]) -> Fault {
    let entry = differs.iter().filter_map(|differs| differs.entry()).min();
    let first = match entry {
        Some(leaf) => format!("record {} is the first that is another one", leaf + 1),
        None => "the notary's store was changed with it".to_owned(),
    };
    let message = format!(
        "the first {} records of the log do not give the root that the {which} checkpoint signs: {first}; history was rewritten: keep \
         everything as it is, and compare with a copy from elsewhere",
        head.size
    );
    let fault = Fault::new("notary-not-of-log", message);
    match entry {
        Some(leaf) => fault.at(leaf + 1),
        None => fault,
    }
}
