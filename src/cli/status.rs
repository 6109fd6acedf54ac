//! `tamis status`: how each job stands, how far requests have come, and up to which of them each dataset is clean.
//! Must not know any stage.

use super::lines::Lines;
use super::settings::Settings;
use super::{due, render};
use crate::daemon::{JobStatus, NoJob};
use crate::error::{Error, Result};
use crate::run::aside::{self, Sighted};
use crate::run::{DatasetStanding, ForeignTable, LeftAside, OpenRequest, Standings, foreign, standing};
use crate::{daemon, policy};

/// Open requests named unless all are asked for.
const NAMED: usize = 20;

/// The whole answer, as `--json` gives it.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(super) struct Status {
    /// Version of this schema.
    schema: &'static str,
    /// How each job stands, by name.
    jobs: Vec<JobStatus>,
    /// Tables that are published and that no job serves.
    no_job: Vec<NoJob>,
    /// Tables that another program has written to.
    foreign: Vec<ForeignTable>,
    /// How far requests have come; none without the identity key.
    requests: Option<Standings>,
    /// Why that cannot be told.
    requests_stop: Option<String>,
    /// What lists and inputs leave aside though it looks like what is meant.
    aside: Vec<LeftAside>,
    /// What lists and inputs mean and cannot read.
    unseen: Vec<String>,
}

/// Jobs are told whatever happens; requests need the identity key, and where that cannot be had the reason is told.
///
/// # Errors
/// Policy errors for specs and state, storage errors.
pub(super) fn status(settings: &Settings, all: bool, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let roots = settings.open(&project)?;
    let state = settings.state(&project)?;
    let jobs = daemon::status(&project, &roots, &state, settings.now)?;
    let no_job = daemon::without_job(&project, &state)?;
    let (foreign, unread) = foreign::foreign(&project, &roots, &state)?;
    let standings = standing::standings(&settings.subject_call(), if all { usize::MAX } else { NAMED });
    let sighted = aside::survey(&project, &roots);
    if json {
        let Sighted { aside, unseen } = sighted;
        let (requests, requests_stop) = match standings {
            Ok(standings) => (Some(standings), None),
            Err(error) => (None, Some(error.message().to_owned())),
        };
        return render::json(&Status {
            schema: "tamis-status/1",
            jobs,
            no_job,
            foreign,
            requests,
            requests_stop,
            aside,
            unseen,
        });
    }
    let tables = without_job(&no_job) + &written_to(&foreign, &unread);
    Ok(due::status(&jobs) + &tables + &said(standings) + &seen(&sighted))
}

/// What was found where lists and inputs are, apart from what they read.
pub(super) fn seen(sighted: &Sighted) -> String {
    let unseen = sighted.unseen.iter().map(|unseen| format!("CANNOT BE READ  {unseen}\n"));
    unseen.chain(sighted.aside.iter().map(|aside| format!("{aside}\n"))).collect()
}

fn without_job(tables: &[NoJob]) -> String {
    let mut out = String::new();
    for table in tables {
        out.line(format_args!("NO JOB  {}\n  to do: {}", table.cause, table.to_do));
    }
    out
}

fn written_to(foreign: &[ForeignTable], unseen: &[String]) -> String {
    let mut out = String::new();
    for table in foreign {
        out.line(format_args!("{}", table.line()));
        if let Some(to_do) = &table.to_do {
            out.line(format_args!("  to do: {to_do}"));
        }
    }
    unseen.iter().for_each(|said| {
        out.line(format_args!("{said}"));
    });
    out
}

fn said(standings: Result<Standings, Error>) -> String {
    let mut out = String::new();
    let standings = match standings {
        Ok(standings) => standings,
        Err(error) => return format!("requests: {error}\n"),
    };
    standings.datasets.iter().for_each(|standing| dataset(&mut out, standing));
    out.push_str("requests\n");
    if standings.counts.is_empty() {
        out.push_str("  none\n");
    }
    for (word, count) in &standings.counts {
        out.line(format_args!("  {word:<20} {count}"));
    }
    if standings.overdue > 0 {
        out.line(format_args!("  OVERDUE              {}", standings.overdue));
    }
    standings.open.iter().for_each(|request| open(&mut out, request));
    if standings.more > 0 {
        out.line(format_args!("  and {} more: --all", standings.more));
    }
    for lift in &standings.idle_lifts {
        out.line(format_args!("  {} (lift, {})  LIFTS NOTHING: {}", lift.request, lift.list, lift.why));
    }
    out
}

fn dataset(out: &mut String, standing: &DatasetStanding) {
    let mark = |at: Option<crate::clock::Instant>| at.map_or("none yet".to_string(), |at| format!("up to {at}"));
    out.line(format_args!("{}  tokens of epoch {}", standing.dataset, standing.epoch));
    out.line(format_args!("  requests applied {}, removed {}", mark(standing.applied), mark(standing.removed)));
    if standing.no_job {
        out.line(format_args!("  of no job any more ({}): no run and no sweep looks at it", standing.job));
    }
    if standing.held {
        out.push_str("  a legal hold is in force: files that it concerns are not removed (R34)\n");
    }
    if standing.waiting > 0 {
        out.line(format_args!("  {} files of earlier versions wait for removal", standing.waiting));
    }
    if let Some(until) = standing.kept_until {
        out.line(format_args!("  the store protects deleted bytes until {until}"));
    }
    for column in &standing.raw {
        out.line(format_args!("  {}", render::said_of_raw(column)));
    }
    for drift in &standing.drift {
        out.line(format_args!("  drift: {} for {} day(s)", render::column(&drift.column), drift.days));
    }
    for lost in &standing.lost {
        let column = render::column(&lost.column);
        out.line(format_args!("  drift: {column} listed and missing for {} day(s)", lost.days));
    }
}

fn open(out: &mut String, request: &OpenRequest) {
    let left = match request.days_left {
        late if late < 0 => format!("{} day(s) OVERDUE", -late),
        days => format!("{days} day(s) left"),
    };
    let states: Vec<String> = request.states.iter().map(|(job, state)| format!("{job} {state}")).collect();
    out.line(format_args!(
        "  {} ({}, {})  {}, {left}  [{}]",
        request.request,
        request.effect,
        request.list,
        request.state,
        states.join(", ")
    ));
    request.note.iter().for_each(|note| out.line(format_args!("    {note}")));
}
