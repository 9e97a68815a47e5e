//! Cleaning what strangers wrote: texts for one line or several, and file names that are safe to show and to save.

/// Longest file name handed on, in bytes: below the 255 of common file systems, with room for " (2)".
const LONGEST_NAME: usize = 200;

/// Extensions longer than this are taken for part of the name.
const LONGEST_EXTENSION: usize = 16;

/// One line: white space runs become one space, what cannot be seen or turns the reading direction is removed.
pub(super) fn line(raw: &str) -> String {
    let mut line = String::with_capacity(raw.len().min(1024));
    for word in raw.split(is_space) {
        let mut first = true;
        for shown in word.chars().filter(|c| !is_hidden(*c)) {
            if first && !line.is_empty() {
                line.push(' ');
            }
            first = false;
            line.push(shown);
        }
    }
    line
}

/// Several lines, each cleaned; empty lines go.
pub(super) fn block(raw: &str) -> String {
    let lines: Vec<String> =
        raw.split(['\n', '\r', '\u{2028}', '\u{2029}']).map(line).filter(|l| !l.is_empty()).collect();
    lines.join("\n")
}

/// At most `count` characters of a cleaned text, for error messages.
pub(super) fn excerpt(raw: &str, count: usize) -> String {
    // White space runs can be long: what is looked at is bounded before it is cleaned.
    let cleaned = line(&raw.chars().take(count * 8).collect::<String>());
    match cleaned.char_indices().nth(count) {
        Some((end, _)) => format!("{}…", &cleaned[..end]),
        None => cleaned,
    }
}

/// A file name without path, control, direction and reserved characters, never empty, never hidden, at most 200 bytes.
/// `None` when nothing is left of it.
pub(super) fn file_name(raw: &str) -> Option<String> {
    let cleaned = line(raw);
    let last = cleaned.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let trimmed = plain.trim_matches([' ', '.']);
    if trimmed.is_empty() {
        return None;
    }
    Some(if is_device(trimmed) { shorten(&format!("_{trimmed}")) } else { shorten(trimmed) })
}

/// The extension of a file name in lower case, without the dot; empty if there is none.
pub(super) fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= LONGEST_EXTENSION => extension.to_lowercase(),
        _ => String::new(),
    }
}

fn shorten(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let tail = match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= LONGEST_EXTENSION => extension,
        _ => "",
    };
    let mut end = LONGEST_NAME - tail.len() - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let stem = name[..end].trim_end_matches([' ', '.']);
    if tail.is_empty() { stem.to_owned() } else { format!("{stem}.{tail}") }
}

/// Names that Windows takes for devices, with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|rest| {
            let mut digits = rest.chars();
            digits.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c)) && digits.next().is_none()
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT")
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Control characters, direction marks and overrides, invisible characters and noncharacters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_visible_text() {
        assert_eq!(line("  V/v\r\n\t họp \u{202e}giao\u{0} ban\u{feff} "), "V/v họp giao ban");
        assert_eq!(line("\u{200b} \u{1}"), "");
        assert_eq!(block(" một \r\n\r\n hai\u{7} "), "một\nhai");
        assert_eq!(excerpt("chín mươi", 4), "chín…");
        assert_eq!(excerpt("chín", 4), "chín");
    }

    #[test]
    fn file_names_lose_what_is_dangerous_and_nothing_else() {
        let cases = [
            ("Công văn số 12.PDF", Some("Công văn số 12.PDF")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\vanthu\\a.doc", Some("a.doc")),
            ("bao-cao\u{202e}fdp.exe", Some("bao-caofdp.exe")),
            ("a\u{0}b\nc.pdf", Some("ab c.pdf")),
            ("..", None),
            ("  ", None),
            ("dir/", None),
            (".htaccess", Some("htaccess")),
            ("a.pdf. .", Some("a.pdf")),
            ("x:y?.txt", Some("x_y_.txt")),
            ("nul.txt", Some("_nul.txt")),
            ("COM1", Some("_COM1")),
            ("command.txt", Some("command.txt")),
        ];
        for (raw, safe) in cases {
            assert_eq!(file_name(raw).as_deref(), safe, "{raw:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = file_name(&format!("{}.docx", "ế".repeat(300))).unwrap();
        assert!(name.len() <= LONGEST_NAME && name.ends_with("ế.docx"), "{name}");
        let bare = file_name(&"ế".repeat(300)).unwrap();
        assert!(bare.len() <= LONGEST_NAME && bare.chars().all(|c| c == 'ế'));
    }

    #[test]
    fn extensions_are_lower_case() {
        assert_eq!(extension("A.B.XLSX"), "xlsx");
        assert_eq!(extension("no extension"), "");
        assert_eq!(extension("v1. Báo cáo tổng hợp năm"), "");
    }
}
