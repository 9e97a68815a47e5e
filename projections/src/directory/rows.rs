//! The directory's tables.

use socai_domain::{id::PersonId, organ::Role, text::person_sort_key, time::Timestamp};

use super::fold::{Delegation, Organ, Person, Tenure};
use crate::{
    cache::Thing,
    out::Out,
    table::{Table, bytes, index, int, null, text, unique},
    value::{Column as _, Value},
};

pub(crate) static ORGAN: Table = Table {
    name: "directory_organ",
    key: 1,
    columns: &[
        int("organ"),
        bytes("id"),
        null(text("name")),
        null(text("code")),
        null(bytes("root")),
        int("open_within_organ"),
        int("due_soon_days"),
        int("urgent_minutes"),
        bytes("calendar"),
        bytes("state"),
    ],
    indexes: &[unique("directory_organ_id", "id")],
};

pub(crate) static UNIT: Table = Table {
    name: "directory_unit",
    key: 2,
    columns: &[
        int("organ_no"),
        int("place"),
        bytes("organ"),
        bytes("unit"),
        null(bytes("parent")),
        text("name"),
        null(text("abbreviation")),
        int("closed"),
    ],
    indexes: &[index("directory_unit_unit", "unit"), index("directory_unit_parent", "parent")],
};

pub(crate) static POST: Table = Table {
    name: "directory_post",
    key: 2,
    columns: &[
        int("organ_no"),
        int("place"),
        bytes("organ"),
        bytes("post"),
        bytes("unit"),
        int("role"),
        text("title"),
        int("abolished"),
    ],
    indexes: &[index("directory_post_post", "post"), index("directory_post_unit", "unit")],
};

pub(crate) static TENURE: Table = Table {
    name: "directory_tenure",
    key: 3,
    columns: &[
        int("organ_no"),
        int("post_place"),
        int("place"),
        bytes("organ"),
        bytes("post"),
        bytes("person"),
        int("since"),
        null(int("till")),
    ],
    indexes: &[index("directory_tenure_post", "post, place"), index("directory_tenure_person", "person")],
};

pub(crate) static DELEGATION: Table = Table {
    name: "directory_delegation",
    key: 3,
    columns: &[
        int("organ_no"),
        int("post_place"),
        int("place"),
        bytes("organ"),
        bytes("post"),
        bytes("person"),
        int("since"),
        int("till"),
        null(int("given_in")),
    ],
    indexes: &[index("directory_delegation_post", "post"), index("directory_delegation_person", "person")],
};

pub(crate) static PERSON: Table = Table {
    name: "directory_person",
    key: 1,
    columns: &[int("person"), bytes("id"), bytes("organ"), null(text("name")), null(bytes("sort")), bytes("state")],
    indexes: &[unique("directory_person_id", "id")],
};

fn place(at: usize) -> Value {
    Value::Int(i64::try_from(at).unwrap_or(i64::MAX))
}

impl Thing for Organ {
    fn rows(&self, out: &mut Out) {
        let no = || Value::Int(self.ordinal);
        let stored = |bytes: postcard::Result<Vec<u8>>| bytes.expect("writing to memory does not fail").to_value();
        out.add(
            &ORGAN,
            vec![
                no(),
                self.id.into(),
                self.name.as_ref().map(ToString::to_string).into(),
                self.codes.last().map(|(_, code)| code.to_string()).into(),
                self.root.into(),
                self.open_within.into(),
                self.due_soon_days.into(),
                self.urgent_minutes(Timestamp::from_micros(i64::MAX)).into(),
                stored(postcard::to_stdvec(&self.calendar.years().collect::<Vec<_>>())),
                stored(postcard::to_stdvec(self)),
            ],
        );
        for (at, unit) in self.units.iter().enumerate() {
            let (id, parent) = (unit.id.into(), unit.parent.into());
            let name = unit.name.to_string().into();
            let abbreviation = unit.abbreviation.as_ref().map(ToString::to_string).into();
            out.add(&UNIT, vec![no(), place(at), self.id.into(), id, parent, name, abbreviation, unit.closed.into()]);
        }
        for (at, post) in self.posts.iter().enumerate() {
            let (id, unit, role): (Value, Value, Value) = (post.id.into(), post.unit.into(), post.role.into());
            let title = post.title.to_string().into();
            out.add(&POST, vec![no(), place(at), self.id.into(), id.clone(), unit, role, title, post.abolished.into()]);
            let spell = |of: usize, person: PersonId, since: Value, till: Value| {
                vec![no(), place(at), place(of), self.id.into(), id.clone(), person.into(), since, till]
            };
            for (of, Tenure { person, from, until }) in post.tenures.iter().copied().enumerate() {
                out.add(&TENURE, spell(of, person, from.into(), until.into()));
            }
            for (of, delegation) in post.delegations.iter().copied().enumerate() {
                let Delegation { person, from, until, given_in } = delegation;
                let mut row = spell(of, person, from.into(), until.into());
                row.push(given_in.map_or(Value::Null, place));
                out.add(&DELEGATION, row);
            }
        }
    }

    fn place(&self) -> (i64, u32) {
        (self.ordinal, 0)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 512 * (self.units.len() + self.posts.len())
    }
}

impl Thing for Person {
    fn rows(&self, out: &mut Out) {
        let name = self.name.as_ref().map(ToString::to_string);
        let sort = name.as_deref().map(person_sort_key);
        let state = postcard::to_stdvec(self).expect("writing to memory does not fail");
        let row =
            vec![self.ordinal.into(), self.id.into(), self.organ.into(), name.into(), sort.into(), state.to_value()];
        out.add(&PERSON, row);
    }

    fn place(&self) -> (i64, u32) {
        (self.ordinal, 0)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 128
    }
}

/// The roles that see all of their organ's documents (API, "Who sees what").
pub(crate) const SEE_ALL: [Role; 3] = [Role::Leader, Role::RecordsClerk, Role::Inspector];
