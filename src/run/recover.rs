//! A run that was killed between its commit and its last entry: its version is there, its evidence is made whole here.
//! Nothing else of an earlier attempt needs repair: files that no commit names are nobody's.

use super::prepare::Ready;
use crate::error::{Error, Result};
use crate::publish;

/// Compares the table with what state knows of it and completes the entries of a version that is only in the table.
///
/// # Errors
/// Evidence, when the table is older than state says, or was written by somebody else, or the ledger is older.
pub fn unfinished(ready: &mut Ready) -> Result<Option<publish::Current>> {
    in_ledger(ready)?;
    let output = &ready.plan().output;
    let table = publish::current(ready.root(&output.root), &output.path)?;
    let known = ready.dataset.current.as_ref().map(|current| (current.version, current.manifest.clone()));
    match (&table, known) {
        (None, None) => {}
        (Some(table), Some((version, manifest))) if table.version == version && table.manifest == manifest => {}
        (Some(table), known) if known.as_ref().is_none_or(|(version, _)| table.version > *version) => {
            complete(ready, &(table.version, table.run.clone(), table.attempt, table.manifest.clone()))?;
        }
        (table, _) => return Err(behind(ready, table.as_ref())),
    }
    ready.passed = table.as_ref().map(|table| table.passed.clone()).unwrap_or_default();
    Ok(table)
}

/// The table as a plan may see it: a version that is not in `state` yet stops it, for a plan repairs nothing. Gives
/// commits of other programs after it.
///
/// # Errors
/// Evidence, when table and state differ, or the ledger is older than the dataset's record.
pub fn unpublished(ready: &Ready) -> Result<Vec<publish::Passed>> {
    in_ledger(ready)?;
    let output = &ready.plan().output;
    let table = publish::current(ready.root(&output.root), &output.path)?;
    let known = ready.dataset.current.as_ref().map(|current| current.version);
    match table.as_ref().map(|table| table.version) {
        version if version == known => Ok(table.map(|table| table.passed).unwrap_or_default()),
        version if version > known => {
            Err(Error::evidence(format!("{}: the last run was cut short", ready.dataset.dataset))
                .help(format!("`tamis run {}` completes its evidence first", ready.call.job)))
        }
        _ => Err(behind(ready, table.as_ref())),
    }
}

/// Makes the entries of a version whole that is in the table's log: version, run, attempt and digest of its manifest.
pub(super) fn complete(ready: &mut Ready, (version, run, attempt, digest): &(u64, String, u32, String)) -> Result<()> {
    let manifest = ready.state.manifest(run, *attempt, digest)?;
    let intent = ready.state.stored_intent(run)?.ok_or_else(|| {
        Error::evidence(format!("run {run} has published version {version} without an intent"))
            .help("compare the state with its copy: `tamis verify`")
    })?;
    ready.state.remember(&mut ready.dataset, &intent, &manifest, ready.call.now)?;
    ready.renew()
}

/// The record of a version is saved after its entry: a ledger without it was put back from an older copy, and requests
/// may be missing with it.
fn in_ledger(ready: &Ready) -> Result<()> {
    let Some(current) = &ready.dataset.current else { return Ok(()) };
    if ready.state.ledger().has_version(&current.run, &current.manifest)? {
        return Ok(());
    }
    let what = format!("{}: the ledger has no entry of its version {}", ready.dataset.dataset, current.version);
    Err(Error::evidence(what).help(
        "state:ledger is older than state:datasets, so stored requests may be older, too, and erased persons would come \
         back: bring back the newer ledger and state:requests, then run again",
    ))
}

fn behind(ready: &Ready, table: Option<&publish::Current>) -> Error {
    let known = ready.dataset.current.as_ref().map_or(0, |current| current.version);
    let there = table.map_or("gone".to_string(), |table| format!("at version {}", table.version));
    Error::evidence(format!("{}: state says version {known}, but the table is {there}", ready.dataset.dataset))
        .help("a restored table or state would bring erased persons back: restore the newer one, or use a new output")
}

/// What to do about a table that another program has changed.
pub(super) fn foreign_help() -> &'static str {
    "stop the other program, look at what it did, then `tamis dataset adopt JOB --reason …`"
}
