//! The schema as clients see it.

use std::{fs, path::Path};

#[test]
fn the_schema_is_the_golden_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let now = socai_graphql::sdl();
    if std::env::var_os("SOCAI_UPDATE_GOLDEN").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == now, "the schema changed: look at it, then run with SOCAI_UPDATE_GOLDEN=1");
}

#[test]
fn everything_in_the_golden_schema_is_described() {
    let sdl = socai_graphql::sdl();
    let lines: Vec<&str> = sdl.lines().map(str::trim).collect();
    let undescribed = lines.windows(2).filter(|pair| {
        let begins = ["type ", "input ", "enum ", "scalar ", "interface ", "union "];
        let definition = begins.iter().any(|word| pair[1].starts_with(word));
        // Connections and edges are made by one shape; their types are described, arguments of paging explain themselves.
        definition && pair[0] != "\"\"\""
    });
    let undescribed: Vec<_> = undescribed.map(|pair| pair[1]).collect();
    assert!(undescribed.is_empty(), "{undescribed:#?}");
}
