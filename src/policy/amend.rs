//! Changes the `[columns]` of a source file and leaves every other byte of it as it is: adds lines, turns lines into
//! comments, adds another name to a column. What comes of it is read again and compared before anybody may write it.

use super::finding::position;
use super::name_pattern::NamePattern;
use super::place;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The file of a source, as it is.
pub struct SourceText {
    /// The file, as the user would type it.
    pub path: PathBuf,
    text: String,
}

/// What is to become of the columns of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnEdits {
    /// Lines to add after the last column, each with its comment.
    pub add: Vec<String>,
    /// Columns whose lines become comments, each with what is written after it.
    pub comment_out: Vec<(String, String)>,
    /// Columns that get another name, each with that name.
    pub rename: Vec<(String, String)>,
}

impl ColumnEdits {
    /// Returns whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        *self == ColumnEdits::default()
    }
}

/// A column of the file that is written in one piece.
struct ColumnText {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
    named: bool,
}

impl SourceText {
    /// Finds the file of a source and reads it; none where there is no such file.
    pub fn find(dir: &Path, source: &str) -> Option<SourceText> {
        let path = place::named(&dir.join("sources"), source)?;
        let text = std::fs::read_to_string(&path).ok()?;
        Some(SourceText { path, text })
    }

    /// Returns the line, from 1, on which a column stands.
    pub fn line_of(&self, column: &str) -> Option<usize> {
        let entries = entries(&self.text)?;
        let entry = entries.iter().find(|entry| entry.name == column)?;
        Some(position(&self.text, entry.key.start).0)
    }

    /// Returns whether a column can get another name: its line has no `names` yet and is written in one piece.
    pub fn can_rename(&self, column: &str) -> bool {
        entries(&self.text).is_some_and(|all| all.iter().any(|entry| entry.name == column && !entry.named))
    }

    /// Returns the text with the edits; none where the columns are written in a way that cannot be edited so, and where
    /// anything else would change.
    pub fn with(&self, edits: &ColumnEdits) -> Option<String> {
        let entries = entries(&self.text)?;
        let end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let find = |name: &str| entries.iter().find(|entry| entry.name == name);
        let mut changes: Vec<(Range<usize>, String)> = Vec::new();
        for (name, note) in &edits.comment_out {
            let entry = find(name)?;
            let lines = self.lines(entry.key.start..entry.value.end);
            let text = self.text[lines.clone()].split('\n').map(|line| format!("# {line}")).collect::<Vec<_>>();
            changes.push((lines, format!("{}  # {note}", text.join("\n"))));
        }
        for (name, other) in &edits.rename {
            let entry = find(name).filter(|entry| !entry.named)?;
            let inside = self.text[entry.value.clone()].strip_suffix('}')?.trim_end();
            let at = entry.value.start + inside.len();
            let comma = if inside.ends_with(['{', ',']) { "" } else { "," };
            changes.push((at..at, format!("{comma} names = [{}]", toml::Value::from(other.as_str()))));
        }
        if !edits.add.is_empty() {
            let (at, before) = self.place_for_more(&entries);
            let lines = edits.add.iter().map(|line| format!("{end}{line}")).collect::<String>();
            changes.push((at..at, format!("{before}{lines}")));
        }
        changes.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
        let mut text = self.text.clone();
        changes.into_iter().for_each(|(range, new)| text.replace_range(range, &new));
        same_but_for(&self.text, &text, edits).then_some(text)
    }

    /// The whole lines that a range is in, without the end of the last.
    fn lines(&self, range: Range<usize>) -> Range<usize> {
        let start = self.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        start..self.end_of_line(range.end)
    }

    fn end_of_line(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |more| at + more);
        if self.text[..end].ends_with('\r') { end - 1 } else { end }
    }

    /// Where lines are added, and what has to stand before them.
    fn place_for_more(&self, entries: &[ColumnText]) -> (usize, &'static str) {
        if let Some(last) = entries.iter().map(|entry| entry.value.end).max() {
            return (self.end_of_line(last), "");
        }
        let header = self.text.split_inclusive('\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        });
        let header = header.filter(|(_, line)| line.trim_start().starts_with("[columns]")).last();
        header.map_or((self.text.trim_end().len(), "\n\n[columns]"), |(at, _)| (self.end_of_line(at), ""))
    }
}

/// The columns that are written as `NAME = { … }`.
fn entries(text: &str) -> Option<Vec<ColumnText>> {
    let table = DeTable::parse(text).ok()?;
    let (_, columns) = table.get_ref().iter().find(|(key, _)| key.get_ref() == "columns")?;
    let DeValue::Table(columns) = columns.get_ref() else { return None };
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let DeValue::Table(inner) = value.get_ref() else { return None };
        let (key_span, value_span) = (key.span(), value.span());
        text.get(value_span.clone()).filter(|value| value.starts_with('{'))?;
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        let name = NamePattern::read(name).exact()?.to_owned();
        let named = inner.iter().any(|(key, _)| key.get_ref() == "names");
        Some(ColumnText { name, key: key_span, value: value_span, named })
    };
    Some(columns.iter().filter_map(entry).collect())
}

/// Whether a text says what another one says, apart from what was to change.
fn same_but_for(before: &str, after: &str, edits: &ColumnEdits) -> bool {
    let parse = |text: &str| text.parse::<toml::Table>().ok();
    let (Some(mut before), Some(mut after)) = (parse(before), parse(after)) else { return false };
    let added: toml::Table = match parse(&edits.add.join("\n")) {
        Some(added) => added,
        None => return false,
    };
    let of = |name: &str, key: &str| NamePattern::read(key).exact() == Some(name);
    let (Some(toml::Value::Table(old)), Some(toml::Value::Table(new))) =
        (before.get_mut("columns"), after.get_mut("columns"))
    else {
        return false;
    };
    let all_there = added.iter().all(|(name, line)| new.remove(name).as_ref() == Some(line) && !old.contains_key(name));
    for (name, _) in &edits.comment_out {
        old.retain(|key, _| !of(name, key));
    }
    for (name, other) in &edits.rename {
        let line = new.iter_mut().find(|(key, _)| of(name, key)).and_then(|(_, line)| line.as_table_mut());
        let names = line.and_then(|line| line.remove("names"));
        if names != Some(toml::Value::Array(vec![other.as_str().into()])) {
            return false;
        }
    }
    all_there && before == after
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "# mine\nname = \"a\"\n\n[columns] # all of them\n# the key\nId = { category = \"identity\" } # by hand\n\
        \"Old \\\\*\" = { category = \"technical\",\n  purposes = [] }\n City = {category=\"location\"}\n\n[limits]\nmax_columns = 9\n";

    fn of(text: &str) -> SourceText {
        SourceText { path: "a.toml".into(), text: text.into() }
    }

    #[test]
    fn nothing_but_the_columns_changes_and_every_comment_stays() {
        let edits = ColumnEdits {
            add: vec!["New = { category = \"identity\" }  # seen".into(), "\"a b\" = { category = \"secret\" }".into()],
            comment_out: vec![("Old *".into(), "gone".into())],
            rename: vec![("City".into(), "Town \"x\"".into())],
        };
        let text = of(SOURCE).with(&edits).expect("edited");
        let expected = SOURCE
            .replace("\"Old \\\\*\" =", "# \"Old \\\\*\" =")
            .replace("  purposes = [] }", "#   purposes = [] }  # gone")
            .replace("\"location\"}", "\"location\", names = ['Town \"x\"']}\nNew = { category = \"identity\" }  # seen\n\"a b\" = { category = \"secret\" }");
        assert_eq!(text, expected);
        assert_eq!((of(SOURCE).line_of("City"), of(SOURCE).line_of("Town")), (Some(9), None));
        assert!(of(SOURCE).can_rename("City") && !of(&text).can_rename("City"));
    }

    #[test]
    fn line_ends_of_windows_stay_and_columns_may_be_the_end_of_the_file() {
        let edits = ColumnEdits { add: vec!["B = { category = \"secret\" }".into()], ..ColumnEdits::default() };
        let text = of("[columns]\r\nA = { category = \"secret\" }").with(&edits);
        assert_eq!(
            text.as_deref(),
            Some("[columns]\r\nA = { category = \"secret\" }\r\nB = { category = \"secret\" }")
        );
        let tables = "[columns]\n[columns.A]\ncategory = \"secret\"\n";
        let text = of(tables).with(&edits);
        assert_eq!(
            text.as_deref(),
            Some("[columns]\nB = { category = \"secret\" }\n[columns.A]\ncategory = \"secret\"\n")
        );
    }

    #[test]
    fn what_cannot_be_edited_so_is_left_alone() {
        let add = ColumnEdits { add: vec!["Id = { category = \"secret\" }".into()], ..ColumnEdits::default() };
        assert_eq!(of(SOURCE).with(&add), None, "it is there already");
        let out = ColumnEdits { comment_out: vec![("A".into(), "gone".into())], ..ColumnEdits::default() };
        assert_eq!(of("[columns.A]\ncategory = \"secret\"\n").with(&out), None);
        assert_eq!(of("columns = { A = { category = \"secret\" } }\n").with(&out), None);
        assert_eq!(of("name = ").with(&add), None);
    }
}
