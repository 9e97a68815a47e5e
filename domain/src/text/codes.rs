//! Numbers and identifiers of documents.

use std::fmt;

use super::{InvalidText, check::Rule, code_key, text_types};

text_types! {
    /// The number of a document as its issuer wrote it: `15`, `05`, `36a`. At most 50 characters, no stroke.
    CodeNumber: Rule::line(50).without(&['/']);

    /// The symbol of a document as its issuer wrote it: `QĐ-BNV`, `2020/NĐ-CP`. Diacritics carry meaning: DA ≠ ĐA.
    CodeNotation: Rule::line(50);

    /// The identity of a document on the exchange axis, such as `000.00.00.G22,2015/09/30,7816/VPCP-TTĐT`. Opaque: kept
    /// and compared byte for byte, never read for its parts. At most 200 characters.
    AxisDocumentId: Rule::exact(200);
}

impl CodeNumber {
    /// A number of one of our own series: below 10 with a leading 0 (Decree 30/2020, Annex I, II.3).
    pub fn ours(number: u32) -> Self {
        Self(format!("{number:02}"))
    }
}

stable! {
    /// The number and symbol of a document (số, ký hiệu): `15/QĐ-BNV` (Decree 30/2020, Annex I, II.3).
    pub struct DocumentCode {
        /// `15`
        pub number: CodeNumber,
        /// `QĐ-BNV`
        pub notation: CodeNotation,
    }

    /// The number of an incoming document in the register book of its year (số đến), from 1 (Decree 30/2020, art. 22.2).
    #[derive(Copy)]
    pub struct ArrivalNumber(u32);
}

impl DocumentCode {
    /// Reads `15/QĐ-BNV` or `30/2020/NĐ-CP`: what stands before the first stroke is the number.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let parts = text.split_once('/').map(|(number, notation)| (number.trim(), notation.trim()));
        match parts {
            Some((number, notation)) if !number.is_empty() && !notation.is_empty() => {
                Ok(Self { number: CodeNumber::new(number)?, notation: CodeNotation::new(notation)? })
            }
            _ => Err(InvalidText::NotADocumentCode { text: text.chars().take(100).collect() }),
        }
    }

    /// For finding duplicates: like [`code_key`], and `05` is `5`. Two codes with one key are one code written in two ways.
    pub fn key(&self) -> String {
        let number = code_key(self.number.as_str());
        let plain = number.trim_start_matches('0');
        let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { plain } else { &number };
        format!("{plain}/{}", code_key(self.notation.as_str()))
    }
}

impl fmt::Display for DocumentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.notation)
    }
}

impl ArrivalNumber {
    /// The first number of a year.
    pub const FIRST: Self = Self(1);

    /// A number of the register; 0 is none.
    pub fn new(number: u32) -> Result<Self, InvalidText> {
        if number == 0 { Err(InvalidText::Zero) } else { Ok(Self(number)) }
    }

    /// As a plain number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The number after this one; `None` after the last.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for ArrivalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_kept_as_given() {
        for text in ["15/QĐ-BNV", "05/BNV-VP", "36a/NQ-CP", "30/2020/NĐ-CP", "7816/VPCP-TTĐT"] {
            assert_eq!(DocumentCode::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "15", "/QĐ-BNV", "15/", " / "] {
            assert!(DocumentCode::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(CodeNumber::new("1/5"), Err(InvalidText::NotAllowed { found: '/' }));
    }

    #[test]
    fn diacritics_tell_codes_apart_and_leading_zeros_do_not() {
        let key = |text| DocumentCode::parse(text).unwrap().key();
        assert_ne!(key("15/QĐ-BNV"), key("15/QD-BNV"));
        assert_ne!(key("15/ĐA-BNV"), key("15/DA-BNV"));
        assert_ne!(key("1/QĐ-BNV"), key("10/QĐ-BNV"));
        assert_ne!(key("12a/QĐ-BNV"), key("12/QĐ-BNV"));
        assert_eq!(key("05/TTr-BXD"), key("5 / TTR-BXD"));
        assert_eq!(key("0/QĐ-BNV"), "0/QĐ-BNV");
    }

    #[test]
    fn our_numbers_below_ten_have_a_leading_zero() {
        assert_eq!(CodeNumber::ours(5).as_str(), "05");
        assert_eq!(CodeNumber::ours(10).as_str(), "10");
    }

    #[test]
    fn arrival_numbers_begin_with_one() {
        assert_eq!(ArrivalNumber::new(0), Err(InvalidText::Zero));
        assert_eq!(ArrivalNumber::FIRST.next().unwrap().get(), 2);
        assert_eq!(ArrivalNumber::new(u32::MAX).unwrap().next(), None);
    }

    proptest! {
        #[test]
        fn a_code_survives_being_written(number in "[0-9]{1,5}[a-c]?", notation in "[A-ZĐƯÔ]{1,4}-[A-ZĐƯÔ]{1,6}") {
            let code = DocumentCode::parse(&format!("{number}/{notation}")).unwrap();
            prop_assert_eq!(DocumentCode::parse(&code.to_string()).unwrap(), code);
        }
    }
}
