//! What a check is: a rule by name, what it looks at, and how.

use super::data::{AuditedFile, Readable};
use super::finding::{AuditFinding, FoundRows, NotChecked, Severity};
use super::scene::{AuditScene, AuditedTable};
use crate::clock::Instant;
use crate::error::Result;

/// What each file of `checks/` has.
pub struct Check {
    /// Its name, in every output.
    pub rule: &'static str,
    /// What of the law it is about.
    pub article: &'static str,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// What has to hold, as a sentence for docs.
    pub holds: &'static str,
    /// What to do about a finding.
    pub fix: &'static str,
    /// The way in which it looks.
    pub(super) look: Look,
}

/// How a check looks at what there is.
pub(super) enum Look {
    /// At each file of a table, then at what they come to together.
    Files(for<'a> fn(&'a AuditedTable<'a>) -> CheckBegun<'a>),
    /// At a table, apart from what its files hold.
    Table(fn(&AuditedTable<'_>, &mut CheckFound<'_>) -> Result<()>),
    /// At the installation as a whole.
    Whole(fn(&AuditScene, &mut CheckFound<'_>) -> Result<()>),
}

/// A check that begins with a table.
pub(super) enum CheckBegun<'a> {
    /// It looks at the files.
    Looks(Box<dyn FileLook + 'a>),
    /// The table has nothing that it looks at.
    Nothing,
    /// It cannot look, and why.
    Cannot(String),
}

/// Looks at files, one after the other.
pub(super) trait FileLook {
    /// Looks at the next file.
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>);

    /// Takes note of a file that cannot be read, and why.
    fn unread(&mut self, why: &str, found: &mut CheckFound<'_>) {
        found.cannot(why);
    }

    /// Says what all of them come to.
    ///
    /// # Errors
    /// Evidence and storage errors of what it has to ask for.
    fn end(&mut self, _found: &mut CheckFound<'_>) -> Result<()> {
        Ok(())
    }
}

/// Takes what a check finds.
pub(super) struct CheckFound<'a> {
    check: &'static Check,
    of: Option<(&'a str, u64)>,
    pub(super) findings: Vec<AuditFinding>,
    pub(super) not_checked: Vec<NotChecked>,
}

/// Where a finding is.
#[derive(Default)]
pub(super) struct AuditSpot<'a> {
    /// The file, as `ROOT:path`.
    pub file: Option<&'a str>,
    pub field: Option<&'a str>,
    pub rows: Option<FoundRows>,
    pub since: Option<Instant>,
}

impl<'a> CheckFound<'a> {
    /// Of a check that looks at a version of a table, or at no table.
    pub fn new(check: &'static Check, of: Option<(&'a str, u64)>) -> CheckFound<'a> {
        CheckFound { check, of, findings: Vec::new(), not_checked: Vec::new() }
    }

    /// Takes a finding of the check's own severity.
    pub fn say(&mut self, spot: AuditSpot<'_>, what: impl Into<String>) {
        self.say_as(self.check.severity, spot, what);
    }

    /// Takes a finding of a severity that the check itself does not have.
    pub fn say_as(&mut self, severity: Severity, spot: AuditSpot<'_>, what: impl Into<String>) {
        self.findings.push(AuditFinding {
            rule: self.check.rule,
            article: self.check.article,
            severity,
            dataset: self.of.map(|(dataset, _)| dataset.to_owned()),
            version: self.of.map(|(_, version)| version),
            file: spot.file.map(str::to_owned),
            field: spot.field.map(str::to_owned),
            rows: spot.rows,
            what: what.into(),
            first_seen: spot.since,
            fix: self.check.fix,
        });
    }

    /// Takes rows of a file, if there are any.
    pub fn rows(&mut self, file: &AuditedFile, field: Option<&str>, rows: FoundRows, what: &str) {
        if !rows.is_empty() {
            self.say(AuditSpot { file: Some(&file.place), field, rows: Some(rows), since: None }, what);
        }
    }

    /// Returns what a check needs; none where that cannot be read, which is told as not looked at.
    pub fn needed<'n, T>(&mut self, what: &'n Readable<T>) -> Option<&'n T> {
        what.as_ref().map_err(|why| self.cannot(why)).ok()
    }

    /// Takes that something could not be looked at.
    pub fn cannot(&mut self, why: impl Into<String>) {
        let dataset = self.of.map(|(dataset, _)| dataset.to_owned());
        let not = NotChecked { rule: self.check.rule, dataset, why: why.into() };
        if !self.not_checked.contains(&not) {
            self.not_checked.push(not);
        }
    }
}
