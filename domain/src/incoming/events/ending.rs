//! How a document ends: resolved, cancelled, expunged; and what may follow.

use super::{Assignee, Holder};
use crate::deadline::Limit;
use crate::document_types::SecrecyLevel;
use crate::id::{BranchId, CommandId, OrganId, PersonId, RegisterId};
use crate::register::VoidReason;
use crate::text::{ArrivalNumber, LongText, Reason, ShortText};
use crate::time::Date;

stable! {
    /// How a document is resolved.
    #[derive(Copy)]
    pub enum Resolution {
        /// Answered by documents.
        Answered,
        /// Answered otherwise: by telephone, in a meeting.
        AnsweredOtherwise,
        /// Noted.
        Noted,
        /// It was for information.
        ForInformation,
        /// No reply is needed: another person confirms.
        NoReplyNeeded,
        /// Belongs to another organ: a leader confirms.
        Transferred,
    }

    /// A document that answers.
    pub struct Answer {
        /// Who issued it.
        pub organ: ShortText,
        /// Its number and symbol.
        pub code: ShortText,
        /// Its date.
        pub date: Date,
    }

    /// A resolution that needs another person's word.
    pub struct ResolutionProposed {
        /// How.
        pub how: Resolution,
        /// In words.
        pub note: Option<LongText>,
        /// The organ it goes to, for a transfer.
        pub transferred_to: Option<ShortText>,
        /// Open coordinating branches that end with the document.
        pub closed: Vec<BranchId>,
        /// Why they end.
        pub closed_because: Option<Reason>,
    }

    /// The other person said no.
    pub struct ResolutionDeclined {
        /// Why.
        pub reason: Reason,
    }

    /// The document is resolved. Axis status 06.
    pub struct Resolved {
        /// How.
        pub how: Resolution,
        /// The answering documents.
        pub answers: Vec<Answer>,
        /// In words.
        pub note: Option<LongText>,
        /// The organ it goes to, for a transfer.
        pub transferred_to: Option<ShortText>,
        /// Open branches that end with the document, neither on time nor late. The lead's are completed, not closed.
        pub closed: Vec<BranchId>,
        /// Why they end.
        pub closed_because: Option<Reason>,
        /// The command of the proposal that this confirms.
        pub confirms: Option<CommandId>,
    }

    /// Work begins again: a new round.
    pub struct Reopened {
        /// Why.
        pub reason: Reason,
        /// The new limit of the lead branch.
        pub limit: Limit,
        /// The leader on whose word a clerk reopened it.
        pub on_word_of: Option<Holder>,
    }

    /// Who follows the work and urges.
    pub struct FollowerAppointed {
        /// The person or unit.
        pub follower: Assignee,
    }

    /// The document ends without being resolved.
    pub struct Cancelled {
        /// Why.
        pub kind: VoidReason,
        /// In words.
        pub reason: Reason,
        /// The number that is void with it.
        pub void_number: Option<ArrivalNumber>,
        /// The book of that number.
        pub register: Option<RegisterId>,
    }

    /// A secret document slipped in: a clerk asks to have it erased.
    pub struct ExpungeRequested {
        /// Its level.
        pub level: SecrecyLevel,
    }

    /// The document is not secret after all: the wish to have it erased is gone.
    pub struct ExpungeDeclined {
        /// Why.
        pub reason: Reason,
    }

    /// A second person confirmed: keys, files and every view of the text go. All that later decisions need stands here,
    /// because earlier records cannot be read any more.
    pub struct Expunged {
        /// Its level.
        pub level: SecrecyLevel,
        /// Who asked.
        pub requested_by: PersonId,
        /// The organ.
        pub organ: OrganId,
        /// The number that is void with it.
        pub void_number: Option<ArrivalNumber>,
        /// The book of that number.
        pub register: Option<RegisterId>,
        /// The files that are destroyed.
        pub files: Vec<[u8; 32]>,
    }

    /// Keys and files are destroyed.
    pub struct ErasureCompleted {
        /// Records below this revision cannot be opened any more.
        pub below: u64,
        /// Files removed; a file that another document holds, too, stays there.
        pub files_removed: u32,
    }

    /// A person may see the document.
    pub struct AccessGranted {
        /// Who.
        pub to: PersonId,
    }

    /// All that a person held in a post goes to another.
    pub struct WorkHandedOver {
        /// Who had it.
        pub from: Holder,
        /// Who has it.
        pub to: Holder,
        /// The branches.
        pub branches: Vec<BranchId>,
    }
}
