//! Change a person's name or contacts.

use serde::Serialize;

use super::{Event, Person, Refusal, events::PersonChanged};
use crate::{
    decide::{By, Decide},
    id::PersonId,
    organ::Role,
    refusal::Denied,
    text::{PersonName, ShortText},
};

/// Say anew what is known of a person. The administrator does it, or the person for themselves.
#[derive(Clone, Debug, Serialize)]
pub struct ChangePerson {
    /// Who.
    pub person: PersonId,
    /// Full name.
    pub name: PersonName,
    /// Official e-mail address.
    pub email: Option<ShortText>,
    /// Telephone for notices.
    pub phone: Option<ShortText>,
}

impl Decide for ChangePerson {
    type State = Person;
    type Refusal = Refusal;
    const NAME: &'static str = "changePerson";

    fn permit(person: &Person, by: &By<'_>) -> Result<(), Refusal> {
        by.acting()?;
        if person.known.is_none() { Err(Refusal::PersonUnknown) } else { Ok(()) }
    }

    fn decide(&self, person: &Person, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(person, by)?;
        let acting = by.acting()?;
        let oneself = acting.person == self.person && acting.on_behalf_of.is_none();
        if !oneself && acting.role != Role::Administrator {
            return Err(Denied::WrongRole.into());
        }
        if person.organ != by.organ.id {
            return Err(Refusal::PersonUnknown);
        }
        let (name, email, phone) = (self.name.clone(), self.email.clone(), self.phone.clone());
        let change = PersonChanged { name, email, phone };
        Ok(if person.known.as_ref() == Some(&change) { vec![] } else { vec![change.into()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        person::events::PersonRegistered,
        refusal::Code,
        testing::{MORNING, Past, given, scene},
    };

    fn change(who: Who, name: &str) -> ChangePerson {
        let person = match who {
            Who::Acting(acting) => acting.person,
            _ => panic!("holds no post"),
        };
        ChangePerson { person, name: PersonName::new(name).unwrap(), email: None, phone: None }
    }

    fn registered() -> Past<Event> {
        let name = PersonName::new("Trần Thị Ví Dụ").unwrap();
        Past { event: PersonRegistered { name, email: None, phone: None }.into(), at: MORNING, by: None }
    }

    #[test]
    fn oneself_or_the_administrator_and_nobody_else() {
        let scene = scene();
        let known = || given(&scene.organ, [registered()]);
        let command = || change(scene.officer, "Trần Thị Thử Nghiệm");
        assert_eq!(known().when(scene.officer, command()).happened().len(), 1);
        assert_eq!(known().when(scene.administrator, command()).happened().len(), 1);
        known().when(scene.leader, command()).then_refused(Code::NotEntitled);
        known().when(scene.officer, change(scene.officer, "Trần Thị Ví Dụ")).then_nothing_happened();
        given(&scene.organ, []).when(scene.officer, command()).then_refused(Code::NotFound);
    }
}
