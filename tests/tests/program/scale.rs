//! The calculation of docs/SCALE.md.

use std::{path::Path, process::Command};

use crate::{binary::text, python::python};

#[test]
fn the_page_shows_what_the_calculation_gives() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let told = Command::new(python()).arg(docs.join("scale.py")).output().unwrap();
    assert!(told.status.success(), "{}", text(&told.stderr));
    let page = std::fs::read_to_string(docs.join("SCALE.md")).unwrap();
    let tables = text(&told.stdout);
    assert!(page.contains(tables.trim_end()), "copy what `python3 docs/scale.py` prints into docs/SCALE.md:\n{tables}");
}
