//! What happens to an agency and the people in it.

use crate::{
    calendar::CalendarYear,
    deadline::Limit,
    document_types::Urgency,
    id::{OrganId, PersonId, PostId, UnitId},
    organ::{Role, Setting},
    text::{OrganCode, ShortText},
    time::{Date, Timestamp},
};

stable! {
    /// An agency begins to keep its ledger here.
    pub struct OrganRegistered {
        /// Its identifier as given: old form (QCVN 102) or new (Decision 20/2020).
        pub code: OrganCode,
        /// Its name.
        pub name: ShortText,
        /// The unit that stands for the whole agency: the root of the tree.
        pub root: UnitId,
    }

    /// The agency is known under another identifier from a date on; old documents keep the old one.
    pub struct OrganCodeChanged {
        /// The new identifier.
        pub code: OrganCode,
        /// From when.
        pub from: Date,
    }

    /// The agency was merged into another.
    pub struct OrganSucceeded {
        /// The agency that goes on.
        pub by: OrganId,
        /// From when.
        pub from: Date,
    }

    /// A unit (đơn vị) exists.
    pub struct UnitCreated {
        /// Its id.
        pub unit: UnitId,
        /// The unit it belongs to.
        pub parent: UnitId,
        /// Its name.
        pub name: ShortText,
        /// Its abbreviation in symbols, e.g. `KTTH`.
        pub abbreviation: ShortText,
    }

    /// A unit has another name.
    pub struct UnitRenamed {
        /// The unit.
        pub unit: UnitId,
        /// Its new name.
        pub name: ShortText,
        /// Its new abbreviation.
        pub abbreviation: ShortText,
    }

    /// A unit is no more; nothing is assigned to it from now on.
    pub struct UnitClosed {
        /// The unit.
        pub unit: UnitId,
    }

    /// A post (vị trí) exists in a unit.
    pub struct PostCreated {
        /// Its id.
        pub post: PostId,
        /// Where it is.
        pub unit: UnitId,
        /// What it may do.
        pub role: Role,
        /// Its title, e.g. `Vụ trưởng`.
        pub title: ShortText,
    }

    /// A post is no more.
    pub struct PostAbolished {
        /// The post.
        pub post: PostId,
    }

    /// A person takes a post.
    pub struct PostAssumed {
        /// The post.
        pub post: PostId,
        /// The person.
        pub person: PersonId,
        /// From when.
        pub from: Timestamp,
    }

    /// A person leaves a post. Work that they hold in it shows as without a holder.
    pub struct PostLeft {
        /// The post.
        pub post: PostId,
        /// The person.
        pub person: PersonId,
        /// From when.
        pub from: Timestamp,
    }

    /// A substitute may do what a post may, within dates (ủy quyền xử lý).
    pub struct PostDelegated {
        /// The post.
        pub post: PostId,
        /// The substitute.
        pub to: PersonId,
        /// First instant.
        pub from: Timestamp,
        /// First instant after it.
        pub until: Timestamp,
    }

    /// A delegation ends before its time.
    pub struct DelegationEnded {
        /// The post.
        pub post: PostId,
        /// The substitute.
        pub to: PersonId,
    }

    /// The holidays and swapped days of a year are decided, or decided anew.
    pub struct CalendarDecided {
        /// The year's days.
        pub calendar: CalendarYear,
    }

    /// The time limit for documents of a type and urgency, for assignments from now on.
    pub struct LimitDecided {
        /// The type's name; every type where there is none.
        pub document_type: Option<ShortText>,
        /// The urgency; every urgency where there is none.
        pub urgency: Option<Urgency>,
        /// The limit.
        pub limit: Limit,
    }

    /// What work took before and costs on paper: what "faster" and "saved" are reckoned by. What nobody knows is not
    /// reckoned.
    #[derive(Default)]
    pub struct Baseline {
        /// Working minutes from arrival to resolution, before: the middle one.
        pub handling_minutes: Option<u32>,
        /// A printed or copied page, in đồng.
        pub page_price: Option<u32>,
        /// A posted envelope, in đồng.
        pub envelope_price: Option<u32>,
        /// Minutes of somebody's work that a copy on paper takes: to print, carry, sign for.
        pub copy_minutes: Option<u32>,
        /// An hour of somebody's work, in đồng.
        pub hour_price: Option<u32>,
    }

    /// From a day on, until the next such day, this is reckoned by.
    pub struct BaselineDecided {
        /// The first day.
        pub from: Date,
        /// What it is reckoned by.
        pub baseline: Baseline,
    }

    /// All that a person holds in a post goes to another post; each document concerned has its own `WorkHandedOver`.
    pub struct HandOverDecided {
        /// The person who has it.
        pub person: PersonId,
        /// The post in which they have it.
        pub from: PostId,
        /// The post that takes it.
        pub to: PostId,
    }

    /// A setting of the agency's working regulation.
    pub struct SettingChanged {
        /// The setting and its value.
        pub setting: Setting,
    }
}
