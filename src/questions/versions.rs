//! What a job has published: the evidence of one version, and how many rows the last ones had. Read from state alone.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, Manifest};
use crate::job::names_of;
use crate::policy::Project;
use crate::state::State;

/// Versions that a report tells of, the newest ones.
const TOLD: usize = 30;

/// What `report job` says.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct JobReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// The manifest of the version.
    pub manifest: Manifest,
    /// The last versions of the dataset, the newest last.
    pub versions: Vec<VersionRows>,
    /// Last entry of the ledger.
    pub ledger_head: String,
}

/// What is told of one version.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct VersionRows {
    /// Number of the version.
    pub version: u64,
    /// The run or sweep that made it.
    pub run: String,
    /// Instant the rules were applied at.
    pub as_of: Instant,
    /// Rows read; of a sweep, rows of the version before.
    pub rows_in: u64,
    /// Rows that the version holds.
    pub rows_out: u64,
    /// Made by a sweep.
    pub swept: bool,
}

/// The newest version of a job, under whatever name it was made, or the one that `run` made.
///
/// # Errors
/// A policy error when there is none; evidence and storage errors.
pub fn of_job(project: &Project, state: &State, job: &str, run: Option<&str>) -> Result<JobReport> {
    let mut names = project.jobs.get(job).map_or(Ok(Vec::new()), |plan| names_of(state, project, plan))?;
    names.push(job.to_owned());
    let (mut versions, mut found) = (Vec::new(), None);
    for entry in state.ledger().entries()? {
        let swept = matches!(entry.event, LedgerEvent::Swept { .. });
        let (LedgerEvent::Published { job: of, as_of, version, manifest, rows_in, rows_out, .. }
        | LedgerEvent::Swept { job: of, as_of, version, manifest, rows_in, rows_out, .. }) = entry.event
        else {
            continue;
        };
        if !names.contains(&of) {
            continue;
        }
        if run.is_none_or(|run| run == entry.run) {
            found = Some((entry.run.clone(), entry.attempt, manifest));
        }
        versions.push(VersionRows { version, run: entry.run, as_of, rows_in, rows_out, swept });
    }
    let Some((run, attempt, digest)) = found else {
        return Err(Error::new(Code::NameUnknown, format!("the ledger knows no such version of {job}"))
            .help("`tamis status` names the jobs and the run of each one's version"));
    };
    versions.drain(..versions.len().saturating_sub(TOLD));
    Ok(JobReport {
        schema: "tamis-job-report/1",
        manifest: state.manifest(&run, attempt, &digest)?,
        versions,
        ledger_head: state.ledger().head()?.to_string(),
    })
}
