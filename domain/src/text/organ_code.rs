//! Identifiers of organs in their two forms.

use super::{check::Rule, text_types};

text_types! {
    /// The identifier of an organ (mã định danh): ASCII letters, digits and dots, at most 50, compared as given.
    ///
    /// Two forms are in use: the old one, lowest level first, `000.00.18.G12` (QCVN 102:2016), and the new one, highest
    /// level first, `G12.18` (Decision 20/2020/QĐ-TTg).
    OrganCode: Rule::exact(50).ascii_code().with_a_letter_or_digit();
}

impl OrganCode {
    /// Whether it is written in the old form: two to four groups, digits only but for the last, a letter and two digits.
    pub fn is_old_form(&self) -> bool {
        let groups: Vec<&str> = self.0.split('.').collect();
        (2..=4).contains(&groups.len())
            && groups.last().is_some_and(|top| is_level_one(top))
            && groups[..groups.len() - 1].iter().all(|group| is_digits(group))
    }

    /// The new form: `000.00.00.G09` is `G09`, `000.00.18.G12` is `G12.18`. Groups of zeros below the organ's own level
    /// are dropped, those above it stay, so that no two organs become one. Anything else is returned as it is.
    #[must_use]
    pub fn normalised(&self) -> Self {
        if !self.is_old_form() {
            return self.clone();
        }
        let used = self.0.split('.').skip_while(|group| group.bytes().all(|b| b == b'0'));
        let mut groups: Vec<&str> = used.collect();
        groups.reverse();
        Self(groups.join("."))
    }

    /// The old form of thirteen characters, where there is one: `G09` is `000.00.00.G09`.
    pub fn in_old_form(&self) -> Option<Self> {
        let normal = self.normalised();
        let groups: Vec<&str> = normal.0.split('.').collect();
        let (top, below) = groups.split_first()?;
        let mut slots = ["00", "00", "000"];
        if !is_level_one(top) || below.len() > slots.len() {
            return None;
        }
        for (slot, group) in slots.iter_mut().zip(below) {
            if !is_digits(group) || group.len() != slot.len() {
                return None;
            }
            *slot = group;
        }
        let [second, third, fourth] = slots;
        Some(Self(format!("{fourth}.{third}.{second}.{top}")))
    }

    /// Whether both name the same organ, in whichever form.
    pub fn is_same_organ(&self, other: &Self) -> bool {
        self.normalised() == other.normalised()
    }
}

fn is_level_one(group: &str) -> bool {
    matches!(group.as_bytes(), [letter, digits @ ..]
        if letter.is_ascii_uppercase() && digits.len() == 2 && digits.iter().all(u8::is_ascii_digit))
}

fn is_digits(group: &str) -> bool {
    !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::InvalidText;

    fn code(text: &str) -> OrganCode {
        OrganCode::new(text).unwrap()
    }

    #[test]
    fn both_forms_name_one_organ() {
        for (old, new) in [
            ("000.00.00.G09", "G09"),
            ("000.00.18.G12", "G12.18"),
            ("28.22.H17", "H17.22.28"),
            ("02.29.W00", "W00.29.02"),
            ("002.00.20.H13", "H13.20.00.002"),
        ] {
            assert!(code(old).is_old_form(), "{old}");
            assert_eq!(code(old).normalised(), code(new));
            assert!(code(new).is_same_organ(&code(old)));
            assert_ne!(code(old), code(new), "compared as given");
        }
        assert!(!code("000.00.00.G09").is_same_organ(&code("000.00.00.G22")));
        assert!(!code("18.00.G12").is_same_organ(&code("00.18.G12")));
    }

    #[test]
    fn other_codes_are_left_alone() {
        for text in ["G22", "H37.DN.001", "001.00.20.TT2", "vxp.saas.03", "0201234567", "000.00.00"] {
            assert_eq!(code(text).normalised(), code(text));
        }
        assert_eq!(code("H37.DN.001").in_old_form(), None);
        assert_eq!(code("G12.18").in_old_form(), Some(code("000.00.18.G12")));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(OrganCode::new("G22/1"), Err(InvalidText::NotAllowed { found: '/' }));
        assert_eq!(OrganCode::new("QĐ"), Err(InvalidText::NotAllowed { found: 'Đ' }));
        assert_eq!(OrganCode::new("..."), Err(InvalidText::NoLetter));
        assert_eq!(OrganCode::new("G".repeat(51)), Err(InvalidText::TooLong { most: 50, is: 51 }));
    }

    proptest! {
        #[test]
        fn old_codes_go_there_and_back(l4 in 0..1000u16, l3 in 0..100u8, l2 in 0..100u8, top in "[GHAK][0-9]{2}") {
            let old = code(&format!("{l4:03}.{l3:02}.{l2:02}.{top}"));
            prop_assert_eq!(old.normalised().in_old_form(), Some(old.clone()));
            prop_assert_eq!(old.normalised().normalised(), old.normalised());
        }
    }
}
