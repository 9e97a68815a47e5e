//! The messages of the axis that the demo receives: the example files, and letters made of the first of them.

use socai_domain::time::Date;

macro_rules! examples {
    ($($name:literal),* $(,)?) => {
        /// The example files, with their names.
        pub(crate) const EXAMPLES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../../tests/fixtures/edxml/", $name)))),*];
    };
}

examples! {
    "edoc-0-new.edxml",
    "edoc-1-recall.edxml",
    "edoc-2-update.edxml",
    "edoc-3-replace.edxml",
    "status-01.edxml",
    "status-02.edxml",
    "status-03.edxml",
    "status-04.edxml",
    "status-05.edxml",
    "status-06.edxml",
    "status-13.edxml",
    "status-15.edxml",
    "status-16.edxml",
}

/// How many of them are received by the two agencies, and how many are not handled yet.
pub(crate) fn counted() -> (usize, usize) {
    let new = EXAMPLES.iter().filter(|(name, _)| name.starts_with("edoc-0")).count();
    (2 * new, 2 * (EXAMPLES.len() - new))
}

/// What is different from the example.
pub(crate) struct Letter {
    pub(crate) from: (&'static str, &'static str),
    pub(crate) number: &'static str,
    pub(crate) notation: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) subject: &'static str,
    /// As on the axis: 0 normal, 1 urgent.
    pub(crate) priority: char,
    pub(crate) paper_follows: bool,
}

impl Letter {
    /// The message, promulgated on this day.
    pub(crate) fn message(&self, day: Date) -> String {
        let example = EXAMPLES[0].1;
        let (code, name) = self.from;
        let date = day.to_string().replace('-', "/");
        let id = format!("{code},{date},{}/{}", self.number, self.notation);
        let paper = if self.paper_follows { "1" } else { "0" };
        [
            ("<edXML:DocumentId>000.00.00.H99,2026/01/02,12/UBND-VP<", format!("<edXML:DocumentId>{id}<")),
            ("<edXML:OrganId>000.00.00.H99<", format!("<edXML:OrganId>{code}<")),
            ("<edXML:OrganName>Văn phòng UBND tỉnh Ví Dụ<", format!("<edXML:OrganName>{name}<")),
            ("<edXML:CodeNumber>12<", format!("<edXML:CodeNumber>{}<", self.number)),
            ("<edXML:CodeNotation>UBND-VP<", format!("<edXML:CodeNotation>{}<", self.notation)),
            ("<edXML:PromulgationDate>2026/01/02<", format!("<edXML:PromulgationDate>{date}<")),
            ("<edXML:TypeName>Công văn<", format!("<edXML:TypeName>{}<", self.kind)),
            ("V/v thử nghiệm &amp; kiểm tra &lt;liên thông&gt;", self.subject.to_owned()),
            ("<edXML:Content>V/v thử nghiệm<", format!("<edXML:Content>{}<", self.subject)),
            ("<edXML:DueDate>2026/02/01<", "<edXML:DueDate><".to_owned()),
            ("<edXML:Priority>0<", format!("<edXML:Priority>{}<", self.priority)),
            ("<edXML:Paper>0<", format!("<edXML:Paper>{paper}<")),
        ]
        .into_iter()
        .fold(example.to_owned(), |message, (of_example, of_letter)| message.replace(of_example, &of_letter))
    }
}

const OFFICE: (&str, &str) = ("000.00.00.H99", "Văn phòng UBND tỉnh Ví Dụ");
const DEPARTMENT: (&str, &str) = ("000.00.07.H99", "Sở Mẫu tỉnh Ví Dụ");
const MINISTRY: (&str, &str) = ("000.00.00.G98", "Bộ Mẫu");

const fn letter(
    from: (&'static str, &'static str),
    (number, notation): (&'static str, &'static str),
    kind: &'static str,
    subject: &'static str,
) -> Letter {
    Letter { from, number, notation, kind, subject, priority: '0', paper_follows: false }
}

/// The one whose story is told.
pub(crate) const STORY: Letter = Letter {
    priority: '1',
    ..letter(OFFICE, ("45", "UBND-NN"), "Công văn", "V/v hỗ trợ khắc phục hậu quả bão số 6")
};
/// The one that is late.
pub(crate) const LATE: Letter = letter(DEPARTMENT, ("31", "BC-SM"), "Báo cáo", "Tình hình thực hiện kế hoạch quý III");
/// The one whose holder is gone.
pub(crate) const HOLDER_GONE: Letter =
    letter(MINISTRY, ("284", "BM-KHTC"), "Công văn", "V/v góp ý dự thảo Nghị định về tài sản công");
/// The one that is due on the next working day.
pub(crate) const DUE_NEXT: Letter =
    letter(MINISTRY, ("86", "TTr-BM"), "Tờ trình", "Về việc phê duyệt quy hoạch chi tiết");
/// The one that was given back.
pub(crate) const RETURNED: Letter =
    letter(OFFICE, ("52", "UBND-KT"), "Công văn", "V/v phân bổ vốn đầu tư công năm sau");
/// The one whose paper is awaited.
pub(crate) const PAPER: Letter = Letter {
    paper_follows: true,
    ..letter(DEPARTMENT, ("33", "HĐ-SM"), "Hợp đồng", "Về việc cung cấp dịch vụ lưu trữ")
};

#[cfg(test)]
mod tests {
    use socai::edxml::{Limits, Message, read};

    use super::*;

    #[test]
    fn letters_say_what_they_should() {
        let day = Date::new(2026, 11, 3).unwrap();
        for letter in [STORY, LATE, HOLDER_GONE, DUE_NEXT, RETURNED, PAPER] {
            let Ok(Message::Edoc(edoc)) = read(letter.message(day).as_bytes(), &Limits::default()) else { panic!() };
            assert_eq!(
                edoc.document_id,
                Some(format!("{},2026/11/03,{}/{}", letter.from.0, letter.number, letter.notation))
            );
            assert_eq!(edoc.from.name.as_deref(), Some(letter.from.1));
            assert_eq!(edoc.subject.as_deref(), Some(letter.subject));
            assert_eq!(edoc.document_type.name.as_deref(), Some(letter.kind));
            assert_eq!(edoc.due_on, None);
            assert_eq!(edoc.paper, Some(i32::from(letter.paper_follows)));
            assert_eq!(edoc.other.priority.map(|priority| priority.to_string()), Some(letter.priority.to_string()));
        }
    }
}
