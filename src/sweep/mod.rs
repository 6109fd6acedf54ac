//! Sweeps: `tamis sweep` takes every dataset of the policy, one after the other, and what stops one does not stop the
//! others; a scheduler takes one at a time. Must not know argv, the terminal, nor when a sweep is due.

mod corrections;
mod current;
mod evidence;
mod notices;
mod raw;
mod removal;
mod scene;
pub(crate) mod settle;
mod version;
mod whole;

pub(crate) use evidence::seen_file;
pub use notices::NoticeScene;
pub use raw::{RawExports, count_raw};
pub use removal::Removal;
pub use scene::CorrectionsLeft;
pub use version::Swept;
pub use whole::{WholeGone, WholeTable, not_empty};

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::manifest::Removed;
use crate::evidence::segments;
use crate::job::aside::{self, LeftAside};
use crate::job::{
    Awake, Call, LEASE_MICROS, Ready, Watched, alone, complaint, intake, next_deadline, open_roots, recover, root_of,
    without_job,
};
use crate::monitor::{Event, Monitor};
use crate::policy::{self, Plan, Project};
use crate::requests::{self, IntakeReport, Requests};
use crate::state::{Dataset, RequestsMet, State, SweepEnd};
use crate::store::Root;
use corrections::CorrectionsCleared;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `sweep` says, in text and as JSON.
#[derive(Clone, Debug, Default, serde::Serialize, schemars::JsonSchema)]
pub struct SweepReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// One per job, by name.
    pub datasets: Vec<DatasetSwept>,
    /// What happened to the raw exports.
    pub raw: RawExports,
    /// What lists left aside though it looks like what is meant.
    pub aside: Vec<LeftAside>,
    /// What stopped something, in the order met; empty when all is done.
    pub stops: Vec<String>,
    /// Last entry of the ledger.
    pub ledger_head: String,
    #[serde(skip)]
    first: Option<Error>,
}

/// What a sweep did to one dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DatasetSwept {
    /// Name of the job.
    pub job: String,
    /// The job's table, as `ROOT:path`.
    pub dataset: String,
    /// The version that readers see now; none before the first.
    pub version: Option<u64>,
    /// Rows of the version before the sweep.
    pub rows_in: u64,
    /// Rows of the version after the sweep.
    pub rows_out: u64,
    /// Rows removed, by reason; reasons without rows are left out.
    pub removed: Vec<Removed>,
    /// Values made null because their field's `keep` is over.
    pub nulled: u64,
    /// Files in the version.
    pub files: u64,
    /// Of these, files written anew.
    pub rewritten: u64,
    /// Bytes read of files that were rewritten, companions included.
    pub bytes_read: u64,
    /// Length of all files that were written.
    pub bytes_written: u64,
    /// What was removed for good.
    pub removal: Removal,
    /// What lists left aside though it looks like what is meant.
    #[serde(skip)]
    pub aside: Vec<LeftAside>,
    /// Rows of erased persons that were taken out of files of corrections.
    #[serde(skip)]
    pub corrections: u64,
    /// Why some may be left there.
    #[serde(skip)]
    pub corrections_unread: Option<String>,
}

impl SweepReport {
    /// # Errors
    /// What stopped first.
    pub fn outcome(&self) -> Result<()> {
        self.first.clone().map_or(Ok(()), Err)
    }

    fn stop(&mut self, error: Error) {
        self.stops.push(error.message().to_string());
        self.first.get_or_insert(error);
    }
}

/// Requests as they were taken in for the datasets of one sweep, and when.
struct TakenIn {
    requests: Requests,
    intake: IntakeReport,
    met: RequestsMet,
    at: Instant,
}

impl TakenIn {
    fn now(ready: &Ready, monitor: &dyn Monitor) -> Result<TakenIn> {
        let (requests, intake, met) = taken_in(ready, monitor)?;
        Ok(TakenIn { requests, intake, met, at: ready.call.now })
    }

    /// What is known, with what has come since when that is old.
    fn renewed(known: Option<TakenIn>, ready: &Ready, now: Instant, monitor: &dyn Monitor) -> Result<TakenIn> {
        match known {
            Some(known) if !known.is_old(now) => return Ok(known),
            Some(old) => intake::keep(ready, old.requests),
            None => {}
        }
        TakenIn::now(ready, monitor)
    }

    /// A dataset that is looked through later than this gets what has come since.
    fn is_old(&self, now: Instant) -> bool {
        now.0.saturating_sub(self.at.0) >= LEASE_MICROS
    }
}

/// Applies requests, consent and retention to every published dataset, one after the other, each under its job's lease;
/// `call.job` does not matter. The report has an outcome of its own.
///
/// # Errors
/// What stops all datasets: specs, keys, state, a list that cannot be asked for.
pub fn sweep(call: &Call, monitor: &dyn Monitor) -> Result<SweepReport> {
    let project = Arc::new(policy::load(&call.dir, &call.roots)?);
    let mut report = SweepReport { schema: "tamis-sweep/1", ..SweepReport::default() };
    let (mut known, mut last) = (None, None);
    for job in project.jobs.keys() {
        if call.stop.asked() {
            report.stop(stopped());
            break;
        }
        let call = Call { job: job.clone(), scheduled: false, project: Some(project.clone()), ..call.clone() };
        let swept = Ready::for_sweep(&call, known.is_none(), monitor)
            .and_then(|ready| alone(&ready, monitor, |call| Ok(swept_held(call, &mut known, monitor))));
        match swept {
            Ok(Ok((ready, Ok(swept)))) => {
                report.datasets.push(swept);
                last = Some(ready);
            }
            Ok(Ok((ready, Err(error)))) => {
                report.stop(error.within(format!("job {job}")));
                last = Some(ready);
            }
            Ok(Err(error)) => return Err(error),
            Err(error) => report.stop(error.within(format!("job {job}"))),
        }
    }
    if let Some(mut ready) = last {
        match all_raw(&mut ready, &mut known, monitor) {
            Ok(mut raw) => {
                report.datasets.iter().for_each(|swept| raw.add(swept.corrections, swept.corrections_unread.as_ref()));
                raw.outcome().unwrap_or_else(|error| report.stop(error));
                report.raw = raw;
            }
            Err(error) => report.stop(error),
        }
        report.ledger_head = ready.state.ledger().head()?.to_string();
    }
    match unserved(call, &project) {
        Ok(tables) => tables.iter().for_each(|dataset| report.stop(complaint(dataset))),
        // No job could be opened for the same reason, which has been said.
        Err(error) if report.first.is_none() => report.stop(error),
        Err(_) => {}
    }
    report.aside = known.iter().flat_map(|known| aside::of_lists(&known.intake)).collect();
    if let Some(refusal) = known.and_then(|known| known.intake.refusal()) {
        report.stop(refusal);
    }
    Ok(report)
}

/// Tables that no job serves, also when no job could be swept.
fn unserved(call: &Call, project: &Project) -> Result<Vec<Dataset>> {
    let roots = open_roots(project, &call.runtime, call.wrap.as_ref())?;
    without_job(&State::open(root_of(&roots, "state")?)?, project)
}

/// Removes raw exports of all jobs, by legal holds that are not old.
fn all_raw(ready: &mut Ready, known: &mut Option<TakenIn>, monitor: &dyn Monitor) -> Result<RawExports> {
    let project = ready.project.clone();
    ready.call.caller.hold = None;
    ready.call.now = ready.call.caller.clock.now();
    let renewed = TakenIn::renewed(known.take(), ready, ready.call.now, monitor)?;
    let known = known.insert(renewed);
    let watched = Watched { monitor, stop: ready.call.stop.clone() };
    let jobs: Vec<&Plan> = project.jobs.values().collect();
    raw(ready, &known.requests, &known.intake, &jobs, ("", &watched))
}

/// Sweeps one dataset with the requests that are known, unless they are old.
///
/// # Errors
/// A list that cannot be asked for; what stops the dataset alone is inside.
fn swept_held(
    call: &Call,
    known: &mut Option<TakenIn>,
    monitor: &dyn Monitor,
) -> Result<(Ready, Result<DatasetSwept>)> {
    // Nobody says that requests are applied that came after those that are known.
    let now = known.as_ref().filter(|known| !known.is_old(call.now)).map_or(call.now, |known| known.at);
    let mut ready = Ready::for_sweep(&Call { now, ..call.clone() }, false, monitor)?;
    let renewed = TakenIn::renewed(known.take(), &ready, call.now, monitor)?;
    let known = known.insert(renewed);
    monitor.event(Event::Note(format!("sweep {}", call.job)));
    let watched = Watched { monitor, stop: call.stop.clone() };
    let swept = dataset(&mut ready, &mut known.requests, &known.intake, &known.met, &watched);
    Ok((ready, swept.map_err(|error| call.caller.explained(error))))
}

/// Sweeps the dataset of `call.job`, and the raw exports of that job. `only_requests` says that nothing but requests asks
/// for it: where none is new, nothing is looked at and nothing is given.
///
/// # Errors
/// Those of a run before it reads; evidence and storage errors; an input error for a request that cannot be read, once
/// all else is done (R31).
pub fn sweep_dataset(call: &Call, only_requests: bool, monitor: &dyn Monitor) -> Result<Option<DatasetSwept>> {
    let watched = Watched { monitor, stop: call.stop.clone() };
    swept(call, only_requests, &watched).map_err(|error| if call.stop.asked() { stopped() } else { error })
}

fn stopped() -> Error {
    Error::new(Code::Stopped, "the sweep was stopped; the steps that it had completed stay")
        .help("the next sweep goes on")
}

fn swept(call: &Call, only_requests: bool, monitor: &dyn Monitor) -> Result<Option<DatasetSwept>> {
    let mut ready = Ready::for_sweep(call, true, monitor)?;
    ready.state.check_clock(call.now)?;
    let (mut requests, intake, met) = taken_in(&ready, monitor)?;
    if only_requests && !requests.fresh(&call.job) && intake.refusal().is_none() {
        let met = met_now(&requests, &call.job, met);
        intake::keep(&ready, requests);
        return ready.state.swept(&call.job, &met, &SweepEnd::Unneeded).map(|()| None);
    }
    let swept = dataset(&mut ready, &mut requests, &intake, &met, monitor);
    let swept = swept.map_err(|error| call.caller.explained(error))?;
    monitor.proceed()?;
    let mut raw = raw(&ready, &requests, &intake, &[ready.plan()], (&format!("{}-", call.job), monitor))?;
    raw.add(swept.corrections, swept.corrections_unread.as_ref());
    intake::keep(&ready, requests);
    intake.refusal().map_or(Ok(()), Err)?;
    raw.outcome().map(|()| Some(swept))
}

/// Which requests there are, without opening one: what [`sweep_dataset`] compares and stores.
///
/// # Errors
/// Policy errors of lists; storage errors.
pub fn requests_met(project: &Project, roots: &BTreeMap<String, Root>, state: &State) -> Result<RequestsMet> {
    Ok(RequestsMet { files: requests::files(project, roots)?, segment: segments::last(state.root())? })
}

/// What was written since the requests were opened is our own, unless entries are among it that nobody has looked for.
fn met_now(requests: &Requests, job: &str, met: RequestsMet) -> RequestsMet {
    let segment = if requests.fresh(job) { met.segment } else { requests.last_segment() };
    RequestsMet { segment, ..met }
}

fn taken_in(ready: &Ready, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport, RequestsMet)> {
    let met = requests_met(&ready.project, &ready.roots, &ready.state)?;
    let (requests, intake) = intake::requests(ready, true, monitor)?;
    intake::note_intake(ready, &requests, &intake)?;
    Ok((requests, intake, met))
}

/// Removes raw exports of these jobs; any hold and any restriction that keeps bytes keeps them, and any that could not be read.
fn raw(
    ready: &Ready,
    requests: &Requests,
    intake: &IntakeReport,
    jobs: &[&Plan],
    (of, monitor): (&str, &dyn Monitor),
) -> Result<RawExports> {
    let held = keeps_raw(ready, requests, intake);
    let monitor = Awake::new(&ready.call.caller, monitor);
    raw::remove_raw((&ready.project, jobs), &ready.roots, &ready.state, held, of, ready.call.now, &monitor)
}

/// Whether something keeps all raw exports and corrections, or may.
fn keeps_raw(ready: &Ready, requests: &Requests, intake: &IntakeReport) -> bool {
    intake.blind_to_holds(&ready.project) || requests.keeps_raw(ready.call.now)
}

fn dataset(
    ready: &mut Ready,
    requests: &mut Requests,
    intake: &IntakeReport,
    met: &RequestsMet,
    monitor: &dyn Monitor,
) -> Result<DatasetSwept> {
    ready.state.check_clock(ready.call.caller.clock.now())?;
    recover::unfinished(ready)?;
    let blind = intake.blind_to_holds(&ready.project);
    let swept = settle::apply(ready, requests, !blind, monitor);
    let kept = keeps_raw(ready, requests, intake);
    let cleared = {
        let awake = Awake::new(&ready.call.caller, monitor);
        corrections::remove(ready, requests, (&[ready.plan()], kept), &awake)
    };
    let swept = swept?;
    // What cannot be read keeps nothing else waiting.
    let left = cleared.as_ref().map_or(Some(CorrectionsLeft::Unread), CorrectionsCleared::left);
    let removal = settle::remove(ready, requests, (blind, left), monitor)?;
    let due = next_deadline(ready, requests);
    let end = SweepEnd::Swept { dataset: ready.dataset.seq, due, at: ready.call.now };
    ready.state.swept(&ready.call.job, &met_now(requests, &ready.call.job, met.clone()), &end)?;
    let CorrectionsCleared { rows: corrections, unread: corrections_unread, .. } = cleared?;
    let current = ready.dataset.current.as_ref();
    let rows = current.map_or(0, |current| current.rows);
    let mut told = DatasetSwept {
        job: ready.call.job.clone(),
        dataset: ready.dataset.dataset.clone(),
        version: current.map(|current| current.version),
        rows_in: rows,
        rows_out: rows,
        files: current.map_or(0, |current| current.files.len() as u64),
        removal,
        aside: aside::of_lists(intake).collect(),
        corrections,
        corrections_unread,
        ..DatasetSwept::default()
    };
    if let Some(Swept { manifest, rewritten, read, written }) = swept {
        told.rows_in = manifest.rows_in;
        told.removed = manifest.removed.into_iter().filter(|removed| removed.rows > 0).collect();
        (told.nulled, told.rewritten, told.bytes_read, told.bytes_written) =
            (manifest.nulled, rewritten, read, written);
    }
    Ok(told)
}
