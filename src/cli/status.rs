//! `tamis status`: the verdict on all of it, how each job stands, how far requests have come, and up to which of them each
//! dataset is clean.
//! Must not know any stage.

use super::args::StatusArgs;
use super::columns;
use super::corrections;
use super::lines::Lines;
use super::settings::Settings;
use super::verdict::{TerminalVerdict, coloured, counted};
use super::{due, refusal, render};
use crate::clock::{Instant, zones_version};
use crate::daemon::{AuditStanding, JobStatus, NoJob};
use crate::error::{Error, Result};
use crate::job::aside::{self, Sighted};
use crate::job::{LeftAside, UntoldRefusal, refusals};
use crate::policy::REVIEW_DAYS;
use crate::questions::{
    CorrectionStanding, DatasetStanding, ForeignTable, Keeper, OpenRequest, RecipientStanding, Standings, foreign,
    recipients, request_status,
};
use crate::requests::RequestStatus;
use crate::{daemon, policy, questions};

/// Open requests named unless all are asked for.
const NAMED: usize = 20;
/// Ids of several persons that are named.
const SHARED_IDS_TOLD: usize = 20;

/// The whole answer, as `--json` gives it.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(super) struct Status {
    /// Version of this schema.
    schema: &'static str,
    /// Version of the bundled time zone data that schedules and dates are read by.
    time_zones: &'static str,
    /// How each job stands, by name.
    jobs: Vec<JobStatus>,
    /// Tables that are published and that no job serves.
    no_job: Vec<NoJob>,
    /// Tables that another program has written to.
    foreign: Vec<ForeignTable>,
    /// Recipients of the policy, by name.
    recipients: Vec<RecipientStanding>,
    /// Corrections in each dataset, those first that somebody has to look at.
    corrections: Vec<CorrectionStanding>,
    /// Refused requests of which nobody has told the person (Art. 12(4) GDPR).
    untold_refusals: Vec<UntoldRefusal>,
    /// How audits by schedule stand; none without a schedule.
    audit: Option<AuditStanding>,
    /// How far requests have come; none without the identity key.
    requests: Option<Standings>,
    /// Why that cannot be told.
    requests_stop: Option<String>,
    /// What lists and inputs leave aside though it looks like what is meant.
    aside: Vec<LeftAside>,
    /// What lists and inputs mean and cannot read.
    unseen: Vec<String>,
}

/// Everything that the text is made of.
struct StatusFound {
    jobs: Vec<JobStatus>,
    no_job: Vec<NoJob>,
    foreign: Vec<ForeignTable>,
    /// Tables whose log cannot be read, in words.
    unread: Vec<String>,
    /// Jobs are told whatever happens; requests need the identity key, and where that cannot be had the reason is told.
    standings: Result<Standings, Error>,
    sighted: Sighted,
    recipients: Vec<RecipientStanding>,
    corrections: Vec<CorrectionStanding>,
    refusals: Vec<UntoldRefusal>,
    audit: Option<AuditStanding>,
}

/// Returns the answer, and the exit code: 1 with `--check` when something needs attention.
///
/// # Errors
/// Policy errors for specs and state, storage errors.
pub(super) fn status(settings: &Settings, args: &StatusArgs, json: bool) -> Result<(String, u8)> {
    let (project, register) = policy::load_with_register(&settings.dir, &settings.roots)?;
    let roots = settings.open(&project)?;
    let state = settings.state(&project)?;
    let (foreign, unread) = foreign::foreign(&project, &roots, &state)?;
    let found = StatusFound {
        jobs: daemon::status(&project, &roots, &state, settings.now)?,
        no_job: daemon::without_job(&project, &state)?,
        foreign,
        unread,
        standings: request_status::standings(&settings.subject_call(), if args.all { usize::MAX } else { NAMED }),
        sighted: aside::survey(&project, &roots),
        recipients: recipients::recipients(&project, &register, &state, settings.now)?,
        corrections: questions::corrections::standings(&state, &project)?,
        refusals: refusals::untold(&state.ledger().entries()?, &project, settings.now),
        audit: daemon::audits(&project, &state, settings.now)?,
    };
    let exceptions = exceptions(&found);
    let exit = u8::from(args.check && !exceptions.is_empty());
    let text = match (json, args.verbose || args.all) {
        (true, _) => render::json(&as_data(found))?,
        (false, whole) => {
            let first = headline(&found, exceptions.len());
            let first = TerminalVerdict::attention(!exceptions.is_empty()).line(&first, coloured(&std::io::stdout()));
            first + &if whole { in_full(&found, &exceptions) } else { in_short(&found, &exceptions) }
        }
    };
    Ok((text, exit))
}

fn as_data(found: StatusFound) -> Status {
    let (requests, requests_stop) = match found.standings {
        Ok(standings) => (Some(standings), None),
        Err(error) => (None, Some(error.message().to_owned())),
    };
    let StatusFound { jobs, no_job, foreign, sighted, recipients, corrections, refusals, audit, .. } = found;
    let Sighted { aside, unseen } = sighted;
    Status {
        schema: "tamis-status/1",
        time_zones: zones_version(),
        jobs,
        no_job,
        foreign,
        recipients,
        corrections,
        untold_refusals: refusals,
        audit,
        requests,
        requests_stop,
        aside,
        unseen,
    }
}

/// Returns the figures of the first line.
fn headline(found: &StatusFound, exceptions: usize) -> String {
    let published = found.jobs.iter().filter(|job| job.version.is_some()).count();
    let mut said = vec![format!("{published} of {} published", counted(found.jobs.len() as u64, "job"))];
    let late = found.jobs.iter().filter(|job| job.overdue || job.sweep.overdue).count() as u64;
    if late > 0 {
        said.push(format!("{} late", counted(late, "job")));
    }
    if let Ok(standings) = &found.standings {
        let drift: usize = standings.datasets.iter().map(|dataset| dataset.drift.len()).sum();
        let overdue = (standings.overdue, counted(standings.overdue, "request") + " overdue");
        let drift = (drift as u64, counted(drift as u64, "undeclared column"));
        said.extend([overdue, drift].into_iter().filter(|(count, _)| *count > 0).map(|(_, said)| said));
    }
    if exceptions > 0 {
        said.push(format!("{} to look at", counted(exceptions as u64, "thing")));
    }
    said.join(" · ")
}

/// Returns one row for each job, and what somebody has to look at.
fn in_short(found: &StatusFound, exceptions: &[String]) -> String {
    let mut out = String::new();
    let rows: Vec<[String; 6]> = found.jobs.iter().map(job_row).collect();
    render::table(&mut out, ["JOB", "PUBLISHED", "ROWS", "CHANGE", "SWEPT", "NEXT"], &rows);
    out.push_str(&to_look_at(exceptions));
    found.sighted.aside.iter().for_each(|aside| out.line(format_args!("{aside}")));
    out.line(format_args!("Each job, dataset and request in full: --verbose"));
    out
}

/// Returns what somebody has to look at, a line for each.
fn to_look_at(exceptions: &[String]) -> String {
    let mut out = String::new();
    exceptions.iter().for_each(|said| out.line(format_args!("! {said}")));
    out
}

fn job_row(job: &JobStatus) -> [String; 6] {
    let at = |at: Option<Instant>| at.map_or("never".into(), |at| at.to_seconds().to_string());
    let last = match (&job.version, &job.refused) {
        (_, Some(refused)) => format!("refused {}, {}", refused.at.to_seconds(), refused.which()),
        (Some(version), None) => format!("ok {}", at(version.at)),
        (None, None) => "never".into(),
    };
    let version = job.version.as_ref();
    let rows = version.map_or(String::new(), |version| version.rows.to_string());
    let before = version.and_then(|version| Some((version.rows_before?, version.rows)));
    let change = before.map_or(String::new(), |(before, rows)| match before {
        0 => String::new(),
        before => format!("{:+.1} %", (rows as f64 - before as f64) * 100.0 / before as f64),
    });
    let next = match (&job.running, job.suspended, &job.next_local) {
        (Some(_), ..) => "running".into(),
        (None, true, _) => "suspended".into(),
        (None, false, Some(next)) => next.clone(),
        (None, false, None) => "by hand".into(),
    };
    [job.job.clone(), last, rows, change, at(job.sweep.last), next]
}

/// Returns what somebody has to look at, with what to do.
fn exceptions(found: &StatusFound) -> Vec<String> {
    let mut out: Vec<String> = found.jobs.iter().flat_map(of_job).collect();
    out.extend(found.no_job.iter().map(|table| format!("{}: {}", table.cause, table.to_do)));
    out.extend(found.foreign.iter().map(|table| match &table.to_do {
        Some(to_do) => format!("{}: {to_do}", table.line()),
        None => table.line(),
    }));
    out.extend(found.unread.iter().cloned());
    out.extend(found.sighted.unseen.iter().map(|unseen| format!("cannot be read: {unseen}")));
    out.extend(found.recipients.iter().filter_map(of_recipient));
    out.extend(found.recipients.iter().filter_map(of_notices));
    out.extend(found.corrections.iter().filter_map(corrections::standing));
    out.extend(found.refusals.iter().map(refusal::untold));
    out.extend(found.audit.iter().filter(|audit| audit.wants_attention()).map(of_audit));
    match &found.standings {
        Ok(standings) => out.extend(of_requests(standings)),
        Err(error) => out.push(format!("requests: {error}")),
    }
    out
}

fn of_audit(of: &AuditStanding) -> String {
    match &of.last {
        _ if of.overdue => "the audit is OVERDUE: call `tamis run --due` or `tamis serve`".into(),
        Some(at) => format!(
            "the audit of {} found {} that do not hold, {} not checked ({}): `tamis audit` says where, and what to do",
            at.to_seconds(),
            counted(of.errors, "thing"),
            of.not_checked,
            of.found.join(", ")
        ),
        None => "nothing was audited yet".into(),
    }
}

fn of_recipient(of: &RecipientStanding) -> Option<String> {
    let (day, left) = of.review_by.as_ref().zip(of.days_left).filter(|(_, left)| *left <= REVIEW_DAYS)?;
    let (name, to_do) =
        (&of.recipient, "look at contract, country and transfer, and write the next day into review_by");
    let refused = match of.jobs.as_slice() {
        [] => String::new(),
        jobs => format!(", {} is refused", jobs.join(", ")),
    };
    Some(match left {
        left if left < 0 => format!("recipient {name}: its review was due by {day}{refused}: {to_do}"),
        left => format!("recipient {name}: its review is due by {day}, {} left: {to_do}", days(left.into())),
    })
}

fn of_notices(of: &RecipientStanding) -> Option<String> {
    let open = of.notices?;
    let (name, tokens) = (&of.recipient, counted(open.tokens, "token"));
    let due = open.due.map_or(String::new(), |due| format!(", due {}", due.to_seconds()));
    let late = if open.overdue { " OVERDUE" } else { "" };
    let to_do = match open.told {
        false => format!("`tamis recipient notices {name} --out FILE`, and send it"),
        true => format!("`tamis recipient acknowledge {name} --up-to {}` once it answers", open.up_to),
    };
    Some(format!("recipient {name}: not acknowledged{late}: {tokens}{due}: {to_do}"))
}

fn of_job(job: &JobStatus) -> Vec<String> {
    let mut out = Vec::new();
    let name = &job.job;
    if job.overdue {
        out.push(format!("{name} is OVERDUE: call `tamis run --due` or `tamis serve`, or look at the refusal"));
    }
    if job.sweep.overdue {
        out.push(format!("{name}: its sweep is OVERDUE: call `tamis sweep`"));
    }
    if job.sweep.request_overdue {
        out.push(format!("{name}: a request is OVERDUE"));
    }
    for (what, refused) in [("run", &job.refused), ("sweep", &job.sweep.refused)] {
        let Some(refused) = refused else { continue };
        let to_do = refused.to_do.replace('\n', "; ");
        out.push(format!("{name}: the {what} was refused with {}: {}: {to_do}", refused.which(), refused.cause));
    }
    out
}

fn of_requests(standings: &Standings) -> Vec<String> {
    let mut out = Vec::new();
    for request in standings.open.iter().filter(|request| request.wants_attention()) {
        let RequestWords { name, time } = RequestWords::of(request);
        let note = request.note.as_ref().map_or(String::new(), |note| format!("; {note}"));
        out.push(format!("{name}, {time}: {}{note}", in_words(request.state)));
    }
    if standings.more > 0 {
        out.push(format!("{} more are not done: --all", counted(standings.more, "request")));
    }
    for lift in &standings.idle_lifts {
        out.push(format!("{} (lift, {}) lifts nothing: {}", lift.request, lift.list, lift.why));
    }
    for keeper in standings.keepers.iter().filter(|keeper| keeper.review_overdue) {
        let name = keeper_name(keeper);
        out.push(format!(
            "{name}: its review was due; end it with `tamis subject lift`, or store it again with a later day"
        ));
    }
    for dataset in &standings.datasets {
        let name = &dataset.dataset;
        out.extend(columns::of_dataset(dataset).map(|said| format!("{name}: {said}")));
        out.extend(dataset.lost.iter().map(|lost| {
            let (days, column) = (days(lost.days), columns::column(&lost.column));
            format!("{name}: for {days}, {column} is declared but missing from the export")
        }));
        out.extend(dataset.raw.iter().map(|column| format!("{name}: {}", render::said_of_raw(column))));
    }
    out
}

/// Returns a status that somebody has to look at, with what to do.
fn in_words(status: RequestStatus) -> String {
    match status {
        RequestStatus::Unmatched => "matches nobody; check its values, then call `tamis subject find`".into(),
        RequestStatus::NeedsReview => "needs a review; `tamis subject find` shows why".into(),
        RequestStatus::Received => "not applied yet; call `tamis sweep`".into(),
        RequestStatus::Applied => "applied, not removed yet; call `tamis sweep` once `grace` is over".into(),
        other => format!("{other}; call `tamis sweep`"),
    }
}

fn days(count: i64) -> String {
    counted(count.max(0) as u64, "day")
}

/// A request in words.
struct RequestWords {
    name: String,
    time: String,
}

impl RequestWords {
    fn of(request: &OpenRequest) -> RequestWords {
        let time = match request.days_left {
            late if late < 0 => format!("{} OVERDUE", days(-late)),
            left => format!("{} left", days(left)),
        };
        RequestWords { name: format!("{} ({}, {})", request.request, request.effect, request.list), time }
    }
}

/// Returns everything that is known, what somebody has to look at first.
fn in_full(found: &StatusFound, exceptions: &[String]) -> String {
    let tables = without_job(&found.no_job) + &written_to(&found.foreign, &found.unread);
    to_look_at(exceptions)
        + &due::status(&found.jobs)
        + &audit_line(found.audit.as_ref())
        + &tables
        + &said(&found.standings)
        + &seen(&found.sighted)
}

fn audit_line(audit: Option<&AuditStanding>) -> String {
    let Some(of) = audit else { return String::new() };
    let mut out = String::new();
    match of.last {
        Some(at) => out.line(format_args!(
            "audited {}: {} do not hold, {} to look at, {} not checked",
            at.to_seconds(),
            of.errors,
            of.warnings,
            of.not_checked
        )),
        None => out.push_str("not audited yet\n"),
    }
    out
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

fn said(standings: &Result<Standings, Error>) -> String {
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
    for id in standings.shared_ids.iter().take(SHARED_IDS_TOLD) {
        out.line(format_args!(
            "  {id}  IS THE ID OF SEVERAL PERSONS, as far as is known: a lift ends none of them (R54)"
        ));
    }
    if standings.shared_ids.len() > SHARED_IDS_TOLD {
        out.line(format_args!("  and {} more such ids: --json", standings.shared_ids.len() - SHARED_IDS_TOLD));
    }
    standings.keepers.iter().for_each(|of| keeper(&mut out, of));
    out
}

fn keeper_name(keeper: &Keeper) -> String {
    let ground = keeper.ground.as_ref().map_or(String::new(), |ground| format!(" on ground {ground}"));
    format!("{} ({}{ground}, {})", keeper.request, keeper.effect, keeper.list)
}

fn keeper(out: &mut String, keeper: &Keeper) {
    let day = |what: &str, at: Option<Instant>| at.map_or(String::new(), |at| format!(", {what} {}", at.to_seconds()));
    let late = if keeper.review_overdue { " (OVERDUE)" } else { "" };
    let (until, review) = (day("until", keeper.until), day("to be looked at by", keeper.review_by));
    out.line(format_args!("  {} keeps bytes{until}{review}{late}", keeper_name(keeper)));
    if !keeper.waiting.is_empty() {
        out.line(format_args!("    erasures that wait for it: {}", keeper.waiting.join(", ")));
    }
}

fn dataset(out: &mut String, standing: &DatasetStanding) {
    let mark = |at: Option<crate::clock::Instant>| {
        at.map_or("none yet".to_string(), |at| format!("up to {}", at.to_seconds()))
    };
    out.line(format_args!("{}  tokens of epoch {}", standing.dataset, standing.epoch));
    out.line(format_args!("  requests applied {}, removed {}", mark(standing.applied), mark(standing.removed)));
    if standing.no_job {
        out.line(format_args!(
            "  served by no job any more (the last one was {}): no run and no sweep looks at it",
            standing.job
        ));
    }
    if standing.held {
        out.push_str("  a hold, or a restriction that keeps bytes, is in force: files that it concerns are not removed (R34, R69)\n");
    }
    if standing.waiting > 0 {
        out.line(format_args!("  waiting for removal: {} of earlier versions", counted(standing.waiting, "file")));
    }
    if let Some(until) = standing.kept_until {
        out.line(format_args!("  the store protects deleted bytes until {until}"));
    }
    for column in &standing.raw {
        out.line(format_args!("  {}", render::said_of_raw(column)));
    }
    if let Some(said) = columns::of_dataset(standing) {
        out.line(format_args!("  not declared: {said}"));
    }
    for lost in &standing.lost {
        let column = columns::column(&lost.column);
        out.line(format_args!("  missing from the export: {column} for {}", days(lost.days)));
    }
}

fn open(out: &mut String, request: &OpenRequest) {
    let RequestWords { name, time } = RequestWords::of(request);
    let states: Vec<String> = request.states.iter().map(|(job, state)| format!("{job} {state}")).collect();
    out.line(format_args!("  {name}  {}, {time}  [{}]", request.state, states.join(", ")));
    request.note.iter().for_each(|note| out.line(format_args!("    {note}")));
}
