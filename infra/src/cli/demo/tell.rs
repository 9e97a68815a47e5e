//! What the demo tells: five beats, then how to go on.

use std::{collections::HashMap, path::Path};

use anyhow::Context as _;
use socai::{app::App, verify::Fault};
use socai_domain::{
    id::{IncomingId, PersonId, UnitId},
    incoming::{self, BranchEnd, events::Assignee},
    ledger::{Direction, DomainEvent, Opened, Revision},
    time::{Date, Timestamp},
};
use socai_projections::{
    PageRequest, Viewer, Views,
    statistics::{CountedDocument, DocumentFigure, DocumentFigures, GroupBy, Period, StatisticsFilter},
    work_list::{WorkFilter, WorkScope, WorkState},
};

use super::{tamper::tamper, words::Lang, world::MINISTRY};

/// Tells about a demo's ledger.
pub(crate) struct Teller<'a> {
    app: &'a App,
    lang: Lang,
    people: HashMap<PersonId, String>,
    units: HashMap<UnitId, String>,
}

/// Columns of an abstract.
const ABSTRACT: usize = 40;

impl<'a> Teller<'a> {
    pub(crate) async fn new(app: &'a App, lang: Lang) -> anyhow::Result<Self> {
        let organ = MINISTRY.organ();
        let people = app.views.people(organ).await?;
        let units = app.views.units(organ).await?;
        Ok(Self {
            app,
            lang,
            people: people.into_iter().filter_map(|person| Some((person.id, person.name?))).collect(),
            units: units.into_iter().map(|unit| (unit.id, unit.name)).collect(),
        })
    }

    fn t<'t>(&self, vi: &'t str, en: &'t str) -> &'t str {
        self.lang.of(vi, en)
    }

    fn beat(&self, number: u8, vi: &str, en: &str) {
        println!("\n{number}  {}", self.t(vi, en));
    }

    fn person(&self, id: Option<PersonId>) -> String {
        id.and_then(|id| self.people.get(&id).cloned()).unwrap_or_else(|| self.t("hệ thống", "the system").to_owned())
    }

    fn unit(&self, id: UnitId) -> String {
        self.units.get(&id).cloned().unwrap_or_default()
    }

    /// 1: what socai is.
    pub(crate) fn what_it_is(&self, (received, not_yet): (usize, usize)) {
        self.beat(1, "socai là gì", "What socai is");
        println!(
            "   {}",
            self.t(
                "Một cuốn sổ cái chỉ ghi thêm, niêm phong từng việc xảy ra với văn bản của cơ quan; sổ đăng ký,\n   việc phải làm, thống kê đều dựng từ đó, và ai có quyền đều tự kiểm chứng được.",
                "An append-only ledger that seals everything that happens to an agency's documents; registers, work\n   lists and figures are made from it, and anyone entitled can check that nothing was changed."
            )
        );
        println!(
            "   {}: {} {received}, {} {not_yet}.",
            self.t("Tệp edXML mẫu gửi tới hai cơ quan", "Example edXML files, sent to two agencies"),
            self.t("đã nhận", "received"),
            self.t("loại chưa xử lý", "of kinds not handled yet")
        );
    }

    /// 2: one document, from its trail.
    pub(crate) async fn story(&self, id: IncomingId) -> anyhow::Result<()> {
        let viewer = Viewer::operator(MINISTRY.organ(), self.app.handler.clock().now());
        let view = self.app.views.document(&viewer, id).await?.context("the story's document")?;
        let row = self.app.views.document_row(&viewer, id).await?.context("the story's document")?;
        self.beat(2, "Một văn bản: vết của nó, đọc từ sổ cái", "One document: its trail, read from the ledger");
        println!(
            "   {} {}, {}: {}",
            row.code.unwrap_or_default(),
            self.t(row.urgency.label_vi(), row.urgency.label_en()),
            row.issuer_name.unwrap_or_default(),
            row.abstract_text.unwrap_or_default()
        );
        let (stream, log) = (incoming::stream(id), self.app.log());
        let mut who = None;
        for recorded in log.read(stream, Direction::Forwards, None, 256).await? {
            let Opened::Event(context, DomainEvent::Incoming(event)) =
                self.app.handler.opener().open(&recorded.record).await?
            else {
                continue;
            };
            // What the system finishes was begun by somebody.
            let person = recorded.record.header().person;
            who = Some(PersonId::new(person)).filter(|_| !person.is_nil()).or(who);
            let name = |assignee: Assignee| match assignee {
                Assignee::Person { holder } => self.person(Some(holder.person)),
                Assignee::Unit { unit } => self.unit(unit),
            };
            if let Some(words) = self.lang.event(&event, &self.person(who), &name) {
                println!("   {}  {words}", self.lang.time(context.at));
            }
        }
        let sum = view.sum()?.map(|sum| self.lang.sum(&sum)).unwrap_or_default();
        let on_time = row.binding_due.is_some_and(|due| row.stage_since <= due);
        println!(
            "   {}: {sum}; {} {}: {}.",
            self.t("Thời hạn", "Deadline"),
            self.t("xong", "done"),
            self.lang.time(row.stage_since),
            if on_time { self.t("đúng hạn", "on time") } else { self.t("quá hạn", "late") }
        );
        Ok(())
    }

    /// 3: who has what, and what is late.
    pub(crate) async fn who_has_what(&self, since: Date) -> anyhow::Result<()> {
        let now = self.app.handler.clock().now();
        let figures = figures(&self.app.views, since, now).await?;
        self.beat(3, "Ai đang giữ việc gì, và việc nào quá hạn", "Who has what now, and what is late");
        for counted in counted(&self.app.views, since, now, DocumentFigure::InProcess).await? {
            println!("   {}", self.line(&counted, now).await?);
        }
        let late = counted(&self.app.views, since, now, DocumentFigure::LateOpen).await?;
        let codes: Vec<_> = late.into_iter().filter_map(|counted| counted.document.code).collect();
        println!(
            "   {} {} · {} {} · {} {} → {}: {}",
            self.t("đang xử lý", "in process"),
            figures.in_process,
            self.t("từ chối", "refused"),
            figures.refused,
            self.t("quá hạn", "late"),
            figures.late_open,
            self.t("mở ra", "opened"),
            codes.join(", ")
        );
        Ok(())
    }

    async fn line(&self, counted: &CountedDocument, now: Timestamp) -> anyhow::Result<String> {
        let document = &counted.document;
        let holder = match (document.holder_person, document.holder_unit) {
            (Some(person), _) => self.person(Some(person)),
            (None, Some(unit)) => self.unit(unit),
            (None, None) => self.t("văn thư", "the clerks").to_owned(),
        };
        let due = document.binding_due.map_or_else(|| "–".to_owned(), |due| self.lang.time(due));
        let what = cut(document.abstract_text.as_deref().unwrap_or_default());
        let marks = self.marks(counted, now).await?;
        let (number, code) = (document.number.unwrap_or_default(), document.code.as_deref().unwrap_or_default());
        Ok(format!("{number:>3}  {code:<12}  {what:<ABSTRACT$}  {holder:<16}  {due:<16}  {marks}")
            .trim_end()
            .to_owned())
    }

    async fn marks(&self, counted: &CountedDocument, now: Timestamp) -> anyhow::Result<String> {
        let (id, views) = (counted.document.id, &self.app.views);
        let viewer = Viewer::operator(MINISTRY.organ(), now);
        let branches = views.branches(&viewer, id).await?;
        let gone = WorkFilter { scope: WorkScope::All, state: Some(WorkState::HolderGone), kind: None };
        let gone = views.work_list(&viewer, &gone, &PageRequest::first(100)).await?;
        let due_next = counted.binding_due.is_some_and(|due| {
            let next = super::world::calendar(now.date()).next_working_day(now.date());
            due > now && due <= next.end()
        });
        let open = branches.iter().any(|branch| branch.ended.is_none());
        let marks = [
            (counted.binding_due.is_some_and(|due| due < now), self.t("quá hạn", "late")),
            (due_next, self.t("đến hạn ngày làm việc tới", "due the next working day")),
            (
                !open && branches.iter().any(|b| b.ended == Some(BranchEnd::Returned)),
                self.t("bị trả lại", "given back"),
            ),
            (counted.document.waits_for_paper, self.t("chờ bản giấy", "waiting for paper")),
            (gone.nodes().any(|item| item.document.id == id), self.t("người giữ đã thôi việc", "its holder is gone")),
        ];
        Ok(marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect::<Vec<_>>().join(", "))
    }

    /// 4: the same numbers as of a past moment.
    pub(crate) async fn as_of(&self, since: Date, then: Timestamp) -> anyhow::Result<()> {
        let views = Views::build_until(&**self.app.log(), self.app.handler.opener().clone(), then).await?;
        let then_figures = figures(&views, since, then).await?;
        let now = figures(&self.app.views, since, self.app.handler.clock().now()).await?;
        self.beat(4, "Vẫn các số ấy, tại một thời điểm đã qua", "The same numbers, as of a past moment");
        let line = |label: &str, of: &DocumentFigures| {
            println!(
                "   {label:<40}  {} {}  {} {}",
                self.t("đang xử lý", "in process"),
                of.in_process,
                self.t("quá hạn", "late"),
                of.late_open
            );
        };
        let yesterday = self.t("ngày làm việc trước", "last working day");
        line(&format!("{}, {yesterday}", self.lang.time(then)), &then_figures);
        line(self.t("bây giờ", "now"), &now);
        Ok(())
    }

    /// 5: a changed byte is found.
    pub(crate) async fn tampered(&self, directory: &Path, copy: &Path, id: IncomingId) -> anyhow::Result<()> {
        let revision = Revision::new(4);
        let (whole, fault) = tamper(&**self.app.log(), directory, copy, incoming::stream(id), revision).await?;
        self.beat(5, "Sửa một byte trong một bản sao của sổ cái", "A byte changed in a copy of the ledger");
        println!(
            "   verify {}: {} {}, {} {}, {} {}",
            self.t("(sổ cái)", "(ledger)"),
            whole.records,
            self.t("bản ghi", "records"),
            whole.streams,
            self.t("luồng", "streams"),
            self.t("đúng, đỉnh", "all right, head"),
            &whole.head.hash.to_string()[..16]
        );
        let said = match &fault {
            Fault::Wrong(wrong) => {
                let place = |what: Option<String>| what.unwrap_or_else(|| "?".to_owned());
                let stream = place(wrong.stream.map(|stream| stream.to_string()));
                let revision = place(wrong.revision.map(|revision| revision.to_string()));
                let damage = &wrong.damage;
                let says = self.t("verify báo", "verify says");
                format!("{} · {stream} · revision {revision}\n   {says}: {}", damage.file, damage.what)
            }
            other => other.to_string(),
        };
        println!("   verify {}: {said}", self.t("(bản sao)", "(copy)"));
        Ok(())
    }
}

/// An abstract that fits its column.
fn cut(text: &str) -> String {
    match text.char_indices().nth(ABSTRACT - 1) {
        Some((at, _)) if text.chars().count() > ABSTRACT => format!("{}…", text[..at].trim_end()),
        _ => text.to_owned(),
    }
}

fn filter(since: Date, at: Timestamp) -> (Viewer, StatisticsFilter) {
    let period = Period { from: since.start(), before: at.plus_micros(1) };
    (Viewer::operator(MINISTRY.organ(), at), StatisticsFilter::of(period))
}

async fn figures(views: &Views, since: Date, at: Timestamp) -> anyhow::Result<DocumentFigures> {
    let (viewer, filter) = filter(since, at);
    let all = views.document_statistics(&viewer, &filter, GroupBy::Organ).await?;
    Ok(all.first().map(|line| line.figures).unwrap_or_default())
}

async fn counted(
    views: &Views,
    since: Date,
    at: Timestamp,
    figure: DocumentFigure,
) -> anyhow::Result<Vec<CountedDocument>> {
    let (viewer, filter) = filter(since, at);
    let page = views.counted_documents(&viewer, &filter, figure, &PageRequest::first(20)).await?;
    let mut all: Vec<_> = page.nodes().cloned().collect();
    all.sort_by_key(|counted| (counted.document.year, counted.document.number));
    Ok(all)
}
