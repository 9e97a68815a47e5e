//! Read model: with whom something of a document lies, be it a duty or not: what a hand-over takes from them.

use socai_domain::{
    id::{IncomingId, OrganId},
    incoming::events::Holder,
};

use crate::{
    document::Document,
    error::ViewsError,
    out::Out,
    sql::Sql,
    store::Views,
    table::{Table, bytes, index, int},
    value::Cells,
};

/// The read model's name.
pub(crate) const NAME: &str = "holdings";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 1;

pub(crate) static HOLDING: Table = Table {
    name: "holding",
    key: 3,
    columns: &[int("document"), bytes("post"), bytes("person"), bytes("organ")],
    indexes: &[index("holding_person", "person, post, document")],
};

/// The rows of a document.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    for Holder { post, person } in document.holders() {
        out.add(&HOLDING, vec![document.ordinal.into(), post.into(), person.into(), document.organ.into()]);
    }
}

impl Views {
    /// Every document of an organ of which something lies with a person in a post, the oldest first. For who hands work
    /// over, and need not see it.
    pub async fn documents_with(&self, organ: OrganId, holder: Holder) -> Result<Vec<IncomingId>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT d.id FROM holding h JOIN document d ON d.document = h.document WHERE h.person = ");
        sql.bind(holder.person).push(" AND h.post = ").bind(holder.post).push(" AND h.organ = ").bind(organ);
        sql.push(" ORDER BY h.document");
        let rows = sql.fetch_all(&mut self.reading().await?).await?;
        rows.iter().map(|row| Cells::of(row).next()).collect()
    }
}
