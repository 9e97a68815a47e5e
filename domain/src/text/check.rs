//! What a text must be to be stored: composed (NFC), visible, neither empty nor too long.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Why a text cannot be taken, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidText {
    /// Nothing, or only white space.
    #[error("the text is empty; write something")]
    Empty,
    /// Fewer characters than the field asks for.
    #[error("the text has {is} characters; write at least {least}")]
    TooShort {
        /// Characters asked for.
        least: usize,
        /// Characters given.
        is: usize,
    },
    /// More characters than the field holds.
    #[error("the text has {is} characters; shorten it to {most}")]
    TooLong {
        /// Characters that the field holds.
        most: usize,
        /// Characters given.
        is: usize,
    },
    /// A control character, an invisible one, or one that turns the direction of writing.
    #[error("character {at} (U+{code:04X}) cannot be seen or changes how the text reads; remove it")]
    Unusable {
        /// The code point.
        code: u32,
        /// Which character of the text, from 1.
        at: usize,
    },
    /// A visible character that this field does not hold.
    #[error("the character {found:?} cannot stand here; remove it")]
    NotAllowed {
        /// The character.
        found: char,
    },
    /// A name or code of signs only.
    #[error("there is no letter in it; write the name or code in full")]
    NoLetter,
    /// `.` or `..`.
    #[error("{name:?} names a folder; give the file's own name")]
    NamesAFolder {
        /// What was given.
        name: String,
    },
    /// A number and symbol without the stroke between them, or with nothing on one side.
    #[error("{text:?} is not a number and symbol; write it like 15/QĐ-BNV")]
    NotADocumentCode {
        /// What was given.
        text: String,
    },
    /// Numbers of registers begin with 1.
    #[error("0 is not a number of a register; numbers begin with 1")]
    Zero,
}

impl InvalidText {
    /// The same in Vietnamese.
    pub fn message_vi(&self) -> String {
        match self {
            Self::Empty => "nội dung để trống; hãy nhập".to_owned(),
            Self::TooShort { least, is } => format!("nội dung có {is} ký tự; hãy nhập ít nhất {least}"),
            Self::TooLong { most, is } => format!("nội dung có {is} ký tự; hãy rút ngắn còn {most}"),
            Self::Unusable { code, at } => {
                format!("ký tự thứ {at} (U+{code:04X}) không nhìn thấy được hoặc làm đổi cách đọc; hãy bỏ đi")
            }
            Self::NotAllowed { found } => format!("không dùng được ký tự {found:?} ở đây; hãy bỏ đi"),
            Self::NoLetter => "không có chữ cái nào; hãy ghi đầy đủ tên hoặc mã".to_owned(),
            Self::NamesAFolder { name } => format!("{name:?} là tên thư mục; hãy ghi tên tệp"),
            Self::NotADocumentCode { text } => {
                format!("{text:?} không phải số, ký hiệu văn bản; hãy ghi như 15/QĐ-BNV")
            }
            Self::Zero => "số trong sổ bắt đầu từ 1, không phải 0".to_owned(),
        }
    }
}

/// What one kind of text allows.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    most: usize,
    least: usize,
    space: Space,
    needs: Needs,
    compose: bool,
    forbidden: &'static [char],
    ascii_only: bool,
}

/// What is done with white space inside.
#[derive(Clone, Copy, PartialEq)]
enum Space {
    /// Runs become one space; line ends are refused.
    Folded,
    /// Line ends and tabs stay.
    Lines,
    /// Stays as it is, without line ends.
    Kept,
}

/// What must be among the characters.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    Letter,
    LetterOrDigit,
}

impl Rule {
    const ANY: Self = Self {
        most: 0,
        least: 1,
        space: Space::Folded,
        needs: Needs::Nothing,
        compose: true,
        forbidden: &[],
        ascii_only: false,
    };

    /// One line; runs of white space become one space.
    pub(super) const fn line(most: usize) -> Self {
        Self { most, ..Self::ANY }
    }

    /// Several lines.
    pub(super) const fn lines(most: usize) -> Self {
        Self { most, space: Space::Lines, ..Self::ANY }
    }

    /// One line with its spaces as they are: a file's name.
    pub(super) const fn name(most: usize) -> Self {
        Self { most, space: Space::Kept, ..Self::ANY }
    }

    /// Compared byte for byte elsewhere, so nothing but white space at the ends is touched.
    pub(super) const fn exact(most: usize) -> Self {
        Self { most, space: Space::Kept, compose: false, ..Self::ANY }
    }

    pub(super) const fn at_least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    pub(super) const fn with_a_letter(self) -> Self {
        Self { needs: Needs::Letter, ..self }
    }

    pub(super) const fn with_a_letter_or_digit(self) -> Self {
        Self { needs: Needs::LetterOrDigit, ..self }
    }

    pub(super) const fn without(self, forbidden: &'static [char]) -> Self {
        Self { forbidden, ..self }
    }

    /// ASCII letters, digits and dots.
    pub(super) const fn ascii_code(self) -> Self {
        Self { ascii_only: true, ..self }
    }

    /// The text as it is stored, or why it cannot be.
    pub(super) fn check(self, text: &str) -> Result<String, InvalidText> {
        let text = self.shape(text);
        if text.is_empty() {
            return Err(InvalidText::Empty);
        }
        if let Some((before, found)) = text.chars().enumerate().find(|(_, c)| !self.usable(*c)) {
            return Err(InvalidText::Unusable { code: u32::from(found), at: before + 1 });
        }
        if let Some(found) = text.chars().find(|c| !self.allowed(*c)) {
            return Err(InvalidText::NotAllowed { found });
        }
        let is = text.chars().count();
        if is > self.most {
            return Err(InvalidText::TooLong { most: self.most, is });
        }
        if is < self.least {
            return Err(InvalidText::TooShort { least: self.least, is });
        }
        let met = match self.needs {
            Needs::Nothing => true,
            Needs::Letter => text.chars().any(char::is_alphabetic),
            Needs::LetterOrDigit => text.chars().any(char::is_alphanumeric),
        };
        if !met {
            return Err(InvalidText::NoLetter);
        }
        if text == "." || text == ".." {
            return Err(InvalidText::NamesAFolder { name: text });
        }
        Ok(text)
    }

    /// The most of the text that [`Rule::check`] accepts.
    pub(super) fn clean(self, text: &str) -> Option<String> {
        let kept: String = text
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c.is_whitespace() && !self.usable(c) { ' ' } else { c })
            .filter(|c| self.usable(*c) && self.allowed(*c))
            .collect();
        let cut: String = self.shape(&kept).chars().take(self.most).collect();
        self.check(&cut).ok()
    }

    /// Composed, with its white space in order.
    fn shape(self, text: &str) -> String {
        let text: String = if self.compose { text.nfc().collect() } else { text.to_owned() };
        match self.space {
            Space::Kept => text.trim().to_owned(),
            Space::Lines => text.replace("\r\n", "\n").trim().to_owned(),
            Space::Folded => {
                let mut folded = String::with_capacity(text.len());
                for c in text.trim().chars() {
                    let space = c.is_whitespace() && self.usable(c);
                    if !space {
                        folded.push(c);
                    } else if !folded.ends_with(' ') {
                        folded.push(' ');
                    }
                }
                folded
            }
        }
    }

    fn usable(self, c: char) -> bool {
        if self.space == Space::Lines && (c == '\n' || c == '\t') {
            return true;
        }
        !c.is_control() && !misleading(c)
    }

    fn allowed(self, c: char) -> bool {
        !self.forbidden.contains(&c) && (!self.ascii_only || c.is_ascii_alphanumeric() || c == '.')
    }
}

/// Characters that are not seen, or that change how others are read: direction (UAX #9), joiners and zero width, soft
/// hyphen, line and paragraph separators, tags, noncharacters.
pub(crate) fn misleading(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_direction_control_is_refused() {
        let controls =
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        for c in controls.chars().chain("\u{0}\u{7}\u{1b}\u{7f}\u{85}\u{feff}\u{200b}".chars()) {
            let error = Rule::line(9).check(&format!("a{c}b")).unwrap_err();
            assert_eq!(error, InvalidText::Unusable { code: u32::from(c), at: 2 });
            assert!(error.to_string().contains(&format!("U+{:04X}", u32::from(c))));
        }
    }

    #[test]
    fn nothing_is_not_a_text() {
        for text in ["", " ", "\u{a0}\u{3000}", "\n\t"] {
            assert_eq!(Rule::lines(9).check(text), Err(InvalidText::Empty), "{text:?}");
        }
    }

    #[test]
    fn length_is_counted_in_composed_characters() {
        assert_eq!(Rule::line(1).check("e\u{302}\u{323}").unwrap(), "ệ");
        assert_eq!(Rule::line(1).check("ệệ"), Err(InvalidText::TooLong { most: 1, is: 2 }));
    }

    #[test]
    fn an_exact_text_keeps_its_bytes() {
        assert_eq!(Rule::exact(20).check(" e\u{302}  b ").unwrap(), "e\u{302}  b");
    }
}
