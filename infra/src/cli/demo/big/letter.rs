//! What a document says of itself. Issuers, numbers and texts are invented; forms and shares are as at the Government Office.

use socai_domain::{
    document_types::{Channel, Urgency},
    incoming::events::{Details, Signer},
    text::{Abstract, AxisDocumentId, CodeNotation, CodeNumber, OrganCode},
    time::{Date, Timestamp},
};

use super::{
    World,
    dice::Dice,
    office::{name, short},
};

/// Types: how many of a hundred, name, abbreviation, and what they are about.
pub(super) const TYPES: [(u64, &str, &str, [&str; 4]); 9] = [
    (
        62,
        "Công văn",
        "",
        [
            "V/v góp ý dự thảo Nghị định về quản lý tài sản công",
            "V/v giải quyết kiến nghị của cử tri và địa phương",
            "V/v triển khai công tác chuyển đổi số",
            "V/v điều chỉnh kế hoạch đầu tư công trung hạn",
        ],
    ),
    (
        14,
        "Báo cáo",
        "BC",
        [
            "Tình hình kinh tế - xã hội",
            "Kết quả thực hiện nhiệm vụ được giao",
            "Công tác cải cách hành chính",
            "Công tác tiếp công dân, giải quyết khiếu nại, tố cáo",
        ],
    ),
    (
        9,
        "Tờ trình",
        "TTr",
        [
            "Về việc phê duyệt quy hoạch chi tiết",
            "Về việc ban hành Nghị quyết của Chính phủ",
            "Về việc bổ sung kinh phí sự nghiệp",
            "Về việc chuyển mục đích sử dụng đất",
        ],
    ),
    (
        5,
        "Giấy mời",
        "GM",
        [
            "Họp về tiến độ giải ngân vốn đầu tư công",
            "Họp góp ý dự thảo quy chế phối hợp",
            "Dự hội nghị tổng kết năm",
            "Dự hội thảo về văn thư, lưu trữ điện tử",
        ],
    ),
    (
        3,
        "Thông báo",
        "TB",
        [
            "Kết luận tại cuộc họp giao ban",
            "Về việc thay đổi trụ sở làm việc",
            "Kết quả kiểm tra công tác văn thư",
            "Về việc phân công nhiệm vụ",
        ],
    ),
    (
        3,
        "Kế hoạch",
        "KH",
        [
            "Triển khai nhiệm vụ trọng tâm",
            "Kiểm tra công vụ",
            "Phòng, chống thiên tai và tìm kiếm cứu nạn",
            "Đào tạo, bồi dưỡng công chức",
        ],
    ),
    (
        2,
        "Quyết định",
        "QĐ",
        [
            "Về việc thành lập tổ công tác",
            "Về việc công bố thủ tục hành chính",
            "Về việc giao chỉ tiêu kế hoạch",
            "Về việc khen thưởng",
        ],
    ),
    (
        1,
        "Nghị quyết",
        "NQ",
        ["Phiên họp thường kỳ", "Về nhiệm vụ và giải pháp chủ yếu", "Về phân bổ ngân sách", "Về chủ trương đầu tư"],
    ),
    (
        1,
        "Công điện",
        "CĐ",
        [
            "Về việc ứng phó bão",
            "Về việc ứng phó mưa lũ",
            "Về việc phòng cháy, chữa cháy rừng",
            "Về việc bảo đảm trật tự, an toàn giao thông dịp lễ",
        ],
    ),
];

/// So many agencies write to this one. A prime, so that each has numbers of its own.
const ISSUERS: u64 = 97;

/// A document, before anything happens to it.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) channel: Channel,
    pub(super) type_name: &'static str,
    pub(super) details: Details,
    /// What the axis calls it.
    pub(super) axis_id: AxisDocumentId,
    pub(super) arrived: Timestamp,
}

/// The minute of its day at which a document arrives: a quarter of them before nine.
fn minute(dice: &mut Dice) -> i64 {
    let (from, until) = dice.weighed(&[(25, (480, 539)), (45, (540, 705)), (30, (780, 985))]);
    dice.within(from, until)
}

impl Letter {
    /// Document `n`.
    pub(super) fn of(world: &World, n: u64) -> Self {
        let mut dice = Dice::of("a letter", n);
        let (day, of_year) = world.days.day_of(n);
        let arrived = day.start().plus_minutes(minute(&mut dice));
        let channel = dice.weighed(&[(85, Channel::Axis), (12, Channel::Paper), (3, Channel::Internal)]);
        let kind = dice.weighed(&TYPES.map(|kind| (kind.0, kind)));
        let urgency =
            dice.weighed(&[(90, Urgency::Normal), (7, Urgency::Urgent), (2, Urgency::VeryUrgent), (1, Urgency::Flash)]);
        // Never of the year before: the numbers begin anew each year.
        let promulgated =
            day.plus_days(-i32::try_from(dice.below(6)).unwrap_or(0)).max(Date::new(day.year(), 1, 1).unwrap_or(day));
        let issuer = Issuer::of(world, channel, of_year);
        let Issuer { code, name: issuer_name, notation, number } = issuer;
        let (_, type_name, abbreviation, subjects) = kind;
        let notation =
            if abbreviation.is_empty() { format!("{notation}-VP") } else { format!("{abbreviation}-{notation}") };
        let subject = format!("{} ({}/{})", dice.one(&subjects), promulgated.civil().month(), day.year());
        let due_on = dice.per_mille(100).then(|| {
            let days = u32::try_from(dice.within(6, 20)).unwrap_or(6);
            world.days.calendar.add_working_days(day, days)
        });
        let axis_code = code.as_ref().map_or("G97", OrganCode::as_str);
        let date = promulgated.to_string().replace('-', "/");
        let axis_id = AxisDocumentId::new(format!("{axis_code},{date},{number}/{notation}"));
        let details = Details {
            issuer_code: code,
            issuer_name: short(issuer_name),
            number: CodeNumber::new(number.to_string()).ok(),
            notation: CodeNotation::new(notation).ok(),
            place: Some(short("Ví Dụ")),
            promulgated_on: Some(promulgated),
            type_name: short(type_name),
            abstract_text: Abstract::new(subject).expect("an abstract"),
            language: None,
            page_count: u16::try_from(dice.within(1, 20)).ok(),
            copy_count: None,
            signer: Some(Signer { competence: None, position: None, name: name(of_year % 500) }),
            due_on,
            urgency,
            due_at: None,
            addressee: None,
            to_places: Vec::new(),
            response_for: None,
            paper_follows: channel == Channel::Axis && dice.per_mille(30),
            note: None,
        };
        Self { channel, type_name, details, axis_id: axis_id.expect("an id of the axis"), arrived }
    }
}

/// Who wrote it, with a number that they gave to no other document of the year.
struct Issuer {
    code: Option<OrganCode>,
    name: String,
    notation: String,
    number: u64,
}

impl Issuer {
    fn of(world: &World, channel: Channel, of_year: u64) -> Self {
        if channel == Channel::Internal {
            let units = world.office.handling.len() as u64;
            let unit = world.office.handling[usize::try_from(of_year % units).unwrap_or(0)];
            let unit = &world.office.units[unit];
            let (name, notation) = (unit.name.clone(), unit.abbreviation.clone());
            return Self { code: None, name, notation, number: of_year / units + 1 };
        }
        let issuer = of_year * 31 % ISSUERS;
        let number = of_year / ISSUERS + 1;
        let (code, name, notation) = if issuer < 49 {
            let place = issuer + 1;
            (format!("000.00.{place:02}.H99"), format!("Sở Mẫu {place} tỉnh Ví Dụ"), format!("SM{place}"))
        } else {
            let place = issuer - 48;
            (format!("000.00.{place:02}.G98"), format!("Cục Mẫu {place}, Bộ Mẫu"), format!("CM{place}"))
        };
        Self { code: Some(OrganCode::new(code).expect("an organ code")), name, notation, number }
    }
}
