//! Which table belongs to which job: the one look-up of a dataset for runs, sweeps, schedules, status and questions.

use crate::error::{Code, Error, Result};
use crate::policy::{Plan, Project};
use crate::requests::{EntryStatus, RequestState as Come};
use crate::state::{Dataset, Scheduled, State, SweepRecord};

/// `ROOT:path` of a job's table.
pub fn output_of(plan: &Plan) -> String {
    format!("{}:{}", plan.output.root, plan.output.path)
}

/// Prefix of the companions that are written under a job's name.
pub fn companions_of(job: &str) -> String {
    format!("companions/{job}")
}

/// Earlier names of a job that was renamed and kept its output. None of a job whose own record is of another output: it is
/// refused until it has its output back, and takes no other table over.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn names_of(state: &State, project: &Project, plan: &Plan) -> Result<Vec<String>> {
    let output = output_of(plan);
    if state.dataset(&plan.job)?.is_some_and(|own| own.dataset != output) {
        return Ok(Vec::new());
    }
    let serves = |name: &str| project.jobs.get(name).is_some_and(|plan| output_of(plan) == output);
    state.earlier_names(&plan.job, &output, &serves)
}

/// What is known of a job's dataset, under whatever name; none before its first run.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn dataset_of(state: &State, project: &Project, plan: &Plan) -> Result<Option<Dataset>> {
    state.dataset_under(&plan.job, &names_of(state, project, plan)?)
}

/// The table that a job serves by its specs of today, as far as it is known; none when its record is of another output.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn served(state: &State, project: &Project, plan: &Plan) -> Result<Option<Dataset>> {
    Ok(dataset_of(state, project, plan)?.filter(|known| known.dataset == output_of(plan)))
}

/// What has become of a job's scheduled instants, under whatever name.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn scheduled_of(state: &State, project: &Project, plan: &Plan) -> Result<Scheduled> {
    state.scheduled_under(&plan.job, &names_of(state, project, plan)?)
}

/// The last sweep of a job's dataset, under whatever name.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn sweeps_of(state: &State, project: &Project, plan: &Plan) -> Result<SweepRecord> {
    state.sweeps_under(&plan.job, &names_of(state, project, plan)?)
}

/// Tables that are published and that no job of the specs serves: no request is applied to them.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn without_job(state: &State, project: &Project) -> Result<Vec<Dataset>> {
    let serves = |plan: &Plan| Ok(served(state, project, plan)?.map(|known| known.dataset));
    let served = project.jobs.values().map(serves).collect::<Result<Vec<Option<String>>>>()?;
    let gone = |found: &Dataset| found.current.is_some() && !served.contains(&Some(found.dataset.clone()));
    Ok(state.tables()?.into_values().filter(gone).collect())
}

/// What is said of such a table wherever it is met.
pub fn complaint(dataset: &Dataset) -> Error {
    Error::new(Code::OutputChanged, format!("{} is served by no job any more (the last one was {})", dataset.dataset, dataset.job)).help(format!(
        "no request, no retention and no removal reaches it: bring the job back (under any name, with the same output), \
         or call `tamis dataset retire {} --remove --reason …`, which removes all its bytes for good",
        dataset.dataset
    ))
}

/// A dataset that is published.
pub(crate) struct PublishedDataset<'a> {
    /// Name of the job that published it last.
    pub(crate) job: String,
    /// The purpose it is for.
    pub(crate) purpose: String,
    /// The job's name and its earlier ones.
    pub(crate) names: Vec<String>,
    /// None when the job is gone from the specs.
    pub(crate) plan: Option<&'a Plan>,
    /// What is known of it.
    pub(crate) dataset: Dataset,
}

impl PublishedDataset<'_> {
    /// Whether a request has anything to do with it: with a table that was retired only one that was done by that.
    pub(crate) fn counts(&self, standing: &EntryStatus) -> bool {
        self.dataset.current.is_some() || matches!(standing.state, Come::Removed | Come::AwaitingLifecycle)
    }
}

/// Returns every name that a job has had, with that of today.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn all_names(state: &State, project: &Project, plan: &Plan) -> Result<Vec<String>> {
    let mut names = names_of(state, project, plan)?;
    names.push(plan.job.clone());
    Ok(names)
}

/// Every dataset that is published, also of jobs that are gone from the specs, by job, then those that were retired.
///
/// # Errors
/// Storage and evidence errors of the state.
pub(crate) fn published<'a>(state: &State, project: &'a Project) -> Result<Vec<PublishedDataset<'a>>> {
    let mut found = Vec::new();
    for plan in project.jobs.values() {
        let names = all_names(state, project, plan)?;
        let known = served(state, project, plan)?.filter(|dataset| dataset.current.is_some());
        let of = |dataset| PublishedDataset {
            job: plan.job.clone(),
            purpose: plan.purpose.name.clone(),
            names,
            plan: Some(plan),
            dataset,
        };
        found.extend(known.map(of));
    }
    for dataset in without_job(state, project)? {
        let Some(current) = &dataset.current else { continue };
        let purpose = state.manifest(&current.run, current.attempt, &current.manifest)?.purpose;
        let (job, names) = (dataset.job.clone(), vec![dataset.job.clone()]);
        found.push(PublishedDataset { job, purpose, names, plan: None, dataset });
    }
    for (output, dataset) in state.tables()? {
        let Some(retired) = dataset.retired.as_ref().filter(|_| dataset.current.is_none()) else { continue };
        let plan = project.jobs.values().find(|plan| output_of(plan) == output);
        let (job, names, purpose) = (dataset.job.clone(), vec![dataset.job.clone()], retired.purpose.clone());
        found.push(PublishedDataset { job, purpose, names, plan, dataset });
    }
    Ok(found)
}
