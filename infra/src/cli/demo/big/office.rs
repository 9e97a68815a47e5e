//! The agency: its units and posts, who holds them when, and who stands in for whom. All of it follows from the number of
//! documents, so that a document's life can be written before anything is played.

use socai_domain::{
    id::{CommandId, OrganId, PersonId, PostId, UnitId, derive},
    organ::Role,
    text::{PersonName, ShortText},
    time::{Date, Timestamp},
};

use super::{days::Days, dice::Dice};

/// Its code and name: invented.
pub(super) const CODE: &str = "G97";
pub(super) const NAME: &str = "Văn phòng Ví Dụ";

/// Names and abbreviations of its units; the first is where the clerks sit.
const UNITS: [(&str, &str); 17] = [
    ("HC", "Vụ Hành chính"),
    ("TH", "Vụ Tổng hợp"),
    ("PL", "Vụ Pháp luật"),
    ("KTTH", "Vụ Kinh tế tổng hợp"),
    ("CN", "Vụ Công nghiệp"),
    ("NN", "Vụ Nông nghiệp"),
    ("KGVX", "Vụ Khoa giáo - Văn xã"),
    ("QHQT", "Vụ Quan hệ quốc tế"),
    ("NC", "Vụ Nội chính"),
    ("TCCV", "Vụ Tổ chức công vụ"),
    ("V.I", "Vụ Theo dõi công tác thanh tra"),
    ("QHĐP", "Vụ Quốc hội và Địa phương"),
    ("TKBT", "Vụ Thư ký - Biên tập"),
    ("TCCB", "Vụ Tổ chức cán bộ"),
    ("CĐS", "Cục Chuyển đổi số"),
    ("QTTV", "Cục Quản trị - Tài vụ"),
    ("CTT", "Cổng Thông tin điện tử"),
];
/// Each of this many units has two divisions.
const DIVIDED: usize = 6;
/// Leaders, and clerks.
const LEADERS: usize = 14;
const CLERKS: usize = 20;
/// The fewest and the most specialists; one for so many documents in between.
const SPECIALISTS: (u64, u64) = (85, 600);
const DOCUMENTS_A_SPECIALIST: u64 = 300;

/// A unit or a division of one.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) id: UnitId,
    pub(super) name: String,
    pub(super) abbreviation: String,
    /// The unit that it is a division of.
    pub(super) parent: Option<usize>,
    pub(super) divisions: Vec<usize>,
    /// Posts of heads and deputies; and of specialists.
    pub(super) heads: Vec<usize>,
    pub(super) specialists: Vec<usize>,
}

/// A post.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) id: PostId,
    /// None: the organ itself.
    pub(super) unit: Option<usize>,
    pub(super) role: Role,
    pub(super) title: &'static str,
    /// Who has it from when on, by the number of the person.
    pub(super) tenures: Vec<(Timestamp, u64)>,
    pub(super) absences: Vec<Absence>,
}

/// A time in which somebody else does what the post does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absence {
    /// When the holder says so.
    pub(super) told: Timestamp,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// The number of the person.
    pub(super) substitute: u64,
}

/// The agency.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) organ: OrganId,
    pub(super) units: Vec<Unit>,
    pub(super) posts: Vec<Post>,
    pub(super) leaders: Vec<usize>,
    pub(super) clerks: Vec<usize>,
    /// The units that handle documents, without their divisions.
    pub(super) handling: Vec<usize>,
    /// When it is founded: before the first working day begins.
    pub(super) founded: Timestamp,
    people: u64,
}

impl Office {
    /// For so many documents.
    pub(super) fn of(days: &Days) -> Self {
        let organ = OrganId::of_code(CODE);
        let founded = days.first().start().plus_minutes(6 * 60);
        let mut office = Self {
            organ,
            units: Vec::new(),
            posts: Vec::new(),
            leaders: Vec::new(),
            clerks: Vec::new(),
            handling: Vec::new(),
            founded,
            people: 0,
        };
        office.make_units();
        office.make_posts(days.documents());
        office.change_holders(days);
        office.make_absences(days);
        office
    }

    fn make_units(&mut self) {
        for (abbreviation, name) in UNITS {
            self.add_unit(abbreviation.to_owned(), name.to_owned(), None);
        }
        self.handling = (0..UNITS.len()).collect();
        for parent in 1..=DIVIDED {
            for number in 1..=2 {
                let Unit { name, abbreviation, .. } = &self.units[parent];
                let (name, abbreviation) = (format!("Phòng {number}, {name}"), format!("{abbreviation}-P{number}"));
                self.add_unit(abbreviation, name, Some(parent));
            }
        }
    }

    fn add_unit(&mut self, abbreviation: String, name: String, parent: Option<usize>) {
        let index = self.units.len();
        let id = UnitId::new(self.command(&format!("unit {abbreviation}")).creates(self.organ));
        if let Some(parent) = parent {
            self.units[parent].divisions.push(index);
        }
        let (divisions, heads, specialists) = (Vec::new(), Vec::new(), Vec::new());
        self.units.push(Unit { id, name, abbreviation, parent, divisions, heads, specialists });
    }

    fn make_posts(&mut self, documents: u64) {
        let titles = |number: usize| match number {
            0 => "Chủ nhiệm",
            1..6 => "Phó Chủ nhiệm",
            _ => "Trợ lý phụ trách lĩnh vực",
        };
        self.leaders = (0..LEADERS).map(|number| self.add_post(None, Role::Leader, titles(number))).collect();
        self.clerks = (0..CLERKS).map(|_| self.add_post(Some(0), Role::RecordsClerk, "Văn thư")).collect();
        for unit in 0..self.units.len() {
            let division = self.units[unit].parent.is_some();
            let titles: &[_] = if division {
                &["Trưởng phòng"]
            } else {
                &["Vụ trưởng", "Phó Vụ trưởng", "Phó Vụ trưởng"]
            };
            let heads = titles.iter().copied().map(|title| self.add_post(Some(unit), Role::UnitHead, title)).collect();
            self.units[unit].heads = heads;
        }
        let specialists = (documents / DOCUMENTS_A_SPECIALIST).clamp(SPECIALISTS.0, SPECIALISTS.1);
        let titles = ["Chuyên viên", "Chuyên viên", "Chuyên viên chính", "Chuyên viên cao cấp"];
        for number in 0..usize::try_from(specialists).unwrap_or(0) {
            let unit = number % self.units.len();
            let post = self.add_post(Some(unit), Role::Specialist, titles[number % titles.len()]);
            self.units[unit].specialists.push(post);
        }
        for title in ["Thanh tra viên", "Giám sát viên"] {
            self.add_post(None, Role::Inspector, title);
        }
    }

    fn add_post(&mut self, unit: Option<usize>, role: Role, title: &'static str) -> usize {
        let index = self.posts.len();
        let id = PostId::new(self.command(&format!("post {index}")).creates(self.organ));
        let tenures = vec![(self.founded, self.new_person())];
        self.posts.push(Post { id, unit, role, title, tenures, absences: Vec::new() });
        index
    }

    fn new_person(&mut self) -> u64 {
        self.people += 1;
        self.people - 1
    }

    /// Twice a year some leave, and new people come.
    fn change_holders(&mut self, days: &Days) {
        for year in days.played() {
            for month in [4, 10] {
                let day = Date::new(year, month, 1).expect("a first of a month").plus_days(-1);
                let at = days.calendar.next_working_day(day).start().plus_minutes(7 * 60);
                let mut dice = Dice::of("who leaves", day.as_days().unsigned_abs().into());
                for post in 0..self.posts.len() {
                    let share = if self.posts[post].role == Role::Specialist { 60 } else { 20 };
                    if dice.per_mille(share) {
                        let person = self.new_person();
                        self.posts[post].tenures.push((at, person));
                    }
                }
            }
        }
    }

    /// Leaders and heads are away for a week twice a year, never when holders change.
    fn make_absences(&mut self, days: &Days) {
        for year in days.played() {
            for (number, month, weeks) in [(0, 5, 18), (1, 11, 4)] {
                let season = Date::new(year, month, 8).expect("the eighth of a month");
                for post in 0..self.posts.len() {
                    let season_of_post = (u64::from(year.unsigned_abs()) * 2 + number) * 10_000 + post as u64;
                    let mut dice = Dice::of("who is away", season_of_post);
                    let Some(peers) = self.peers(post) else { continue };
                    let week = i32::try_from(dice.below(weeks)).unwrap_or(0);
                    let before = days.calendar.next_working_day(season.plus_days(7 * week - 1));
                    let first = days.calendar.next_working_day(before);
                    let last = days.calendar.add_working_days(first, 4);
                    let told = before.start().plus_minutes(16 * 60 + 40);
                    let substitute = *dice.one(&peers);
                    let substitute = self.holder(substitute, first.start());
                    let absence = Absence { told, from: first.start(), until: last.end(), substitute };
                    self.posts[post].absences.push(absence);
                }
            }
        }
    }

    /// The posts of those who may stand in for a leader or a head.
    fn peers(&self, post: usize) -> Option<Vec<usize>> {
        let Post { role, unit, .. } = self.posts[post];
        let of = match (role, unit) {
            (Role::Leader, _) => &self.leaders,
            (Role::UnitHead, Some(unit)) if self.units[unit].heads.len() > 1 => &self.units[unit].heads,
            (Role::UnitHead, Some(unit)) => &self.units[unit].specialists,
            _ => return None,
        };
        Some(of.iter().copied().filter(|peer| *peer != post).collect())
    }

    /// The number of the person who holds a post then.
    pub(super) fn holder(&self, post: usize, at: Timestamp) -> u64 {
        let tenures = &self.posts[post].tenures;
        tenures.iter().rev().find(|(from, _)| *from <= at).unwrap_or(&tenures[0]).1
    }

    /// Who does what the post does then: its holder or their substitute.
    pub(super) fn actor(&self, post: usize, at: Timestamp) -> PersonId {
        let away = self.posts[post].absences.iter().find(|absence| absence.from <= at && at < absence.until);
        self.person(away.map_or_else(|| self.holder(post, at), |absence| absence.substitute))
    }

    /// The person of this number.
    pub(super) fn person(&self, number: u64) -> PersonId {
        PersonId::new(self.command(&format!("person {number}")).creates(self.organ))
    }

    /// The command of this name.
    pub(super) fn command(&self, name: &str) -> CommandId {
        CommandId::new(derive(self.organ.uuid(), &format!("big demo: {name}")))
    }

    /// How many people there ever are.
    pub(super) fn people(&self) -> u64 {
        self.people
    }
}

/// What a person is called.
pub(super) fn name(number: u64) -> PersonName {
    const SURNAMES: [&str; 17] = [
        "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô",
        "Dương", "Lý", "Mai",
    ];
    const MIDDLE: [&str; 8] = ["Văn", "Thị", "Đức", "Minh", "Thanh", "Quốc", "Hữu", "Ngọc"];
    const GIVEN: [&str; 24] = [
        "An", "Bình", "Châu", "Dũng", "Hà", "Hải", "Hạnh", "Hùng", "Hương", "Khánh", "Lan", "Linh", "Long", "Mai",
        "Nam", "Phương", "Quân", "Sơn", "Thảo", "Trang", "Tuấn", "Việt", "Yến", "Giang",
    ];
    let mut dice = Dice::of("a name", number);
    let name = format!("{} {} {}", dice.one(&SURNAMES), dice.one(&MIDDLE), dice.one(&GIVEN));
    PersonName::new(name).expect("a name")
}

/// A text of ours that is short.
pub(super) fn short(text: impl Into<String>) -> ShortText {
    ShortText::new(text).expect("a short text of the demo's own")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_big_office_has_hundreds_of_people_and_a_small_one_enough() {
        let big = Office::of(&Days::of(2_400_000));
        assert!((690..710).contains(&big.posts.len()), "{}", big.posts.len());
        let days = Days::of(1_000);
        let small = Office::of(&days);
        assert!((150..250).contains(&small.posts.len()), "{}", small.posts.len());
        assert!(small.units.iter().all(|unit| unit.specialists.len() >= 2 && !unit.heads.is_empty()));
        assert!(small.people() > small.posts.len() as u64, "some leave");
    }

    #[test]
    fn whoever_is_away_has_a_substitute_and_keeps_the_post_meanwhile() {
        let office = Office::of(&Days::of(1_000));
        for (index, post) in office.posts.iter().enumerate() {
            for absence in &post.absences {
                assert!(absence.told < absence.from && absence.from < absence.until);
                let holder = office.holder(index, absence.told);
                assert_eq!(holder, office.holder(index, absence.until), "{absence:?}");
                assert_ne!(holder, absence.substitute);
                assert_eq!(office.actor(index, absence.from), office.person(absence.substitute));
            }
        }
        let held: HashMap<PersonId, usize> =
            office.posts.iter().flat_map(|post| &post.tenures).map(|(_, person)| (office.person(*person), 1)).collect();
        assert_eq!(held.len() as u64, office.people(), "nobody holds two posts");
    }
}
