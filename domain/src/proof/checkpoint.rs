//! Checkpoints: which log, how many leaves, which root (C2SP `tlog-checkpoint`). Signed, they bind the log for ever.

use std::fmt;

use thiserror::Error;

use super::{
    consistency::{NotConsistent, TreeHead},
    hash::TreeHash,
    key::{KeyName, SecretKey, VerifierKey},
    note::{NotANote, NotSigned, Note},
};

/// The head of a log's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: KeyName,
    head: TreeHead,
    extensions: Vec<String>,
}

/// Why a text is not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotACheckpoint {
    /// Fewer than three lines, an empty one, or no line end after the last.
    #[error("a checkpoint has at least three lines and none that is empty: the log's name, its size, its root")]
    Lines,
    /// The first line.
    #[error("the first line of a checkpoint names the log; socai reads only logs that are named like their key")]
    Origin,
    /// The second line.
    #[error("the second line of a checkpoint is the number of leaves, in digits without a leading zero")]
    Size,
    /// The third line.
    #[error("the third line of a checkpoint is the root, 32 bytes in base64")]
    Root,
    /// A tree without leaves with the root of another.
    #[error("a log without records has the root {empty}, not {0}", empty = TreeHash::empty())]
    RootOfNothing(TreeHash),
}

/// Why a signed checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotTheLogs {
    /// Not a signed note.
    #[error(transparent)]
    Note(#[from] NotANote),
    /// The log's key has not signed it.
    #[error(transparent)]
    Signature(#[from] NotSigned),
    /// Its text is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] NotACheckpoint),
    /// Signed by the key, but for another log.
    #[error("it is of the log {origin}, but the key is that of {key}")]
    OtherOrigin {
        /// The log named in it.
        origin: KeyName,
        /// The log whose key signed.
        key: KeyName,
    },
}

/// A number as these formats write it: digits, no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

impl Checkpoint {
    /// The head of the log `origin`.
    pub fn new(origin: KeyName, head: TreeHead) -> Self {
        Self { origin, head, extensions: Vec::new() }
    }

    /// Reads the text of a note. Extension lines are kept and mean nothing here.
    pub fn parse(text: &str) -> Result<Self, NotACheckpoint> {
        let lines: Vec<_> = text.strip_suffix('\n').ok_or(NotACheckpoint::Lines)?.split('\n').collect();
        let [origin, size, root, extensions @ ..] = &lines[..] else { return Err(NotACheckpoint::Lines) };
        if lines.iter().any(|line| line.is_empty()) {
            return Err(NotACheckpoint::Lines);
        }
        let origin = origin.parse().map_err(|_| NotACheckpoint::Origin)?;
        let size = decimal(size).ok_or(NotACheckpoint::Size)?;
        let root = root.parse().map_err(|_| NotACheckpoint::Root)?;
        if size == 0 && root != TreeHash::empty() {
            return Err(NotACheckpoint::RootOfNothing(root));
        }
        let extensions = extensions.iter().map(ToString::to_string).collect();
        Ok(Self { origin, head: TreeHead { size, root }, extensions })
    }

    /// Reads a note that must be a checkpoint of this key's log, signed by the key.
    pub fn open(note: &Note, key: &VerifierKey) -> Result<Self, NotTheLogs> {
        note.verify(key)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == *key.name() {
            Ok(checkpoint)
        } else {
            Err(NotTheLogs::OtherOrigin { origin: checkpoint.origin, key: key.name().clone() })
        }
    }

    /// Signs it. Whoever signs two that contradict each other is convicted by them.
    pub fn sign(&self, key: &SecretKey) -> Result<Note, NotTheLogs> {
        if self.origin != *key.public().name() {
            return Err(NotTheLogs::OtherOrigin { origin: self.origin.clone(), key: key.public().name().clone() });
        }
        Ok(Note::sign(self.to_string(), key)?)
    }

    /// The log.
    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Size and root.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.head.size
    }

    /// The root over them.
    pub fn root(&self) -> TreeHash {
        self.head.root
    }

    /// Lines after the third, which the log alone vouches for.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Another root for the same size of the same log: with both signed, the proof that the log shows different people
    /// different histories. Of trees of two sizes only a consistency proof can tell.
    pub fn split_view(&self, other: &Self) -> Option<NotConsistent> {
        let same_tree = self.origin == other.origin && self.size() == other.size();
        let split = NotConsistent::SplitView { size: self.size(), one: self.root(), other: other.root() };
        (same_tree && self.root() != other.root()).then_some(split)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.head.size, self.head.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{consistency, key::SignatureKind, testing::Tree};
    use super::*;

    /// The example of the specification, whose key it does not give.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa \
        Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

    fn key(name: &str) -> SecretKey {
        SecretKey::new(KeyName::new(name).unwrap(), SignatureKind::Note, &[1; 32])
    }

    fn checkpoint(name: &str, tree: &Tree, size: u64) -> Checkpoint {
        Checkpoint::new(KeyName::new(name).unwrap(), TreeHead { size, root: tree.root(size) })
    }

    #[test]
    fn the_specifications_example_is_read() {
        let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        assert_eq!((checkpoint.origin().as_str(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.root().to_string(), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
        assert_eq!((checkpoint.to_string().as_str(), note.to_string().as_str()), (note.text(), EXAMPLE));
    }

    #[test]
    fn a_signed_checkpoint_is_opened_with_the_logs_key_only() {
        let signed = checkpoint("log.example", &Tree::of(5), 5).sign(&key("log.example")).unwrap();
        let read = Note::parse(signed.to_string().as_bytes()).unwrap();
        assert_eq!(
            Checkpoint::open(&read, key("log.example").public()),
            Ok(checkpoint("log.example", &Tree::of(5), 5))
        );
        let missing = Checkpoint::open(&read, key("other.example").public()).unwrap_err();
        assert!(matches!(missing, NotTheLogs::Signature(NotSigned::Missing { .. })));
        // The same key signs for the same name another log's checkpoint.
        let foreign =
            Note::sign(checkpoint("other.example", &Tree::of(5), 5).to_string(), &key("log.example")).unwrap();
        let error = Checkpoint::open(&foreign, key("log.example").public()).unwrap_err();
        assert_eq!(error.to_string(), "it is of the log other.example, but the key is that of log.example");
        assert!(checkpoint("other.example", &Tree::of(5), 5).sign(&key("log.example")).is_err());
    }

    #[test]
    fn extension_lines_stay() {
        let text = format!("{}anything\n\u{2014} even this\n", checkpoint("log.example", &Tree::of(5), 5));
        let read = Checkpoint::parse(&text).unwrap();
        assert_eq!(read.extensions(), ["anything", "\u{2014} even this"]);
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn what_is_not_a_checkpoint_is_refused_by_name() {
        let root = TreeHash([1; 32]);
        let error = |text: String| Checkpoint::parse(&text).unwrap_err();
        for lines in ["", "a", "a\n1\n", "a\n1\n\n"] {
            assert_eq!(error(lines.into()), NotACheckpoint::Lines, "{lines:?}");
        }
        for lines in [
            format!("a\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("a\n1\n{root}\n\n"),
            format!("a\n\n1\n{root}\n"),
        ] {
            assert_eq!(error(lines.clone()), NotACheckpoint::Lines, "{lines:?}");
        }
        assert_eq!(error(format!("a b\n1\n{root}\n")), NotACheckpoint::Origin);
        for size in ["01", "+1", "-1", " 1", "1 ", "1.0", "0x1", "a", "18446744073709551616", "١"] {
            assert_eq!(error(format!("a\n{size}\n{root}\n")), NotACheckpoint::Size, "{size:?}");
        }
        for wrong in ["AAAA", &format!(" {root}"), &format!("{root}="), &root.to_string().replace('=', "")] {
            assert_eq!(error(format!("a\n1\n{wrong}\n")), NotACheckpoint::Root, "{wrong:?}");
        }
        assert_eq!(error(format!("a\n0\n{root}\n")), NotACheckpoint::RootOfNothing(root));
        assert!(Checkpoint::parse(&format!("a\n0\n{}\n", TreeHash::empty())).is_ok());
        assert!(Checkpoint::parse(&format!("a\n{}\n{root}\n", u64::MAX)).is_ok());
    }

    #[test]
    fn two_roots_for_one_size_convict_the_log() {
        let (mine, shown_to_others) = (Tree::of(9), Tree::with(9, |index| if index == 4 { 99 } else { index }));
        let (one, other) = (checkpoint("log.example", &mine, 9), checkpoint("log.example", &shown_to_others, 9));
        let split = one.split_view(&other).unwrap();
        assert_eq!(consistency::verify(one.head(), other.head(), &[]), Err(split.clone()));
        assert!(split.to_string().contains("split view"), "{split}");
        assert_eq!(one.split_view(&one), None);
        assert_eq!(one.split_view(&checkpoint("other.example", &shown_to_others, 9)), None);
        assert_eq!(one.split_view(&checkpoint("log.example", &shown_to_others, 8)), None);
    }
}
