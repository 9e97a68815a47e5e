//! Events in words, for a trail.

use socai_domain::{
    incoming::Event,
    ledger::{DomainEvent, EventKind},
};

use super::deadline::{self, moment};
use crate::{
    language::Language,
    schema::labels::{Authenticity, Channel, Labelled, Resolution, SecrecyLevel, VoidReason},
};

macro_rules! titles {
    ($($name:literal $vi:literal $en:literal),* $(,)?) => {
        /// Catalogue name, Vietnamese, English.
        const TITLES: &[(&str, &str, &str)] = &[$(($name, $vi, $en)),*];
    };
}

// One line an event, in the catalogue's order.
titles! {
    "OrganRegistered" "Đăng ký cơ quan" "Organ registered",
    "OrganCodeChanged" "Đổi mã định danh" "Organ identifier changed",
    "OrganSucceeded" "Sáp nhập vào cơ quan khác" "Organ succeeded by another",
    "UnitCreated" "Lập đơn vị" "Unit created",
    "UnitRenamed" "Đổi tên đơn vị" "Unit renamed",
    "UnitClosed" "Giải thể đơn vị" "Unit closed",
    "PostCreated" "Lập vị trí" "Post created",
    "PostAbolished" "Bỏ vị trí" "Post abolished",
    "PostAssumed" "Nhận vị trí" "Post assumed",
    "PostLeft" "Thôi giữ vị trí" "Post left",
    "PostDelegated" "Ủy quyền xử lý" "Post delegated",
    "DelegationEnded" "Chấm dứt ủy quyền" "Delegation ended",
    "CalendarDecided" "Quy định lịch làm việc" "Calendar decided",
    "LimitDecided" "Quy định thời hạn" "Time limit decided",
    "SettingChanged" "Thay đổi thiết lập" "Setting changed",
    "BaselineDecided" "Quy định cách tính tiết kiệm" "Baseline of savings decided",
    "HandOverDecided" "Quyết định bàn giao công việc" "Hand-over of work decided",
    "PersonRegistered" "Đăng ký người dùng" "Person registered",
    "PersonChanged" "Sửa thông tin người dùng" "Person changed",
    "BookOpened" "Mở sổ" "Book opened",
    "NumberAssigned" "Cấp số đến" "Arrival number assigned",
    "NumberVoided" "Hủy số" "Number voided",
    "FingerprintsRenewed" "Cập nhật dấu hiệu phát hiện trùng" "Compared anew for duplicates",
    "IncomingArrived" "Văn bản đến" "Document arrived",
    "IncomingArrivedAgain" "Trục gửi lại với nội dung khác" "Arrived again with other content",
    "UnopenedLogged" "Ghi nhận, chuyển nguyên bì" "Logged unopened",
    "AuthenticityChecked" "Kiểm tra xác thực, toàn vẹn" "Authenticity checked",
    "IncomingCorrected" "Sửa thông tin" "Data corrected",
    "IncomingAnnotated" "Ghi chú" "Annotated",
    "ScanAttached" "Đính kèm tệp" "Files attached",
    "PaperArrived" "Bản giấy đến" "Paper arrived",
    "ReceiptRefused" "Từ chối tiếp nhận" "Receipt refused",
    "RegistrationBegan" "Bắt đầu vào sổ" "Registration began",
    "RegistrationAbandoned" "Không cấp số" "Registration abandoned",
    "IncomingRegistered" "Vào sổ" "Registered",
    "IncomingSubmitted" "Trình lãnh đạo" "Submitted",
    "PassedToLeader" "Chuyển lãnh đạo khác" "Passed to another leader",
    "ReturnedToClerk" "Trả lại văn thư" "Returned to the clerk",
    "IncomingDirected" "Cho ý kiến chỉ đạo" "Directed",
    "BranchesAssigned" "Phân công" "Assigned",
    "BranchAccepted" "Ký nhận" "Signed for",
    "ProgressReported" "Báo cáo tiến độ" "Progress reported",
    "BranchAmended" "Sửa ý kiến chỉ đạo" "Directive amended",
    "BranchReassigned" "Giao người khác" "Reassigned",
    "BranchWithdrawn" "Thu lại việc đã giao" "Withdrawn",
    "BranchReturned" "Trả lại việc" "Returned",
    "ExtensionRequested" "Đề nghị gia hạn" "Extension requested",
    "ExtensionDecided" "Quyết định gia hạn" "Extension decided",
    "UrgedToAct" "Đôn đốc" "Urged",
    "IncomingPaused" "Tạm dừng" "Paused",
    "IncomingResumed" "Tiếp tục" "Resumed",
    "BranchCompleted" "Hoàn thành" "Completed",
    "FollowerAppointed" "Giao theo dõi" "Follower appointed",
    "WorkHandedOver" "Bàn giao" "Handed over",
    "AccessGranted" "Cấp quyền xem" "Access granted",
    "ResolutionProposed" "Đề xuất kết thúc" "Resolution proposed",
    "ResolutionDeclined" "Không đồng ý kết thúc" "Resolution declined",
    "IncomingResolved" "Giải quyết xong" "Resolved",
    "IncomingReopened" "Mở lại" "Reopened",
    "IncomingCancelled" "Hủy đăng ký" "Cancelled",
    "ExpungeRequested" "Đề nghị xóa văn bản mật" "Erasure requested",
    "IncomingExpunged" "Xóa nội dung văn bản mật" "Expunged",
    "ErasureCompleted" "Đã hủy khóa và tệp" "Erasure completed",
    "ExpungeDeclined" "Không đồng ý xóa" "Erasure declined",
}

/// What an event of this kind means.
pub fn title(kind: EventKind, language: Language) -> &'static str {
    let found = kind.entry().and_then(|entry| TITLES.iter().find(|(name, ..)| *name == entry.name));
    found.map_or(
        language.choose("Sự kiện của phiên bản mới hơn", "Event of a newer version"),
        |(_, vi, en)| language.choose(vi, en),
    )
}

#[allow(clippy::unnecessary_wraps)] // as the arms beside it
fn text(text: &impl AsRef<str>) -> Option<String> {
    Some(text.as_ref().to_owned())
}

fn maybe(given: Option<&impl AsRef<str>>) -> Option<String> {
    given.and_then(text)
}

fn names<'a>(files: impl Iterator<Item = &'a socai_domain::incoming::events::Attachment>) -> Option<String> {
    let names: Vec<&str> = files.map(|file| file.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What was said with an event.
pub fn summary(event: &DomainEvent, language: Language) -> Option<String> {
    match event {
        DomainEvent::Incoming(event) => incoming(event, language),
        DomainEvent::Organ(_) | DomainEvent::Person(_) | DomainEvent::Register(_) => None,
    }
}

fn incoming(event: &Event, language: Language) -> Option<String> {
    let label = |word: &'static str, rest: Option<String>| match rest {
        Some(rest) => format!("{word}: {rest}"),
        None => word.to_owned(),
    };
    match event {
        Event::Arrived(e) => Some(label(Channel::from(e.channel).label(language), text(&e.details.abstract_text))),
        Event::ArrivedAgain(e) => text(&e.details.abstract_text),
        Event::UnopenedLogged(e) => Some(format!("{} → {}", e.sender, e.addressed_to)),
        Event::AuthenticityChecked(e) => {
            Some(label(Authenticity::from(e.result).label(language), maybe(e.note.as_ref())))
        }
        Event::Corrected(e) => text(&e.reason),
        Event::Annotated(e) => text(&e.note),
        Event::ScanAttached(e) => names(e.files.iter()),
        Event::PaperArrived(e) => Some(moment(e.arrived_at)),
        Event::ReceiptRefused(e) => text(&e.reason),
        Event::RegistrationBegan(e) => Some(format!("{} {}", e.series, e.year)),
        Event::RegistrationAbandoned(_) => Some(language.choose("Có thể trùng", "Possible duplicate").to_owned()),
        Event::Registered(e) => {
            Some(language.choose(format!("Số đến {}", e.number.get()), format!("No. {}", e.number.get())))
        }
        Event::Submitted(e) => maybe(e.note.as_ref()),
        Event::PassedToLeader(e) => maybe(e.note.as_ref()),
        Event::ReturnedToClerk(e) => text(&e.reason),
        Event::Directed(e) => maybe(e.note.as_ref()),
        Event::Assigned(e) => maybe(e.note.as_ref()),
        Event::ProgressReported(e) => text(&e.text),
        Event::BranchAmended(e) => text(&e.reason),
        Event::BranchReassigned(e) => text(&e.reason),
        Event::BranchWithdrawn(e) => text(&e.reason),
        Event::BranchReturned(e) => text(&e.reason),
        Event::ExtensionRequested(e) => Some(format!("{}: {}", moment(e.until), e.reason)),
        Event::ExtensionDecided(e) => Some(match e.until {
            Some(until) => {
                let until = moment(until);
                language.choose(format!("Đồng ý đến {until}"), format!("Granted until {until}"))
            }
            None => label(language.choose("Không đồng ý", "Not granted"), maybe(e.note.as_ref())),
        }),
        Event::Urged(e) => text(&e.note),
        Event::Paused(e) => text(&e.reason),
        Event::Resumed(e) => maybe(e.note.as_ref()),
        Event::BranchCompleted(e) => maybe(e.result.as_ref()),
        Event::ResolutionProposed(e) => Some(label(Resolution::from(e.how).label(language), maybe(e.note.as_ref()))),
        Event::ResolutionDeclined(e) => text(&e.reason),
        Event::Resolved(e) => Some(label(Resolution::from(e.how).label(language), maybe(e.note.as_ref()))),
        Event::Reopened(e) => Some(format!("{}: {}", deadline::limit(e.limit, language), e.reason)),
        Event::Cancelled(e) => Some(label(VoidReason::from(e.kind).label(language), text(&e.reason))),
        Event::ExpungeRequested(e) => Some(SecrecyLevel::from(e.level).label(language).to_owned()),
        Event::ExpungeDeclined(e) => text(&e.reason),
        Event::Expunged(e) => Some(SecrecyLevel::from(e.level).label(language).to_owned()),
        // Nothing was said with the others.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::{incoming, ledger::catalogue::CATALOGUE};

    use super::*;

    #[test]
    fn instants_are_said_as_people_say_them() {
        let arrived_at = socai_domain::time::Timestamp::parse("2026-03-03T08:05:00+07:00").unwrap();
        let event = DomainEvent::Incoming(incoming::events::PaperArrived { arrived_at }.into());
        assert_eq!(summary(&event, Language::Vi).as_deref(), Some("08:05 03/03/2026"));
    }

    #[test]
    fn every_event_has_a_title() {
        let names: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let titled: Vec<_> = TITLES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(titled, names);
    }
}
