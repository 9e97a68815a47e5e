//! Read model: search over abstract and issuer (with and without diacritics) and over number and symbol (every mark
//! counts: `QĐ` is not `QD`).
//!
//! The keys are made by the domain (`search_key`, `code_key`) and stored in a table of ours; SQLite's FTS5 indexes that
//! table and holds no text of its own. An index of our own would be the same on `PostgreSQL`, but costs some thirty rows in
//! random order per document; `PostgreSQL` has its own index for the same table. FTS5's `secure-delete` takes the terms of a
//! deleted row out of the index at once, so that an erasure leaves nothing.

use socai_domain::text::{code_key, search_key};

use crate::{
    document::{
        Document, DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    out::Out,
    page::{Page, PageRequest},
    sql::{Order, Sql},
    store::Views,
    table::{Table, int, text},
    value::Value,
    viewer::Viewer,
};

/// The read model's name.
pub(crate) const NAME: &str = "search";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 2;

pub(crate) static TEXT: Table =
    Table { name: "search_text", key: 1, columns: &[int("document"), text("words"), text("codes")], indexes: &[] };

/// What that index is called.
pub(crate) const INDEX_NAME: &str = "search_index";

/// The index over that table, also over the beginnings of its words: else every document with a frequent beginning would be
/// gone through. Syllables are hardly ever longer. It is kept in step by the database itself.
pub(crate) static INDEX: &[&str] = &[
    "CREATE VIRTUAL TABLE search_index USING fts5(words, codes, content='search_text', content_rowid='document', \
     tokenize=\"unicode61 remove_diacritics 0\", prefix='1 2 3 4 5 6')",
    "INSERT INTO search_index(search_index, rank) VALUES ('secure-delete', 1)",
    "INSERT INTO search_index(search_index) VALUES ('rebuild')",
    "CREATE TRIGGER search_text_added AFTER INSERT ON search_text BEGIN \
     INSERT INTO search_index(rowid, words, codes) VALUES (new.document, new.words, new.codes); END",
    "CREATE TRIGGER search_text_removed AFTER DELETE ON search_text BEGIN \
     INSERT INTO search_index(search_index, rowid, words, codes) VALUES ('delete', old.document, old.words, old.codes); END",
    "CREATE TRIGGER search_text_changed AFTER UPDATE ON search_text BEGIN \
     INSERT INTO search_index(search_index, rowid, words, codes) VALUES ('delete', old.document, old.words, old.codes); \
     INSERT INTO search_index(rowid, words, codes) VALUES (new.document, new.words, new.codes); END",
];

const LIST: &str = "searchDocuments";
/// Words of a question that count.
const MAX_WORDS: usize = 16;

impl Views {
    /// The documents that the viewer sees and in which every word of `question` stands or begins a word, newest first.
    /// A question without a letter or digit finds nothing.
    pub async fn search(
        &self,
        viewer: &Viewer,
        question: &str,
        page: &PageRequest,
    ) -> Result<Page<DocumentRow>, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push("SELECT i.rowid, ").push(COLUMNS);
        condition(&mut sql, question);
        let order = Order { columns: &["i.rowid"], newest_first: true };
        sql.page(&mut self.reading().await?, LIST, order, page, read).await
    }

    /// How many they are.
    pub async fn search_count(&self, viewer: &Viewer, question: &str) -> Result<u64, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push("SELECT COUNT(*)");
        condition(&mut sql, question);
        sql.count(&mut self.reading().await?).await
    }
}

fn condition(sql: &mut Sql, question: &str) {
    // SQLite never turns a cross join round: it would ask the index about each of the organ's documents.
    sql.push(" FROM search_index i CROSS JOIN document d ON d.document = i.rowid WHERE ");
    match matching(question) {
        Some(matching) => sql.push("search_index MATCH ").bind(matching).push(" AND "),
        None => sql.push("0 = 1 AND "),
    };
    sql.visible();
}

/// The question in the index's language: each word as a phrase, quoted, its end open.
fn matching(question: &str) -> Option<String> {
    let words = question.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).take(MAX_WORDS);
    let quoted = |key: String| format!("\"{}\" *", key.replace('"', " "));
    let one = |word| format!("(words : {} OR codes : {})", quoted(search_key(word)), quoted(code_key(word)));
    let all: Vec<String> = words.map(one).collect();
    (!all.is_empty()).then(|| all.join(" AND "))
}

/// The row of a document whose text is known.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    let Some(details) = &document.details else { return };
    let words = [details.abstract_text.as_str(), details.issuer_name.as_str()].map(search_key).join(" | ");
    let codes = document.code().map(|code| code_key(&code)).unwrap_or_default();
    out.add(&TEXT, vec![document.ordinal.into(), Value::Text(words), Value::Text(codes)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_cannot_speak_the_language_of_the_index() {
        assert_eq!(matching("  - \" * ( "), None);
        let found = matching("QĐ\" OR words:x").unwrap();
        assert_eq!(found.matches(" AND ").count(), 2);
        assert!(found.starts_with("(words : \"qd \" * OR codes : \"QĐ \" *)"), "{found}");
    }
}
