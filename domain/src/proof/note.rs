//! Signed notes: a text and, under an empty line, a line for each signature (C2SP `signed-note`).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use thiserror::Error;

use super::key::{KeyId, SecretKey, SignatureKind, VerifierKey};

/// The longest note that is read, in bytes.
pub const MAX_NOTE_LEN: usize = 256 * 1024;
/// The most signatures that are read. The specification asks for 16.
pub const MAX_SIGNATURES: usize = 64;

/// How every signature line begins: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// A signature line: who is said to have signed, and with what result. Nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// The name of the key.
    name: String,
    /// The id of the key.
    id: KeyId,
    /// What follows the id.
    bytes: Vec<u8>,
}

impl SignatureLine {
    pub(super) fn of(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().to_string(), id: key.id(), bytes }
    }

    /// Is it said to be by this key?
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == key.name().as_str()
    }

    /// What follows the key's id.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a line without its line end.
    pub fn parse(line: &str) -> Result<Self, NotANote> {
        let parse = || {
            let (name, signature) = line.strip_prefix(MARK)?.split_once(' ')?;
            // A stranger's key may have a name that ours must not have; those are ignored, not refused.
            let named = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c < ' ');
            let bytes = BASE64.decode(signature).ok().filter(|_| named)?;
            let (id, bytes) = bytes.split_first_chunk()?;
            (!bytes.is_empty()).then(|| Self { name: name.to_owned(), id: KeyId(*id), bytes: bytes.to_vec() })
        };
        parse().ok_or(NotANote::SignatureLine)
    }
}

impl fmt::Display for SignatureLine {
    /// The line without its line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{} {}", self.name, BASE64.encode([&self.id.0[..], &self.bytes].concat()))
    }
}

/// A text with signatures. It says nothing until one of them, by a key that is trusted, has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// Why bytes are not a signed note.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotANote {
    /// Longer than [`MAX_NOTE_LEN`].
    #[error("a signed note has at most {MAX_NOTE_LEN} bytes, this one {0}")]
    TooLong(usize),
    /// Not UTF-8, or with control characters other than the line end.
    #[error("a signed note is plain text in UTF-8 without control characters; ask for the file as it was sent")]
    NotText,
    /// No empty line with signature lines below it, or no text above.
    #[error("a signed note is a text, an empty line and at least one line of signature; part of it is missing")]
    Incomplete,
    /// A line below the empty line that is not a signature.
    #[error("below the empty line of a signed note stand lines of signature only, `\u{2014} NAME BASE64`")]
    SignatureLine,
    /// More than [`MAX_SIGNATURES`].
    #[error("at most {MAX_SIGNATURES} signatures are read, this note has {0}")]
    TooManySignatures(usize),
}

/// Why a key has not signed a note.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotSigned {
    /// No line is by this key.
    #[error("it bears no signature by {name} (key {id})")]
    Missing {
        /// The key's name.
        name: String,
        /// The key's id.
        id: KeyId,
    },
    /// A line is said to be by this key, but the key did not sign this text.
    #[error("the signature by {name} (key {id}) is false: the text was changed, or another key signed it")]
    False {
        /// The key's name.
        name: String,
        /// The key's id.
        id: KeyId,
    },
    /// The key makes signatures of another kind than are wanted here.
    #[error("{name} is the key of a {}, which is not wanted here", match .kind { SignatureKind::Note => "log", SignatureKind::Cosignature => "witness" })]
    Kind {
        /// The key's name.
        name: String,
        /// What it signs.
        kind: SignatureKind,
    },
}

impl NotSigned {
    pub(super) fn missing(key: &VerifierKey) -> Self {
        Self::Missing { name: key.name().to_string(), id: key.id() }
    }

    pub(super) fn is_false(key: &VerifierKey) -> Self {
        Self::False { name: key.name().to_string(), id: key.id() }
    }

    pub(super) fn kind(key: &VerifierKey) -> Self {
        Self::Kind { name: key.name().to_string(), kind: key.kind() }
    }
}

fn is_text(text: &str) -> bool {
    text.chars().all(|c| c >= ' ' || c == '\n')
}

impl Note {
    /// A text, signed by a log's key. The text ends with a line end and holds no other control character.
    pub fn sign(text: impl Into<String>, key: &SecretKey) -> Result<Self, NotANote> {
        let text = text.into();
        if !text.ends_with('\n') || !is_text(&text) {
            return Err(NotANote::NotText);
        }
        let signature = SignatureLine::of(key.public(), key.sign(text.as_bytes()).to_vec());
        Ok(Self { text, signatures: vec![signature] })
    }

    /// Reads a signed note. Says nothing about its signatures: see [`Note::verify`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotANote> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NotANote::TooLong(bytes.len()));
        }
        let whole = str::from_utf8(bytes).ok().filter(|text| is_text(text)).ok_or(NotANote::NotText)?;
        let end = whole.rfind("\n\n").ok_or(NotANote::Incomplete)?;
        let (text, below) = (&whole[..=end], &whole[end + 2..]);
        let lines = below.strip_suffix('\n').ok_or(NotANote::Incomplete)?;
        let signatures: Vec<_> = lines.split('\n').map(SignatureLine::parse).collect::<Result<_, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NotANote::TooManySignatures(signatures.len()));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, with its last line end. Not to be believed before [`Note::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, checked or not.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds a signature line; one by the same key is replaced.
    pub fn add(&mut self, line: SignatureLine) {
        self.signatures.retain(|other| (&other.name, other.id) != (&line.name, line.id));
        self.signatures.push(line);
    }

    /// Has this key of a log signed the text? Lines of other keys are ignored; if there are several by this one, each
    /// must be good.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NotSigned> {
        if key.kind() != SignatureKind::Note {
            return Err(NotSigned::kind(key));
        }
        let mut signed = Err(NotSigned::missing(key));
        for line in self.signatures.iter().filter(|line| line.is_by(key)) {
            let signature = <&[u8; 64]>::try_from(line.bytes()).map_err(|_| NotSigned::is_false(key))?;
            if !key.signed(self.text.as_bytes(), signature) {
                return Err(NotSigned::is_false(key));
            }
            signed = Ok(());
        }
        signed
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::KeyName;
    use super::*;

    /// The examples of the specification and of Go's package `note`.
    const EXAMPLES: [(&str, &str); 2] = [
        (
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "This is an example message.\n\n\u{2014} example.com/foo \
             Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
        ),
        (
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
             \u{2014} PeterNeumann \
             x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
        ),
    ];

    fn key(name: &str, seed: u8) -> SecretKey {
        SecretKey::new(KeyName::new(name).unwrap(), SignatureKind::Note, &[seed; 32])
    }

    #[test]
    fn foreign_notes_verify_and_print_as_they_were() {
        for (key, text) in EXAMPLES {
            let note = Note::parse(text.as_bytes()).unwrap();
            assert_eq!(note.verify(&key.parse().unwrap()), Ok(()));
            assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn one_flipped_bit_anywhere_is_found() {
        for (key, text) in EXAMPLES {
            let key: VerifierKey = key.parse().unwrap();
            for bit in 0..text.len() * 8 {
                let mut bytes = text.as_bytes().to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let verified = Note::parse(&bytes).is_ok_and(|note| note.verify(&key).is_ok());
                assert!(!verified, "bit {bit}: {}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn lines_of_unknown_keys_are_ignored_and_kept() {
        let (mine, other) = (key("log.example", 1), key("log.example", 2));
        let mut note = Note::sign("a\n\nb\n", &mine).unwrap();
        // Same name and another id; another name and the same id; a kind of the future, of another length.
        note.add(Note::sign("c\n", &other).unwrap().signatures()[0].clone());
        note.add(SignatureLine { name: "x".into(), ..note.signatures()[0].clone() });
        note.add(SignatureLine { name: "y".into(), id: KeyId([9; 4]), bytes: vec![1; 5000] });
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!((&read, read.text(), read.signatures().len()), (&note, "a\n\nb\n", 4));
        assert_eq!(read.verify(mine.public()), Ok(()));
        assert_eq!(read.verify(other.public()), Err(NotSigned::is_false(other.public())));
        let third = key("third.example", 3);
        let error = read.verify(third.public()).unwrap_err();
        assert_eq!(error, NotSigned::missing(third.public()));
        assert!(error.to_string().contains("third.example"), "{error}");
    }

    #[test]
    fn a_false_second_signature_of_a_known_key_is_not_overlooked() {
        let mine = key("log.example", 1);
        let mut note = Note::sign("a\n", &mine).unwrap();
        let mut line = note.signatures()[0].clone();
        line.bytes[10] ^= 1;
        for at in [0, 1] {
            note.signatures.insert(at, line.clone());
            assert_eq!(note.verify(mine.public()), Err(NotSigned::is_false(mine.public())));
            note.signatures.remove(at);
        }
        line.bytes.pop();
        note.add(line);
        assert_eq!(note.verify(mine.public()), Err(NotSigned::is_false(mine.public())));
    }

    #[test]
    fn a_witness_does_not_sign_notes() {
        let witness = SecretKey::new(KeyName::new("w.example").unwrap(), SignatureKind::Cosignature, &[1; 32]);
        let note = Note::sign("a\n", &key("log.example", 1)).unwrap();
        assert_eq!(
            note.verify(witness.public()).unwrap_err().to_string(),
            "w.example is the key of a witness, which is not wanted here"
        );
    }

    #[test]
    fn what_is_not_a_note_is_refused_by_name() {
        let line = Note::sign("a\n", &key("l", 1)).unwrap().signatures()[0].to_string();
        let error = |text: &str| Note::parse(text.as_bytes()).unwrap_err();
        for text in [
            "",
            "a",
            "a\n",
            "a\n\n",
            "\n\n",
            &format!("a\n{line}\n"),
            &format!("{line}\n"),
            &format!("\n{line}\n"),
            &format!("a\n\n{line}"),
        ] {
            assert_eq!(error(text), NotANote::Incomplete, "{text:?}");
        }
        for text in [
            format!("a\n\n{line}\nb\n"),
            format!("a\n\n{line} \n"),
            format!("a\n\n {line}\n"),
            "a\n\nb\n".into(),
            format!("a\n\n{}\n", line.replace('\u{2014}', "-")),
            format!("a\n\n{}\n", line.replace(" l ", "  ")),
            format!("a\n\n{}\n", line.replace(" l ", " l+m ")),
            format!("a\n\n{}\n", line.replace(" l ", " l\u{a0}m ")),
            "a\n\n\u{2014} l AAAA\n".into(),
            "a\n\n\u{2014} l AAAAAA==\n".into(),
            "a\n\n\u{2014} l\n".into(),
            "a\n\n\u{2014} l AAAAAAB=\n".into(),
            "a\n\n\u{2014} l AAAAAAA\n".into(),
        ] {
            assert_eq!(error(&text), NotANote::SignatureLine, "{text:?}");
        }
        assert_eq!(error(&format!("a\tb\n\n{line}\n")), NotANote::NotText);
        assert_eq!(error(&format!("a\r\n\n{line}\n")), NotANote::NotText);
        assert_eq!(Note::parse(b"\xff\n\n"), Err(NotANote::NotText));
        assert_eq!(error(&format!("a\n\n{}", format!("{line}\n").repeat(65))), NotANote::TooManySignatures(65));
        assert!(Note::parse(format!("a\n\n{}", format!("{line}\n").repeat(64)).as_bytes()).is_ok());
        assert_eq!(error(&"a".repeat(MAX_NOTE_LEN + 1)), NotANote::TooLong(MAX_NOTE_LEN + 1));
        for text in ["", "a", "a\n\u{7}\n"] {
            assert_eq!(Note::sign(text, &key("l", 1)), Err(NotANote::NotText), "{text:?}");
        }
    }
}
