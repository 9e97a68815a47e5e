//! An agency's affairs: units, posts, delegations, calendar, limits, settings. By its administrator.

use async_graphql::{Context, ID, InputObject, Object, OneofObject};
use socai_domain::{
    calendar::{CalendarYear, Holiday, SwappedDay, WorkingSpan},
    id::{PostId, UnitId},
    organ::{
        Setting, abolish_post::AbolishPost, assume_post::AssumePost, change_code::ChangeOrganCode,
        change_setting::ChangeSetting, close_unit::CloseUnit, create_post::CreatePost, create_unit::CreateUnit,
        decide_baseline::DecideBaseline, decide_calendar::DecideCalendar, decide_limit::DecideLimit,
        delegate::DelegatePost, end_delegation::EndDelegation, events::Baseline, leave_post::LeavePost,
        rename_unit::RenameUnit, succeed::SucceedOrgan,
    },
    text::{OrganCode, ShortText},
};

use super::{OrganPayload, on_organ};
use crate::{
    error::Result,
    scalars::{Date, DateTime, Uuid},
    schema::{
        input::{self, Envelope, LimitInput, field, optional},
        labels::{Role, Urgency},
    },
};

/// Input of `changeOrganCode`.
#[derive(Debug, InputObject)]
pub(crate) struct ChangeOrganCodeInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The new identifier, in either form.
    code: String,
    /// From when.
    from: Date,
}

/// Input of `succeedOrgan`.
#[derive(Debug, InputObject)]
pub(crate) struct SucceedOrganInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The organ that goes on.
    by: ID,
    /// From when.
    from: Date,
}

/// Input of `createUnit`.
#[derive(Debug, InputObject)]
pub(crate) struct CreateUnitInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The unit it belongs to.
    parent: Uuid,
    /// Its name.
    name: String,
    /// Its abbreviation in symbols.
    abbreviation: String,
}

/// Input of `renameUnit`.
#[derive(Debug, InputObject)]
pub(crate) struct RenameUnitInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The unit.
    unit: Uuid,
    /// Its new name.
    name: String,
    /// Its new abbreviation.
    abbreviation: String,
}

/// Input of `closeUnit`.
#[derive(Debug, InputObject)]
pub(crate) struct CloseUnitInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The unit.
    unit: Uuid,
}

/// Input of `createPost`.
#[derive(Debug, InputObject)]
pub(crate) struct CreatePostInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// Where it is.
    unit: Uuid,
    /// What it may do.
    role: Role,
    /// Its title.
    title: String,
}

/// Input of `abolishPost`.
#[derive(Debug, InputObject)]
pub(crate) struct AbolishPostInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The post.
    post: Uuid,
}

/// Input of `assumePost` and `leavePost`.
#[derive(Debug, InputObject)]
pub(crate) struct PostHolderInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The post.
    post: Uuid,
    /// The person.
    person: ID,
    /// From when; without it from now.
    from: Option<DateTime>,
}

/// Input of `delegatePost`.
#[derive(Debug, InputObject)]
pub(crate) struct DelegatePostInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The post.
    post: Uuid,
    /// The substitute.
    to: ID,
    /// First instant.
    from: DateTime,
    /// First instant after it.
    until: DateTime,
}

/// Input of `endDelegation`.
#[derive(Debug, InputObject)]
pub(crate) struct EndDelegationInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The post.
    post: Uuid,
    /// The substitute.
    to: ID,
}

/// A public holiday (ngày nghỉ lễ).
#[derive(Debug, InputObject)]
pub(crate) struct HolidayInput {
    /// The day.
    date: Date,
    /// Its name.
    name: String,
}

/// A working day exchanged for a weekend day (hoán đổi ngày làm việc).
#[derive(Debug, InputObject)]
pub(crate) struct SwappedDayInput {
    /// The day off.
    off: Date,
    /// The day worked for it.
    worked: Date,
    /// The decision that says so.
    reason: String,
}

/// A stretch of working hours, in minutes since midnight (giờ làm việc): 480 is 08:00.
#[derive(Debug, InputObject)]
pub(crate) struct WorkingSpanInput {
    /// From.
    from_minute: u16,
    /// Until.
    until_minute: u16,
}

/// Input of `decideCalendar`.
#[derive(Debug, InputObject)]
pub(crate) struct DecideCalendarInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The year.
    year: i16,
    /// The public holidays.
    holidays: Vec<HolidayInput>,
    /// Working days exchanged for other days.
    #[graphql(default)]
    swapped: Vec<SwappedDayInput>,
    /// The hours of a working day; without any 08:00–12:00 and 13:00–17:00.
    #[graphql(default)]
    hours: Vec<WorkingSpanInput>,
}

/// Input of `decideLimit`.
#[derive(Debug, InputObject)]
pub(crate) struct DecideLimitInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The document type's name; without it every type.
    document_type: Option<String>,
    /// The urgency; without it every urgency.
    urgency: Option<Urgency>,
    /// The limit.
    limit: LimitInput,
}

/// Input of `decideBaseline`. What is left out is not reckoned.
#[derive(Debug, InputObject)]
pub(crate) struct DecideBaselineInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The first day; it holds until the next such day.
    from: Date,
    /// Working minutes from arrival to resolution, before: the middle one (thời gian xử lý trước đây).
    handling_minutes: Option<u32>,
    /// A printed or copied page, in đồng (giá một trang in, sao chụp).
    page_price: Option<u32>,
    /// A posted envelope, in đồng (cước một bì thư).
    envelope_price: Option<u32>,
    /// Minutes of somebody's work that a copy on paper takes (số phút cho một bản giấy).
    copy_minutes: Option<u32>,
    /// An hour of somebody's work, in đồng (giá một giờ công).
    hour_price: Option<u32>,
}

/// A setting of the agency's working regulation (thiết lập theo quy chế làm việc).
#[derive(Debug, OneofObject)]
pub(crate) enum SettingInput {
    /// Everybody in the organ sees all its documents.
    OpenWithinOrgan(bool),
    /// A clerk may pass a document straight to a unit.
    ClerkMayPassOn(bool),
    /// The addressees that share this registry.
    Addressees(Vec<String>),
    /// Minutes within which an urgent document is to be registered and submitted.
    UrgentMinutes(u32),
    /// Working days before the deadline from which work is due soon.
    DueSoonDays(u16),
    /// The series of arrival numbers.
    IncomingSeries(String),
}

/// Input of `changeSetting`.
#[derive(Debug, InputObject)]
pub(crate) struct ChangeSettingInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The setting and its value.
    setting: SettingInput,
}

fn setting(given: SettingInput) -> Result<Setting> {
    let name = |name: String| field("setting", ShortText::new(name));
    Ok(match given {
        SettingInput::OpenWithinOrgan(on) => Setting::OpenWithinOrgan { on },
        SettingInput::ClerkMayPassOn(on) => Setting::ClerkMayPassOn { on },
        SettingInput::Addressees(names) => {
            Setting::Addressees { names: names.into_iter().map(name).collect::<Result<_>>()? }
        }
        SettingInput::UrgentMinutes(minutes) => Setting::UrgentMinutes { minutes },
        SettingInput::DueSoonDays(days) => Setting::DueSoonDays { days },
        SettingInput::IncomingSeries(series) => Setting::IncomingSeries { name: name(series)? },
    })
}

#[derive(Debug, Default)]
pub(crate) struct AffairsMutation;

/// The agency's affairs (tổ chức của cơ quan).
#[Object]
impl AffairsMutation {
    /// The organ is known under another identifier from a date on (đổi mã định danh; Decision 20/2020/QĐ-TTg).
    async fn change_organ_code(&self, ctx: &Context<'_>, input: ChangeOrganCodeInput) -> Result<OrganPayload> {
        let command = ChangeOrganCode { code: field("code", OrganCode::new(input.code))?, from: input.from.0 };
        on_organ(ctx, &input.envelope, command).await
    }

    /// The organ was merged into another (sáp nhập).
    async fn succeed_organ(&self, ctx: &Context<'_>, input: SucceedOrganInput) -> Result<OrganPayload> {
        let command = SucceedOrgan { by: input::organ("by", &input.by)?, from: input.from.0 };
        on_organ(ctx, &input.envelope, command).await
    }

    /// Create a unit (lập đơn vị).
    async fn create_unit(&self, ctx: &Context<'_>, input: CreateUnitInput) -> Result<OrganPayload> {
        let command = CreateUnit {
            parent: UnitId::new(input.parent.0),
            name: field("name", ShortText::new(input.name))?,
            abbreviation: field("abbreviation", ShortText::new(input.abbreviation))?,
        };
        on_organ(ctx, &input.envelope, command).await
    }

    /// Rename a unit (đổi tên đơn vị).
    async fn rename_unit(&self, ctx: &Context<'_>, input: RenameUnitInput) -> Result<OrganPayload> {
        let command = RenameUnit {
            unit: UnitId::new(input.unit.0),
            name: field("name", ShortText::new(input.name))?,
            abbreviation: field("abbreviation", ShortText::new(input.abbreviation))?,
        };
        on_organ(ctx, &input.envelope, command).await
    }

    /// Close a unit: nothing is assigned to it any more (giải thể đơn vị).
    async fn close_unit(&self, ctx: &Context<'_>, input: CloseUnitInput) -> Result<OrganPayload> {
        on_organ(ctx, &input.envelope, CloseUnit { unit: UnitId::new(input.unit.0) }).await
    }

    /// Create a post in a unit (lập vị trí).
    async fn create_post(&self, ctx: &Context<'_>, input: CreatePostInput) -> Result<OrganPayload> {
        let (unit, role) = (UnitId::new(input.unit.0), input.role.into());
        let command = CreatePost { unit, role, title: field("title", ShortText::new(input.title))? };
        on_organ(ctx, &input.envelope, command).await
    }

    /// Abolish a post (bỏ vị trí). Never refused for open work: that shows as without a holder.
    async fn abolish_post(&self, ctx: &Context<'_>, input: AbolishPostInput) -> Result<OrganPayload> {
        on_organ(ctx, &input.envelope, AbolishPost { post: PostId::new(input.post.0) }).await
    }

    /// A person takes a post (bổ nhiệm, nhận vị trí).
    async fn assume_post(&self, ctx: &Context<'_>, input: PostHolderInput) -> Result<OrganPayload> {
        let (post, person) = (PostId::new(input.post.0), input::person("person", &input.person)?);
        on_organ(ctx, &input.envelope, AssumePost { post, person, from: input.from.map(|from| from.0) }).await
    }

    /// A person leaves a post (thôi giữ vị trí). Their open work shows as without a holder until it is handed over.
    async fn leave_post(&self, ctx: &Context<'_>, input: PostHolderInput) -> Result<OrganPayload> {
        let (post, person) = (PostId::new(input.post.0), input::person("person", &input.person)?);
        on_organ(ctx, &input.envelope, LeavePost { post, person, from: input.from.map(|from| from.0) }).await
    }

    /// Let a substitute do what a post may, within dates (ủy quyền xử lý).
    async fn delegate_post(&self, ctx: &Context<'_>, input: DelegatePostInput) -> Result<OrganPayload> {
        let (post, to) = (PostId::new(input.post.0), input::person("to", &input.to)?);
        on_organ(ctx, &input.envelope, DelegatePost { post, to, from: input.from.0, until: input.until.0 }).await
    }

    /// End a delegation before its time (chấm dứt ủy quyền).
    async fn end_delegation(&self, ctx: &Context<'_>, input: EndDelegationInput) -> Result<OrganPayload> {
        let (post, to) = (PostId::new(input.post.0), input::person("to", &input.to)?);
        on_organ(ctx, &input.envelope, EndDelegation { post, to }).await
    }

    /// Decide a year's holidays, exchanged days and hours (lịch làm việc). Running deadlines move with it.
    async fn decide_calendar(&self, ctx: &Context<'_>, input: DecideCalendarInput) -> Result<OrganPayload> {
        let holiday = |day: HolidayInput| {
            Ok(Holiday { date: day.date.0, name: field("holidays.name", ShortText::new(day.name))? })
        };
        let swap = |day: SwappedDayInput| {
            let reason = field("swapped.reason", ShortText::new(day.reason))?;
            Ok(SwappedDay { off: day.off.0, worked: day.worked.0, reason })
        };
        let span =
            |span: WorkingSpanInput| WorkingSpan { from_minute: span.from_minute, until_minute: span.until_minute };
        let calendar = CalendarYear {
            year: input.year,
            holidays: input.holidays.into_iter().map(holiday).collect::<Result<_>>()?,
            swapped: input.swapped.into_iter().map(swap).collect::<Result<_>>()?,
            hours: input.hours.into_iter().map(span).collect(),
        };
        on_organ(ctx, &input.envelope, DecideCalendar { calendar }).await
    }

    /// Decide the time limit for documents of a type and urgency, for assignments from now on (quy định thời hạn; art. 24.2).
    async fn decide_limit(&self, ctx: &Context<'_>, input: DecideLimitInput) -> Result<OrganPayload> {
        let command = DecideLimit {
            document_type: optional("documentType", input.document_type, ShortText::new)?,
            urgency: input.urgency.map(Into::into),
            limit: input.limit.read("limit")?,
        };
        on_organ(ctx, &input.envelope, command).await
    }

    /// Decide from a day on what "faster" and "saved" are reckoned by (quy định cách tính tiết kiệm).
    async fn decide_baseline(&self, ctx: &Context<'_>, input: DecideBaselineInput) -> Result<OrganPayload> {
        let DecideBaselineInput {
            envelope,
            from,
            handling_minutes,
            page_price,
            envelope_price,
            copy_minutes,
            hour_price,
        } = input;
        let baseline = Baseline { handling_minutes, page_price, envelope_price, copy_minutes, hour_price };
        on_organ(ctx, &envelope, DecideBaseline { from: from.0, baseline }).await
    }

    /// Change a setting of the working regulation (thay đổi thiết lập).
    async fn change_setting(&self, ctx: &Context<'_>, input: ChangeSettingInput) -> Result<OrganPayload> {
        on_organ(ctx, &input.envelope, ChangeSetting { setting: setting(input.setting)? }).await
    }
}
