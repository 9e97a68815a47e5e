//! All read models, by name and version. A new one is a module and a line here.

use crate::{
    branches, directory, document, follow_up_register, holdings, incoming_register, lags, out::Out, savings, search,
    statistics, table::Table, work_list,
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
    /// DDL that follows from the tables: indexes of another kind.
    pub(crate) derived: &'static [&'static str],
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
        derived: &[],
    },
    Model {
        name: document::NAME,
        version: document::VERSION,
        since: document::VERSION,
        tables: &[&document::DOCUMENT, &document::PARTY],
        of_document: document::rows,
        derived: &[],
    },
    Model {
        name: incoming_register::NAME,
        version: incoming_register::VERSION,
        since: incoming_register::VERSION,
        tables: &[&incoming_register::BOOK, &incoming_register::ENTRY, &incoming_register::LINE],
        of_document: incoming_register::rows,
        derived: &[],
    },
    Model {
        name: branches::NAME,
        version: branches::VERSION,
        since: branches::VERSION,
        tables: &[&branches::BRANCH],
        of_document: branches::rows,
        derived: &[],
    },
    Model {
        name: follow_up_register::NAME,
        version: follow_up_register::VERSION,
        since: follow_up_register::VERSION,
        tables: &[&follow_up_register::LINE],
        of_document: follow_up_register::rows,
        derived: &[],
    },
    Model {
        name: work_list::NAME,
        version: work_list::VERSION,
        since: work_list::VERSION,
        tables: &[&work_list::ITEM],
        of_document: work_list::rows,
        derived: &[],
    },
    Model {
        name: holdings::NAME,
        version: holdings::VERSION,
        since: holdings::VERSION,
        tables: &[&holdings::HOLDING],
        of_document: holdings::rows,
        derived: &[],
    },
    Model {
        name: statistics::NAME,
        version: statistics::VERSION,
        since: statistics::VERSION,
        tables: &[&statistics::FACT],
        of_document: statistics::rows,
        derived: &[],
    },
    Model {
        name: lags::NAME,
        version: lags::VERSION,
        since: 2,
        tables: &[&lags::LAG, &lags::REWORK, &lags::PAPER, &lags::PROMPT],
        of_document: lags::rows,
        derived: &[],
    },
    Model {
        name: savings::NAME,
        version: savings::VERSION,
        since: 1,
        tables: &[&savings::SAVING],
        of_document: savings::rows,
        derived: &[],
    },
    Model {
        name: search::NAME,
        version: search::VERSION,
        since: search::VERSION,
        tables: &[&search::TEXT],
        of_document: search::rows,
        derived: search::INDEX,
    },
];

/// All tables of all models.
pub(crate) fn tables() -> impl Iterator<Item = &'static Table> {
    MODELS.iter().flat_map(|model| model.tables.iter().copied())
}
