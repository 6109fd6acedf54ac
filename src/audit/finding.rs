//! What an audit says: findings by place, what it could not look at, and what each check came to. Places are files,
//! fields and rows; a value is in none of them.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use schemars::JsonSchema;
use serde::Serialize;

/// Rows that a finding names one by one; the others are counted.
const NAMED_ROWS: usize = 20;

/// What `tamis audit` says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// When the audit looked.
    pub at: Instant,
    /// The datasets that it looked at, by `ROOT:path`.
    pub datasets: Vec<AuditedDataset>,
    /// What each check came to, by dataset; checks of the whole installation have none.
    pub checks: Vec<CheckDone>,
    /// What does not hold, and what somebody should look at.
    pub findings: Vec<AuditFinding>,
    /// What should have been looked at and could not be.
    pub not_checked: Vec<NotChecked>,
    /// What no audit looks at.
    pub never_checked: &'static [&'static str],
}

/// A dataset that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedDataset {
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// The job that published it last.
    pub job: String,
    /// The version that readers see.
    pub version: u64,
    /// Files that were read.
    pub files: u64,
    /// Rows that were read.
    pub rows: u64,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckDone {
    /// Name of the check.
    pub rule: &'static str,
    /// The dataset; none for the whole installation.
    pub dataset: Option<String>,
    /// What it came to.
    pub outcome: CheckOutcome,
}

/// What a check can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// Everything that it looks at is as it should be.
    Holds,
    /// The check has found something.
    Found,
    /// It could not look at something, and has found nothing.
    NotChecked,
}

impl CheckOutcome {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            CheckOutcome::Holds => "holds",
            CheckOutcome::Found => "found",
            CheckOutcome::NotChecked => "not checked",
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It does not hold: exit code 6.
    Error,
    /// It holds, and somebody should look at it.
    Warning,
}

impl Severity {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditFinding {
    /// Name of the check.
    pub rule: &'static str,
    /// What of the law it is about.
    pub article: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// `ROOT:path` of the table.
    pub dataset: Option<String>,
    /// Version of the dataset.
    pub version: Option<u64>,
    /// `ROOT:path` of a file.
    pub file: Option<String>,
    /// Name of a field.
    pub field: Option<String>,
    /// Which rows of the file.
    pub rows: Option<FoundRows>,
    /// What is wrong, in words without a value.
    pub what: String,
    /// Since when it is so, as far as that is known.
    pub first_seen: Option<Instant>,
    /// What to do about it.
    pub fix: &'static str,
}

/// Rows of a file, by their places in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundRows {
    /// How many they are.
    pub count: u64,
    /// Places of the first ones, from 1.
    pub first: Vec<u64>,
}

impl FoundRows {
    /// Adds a row, given by its place from 0.
    pub fn add(&mut self, row: usize) {
        self.count += 1;
        if self.first.len() < NAMED_ROWS {
            self.first.push(row as u64 + 1);
        }
    }

    /// Adds the rows of another finding of the same file.
    pub fn join(&mut self, other: &FoundRows) {
        self.count += other.count;
        self.first.extend(&other.first);
        self.first.sort_unstable();
        self.first.truncate(NAMED_ROWS);
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Something that a check should have looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotChecked {
    /// Name of the check.
    pub rule: &'static str,
    /// `ROOT:path` of the table.
    pub dataset: Option<String>,
    /// Why it could not look.
    pub why: String,
}

impl AuditReport {
    /// # Errors
    /// An evidence error when something does not hold, or could not be looked at.
    pub fn outcome(&self) -> Result<()> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        if errors > 0 {
            let places = if errors == 1 { "place" } else { "places" };
            return Err(Error::new(
                Code::AuditNotHeld,
                format!("what is published does not comply with the policy in {errors} {places}"),
            )
            .help("each finding says what to do; audit again afterwards"));
        }
        let Some(first) = self.not_checked.first() else { return Ok(()) };
        Err(Error::new(Code::AuditNotChecked, format!("{} was not checked: {}", first.rule, first.why))
            .help("a check that could not look does not count as held: make it possible to look, and audit again"))
    }
}
