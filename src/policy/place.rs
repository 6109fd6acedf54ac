//! Where in the spec files a rule is written, for who asks why something went.

use super::finding::position;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A rule that takes rows out.
#[derive(Clone, Copy, Debug)]
pub enum Rule<'a> {
    /// `[lists.NAME]` of the policy.
    List(&'a str),
    /// `[retention]` of a job.
    Retention(&'a str),
    /// The `[[exclude]]` of a job with this reason.
    Exclude(&'a str, &'a str),
    /// `[gate]` of a job.
    Gate(&'a str),
    /// `[subject]` of a source.
    Subject(&'a str),
    /// `[consent]` of a source.
    Consent(&'a str),
}

/// `FILE:LINE` of a rule; none when it is not written in these specs.
pub fn place(dir: &Path, rule: Rule<'_>) -> Option<String> {
    match rule {
        Rule::List(name) => at(&dir.join("policy.toml"), |table| key(below(table, "lists")?, name)),
        Rule::Retention(job) => at(&named(dir, job)?, |table| key(table, "retention")),
        Rule::Gate(job) => at(&named(dir, job)?, |table| key(table, "gate")),
        Rule::Exclude(job, reason) => at(&named(dir, job)?, |table| exclude(table, reason)),
        Rule::Subject(source) => at(&named(&dir.join("sources"), source)?, |table| key(table, "subject")),
        Rule::Consent(source) => at(&named(&dir.join("sources"), source)?, |table| key(table, "consent")),
    }
}

/// The file of a folder whose spec has this name.
pub(super) fn named(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files.into_iter().find(|path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        DeTable::parse(&text).is_ok_and(|table| said(table.get_ref(), "name") == Some(name))
    })
}

fn at(file: &Path, find: impl Fn(&DeTable<'_>) -> Option<usize>) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let table = DeTable::parse(&text).ok()?;
    let (line, _) = position(&text, find(table.get_ref())?);
    Some(format!("{}:{line}", file.display()))
}

/// Offset of a key.
fn key(table: &DeTable<'_>, name: &str) -> Option<usize> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, _)| key.span().start)
}

fn below<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    let (_, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn said<'a>(table: &'a DeTable<'_>, name: &str) -> Option<&'a str> {
    let (_, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
    match value.get_ref() {
        DeValue::String(text) => Some(text.as_ref()),
        _ => None,
    }
}

/// Offset of the first exclude with this reason.
fn exclude(table: &DeTable<'_>, reason: &str) -> Option<usize> {
    let (_, value) = table.iter().find(|(key, _)| key.get_ref() == "exclude")?;
    let DeValue::Array(excludes) = value.get_ref() else { return None };
    let found = excludes.iter().find(|exclude| match exclude.get_ref() {
        DeValue::Table(table) => said(table, "reason") == Some(reason),
        _ => false,
    });
    found.map(|exclude| exclude.span().start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_where_they_are_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("policy.toml", "spec = 1\n[lists.other]\nx = 1\n\n[lists.erasure]\nx = 2\n");
        write("a.toml", "name = \"other\"\n");
        let job = "name = \"crm\"\n[retention]\nkeep = \"P1Y\"\n[[exclude]]\nreason = \"a\"\n\n[[exclude]]\nreason = \"b\"\n[gate]\nk = 2\n";
        write("job.toml", job);
        write("sources/s.toml", "name = \"contact\"\n\n[subject]\nkey = \"Id\"\n");
        let line = |rule| place(dir.path(), rule).map(|p| p.rsplit_once(':').expect("a line").1.to_owned());
        assert_eq!(line(Rule::List("erasure")).as_deref(), Some("5"));
        assert_eq!(line(Rule::Retention("crm")).as_deref(), Some("2"));
        assert_eq!(line(Rule::Exclude("crm", "b")).as_deref(), Some("7"));
        assert_eq!(line(Rule::Gate("crm")).as_deref(), Some("9"));
        assert_eq!(line(Rule::Subject("contact")).as_deref(), Some("3"));
        assert!(place(dir.path(), Rule::Exclude("crm", "b")).is_some_and(|p| p.contains("job.toml")));
        for rule in [Rule::List("gone"), Rule::Retention("nobody"), Rule::Exclude("crm", "c"), Rule::Consent("contact")]
        {
            assert_eq!(line(rule), None, "{rule:?}");
        }
    }
}
