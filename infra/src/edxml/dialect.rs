//! Tells the QCVN 102:2016 form from its relatives, by root element and declared namespaces.

use super::error::{Dialect, EdxmlError};
use super::text;
use super::xml::Tree;

/// The one namespace of QCVN 102:2016. Amendments are expected to keep its beginning.
const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102";

/// Declared by tools of all kinds and saying nothing about the format: XML Schema, `XLink`, XML signatures.
const NEUTRAL: [&str; 2] = ["http://www.w3.org/", "https://www.w3.org/"];

/// `Ok` if the tree is to be read as QCVN 102:2016. A message without any namespace is; one in a foreign namespace is not.
pub(super) fn check(tree: &Tree<'_>) -> Result<(), EdxmlError> {
    let declares = |part: &str| tree.namespaces.iter().any(|name| name.contains(part));
    let refuse = |dialect| Err(EdxmlError::Dialect(dialect));
    if declares("www.e-doc.vn/Schema") {
        return refuse(Dialect::EDoc2012);
    }
    if declares("www.go.vn/eDoc") {
        return refuse(Dialect::GoVn);
    }
    match tree.root.name.as_str() {
        "edXML" | "edXMLEnvelope" => {}
        "Envelope" => return refuse(Dialect::Soap),
        other => return Err(EdxmlError::NotEdxml { root: text::excerpt(other, 60) }),
    }
    if tree.root.find("edXMLAttachments", 3).is_some() {
        return refuse(Dialect::InlineAttachments);
    }
    let foreign = tree
        .namespaces
        .iter()
        .find(|name| !name.is_empty() && !NEUTRAL.iter().any(|neutral| name.starts_with(neutral)));
    match foreign {
        Some(name) if !declares(NAMESPACE) => refuse(Dialect::UnknownNamespace(text::excerpt(name, 100))),
        _ => Ok(()),
    }
}
