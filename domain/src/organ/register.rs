//! Register an agency: from now on it keeps its ledger here.

use serde::Serialize;

use super::{
    Event, Organ, Refusal, Role,
    events::{OrganRegistered, PostAssumed, PostCreated},
};
use crate::{
    decide::{By, Decide, Who},
    id::{OrganId, PersonId, PostId, UnitId},
    refusal::Denied,
    text::{OrganCode, ShortText},
};

/// Register an agency with its first administrator. Done by the operator at the console: nobody holds a post in it yet.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterOrgan {
    /// Its identifier, in either form. The agency's id derives from it: the same agency is not registered twice.
    pub code: OrganCode,
    /// Its name.
    pub name: ShortText,
    /// The title of the first administrator's post.
    pub title: ShortText,
    /// The first administrator.
    pub administrator: PersonId,
}

impl RegisterOrgan {
    /// The agency's id.
    pub fn organ(&self) -> OrganId {
        OrganId::of_code(self.code.normalised().as_ref())
    }

    /// The post of the first administrator.
    pub fn post(&self) -> PostId {
        PostId::new(crate::id::derive(self.organ().uuid(), "administrator"))
    }
}

impl Decide for RegisterOrgan {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "registerOrgan";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        if by.who != Who::System {
            return Err(Refusal::NotEntitled(Denied::WrongRole));
        }
        if organ.id.is_some() { Err(Refusal::OrganExists) } else { Ok(()) }
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        let root = UnitId::new(crate::id::derive(self.organ().uuid(), "root"));
        let (post, title) = (self.post(), self.title.clone());
        Ok(vec![
            OrganRegistered { code: self.code.clone(), name: self.name.clone(), root }.into(),
            PostCreated { post, unit: root, role: Role::Administrator, title }.into(),
            PostAssumed { post, person: self.administrator, from: by.at }.into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, refusal::Code, testing::scene};

    fn register(code: &str) -> RegisterOrgan {
        RegisterOrgan {
            code: OrganCode::new(code).unwrap(),
            name: text("Sở Ví Dụ"),
            title: text("Quản trị viên"),
            administrator: PersonId::new(uuid::Uuid::from_u128(5)),
        }
    }

    #[test]
    fn both_forms_of_the_identifier_are_one_agency() {
        assert_eq!(register("000.00.05.H99").organ(), register("H99.05").organ());
        assert_ne!(register("H99.05").organ(), register("H99.06").organ());
    }

    #[test]
    fn the_operator_registers_it_once() {
        let command = register("H99.05");
        let happened = asks_of(&Organ::default(), Who::System, &command).unwrap();
        let after = evolve(&Organ::default(), &happened);
        let later = crate::testing::MORNING.plus_minutes(60);
        assert!(
            matches!(after.who(command.administrator, None, later), Who::Acting(a) if a.role == Role::Administrator)
        );
        assert_eq!(asks_of(&after, Who::System, &command), Err(Code::OrganExists));
        assert_eq!(asks_of(&Organ::default(), scene().administrator, &command), Err(Code::NotEntitled));
    }
}
