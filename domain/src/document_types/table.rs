//! The types of documents as a table.

use super::DocumentFamily;
use crate::text::ShortText;

/// Writes the enum and its table from the same lines, so that neither can lack a type.
macro_rules! types {
    ($($family:ident { $($name:ident: $vi:literal, $en:literal, $abbreviation:expr, $number:expr;)* })*) => {
        stable! {
            /// The type of a document (tên loại): the 29 administrative ones in the order of Decree 30/2020, art. 7, with
            /// the abbreviations of its Annex III, then the legal ones met on the axis. Only ever grows at the end.
            pub enum DocumentType {
                $($(#[doc = $vi] $name,)*)*
                /// A type that the table does not know, by the name that stands on the document.
                Other {
                    /// As given.
                    name: ShortText,
                },
            }
        }

        impl DocumentType {
            /// All known types: administrative, then legal.
            pub fn all() -> impl Iterator<Item = Self> {
                [$($(Self::$name,)*)*].into_iter()
            }

            /// The name in Vietnamese: `Tờ trình`.
            pub fn label_vi(&self) -> &str {
                match self {
                    $($(Self::$name => $vi,)*)*
                    Self::Other { name } => name.as_str(),
                }
            }

            /// The name in English; an unknown type's own name.
            pub fn label_en(&self) -> &str {
                match self {
                    $($(Self::$name => $en,)*)*
                    Self::Other { name } => name.as_str(),
                }
            }

            /// The abbreviation in the symbol: `TTr`. Official letters have none (Decree 30/2020, Annex III).
            pub fn abbreviation(&self) -> Option<&'static str> {
                match self {
                    $($(Self::$name => $abbreviation,)*)*
                    Self::Other { .. } => None,
                }
            }

            /// The family whose rules it follows.
            pub fn family(&self) -> DocumentFamily {
                match self {
                    $($(Self::$name => DocumentFamily::$family,)*)*
                    Self::Other { .. } => DocumentFamily::Other,
                }
            }

            /// `DocumentType/TypeDetail` on the axis: the number in the list of QCVN 102:2016, Amendment 1:2022, where that
            /// number could be read in a source; only the name is sure otherwise.
            pub fn axis_number(&self) -> Option<u8> {
                match self {
                    $($(Self::$name => $number,)*)*
                    Self::Other { .. } => None,
                }
            }
        }
    };
}

types! {
    Administrative {
        Resolution: "Nghị quyết", "resolution", Some("NQ"), Some(1);
        Decision: "Quyết định", "decision", Some("QĐ"), Some(2);
        Directive: "Chỉ thị", "directive", Some("CT"), Some(3);
        Regulation: "Quy chế", "regulation", Some("QC"), Some(4);
        Rules: "Quy định", "rules", Some("QyĐ"), Some(5);
        Communique: "Thông cáo", "communiqué", Some("TC"), Some(6);
        Notice: "Thông báo", "notice", Some("TB"), Some(7);
        Guidance: "Hướng dẫn", "guidance", Some("HD"), Some(8);
        Programme: "Chương trình", "programme", Some("CTr"), Some(9);
        Plan: "Kế hoạch", "plan", Some("KH"), None;
        OptionPaper: "Phương án", "option paper", Some("PA"), None;
        Scheme: "Đề án", "scheme", Some("ĐA"), None;
        Project: "Dự án", "project", Some("DA"), None;
        Report: "Báo cáo", "report", Some("BC"), None;
        Minutes: "Biên bản", "minutes", Some("BB"), None;
        Submission: "Tờ trình", "submission", Some("TTr"), None;
        Contract: "Hợp đồng", "contract", Some("HĐ"), None;
        OfficialLetter: "Công văn", "official letter", None, Some(18);
        OfficialTelegram: "Công điện", "official telegram", Some("CĐ"), Some(19);
        MemorandumOfUnderstanding: "Bản ghi nhớ", "memorandum of understanding", Some("BGN"), Some(20);
        Agreement: "Bản thỏa thuận", "agreement", Some("BTT"), Some(22);
        PowerOfAttorney: "Giấy ủy quyền", "power of attorney", Some("GUQ"), Some(24);
        Invitation: "Giấy mời", "invitation", Some("GM"), Some(25);
        LetterOfIntroduction: "Giấy giới thiệu", "letter of introduction", Some("GGT"), Some(26);
        LeavePermit: "Giấy nghỉ phép", "leave permit", Some("GNP"), None;
        DispatchSlip: "Phiếu gửi", "dispatch slip", Some("PG"), None;
        TransferSlip: "Phiếu chuyển", "transfer slip", Some("PC"), None;
        NotificationSlip: "Phiếu báo", "notification slip", Some("PB"), None;
        CourtesyLetter: "Thư công", "courtesy letter", None, None;
    }
    Legal {
        Constitution: "Hiến pháp", "constitution", None, Some(1);
        Law: "Luật", "law", None, Some(2);
        Ordinance: "Pháp lệnh", "ordinance", None, Some(3);
        Order: "Lệnh", "order", Some("L"), Some(4);
        LegalResolution: "Nghị quyết", "resolution (legal)", Some("NQ"), Some(5);
        JointResolution: "Nghị quyết liên tịch", "joint resolution", Some("NQLT"), Some(6);
        Decree: "Nghị định", "decree", Some("NĐ"), Some(7);
        LegalDecision: "Quyết định", "decision (legal)", Some("QĐ"), Some(8);
        Circular: "Thông tư", "circular", Some("TT"), Some(9);
        JointCircular: "Thông tư liên tịch", "joint circular", Some("TTLT"), Some(10);
        LegalDirective: "Chỉ thị", "directive (legal)", Some("CT"), Some(11);
        Code: "Bộ luật", "code of law", None, Some(12);
    }
}
