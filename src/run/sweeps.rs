//! Sweeps: `tamis sweep` takes every dataset of the policy, one after the other, and what stops one does not stop the
//! others; a scheduler takes one at a time. Must not know argv, the terminal, nor when a sweep is due.

use super::prepare::{Call, Ready};
use super::standing;
use super::stop::Watched;
use super::{input, recover, settle};
use crate::error::{Error, Result};
use crate::evidence::manifest::Removed;
use crate::monitor::{Event, Monitor};
use crate::policy::{self, Effect, Plan, Project};
use crate::requests::{self, IntakeReport, Requests};
use crate::state::{RequestsMet, State, SweepEnd};
use crate::store::Root;
use crate::sweep::{self, RawExports, Removal, Swept};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `sweep` says, in text and as JSON.
#[derive(Clone, Debug, Default, serde::Serialize, schemars::JsonSchema)]
pub struct SweepReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// One per job, by name.
    pub datasets: Vec<DatasetSwept>,
    /// Raw exports.
    pub raw: RawExports,
    /// What stopped something, in the order met; empty when all is done.
    pub stops: Vec<String>,
    /// Last entry of the ledger.
    pub ledger_head: String,
    #[serde(skip)]
    first: Option<Error>,
}

/// One dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DatasetSwept {
    /// The job.
    pub job: String,
    /// Its table.
    pub dataset: String,
    /// The version that readers see now; none before the first.
    pub version: Option<u64>,
    /// Rows before.
    pub rows_in: u64,
    /// Rows now.
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
    /// Bytes written.
    pub bytes_written: u64,
    /// What was removed for good.
    pub removal: Removal,
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

/// Applies requests, consent and retention to every published dataset; `call.job` does not matter. The report has an
/// outcome of its own.
///
/// # Errors
/// What stops all datasets: specs, keys, state, a list that cannot be asked for.
pub fn sweep(call: &Call, monitor: &dyn Monitor) -> Result<SweepReport> {
    let project = Arc::new(policy::load(&call.dir, &call.roots)?);
    let mut report = SweepReport { schema: "tamis-sweep/1", ..SweepReport::default() };
    let watched = Watched { monitor, stop: call.stop.clone() };
    let mut known: Option<(Requests, IntakeReport, RequestsMet)> = None;
    let mut last = None;
    for job in project.jobs.keys() {
        if call.stop.asked() {
            report.stop(stopped());
            break;
        }
        let call = Call { job: job.clone(), scheduled: false, project: Some(project.clone()), ..call.clone() };
        let mut ready = match Ready::for_sweep(&call, known.is_none(), monitor) {
            Ok(ready) => ready,
            Err(error) => {
                report.stop(error.within(format!("job {job}")));
                continue;
            }
        };
        let (requests, intake, met) = match &mut known {
            Some(known) => known,
            None => known.insert(taken_in(&ready, monitor)?),
        };
        monitor.event(Event::Note(format!("sweep {job}")));
        match dataset(&mut ready, requests, intake, met, &watched) {
            Ok(swept) => report.datasets.push(swept),
            Err(error) => report.stop(error.within(format!("job {job}"))),
        }
        last = Some(ready);
    }
    if let Some((ready, (requests, intake, _))) = last.as_ref().zip(known.as_ref()) {
        match raw(ready, requests, intake, &project.jobs.values().collect::<Vec<_>>(), "") {
            Ok(raw) => report.raw = raw,
            Err(error) => report.stop(error),
        }
        report.ledger_head = ready.state.ledger().head()?.to_string();
    }
    if let Some(refusal) = known.and_then(|(_, intake, _)| intake.refusal()) {
        report.stop(refusal);
    }
    Ok(report)
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
    Error::storage("the sweep was stopped; what it had done stays done").help("the next one goes on")
}

fn swept(call: &Call, only_requests: bool, monitor: &dyn Monitor) -> Result<Option<DatasetSwept>> {
    let mut ready = Ready::for_sweep(call, true, monitor)?;
    ready.state.check_clock(call.now)?;
    let (mut requests, intake, met) = taken_in(&ready, monitor)?;
    if only_requests && !requests.fresh(&call.job) && intake.refusal().is_none() {
        let met = met_now(&requests, &call.job, met);
        return ready.state.swept(&call.job, &met, &SweepEnd::Unneeded).map(|()| None);
    }
    let swept = dataset(&mut ready, &mut requests, &intake, &met, monitor)?;
    monitor.proceed()?;
    raw(&ready, &requests, &intake, &[ready.plan()], &format!("{}-", call.job))?;
    intake.refusal().map_or(Ok(Some(swept)), Err)
}

/// Which requests there are, without opening one: what [`sweep_dataset`] compares and stores.
///
/// # Errors
/// Policy errors of lists; storage errors.
pub fn requests_met(project: &Project, roots: &BTreeMap<String, Root>, state: &State) -> Result<RequestsMet> {
    Ok(RequestsMet { files: requests::files(project, roots)?, segment: requests::last_segment(state.root())? })
}

/// What was written since the requests were opened is our own, unless entries are among it that nobody has looked for.
fn met_now(requests: &Requests, job: &str, met: RequestsMet) -> RequestsMet {
    let segment = if requests.fresh(job) { met.segment } else { requests.last_segment() };
    RequestsMet { segment, ..met }
}

fn taken_in(ready: &Ready, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport, RequestsMet)> {
    let met = requests_met(&ready.project, &ready.roots, &ready.state)?;
    let (requests, intake) = input::requests(ready, true, monitor)?;
    input::note_intake(ready, &requests, &intake)?;
    Ok((requests, intake, met))
}

/// Removes raw exports of these jobs; any hold in force keeps them, and any that could not be read.
fn raw(ready: &Ready, requests: &Requests, intake: &IntakeReport, jobs: &[&Plan], of: &str) -> Result<RawExports> {
    let in_force = requests.in_force();
    let held = intake.blind_to_holds(&ready.project)
        || in_force.iter().any(|(_, effect, _, entries)| *effect == Effect::Hold && *entries > 0);
    sweep::remove_raw((&ready.project, jobs), &ready.roots, &ready.state, held, of, ready.call.now)
}

fn dataset(
    ready: &mut Ready,
    requests: &mut Requests,
    intake: &IntakeReport,
    met: &RequestsMet,
    monitor: &dyn Monitor,
) -> Result<DatasetSwept> {
    ready.state.check_clock(ready.call.now)?;
    recover::unfinished(ready)?;
    let swept = settle::apply(ready, requests, monitor)?;
    let blind = intake.blind_to_holds(&ready.project);
    let removal = settle::remove(ready, requests, blind, monitor)?;
    let due = standing::next_deadline(ready, requests);
    let end = SweepEnd::Swept { dataset: ready.dataset.seq, due, at: ready.call.now };
    ready.state.swept(&ready.call.job, &met_now(requests, &ready.call.job, met.clone()), &end)?;
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
