//! All read models, by name and version. A new one is a module and a line here.

use crate::{
    branches, cache::Thing, db::Dialect, directory, document, follow_up_register, holdings, incoming_register, lags,
    out::Out, savings, search, statistics, table::Table, work_list,
};

/// A read model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// A file with another version is built anew.
    pub(crate) version: u32,
    /// Since this version its tables, and the folded things beside them, are what they are now; only the rules changed by
    /// which they are filled. A file as old as that is shown until the new one is there.
    pub(crate) since: u32,
    /// The tables that it alone writes.
    pub(crate) tables: &'static [&'static Table],
    /// What it keeps of a document: a pure function.
    pub(crate) of_document: fn(&document::Document, &mut Out),
    /// Indexes of another kind.
    pub(crate) derived: Derived,
}

/// DDL that follows from a model's tables.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) sqlite: &'static [&'static str],
    pub(crate) postgres: &'static [&'static str],
}

impl Derived {
    const NONE: Self = Self { sqlite: &[], postgres: &[] };

    pub(crate) fn of(&self, dialect: Dialect) -> &'static [&'static str] {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

fn nothing(_: &document::Document, _: &mut Out) {}

pub(crate) static MODELS: [Model; 11] = [
    Model {
        name: directory::NAME,
        version: directory::VERSION,
        since: directory::VERSION,
        tables: &[
            &directory::ORGAN,
            &directory::UNIT,
            &directory::POST,
            &directory::TENURE,
            &directory::DELEGATION,
            &directory::PERSON,
        ],
        of_document: nothing,
        derived: Derived::NONE,
    },
    Model {
        name: document::NAME,
        version: document::VERSION,
        since: 5,
        tables: &[&document::DOCUMENT, &document::PARTY],
        of_document: document::rows,
        derived: Derived { sqlite: &[], postgres: document::POSTGRES_INDEX },
    },
    Model {
        name: incoming_register::NAME,
        version: incoming_register::VERSION,
        since: incoming_register::VERSION,
        tables: &[&incoming_register::BOOK, &incoming_register::ENTRY, &incoming_register::LINE],
        of_document: incoming_register::rows,
        derived: Derived::NONE,
    },
    Model {
        name: branches::NAME,
        version: branches::VERSION,
        since: 2,
        tables: &[&branches::BRANCH],
        of_document: branches::rows,
        derived: Derived::NONE,
    },
    Model {
        name: follow_up_register::NAME,
        version: follow_up_register::VERSION,
        since: follow_up_register::VERSION,
        tables: &[&follow_up_register::LINE],
        of_document: follow_up_register::rows,
        derived: Derived::NONE,
    },
    Model {
        name: work_list::NAME,
        version: work_list::VERSION,
        since: work_list::VERSION,
        tables: &[&work_list::ITEM],
        of_document: work_list::rows,
        derived: Derived::NONE,
    },
    Model {
        name: holdings::NAME,
        version: holdings::VERSION,
        since: holdings::VERSION,
        tables: &[&holdings::HOLDING],
        of_document: holdings::rows,
        derived: Derived::NONE,
    },
    Model {
        name: statistics::NAME,
        version: statistics::VERSION,
        since: 3,
        tables: &[&statistics::FACT],
        of_document: statistics::rows,
        derived: Derived::NONE,
    },
    Model {
        name: lags::NAME,
        version: lags::VERSION,
        since: 2,
        tables: &[&lags::LAG, &lags::REWORK, &lags::PAPER, &lags::PROMPT],
        of_document: lags::rows,
        derived: Derived::NONE,
    },
    Model {
        name: savings::NAME,
        version: savings::VERSION,
        since: 1,
        tables: &[&savings::SAVING],
        of_document: savings::rows,
        derived: Derived::NONE,
    },
    Model {
        name: search::NAME,
        version: search::VERSION,
        since: search::SINCE,
        tables: &[&search::TEXT],
        of_document: search::rows,
        derived: Derived { sqlite: search::INDEX, postgres: search::POSTGRES_INDEX },
    },
];

/// Is it made of documents alone? Those can be filled when somebody asks for them, from the documents as they are kept.
pub(crate) fn is_of_documents(table: &Table) -> bool {
    let others = [&document::DOCUMENT, &incoming_register::BOOK, &incoming_register::ENTRY];
    let of_directory = MODELS[0].tables.iter().any(|other| other.name == table.name);
    !of_directory && others.iter().all(|other| other.name != table.name)
}

/// Does a query's text name the table, or what the database itself keeps in step with it? A column of that name is none.
pub(crate) fn is_named(table: &Table, text: &str) -> bool {
    let of_word = |mark: char| mark.is_ascii_alphanumeric() || mark == '_';
    let named = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
            !before.is_some_and(|mark| of_word(mark) || mark == '.') && !after.is_some_and(of_word)
        })
    };
    named(table.name) || (table.name == search::TEXT.name && named(search::INDEX_NAME))
}

/// All tables of all models.
pub(crate) fn tables() -> impl Iterator<Item = &'static Table> {
    MODELS.iter().flat_map(|model| model.tables.iter().copied())
}

impl Thing for document::Document {
    fn rows(&self, out: &mut Out) {
        for model in &MODELS {
            (model.of_document)(self, out);
        }
    }

    fn place(&self) -> (i64, u32) {
        (self.ordinal, 0)
    }

    fn weight(&self) -> usize {
        self.bytes()
    }

    fn goes_on(&self) -> bool {
        self.round().is_none_or(|round| round.ended.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_its_tables() {
        let named = |text| tables().filter(|table| is_named(table, text)).map(|table| table.name).collect::<Vec<_>>();
        assert_eq!(
            named("SELECT i.branch FROM work_item i JOIN document d ON d.document = i.document"),
            ["document", "work_item"]
        );
        assert_eq!(named("FROM search_index i WHERE search_index MATCH $1"), ["search_text"]);
        assert_eq!(named("(SELECT 1 FROM branch b)"), ["branch"]);
        assert_eq!(named("branches document_facts my_branch"), Vec::<&str>::new());
    }

    #[test]
    fn what_is_not_made_of_documents_is_known() {
        let others: Vec<_> = tables().filter(|table| !is_of_documents(table)).map(|table| table.name).collect();
        let expected = ["directory_organ", "directory_unit", "directory_post", "directory_tenure"];
        let expected = [&expected[..], &["directory_delegation", "directory_person", "document"]].concat();
        assert_eq!(others, [&expected[..], &["register_book", "register_entry"]].concat());
    }
}
