//! That the log only grew since an earlier checkpoint: a proof of RFC 6962 as an entry, and the checkpoint that a checker holds.
//!
//! ```text
//! socai consistency v1
//! <leaves of the earlier tree>
//! <its root>
//! <hash>…
//! ```

use socai_domain::proof::{Checkpoint, Note, Policy, TreeHash, TreeHead, consistency};

use super::{
    fault::{Fault, Kind},
    names,
};

const FIRST_LINE: &str = "socai consistency v1";

/// The entry.
pub(crate) fn write(old: TreeHead, hashes: &[TreeHash]) -> Vec<u8> {
    let mut text = format!("{FIRST_LINE}\n{}\n{}\n", old.size, old.root);
    for hash in hashes {
        text.push_str(&hash.to_string());
        text.push('\n');
    }
    text.into_bytes()
}

/// The earlier head and the way from it.
fn read(bytes: &[u8]) -> Option<(TreeHead, Vec<TreeHash>)> {
    let mut lines = str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split('\n');
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let old = TreeHead { size: lines.next()?.parse().ok()?, root: lines.next()?.parse().ok()? };
    let hashes: Vec<TreeHash> = lines.map(|line| line.parse().ok()).collect::<Option<_>>()?;
    (write(old, &hashes) == bytes).then_some((old, hashes))
}

/// A checkpoint that a checker holds: signed by a log that they believe, whoever has cosigned it.
fn held(bytes: &[u8], policy: &Policy) -> Result<Checkpoint, String> {
    let note = Note::parse(bytes).map_err(|error| error.to_string())?;
    policy.signed(&note).map(|(_, checkpoint)| checkpoint).map_err(|error| error.to_string())
}

/// Has the tree of the bundle's checkpoint grown from the one in the entry, and from the one that the checker holds?
pub(crate) fn check(
    checkpoint: &Checkpoint,
    entry: Option<&[u8]>,
    (since, policy): (Option<&[u8]>, &Policy),
    faults: &mut Vec<Fault>,
) {
    let mut shown = None;
    if let Some(bytes) = entry {
        let wrong = |what: String| Fault::entry(Kind::Proof, names::CONSISTENCY, what);
        match read(bytes) {
            None => faults.push(wrong("it is not written as an export writes it".to_owned())),
            Some((old, hashes)) => match consistency::verify(old, checkpoint.head(), &hashes) {
                Ok(()) => shown = Some(old),
                Err(error) => faults.push(wrong(error.to_string())),
            },
        }
    }
    let Some(since) = since else { return };
    match held(since, policy) {
        Err(what) => faults.push(Fault::of(Kind::Held, format!("the checkpoint that you hold: {what}"))),
        Ok(held) if held.origin() != checkpoint.origin() => {
            faults.push(Fault::of(Kind::Held, format!("the checkpoint that you hold is of the log {}", held.origin())));
        }
        Ok(held) => {
            faults.extend(compare(held.head(), checkpoint.head(), shown).map(|what| Fault::of(Kind::Held, what)));
        }
    }
}

fn compare(held: TreeHead, bundle: TreeHead, shown: Option<TreeHead>) -> Option<String> {
    if held.size > bundle.size {
        return Some(format!(
            "the checkpoint that you hold covers {} records, the bundle's {}: export it anew",
            held.size, bundle.size
        ));
    }
    let other = match shown.filter(|shown| shown.size == held.size).or((bundle.size == held.size).then_some(bundle)) {
        Some(shown) => shown.root != held.root,
        // The empty tree is the beginning of every other.
        None if held.size == 0 => false,
        None => {
            return Some(format!(
                "the bundle does not show that the log grew from the {} records of your checkpoint: export it with --since",
                held.size
            ));
        }
    };
    other.then(|| {
        format!("of {} records your checkpoint and this log have two roots: the log shows two histories", held.size)
    })
}
