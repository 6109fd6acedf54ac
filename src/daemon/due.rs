//! Which instant of a schedule is to be run now: a function of the schedule, of what is settled, and of the present.

use crate::clock::{Instant, Period};
use crate::error::{Kind, Result};
use crate::job;
use crate::policy::{CatchUp, Plan, Project, Schedule};
use crate::state::State;

/// With `catch_up = "none"` a run that begins later than this is one that was missed; callers come every few minutes.
const ON_TIME: i64 = 15 * 60_000_000;

/// What `state` says of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobKnown {
    /// When the state was created.
    pub created: Option<Instant>,
    /// The last scheduled instant that is settled.
    pub settled: Option<Instant>,
    /// The last instant that anything was judged at (R28).
    pub last_as_of: Option<Instant>,
    /// The instant of the last run that published.
    pub applied: Option<Instant>,
    /// The instant of a refused run that a person has let through.
    pub accepted: Option<Instant>,
    /// The instant of the last refused run, when a limit said no: a person may let it through.
    pub refused: Option<Instant>,
}

/// Instants in a row that will not be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Scheduled time of the first one that was missed.
    pub first: Instant,
    /// How many scheduled times passed without a run.
    pub runs: u64,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing, until the next run may begin; none for a schedule that rests.
    Not(Option<Instant>),
    /// A run at this instant. The missed ones before it stay missed.
    Run(Instant, Option<Missed>),
    /// This instant can no longer be run; the missed ones include it.
    TooLate(Instant, Option<Missed>),
}

impl JobKnown {
    /// Reads it.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn read(project: &Project, state: &State, plan: &Plan) -> Result<JobKnown> {
        let dataset = job::dataset_of(state, project, plan)?;
        let scheduled = job::scheduled_of(state, project, plan)?;
        // One that was there when the run was refused again lets another plan through.
        let refusal = scheduled.refusal.as_ref();
        let refused = refusal.map_or(Instant(i64::MIN), |refusal| refusal.at);
        Ok(JobKnown {
            created: Some(state.created()),
            settled: scheduled.settled,
            last_as_of: dataset.as_ref().and_then(|dataset| dataset.last_as_of),
            applied: dataset.and_then(|dataset| dataset.ran),
            refused: refusal.filter(|r| r.exit == Kind::Gate.exit_code()).map(|refusal| refusal.due),
            accepted: state.accepts(&plan.job)?.last().filter(|accept| accept.at > refused).map(|accept| accept.as_of),
        })
    }
}

/// Decides what is due at `now`: at most one instant, the latest. A job that has never run is due at once.
pub fn due(schedule: &Schedule, known: &JobKnown, now: Instant) -> Due {
    if schedule.suspend {
        return Due::Not(None);
    }
    let next = || Due::Not(schedule.next(before(now, schedule.delay)).map(|next| later(next, schedule.delay)));
    let Some(instant) = schedule.latest(before(now, schedule.delay)) else { return next() };
    if known.last_as_of.is_some_and(|last| last > instant) {
        return next();
    }
    if known.settled.is_some_and(|settled| settled >= instant) {
        let accepted = known.accepted == Some(instant) && known.applied != Some(instant);
        return if accepted { Due::Run(instant, None) } else { next() };
    }
    let missed = missed(schedule, known, instant);
    if now > later(instant, schedule.delay.saturating_add(lateness(schedule))) {
        let runs = missed.map_or(0, |missed| missed.runs) + 1;
        let all = Missed { first: missed.map_or(instant, |missed| missed.first), runs };
        return Due::TooLate(instant, known.settled.map(|_| all));
    }
    Due::Run(instant, missed)
}

/// Whether the newest instant that should have been applied has not been: refused or missed at once, not begun after
/// an hour, begun and not done after the job's `timeout`. An instant before the state was created is nothing that anybody
/// waited for.
pub fn overdue(schedule: &Schedule, known: &JobKnown, running: bool, now: Instant) -> bool {
    let latest = schedule.latest(before(now, schedule.delay));
    let Some(instant) = latest.filter(|_| !schedule.suspend) else { return false };
    let (applied, created) = (known.applied, known.created);
    if applied.is_some_and(|applied| applied >= instant) || created.is_some_and(|created| created > instant) {
        return false;
    }
    let allowed = if running { schedule.timeout } else { Period { seconds: 3600, ..Period::default() } };
    let settled = known.settled.is_some_and(|settled| settled >= instant) && !running;
    settled || now > later(instant, schedule.delay.saturating_add(allowed.micros()))
}

/// Instants after the last settled one and before `instant`. What was judged later than them needs none of them.
fn missed(schedule: &Schedule, known: &JobKnown, instant: Instant) -> Option<Missed> {
    let after = known.settled?.max(known.last_as_of.unwrap_or(Instant(i64::MIN)));
    let mut between = schedule.after(after).take_while(|missed| *missed < instant);
    let first = between.next()?;
    Some(Missed { first, runs: 1 + between.count() as u64 })
}

fn lateness(schedule: &Schedule) -> i64 {
    let deadline = schedule.deadline.map_or(i64::MAX, |deadline| deadline.micros());
    match schedule.catch_up {
        CatchUp::Once => deadline,
        CatchUp::None => deadline.min(ON_TIME),
    }
}

fn before(instant: Instant, micros: i64) -> Instant {
    Instant(instant.0.saturating_sub(micros))
}

fn later(instant: Instant, micros: i64) -> Instant {
    Instant(instant.0.saturating_add(micros))
}
