//! The words of the domain as GraphQL enums, each value with its label in both languages.
//!
//! GraphQL enums have no fields, so a label stands beside the value (`stage`, `stageLabel`), and the root field `labels`
//! gives every label of every enum at once, for menus and for clients that keep them.

use async_graphql::{Enum, SimpleObject, resolver_utils::EnumType};
use socai_domain::{document_types, incoming, organ, register};
use socai_projections::{lags, savings, statistics, work_list};

use crate::language::Language;

/// An enum whose values have labels.
pub(crate) trait Labelled: EnumType {
    /// The label of a value.
    fn label(self, language: Language) -> &'static str;
}

macro_rules! enums {
    ($($(#[$meta:meta])* $name:ident($of:path) { $($(#[$vmeta:meta])* $value:ident $vi:literal $en:literal),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
            pub enum $name { $(#[doc = concat!($en, " (", $vi, ").")] $(#[$vmeta])* $value),* }

            impl From<$of> for $name {
                fn from(value: $of) -> Self {
                    use $of as Of;
                    match value { $(Of::$value => Self::$value),* }
                }
            }

            impl From<$name> for $of {
                fn from(value: $name) -> Self {
                    use $of as Of;
                    match value { $($name::$value => Of::$value),* }
                }
            }

            impl Labelled for $name {
                fn label(self, language: Language) -> &'static str {
                    match self { $(Self::$value => language.choose($vi, $en)),* }
                }
            }
        )*

        /// Every enum with its labels.
        pub(crate) fn all(language: Language) -> Vec<EnumLabels> {
            vec![$(labels::<$name>(stringify!($name), language)),*]
        }
    };
}

enums! {
    /// Where an incoming document stands (tình trạng của văn bản đến). "Late" or "due soon" are no stages: they follow from
    /// the deadline and the time.
    Stage(incoming::Stage) {
        Unopened "Chuyển nguyên bì" "Unopened",
        Arrived "Đã đến" "Arrived",
        Registered "Đã vào sổ" "Registered",
        Submitted "Đã trình" "Submitted",
        Directed "Đang giải quyết" "Directed",
        Resolved "Đã giải quyết" "Resolved",
        Refused "Từ chối tiếp nhận" "Refused",
        Cancelled "Đã hủy" "Cancelled",
    }

    /// How a document came (cách văn bản đến).
    Channel(document_types::Channel) {
        Axis "Trục liên thông" "Exchange axis",
        Paper "Văn bản giấy" "Paper",
        Internal "Nội bộ" "Internal",
    }

    /// How urgent a document is (mức độ khẩn; Decree 30/2020/NĐ-CP, Annex I, IV.10b).
    Urgency(document_types::Urgency) {
        Normal "Thường" "Normal",
        Urgent "Khẩn" "Urgent",
        VeryUrgent "Thượng khẩn" "Very urgent",
        Flash "Hỏa tốc" "Flash",
        FlashTimed "Hỏa tốc hẹn giờ" "Flash, timed",
    }

    /// The level of a state secret (độ mật; Law 117/2025/QH15).
    SecrecyLevel(document_types::SecrecyLevel) {
        Confidential "Mật" "Confidential",
        Secret "Tối mật" "Secret",
        TopSecret "Tuyệt mật" "Top secret",
    }

    /// What a post may do (vai trò của vị trí).
    Role(organ::Role) {
        Leader "Lãnh đạo" "Leader",
        UnitHead "Thủ trưởng đơn vị" "Unit head",
        RecordsClerk "Văn thư" "Records clerk",
        Specialist "Chuyên viên" "Specialist",
        Inspector "Thanh tra, giám sát" "Inspector",
        Administrator "Quản trị" "Administrator",
    }

    /// The part that somebody has in the work (vai trò trong xử lý; Decree 30/2020/NĐ-CP, art. 23).
    BranchRole(incoming::events::BranchRole) {
        Lead "Chủ trì" "Lead",
        Coordinating "Phối hợp" "Coordinating",
        Informed "Nhận để biết" "Informed",
    }

    /// How a branch of the directive tree ended (kết quả của nhánh xử lý).
    BranchEnd(incoming::BranchEnd) {
        Completed "Hoàn thành" "Completed",
        Withdrawn "Thu lại" "Withdrawn",
        Returned "Trả lại" "Returned",
        ClosedWithDocument "Kết thúc cùng văn bản" "Closed with the document",
    }

    /// What a file is to its document (vai trò của tệp).
    FileRole(incoming::events::FileRole) {
        Main "Văn bản chính" "The document itself",
        Annex "Phụ lục" "Annex",
        Contribution "Ý kiến, dự thảo" "Contribution",
    }

    /// What a check of signature and integrity found (xác thực và toàn vẹn; Decree 30/2020/NĐ-CP, art. 21.2a).
    Authenticity(incoming::events::Authenticity) {
        Valid "Hợp lệ" "Valid",
        Invalid "Không hợp lệ" "Invalid",
        NotSigned "Không có chữ ký số" "Not signed",
        NotChecked "Chưa kiểm tra được" "Not checked",
    }

    /// How a document was resolved (hình thức giải quyết; Decree 30/2020/NĐ-CP, art. 24).
    Resolution(incoming::events::Resolution) {
        Answered "Đã có văn bản trả lời" "Answered",
        AnsweredOtherwise "Trả lời bằng hình thức khác" "Answered otherwise",
        Noted "Đã ghi nhận" "Noted",
        ForInformation "Để biết" "For information",
        NoReplyNeeded "Không cần trả lời" "No reply needed",
        Transferred "Chuyển cơ quan khác" "Transferred",
    }

    /// What is to be done (loại việc).
    WorkKind(work_list::WorkKind) {
        Register "Vào sổ" "Register",
        Submit "Trình" "Submit",
        Direct "Cho ý kiến chỉ đạo" "Direct",
        Handle "Giải quyết" "Handle",
        Contribute "Phối hợp" "Contribute",
        DecideExtension "Quyết định gia hạn" "Decide on more time",
        Resolve "Kết thúc" "Resolve",
        Confirm "Xác nhận kết thúc" "Confirm the resolution",
        LookAtOther "Xem nội dung trục gửi lại" "Look at what arrived again",
        ConfirmExpunge "Xác nhận xóa văn bản mật" "Confirm the erasure",
    }

    /// What a rebuild of the views is doing (bước dựng lại dữ liệu tra cứu).
    RebuildPhase(socai_projections::Phase) {
        Building "Đang dựng" "Building",
        Indexing "Đang lập chỉ mục" "Indexing",
        CatchingUp "Đang theo kịp" "Catching up",
        Checking "Đang dựng lần hai để đối chiếu" "Building a second time to compare",
        Comparing "Đang đối chiếu" "Comparing",
        Switching "Đang thay thế" "Switching",
    }

    /// How a duty stands (tình trạng việc).
    WorkState(work_list::WorkState) {
        New "Mới" "New",
        DueSoon "Sắp đến hạn" "Due soon",
        Late "Quá hạn" "Late",
        WaitingForOthers "Chờ người khác" "Waiting for others",
        HolderGone "Không có người giữ" "Holder gone",
    }

    /// A figure of documents (số liệu theo văn bản).
    DocumentFigure(statistics::DocumentFigure) {
        Arrived "Đã đến" "Arrived",
        Registered "Đã vào sổ" "Registered",
        InProcess "Đang xử lý" "In process",
        Processed "Đã xử lý" "Processed",
        LateOpen "Đang xử lý quá hạn" "In process, late",
        LateDone "Đã xử lý quá hạn" "Processed late",
        Late "Quá hạn" "Late",
        OnTime "Đúng hạn" "On time",
        MetOnlyByExtension "Đúng hạn nhờ gia hạn" "On time only by an extension",
        NoDeadlineOpen "Đang xử lý, không có hạn" "In process without a deadline",
        NoDeadlineDone "Đã xử lý, không có hạn" "Processed without a deadline",
        Refused "Từ chối tiếp nhận" "Refused",
        Cancelled "Đã hủy" "Cancelled",
    }

    /// A figure of branches (số liệu theo đơn vị, cá nhân).
    BranchFigure(statistics::BranchFigure) {
        Assigned "Được giao" "Given",
        InProcess "Đang xử lý" "In process",
        Processed "Đã xử lý" "Processed",
        LateOpen "Đang xử lý quá hạn" "In process, late",
        LateDone "Đã xử lý quá hạn" "Processed late",
        Late "Quá hạn" "Late",
        OnTime "Đúng hạn" "On time",
        MetOnlyByExtension "Đúng hạn nhờ gia hạn" "On time only by an extension",
        NoDeadlineOpen "Đang xử lý, không có hạn" "In process without a deadline",
        NoDeadlineDone "Đã xử lý, không có hạn" "Processed without a deadline",
        Informed "Nhận để biết" "Informed",
        Withdrawn "Thu lại" "Withdrawn",
        Returned "Trả lại" "Returned",
        ClosedWithDocument "Kết thúc cùng văn bản" "Closed with the document",
    }

    /// To what the clerks bring a document in time (bước của văn thư; Decree 30/2020/NĐ-CP, art. 23.1).
    PromptStage(lags::PromptStage) {
        Registered "Đã vào sổ" "Registered",
        Submitted "Đã trình hoặc chuyển giao" "Submitted or passed on",
    }

    /// A figure of promptness, of what arrived in the period (số liệu đúng thời gian vào sổ, trình).
    PromptFigure(lags::PromptFigure) {
        Normal "Văn bản thường" "Not urgent",
        SameDay "Trong ngày" "On the day of arrival",
        OnTime "Đúng thời gian" "In time",
        Late "Chậm" "Late",
        LateOpen "Chậm, chưa làm" "Late and not done yet",
        Pending "Chưa làm, còn thời gian" "Not done yet, still in time",
        Urgent "Văn bản khẩn" "Urgent",
        UrgentOnTime "Khẩn, đúng thời gian" "Urgent, in time",
        UrgentLate "Khẩn, chậm" "Urgent, late",
        UrgentLateOpen "Khẩn, chậm, chưa làm" "Urgent, late and not done yet",
        UrgentPending "Khẩn, chưa làm, còn thời gian" "Urgent, not done yet, still in time",
    }

    /// A figure of what was given back (số liệu việc phải làm lại).
    ReworkFigure(lags::ReworkFigure) {
        All "Tất cả" "All",
        Open "Chưa chuyển lại" "Not yet gone forward again",
    }

    /// A figure of the wait for paper (số liệu chờ bản giấy).
    PaperFigure(lags::PaperFigure) {
        All "Tất cả" "All",
        Awaited "Còn chờ bản giấy" "Paper still awaited",
        ActedMeanwhile "Đã trình, chuyển trong khi chờ" "Submitted or passed on meanwhile",
        ResolvedMeanwhile "Đã giải quyết trong khi chờ" "Resolved meanwhile",
        FirstActWaited "Chờ bản giấy mới xử lý" "Waited for the paper",
    }

    /// Which documents of `savings` (số liệu tiết kiệm).
    SavingFigure(savings::SavingFigure) {
        Paperless "Đến không kèm bản giấy" "Arrived without paper",
        WithoutPages "Chưa nhập số trang" "Number of pages not entered",
        Handled "Đã giải quyết" "Resolved",
    }

    /// By which clock a duration is taken (cách tính thời gian).
    Clocked(lags::Clocked) {
        Wall "Theo đồng hồ" "By the clock",
        Working "Theo giờ làm việc" "In working hours",
    }

    /// Why a number in the register is void (lý do hủy số).
    VoidReason(register::VoidReason) {
        Error "Vào sổ nhầm" "Registered in error",
        Duplicate "Trùng văn bản" "Duplicate",
        BelongsToSecretRegister "Thuộc sổ văn bản mật" "Belongs to the secret register",
        RecalledBySender "Bên gửi lấy lại" "Recalled by the sender",
    }
}

/// A value of an enum with its label.
#[derive(Debug, SimpleObject)]
pub(crate) struct ValueLabel {
    /// The value, as in the schema.
    value: &'static str,
    /// What to show.
    label: &'static str,
}

/// An enum with its labels (nhãn của các giá trị).
#[derive(Debug, SimpleObject)]
pub(crate) struct EnumLabels {
    /// The enum's name in the schema.
    name: &'static str,
    /// Its values in order.
    values: Vec<ValueLabel>,
}

fn labels<T: Labelled>(name: &'static str, language: Language) -> EnumLabels {
    let values = T::items().iter().map(|item| ValueLabel { value: item.name, label: item.value.label(language) });
    EnumLabels { name, values: values.collect() }
}

/// An article as a reader finds it: of Decree 30/2020/NĐ-CP unless the table says otherwise.
pub(crate) fn article(article: &str, language: Language) -> String {
    const DECREE: &str = "30/2020/NĐ-CP";
    match (language, article.split_once('.'), article.split_once(' ')) {
        (_, _, Some(("Annex", number))) => {
            language.choose(format!("Phụ lục {number} Nghị định {DECREE}"), format!("Decree {DECREE}, Annex {number}"))
        }
        (_, _, Some(("Decree", number))) => language.choose(format!("Nghị định {number}"), article.to_owned()),
        (Language::En, ..) => format!("Decree {DECREE}, art. {article}"),
        (Language::Vi, Some((number, clause)), _) => format!("Khoản {clause} Điều {number} Nghị định {DECREE}"),
        (Language::Vi, None, _) => format!("Điều {article} Nghị định {DECREE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_is_named_as_a_reader_finds_it() {
        for (stored, vi, en) in [
            ("22", "Điều 22 Nghị định 30/2020/NĐ-CP", "Decree 30/2020/NĐ-CP, art. 22"),
            ("23.1", "Khoản 1 Điều 23 Nghị định 30/2020/NĐ-CP", "Decree 30/2020/NĐ-CP, art. 23.1"),
            ("Annex VI", "Phụ lục VI Nghị định 30/2020/NĐ-CP", "Decree 30/2020/NĐ-CP, Annex VI"),
            ("Decree 63/2026/NĐ-CP", "Nghị định 63/2026/NĐ-CP", "Decree 63/2026/NĐ-CP"),
        ] {
            assert_eq!((article(stored, Language::Vi), article(stored, Language::En)), (vi.into(), en.into()));
        }
    }

    #[test]
    fn every_value_has_a_label_in_both_languages() {
        for (vi, en) in all(Language::Vi).iter().zip(all(Language::En)) {
            for (vi, en) in vi.values.iter().zip(en.values) {
                assert_eq!(vi.value, en.value);
                assert_ne!(vi.label, en.label, "{}", en.value);
            }
        }
    }

    #[test]
    fn the_labels_are_the_domains() {
        for urgency in document_types::Urgency::ALL {
            assert_eq!(Urgency::from(urgency).label(Language::Vi), urgency.label_vi());
        }
        for channel in document_types::Channel::ALL {
            assert_eq!(Channel::from(channel).label(Language::Vi), channel.label_vi());
        }
        for level in document_types::SecrecyLevel::ALL {
            assert_eq!(SecrecyLevel::from(level).label(Language::Vi), level.label_vi());
        }
    }
}
