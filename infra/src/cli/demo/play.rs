//! Ten days in two agencies, through the real importer and handler.

mod examples;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::Context as _;
use socai::{app::App, import::Importer};
use socai_commands::{Envelope, Requester};
use socai_domain::{
    deadline::Limit,
    decide::Decide,
    id::{BranchId, CommandId, IncomingId, derive},
    incoming::{
        self, IncomingDocument,
        assign::AssignIncoming,
        assignment::{Assignment, To},
        complete_branch::CompleteBranch,
        decide_extension::DecideExtension,
        direct::DirectIncoming,
        events::{Answer, BranchRole, Resolution},
        register::RegisterIncoming,
        request_extension::RequestExtension,
        resolve::ResolveIncoming,
        return_branch::ReturnBranch,
        submit::SubmitIncoming,
    },
    organ::leave_post::LeavePost,
    text::{LongText, Reason, ShortText},
    time::{Date, Timestamp},
};

use super::{
    clock::{DAYS, DemoClock, days_before},
    letters::{self, Letter},
    world::{
        Agency, CLERK, DEPARTMENT, HEAD, LEADER, LEAVER, MINISTRY, Member, OFFICER, OTHER_HEAD, OTHER_OFFICER, calendar,
    },
};

/// Plays.
pub(crate) struct Play<'a> {
    app: &'a App,
    clock: &'a DemoClock,
    importer: Importer,
    days: [Date; DAYS],
    today: Date,
    acts: AtomicU64,
}

/// What was played, to be told about.
pub(crate) struct Played {
    /// The document whose story is told.
    pub(crate) story: IncomingId,
    /// The first day.
    pub(crate) first_day: Date,
    /// The last day, an hour before it ends.
    pub(crate) last_day: Timestamp,
    /// How many example files went in, and how many are not handled yet.
    pub(crate) examples: (usize, usize),
}

/// An hour before a working day ends.
pub(crate) fn near_the_end_of(day: Date) -> Timestamp {
    day.start().plus_minutes(16 * 60)
}

/// The story's document, written on this day, for who did not see the play.
pub(crate) fn story(day: Date) -> IncomingId {
    let letter = letters::STORY;
    let date = day.to_string().replace('-', "/");
    let id = format!("{},{date},{}/{}", letter.from.0, letter.number, letter.notation);
    IncomingId::of_axis(MINISTRY.organ(), &id, 0)
}

impl<'a> Play<'a> {
    pub(crate) fn new(app: &'a App, clock: &'a DemoClock, now: Timestamp) -> Self {
        let importer = Importer::new(app.handler.clone(), Arc::clone(&app.blobs));
        let today = now.date();
        let days = days_before(today, &calendar(today));
        Self { app, clock, importer, days, today, acts: AtomicU64::new(0) }
    }

    /// All of it, in the order of time.
    pub(crate) async fn play(&self) -> anyhow::Result<Played> {
        self.at(0, 7, 0);
        MINISTRY.found(&self.app.handler, self.today).await?;
        DEPARTMENT.found(&self.app.handler, self.today).await?;

        self.at(0, 8, 2);
        let story = self.arrives(&letters::STORY, 0).await?;
        self.to_leader(0, (8, 5), story).await?;
        let parts = vec![part("KH", BranchRole::Lead, 5), part("PC", BranchRole::Coordinating, 3)];
        self.directs((0, 8, 40), story, "Khẩn trương đề xuất mức hỗ trợ, báo cáo Lãnh đạo Bộ.", parts).await?;
        self.assigns((0, 9, 10), story, HEAD, OFFICER).await?;
        let examples = self.examples().await?;

        self.contributes((2, 15, 0), story).await?;
        self.at(3, 8, 10);
        let late = self.arrives(&letters::LATE, 3).await?;
        self.to_unit((3, 8, 15), late, "KH", 6, HEAD, OFFICER).await?;
        self.more_time((4, 9, 0), story, self.days[7].end()).await?;
        self.at(4, 10, 0);
        let gone = self.arrives(&letters::HOLDER_GONE, 4).await?;
        self.to_unit((4, 10, 5), gone, "KH", 10, HEAD, LEAVER).await?;
        self.at(5, 8, 20);
        let due_next = self.arrives(&letters::DUE_NEXT, 5).await?;
        let days = self.until_next_working_day(5);
        self.to_unit((5, 8, 25), due_next, "PC", days, OTHER_HEAD, OTHER_OFFICER).await?;
        self.at(6, 8, 30);
        let returned = self.arrives(&letters::RETURNED, 6).await?;
        self.to_leader(6, (8, 35), returned).await?;
        self.directs((6, 9, 0), returned, "Giao Vụ Pháp chế chủ trì.", vec![part("PC", BranchRole::Lead, 10)]).await?;
        self.resolves((6, 15, 30), story).await?;
        self.at(7, 8, 10);
        let paper = self.arrives(&letters::PAPER, 7).await?;
        self.to_leader(7, (8, 15), paper).await?;
        self.directs((7, 8, 50), paper, "Chờ bản giấy, kiểm tra chữ ký.", vec![part("KH", BranchRole::Lead, 10)])
            .await?;
        self.gives_back((8, 9, 30), returned).await?;
        self.at(8, 17, 0);
        let leave = LeavePost { post: MINISTRY.post(LEAVER), person: MINISTRY.person(LEAVER), from: None };
        let stream = socai_domain::organ::stream(MINISTRY.organ());
        self.app.handler.execute(stream, self.envelope(&MINISTRY, Requester::System), leave).await?;
        let (first_day, last_day) = (self.days[0], near_the_end_of(self.days[DAYS - 1]));
        Ok(Played { story, first_day, last_day, examples })
    }

    /// Working days from a played day to the first working day after today.
    fn until_next_working_day(&self, from: usize) -> u16 {
        let calendar = calendar(self.today);
        let days = calendar.working_days_between(self.days[from], calendar.next_working_day(self.today));
        u16::try_from(days).unwrap_or(u16::MAX)
    }

    fn at(&self, day: usize, hour: i64, minute: i64) {
        self.clock.set(self.days[day].start().plus_minutes(hour * 60 + minute));
    }

    fn envelope(&self, agency: &Agency, who: Requester) -> Envelope {
        let act = self.acts.fetch_add(1, Ordering::Relaxed);
        let command = CommandId::new(derive(agency.organ().uuid(), &format!("demo: act {act}")));
        Envelope::of(agency.organ(), who, command)
    }

    async fn act<C: Decide>(&self, who: &Member, document: IncomingId, command: C) -> anyhow::Result<()> {
        self.act_in(&MINISTRY, who, document, command).await
    }

    async fn act_in<C: Decide>(
        &self,
        agency: &Agency,
        who: &Member,
        document: IncomingId,
        command: C,
    ) -> anyhow::Result<()> {
        let envelope = self.envelope(agency, Requester::Person(agency.person(who)));
        let done = self.app.handler.execute(incoming::stream(document), envelope, command).await;
        done.map(|_| ()).with_context(|| format!("{} of {}", C::NAME, who.name))
    }

    async fn look<R>(&self, document: IncomingId, look: impl Fn(&IncomingDocument) -> Option<R>) -> anyhow::Result<R> {
        let seen = self.app.handler.view(incoming::stream(document), |document, _| look(document)).await?;
        seen.context("the document is not as it was played")
    }

    /// A letter comes over the axis, written the day before.
    async fn arrives(&self, letter: &Letter, day: usize) -> anyhow::Result<IncomingId> {
        let message = letter.message(self.days[day].plus_days(-1));
        Ok(self.importer.import(MINISTRY.organ(), message.as_bytes()).await?.document())
    }

    /// The clerk registers and submits.
    async fn to_leader(&self, day: usize, (hour, minute): (i64, i64), document: IncomingId) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        let register = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
        self.act(CLERK, document, register).await?;
        self.at(day, hour, minute + 5);
        self.act(CLERK, document, SubmitIncoming { to: MINISTRY.post(LEADER), note: None }).await
    }

    async fn directs(
        &self,
        (day, hour, minute): (usize, i64, i64),
        document: IncomingId,
        note: &str,
        branches: Vec<Assignment>,
    ) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        self.act(LEADER, document, DirectIncoming { note: Some(text(note)), branches, follower: None }).await
    }

    /// A head gives the unit's branch to a person.
    async fn assigns(
        &self,
        (day, hour, minute): (usize, i64, i64),
        document: IncomingId,
        head: &Member,
        officer: &Member,
    ) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        let branch = self.look(document, |document| Some(document.root_lead()?.0)).await?;
        let to = To::Post(MINISTRY.post(officer));
        let branches = vec![Assignment { to, role: BranchRole::Lead, limit: None, note: None }];
        self.act(head, document, AssignIncoming { branch, branches, note: None }).await
    }

    /// From the clerk to the officer.
    async fn to_unit(
        &self,
        (day, hour, minute): (usize, i64, i64),
        document: IncomingId,
        unit: &str,
        days: u16,
        head: &Member,
        officer: &Member,
    ) -> anyhow::Result<()> {
        self.to_leader(day, (hour, minute), document).await?;
        let parts = vec![part(unit, BranchRole::Lead, days)];
        self.directs((day, hour, minute + 30), document, "Chủ trì giải quyết, đúng hạn.", parts).await?;
        self.assigns((day, hour + 1, minute), document, head, officer).await
    }

    /// The coordinating unit hands in its contribution.
    async fn contributes(&self, (day, hour, minute): (usize, i64, i64), document: IncomingId) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        let branch = self.branch(document, |branch| branch.role == BranchRole::Coordinating).await?;
        let result = text("Thống nhất về thẩm quyền và trình tự hỗ trợ.");
        let complete = CompleteBranch { branch, result, proposal: None, files: Vec::new() };
        self.act(OTHER_HEAD, document, complete).await
    }

    async fn branch(&self, document: IncomingId, is: impl Fn(&incoming::Branch) -> bool) -> anyhow::Result<BranchId> {
        let find =
            |document: &IncomingDocument| document.present_branches().find(|(_, branch)| is(branch)).map(|(id, _)| id);
        self.look(document, find).await
    }

    async fn more_time(
        &self,
        (day, hour, minute): (usize, i64, i64),
        document: IncomingId,
        until: Timestamp,
    ) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        let branch = self.look(document, |document| Some(document.root_lead()?.0)).await?;
        let reason = why("Chờ số liệu thiệt hại của địa phương.");
        self.act(HEAD, document, RequestExtension { branch, until, reason }).await?;
        self.at(day, hour + 1, minute);
        self.act(LEADER, document, DecideExtension { branch, until: Some(until), note: None }).await
    }

    async fn resolves(&self, (day, hour, minute): (usize, i64, i64), document: IncomingId) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        let branch = self.look(document, |document| Some(document.lead_leaf()?.0)).await?;
        let result = text("Đã dự thảo công văn trả lời, trình ký.");
        let proposal = Some(Resolution::Answered);
        self.act(OFFICER, document, CompleteBranch { branch, result, proposal, files: Vec::new() }).await?;
        self.at(day, hour + 1, minute);
        let short = |text| ShortText::new(text).expect("a short text");
        let answer = Answer { organ: short("Bộ Ví Dụ"), code: short("12/BVD-KH"), date: self.days[day] };
        let resolve = ResolveIncoming {
            how: Resolution::Answered,
            answers: vec![answer],
            note: None,
            transferred_to: None,
            close_open_branches: None,
        };
        self.act(HEAD, document, resolve).await
    }

    async fn gives_back(&self, (day, hour, minute): (usize, i64, i64), document: IncomingId) -> anyhow::Result<()> {
        self.at(day, hour, minute);
        let branch = self.look(document, |document| Some(document.root_lead()?.0)).await?;
        let reason = why("Nội dung thuộc chức năng của Vụ Kế hoạch.");
        self.act(OTHER_HEAD, document, ReturnBranch { branch, reason }).await
    }
}

fn text(text: &str) -> LongText {
    LongText::new(text).expect("a text")
}

fn part(unit: &str, role: BranchRole, days: u16) -> Assignment {
    let limit = Some(Limit::WorkingDays { days });
    Assignment { to: To::Unit(MINISTRY.unit(unit)), role, limit, note: None }
}

fn why(reason: &str) -> Reason {
    Reason::new(reason).expect("a reason of at least ten characters")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use socai::config::Config;
    use socai_projections::{
        PageRequest, Viewer,
        statistics::{DocumentFigure, DocumentFigures, GroupBy, Period, StatisticsFilter},
        work_list::{WorkFilter, WorkScope, WorkState},
    };

    use super::*;
    use crate::cli::keygen;

    async fn figures(app: &App, since: Date, at: Timestamp) -> DocumentFigures {
        let filter = StatisticsFilter::of(Period { from: since.start(), before: at.plus_micros(1) });
        let viewer = Viewer::operator(MINISTRY.organ(), at);
        app.views.document_statistics(&viewer, &filter, GroupBy::Organ).await.unwrap()[0].figures
    }

    /// As things stand when the demo opens at this instant.
    async fn opens_well(now: &str) {
        let now = Timestamp::parse(now).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data").to_str().unwrap().to_owned();
        let flags = BTreeMap::from([("data", data), ("segment_mib", "1".to_owned())]);
        let config = Config::load(&flags, |_| None).unwrap();
        keygen::make(&config, false).unwrap();
        let clock = Arc::new(DemoClock::new());
        clock.set(now.plus_minutes(-60 * 24 * 60));
        let app = App::open(&config, clock.clone()).await.unwrap();
        let played = Play::new(&app, &clock, now).play().await.unwrap();
        clock.set(now);
        app.settle().await.unwrap();
        assert!(app.log().head().await.unwrap().recorded <= now, "{now}: nothing is of the future");

        let open = figures(&app, played.first_day, now).await;
        assert_eq!((open.in_process, open.late_open, open.refused), (5, 1, 1), "{now}");
        assert_eq!((open.processed, open.on_time, open.met_only_by_extension), (1, 1, 1), "{now}");
        let viewer = Viewer::operator(MINISTRY.organ(), now);
        for state in [WorkState::HolderGone, WorkState::DueSoon] {
            let filter = WorkFilter { scope: WorkScope::All, state: Some(state), kind: None };
            let work = app.views.work_list(&viewer, &filter, &PageRequest::first(100)).await.unwrap();
            let mut documents: Vec<_> = work.nodes().map(|item| item.document.id).collect();
            documents.dedup();
            assert_eq!(documents.len(), 1, "{now}: {state:?}");
        }
        let filter = StatisticsFilter::of(Period { from: played.first_day.start(), before: now });
        let page = PageRequest::first(9);
        let work = app.views.counted_documents(&viewer, &filter, DocumentFigure::InProcess, &page).await.unwrap();
        let next = calendar(now.date()).next_working_day(now.date()).end();
        let due: Vec<_> = work.nodes().filter(|of| of.binding_due == Some(next)).collect();
        assert_eq!(due.len(), 1, "{now}: due on the next working day");
        assert_eq!(story(played.first_day.plus_days(-1)), played.story);
        app.close().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_opens_well_at_new_year_on_any_weekday_after_midnight_and_on_holidays() {
        for now in [
            "2027-01-01T12:00:00+07:00",
            "2027-01-04T00:05:00+07:00",
            "2027-01-13T08:00:00+07:00",
            "2026-09-02T10:00:00+07:00",
            "2026-09-03T00:05:00+07:00",
            "2026-11-20T23:59:59+07:00",
            "2026-11-21T00:00:01+07:00",
            "2026-11-22T05:00:00+07:00",
            "2026-11-23T00:05:00+07:00",
            "2026-11-24T09:00:00+07:00",
            "2026-12-31T17:00:00+07:00",
        ] {
            opens_well(now).await;
        }
    }
}
