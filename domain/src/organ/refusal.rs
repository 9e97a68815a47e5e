//! Why an agency's own affairs are not changed. One enum for all of them: they are refused for the same few reasons.

use thiserror::Error;

use crate::{
    calendar::InvalidCalendar,
    refusal::{Code, Denied},
};

/// Why a change of units, posts, people, calendar or settings is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The administrator, or the operator at the console, does this.
    #[error("only the organ's administrator does this: {0}")]
    NotEntitled(#[from] Denied),
    /// The organ is not registered.
    #[error("the organ is not registered")]
    OrganUnknown,
    /// The organ is registered already.
    #[error("the organ is registered already")]
    OrganExists,
    /// No such unit.
    #[error("no such unit")]
    NoSuchUnit,
    /// The unit is closed.
    #[error("the unit is closed")]
    UnitClosed,
    /// The unit has posts or open units under it; or it is the root.
    #[error("the unit still has posts or units: abolish or close them first")]
    UnitInUse,
    /// No such post.
    #[error("no such post")]
    NoSuchPost,
    /// The post is abolished.
    #[error("the post is abolished")]
    PostAbolished,
    /// Somebody else holds the post at that time.
    #[error("somebody else holds the post at that time: they leave it first")]
    PostHeld,
    /// The person does not hold the post.
    #[error("the person does not hold the post")]
    NotTheHolder,
    /// The end is not after the beginning.
    #[error("the end must come after the beginning, and after now")]
    InvalidPeriod,
    /// A substitute does not delegate on.
    #[error("a substitute does not delegate on")]
    OnwardDelegation,
    /// A post is not delegated to the person who holds it.
    #[error("the post is delegated to somebody else than its holder")]
    ToTheHolder,
    /// Whom should the substitute act for?
    #[error("nobody holds the post: nobody delegates it")]
    PostVacant,
    /// Nothing is faster than no time.
    #[error("work that took no time before is not compared: state at least one minute, or leave it out")]
    NoHandlingTime,
    /// An instant passes.
    #[error("a standing time limit is a number of working days or minutes, or none: an instant passes")]
    LimitPasses,
    /// The calendar contradicts itself.
    #[error(transparent)]
    Calendar(#[from] InvalidCalendar),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotEntitled(denied) => denied.code(),
            Self::OrganUnknown | Self::NoSuchUnit | Self::NoSuchPost => Code::NotFound,
            Self::OrganExists => Code::OrganExists,
            Self::UnitClosed => Code::UnitClosed,
            Self::UnitInUse => Code::UnitInUse,
            Self::PostAbolished => Code::PostAbolished,
            Self::PostHeld => Code::PostHeld,
            Self::NotTheHolder => Code::NotTheHolder,
            Self::InvalidPeriod => Code::InvalidPeriod,
            Self::NoHandlingTime => Code::NoHandlingTime,
            Self::LimitPasses => Code::LimitPasses,
            Self::OnwardDelegation | Self::ToTheHolder | Self::PostVacant => Code::OnwardDelegation,
            Self::Calendar(_) => Code::InvalidCalendar,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::NoSuchUnit | Self::UnitClosed | Self::UnitInUse => &["unit"],
            Self::NoSuchPost | Self::PostAbolished | Self::PostHeld | Self::PostVacant => &["post"],
            Self::NotTheHolder => &["person"],
            Self::InvalidPeriod => &["from", "until"],
            Self::ToTheHolder => &["to"],
            Self::NoHandlingTime => &["handlingMinutes"],
            Self::LimitPasses => &["limit"],
            Self::Calendar(_) => &["calendar"],
            _ => &[],
        }
    }
}
