//! One attempt at what a job is due for, a run or a sweep: lease, work, and what became of it in `state`. The same for
//! `run --due` and for the daemon, on one host or several.

use super::due::{Due, JobKnown, Missed, due};
use super::line::NamedMonitor;
use super::sweeps::{DatasetKnown, SweepReason, sweep_as_of};
use crate::clock::{Clock, Instant};
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::{LedgerEvent, RunRef};
use crate::job::{self, Alone, Call, Caller, LeftAside};
use crate::monitor::{self, Monitor};
use crate::policy::{Plan, Project, Schedule};
use crate::run::{self, Ran};
use crate::state::{Claimant, End, RefusedRun, State, SweepEnd};
use crate::store::Root;
use crate::sweep::{self, DatasetSwept};
use crate::threads::guarded;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every run of this process has in common.
#[derive(Clone)]
pub struct Host {
    /// Tells what is due, and when an attempt began.
    pub clock: Arc<dyn Clock>,
    /// Name of this process, which no other one has.
    pub holder: String,
    /// All of a call but the job and its instant.
    pub call: Call,
}

/// What an attempt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// The run of a scheduled time.
    Run,
    /// A sweep of the job's dataset.
    Sweep,
    /// An audit of everything that is published.
    Audit,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// Nothing is due; when the next run may begin.
    NotDue(Option<Instant>),
    /// A version is there, made now or by an earlier attempt.
    Published,
    /// Requests and retention are applied, and what is due is removed for good.
    Swept {
        /// Rows that are no longer in the current version.
        rows: u64,
        /// Objects removed for good.
        objects: u64,
    },
    /// Everything that is published holds, but for some things to look at.
    Audited {
        /// Things that somebody should look at.
        warnings: u64,
    },
    /// Refused: which error, what stopped it, what to do.
    Refused {
        /// Which error; the exit code follows from it.
        code: Code,
        /// What stopped it, without a value of the data.
        cause: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// Another process runs the job.
    Elsewhere(String),
    /// Too late to be run.
    GivenUp,
}

/// One attempt of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAttempt {
    /// Name of the job whose attempt it was.
    pub job: String,
    /// What it was about.
    pub work: Work,
    /// The instant judged at: the scheduled one, or a sweep's; none when it did not come to that.
    pub instant: Option<Instant>,
    /// What came of it.
    pub came: Came,
    /// What lists and inputs left aside though it looks like what is meant.
    pub aside: Vec<LeftAside>,
}

impl DueAttempt {
    /// What came of it in one line, without what to do about it.
    pub fn line(&self) -> String {
        let job = &self.job;
        let at = self.instant.map_or(String::new(), |instant| format!(" {instant}"));
        match &self.came {
            Came::NotDue(_) => format!("{job}: nothing is due"),
            Came::Published => format!("{job}{at}: published"),
            Came::Swept { rows, objects } => {
                format!("{job}{at}: swept, {rows} rows dropped, {objects} objects purged")
            }
            Came::Audited { warnings } => format!("{job}{at}: audited, {warnings} things to look at"),
            Came::Elsewhere(holder) => format!("{job}: {holder} is at work on it"),
            Came::GivenUp => format!("{job}{at}: missed, too late to run"),
            Came::Refused { code, cause, .. } => {
                let what = match self.work {
                    Work::Run => "refused",
                    Work::Sweep => "sweep refused",
                    Work::Audit => "audited",
                };
                format!("{job}{at}: {what}, exit {} [{}]: {cause}", self.exit(), code.name())
            }
        }
    }

    /// An attempt that could not begin.
    pub fn not_begun(job: &str, work: Work, error: &Error) -> DueAttempt {
        DueAttempt { job: job.to_owned(), work, instant: None, came: refused(error), aside: Vec::new() }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match &self.came {
            Came::Refused { help, .. } => help.as_deref(),
            _ => None,
        }
    }

    /// Returns which error it ended with; none when it was not refused.
    pub fn code(&self) -> Option<Code> {
        match self.came {
            Came::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Its part of the exit code.
    pub fn exit(&self) -> u8 {
        match &self.came {
            Came::Refused { code, .. } => code.kind().exit_code(),
            _ => 0,
        }
    }
}

/// The exit code that needs an operator most: evidence, a fault of tamis, outcome unknown, policy, gate, input, storage,
/// then done.
pub fn worst(attempts: &[DueAttempt]) -> u8 {
    const ORDER: [u8; 8] = [0, 75, 3, 4, 2, 5, 70, 6];
    let rank = |exit: u8| ORDER.iter().position(|code| *code == exit).unwrap_or(ORDER.len());
    attempts.iter().map(DueAttempt::exit).max_by_key(|exit| rank(*exit)).unwrap_or(0)
}

/// Runs or sweeps what the job is due for, if anything, and writes down what came of it.
pub fn take(host: &Host, project: &Arc<Project>, work: Work, job: &str, monitor: &dyn Monitor) -> DueAttempt {
    let named = NamedMonitor { job, monitor };
    let attempt = |Tried { instant, came, aside }| DueAttempt { job: job.to_owned(), work, instant, came, aside };
    let tried = match (work, project.jobs.get(job).map(|plan| (plan, plan.schedule.as_ref()))) {
        (Work::Sweep, Some((plan, _))) => swept(host, project, plan, &named),
        (Work::Run, Some((plan, Some(schedule)))) => ran(host, project, plan, schedule, &named),
        _ => return attempt(Tried::of(None, Came::NotDue(None))),
    };
    match tried {
        Ok(tried) => attempt(tried),
        Err(error) => attempt(Tried::of(None, refused(&error))),
    }
}

/// What became of an attempt.
struct Tried {
    instant: Option<Instant>,
    came: Came,
    aside: Vec<LeftAside>,
}

impl Tried {
    fn of(instant: Option<Instant>, came: Came) -> Tried {
        Tried { instant, came, aside: Vec::new() }
    }
}

fn ran(host: &Host, project: &Arc<Project>, plan: &Plan, schedule: &Schedule, monitor: &dyn Monitor) -> Result<Tried> {
    let state = host.open(project)?.1;
    if let Due::Not(next) = due(schedule, &JobKnown::read(project, &state, plan)?, host.clock.now()) {
        return Ok(Tried::of(None, Came::NotDue(next)));
    }
    leased(host, &state, &plan.job, monitor, |call| with_lease(call, project, plan, schedule, &state, monitor))
}

fn swept(host: &Host, project: &Arc<Project>, plan: &Plan, monitor: &dyn Monitor) -> Result<Tried> {
    let (roots, state) = host.open(project)?;
    let asked = || -> Result<Option<(SweepReason, Instant, DatasetKnown)>> {
        let met = sweep::requests_met(project, &roots, &state)?;
        let kept = DatasetKnown::read(project, &state, plan, Some(met))?;
        let now = host.clock.now();
        let Some(wanted) = kept.wanted(now) else { return Ok(None) };
        let as_of = sweep_as_of(plan.schedule.as_ref(), &JobKnown::read(project, &state, plan)?, now);
        Ok(as_of.map(|as_of| (wanted, as_of, kept)))
    };
    if asked()?.is_none() {
        return Ok(Tried::of(None, Came::NotDue(None)));
    }
    leased(host, &state, &plan.job, monitor, |call| {
        let Some((wanted, as_of, kept)) = asked()? else { return Ok(Tried::of(None, Came::NotDue(None))) };
        let now = host.clock.now();
        let call = Call { as_of: Some(as_of), now, scheduled: false, project: Some(project.clone()), ..call.clone() };
        let swept = guarded("a run or sweep", || sweep::sweep_dataset(&call, wanted == SweepReason::Requests, monitor));
        if let Err(error) = &swept {
            let refusal = refusal(as_of, error, host.clock.now());
            // What the attempt took in is no news; what came meanwhile waits no longer than the next attempt.
            let met = sweep::requests_met(project, &roots, &state).unwrap_or(kept.requests);
            state.swept(&plan.job, &met, &SweepEnd::Refused(refusal))?;
        }
        let aside = swept.iter().flatten().flat_map(|swept| swept.aside.clone()).collect();
        Ok(Tried { instant: Some(as_of), came: came(swept), aside })
    })
}

fn came(swept: Result<Option<DatasetSwept>>) -> Came {
    match swept {
        Ok(Some(swept)) => Came::Swept {
            rows: swept.removed.iter().map(|removed| removed.rows).sum(),
            objects: swept.removal.objects.values().sum(),
        },
        Ok(None) => Came::NotDue(None),
        Err(error) => refused(&error),
    }
}

/// Does the work while nobody else works on the job.
fn leased(
    host: &Host,
    state: &State,
    job: &str,
    monitor: &dyn Monitor,
    work: impl FnOnce(&Call) -> Result<Tried>,
) -> Result<Tried> {
    let who = Claimant { name: host.holder.clone(), ..host.call.caller.who.clone() };
    let caller = Caller { clock: host.clock.clone(), who, waits: false, hold: None, ..host.call.caller.clone() };
    let call = Call { job: job.to_owned(), caller, ..host.call.clone() };
    match job::held(&call, state, monitor, work)? {
        Alone::Done(tried) => Ok(tried),
        Alone::Elsewhere(theirs) => Ok(Tried::of(None, Came::Elsewhere(theirs.holder))),
    }
}

impl Host {
    /// Roots and state of the specs.
    pub(super) fn open(&self, project: &Project) -> Result<(BTreeMap<String, Root>, State)> {
        let roots = job::open_roots(project, &self.call.runtime, self.call.wrap.as_ref())?;
        let state = State::open(job::root_of(&roots, "state")?)?;
        Ok((roots, state))
    }
}

/// Looks again now that nobody else does, then runs.
fn with_lease(
    call: &Call,
    project: &Arc<Project>,
    plan: &Plan,
    schedule: &Schedule,
    state: &State,
    monitor: &dyn Monitor,
) -> Result<Tried> {
    let clock = &call.caller.clock;
    let now = clock.now();
    let (instant, missed, late) = match due(schedule, &JobKnown::read(project, state, plan)?, now) {
        Due::Not(next) => return Ok(Tried::of(None, Came::NotDue(next))),
        Due::Run(instant, missed) => (instant, missed, false),
        Due::TooLate(instant, missed) => (instant, missed, true),
    };
    state.agree()?;
    state.check_clock(now)?;
    note_missed(state, &plan.job, missed, now)?;
    if late {
        state.settle(&plan.job, instant, &End::Missed)?;
        return Ok(Tried::of(Some(instant), Came::GivenUp));
    }
    let end = Instant(now.0.saturating_add(schedule.timeout.micros()));
    let call = Call {
        as_of: Some(instant),
        now,
        scheduled: true,
        stop: call.stop.clone().until(clock.clone(), end),
        project: Some(project.clone()),
        ..call.clone()
    };
    monitor.event(monitor::Event::Note(format!("run {} begins", job::scheduled_id(&plan.job, instant))));
    let ran = guarded("a run or sweep", || run::run_scheduled(&call, monitor));
    let aside = match &ran {
        Ok(Ran::Now(report)) => report.aside.clone(),
        _ => Vec::new(),
    };
    let came = settle(state, &plan.job, instant, ran, clock.now());
    Ok(Tried { instant: Some(instant), came, aside })
}

fn refusal(due: Instant, error: &Error, at: Instant) -> RefusedRun {
    RefusedRun {
        due,
        at,
        exit: error.kind().exit_code(),
        code: Some(error.code().name().into()),
        cause: error.message().to_owned(),
        help: error.help_text().map(str::to_owned),
    }
}

fn settle(state: &State, job: &str, instant: Instant, ran: Result<Ran>, now: Instant) -> Came {
    let (end, came) = match &ran {
        Ok(_) => (End::Published, Came::Published),
        Err(error) => {
            let refusal = refusal(instant, error, now);
            let again = error.kind() == Kind::Storage;
            (if again { End::Again(refusal) } else { End::Refused(refusal) }, refused(error))
        }
    };
    let noted = note_refusal(state, job, instant, &end, now).and_then(|()| state.settle(job, instant, &end));
    match noted {
        Err(error) if ran.is_ok() => refused(&error),
        _ => came,
    }
}

/// From the intent on a run has written its refusal itself. Nothing is added to a ledger that may have been put back.
fn note_refusal(state: &State, job: &str, instant: Instant, end: &End, now: Instant) -> Result<()> {
    let id = job::scheduled_id(job, instant);
    let End::Refused(refusal) = end else { return Ok(()) };
    if refusal.exit == Kind::Evidence.exit_code() || state.stored_intent(&id)?.is_some() {
        return Ok(());
    }
    let event = LedgerEvent::Refused {
        job: job.to_owned(),
        as_of: instant,
        exit: refusal.exit,
        code: refusal.code.clone(),
        cause: refusal.cause.clone(),
        plan: None,
    };
    state.ledger().append(RunRef { run: &id, attempt: 1, since: instant }, event, now).map(|_| ())
}

fn note_missed(state: &State, job: &str, missed: Option<Missed>, now: Instant) -> Result<()> {
    let Some(Missed { first, runs }) = missed else { return Ok(()) };
    let id = job::scheduled_id(job, first);
    let event = LedgerEvent::Missed { job: job.to_owned(), due: first, runs };
    state.ledger().append(RunRef { run: &id, attempt: 1, since: first }, event, now).map(|_| ())
}

pub(super) fn refused(error: &Error) -> Came {
    Came::Refused { code: error.code(), cause: error.message().to_owned(), help: error.help_text().map(str::to_owned) }
}
