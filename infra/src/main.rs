//! The `socai` program.
fn main() {}
