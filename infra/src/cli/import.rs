//! `socai import`: edXML files and folders become incoming documents.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::bail;
use clap::Args;
use serde_json::json;
use socai::{
    app::App,
    clock::SystemClock,
    import::{Imported, Importer, NotImported},
};
use socai_domain::{id::OrganId, refusal::Code};

use super::{
    flags::{self, Place},
    telling,
};

/// Takes edXML files, and all .edxml and .xml files in folders, in as incoming documents of an organ. Doing it again changes
/// nothing. Each file is taken whole or not at all, and none stops the others. The server must be stopped. Exit code 0 if
/// all went in or were known already.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai import --organ H99.05 van-ban.edxml
  socai import --organ 3f0e… --json inbox/ | jq 'select(.outcome == \"refused\")'")]
pub(crate) struct Import {
    /// The organ that receives: its id, or the identifier that it was registered under.
    #[arg(long, value_name = "ID|CODE", value_parser = flags::organ)]
    organ: OrganId,
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write a JSON object for each file.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What became of a file.
enum Outcome {
    Imported(Imported),
    Refused(NotImported),
    Unreadable(io::Error),
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        super::runtime()?.block_on(async {
            let app = App::open(&config, Arc::new(SystemClock)).await?;
            let done = self.import(&app).await;
            app.close().await?;
            done
        })
    }

    async fn import(&self, app: &App) -> anyhow::Result<ExitCode> {
        let importer = Importer::new(app.handler.clone(), Arc::clone(&app.blobs));
        if importer.organ(self.organ).await?.is_none() {
            bail!("no organ {} keeps its ledger here; socai register-organ makes one", self.organ);
        }
        let (files, mut refused) = self.files();
        let bar = telling::bar(files.len() as u64, "importing", self.json);
        let mut counts = [0_u64; 3];
        for path in &files {
            let outcome = match read(path, importer.largest()) {
                Err(error) => Outcome::Unreadable(error),
                Ok(bytes) => importer.import(self.organ, &bytes).await.map_or_else(Outcome::Refused, Outcome::Imported),
            };
            match &outcome {
                Outcome::Imported(Imported::Received(_)) => counts[0] += 1,
                Outcome::Imported(Imported::Known(_)) => counts[1] += 1,
                Outcome::Imported(Imported::ArrivedAgain(_)) => counts[2] += 1,
                Outcome::Refused(_) | Outcome::Unreadable(_) => refused += 1,
            }
            bar.suspend(|| self.tell(path, &outcome));
            bar.inc(1);
        }
        bar.finish_and_clear();
        if !self.json {
            let [received, known, again] = counts;
            println!("{received} received, {known} already known, {again} arrived again, {refused} refused");
        }
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// All files, and how many paths could not be looked into.
    fn files(&self) -> (Vec<PathBuf>, u64) {
        let (mut files, mut refused) = (Vec::new(), Vec::new());
        for path in &self.paths {
            if path.is_dir() {
                within(path, &mut files, &mut refused);
            } else {
                files.push(path.clone());
            }
        }
        let count = refused.len() as u64;
        for (folder, error) in refused {
            self.tell(&folder, &Outcome::Unreadable(error));
        }
        (files, count)
    }

    fn tell(&self, path: &Path, outcome: &Outcome) {
        let (word, document, code, message) = match outcome {
            Outcome::Imported(imported) => {
                let word = match imported {
                    Imported::Received(_) => "received",
                    Imported::Known(_) => "already known",
                    Imported::ArrivedAgain(_) => "arrived again",
                };
                (word, Some(imported.document().to_string()), None, None)
            }
            Outcome::Refused(refused) => ("refused", None, refused.code().map(Code::name), Some(refused.to_string())),
            Outcome::Unreadable(error) => ("refused", None, None, Some(error.to_string())),
        };
        if self.json {
            let path = path.display().to_string();
            let told = json!({ "path": path, "outcome": word, "document": document, "code": code, "message": message });
            println!("{told}");
        } else {
            let rest = document.or(message).unwrap_or_default();
            println!("{word:<14} {}  {rest}", path.display());
        }
    }
}

/// A file; of one that is longer than a message may be only so much that it is refused for that.
fn read(path: &Path, largest: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(largest as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// All messages in a folder and those under it, by name; and the folders that could not be looked into.
fn within(folder: &Path, files: &mut Vec<PathBuf>, refused: &mut Vec<(PathBuf, io::Error)>) {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut entries: Vec<PathBuf> = match entries {
        Ok(entries) => entries,
        Err(error) => return refused.push((folder.to_owned(), error)),
    };
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // A link may lead back up.
        if path.is_dir() && !path.is_symlink() && !hidden {
            within(&path, files, refused);
        } else if path.is_file() && !hidden && ["edxml", "xml"].iter().any(|of| kind.eq_ignore_ascii_case(of)) {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_read_does_not_stop_the_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        for folder in ["a", "b", "c"] {
            let folder = directory.path().join(folder);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("1.edxml"), "").unwrap();
        }
        let closed = directory.path().join("b");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let (mut files, mut refused) = (Vec::new(), Vec::new());
        within(directory.path(), &mut files, &mut refused);
        // The superuser reads everything.
        let found = if fs::read_dir(&closed).is_ok() { (3, 0) } else { (2, 1) };
        assert_eq!((files.len(), refused.len()), found);
        within(&directory.path().join("gone meanwhile"), &mut files, &mut refused);
        assert_eq!((files.len(), refused.len()), (found.0, found.1 + 1));
        assert_eq!(files[0], directory.path().join("a/1.edxml"));
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.edxml");
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path, 1000).unwrap().len(), 1001);
        fs::write(&path, "<a/>").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"<a/>");
    }
}
