//! A digest of what a message says, the same before and after the axis.
//!
//! The axis parses and writes every file anew, so the digest is over content: it does not see the order of elements, comments,
//! empty elements, defaults that the axis writes in (`Direction`, `TypeDetail` …), its trace entries, the receivers it adds
//! for old codes, how attachments are packed, nor what it declares about them.

use std::collections::BTreeSet;

use blake3::Hasher;

use super::model::{Edoc, Operation, Organization};
use super::moment::DateText;

/// Key-derivation context; a change of what is covered needs a new one.
const CONTEXT: &str = "socai 2026 edXML message content v1";

/// BLAKE3 (derive-key mode) over operation, sender, receivers, the document's header and each attachment's name and bytes.
///
/// Not covered: clerks, the sender's contact data, `Paper`, the reason and target of a *new* document (the axis may drop
/// them), traces, signatures, attachments' descriptions and declared types. Receivers are covered as a set of ids, so a hub that filters
/// them changes the digest.
pub fn content_digest(edoc: &Edoc) -> [u8; 32] {
    let mut canon = Canon(Hasher::new_derive_key(CONTEXT));
    operation(&mut canon, edoc);
    canon.text(Some(&edoc.from.id));
    canon.set(edoc.to.iter().map(identity));
    for text in [&edoc.document_id, &edoc.code_number, &edoc.code_notation, &edoc.place] {
        canon.text(text.as_deref());
    }
    canon.date(edoc.promulgated_on.as_ref());
    canon.number(edoc.document_type.type_, 2);
    canon.number(edoc.document_type.detail.filter(|detail| *detail >= 0), 0);
    for text in [&edoc.document_type.name, &edoc.subject, &edoc.content] {
        canon.text(text.as_deref());
    }
    let signer = edoc.signer.clone().unwrap_or_default();
    for text in [&signer.competence, &signer.position, &signer.full_name] {
        canon.text(text.as_deref());
    }
    canon.date(edoc.due_on.as_ref());
    let other = &edoc.other;
    canon.number(other.priority, 0);
    canon.number(other.copies, 1);
    canon.number(other.pages, 1);
    canon.number(other.direction.map(i32::from), 0);
    for text in [&other.sphere, &other.typer_notation, &other.reply_for, &other.reference_codes] {
        canon.text(text.as_deref());
    }
    canon.list(&other.appendixes);
    canon.number(edoc.steering_type, 0);
    canon.list(&edoc.to_places);
    canon.count(edoc.response_for.len());
    for response in &edoc.response_for {
        for text in [&response.organ_id, &response.code, &response.document_id] {
            canon.text(text.as_deref());
        }
        canon.date(response.promulgated_on.as_ref());
    }
    canon.list(&edoc.task_codes);
    canon.text(edoc.application_type.as_deref());
    canon.count(edoc.attachments.len());
    for attachment in &edoc.attachments {
        canon.text(Some(&attachment.name));
        canon.0.update(blake3::hash(&attachment.bytes).as_bytes());
    }
    *canon.0.finalize().as_bytes()
}

fn operation(canon: &mut Canon, edoc: &Edoc) {
    let reason = edoc.reason.as_deref();
    match &edoc.operation {
        Operation::New => canon.count(0),
        Operation::Recall { document_id } => {
            canon.count(1);
            canon.text(document_id.as_deref());
            canon.text(reason);
        }
        Operation::Update(update) => {
            canon.count(2);
            canon.text(update.document_id.as_deref());
            canon.text(reason);
            canon.number(Some(update.document_changes.into()), 0);
            canon.number(Some(update.receivers_change.into()), 0);
            canon.count(update.receivers.len());
            for receiver in &update.receivers {
                canon.text(Some(&receiver.organ_id));
                canon.number(receiver.added.map(i32::from), -1);
            }
        }
        Operation::Replace(replacements) => {
            canon.count(3);
            canon.text(reason);
            canon.count(replacements.len());
            for replacement in replacements {
                canon.text(replacement.document_id.as_deref());
                canon.list(&replacement.organ_ids);
            }
        }
    }
}

fn identity(organization: &Organization) -> &str {
    if organization.id.is_empty() { organization.name.as_deref().unwrap_or_default() } else { &organization.id }
}

/// Writes values so that no two sequences of values give the same bytes: each has a fixed place, texts and lists their length.
struct Canon(Hasher);

impl Canon {
    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    /// Absent and empty are the same; how lines are broken does not matter.
    fn text(&mut self, text: Option<&str>) {
        let joined = text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        self.count(joined.len());
        self.0.update(joined.as_bytes());
    }

    fn list(&mut self, texts: &[String]) {
        self.count(texts.len());
        for text in texts {
            self.text(Some(text));
        }
    }

    fn set<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let sorted: BTreeSet<&str> = texts.collect();
        self.count(sorted.len());
        for text in sorted {
            self.text(Some(text));
        }
    }

    fn number(&mut self, number: Option<i32>, default: i32) {
        self.0.update(&number.unwrap_or(default).to_le_bytes());
    }

    /// A date by its day if it can be read, else as written.
    fn date(&mut self, date: Option<&DateText>) {
        match date {
            Some(DateText { date: Some(day), .. }) => self.text(Some(&day.to_string())),
            other => self.text(other.map(|text| text.raw.as_str())),
        }
    }
}
