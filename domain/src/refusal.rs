//! Every reason for which a command is refused: a stable code, the message in both languages, the article.

use thiserror::Error;

macro_rules! codes {
    ($($(#[$meta:meta])* $code:ident $name:literal $article:literal $en:literal $vi:literal),* $(,)?) => {
        /// The stable code of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $en] $code),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// As the API writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => $name),* }
            }

            /// The rule it comes from, where there is one: an article of Decree 30/2020/NĐ-CP unless it says otherwise.
            pub fn article(self) -> Option<&'static str> {
                let article = match self { $(Self::$code => $article),* };
                (!article.is_empty()).then_some(article)
            }

            /// What to tell a person, in English.
            pub fn en(self) -> &'static str {
                match self { $(Self::$code => $en),* }
            }

            /// What to tell a person, in Vietnamese.
            pub fn vi(self) -> &'static str {
                match self { $(Self::$code => $vi),* }
            }
        }
    };
}

// One line a code: name, as the API writes it, article, English, Vietnamese. Grouped by who uses them.
codes! {
    // Who may act
    NotEntitled "NOT_ENTITLED" "" "Your post may not do this." "Vị trí của bạn không được làm việc này.",
    NoPost "NO_POST" "" "You hold no post in this agency now." "Hiện bạn không giữ vị trí nào trong cơ quan này.",
    ActingAsRequired "ACTING_AS_REQUIRED" "" "You hold several posts: say in which one you act (actingAs)." "Bạn giữ nhiều vị trí: hãy nêu vị trí đang thực hiện (actingAs).",
    NotYourPost "NOT_YOUR_POST" "" "You neither hold the named post now nor substitute for its holder." "Hiện bạn không giữ vị trí đã nêu và cũng không được ủy quyền thay người giữ vị trí đó.",
    // An agency's own affairs
    OrganExists "ORGAN_EXISTS" "" "This agency is registered already." "Cơ quan này đã được đăng ký.",
    UnitClosed "UNIT_CLOSED" "" "The unit is closed." "Đơn vị đã ngừng hoạt động.",
    UnitInUse "UNIT_IN_USE" "" "The unit still has posts or units: abolish or close them first." "Đơn vị còn vị trí hoặc đơn vị trực thuộc: hãy bãi bỏ hoặc đóng trước.",
    PostAbolished "POST_ABOLISHED" "" "The post is abolished." "Vị trí đã bị bãi bỏ.",
    PostHeld "POST_HELD" "" "Somebody else holds the post at that time: they leave it first." "Vào thời điểm đó vị trí đang có người giữ: người đó phải thôi giữ trước.",
    NotTheHolder "NOT_THE_HOLDER" "" "The person does not hold the post." "Người này không giữ vị trí đã nêu.",
    InvalidPeriod "INVALID_PERIOD" "" "The end must come after the beginning, and after now." "Thời điểm kết thúc phải sau thời điểm bắt đầu và sau hiện tại.",
    NoHandlingTime "NO_HANDLING_TIME" "" "Work that took no time before is not compared: state at least one minute, or leave it out." "Không so sánh với thời gian xử lý bằng 0: hãy nhập ít nhất một phút hoặc để trống.",
    LimitPasses "LIMIT_PASSES" "24.2" "A standing time limit is a number of working days or minutes, or none: an instant passes." "Thời hạn quy định chung là số ngày làm việc hoặc số phút, hoặc không thời hạn: không đặt theo một thời điểm.",
    OnwardDelegation "ONWARD_DELEGATION" "" "Only the holder delegates the post, and to somebody else." "Chỉ người giữ vị trí được ủy quyền, cho người khác; người được ủy quyền không ủy quyền tiếp.",
    InvalidCalendar "INVALID_CALENDAR" "" "The calendar contradicts itself." "Lịch làm việc có ngày mâu thuẫn.",
    PersonExists "PERSON_EXISTS" "" "This person is registered already." "Người này đã được đăng ký.",
    // In any aggregate
    NotFound "NOT_FOUND" "" "There is no such thing, or you may not see it." "Không tìm thấy, hoặc bạn không được xem.",
    WrongStage "WRONG_STAGE" "" "Not at this stage of the document." "Không thực hiện được ở bước này của văn bản.",
    CommandIdReused "COMMAND_ID_REUSED" "" "This commandId was used for another command: take a new one." "commandId này đã dùng cho một lệnh khác: hãy dùng mã mới.",
    ChangedSince "CHANGED_SINCE" "" "It has changed since you read it: reload and look again." "Nội dung đã thay đổi từ lần bạn đọc: hãy tải lại.",
    AlreadyRegistered "ALREADY_REGISTERED" "22" "The document is registered already; to take it out, cancel the registration with a reason." "Văn bản đã vào sổ; nếu cần đưa ra khỏi sổ, hãy hủy đăng ký kèm lý do.",
    TooLarge "TOO_LARGE" "" "The input is too large: make it shorter." "Nội dung quá lớn: hãy rút gọn.",
    // The book
    PossibleDuplicate "POSSIBLE_DUPLICATE" "Annex VI" "It may be registered already: look at the documents named, then accept the duplicate with a reason or refuse receipt." "Văn bản có thể đã được vào sổ: hãy xem các văn bản đã nêu, rồi xác nhận trùng kèm lý do hoặc từ chối tiếp nhận.",
    NumberVoid "NUMBER_VOID" "22" "The document's number in this book is void, and a number is never given again." "Số đến của văn bản trong sổ này đã bị hủy; số đã hủy không được cấp lại.",
    BookFull "BOOK_FULL" "" "The book has no more numbers." "Sổ đã hết số.",
    // Nothing that the domain decides: log, keys, the program itself
    Busy "BUSY" "" "The system is busy, nothing was written: try again a little later." "Hệ thống đang bận, chưa ghi gì: hãy thử lại sau ít phút.",
    OutcomeUnknown "OUTCOME_UNKNOWN" "" "It is not known whether it was done: send exactly the same again." "Chưa rõ đã thực hiện hay chưa: hãy gửi lại đúng yêu cầu này.",
    Stopped "STOPPED" "" "The ledger needs its operator: nothing was written." "Sổ cái cần người vận hành kiểm tra: chưa ghi gì.",
    InvalidInput "INVALID_INPUT" "" "A field is not as it must be." "Có trường dữ liệu chưa đúng.",
    InTheFuture "IN_THE_FUTURE" "" "The stated time has not come yet." "Thời điểm đã nêu chưa đến.",
    ReasonRequired "REASON_REQUIRED" "" "Say why, in at least 10 characters." "Hãy nêu lý do, ít nhất 10 ký tự.",
    PostNotHeld "POST_NOT_HELD" "" "Nobody holds this post now: choose another." "Hiện không ai giữ vị trí này: hãy chọn vị trí khác.",
    // Arrival of a document
    SecretItem "SECRET_ITEM" "Decree 63/2026/NĐ-CP" "Secret documents are not kept in this system: enter it in the register of secret documents. Nothing of it was stored." "Văn bản mật không được lưu trên hệ thống này: hãy đăng ký vào sổ đăng ký bí mật nhà nước đến. Hệ thống chưa lưu nội dung nào.",
    AlreadyArrived "ALREADY_ARRIVED" "" "This document is here already." "Văn bản này đã đến rồi.",
    ArrivalEnded "ARRIVAL_ENDED" "" "The earlier arrival of this message has ended: receive it as a new arrival." "Lần đến trước của văn bản này đã kết thúc: hãy tiếp nhận như một lần đến mới.",
    OrganSucceeded "ORGAN_SUCCEEDED" "" "Another agency goes on in this one's place and receives its documents: becauseOf names it." "Cơ quan này đã được cơ quan khác kế tục; cơ quan kế tục (nêu ở becauseOf) tiếp nhận văn bản.",
    UnknownAddressee "UNKNOWN_ADDRESSEE" "" "Name one of the addressees that this registry receives for." "Hãy chọn một trong các nơi nhận mà văn thư này tiếp nhận thay.",
    GivenByAxis "GIVEN_BY_AXIS" "" "What the exchange axis gave is not corrected: annotate it instead." "Dữ liệu do trục liên thông cung cấp không được sửa: hãy ghi chú thay vì sửa.",
    NotElectronic "NOT_ELECTRONIC" "" "The document itself came on paper: there is no other paper to wait for." "Văn bản này đến bằng bản giấy: không có bản giấy nào khác để chờ.",
    PaperAlreadyArrived "PAPER_ALREADY_ARRIVED" "" "The paper has arrived already, at another time." "Bản giấy đã được ghi nhận đến vào thời điểm khác.",
    // Registration, submission, ends
    RegistrationUnderway "REGISTRATION_UNDERWAY" "22" "An arrival number is being given to the document: try again in a moment." "Văn bản đang được cấp số đến: hãy thử lại sau giây lát.",
    NotRegistered "NOT_REGISTERED" "22" "The document has no arrival number yet: register it first." "Văn bản chưa có số đến: hãy đăng ký trước.",
    MainFileMissing "MAIN_FILE_MISSING" "" "The document itself is missing: attach its file or scan first." "Chưa có tệp văn bản chính: hãy đính kèm tệp hoặc bản quét trước.",
    NotALeader "NOT_A_LEADER" "23" "A document is submitted to a leader." "Văn bản đến được trình lãnh đạo: hãy chọn vị trí lãnh đạo.",
    ExpungeInstead "EXPUNGE_INSTEAD" "Decree 63/2026/NĐ-CP" "A secret document is erased, not cancelled: ask for that with expungeIncoming." "Văn bản mật phải được xóa bỏ, không hủy đăng ký: hãy đề nghị xóa bỏ (expungeIncoming).",
    SecondPersonRequired "SECOND_PERSON_REQUIRED" "" "Another person than the one who asked must confirm this." "Phải do người khác với người đề nghị xác nhận.",
    ExpungeNotRequested "EXPUNGE_NOT_REQUESTED" "" "Nobody has asked to have this document erased." "Chưa có ai đề nghị xóa bỏ văn bản này.",
    Erased "ERASED" "" "The content of this document was erased." "Nội dung của văn bản này đã bị xóa bỏ.",
    NotInOrgan "NOT_IN_ORGAN" "" "This person holds no post in the agency now." "Người này hiện không giữ vị trí nào trong cơ quan.",
    // In the directive tree: branches
    BranchEnded "BRANCH_ENDED" "" "This part of the work has ended." "Phần việc này đã kết thúc.",
    OpenChildren "OPEN_CHILDREN" "" "Parts of this work are still open: they end first." "Còn phần việc bên dưới chưa kết thúc: phải kết thúc các phần đó trước.",
    NothingToChange "NOTHING_TO_CHANGE" "" "Say what changes: the deadline, the note, or both." "Hãy nêu nội dung thay đổi: thời hạn, ý kiến, hoặc cả hai.",
    OnlyLeadProposes "ONLY_LEAD_PROPOSES" "" "Only who leads proposes how to resolve the document." "Chỉ bên chủ trì được đề xuất cách kết thúc văn bản.",
    // In the directive tree: giving work
    PassingOnNotAllowed "PASSING_ON_NOT_ALLOWED" "23.1" "This agency's regulation does not let clerks pass documents straight to a unit." "Quy chế của cơ quan không cho phép văn thư chuyển thẳng văn bản đến đơn vị.",
    NothingAssigned "NOTHING_ASSIGNED" "" "Name at least one unit or person." "Hãy nêu ít nhất một đơn vị hoặc cá nhân.",
    ExactlyOneLead "EXACTLY_ONE_LEAD" "23.2" "Exactly one unit or person leads." "Phải có đúng một đơn vị hoặc cá nhân chủ trì.",
    NotAssignable "NOT_ASSIGNABLE" "" "Work is given only to an existing unit, or to a post that somebody holds now and that handles documents." "Chỉ giao việc cho đơn vị đang hoạt động, hoặc cho vị trí hiện có người giữ và có nhiệm vụ xử lý văn bản.",
    AssignedTwice "ASSIGNED_TWICE" "" "The same unit or person is named twice, or has this work already." "Một đơn vị hoặc cá nhân được nêu hai lần, hoặc đã được giao việc này.",
    UnitsOnly "UNITS_ONLY" "23.1" "A clerk passes a document on to units, not to persons." "Văn thư chuyển văn bản cho đơn vị, không chuyển cho cá nhân.",
    OutsideUnit "OUTSIDE_UNIT" "" "You give work on inside your unit; only the lead unit may ask another unit, to coordinate." "Chỉ phân công trong phạm vi đơn vị mình; riêng đơn vị chủ trì được đề nghị đơn vị khác phối hợp.",
    HandlerLayer "HANDLER_LAYER" "" "Who handles the work does not give it on: return it, or ask the head of the unit." "Người trực tiếp xử lý không giao tiếp việc cho người khác: hãy trả lại hoặc đề nghị thủ trưởng đơn vị.",
    InformedOwesNothing "INFORMED_OWES_NOTHING" "" "Who is only informed owes nothing: no deadline, no contribution, no urging." "Bên nhận để biết không có trách nhiệm xử lý: không đặt thời hạn, không yêu cầu kết quả, không đôn đốc.",
    // In the directive tree: deadlines
    DeadlineInPast "DEADLINE_IN_PAST" "" "The deadline lies in the past." "Thời hạn đã ở trong quá khứ.",
    BeyondParentDeadline "BEYOND_PARENT_DEADLINE" "" "A part of the work is never due after the whole." "Thời hạn của phần việc không được sau thời hạn của việc chung.",
    DeadlinePassed "DEADLINE_PASSED" "" "The deadline has passed: more time is given only by an extension, which does not undo the delay." "Đã quá thời hạn: chỉ có thể gia hạn, và việc gia hạn không xóa tình trạng chậm.",
    NoDeadline "NO_DEADLINE" "" "This work has no deadline." "Việc này không có thời hạn.",
    ExtensionNotLater "EXTENSION_NOT_LATER" "" "An extension ends after the present deadline." "Thời hạn gia hạn phải sau thời hạn hiện tại.",
    ExtensionNotAsked "EXTENSION_NOT_ASKED" "" "Nobody has asked for more time." "Chưa có đề nghị gia hạn.",
    NotPaused "NOT_PAUSED" "" "The clock does not stand." "Thời hạn hiện không tạm dừng.",
    AlreadyPaused "ALREADY_PAUSED" "" "The clock stands already: resume first." "Thời hạn đang tạm dừng: hãy cho tính tiếp trước.",
    // In the directive tree: the end of the work
    LeadOpen "LEAD_OPEN" "24" "The lead's work is not complete yet." "Phần việc chủ trì chưa hoàn thành.",
    OpenBranches "OPEN_BRANCHES" "24" "Parts of the work are still open: complete them, or close them with a reason." "Còn phần việc chưa kết thúc: hãy hoàn thành, hoặc đóng lại kèm lý do.",
    AnswersMissing "ANSWERS_MISSING" "" "Name the documents that answer." "Hãy nêu các văn bản trả lời.",
    AnswersNotExpected "ANSWERS_NOT_EXPECTED" "" "Answering documents are named only when the document is answered by them." "Chỉ nêu văn bản trả lời khi kết thúc bằng văn bản trả lời.",
    TransferTarget "TRANSFER_TARGET" "" "Name the other agency when, and only when, the document is transferred." "Chỉ nêu cơ quan nhận khi chuyển văn bản sang cơ quan khác, và khi đó phải nêu.",
    NothingProposed "NOTHING_PROPOSED" "" "No resolution waits to be confirmed." "Không có đề xuất kết thúc nào đang chờ xác nhận.",
    DeadlineMissing "DEADLINE_MISSING" "" "State the new deadline." "Hãy nêu thời hạn mới.",
    LeadGone "LEAD_GONE" "" "The unit that led was closed, or nobody holds the post that led: name who leads now." "Đơn vị chủ trì trước đây đã giải thể hoặc vị trí chủ trì không còn người giữ: hãy nêu đơn vị hoặc cá nhân chủ trì mới.",
    LeadersWord "LEADERS_WORD" "" "A clerk reopens on a leader's word: name the leader, who holds that post now." "Văn thư chỉ mở lại theo ý kiến của lãnh đạo: hãy nêu lãnh đạo đang giữ vị trí đó.",
}

/// Why somebody may not do something at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// The post has another role.
    #[error("this post may not do that")]
    WrongRole,
    /// The role is right, but not for this unit, branch or document.
    #[error("not in this place of the document's path")]
    NotInPath,
    /// The person holds no post at this instant.
    #[error("the person holds no post in this organ now")]
    NoPost,
    /// The person holds several posts and named none.
    #[error("the person holds several posts: name the one acted in")]
    ActingAsRequired,
    /// The named post is neither held by nor delegated to the person.
    #[error("the named post is neither held by nor delegated to this person now")]
    NotYourPost,
    /// The system does this by itself; nobody else does.
    #[error("the system does this by itself")]
    NeedsTheSystem,
    /// The system does not do this by itself.
    #[error("a person must do this")]
    NeedsAPerson,
}

impl Denied {
    /// Its code.
    pub fn code(self) -> Code {
        match self {
            Self::WrongRole | Self::NotInPath | Self::NeedsAPerson | Self::NeedsTheSystem => Code::NotEntitled,
            Self::NoPost => Code::NoPost,
            Self::ActingAsRequired => Code::ActingAsRequired,
            Self::NotYourPost => Code::NotYourPost,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_stable_words_in_both_languages() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.name().chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{}", code.name());
            assert!(code.en().ends_with('.') && code.vi().ends_with('.'), "{}", code.name());
        }
    }
}
