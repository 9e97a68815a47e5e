//! Registration, submission, and the directive tree.

use super::Attachment;
use super::Resolution;
use crate::deadline::Limit;
use crate::id::{BranchId, IncomingId, PersonId, PostId, RegisterId, UnitId};
use crate::register::Fingerprint;
use crate::text::{ArrivalNumber, LongText, Reason, ShortText};
use crate::time::Timestamp;

stable! {
    /// The book is chosen and a number asked for. The book never changes after this.
    pub struct RegistrationBegan {
        /// The book: series of the organ, year of this instant.
        pub register: RegisterId,
        /// The series.
        pub series: ShortText,
        /// The year.
        pub year: i16,
        /// What duplicates were found by when it began: one of the fingerprints at most. Nothing reads it any more: the book is
        /// given all that the document has, and keeps them (`FingerprintsRenewed`).
        pub fingerprint: Option<Fingerprint>,
        /// Documents that the clerk saw and accepted as duplicates.
        pub accepted_duplicates: Vec<IncomingId>,
        /// Why they were accepted.
        pub accepted_because: Option<Reason>,
    }

    /// No number was given: it may be a duplicate.
    pub struct RegistrationAbandoned {
        /// The documents that it may be a duplicate of.
        pub candidates: Vec<IncomingId>,
    }

    /// The document has its arrival number (art. 22). Axis status 03.
    pub struct Registered {
        /// The book.
        pub register: RegisterId,
        /// The number.
        pub number: ArrivalNumber,
    }

    /// Submitted to the leader who directs (art. 23).
    pub struct Submitted {
        /// The leader, in their post.
        pub to: Holder,
        /// The clerk's or unit's proposal.
        pub note: Option<LongText>,
    }

    /// A person in a post.
    #[derive(Copy, PartialOrd, Ord)]
    pub struct Holder {
        /// The post.
        pub post: PostId,
        /// Who held it when the work was given.
        pub person: PersonId,
    }

    /// A leader passed the document to another leader to direct.
    pub struct PassedToLeader {
        /// The other leader.
        pub to: Holder,
        /// Remarks.
        pub note: Option<LongText>,
    }

    /// The leader sent the document back to the clerk.
    pub struct ReturnedToClerk {
        /// Why.
        pub reason: Reason,
    }

    /// Directed by a leader, or passed on straight to a unit by the clerk where the organ's regulation says so: the tree
    /// begins. Axis status 04.
    pub struct Directed {
        /// The directive opinion (ý kiến chỉ đạo).
        pub note: Option<LongText>,
        /// The first branches: exactly one leads.
        pub branches: Vec<NewBranch>,
        /// Who follows and urges (art. 24).
        pub follower: Option<Assignee>,
        /// A clerk passed it on by the organ's regulation.
        pub by_regulation: bool,
    }

    /// The assignee of a branch gave it, or parts of it, on.
    pub struct Assigned {
        /// The branch.
        pub parent: BranchId,
        /// The new branches.
        pub branches: Vec<NewBranch>,
        /// Remarks.
        pub note: Option<LongText>,
    }

    /// A new branch of the tree.
    pub struct NewBranch {
        /// Its id.
        pub branch: BranchId,
        /// Who is to act.
        pub assignee: Assignee,
        /// In what role.
        pub role: BranchRole,
        /// The time limit, as decided at this moment.
        pub limit: Limit,
        /// What to do.
        pub note: Option<LongText>,
    }

    /// Who holds a branch.
    #[derive(Copy)]
    pub enum Assignee {
        /// A unit: its head acts.
        Unit {
            /// The unit.
            unit: UnitId,
        },
        /// A person in a post.
        Person {
            /// Who, in which post.
            holder: Holder,
        },
    }

    /// The part that an assignee has in the work.
    #[derive(Copy)]
    pub enum BranchRole {
        /// Leads (chủ trì): exactly one among the children of a node.
        Lead,
        /// Coordinates (phối hợp): owes a contribution.
        Coordinating,
        /// Is informed (nhận để biết): owes nothing; signs for it, or returns it as not theirs.
        Informed,
    }

    /// Its assignee signed for it: the person, the head of the unit, or who stands in for them (column 9 of the register).
    pub struct BranchAccepted {
        /// The branch.
        pub branch: BranchId,
    }

    /// How far the work is.
    pub struct ProgressReported {
        /// The branch.
        pub branch: BranchId,
        /// In words.
        pub text: LongText,
    }

    /// The author changed what was asked.
    pub struct BranchAmended {
        /// The branch.
        pub branch: BranchId,
        /// The new limit, if it changed: it takes the place of the limit and the extensions so far.
        pub limit: Option<Limit>,
        /// The new note, if it changed.
        pub note: Option<LongText>,
        /// Why.
        pub reason: Reason,
    }

    /// The branch goes to somebody else; the old assignee's part ends here.
    pub struct BranchReassigned {
        /// The branch.
        pub branch: BranchId,
        /// Who had it.
        pub from: Assignee,
        /// Who has it.
        pub to: Assignee,
        /// Why.
        pub reason: Reason,
    }

    /// The branch is no longer asked for.
    pub struct BranchWithdrawn {
        /// The branch.
        pub branch: BranchId,
        /// Why.
        pub reason: Reason,
    }

    /// The assignee gave the branch back; its parent holds the work again.
    pub struct BranchReturned {
        /// The branch.
        pub branch: BranchId,
        /// Why.
        pub reason: Reason,
    }

    /// The assignee asked for more time.
    pub struct ExtensionRequested {
        /// The branch.
        pub branch: BranchId,
        /// Until when.
        pub until: Timestamp,
        /// Why.
        pub reason: Reason,
    }

    /// The author decided on more time.
    pub struct ExtensionDecided {
        /// The branch.
        pub branch: BranchId,
        /// The new end; none: not granted.
        pub until: Option<Timestamp>,
        /// Remarks.
        pub note: Option<LongText>,
    }

    /// Urged by authority (đôn đốc).
    pub struct Urged {
        /// The branch.
        pub branch: BranchId,
        /// In words.
        pub note: LongText,
    }

    /// The clock of the document stops.
    pub struct Paused {
        /// Why.
        pub reason: Reason,
        /// Until when at the latest.
        pub until: Timestamp,
    }

    /// The clock of the document goes on.
    pub struct Resumed {
        /// Why, or what came.
        pub note: Option<LongText>,
    }

    /// One duty is done.
    pub struct BranchCompleted {
        /// The branch.
        pub branch: BranchId,
        /// The contribution, or what was done; none where the document's resolution completed a branch whose work was given
        /// on.
        pub result: Option<LongText>,
        /// How the lead officer proposes to resolve the document.
        pub proposal: Option<Resolution>,
        /// What was contributed.
        pub files: Vec<Attachment>,
    }
}
