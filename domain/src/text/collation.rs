//! Vietnamese order as bytes, so that any database sorts alike.
//!
//! Letters first (a ă â b c d đ e ê … o ô ơ … u ư …), tones only between words of the same letters (ngang, huyền, hỏi,
//! ngã, sắc, nặng, as in the `vi` collation of the CLDR), capitals last of all. Shorter before longer, spaces before
//! signs before digits before letters, other scripts after them by code point.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{check::misleading, keys::is_crossed_d};

/// The alphabet of TCVN 6909 with the four letters of foreign words in their Latin places.
const ALPHABET: &str = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz";
/// The five marked tones in dictionary order: huyền, hỏi, ngã, sắc, nặng.
pub(crate) const TONES: [char; 5] = ['\u{300}', '\u{309}', '\u{303}', '\u{301}', '\u{323}'];

const END: u8 = 0;
const SPACE: u8 = 2;
const SIGN: u8 = 3;
const DIGIT: u8 = 0x10;
const LETTER: u8 = 0x20;
const OTHER_SCRIPT: u8 = 0xf0;

/// The key by which texts stand in Vietnamese order when compared byte by byte.
pub fn sort_key(text: &str) -> Vec<u8> {
    let levels = Levels::of(text);
    [&levels.letters[..], &[END], &levels.tones, &[END], &levels.capitals].concat()
}

/// The key for lists of people: by given name (the last word), then by the rest of the name from the surname on.
pub fn person_sort_key(name: &str) -> Vec<u8> {
    let name = name.trim();
    let (rest, given) = name.rsplit_once(char::is_whitespace).unwrap_or(("", name));
    let (given, rest) = (Levels::of(given), Levels::of(rest));
    let mut key = Vec::new();
    for level in [given.letters, given.tones, rest.letters, rest.tones, given.capitals, rest.capitals] {
        key.extend(level);
        key.push(END);
    }
    key
}

#[derive(Default)]
struct Levels {
    letters: Vec<u8>,
    tones: Vec<u8>,
    capitals: Vec<u8>,
}

impl Levels {
    fn of(text: &str) -> Self {
        let mut levels = Self::default();
        let mut base: Option<char> = None;
        let mut marks = Vec::new();
        for c in text.trim().nfd() {
            if is_combining_mark(c) {
                marks.push(c);
            } else if !misleading(c) && (c.is_whitespace() || !c.is_control()) {
                levels.add(base.replace(c), &mut marks);
            }
        }
        levels.add(base, &mut marks);
        levels
    }

    /// One character with its marks, which are used up.
    fn add(&mut self, base: Option<char>, marks: &mut Vec<char>) {
        let Some(base) = base else { return marks.clear() };
        if base.is_whitespace() {
            if self.letters.last() != Some(&SPACE) {
                self.letters.push(SPACE);
            }
            return marks.clear();
        }
        let lower = base.to_lowercase().next().unwrap_or(base);
        let lower = if is_crossed_d(lower) { 'đ' } else { lower };
        let shaped = marks.iter().position(|mark| with_shape(lower, *mark).is_some());
        let letter = shaped.map_or(lower, |at| with_shape(lower, marks.remove(at)).unwrap_or(lower));
        self.add_letter(letter);
        self.tones.push(1);
        for mark in marks.drain(..) {
            match (2..).zip(TONES).find(|(_, tone)| *tone == mark) {
                Some((weight, _)) => self.tones.push(weight),
                None => push_code_point(&mut self.tones, 7, mark),
            }
        }
        self.capitals.push(if base.is_uppercase() { 2 } else { 1 });
    }

    fn add_letter(&mut self, letter: char) {
        if let Some((weight, _)) = (LETTER..).zip(ALPHABET.chars()).find(|(_, known)| *known == letter) {
            self.letters.push(weight);
        } else if let Some(digit) = letter.to_digit(10) {
            self.letters.push(DIGIT + u8::try_from(digit).unwrap_or(9));
        } else if letter.is_alphanumeric() {
            push_code_point(&mut self.letters, OTHER_SCRIPT, letter);
        } else {
            push_code_point(&mut self.letters, SIGN, letter);
        }
    }
}

/// The letter that breve, circumflex or horn make of a plain one.
fn with_shape(letter: char, mark: char) -> Option<char> {
    match (letter, mark) {
        ('a', '\u{306}') => Some('ă'),
        ('a', '\u{302}') => Some('â'),
        ('e', '\u{302}') => Some('ê'),
        ('o', '\u{302}') => Some('ô'),
        ('o', '\u{31b}') => Some('ơ'),
        ('u', '\u{31b}') => Some('ư'),
        _ => None,
    }
}

fn push_code_point(key: &mut Vec<u8>, weight: u8, c: char) {
    let [_, high, middle, low] = u32::from(c).to_be_bytes();
    key.extend([weight, high, middle, low]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_in_order(key: fn(&str) -> Vec<u8>, texts: &[&str]) {
        for pair in texts.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{} before {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn the_alphabet_is_in_order() {
        let letters: Vec<String> = ALPHABET.chars().map(String::from).collect();
        assert_in_order(sort_key, &letters.iter().map(String::as_str).collect::<Vec<_>>());
        assert_in_order(sort_key, &["ma", "mà", "mả", "mã", "má", "mạ", "mai", "mă", "mẳ", "mâ", "mi"]);
        assert_in_order(sort_key, &["", "-", "2", "a", "a b", "à b", "á b", "ab", "Ab", "d", "đ", "e", "ế", "f", "я"]);
        assert_in_order(sort_key, &["Đà Nẵng", "Đắk Lắk", "Điện Biên", "Đồng Nai", "Gia Lai", "Hà Nội", "Hải Phòng"]);
        assert_in_order(sort_key, &["Thanh Hóa", "Thừa Thiên", "Tiền Giang", "Ủy ban", "Yên Bái"]);
    }

    #[test]
    fn people_stand_by_given_name() {
        assert_in_order(
            person_sort_key,
            &["Trần Văn An", "Lê Châu", "Phạm Văn Dũng", "Bùi Đức", "Trần Hà", "Đỗ Thị Hạ", "Hồ Hải", "Lê Yến"],
        );
        assert_in_order(person_sort_key, &["Lê Hà", "Nguyễn An Hà", "Nguyễn Văn Hà", "Trần HÀ", "Võ Hà"]);
        assert_in_order(person_sort_key, &["An", "Lê An", "Bình"]);
    }

    proptest! {
        #[test]
        fn composition_and_spaces_do_not_matter(text in "[a-zA-ZàảãáạăằẳẵắặâầẩẫấậđĐễưỢ ]{0,30}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(sort_key(&decomposed), sort_key(&text));
            prop_assert_eq!(sort_key(&format!(" {text}  ")), sort_key(&text));
        }

        #[test]
        fn other_letters_outweigh_tones(start in "[a-z]{0,5}", low in 0..33usize, high in 0..33usize) {
            prop_assume!(low < high);
            let at = |i| ALPHABET.chars().nth(i).unwrap();
            let (first, second) = (format!("{start}{}\u{323}", at(low)), format!("{start}{}", at(high)));
            prop_assert!(sort_key(&first) < sort_key(&second));
        }

        #[test]
        fn anything_has_a_key(text in ".{0,40}") {
            prop_assert!(!person_sort_key(&text).is_empty());
            prop_assert_eq!(sort_key(text.trim()), sort_key(&text));
        }
    }
}
