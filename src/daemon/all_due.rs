//! Everything that is due, one after the other: runs, sweeps, tables that no job serves, the audit.

use super::attempt::{Came, DueAttempt, Host, Work, refused, take};
use super::audits::audited;
use crate::job;
use crate::monitor::Monitor;
use crate::policy::Project;
use crate::state::Dataset;
use std::sync::Arc;

/// All jobs with a schedule, then the sweeps of all datasets, one after the other by name, until a stop is asked for;
/// those not due are left out. The audit comes last.
pub fn run_due(host: &Host, project: &Arc<Project>, monitor: &dyn Monitor) -> Vec<DueAttempt> {
    let all = [Work::Run, Work::Sweep].into_iter().flat_map(|work| project.jobs.keys().map(move |job| (work, job)));
    let turns = all.take_while(|_| !host.call.stop.asked()).map(|(work, job)| take(host, project, work, job, monitor));
    let mut turns: Vec<DueAttempt> = turns.filter(|turn| !matches!(turn.came, Came::NotDue(_))).collect();
    turns.extend(without_job(host, project));
    if !host.call.stop.asked() {
        turns.extend(Some(audited(host, project, monitor)).filter(|turn| !matches!(turn.came, Came::NotDue(_))));
    }
    turns
}

/// A refused sweep for each table that no job serves: nobody else would say that requests do not reach it. What keeps
/// this from being found out has stopped the jobs before.
fn without_job(host: &Host, project: &Project) -> Vec<DueAttempt> {
    let found = host.open(project).and_then(|(_, state)| job::without_job(&state, project));
    let turn = |dataset: Dataset| DueAttempt {
        job: dataset.job.clone(),
        work: Work::Sweep,
        instant: None,
        came: refused(&job::complaint(&dataset)),
        aside: Vec::new(),
    };
    found.unwrap_or_default().into_iter().map(turn).collect()
}
