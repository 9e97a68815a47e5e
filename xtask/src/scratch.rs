//! A folder that is gone when its owner is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// A new, empty folder among the system's temporary files.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (count, process) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let path = std::env::temp_dir().join(format!("socai-xtask-{process}-{count}-{now}"));
        // Fails if the name is taken: never another's folder.
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed (a process still writing) is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn each_is_another_and_gone_at_the_end() {
    let (one, other) = (Scratch::new().unwrap(), Scratch::new().unwrap());
    assert_ne!(one.path(), other.path());
    let path = one.path().to_owned();
    std::fs::write(path.join("file"), "content").unwrap();
    drop(one);
    assert!(!path.exists());
}
