//! The words by which documents are sorted: type, urgency, secrecy, how they came, whom they are addressed to.
//!
//! Each has its Vietnamese name, as printed on documents and registers, and an English one.

mod table;

use unicode_normalization::UnicodeNormalization;

use crate::text::{ShortText, TONES, code_key};

pub use table::DocumentType;

stable! {
    /// How urgent a document is; the signer decides (Decree 30/2020, Annex I, IV.10b). Ordered: normal first.
    #[derive(Copy, Default)]
    pub enum Urgency {
        /// Thường
        #[default]
        Normal,
        /// Khẩn
        Urgent,
        /// Thượng khẩn
        VeryUrgent,
        /// Hỏa tốc
        Flash,
        /// Hỏa tốc hẹn giờ: to be there by a stated hour. Not in Decree 30, but on the axis.
        FlashTimed,
    }

    /// How an incoming document reached the organ.
    #[derive(Copy)]
    pub enum Channel {
        /// Over the national document exchange axis.
        Axis,
        /// On paper: by post or by hand.
        Paper,
        /// From another unit of the same organ.
        Internal,
    }

    /// The level of a state secret (Law 117/2025/QH15). Ordered: lowest first.
    #[derive(Copy)]
    pub enum SecrecyLevel {
        /// Mật
        Confidential,
        /// Tối mật
        Secret,
        /// Tuyệt mật: not even the abstract is recorded (Decree 63/2026/NĐ-CP).
        TopSecret,
    }

    /// Which family of rules a document type belongs to.
    #[derive(Copy)]
    pub enum DocumentFamily {
        /// Văn bản quy phạm pháp luật: each type has its own number series and the year stands in its number.
        Legal,
        /// Văn bản hành chính (Decree 30/2020, art. 7).
        Administrative,
        /// Any other: specialised documents (văn bản chuyên ngành), foreign letters.
        Other,
    }

    /// For whom a registry that serves several receives a document: at the Government Office the Government, the Prime
    /// Minister or the Office itself. Which there are is a setting of the organ.
    pub struct AddresseeCode(ShortText);
}

impl AddresseeCode {
    /// A code from the organ's setting.
    pub fn new(code: ShortText) -> Self {
        Self(code)
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Urgency {
    /// All, from normal to the most urgent.
    pub const ALL: [Self; 5] = [Self::Normal, Self::Urgent, Self::VeryUrgent, Self::Flash, Self::FlashTimed];

    /// `Priority` on the axis: 0 to 4.
    pub fn axis_code(self) -> u8 {
        self as u8
    }

    /// From `Priority` on the axis; unknown codes have no urgency.
    pub fn from_axis_code(code: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// As printed: `Hỏa tốc`.
    pub fn label_vi(self) -> &'static str {
        match self {
            Self::Normal => "Thường",
            Self::Urgent => "Khẩn",
            Self::VeryUrgent => "Thượng khẩn",
            Self::Flash => "Hỏa tốc",
            Self::FlashTimed => "Hỏa tốc hẹn giờ",
        }
    }

    /// In English.
    pub fn label_en(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
            Self::VeryUrgent => "very urgent",
            Self::Flash => "flash",
            Self::FlashTimed => "flash, timed",
        }
    }

    /// Whether it is registered, submitted and passed on immediately on receipt (Decree 30/2020, art. 4.2(c), 23.1).
    pub fn is_urgent(self) -> bool {
        self != Self::Normal
    }
}

impl Channel {
    /// All.
    pub const ALL: [Self; 3] = [Self::Axis, Self::Paper, Self::Internal];

    /// In Vietnamese.
    pub fn label_vi(self) -> &'static str {
        match self {
            Self::Axis => "Trục liên thông",
            Self::Paper => "Văn bản giấy",
            Self::Internal => "Nội bộ",
        }
    }

    /// In English.
    pub fn label_en(self) -> &'static str {
        match self {
            Self::Axis => "exchange axis",
            Self::Paper => "paper",
            Self::Internal => "internal",
        }
    }
}

impl SecrecyLevel {
    /// All, from the lowest.
    pub const ALL: [Self; 3] = [Self::Confidential, Self::Secret, Self::TopSecret];

    /// As printed: `Tối mật`.
    pub fn label_vi(self) -> &'static str {
        match self {
            Self::Confidential => "Mật",
            Self::Secret => "Tối mật",
            Self::TopSecret => "Tuyệt mật",
        }
    }

    /// In English.
    pub fn label_en(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Secret => "secret",
            Self::TopSecret => "top secret",
        }
    }
}

impl DocumentFamily {
    /// `DocumentType/Type` on the axis: 1 for legal documents, 2 for all others.
    pub fn axis_code(self) -> u8 {
        match self {
            Self::Legal => 1,
            Self::Administrative | Self::Other => 2,
        }
    }
}

impl DocumentType {
    /// The type with exactly this name, whatever the case of its letters: `Tờ trình`. Diacritics count. Where both
    /// families have the name (`Quyết định`), the administrative one is meant; see [`DocumentType::named_in`].
    pub fn named(name: &str) -> Option<Self> {
        [DocumentFamily::Administrative, DocumentFamily::Legal]
            .into_iter()
            .find_map(|family| Self::named_in(family, name))
    }

    /// The type of this family with exactly this name.
    pub fn named_in(family: DocumentFamily, name: &str) -> Option<Self> {
        let sought = folded(name);
        Self::all().find(|found| found.family() == family && folded(found.label_vi()) == sought)
    }

    /// The type with exactly this abbreviation: `TTr` is a submission, `TT` a circular; `ĐA` a scheme, `DA` a project.
    /// Where both families have it (`QĐ`), the administrative one is meant.
    pub fn abbreviated(abbreviation: &str) -> Option<Self> {
        [DocumentFamily::Administrative, DocumentFamily::Legal]
            .into_iter()
            .find_map(|family| Self::abbreviated_in(family, abbreviation))
    }

    /// The type of this family with exactly this abbreviation, upper and lower case being told apart.
    pub fn abbreviated_in(family: DocumentFamily, abbreviation: &str) -> Option<Self> {
        Self::all().find(|found| found.family() == family && found.abbreviation() == Some(abbreviation))
    }

    /// The known type of this name, else [`DocumentType::Other`] with the name kept as it was given.
    pub fn from_name(name: ShortText) -> Self {
        Self::named(name.as_str()).unwrap_or(Self::Other { name })
    }
}

/// Case, white space and the letter of a syllable that bears the tone (`ủy`, `uỷ`: both are in use) do not tell names apart.
fn folded(name: &str) -> String {
    let mut folded = String::new();
    for word in name.split_whitespace() {
        let (tones, letters): (Vec<char>, Vec<char>) = code_key(word).nfd().partition(|c| TONES.contains(c));
        folded.extend(letters.into_iter().chain(tones));
        folded.push(' ');
    }
    folded
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_29_administrative_types_and_two_have_no_abbreviation() {
        let types: Vec<DocumentType> =
            DocumentType::all().filter(|t| t.family() == DocumentFamily::Administrative).collect();
        assert_eq!(types.len(), 29);
        let abbreviations: HashSet<&str> = types.iter().filter_map(DocumentType::abbreviation).collect();
        assert_eq!(abbreviations.len(), 27);
        assert_eq!(DocumentType::OfficialLetter.abbreviation(), None);
        assert_eq!(DocumentType::CourtesyLetter.abbreviation(), None);
        assert_eq!(DocumentType::abbreviated("CV"), None);
    }

    #[test]
    fn diacritics_and_case_tell_abbreviations_apart() {
        assert_eq!(DocumentType::abbreviated("ĐA"), Some(DocumentType::Scheme));
        assert_eq!(DocumentType::abbreviated("DA"), Some(DocumentType::Project));
        assert_eq!(DocumentType::abbreviated("QyĐ"), Some(DocumentType::Rules));
        assert_eq!(DocumentType::abbreviated("QĐ"), Some(DocumentType::Decision));
        assert_eq!(DocumentType::abbreviated("QD"), None);
        assert_eq!(DocumentType::abbreviated("TTr"), Some(DocumentType::Submission));
        assert_eq!(DocumentType::abbreviated("TT"), Some(DocumentType::Circular));
        assert_eq!(DocumentType::abbreviated_in(DocumentFamily::Legal, "QĐ"), Some(DocumentType::LegalDecision));
    }

    #[test]
    fn names_are_found_and_unknown_ones_kept() {
        let named = |text| DocumentType::from_name(ShortText::new(text).unwrap());
        assert_eq!(named("CÔNG VĂN"), DocumentType::OfficialLetter);
        assert_eq!(named("Giấy ủy quyền"), DocumentType::PowerOfAttorney);
        assert_eq!(named("Giấy uỷ quyền"), DocumentType::PowerOfAttorney);
        assert_eq!(named("Nghị định"), DocumentType::Decree);
        assert_eq!(DocumentType::named("Nghi dinh"), None);
        assert_eq!(DocumentType::named("bản  thoả thuận"), Some(DocumentType::Agreement));
        assert_eq!(named("Công hàm").label_vi(), "Công hàm");
        assert_eq!(named("Công hàm").family(), DocumentFamily::Other);
    }

    #[test]
    fn every_type_is_found_by_its_own_name_and_abbreviation() {
        for known in DocumentType::all() {
            assert_eq!(DocumentType::named_in(known.family(), known.label_vi()), Some(known.clone()));
            if let Some(abbreviation) = known.abbreviation() {
                assert_eq!(DocumentType::abbreviated_in(known.family(), abbreviation), Some(known.clone()));
            }
            assert!(!known.label_en().is_empty());
        }
    }

    #[test]
    fn urgency_has_the_axis_codes() {
        for (code, urgency) in (0..).zip(Urgency::ALL) {
            assert_eq!(Urgency::from_axis_code(code), Some(urgency));
            assert_eq!(i64::from(urgency.axis_code()), code);
        }
        assert_eq!(Urgency::from_axis_code(5), None);
        assert_eq!(Urgency::from_axis_code(-1), None);
        assert!(Urgency::Flash > Urgency::VeryUrgent);
    }

    #[test]
    fn ordinals_of_stored_words_never_move() {
        let bytes = |t: DocumentType| postcard::to_stdvec(&t).unwrap();
        assert_eq!(bytes(DocumentType::Resolution), [0]);
        assert_eq!(bytes(DocumentType::CourtesyLetter), [28]);
        assert_eq!(bytes(DocumentType::Constitution), [29]);
        assert_eq!(bytes(DocumentType::Other { name: ShortText::new("a").unwrap() })[0], 41);
        assert_eq!(postcard::to_stdvec(&SecrecyLevel::TopSecret).unwrap(), [2]);
    }
}
