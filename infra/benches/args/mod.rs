//! What a bench is told, and where it may write.
#![allow(dead_code)] // not every bench is told everything

use std::str::FromStr;

/// The word after `--name` among the program's arguments.
pub(crate) fn word(name: &str) -> Option<String> {
    let words: Vec<String> = std::env::args().collect();
    let after = words.iter().position(|word| word == name)?;
    words.get(after + 1).cloned()
}

/// The number after `--name`.
pub(crate) fn number<T: FromStr>(name: &str, default: T) -> T {
    word(name).and_then(|word| word.parse().ok()).unwrap_or(default)
}

/// A directory on a disk: a temporary one may be memory.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory is writable")
}
