//! What the source says of stored types: the doc comments of `stable!` types, of their fields and variants.

use std::{collections::HashMap, fs, path::Path};

/// Comments by type, and by type and field or variant.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    types: HashMap<String, String>,
    members: HashMap<(String, String), String>,
}

impl Comments {
    /// Of all sources of this crate. They are formatted, so lines are enough to read them by.
    pub(crate) fn read() -> Self {
        let mut comments = Self::default();
        comments.folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        comments
    }

    pub(crate) fn of(&self, ty: &str) -> &str {
        self.types.get(ty).map_or("", String::as_str)
    }

    pub(crate) fn of_member(&self, ty: &str, member: &str) -> &str {
        self.members.get(&(ty.to_owned(), member.to_owned())).map_or("", String::as_str)
    }

    fn folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.file(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn file(&mut self, source: &str) {
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if matches!(line, "stable! {" | "ids! {" | "text_types! {") {
                self.block(lines.by_ref().take_while(|line| *line != "}"));
            }
        }
    }

    fn block<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        let (mut comment, mut ty) = (String::new(), None::<String>);
        for line in lines.map(str::trim) {
            if let Some(text) = line.strip_prefix("///").map(str::trim) {
                if !comment.is_empty() && !text.is_empty() {
                    comment.push(' ');
                }
                comment.push_str(text);
                continue;
            }
            if line.is_empty() || line.starts_with("#[") {
                continue;
            }
            let said = std::mem::take(&mut comment);
            let declared = line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum "));
            if let Some(rest) = declared {
                self.types.insert(word(rest), said);
                ty = rest.ends_with('{').then(|| word(rest));
            } else if line == "}" {
                ty = None;
            } else if let Some(ty) = &ty {
                let member = word(line.strip_prefix("pub ").unwrap_or(line));
                self.members.insert((ty.clone(), member), said);
            } else {
                self.types.insert(word(line), said);
            }
        }
    }
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}
