//! How each job stands: last good version, next run, last refusal and what to do about it, overdue or not. Read from
//! `state` and the names of request files.

use super::due::{Due, JobKnown, due, overdue};
use super::sweeps::DatasetKnown;
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::job;
use crate::policy::{Plan, Project};
use crate::state::{Dataset, RefusedRun, RequestsMet, State};
use crate::store::Root;
use crate::sweep;
use std::collections::BTreeMap;

/// What `status` says of one job.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct JobStatus {
    /// Name of the job, as its spec has it.
    pub job: String,
    /// The five fields; none for a job that runs by hand.
    pub cron: Option<String>,
    /// The zone that the schedule is written in.
    pub timezone: Option<String>,
    /// Whether the schedule is suspended.
    pub suspended: bool,
    /// The last good version.
    pub version: Option<Version>,
    /// The scheduled time that is due now.
    pub due: Option<Instant>,
    /// The next scheduled time.
    pub next: Option<Instant>,
    /// The same by the clock of its zone.
    pub next_local: Option<String>,
    /// Who runs it just now.
    pub running: Option<String>,
    /// The last refusal, when nothing was published since.
    pub refused: Option<Refused>,
    /// Whether the newest instant that should have been applied has not been.
    pub overdue: bool,
    /// How sweeps of its dataset went.
    pub sweep: Sweeps,
}

/// How the sweeps of a dataset stand.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Sweeps {
    /// When the dataset was last swept to the end.
    pub last: Option<Instant>,
    /// Whether the next call of `run --due` sweeps it.
    pub due: bool,
    /// What stopped the last attempt.
    pub refused: Option<Refused>,
    /// Whether a sweep was refused, or has not been for too long.
    pub overdue: bool,
    /// Whether a request is past its deadline and, as of the last sweep, not done here.
    pub request_overdue: bool,
}

/// The version that readers see.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Version {
    /// Version of the table.
    pub version: u64,
    /// The run that made it.
    pub run: String,
    /// Instant the rules were applied at.
    pub as_of: Instant,
    /// When it was published.
    pub at: Option<Instant>,
    /// Rows that are published in it.
    pub rows: u64,
    /// Rows of the version before it, when there was one.
    pub rows_before: Option<u64>,
}

/// A refusal and its way out.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Refused {
    /// Instant of the run.
    pub as_of: Instant,
    /// When the refusal was written down.
    pub at: Instant,
    /// Exit code of the refused run or sweep.
    pub exit: u8,
    /// Name of the error (`docs/errors.md`); refusals that an earlier build wrote down have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What stopped it, without a value of the data.
    pub cause: String,
    /// What an operator does about it.
    pub to_do: String,
}

impl Refused {
    /// Returns exit code and name of the error, as people read them.
    pub fn which(&self) -> String {
        let code = self.code.as_ref().map_or(String::new(), |code| format!(" [{code}]"));
        format!("exit {}{code}", self.exit)
    }
}

/// A table that is published and that no job of the specs serves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct NoJob {
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// The job that it was of.
    pub job: String,
    /// The version that was published last.
    pub version: Option<u64>,
    /// Requests taken in up to then are applied to it; none after that.
    pub applied: Option<Instant>,
    /// Name of the error that says so (`docs/errors.md`).
    pub code: String,
    /// What is wrong with it, in one sentence.
    pub cause: String,
    /// The two ways to put it right.
    pub to_do: String,
}

/// All jobs, by name. Lists are asked for their files where they can be, none is read.
///
/// # Errors
/// Storage and evidence errors.
pub fn status(
    project: &Project,
    roots: &BTreeMap<String, Root>,
    state: &State,
    now: Instant,
) -> Result<Vec<JobStatus>> {
    let entries = state.ledger().entries()?;
    let met = sweep::requests_met(project, roots, state).ok();
    let job = |plan: &Plan| {
        let sweep = sweeps(project, state, plan, met.clone(), now)?;
        job(&JobLookup { plan, project, state, names: job::names_of(state, project, plan)? }, &entries, sweep, now)
    };
    project.jobs.values().map(job).collect()
}

/// Tables that are published and that no job serves: they are complained of until a job comes back or they are retired.
///
/// # Errors
/// Storage and evidence errors.
pub fn without_job(project: &Project, state: &State) -> Result<Vec<NoJob>> {
    let told = |dataset: &Dataset| {
        let complaint = job::complaint(dataset);
        NoJob {
            dataset: dataset.dataset.clone(),
            job: dataset.job.clone(),
            version: dataset.current.as_ref().map(|current| current.version),
            applied: dataset.applied,
            code: complaint.code().name().into(),
            cause: complaint.message().into(),
            to_do: complaint.help_text().unwrap_or_default().into(),
        }
    };
    Ok(job::without_job(state, project)?.iter().map(told).collect())
}

/// A job and where it is looked up.
struct JobLookup<'a> {
    plan: &'a Plan,
    project: &'a Project,
    state: &'a State,
    /// Earlier names of it.
    names: Vec<String>,
}

fn sweeps(project: &Project, state: &State, plan: &Plan, met: Option<RequestsMet>, now: Instant) -> Result<Sweeps> {
    let kept = DatasetKnown::read(project, state, plan, met)?;
    Ok(Sweeps {
        last: kept.swept.at,
        due: kept.wanted(now).is_some(),
        overdue: kept.overdue(now),
        request_overdue: kept.request_overdue(now),
        refused: kept.swept.refusal.map(kept_refusal),
    })
}

fn kept_refusal(refusal: RefusedRun) -> Refused {
    Refused {
        as_of: refusal.due,
        at: refusal.at,
        exit: refusal.exit,
        code: refusal.code,
        cause: refusal.cause,
        to_do: refusal.help.unwrap_or_else(|| to_do(refusal.exit).into()),
    }
}

fn job(of: &JobLookup<'_>, entries: &[LedgerEntry], sweep: Sweeps, now: Instant) -> Result<JobStatus> {
    let JobLookup { plan, project, state, .. } = of;
    let known = JobKnown::read(project, state, plan)?;
    let running = state.holder(&plan.job, now)?.map(|holder| holder.holder);
    let schedule = plan.schedule.as_ref();
    let active = schedule.filter(|schedule| !schedule.suspend);
    let next = active.and_then(|schedule| schedule.next(now));
    let version = version(of, entries)?;
    let since = version.as_ref().and_then(|version| version.at);
    Ok(JobStatus {
        job: plan.job.clone(),
        cron: schedule.map(|schedule| schedule.cron.clone()),
        timezone: schedule.map(|schedule| schedule.timezone.clone()),
        suspended: schedule.is_some_and(|schedule| schedule.suspend),
        due: active.and_then(|schedule| match due(schedule, &known, now) {
            Due::Run(instant, _) => Some(instant),
            _ => None,
        }),
        next,
        next_local: active.and_then(|schedule| Some(schedule.local(next?))),
        overdue: schedule.is_some_and(|schedule| overdue(schedule, &known, running.is_some(), now)),
        running,
        refused: refusal(of, entries)?.filter(|refused| since.is_none_or(|since| refused.at > since)),
        version,
        sweep,
    })
}

fn version(of: &JobLookup<'_>, entries: &[LedgerEntry]) -> Result<Option<Version>> {
    let dataset = job::served(of.state, of.project, of.plan)?;
    let Some(current) = dataset.and_then(|dataset| dataset.current) else { return Ok(None) };
    let own = |job: &String| *job == of.plan.job || of.names.contains(job);
    let made = |entry: &&LedgerEntry| match &entry.event {
        LedgerEvent::Published { job, .. } | LedgerEvent::Swept { job, .. } => own(job),
        _ => false,
    };
    let mut newest_first = entries.iter().rev().filter(made).skip_while(|entry| entry.run != current.run);
    let at = newest_first.next().map(|entry| entry.at);
    let rows_before = newest_first.find_map(|entry| match entry.event {
        LedgerEvent::Published { rows_out, version, .. } | LedgerEvent::Swept { rows_out, version, .. } => {
            (version < current.version).then_some(rows_out)
        }
        _ => None,
    });
    let (version, as_of, rows) = (current.version, current.as_of, current.rows);
    Ok(Some(Version { version, as_of, at, rows, rows_before, run: current.run }))
}

/// The newer of what the ledger and the schedule say.
fn refusal(of: &JobLookup<'_>, entries: &[LedgerEntry]) -> Result<Option<Refused>> {
    let own = |job: &String| *job == of.plan.job || of.names.contains(job);
    let told = entries.iter().rev().find_map(|entry| match &entry.event {
        LedgerEvent::Refused { job, as_of, exit, code, cause, plan: digest } if own(job) => {
            let accept = digest
                .as_ref()
                .map(|digest| format!("`tamis accept {job} {digest} --reason …` to let exactly that through"));
            let to_do = accept.unwrap_or_else(|| to_do(*exit).into());
            let (as_of, at, exit) = (*as_of, entry.at, *exit);
            Some(Refused { as_of, at, exit, code: code.clone(), cause: cause.clone(), to_do })
        }
        _ => None,
    });
    let kept = of.state.scheduled_under(&of.plan.job, &of.names)?.refusal.map(kept_refusal);
    Ok(kept.into_iter().chain(told).max_by_key(|refused| refused.at))
}

/// Says what to do after an exit code, where the refusal itself did not.
fn to_do(exit: u8) -> &'static str {
    match exit {
        2 => "correct the specs, keys or state: `tamis check` says what is wrong",
        3 => "look at the input that was refused; the next run reads the next export",
        4 => "look at `tamis plan`, then change the job or the limit, accept the plan, or sign off what it does now",
        5 => "run the job again: it finds out whether the version is there",
        70 => "report the fault of tamis; the next run finds out what is there",
        6 => "compare evidence and tables: `tamis verify`",
        _ => "nothing: tamis tries again by itself",
    }
}
