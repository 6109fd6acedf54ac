//! What went wrong: an error has a code, and each code is of one of the few kinds an operator can act on.
//! Messages name objects, records and positions, never a value of the data, and never text of a third-party error
//! from a data path. Names in them are written out where they could forge what a terminal shows. Must not know any stage.

mod code;

pub use code::{Code, Kind};

use crate::plain::{shown, shown_lines};
use std::fmt;

/// One thing a spec file has wrong, with the place that decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the check, e.g. `unknown-key`; documented in `docs/spec.md`.
    pub code: &'static str,
    /// Path of the spec file as the user would type it.
    pub file: String,
    /// Byte range in that file; empty when the whole file is meant.
    pub span: std::ops::Range<usize>,
    /// 1-based line and column of the span's start.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
    /// What is wrong, in words without a value.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Hints do not stop a run.
    pub hint: bool,
}

/// An error with its code, what happened, and what to do next.
#[derive(Clone, Debug)]
pub struct Error {
    code: Code,
    message: String,
    help: Option<Box<str>>,
    findings: Box<[Finding]>,
    published: Option<u64>,
    report: Option<Box<str>>,
}

/// The result of everything that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns an error of this code; `message` says what happened, and where.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = shown(&message.into()).into_owned();
        Error { code, message, help: None, findings: Box::default(), published: None, report: None }
    }
    /// A fault of tamis itself, which broke off `what`. The text of a panic may hold a value, so it is in no message.
    pub fn fault(what: &str) -> Self {
        Self::new(Code::InternalFault, format!("{what} broke off by a fault of tamis")).help(
            "a run that breaks off publishes nothing in part: call it again, it completes or clears away what was begun\n\
             report it as SECURITY.md says, with `tamis --version` and the line `internal fault at …`, without any data",
        )
    }
    /// The findings of `check` as one error.
    pub fn findings(findings: Vec<Finding>) -> Self {
        let faults = findings.iter().filter(|f| !f.hint).count();
        let noun = if faults == 1 { "finding" } else { "findings" };
        let mut error = Self::new(Code::SpecFindings, format!("{faults} {noun} in the specs"));
        error.findings = findings.into();
        error
    }
    /// Adds what to do next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(shown_lines(&help.into()).into());
        self
    }
    /// Puts `context: ` before the message, keeping code and help.
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.message = shown(&format!("{context}: {}", self.message)).into_owned();
        self
    }
    /// Says that a version of a dataset was published before this happened.
    pub fn after_publishing(mut self, dataset: &str, version: u64) -> Self {
        self.published = Some(version);
        if self.kind() == Kind::Evidence {
            return self.within(format!("version {version} of {dataset} was published, but"));
        }
        self.code = Code::EvidenceIncomplete;
        self.within(format!("version {version} of {dataset} was published; its evidence is not complete yet"))
            .help("run or sweep again: that completes it before anything else")
    }
    /// Adds the report of a command that went through and found what this error says.
    pub fn with_report(mut self, report: String) -> Self {
        self.report = Some(report.into());
        self
    }
    /// Returns the report that is to be shown before the error, as text or JSON.
    pub fn report(&self) -> Option<&str> {
        self.report.as_deref()
    }
    /// The version that was published before this happened.
    pub fn published(&self) -> Option<u64> {
        self.published
    }
    /// Returns which error it is.
    pub fn code(&self) -> Code {
        self.code
    }
    /// Returns its kind, which is that of its code.
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }
    /// Returns what is wrong, in words without a value.
    pub fn message(&self) -> &str {
        &self.message
    }
    /// What to do next, when there is something to say.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
    /// Spec findings, when the error is about specs.
    pub fn spec_findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
