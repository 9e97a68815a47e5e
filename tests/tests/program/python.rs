//! The Python of the tests, with what `tests/fixtures/python/requirements.txt` names: `cargo xtask prerequisites` installs it.

use std::path::PathBuf;

/// `SOCAI_PYTHON`, or the one under cargo's target folder.
pub(crate) fn python() -> PathBuf {
    if let Some(given) = std::env::var_os("SOCAI_PYTHON") {
        return given.into();
    }
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let path = target.join("tests-python/bin/python");
    assert!(path.exists(), "there is no {}: `cargo xtask prerequisites` makes it", path.display());
    path
}
