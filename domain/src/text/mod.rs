//! Texts, names and codes as they are stored: each its own type that refuses nonsense where it is made.
//!
//! - [`ShortText`], [`LongText`], [`Abstract`], [`Reason`], [`PersonName`], [`FileName`]: free texts with a limit.
//! - [`DocumentCode`], [`OrganCode`], [`AxisDocumentId`], [`ArrivalNumber`]: identifiers.
//! - [`search_key`], [`code_key`], [`sort_key`], [`person_sort_key`]: the one place that folds case and tones and knows
//!   Vietnamese order, so that every engine and database agrees.
//!
//! Reading a stored event does not check again: what was once accepted stays readable, even if a rule gets stricter.

mod check;
mod codes;
mod collation;
mod keys;
mod organ_code;

pub use check::InvalidText;
pub use codes::{ArrivalNumber, AxisDocumentId, CodeNotation, CodeNumber, DocumentCode};
pub use collation::{person_sort_key, sort_key};
pub use keys::{code_key, search_key};
pub use organ_code::OrganCode;

pub(crate) use check::misleading;
pub(crate) use collation::TONES;

use check::Rule;

/// Defines newtypes over `String`, each with the [`Rule`] that its makers apply.
macro_rules! text_types {
    ($($(#[$meta:meta])* $name:ident: $rule:expr;)*) => { $(
        stable! {
            $(#[$meta])*
            pub struct $name(String);
        }

        impl $name {
            const RULE: $crate::text::check::Rule = $rule;

            /// Takes a text that a person or program of ours gives; nonsense is refused with what to do about it.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::text::InvalidText> {
                Self::RULE.check(&text.into()).map(Self)
            }

            /// Takes a text from outside that must not be lost: unusable characters are dropped, what is too long is
            /// cut. `None` when nothing sensible is left.
            pub fn cleaned(text: &str) -> Option<Self> {
                Self::RULE.clean(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )* };
}
use text_types;

text_types! {
    /// One line of at most 200 characters: a title, a name of an agency, a place, a label.
    ShortText: Rule::line(200);

    /// Lines of at most 4000 characters: an opinion, a note, a directive.
    LongText: Rule::lines(4000);

    /// What a document is about (trích yếu). The law's field holds 500 characters (Decree 30/2020, Annex VI); other
    /// systems send more, so 2000 are accepted here and the limit is checked where a message is emitted.
    Abstract: Rule::lines(2000);

    /// Why something was done: 10 to 2000 characters, so that nobody gets by with a dot.
    Reason: Rule::lines(2000).at_least(10);

    /// A person's name as written, with at least one letter, at most 100 characters.
    PersonName: Rule::line(100).with_a_letter();

    /// A file's name without a path, at most 500 characters.
    FileName: Rule::name(500).without(&['/', '\\']);
}

impl Abstract {
    /// The most characters that another system must accept (Decree 30/2020, Annex VI, `Subject`).
    pub const EMITTED_AT_MOST: usize = 500;

    /// Whether it fits the field of the law.
    pub fn may_be_emitted(&self) -> bool {
        self.0.chars().count() <= Self::EMITTED_AT_MOST
    }
}

impl FileName {
    /// What follows the last dot, in lower case: `pdf`. `None` without a dot or with nothing on either side of it.
    pub fn extension(&self) -> Option<String> {
        let (stem, extension) = self.0.rsplit_once('.')?;
        (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reason_says_something() {
        let wrong = Reason::new("sai   ").unwrap_err();
        assert_eq!(wrong, InvalidText::TooShort { least: 10, is: 3 });
        assert_eq!(wrong.to_string(), "the text has 3 characters; write at least 10");
        assert_eq!(wrong.message_vi(), "nội dung có 3 ký tự; hãy nhập ít nhất 10");
        assert_eq!(Reason::new("Gửi nhầm cơ quan").unwrap().as_str(), "Gửi nhầm cơ quan");
    }

    #[test]
    fn the_same_word_is_stored_in_one_way() {
        let decomposed = ShortText::new("Nguye\u{302}\u{303}n").unwrap();
        assert_eq!(decomposed.as_str(), "Nguyễn");
        assert_eq!(decomposed, ShortText::new("  Nguyễn\u{a0} ").unwrap());
    }

    #[test]
    fn lines_are_kept_in_notes_and_refused_in_titles() {
        assert_eq!(LongText::new("một\r\nhai\n").unwrap().as_str(), "một\nhai");
        assert_eq!(ShortText::new("một\nhai"), Err(InvalidText::Unusable { code: 10, at: 4 }));
        assert_eq!(ShortText::cleaned("một\nhai").unwrap().as_str(), "một hai");
    }

    #[test]
    fn a_file_name_cannot_leave_its_folder() {
        for name in ["../a.pdf", "a\\b.pdf", "..", ".", "a\u{202e}fdp.exe", ""] {
            assert!(FileName::new(name).is_err(), "{name:?}");
        }
        assert_eq!(FileName::new("Quyết định 15.PDF").unwrap().extension().as_deref(), Some("pdf"));
        assert_eq!(FileName::cleaned("a/b.pdf").unwrap().as_str(), "ab.pdf");
        assert_eq!(FileName::cleaned("../"), None);
    }

    #[test]
    fn a_long_abstract_is_taken_in_but_not_sent_on() {
        let long = "ă".repeat(501);
        assert!(!Abstract::new(long).unwrap().may_be_emitted());
        assert!(Abstract::new("ă".repeat(500)).unwrap().may_be_emitted());
        assert_eq!(Abstract::new("ă".repeat(2001)), Err(InvalidText::TooLong { most: 2000, is: 2001 }));
        assert_eq!(Abstract::cleaned(&"ă".repeat(2001)).unwrap().as_str().chars().count(), 2000);
    }

    #[test]
    fn a_name_has_a_letter() {
        assert_eq!(PersonName::new("0900 000 001"), Err(InvalidText::NoLetter));
        assert_eq!(PersonName::new("Trần  Thị Yến").unwrap().as_str(), "Trần Thị Yến");
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(text in "\\PC{0,60}|.{0,60}") {
            for accepted in [ShortText::new(text.as_str()).ok().map(ShortText::into_string),
                LongText::new(text.as_str()).ok().map(LongText::into_string), FileName::cleaned(&text).map(FileName::into_string)]
                .into_iter().flatten()
            {
                prop_assert!(!accepted.trim().is_empty());
                prop_assert_eq!(LongText::new(accepted.as_str()).unwrap().into_string(), accepted);
            }
        }

        #[test]
        fn what_is_cleaned_is_accepted(text in "\\PC{0,300}|(.|[\u{0}-\u{20}\u{200e}\u{202a}-\u{202e}\u{2066}-\u{2069}]){0,300}") {
            if let Some(cleaned) = ShortText::cleaned(&text) {
                prop_assert_eq!(ShortText::new(cleaned.as_str()).unwrap(), cleaned);
            }
            if let Some(cleaned) = Reason::cleaned(&text) {
                prop_assert_eq!(Reason::new(cleaned.as_str()).unwrap(), cleaned);
            }
            if let Some(cleaned) = FileName::cleaned(&text) {
                prop_assert_eq!(FileName::new(cleaned.as_str()).unwrap(), cleaned);
            }
        }
    }
}
