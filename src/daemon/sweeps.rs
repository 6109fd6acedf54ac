//! Whether a dataset is to be swept now, and up to which instant: a function of what `state` says and of the present.

use super::due::{Due, JobKnown, due};
use crate::clock::Instant;
use crate::error::{Kind, Result};
use crate::job;
use crate::policy::{Plan, Project, Schedule};
use crate::state::{RequestsMet, State, SweepRecord};

const HOUR: i64 = 3_600_000_000;
/// A sweep after a run, when the last one is so long ago: once a day, wherever in it the run ends.
const AFTER_RUN: i64 = 20 * HOUR;
/// A sweep without one; longer than a day, so that it does not come just before the run of a night of 25 hours.
const WITHOUT_RUN: i64 = 26 * HOUR;
/// From here on a sweep is overdue.
const LATE: i64 = 32 * HOUR;
/// How long a refused run may still be let through: so long sweeps do not judge later than it would.
const ACCEPTABLE: i64 = 24 * HOUR;

/// What `state` says of a dataset and of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetKnown {
    /// Number of the dataset's record; none before the job's first run.
    pub dataset: Option<u64>,
    /// Since when something has been published at least.
    pub since: Option<Instant>,
    /// Whether raw exports are to be removed.
    pub raw: bool,
    /// What the state holds of its last sweeps.
    pub swept: SweepRecord,
    /// The requests that there are.
    pub requests: RequestsMet,
}

/// Why a dataset is to be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepReason {
    /// It has been long enough.
    Daily,
    /// A request is past its deadline and not done.
    Late,
    /// What the last attempt was stopped by may be mended.
    Again,
    /// There are request files or requests that the last sweep did not meet.
    Requests,
}

impl DatasetKnown {
    /// Reads it; opens no request and no companion. Without `requests`, where they cannot be asked for just now, those of
    /// the last sweep stand for them.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn read(project: &Project, state: &State, plan: &Plan, requests: Option<RequestsMet>) -> Result<DatasetKnown> {
        let dataset = job::dataset_of(state, project, plan)?;
        let first = dataset.as_ref().and_then(|dataset| {
            let replaced = dataset.replaced.first().map(|replaced| replaced.at);
            replaced.or(dataset.current.as_ref().map(|current| current.as_of))
        });
        let swept = job::sweeps_of(state, project, plan)?;
        Ok(DatasetKnown {
            dataset: dataset.map(|dataset| dataset.seq),
            // A first version may be judged at an instant before the state was made, and nobody could sweep it then.
            since: first.map(|first| first.max(state.created())),
            raw: project.removal.raw_keep.is_some(),
            requests: requests.unwrap_or_else(|| swept.requests.clone()),
            swept,
        })
    }

    fn none(&self) -> bool {
        self.dataset.is_none() && !self.raw
    }

    /// Whether the dataset is to be swept at `now`.
    pub fn wanted(&self, now: Instant) -> Option<SweepReason> {
        let swept = &self.swept;
        let ago = |at: Instant| now.0.saturating_sub(at.0);
        if self.none() {
            return None;
        }
        let news = swept.requests != self.requests;
        if let Some(refusal) = &swept.refusal {
            let away = refusal.exit == Kind::Storage.exit_code();
            return (news || away || ago(refusal.at) >= HOUR).then_some(SweepReason::Again);
        }
        let Some(at) = swept.at else { return Some(SweepReason::Daily) };
        let ran = self.dataset.unwrap_or(0) != swept.dataset;
        if ago(at) >= WITHOUT_RUN || (ran && ago(at) >= AFTER_RUN) {
            return Some(SweepReason::Daily);
        }
        if self.request_overdue(now) && ago(at) >= HOUR {
            return Some(SweepReason::Late);
        }
        news.then_some(SweepReason::Requests)
    }

    /// Whether a sweep was refused for more than an absent store, or has not been for longer than a day and some hours.
    pub fn overdue(&self, now: Instant) -> bool {
        let refused = self.swept.refusal.as_ref().is_some_and(|refusal| refusal.exit != Kind::Storage.exit_code());
        let last = self.swept.at.or(self.since);
        !self.none() && (refused || last.is_some_and(|last| now.0.saturating_sub(last.0) > LATE))
    }

    /// Whether a request is past its deadline and not done here.
    pub fn request_overdue(&self, now: Instant) -> bool {
        self.swept.due.is_some_and(|due| due <= now)
    }
}

/// The instant that a sweep may judge at (R28): the present in whole seconds, but not after an instant of the job that is
/// still to be run, for that run would then be refused. None while the dataset was judged later than the present, on a
/// host whose clock goes ahead.
pub fn sweep_as_of(schedule: Option<&Schedule>, known: &JobKnown, now: Instant) -> Option<Instant> {
    let whole = now.to_seconds();
    let open = schedule.and_then(|schedule| to_be_run(schedule, known, now));
    let latest = open.map_or(whole, |open| open.min(whole));
    let as_of = known.last_as_of.map_or(latest, |last| last.max(latest));
    (as_of <= now).then_some(as_of)
}

/// The instant that is due, that waits for its jitter, or that was refused and may still be let through.
fn to_be_run(schedule: &Schedule, known: &JobKnown, now: Instant) -> Option<Instant> {
    if schedule.suspend {
        return None;
    }
    if let Due::Run(instant, _) | Due::TooLate(instant, _) = due(schedule, known, now) {
        return Some(instant);
    }
    let latest = schedule.latest(now)?;
    if known.settled.is_none_or(|settled| settled < latest) {
        return Some(latest);
    }
    known.refused.filter(|refused| now.0.saturating_sub(refused.0) < ACCEPTABLE)
}
