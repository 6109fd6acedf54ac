//! Spec findings for programs, as `check --json` and errors list them.

use crate::error::Finding;
use schemars::JsonSchema;
use serde::Serialize;

/// A finding of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckFinding {
    /// Name of the check, as in `docs/spec.md`.
    pub code: &'static str,
    /// Path of the spec file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong, in words without a value.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether it stops no run.
    pub hint: bool,
}

/// Returns findings as JSON lists them.
pub(super) fn listed(findings: &[Finding]) -> Vec<CheckFinding> {
    let listed = |f: &Finding| CheckFinding {
        code: f.code,
        file: f.file.clone(),
        line: f.line,
        column: f.column,
        message: f.message.clone(),
        help: f.help.clone(),
        hint: f.hint,
    };
    findings.iter().map(listed).collect()
}
