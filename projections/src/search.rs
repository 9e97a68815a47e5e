//! Read model: search over abstract and issuer (with and without diacritics) and over number and symbol (every mark
//! counts: `QĐ` is not `QD`).
//!
//! The keys are made by the domain (`search_key`, `code_key`), cut into words here ([`terms`]) and stored in a table of ours,
//! so that no database's own idea of a word decides what is found: the hits are the same on both. SQLite's FTS5 indexes that
//! table and holds no text of its own; `PostgreSQL` derives a `tsvector` from each of its columns and indexes these (GIN).
//! An index of our own would cost some thirty rows in random order per document. FTS5's `secure-delete` takes the terms of a
//! deleted row out of the index at once, so that an erasure leaves nothing.

use socai_domain::text::{code_key, search_key};

use crate::{
    db::Dialect,
    document::{
        Document, DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    out::Out,
    page::{Page, PageRequest},
    sql::{Order, Source, Sql},
    store::Views,
    table::{Table, int, text},
    value::Value,
    viewer::Viewer,
};

/// The read model's name.
pub(crate) const NAME: &str = "search";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 4;
/// Since this version it can be read.
pub(crate) const SINCE: u32 = 2;

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

/// The same on `PostgreSQL`. Lexemes are our own words as they are: its parser would cut some of them in two (`12e3a4`).
/// They hold no places; where a word of the question is several here, the text itself is looked at, too.
pub(crate) static POSTGRES_INDEX: &[&str] = &[
    "ALTER TABLE search_text \
     ADD word_terms TSVECTOR GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(words, ' '), ''))) STORED, \
     ADD code_terms TSVECTOR GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(codes, ' '), ''))) STORED",
    // What was added is in the index at once: else each question goes through a list of up to 4 MB besides.
    "CREATE INDEX search_index ON search_text USING GIN (word_terms, code_terms) WITH (fastupdate = off)",
];

const LIST: &str = "searchDocuments";
/// Words of a question that count.
const MAX_WORDS: usize = 16;
/// Characters of a word that count.
const MAX_LETTERS: usize = 200;

impl Views {
    /// The documents that the viewer sees and in which every word of `question` stands or begins a word, newest first.
    /// A question without a letter or digit finds nothing.
    pub async fn search(
        &self,
        viewer: &Viewer,
        question: &str,
        page: &PageRequest,
    ) -> Result<Page<DocumentRow>, ViewsError> {
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = Sql::of(&viewer);
        let (key, hits) = match self.dialect() {
            _ if sql.sees_few() => ("i.document", Hits::Walked),
            Dialect::Sqlite => ("i.rowid", Hits::Indexed),
            // No index has this order: they are found, and then sorted.
            Dialect::Postgres if are_few(question, &mut db).await? => ("i.document + 0", Hits::Indexed),
            Dialect::Postgres => ("i.document", Hits::Walked),
        };
        sql.push("SELECT ").push(key).push(", ").push(COLUMNS);
        condition(&mut sql, self.dialect(), question, hits);
        let order = Order { columns: &[key], newest_first: true };
        sql.page(&mut db, LIST, order, page, read).await
    }

    /// How many they are.
    pub async fn search_count(&self, viewer: &Viewer, question: &str) -> Result<u64, ViewsError> {
        let few = are_few(question, &mut self.reading().await?).await?;
        let (mut snapshot, viewer) = if few { self.judging(viewer).await? } else { self.counting(viewer).await? };
        let mut sql = Sql::of(&viewer);
        sql.push("SELECT COUNT(*)");
        condition(&mut sql, self.dialect(), question, Hits::Indexed);
        sql.count(snapshot.db()).await
    }
}

/// How documents with the words are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hits {
    /// By the index over words.
    Indexed,
    /// By looking at one after the other, in their order.
    Walked,
}

/// So many are sorted sooner than they are met one after the other.
const FEW: i64 = if cfg!(test) { 20 } else { 1_000 };

/// Whether few documents have the words, whoever sees them. `PostgreSQL` reckons each word by itself: it goes through all
/// documents for words that are frequent, but seldom together, or sorts all that a frequent one has.
async fn are_few(question: &str, db: &mut impl Source) -> Result<bool, ViewsError> {
    let (mut sql, dialect) = (Sql::plain(), db.dialect());
    sql.push("SELECT COUNT(*) FROM (SELECT 1 FROM ").push(match dialect {
        Dialect::Sqlite => "search_index i WHERE ",
        Dialect::Postgres => "search_text i WHERE ",
    });
    found(&mut sql, dialect, question, Hits::Indexed);
    sql.push(&format!(" LIMIT {FEW}) found"));
    Ok(sql.count(db).await? < FEW.unsigned_abs())
}

fn condition(sql: &mut Sql, dialect: Dialect, question: &str, hits: Hits) {
    let hits = if sql.sees_few() { Hits::Walked } else { hits };
    sql.from(match dialect {
        _ if sql.sees_few() => "document d CROSS JOIN search_text i WHERE i.document = d.document AND ",
        // SQLite never turns a cross join round: it would ask the index about each of the organ's documents.
        Dialect::Sqlite => "search_index i CROSS JOIN document d ON d.document = i.rowid WHERE ",
        Dialect::Postgres => "search_text i JOIN document d ON d.document = i.document WHERE ",
    });
    found(sql, dialect, question, hits);
    sql.push(" AND ").visible();
}

/// The condition that all words stand in a document.
fn found(sql: &mut Sql, dialect: Dialect, question: &str, hits: Hits) {
    let words: Vec<Word> = words(question).collect();
    match dialect {
        _ if words.is_empty() => {
            sql.push("0 = 1");
        }
        Dialect::Sqlite if hits == Hits::Walked => standing(sql, &words),
        Dialect::Sqlite => {
            sql.push("search_index MATCH ").bind(matching(&words));
        }
        Dialect::Postgres if hits == Hits::Walked => {
            // No index is of this, and a third of all are expected to have it.
            sql.push("CASE WHEN ");
            having(sql, &words);
            sql.push(" THEN 1 ELSE 0 END > 0");
        }
        Dialect::Postgres => having(sql, &words),
    }
}

/// The condition, in `PostgreSQL`, that all words stand in a document.
fn having(sql: &mut Sql, words: &[Word]) {
    for (at, word) in words.iter().enumerate() {
        sql.push(if at == 0 { "(" } else { " AND (" });
        within(sql, "words", "word_terms", &word.plain).push(" OR ");
        within(sql, "codes", "code_terms", &word.code).push(")");
    }
}

/// A word of a question, as it would stand in either column: often several words there (`15/QĐ`).
struct Word {
    plain: String,
    code: String,
}

fn words(question: &str) -> impl Iterator<Item = Word> {
    let words = question.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).take(MAX_WORDS);
    words.map(|word| Word { plain: terms(&search_key(word)), code: terms(&code_key(word)) })
}

/// The words of a key: runs of letters and digits in lower case, a space between.
fn terms(key: &str) -> String {
    let lower = key.to_lowercase();
    let words = lower.split(|mark: char| !mark.is_alphanumeric()).filter(|word| !word.is_empty());
    let cut = |word: &str| word.chars().take(MAX_LETTERS).collect::<String>();
    words.map(cut).collect::<Vec<_>>().join(" ")
}

/// The words in the language of FTS5: each as a phrase, its end open.
fn matching(words: &[Word]) -> String {
    let one = |Word { plain, code }: &Word| format!("(words : \"{plain}\" * OR codes : \"{code}\" *)");
    words.iter().map(one).collect::<Vec<_>>().join(" AND ")
}

/// The condition, in SQLite, that all words stand in a document: looked for in its text, where few are looked at.
fn standing(sql: &mut Sql, words: &[Word]) {
    for (at, word) in words.iter().enumerate() {
        sql.push(if at == 0 { "(" } else { " AND (" });
        let places =
            [("words", &word.plain), ("codes", &word.code)].into_iter().filter(|(_, phrase)| !phrase.is_empty());
        for (column, phrase) in places {
            sql.push("instr(' ' || i.").push(column).push(", ").bind(format!(" {phrase}")).push(") > 0 OR ");
        }
        sql.push("0 = 1)");
    }
}

/// The condition that such a phrase, its end open, stands in a column of `PostgreSQL`'s.
fn within<'a>(sql: &'a mut Sql, column: &str, terms: &str, phrase: &str) -> &'a mut Sql {
    if phrase.is_empty() {
        return sql.push("(0 = 1)");
    }
    let lexemes: Vec<String> = phrase.split(' ').map(|term| format!("'{term}'")).collect();
    sql.push("(i.").push(terms).push(" @@ CAST(").bind(format!("{}:*", lexemes.join(" & "))).push(" AS TSQUERY)");
    if lexemes.len() > 1 {
        sql.push(" AND strpos(' ' || i.").push(column).push(", ").bind(format!(" {phrase}")).push(") > 0");
    }
    sql.push(")")
}

/// The row of a document whose text is known.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    let Some(details) = &document.details else { return };
    let words = [details.abstract_text.as_str(), details.issuer_name.as_str()].map(|text| terms(&search_key(text)));
    // A text may have no letter or digit at all.
    let words: Vec<String> = words.into_iter().filter(|words| !words.is_empty()).collect();
    let codes = document.code().map(|code| terms(&code_key(&code))).unwrap_or_default();
    out.add(&TEXT, vec![document.ordinal.into(), Value::Text(words.join(" ")), Value::Text(codes)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_cannot_speak_the_language_of_the_index() {
        assert_eq!(words("  - \" * ( ").count(), 0);
        let found = matching(&words("QĐ\" OR words:x 15/QĐ").collect::<Vec<_>>());
        assert_eq!(found.matches(" AND ").count(), 3);
        assert!(found.starts_with("(words : \"qd\" * OR codes : \"qđ\" *)"), "{found}");
        assert!(found.ends_with("(words : \"15 qd\" * OR codes : \"15 qđ\" *)"), "{found}");
    }

    #[test]
    fn a_word_is_letters_and_digits() {
        assert_eq!(terms("15/QĐ-BNV (12e3a4) – ‘x’…"), "15 qđ bnv 12e3a4 x");
        assert_eq!(terms(&"ổ".repeat(500)).chars().count(), MAX_LETTERS);
    }
}
