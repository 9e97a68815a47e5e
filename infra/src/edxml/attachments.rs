//! Reads the files of a message: joins the manifest with the encoded parts and decodes these within the limits.

use super::error::{EdxmlError, Part};
use super::fields::Fields;
use super::limits::Limits;
use super::model::{Attachment, Damage};
use super::unpack::{self, Unpacked};
use super::{text, xml::Element};
use crate::blobs;

/// Levels between the root and the lists of attachments.
const LEVELS: usize = 4;

/// What the manifest says of a file.
struct Reference {
    content_id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    declared_type: Option<String>,
}

/// All attachments, in the order of their encoded parts; files that only the manifest knows come last, as missing.
pub(super) fn read(root: &Element<'_>, limits: &Limits) -> Result<Vec<Attachment>, EdxmlError> {
    let mut manifest = references(root, limits)?;
    let parts: Vec<&Element<'_>> =
        root.find("AttachmentEncoded", LEVELS).map(|list| list.all("Attachment").collect()).unwrap_or_default();
    if parts.len().max(manifest.len()) > limits.attachments {
        return Err(EdxmlError::TooLarge { part: Part::AttachmentCount, limit: limits.attachments });
    }
    let mut left = limits.attachments_total;
    let mut attachments = Vec::with_capacity(parts.len());
    let mut unmatched = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let fields = Fields { element: part, limits };
        let stated = reference(fields, "MimeType")?;
        let by_id =
            manifest.iter().position(|known| known.content_id.is_some() && known.content_id == stated.content_id);
        let listed = by_id.map(|at| manifest.remove(at));
        if listed.is_none() {
            unmatched.push(index);
        }
        attachments.push((stated, listed, *part));
    }
    // No reader enforces the ids: what they do not join stands in the same order.
    for index in unmatched.into_iter().take(manifest.len()) {
        attachments[index].1 = Some(manifest.remove(0));
    }
    let mut read = Vec::with_capacity(attachments.len() + manifest.len());
    for (stated, listed, part) in attachments {
        let encoded = part.child("ContentTransferEncoded").map_or("", |content| content.text.as_ref());
        let name = named(&stated, listed.as_ref());
        let unpacked = unpack::unpack(encoded, name.as_deref().unwrap_or_default(), left, limits)?;
        left = left.saturating_sub(unpacked.bytes.len());
        read.push(attachment(name, stated, listed, unpacked, read.len()));
    }
    for listed in manifest {
        let missing = Unpacked { bytes: Vec::new(), damage: Some(Damage::Missing) };
        let name = named(&listed, None);
        read.push(attachment(name, listed, None, missing, read.len()));
    }
    Ok(read)
}

fn references(root: &Element<'_>, limits: &Limits) -> Result<Vec<Reference>, EdxmlError> {
    let Some(element) = root.find("edXMLManifest", LEVELS) else { return Ok(Vec::new()) };
    let all: Result<Vec<_>, _> =
        Fields { element, limits }.groups("Reference").map(|r| reference(r, "MimeType")).collect();
    let says_something = |r: &Reference| r.content_id.is_some() || r.name.is_some();
    Ok(all?.into_iter().filter(says_something).collect())
}

fn reference(fields: Fields<'_, '_>, other_type: &str) -> Result<Reference, EdxmlError> {
    Ok(Reference {
        content_id: fields.line("ContentId")?.map(|id| bare_id(&id)).filter(|id| !id.is_empty()),
        name: fields.line("AttachmentName")?,
        description: fields.line("Description")?,
        declared_type: fields.line("ContentType")?.or(fields.line(other_type)?),
    })
}

/// The id without any number of leading `cid:`.
fn bare_id(id: &str) -> String {
    let mut bare = id;
    while let Some((_, rest)) = bare.split_at_checked(4).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("cid:")) {
        bare = rest.trim_start();
    }
    bare.to_owned()
}

/// The name that the part or else the manifest gives, made safe.
fn named(stated: &Reference, listed: Option<&Reference>) -> Option<String> {
    let safe = |reference: &Reference| reference.name.as_deref().and_then(text::file_name);
    safe(stated).or_else(|| listed.and_then(safe))
}

/// A name for the file at `index` that came without one.
fn invented_name(index: usize, bytes: &[u8]) -> String {
    match blobs::usual_extension(blobs::sniff(bytes)) {
        Some(extension) => format!("attachment-{}.{extension}", index + 1),
        None => format!("attachment-{}", index + 1),
    }
}

fn attachment(
    name: Option<String>,
    stated: Reference,
    listed: Option<Reference>,
    unpacked: Unpacked,
    index: usize,
) -> Attachment {
    let (listed_description, listed_type) = listed.map(|r| (r.description, r.declared_type)).unwrap_or_default();
    Attachment {
        name: name.unwrap_or_else(|| invented_name(index, &unpacked.bytes)),
        description: stated.description.or(listed_description),
        bytes: unpacked.bytes,
        declared_type: stated.declared_type.or(listed_type),
        damage: unpacked.damage,
    }
}
