//! Ids: 16 bytes each, a type each.

use uuid::Uuid;

/// The namespace of all ids that socai derives from names.
const NAMESPACE: Uuid = Uuid::from_u128(0x50c4_1000_7a11_5e00_8000_5eca_15ca_1000);

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => { $(
        stable! {
            $(#[$meta])*
            #[derive(Copy)]
            pub struct $name([u8; 16]);
        }

        impl $name {
            /// The id of these bytes.
            pub fn new(id: Uuid) -> Self {
                Self(*id.as_bytes())
            }

            /// As a UUID.
            pub fn uuid(self) -> Uuid {
                Uuid::from_bytes(self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.uuid().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self::new)
            }
        }
    )* };
}

ids! {
    /// An agency (cơ quan, tổ chức): the key of its stream.
    OrganId,
    /// A person: the key of their stream. Names and numbers live there and nowhere else.
    PersonId,
    /// A unit (đơn vị) inside an organ.
    UnitId,
    /// A post (vị trí): a place in a unit with a role, held by one person at a time.
    PostId,
    /// A number series of one year (sổ): the key of its stream.
    RegisterId,
    /// An incoming document: the key of its stream.
    IncomingId,
    /// A branch of a document's directive tree.
    BranchId,
    /// What a client calls its command, so that a repetition is recognised.
    CommandId,
    /// What joins the commands and log lines of one request.
    CorrelationId,
    /// The id of a record, as another record refers to it.
    CauseId,
}

/// An id derived from the name of a thing inside another: the same names give the same id.
pub fn derive(within: Uuid, name: &str) -> Uuid {
    Uuid::new_v5(&within, name.as_bytes())
}

impl OrganId {
    /// The organ that was first registered under this code, written in the new form.
    pub fn of_code(normalised: &str) -> Self {
        Self::new(derive(NAMESPACE, &format!("organ:{normalised}")))
    }
}

impl RegisterId {
    /// The series `series` of an organ in a year.
    pub fn of(organ: OrganId, series: &str, year: i16) -> Self {
        Self::new(derive(organ.uuid(), &format!("register:{series}:{year}")))
    }
}

impl IncomingId {
    /// The `ordinal`-th arrival (from 0) of an axis message at an organ.
    pub fn of_axis(organ: OrganId, document: &str, ordinal: u32) -> Self {
        Self::new(derive(organ.uuid(), &format!("axis:{ordinal}:{document}")))
    }
}

impl BranchId {
    /// The `index`-th branch (from 0) that a command adds to a directive tree.
    pub fn of(command: CommandId, index: usize) -> Self {
        Self::new(derive(command.uuid(), &format!("branch:{index}")))
    }
}

impl CommandId {
    /// The id of the step that follows from this command.
    #[must_use]
    pub fn step(self, name: &str) -> Self {
        Self::new(derive(self.uuid(), name))
    }

    /// The key of a thing that this command creates in an organ and that has no natural key.
    pub fn creates(self, organ: OrganId) -> Uuid {
        derive(organ.uuid(), &format!("command:{self}"))
    }
}
