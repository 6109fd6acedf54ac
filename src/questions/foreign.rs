//! What other programs have committed to tables of ours, for `status` and `verify`: told before a run meets it.

use crate::error::Result;
use crate::evidence::VerifyReport;
use crate::evidence::manifest::ForeignCommit;
use crate::job::recover::foreign_help;
use crate::job::{output_of, without_job};
use crate::policy::Project;
use crate::publish::{self, Seen};
use crate::run::passed;
use crate::state::State;
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet};

/// A table that another program has written to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ForeignTable {
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// Commits of other programs after the newest of tamis, the oldest first.
    pub commits: Vec<ForeignCommit>,
    /// Whether all of them change nothing, so that runs and sweeps go on past them.
    pub harmless: bool,
    /// What to do when not.
    pub to_do: Option<String>,
}

impl ForeignTable {
    /// Returns what was found in one line.
    pub fn line(&self) -> String {
        let commits: Vec<String> =
            self.commits.iter().map(|commit| format!("{} ({})", commit.version, commit.operation)).collect();
        let what = if self.harmless { "which change nothing" } else { "which change something" };
        format!("{}: version(s) {} are of another program, {what}", self.dataset, commits.join(", "))
    }
}

/// Tables with commits of other programs, and those whose log could not be looked at.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn foreign(
    project: &Project,
    roots: &BTreeMap<String, Root>,
    state: &State,
) -> Result<(Vec<ForeignTable>, Vec<String>)> {
    let gone = without_job(state, project)?.into_iter().map(|dataset| dataset.dataset);
    let outputs: BTreeSet<String> = project.jobs.values().map(output_of).chain(gone).collect();
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    for dataset in outputs {
        let Some((lake, path)) = dataset.split_once(':').and_then(|(root, path)| Some((roots.get(root)?, path))) else {
            continue;
        };
        match publish::seen(lake, path) {
            Ok(Some(seen)) if !seen.foreign.is_empty() => found.push(told(&dataset, &seen)),
            Ok(_) => {}
            Err(error) => unseen.push(format!("{dataset}: its log could not be looked at: {}", error.message())),
        }
    }
    Ok((found, unseen))
}

fn told(dataset: &str, seen: &Seen) -> ForeignTable {
    let harmless = seen.foreign.iter().all(|(_, harmless)| *harmless);
    ForeignTable {
        dataset: dataset.into(),
        commits: seen.foreign.iter().map(|(commit, _)| passed(commit)).collect(),
        harmless,
        to_do: (!harmless).then(|| foreign_help().into()),
    }
}

/// Adds to a verification what other programs have committed: what changes something is a fault.
///
/// # Errors
/// As [`foreign`].
pub fn verify(
    project: &Project,
    roots: &BTreeMap<String, Root>,
    state: &State,
    report: &mut VerifyReport,
) -> Result<()> {
    let (found, unseen) = foreign(project, roots, state)?;
    for table in found {
        let place = if table.harmless { &mut report.notes } else { &mut report.faults };
        place.push(table.line());
    }
    report.not_proven.extend(unseen);
    Ok(())
}
