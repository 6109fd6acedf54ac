//! A spec file while it is written: lines, comments beside them, and the lines that a person has to edit, numbered over
//! all files.

/// A line that a person has to edit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Edit {
    /// Counts over all files, from 1.
    pub number: usize,
    /// File, as the user would type it.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// What to write there.
    pub what: String,
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct MadeFile {
    /// Path below the folder of the specs.
    pub path: String,
    /// What is written to the file.
    pub text: String,
}

/// Stands before the number and what to do.
const MARK: &str = "# EDIT ";

/// A file under way.
pub(super) struct SpecPage<'e> {
    path: String,
    lines: Vec<String>,
    edits: &'e mut Vec<Edit>,
}

impl<'e> SpecPage<'e> {
    pub fn new(path: impl Into<String>, edits: &'e mut Vec<Edit>) -> SpecPage<'e> {
        SpecPage { path: path.into(), lines: Vec::new(), edits }
    }

    /// Adds one line to the end of the file.
    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    /// Adds a line with a comment.
    pub fn noted(&mut self, text: &str, note: &str) {
        self.lines.push(format!("{text}  # {}", plain(note)));
    }

    /// Adds a line that somebody has to edit.
    pub fn edit(&mut self, text: &str, what: &str) {
        let what = plain(what);
        let number = self.edits.len() + 1;
        self.lines.push(format!("{text}  {MARK}{number}: {what}"));
        let (file, line) = (self.path.clone(), self.lines.len());
        self.edits.push(Edit { number, file, line, what });
    }

    /// Returns the file with all that was added.
    pub fn done(self) -> MadeFile {
        MadeFile { path: self.path, text: self.lines.join("\n") + "\n" }
    }
}

/// One line, without what could end it or hide in it.
fn plain(text: &str) -> String {
    crate::plain::shown(text).into_owned()
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter
                if letter.is_control()
                    || crate::plain::shown(letter.encode_utf8(&mut [0; 4])).len() > letter.len_utf8() =>
            {
                out.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out + "\""
}

/// A key as TOML writes it.
pub(super) fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A list of texts as TOML writes it.
pub(super) fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// Returns the lines of a file that are still to be edited: those with the mark whose value is empty.
pub fn open_edits(file: &str, text: &str) -> Vec<Edit> {
    let open = |(at, line): (usize, &str)| {
        let (code, mark) = line.split_once(MARK)?;
        let (number, what) = mark.split_once(": ")?;
        let empty = code.contains("= \"\"") || code.contains("= []");
        let (file, line) = (file.to_owned(), at + 1);
        empty.then_some(())?;
        Some(Edit { number: number.parse().ok()?, file, line, what: what.to_owned() })
    };
    text.lines().enumerate().filter_map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_numbered_over_files_and_found_again_until_they_are_made() {
        let mut edits = Vec::new();
        let mut page = SpecPage::new("policy.toml", &mut edits);
        page.line("spec = 1");
        page.edit("controller = \"\"", "who is responsible\n");
        let file = page.done();
        let mut page = SpecPage::new("a.toml", &mut edits);
        page.edit("keep = \"\"", "how long");
        page.done();
        assert_eq!(file.text, "spec = 1\ncontroller = \"\"  # EDIT 1: who is responsible\\n\n");
        assert_eq!((edits[1].number, edits[1].line, edits[1].file.as_str()), (2, 1, "a.toml"));
        assert_eq!(open_edits("policy.toml", &file.text), edits[..1]);
        assert_eq!(open_edits("policy.toml", &file.text.replace("\"\"", "\"Acme\"")), []);
    }

    #[test]
    fn names_stay_what_they_are_in_toml() {
        for name in ["Id", "Person - Name", "a\"b\\c", "tab\there", "dir\u{202e}", "Straße"] {
            let text = format!("{} = 1\n", key(name));
            let table: toml::Table = toml::from_str(&text).expect(&text);
            assert!(table.contains_key(name), "{text}");
            assert!(!text.trim_end().contains(['\t', '\u{202e}']), "{text}");
        }
        assert_eq!(key("Id"), "Id");
        assert_eq!(list(["a", "b"]), "[\"a\", \"b\"]");
    }
}
