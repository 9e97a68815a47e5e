//! The two invented agencies and their people. Everything has an id that follows from its name, so that a second run knows
//! them again.

use socai_commands::{CommandError, Envelope, Handler, Requester};
use socai_domain::{
    calendar::{CalendarYear, Holiday, WorkingCalendar},
    deadline::Limit,
    decide::Decide,
    id::{CommandId, OrganId, PersonId, PostId, UnitId, derive},
    ledger::StreamId,
    organ::{
        self, Role, assume_post::AssumePost, create_post::CreatePost, create_unit::CreateUnit,
        decide_calendar::DecideCalendar, decide_limit::DecideLimit,
    },
    person::{self, register::RegisterPerson},
    text::{OrganCode, PersonName, ShortText},
    time::Date,
};

use crate::cli::register_organ::{Registered, register};

/// A person, and the post they are given.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) role: Role,
    /// The abbreviation of their unit; none: the organ itself.
    pub(crate) unit: Option<&'static str>,
}

const fn member(name: &'static str, title: &'static str, role: Role, unit: Option<&'static str>) -> Member {
    Member { name, title, role, unit }
}

/// An agency.
pub(crate) struct Agency {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    administrator: &'static str,
    /// Abbreviation and name.
    units: &'static [(&'static str, &'static str)],
    pub(crate) members: &'static [Member],
}

pub(crate) const CLERK: &Member = &member("Trần Thị Thảo", "Văn thư", Role::RecordsClerk, None);
pub(crate) const LEADER: &Member = &member("Nguyễn Đức Khánh", "Thứ trưởng", Role::Leader, None);
pub(crate) const HEAD: &Member = &member("Lê Thanh Hà", "Vụ trưởng", Role::UnitHead, Some("KH"));
pub(crate) const OFFICER: &Member = &member("Phạm Ngọc Linh", "Chuyên viên", Role::Specialist, Some("KH"));
pub(crate) const LEAVER: &Member = &member("Vũ Quốc Việt", "Chuyên viên chính", Role::Specialist, Some("KH"));
pub(crate) const OTHER_HEAD: &Member = &member("Đỗ Hữu Nam", "Vụ trưởng", Role::UnitHead, Some("PC"));
pub(crate) const OTHER_OFFICER: &Member = &member("Bùi Ngọc Mai", "Chuyên viên", Role::Specialist, Some("PC"));
pub(crate) const OUTSIDER: &Member = &member("Lý Hữu Long", "Chuyên viên", Role::Specialist, Some("TCCB"));

/// The ministry that the demo is about.
pub(crate) const MINISTRY: Agency = Agency {
    code: "G99",
    name: "Bộ Ví Dụ",
    administrator: "Hoàng Văn Sơn",
    units: &[("KH", "Vụ Kế hoạch"), ("PC", "Vụ Pháp chế"), ("TCCB", "Vụ Tổ chức cán bộ")],
    members: &[
        member("Trần Thị Thảo", "Văn thư", Role::RecordsClerk, None),
        member("Nguyễn Đức Khánh", "Thứ trưởng", Role::Leader, None),
        member("Lê Thanh Hà", "Vụ trưởng", Role::UnitHead, Some("KH")),
        member("Phạm Ngọc Linh", "Chuyên viên", Role::Specialist, Some("KH")),
        member("Vũ Quốc Việt", "Chuyên viên chính", Role::Specialist, Some("KH")),
        member("Đỗ Hữu Nam", "Vụ trưởng", Role::UnitHead, Some("PC")),
        member("Bùi Ngọc Mai", "Chuyên viên", Role::Specialist, Some("PC")),
        member("Lý Hữu Long", "Chuyên viên", Role::Specialist, Some("TCCB")),
    ],
};

/// The clerk of the department.
pub(crate) const DEPARTMENT_CLERK: &Member = &member("Ngô Thị Lan", "Văn thư", Role::RecordsClerk, None);

/// The department that gets one of the letters, too.
pub(crate) const DEPARTMENT: Agency = Agency {
    code: "H99.05",
    name: "Sở Ví Dụ",
    administrator: "Võ Thanh Bình",
    units: &[("VP", "Văn phòng")],
    members: &[
        member("Ngô Thị Lan", "Văn thư", Role::RecordsClerk, None),
        member("Dương Minh Quân", "Giám đốc", Role::Leader, None),
    ],
};

impl Agency {
    pub(crate) fn organ(&self) -> OrganId {
        OrganId::of_code(self.code)
    }

    fn command(&self, name: &str) -> CommandId {
        CommandId::new(derive(self.organ().uuid(), &format!("demo: {name}")))
    }

    pub(crate) fn unit(&self, abbreviation: &str) -> UnitId {
        UnitId::new(self.command(&format!("unit {abbreviation}")).creates(self.organ()))
    }

    pub(crate) fn post(&self, member: &Member) -> PostId {
        PostId::new(self.command(&format!("post of {}", member.name)).creates(self.organ()))
    }

    pub(crate) fn person(&self, member: &Member) -> PersonId {
        PersonId::new(self.command(&format!("person {}", member.name)).creates(self.organ()))
    }

    /// Registers the agency, its units, posts, people, calendar and limits.
    pub(crate) async fn found(&self, handler: &Handler, today: Date) -> Result<(), CommandError> {
        let code = OrganCode::new(self.code).expect("an organ code");
        let (name, title) = (short(self.name), short("Quản trị viên"));
        let Registered { organ, .. } = register(handler, code, name, title, known_as(self.administrator)).await?;
        let stream = organ::stream(organ);
        for year in today.year() - 1..=today.year() + 1 {
            self.do_once(handler, &format!("calendar {year}"), stream, DecideCalendar { calendar: days_of(year) })
                .await?;
        }
        let limit = DecideLimit { document_type: None, urgency: None, limit: Limit::WorkingDays { days: 10 } };
        self.do_once(handler, "limit", stream, limit).await?;
        let root = handler.organ(organ).await?.root.unwrap_or_else(|| UnitId::new(organ.uuid()));
        for (abbreviation, name) in self.units {
            let unit = CreateUnit { parent: root, name: short(name), abbreviation: short(abbreviation) };
            self.do_once(handler, &format!("unit {abbreviation}"), stream, unit).await?;
        }
        for member in self.members {
            let person = self.person(member);
            let known = known_as(member.name);
            self.do_once(handler, &format!("person {}", member.name), person::stream(person), known).await?;
            let unit = member.unit.map_or(root, |unit| self.unit(unit));
            let post = CreatePost { unit, role: member.role, title: short(member.title) };
            self.do_once(handler, &format!("post of {}", member.name), stream, post).await?;
            let assume = AssumePost { post: self.post(member), person, from: None };
            self.do_once(handler, &format!("{} assumes", member.name), stream, assume).await?;
        }
        Ok(())
    }

    async fn do_once<C: Decide>(
        &self,
        handler: &Handler,
        name: &str,
        stream: StreamId,
        command: C,
    ) -> Result<(), CommandError> {
        let envelope = Envelope::of(self.organ(), Requester::System, self.command(name));
        handler.execute(stream, envelope, command).await.map(|_| ())
    }
}

fn short(text: &str) -> ShortText {
    ShortText::new(text).expect("a short text")
}

fn known_as(name: &str) -> RegisterPerson {
    RegisterPerson { name: PersonName::new(name).expect("a name"), email: None, phone: None }
}

/// The fixed holidays of a year. Those of the lunar calendar are decreed each year; the demo invents none.
fn days_of(year: i16) -> CalendarYear {
    let holidays =
        [(1, 1, "Tết Dương lịch"), (4, 30, "Ngày Chiến thắng"), (5, 1, "Ngày Quốc tế lao động"), (9, 2, "Quốc khánh")];
    let holiday = |(month, day, name)| Some(Holiday { date: Date::new(year, month, day).ok()?, name: short(name) });
    CalendarYear {
        year,
        holidays: holidays.into_iter().filter_map(holiday).collect(),
        swapped: Vec::new(),
        hours: Vec::new(),
    }
}

/// The calendar of both agencies around this day.
pub(crate) fn calendar(today: Date) -> WorkingCalendar {
    WorkingCalendar::new((today.year() - 1..=today.year() + 1).map(days_of))
}
