//! `tamis check`: findings of the specs, the next runs, and what nobody will read. Must not know any stage.

use super::due::{self, NextRuns};
use super::finding_json::{CheckFinding, listed};
use super::settings::Settings;
use super::verdict::{TerminalVerdict, coloured, counted};
use super::{render, status, steps};
use crate::error::{Error, Result};
use crate::job::LeftAside;
use crate::{clock, job, policy};
use schemars::JsonSchema;
use serde::Serialize;

/// What `check --json` prints of specs without faults.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Name and version of this form.
    pub schema: &'static str,
    /// The hints.
    pub findings: Vec<CheckFinding>,
    /// When each job runs next.
    pub schedules: Vec<NextRuns>,
    /// Version of the time zone data.
    pub time_zones: &'static str,
    /// What lists and inputs leave aside.
    pub aside: Vec<LeftAside>,
    /// What is meant and cannot be read, each with its place and why.
    pub unseen: Vec<String>,
}

/// Checks the specs.
///
/// # Errors
/// The findings, where one of them stops a run.
pub(super) fn check(settings: &Settings, json: bool) -> Result<String> {
    let findings = policy::lint(&settings.dir, &settings.roots, settings.now);
    if findings.iter().any(|finding| !finding.hint) {
        return Err(Error::findings(findings));
    }
    let project = policy::load(&settings.dir, &settings.roots)?;
    // Buckets are not asked: specs are checked where they may not be in reach.
    let sighted = job::aside::survey(&project, &settings.open_local(&project));
    if json {
        return render::json(&CheckReport {
            schema: "tamis-check/1",
            findings: listed(&findings),
            schedules: due::scheduled(&project, settings.now),
            time_zones: clock::zones_version(),
            aside: sighted.aside,
            unseen: sighted.unseen,
        });
    }
    let coloured = coloured(&std::io::stdout());
    let hints = steps::grouped(&findings, coloured);
    let runs = due::next_runs(&project, settings.now) + &status::seen(&sighted);
    let (folder, zones) = (settings.dir.display(), clock::zones_version());
    let said = format!("{folder}: no faults, {}, time zone data {zones}", counted(findings.len() as u64, "hint"));
    Ok(TerminalVerdict::Ok.line(&said, coloured) + &hints + &runs)
}
