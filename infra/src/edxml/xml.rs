//! Bytes to a small tree of elements: the only place that meets raw XML.
//!
//! The tree ignores attributes, prefixes, comments and processing instructions, refuses DOCTYPE (and with it every entity
//! but the five of XML), and is bounded in depth and number of elements while it is being built.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, errors};

use super::error::{EdxmlError, Part};
use super::limits::Limits;
use super::text;

/// Attributes of one element; a well-made message needs seven.
const ATTRIBUTES: usize = 64;

/// Namespaces remembered for recognizing dialects.
const NAMESPACES: usize = 64;

/// An element with its text and children.
#[derive(Debug, Default)]
pub(super) struct Element<'a> {
    /// Name without prefix.
    pub(super) name: String,
    /// All text directly inside, references resolved.
    pub(super) text: Cow<'a, str>,
    /// Elements directly inside, in order.
    pub(super) children: Vec<Element<'a>>,
}

/// A whole document.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    /// The outermost element.
    pub(super) root: Element<'a>,
    /// Namespaces declared anywhere, in order of appearance, each once.
    pub(super) namespaces: Vec<String>,
}

impl<'a> Element<'a> {
    /// The first child called so.
    pub(super) fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children called so.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The nearest element called so, this one included, at most `levels` below.
    pub(super) fn find(&self, name: &str, levels: usize) -> Option<&Element<'a>> {
        if self.name == name {
            return Some(self);
        }
        let below = levels.checked_sub(1)?;
        self.child(name).or_else(|| self.children.iter().find_map(|child| child.find(name, below)))
    }
}

/// UTF-8 of the file: byte order mark removed, UTF-16 (with its mark, or beginning with `<`) converted.
pub(super) fn to_text(bytes: &[u8]) -> Result<Cow<'_, str>, EdxmlError> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map(Cow::Owned).map_err(|_| EdxmlError::Encoding { offset: 0 })
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|e| EdxmlError::Encoding { offset: e.valid_up_to() })?;
            Ok(Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)))
        }
    }
}

/// Reads the tree. Linear in the size of `text`; recursion nowhere deeper than `limits.depth`.
pub(super) fn read<'a>(text: &'a str, limits: &Limits) -> Result<Tree<'a>, EdxmlError> {
    let text = text.trim_start();
    if text.is_empty() {
        return Err(EdxmlError::Empty);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut builder = Builder::default();
    loop {
        let at = reader.buffer_position();
        match reader.read_event() {
            Ok(Event::Start(start)) => builder.open(&start, at, limits)?,
            Ok(Event::End(_)) => builder.close(),
            Ok(Event::Text(part)) => builder.text(part.into_inner(), at)?,
            Ok(Event::CData(part)) => builder.text(part.into_inner(), at)?,
            Ok(Event::GeneralRef(reference)) => builder.text(Cow::Owned(resolve(&reference, at)?), at)?,
            Ok(Event::DocType(_)) => return Err(EdxmlError::Doctype),
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_)) => {}
            Ok(Event::Eof) => return builder.finish(at),
            Err(error) => return Err(builder.broken(&error, reader.error_position())),
        }
    }
}

#[derive(Default)]
struct Builder<'a> {
    open: Vec<Element<'a>>,
    root: Option<Element<'a>>,
    namespaces: Vec<String>,
    elements: usize,
}

impl<'a> Builder<'a> {
    fn open(&mut self, start: &BytesStart<'_>, at: u64, limits: &Limits) -> Result<(), EdxmlError> {
        if self.root.is_some() {
            return Err(malformed(at, "a second root element"));
        }
        if self.open.len() >= limits.depth {
            return Err(EdxmlError::TooLarge { part: Part::Depth, limit: limits.depth });
        }
        self.elements += 1;
        if self.elements > limits.elements {
            return Err(EdxmlError::TooLarge { part: Part::Elements, limit: limits.elements });
        }
        // The check for duplicate attributes is quadratic, and no attribute is used.
        for (count, attribute) in start.attributes().with_checks(false).enumerate() {
            if count == ATTRIBUTES {
                return Err(EdxmlError::TooLarge { part: Part::Attributes, limit: ATTRIBUTES });
            }
            let attribute = attribute.map_err(|error| malformed(at, &error.to_string()))?;
            let declares = attribute.key.as_namespace_binding().is_some();
            let value: &str = &attribute.value;
            if declares && self.namespaces.len() < NAMESPACES && !self.namespaces.iter().any(|known| known == value) {
                self.namespaces.push(value.to_owned());
            }
        }
        self.open.push(Element { name: start.local_name().into_inner().to_owned(), ..Element::default() });
        Ok(())
    }

    fn close(&mut self) {
        if let Some(done) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(done),
                None => self.root = Some(done),
            }
        }
    }

    fn text(&mut self, part: Cow<'a, str>, at: u64) -> Result<(), EdxmlError> {
        match self.open.last_mut() {
            Some(element) if element.text.is_empty() => element.text = part,
            Some(element) => element.text.to_mut().push_str(&part),
            None if part.trim().is_empty() => {}
            None => return Err(malformed(at, "text outside the root element")),
        }
        Ok(())
    }

    fn finish(self, at: u64) -> Result<Tree<'a>, EdxmlError> {
        match (self.open.last(), self.root) {
            (Some(open), _) => Err(EdxmlError::Truncated { inside: text::excerpt(&open.name, 60) }),
            (None, Some(root)) => Ok(Tree { root, namespaces: self.namespaces }),
            (None, None) => Err(malformed(at, "no element")),
        }
    }

    fn broken(&self, error: &quick_xml::Error, at: u64) -> EdxmlError {
        match (error, self.open.last()) {
            // A syntax error is always something that was begun and not ended.
            (quick_xml::Error::Syntax(syntax), _) if *syntax == errors::SyntaxError::UnclosedDoctype => {
                EdxmlError::Doctype
            }
            (quick_xml::Error::Syntax(_), Some(open)) => {
                EdxmlError::Truncated { inside: text::excerpt(&open.name, 60) }
            }
            _ => malformed(at, &error.to_string()),
        }
    }
}

fn resolve(reference: &BytesRef<'_>, at: u64) -> Result<String, EdxmlError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| malformed(at, &error.to_string()))? {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    match resolve_predefined_entity(name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(EdxmlError::Entity { name: text::excerpt(name, 60) }),
    }
}

fn malformed(offset: u64, reason: &str) -> EdxmlError {
    EdxmlError::Malformed { offset, reason: text::excerpt(reason, 200) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Result<Tree<'_>, EdxmlError> {
        read(text, &Limits::default())
    }

    #[test]
    fn names_lose_their_prefix_and_text_its_escapes() {
        let tree = tree("<?xml version='1.0'?><a:x xmlns:a='urn:a' xmlns='urn:b'><!-- c --><b>1 &lt; <![CDATA[&2]]>&#x1EA1;</b><a:c/></a:x>").unwrap();
        assert_eq!(tree.root.name, "x");
        assert_eq!(tree.root.child("b").unwrap().text, "1 < &2ạ");
        assert_eq!(tree.root.child("c").unwrap().text, "");
        assert_eq!(tree.namespaces, ["urn:a", "urn:b"]);
    }

    #[test]
    fn the_unsafe_and_the_broken_are_told_apart() {
        assert_eq!(tree("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").unwrap_err(), EdxmlError::Doctype);
        assert_eq!(tree("<!DOCTYPE a [<!ENTITY b 'c'>").unwrap_err(), EdxmlError::Doctype);
        assert_eq!(tree("<a>&b;</a>").unwrap_err(), EdxmlError::Entity { name: "b".into() });
        assert_eq!(tree("<a><b>").unwrap_err(), EdxmlError::Truncated { inside: "b".into() });
        assert_eq!(tree("<a><b></").unwrap_err(), EdxmlError::Truncated { inside: "b".into() });
        assert_eq!(tree(" \n").unwrap_err(), EdxmlError::Empty);
        for text in ["<a></b>", "<a/><b/>", "<a/>x", "x<a/>", "<!-- only -->", "<a b></a>", "<a>&#xD800;</a>"] {
            assert!(matches!(tree(text).unwrap_err(), EdxmlError::Malformed { .. }), "{text}: {:?}", tree(text));
        }
    }

    #[test]
    fn depth_elements_and_attributes_are_bounded() {
        let nested = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
        assert!(tree(&nested(32)).is_ok());
        assert_eq!(tree(&nested(33)).unwrap_err(), EdxmlError::TooLarge { part: Part::Depth, limit: 32 });
        assert!(matches!(tree(&nested(1_000_000)).unwrap_err(), EdxmlError::TooLarge { part: Part::Depth, .. }));
        let limits = Limits { elements: 10, ..Limits::default() };
        let flat = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n));
        assert!(read(&flat(9), &limits).is_ok());
        assert_eq!(read(&flat(10), &limits).unwrap_err(), EdxmlError::TooLarge { part: Part::Elements, limit: 10 });
        let attributes = (0..65).fold(String::new(), |all, i| format!("{all} x{i}='1'"));
        assert!(matches!(
            tree(&format!("<a{attributes}/>")).unwrap_err(),
            EdxmlError::TooLarge { part: Part::Attributes, .. }
        ));
    }

    #[test]
    fn utf_8_and_utf_16_are_read_with_and_without_mark() {
        let text = "<a>Số đến</a>";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked(&[0xef, 0xbb, 0xbf], text.as_bytes()),
            marked(&[0xff, 0xfe], &le),
            marked(&[0xfe, 0xff], &be),
            le,
            be,
        ] {
            assert_eq!(to_text(&bytes).unwrap(), text);
        }
        assert_eq!(to_text(b"<a>\xd0</a>").unwrap_err(), EdxmlError::Encoding { offset: 3 });
        assert!(to_text(&[0xff, 0xfe, 0x00, 0xd8]).is_err());
    }
}
