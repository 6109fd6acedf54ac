//! What went wrong, in the few kinds an operator can act on.
//! Messages name objects, records and positions, never a value of the data, and never text of a third-party error
//! from a data path. Names in them are written out where they could forge what a terminal shows. Must not know any stage.

use crate::plain::{shown, shown_lines};
use std::fmt;

/// What an operator has to do about an error; each kind is one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fix a spec, an argument, a key or the state (exit 2).
    Policy,
    /// Look at the input named: it was refused (exit 3).
    Input,
    /// A gate or the brake said no: look at the plan, then change it or `accept` (exit 4).
    Gate,
    /// The outcome of a commit could not be learned: run again to find out (exit 5).
    Unknown,
    /// Ledger, manifest or published bytes do not agree (exit 6).
    Evidence,
    /// A fault of tamis itself: report it (exit 70, `EX_SOFTWARE` of sysexits.h).
    Fault,
    /// A store is away or refuses: try again (exit 75).
    Storage,
}

impl Kind {
    /// The process's exit code (design section 8).
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Policy => 2,
            Kind::Input => 3,
            Kind::Gate => 4,
            Kind::Unknown => 5,
            Kind::Evidence => 6,
            Kind::Fault => 70,
            Kind::Storage => 75,
        }
    }

    /// Returns whether a commit may have been sent whose outcome nobody knows: the next call finds out.
    pub fn leaves_open(self) -> bool {
        matches!(self, Kind::Unknown | Kind::Fault)
    }
}

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
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Hints do not stop a run.
    pub hint: bool,
}

/// An error with its kind, what happened, and what to do next.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    help: Option<String>,
    findings: Vec<Finding>,
    published: Option<u64>,
}

/// The result of everything that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: shown(&message.into()).into_owned(), help: None, findings: Vec::new(), published: None }
    }
    /// A spec, argument, key or state fault.
    pub fn policy(message: impl Into<String>) -> Self {
        Self::new(Kind::Policy, message)
    }
    /// An input refused.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }
    /// A gate or the brake.
    pub fn gate(message: impl Into<String>) -> Self {
        Self::new(Kind::Gate, message)
    }
    /// The outcome is not known.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(Kind::Unknown, message)
    }
    /// Evidence does not hold.
    pub fn evidence(message: impl Into<String>) -> Self {
        Self::new(Kind::Evidence, message)
    }
    /// A fault of tamis itself, which broke off `what`. The text of a panic may hold a value, so it is in no message.
    pub fn fault(what: &str) -> Self {
        Self::new(Kind::Fault, format!("{what} broke off by a fault of tamis")).help(
            "a run that breaks off publishes nothing in part: call it again, it completes or clears away what was begun\n\
             report it as SECURITY.md says, with `tamis --version` and the line `internal fault at …`, without any data",
        )
    }
    /// Storage away.
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(Kind::Storage, message)
    }
    /// The findings of `check` as one error.
    pub fn findings(findings: Vec<Finding>) -> Self {
        let faults = findings.iter().filter(|f| !f.hint).count();
        let mut error = Self::new(Kind::Policy, format!("{faults} finding(s) in the specs"));
        error.findings = findings;
        error
    }
    /// Adds what to do next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(shown_lines(&help.into()).into_owned());
        self
    }
    /// Puts `context: ` before the message, keeping kind and help.
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.message = shown(&format!("{context}: {}", self.message)).into_owned();
        self
    }
    /// Says that a version of a dataset was published before this happened.
    pub fn after_publishing(mut self, dataset: &str, version: u64) -> Self {
        self.published = Some(version);
        if self.kind == Kind::Evidence {
            return self.within(format!("version {version} of {dataset} was published, but"));
        }
        self.kind = Kind::Storage;
        self.within(format!("version {version} of {dataset} was published; its evidence is not complete yet"))
            .help("run or sweep again: that completes it before anything else")
    }
    /// The version that was published before this happened.
    pub fn published(&self) -> Option<u64> {
        self.published
    }
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// What happened.
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
