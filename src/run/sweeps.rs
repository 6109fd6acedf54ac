//! `tamis sweep`: every dataset of the policy, one after the other; what stops one does not stop the others.
//! Must not know argv nor the terminal.

use super::prepare::{Call, Ready};
use super::{input, recover, settle};
use crate::error::{Error, Result};
use crate::evidence::manifest::Removed;
use crate::monitor::{Event, Monitor};
use crate::policy;
use crate::requests::{IntakeReport, Requests};
use crate::sweep::{self, RawExports, Removal, Swept};
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
    let mut known: Option<(Requests, IntakeReport)> = None;
    let mut last = None;
    for job in project.jobs.keys() {
        let call = Call { job: job.clone(), scheduled: false, project: Some(project.clone()), ..call.clone() };
        let mut ready = match Ready::for_sweep(&call, monitor) {
            Ok(ready) => ready,
            Err(error) => {
                report.stop(error.within(format!("job {job}")));
                continue;
            }
        };
        let (requests, _) = match &mut known {
            Some(known) => known,
            None => known.insert(taken_in(&ready, monitor)?),
        };
        monitor.event(Event::Note(format!("sweep {job}")));
        match dataset(&mut ready, requests, monitor) {
            Ok(swept) => report.datasets.push(swept),
            Err(error) => report.stop(error.within(format!("job {job}"))),
        }
        last = Some(ready);
    }
    if let Some((ready, (requests, _))) = last.as_ref().zip(known.as_ref()) {
        let in_force = requests.in_force();
        let held = in_force.iter().any(|(_, effect, _, entries)| *effect == policy::Effect::Hold && *entries > 0);
        match sweep::remove_raw(&ready.project, &ready.roots, &ready.state, held, call.now) {
            Ok(raw) => report.raw = raw,
            Err(error) => report.stop(error),
        }
        report.ledger_head = ready.state.ledger().head()?.to_string();
    }
    if let Some(refusal) = known.and_then(|(_, intake)| intake.refusal()) {
        report.stop(refusal);
    }
    Ok(report)
}

fn taken_in(ready: &Ready, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
    let (requests, intake) = input::requests(ready, true, monitor)?;
    input::note_intake(ready, &requests, &intake)?;
    Ok((requests, intake))
}

fn dataset(ready: &mut Ready, requests: &mut Requests, monitor: &dyn Monitor) -> Result<DatasetSwept> {
    ready.state.check_clock(ready.call.now)?;
    recover::unfinished(ready)?;
    settle::catch_up(ready, requests)?;
    let swept = settle::apply(ready, requests, monitor)?;
    let removal = settle::remove(ready, requests)?;
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
