//! Register a person: from now on they can be appointed.

use serde::Serialize;

use super::{Event, Person, Refusal, events::PersonRegistered};
use crate::{
    decide::{By, Decide},
    organ::Role,
    text::{PersonName, ShortText},
};

/// Register a person with name and contacts. The stream is named by the command, or by the operator for the first
/// administrator of an agency.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterPerson {
    /// Full name.
    pub name: PersonName,
    /// Official e-mail address.
    pub email: Option<ShortText>,
    /// Telephone for notices.
    pub phone: Option<ShortText>,
}

impl Decide for RegisterPerson {
    type State = Person;
    type Refusal = Refusal;
    const NAME: &'static str = "registerPerson";

    fn permit(person: &Person, by: &By<'_>) -> Result<(), Refusal> {
        by.require_or_system(Role::Administrator)?;
        if person.known.is_some() { Err(Refusal::PersonExists) } else { Ok(()) }
    }

    fn decide(&self, person: &Person, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(person, by)?;
        let (name, email, phone) = (self.name.clone(), self.email.clone(), self.phone.clone());
        Ok(vec![PersonRegistered { name, email, phone }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        refusal::Code,
        testing::{given, scene},
    };

    fn register() -> RegisterPerson {
        RegisterPerson { name: PersonName::new("Trần Thị Ví Dụ").unwrap(), email: None, phone: None }
    }

    #[test]
    fn a_person_is_registered_once() {
        let scene = scene();
        let RegisterPerson { name, email, phone } = register();
        given::<Person>(&scene.organ, [])
            .when(scene.administrator, register())
            .then([PersonRegistered { name, email, phone }.into()])
            .when(Who::System, register())
            .then_refused(Code::PersonExists);
    }

    #[test]
    fn only_the_administrator() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "administrator") {
            let code = if name == "outsider" { Code::NoPost } else { Code::NotEntitled };
            given::<Person>(&scene.organ, []).when(who, register()).then_refused(code);
        }
    }
}
