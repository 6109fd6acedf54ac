//! `run --due`, and the part of `check` and `status` that speaks of schedules.

use super::lines::Lines;
use super::render;
use super::settings::Settings;
use super::verdict::{TerminalVerdict, coloured, counted};
use crate::clock::Instant;
use crate::daemon::{self, Came, DueAttempt, JobStatus, Sweeps, Work};
use crate::error::{Code, Result};
use crate::monitor::Monitor;
use crate::policy::Project;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

const NEXT_RUNS: usize = 5;

/// Runs all due jobs and sweeps; a line for each, and the exit code that needs an operator most.
///
/// # Errors
/// Policy errors of the specs; what a job comes to is in its line.
pub fn run(settings: &Settings, host: &daemon::Host, json: bool, monitor: &dyn Monitor) -> Result<(String, u8)> {
    let project = Arc::new(crate::policy::load(&settings.dir, &settings.roots)?);
    let turns = daemon::run_due(host, &project, monitor);
    let exit = daemon::worst(&turns);
    if json {
        let told: Vec<_> = turns.iter().map(turn_json).collect();
        let all = serde_json::json!({ "schema": "tamis-due/1", "exit": exit, "turns": told });
        return Ok((render::json(&all)?, exit));
    }
    let coloured = coloured(&std::io::stdout());
    let lines: String = turns.iter().map(line).collect();
    Ok((headline(&turns, exit, coloured) + &lines + &aside(&turns), exit))
}

fn headline(turns: &[DueAttempt], exit: u8, coloured: bool) -> String {
    let (all, failed) = (turns.len(), turns.iter().filter(|turn| turn.exit() != 0).count());
    match (all, failed) {
        (0, _) => TerminalVerdict::Ok.line("nothing is due", coloured),
        (_, 0) => TerminalVerdict::Ok.line(&format!("{all} of {all} due runs and sweeps are done"), coloured),
        _ => TerminalVerdict::Stopped
            .line(&format!("{failed} of {all} due runs and sweeps were refused, exit {exit}"), coloured),
    }
}

fn line(turn: &DueAttempt) -> String {
    let mut out = String::new();
    out.line(format_args!("{}", turn.line()));
    for (at, line) in turn.help().iter().flat_map(|help| help.lines()).enumerate() {
        out.line(format_args!("  {}{line}", if at == 0 { "help: " } else { "" }));
    }
    out
}

/// What lists and inputs left aside, once each: a run and a sweep see the same lists.
fn aside(turns: &[DueAttempt]) -> String {
    let (mut out, mut told) = (String::new(), Vec::new());
    for aside in turns.iter().flat_map(|turn| &turn.aside) {
        if !told.contains(&aside) {
            out.line(format_args!("{aside}"));
            told.push(aside);
        }
    }
    out
}

fn turn_json(turn: &DueAttempt) -> serde_json::Value {
    let (came, cause, help) = match &turn.came {
        Came::NotDue(_) => ("not-due", None, None),
        Came::Published => ("published", None, None),
        Came::Swept { .. } => ("swept", None, None),
        Came::Audited { .. } => ("audited", None, None),
        Came::Elsewhere(_) => ("elsewhere", None, None),
        Came::GivenUp => ("missed", None, None),
        Came::Refused { cause, help, .. } => ("refused", Some(cause), help.as_ref()),
    };
    let code = turn.code().map(Code::name);
    let (rows, objects) = match turn.came {
        Came::Swept { rows, objects } => (Some(rows), Some(objects)),
        _ => (None, None),
    };
    let work = match turn.work {
        Work::Run => "run",
        Work::Sweep => "sweep",
        Work::Audit => "audit",
    };
    serde_json::json!({
        "job": turn.job, "work": work, "as_of": turn.instant, "came": came, "code": code, "exit": turn.exit(),
        "cause": cause, "help": help, "rows_removed": rows, "objects_removed": objects, "aside": turn.aside,
    })
}

/// The next runs of each job by its zone's clock and in UTC.
pub fn next_runs(project: &Project, now: Instant) -> String {
    let mut out = String::new();
    for plan in project.jobs.values() {
        let Some(schedule) = &plan.schedule else {
            out.line(format_args!("{}: by hand, no [schedule]", plan.job));
            continue;
        };
        let rests = if schedule.suspend { ", suspended" } else { "" };
        out.line(format_args!("{}: {} in {}{rests}", plan.job, schedule.cron, schedule.timezone));
        for instant in schedule.after(now).take(NEXT_RUNS) {
            out.line(format_args!("  {:<22}  {instant}", schedule.local(instant)));
        }
    }
    out
}

/// When a job runs next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextRuns {
    /// Name of the job.
    pub job: String,
    /// Its schedule, as written.
    pub cron: String,
    /// The zone in which the schedule counts.
    pub timezone: String,
    /// Whether the schedule is suspended.
    pub suspended: bool,
    /// The next scheduled times, the nearest first.
    pub next: Vec<NextRun>,
}

/// One scheduled time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextRun {
    /// The instant.
    pub utc: Instant,
    /// The same on the clocks of the schedule's zone.
    pub local: String,
}

/// Returns the next scheduled times of each job that has a schedule.
pub fn scheduled(project: &Project, now: Instant) -> Vec<NextRuns> {
    let told = |plan: &crate::policy::Plan| {
        let schedule = plan.schedule.as_ref()?;
        let next = schedule.after(now).take(NEXT_RUNS);
        Some(NextRuns {
            job: plan.job.clone(),
            cron: schedule.cron.clone(),
            timezone: schedule.timezone.clone(),
            suspended: schedule.suspend,
            next: next.map(|utc| NextRun { utc, local: schedule.local(utc) }).collect(),
        })
    };
    project.jobs.values().filter_map(told).collect()
}

/// Returns all that is known of each job, as text.
pub fn status(jobs: &[JobStatus]) -> String {
    let mut out = String::new();
    for job in jobs {
        let overdue = if job.overdue { "  OVERDUE" } else { "" };
        out.line(format_args!("{}{overdue}", job.job));
        match &job.version {
            Some(v) => {
                let at = v.at.map_or(String::new(), |at| format!(", published {}", at.to_seconds()));
                out.line(format_args!(
                    "  version {} as of {}{at}, {} (run {})",
                    v.version,
                    v.as_of,
                    counted(v.rows, "row"),
                    v.run
                ));
            }
            None => out.push_str("  no version yet\n"),
        }
        schedule_lines(&mut out, job);
        if let Some(refused) = &job.refused {
            out.line(format_args!(
                "  refused {} as of {}, {}: {}",
                refused.at.to_seconds(),
                refused.as_of,
                refused.which(),
                refused.cause
            ));
            for line in refused.to_do.lines() {
                out.line(format_args!("    to do: {line}"));
            }
        }
        sweep_lines(&mut out, &job.sweep);
    }
    out
}

fn sweep_lines(out: &mut String, sweep: &Sweeps) {
    let overdue = if sweep.overdue { "  SWEEP OVERDUE" } else { "" };
    let due = if sweep.due { ", due now" } else { "" };
    match sweep.last {
        Some(last) => out.line(format_args!("  swept {}{due}{overdue}", last.to_seconds())),
        None => out.line(format_args!("  not swept yet{due}{overdue}")),
    }
    if sweep.request_overdue {
        out.push_str("  REQUEST OVERDUE\n");
    }
    if let Some(refused) = &sweep.refused {
        out.line(format_args!("  sweep refused {}, {}: {}", refused.at.to_seconds(), refused.which(), refused.cause));
        for line in refused.to_do.lines() {
            out.line(format_args!("    to do: {line}"));
        }
    }
}

fn schedule_lines(out: &mut String, job: &JobStatus) {
    if let Some(holder) = &job.running {
        out.line(format_args!("  running: {holder}"));
    }
    let (Some(cron), Some(timezone)) = (&job.cron, &job.timezone) else {
        out.push_str("  runs by hand\n");
        return;
    };
    match (job.suspended, job.next, &job.next_local) {
        (true, ..) => out.line(format_args!("  {cron} in {timezone}, suspended")),
        (_, Some(next), Some(local)) => out.line(format_args!("  {cron} in {timezone}, next {local} = {next}")),
        _ => out.line(format_args!("  {cron} in {timezone}")),
    }
    if let Some(due) = job.due {
        out.line(format_args!("  due now: {due}"));
    }
}
