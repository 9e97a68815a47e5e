//! Keys for finding: what a person types on a keyboard without tones, and codes in which every mark counts.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::check::misleading;

/// For searching names and texts: lower case, without tones and marks, đ as d, white space folded.
/// "nguyen" finds "Nguyễn". Its own key is itself.
pub fn search_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.nfd().flat_map(char::to_lowercase).nfd() {
        if c.is_whitespace() {
            if !key.is_empty() && !key.ends_with(' ') {
                key.push(' ');
            }
        } else if !is_combining_mark(c) && !c.is_control() && !misleading(c) {
            key.push(if is_crossed_d(c) { 'd' } else { c });
        }
    }
    if key.ends_with(' ') {
        key.pop();
    }
    key
}

/// For comparing codes: upper case, composed, without white space, every mark kept: "QĐ" is not "QD".
/// The letter eth (Ð, U+00D0), which old fonts put for Đ and which looks the same, counts as Đ.
pub fn code_key(text: &str) -> String {
    let upper = text.nfc().flat_map(char::to_uppercase).filter(|c| !c.is_whitespace());
    upper.map(|c| if matches!(c, '\u{d0}' | '\u{189}') { 'Đ' } else { c }).nfc().collect()
}

/// đ, and the letters eth and African d that look like it in capitals; lower case.
pub(super) fn is_crossed_d(c: char) -> bool {
    matches!(c, 'đ' | '\u{f0}' | '\u{256}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_keyboard_finds_vietnamese() {
        assert_eq!(search_key("  Nguyễn\u{a0} Đức  Thưởng\n"), "nguyen duc thuong");
        assert_eq!(search_key("ĐẶNG QUỐC VƯỢNG"), "dang quoc vuong");
        assert_eq!(search_key("Nguye\u{302}\u{303}n"), search_key("Nguyễn"));
        assert_eq!(search_key("15/QĐ-BNV"), "15/qd-bnv");
        assert_ne!(search_key("Lan"), search_key("Long"));
    }

    #[test]
    fn every_vietnamese_letter_becomes_plain() {
        let letters = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ";
        let upper = letters.to_uppercase();
        assert!(search_key(letters).bytes().all(|b| b.is_ascii_lowercase()));
        assert_eq!(search_key(letters), search_key(&upper));
        assert_eq!(search_key(letters).chars().count(), letters.chars().count());
    }

    #[test]
    fn codes_keep_their_marks() {
        assert_ne!(code_key("QĐ"), code_key("QD"));
        assert_ne!(code_key("QyĐ"), code_key("QĐ"));
        assert_eq!(code_key("TTr"), code_key("ttr"));
        assert_eq!(code_key("Q\u{d0}"), code_key("QĐ"));
        assert_eq!(code_key("đa"), "ĐA");
    }

    proptest! {
        #[test]
        fn keys_are_their_own_keys(text in "\\PC{0,40}|.{0,40}") {
            prop_assert_eq!(search_key(&search_key(&text)), search_key(&text));
            prop_assert_eq!(code_key(&code_key(&text)), code_key(&text));
        }

        #[test]
        fn composition_does_not_matter(text in "[a-zA-ZàảãáạăằẳẵắặâầẩẫấậđĐễưỢ ]{0,30}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(search_key(&decomposed), search_key(&text));
            prop_assert_eq!(code_key(&decomposed), code_key(&text));
        }
    }
}
