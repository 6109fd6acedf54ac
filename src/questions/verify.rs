//! `tamis verify`: the evidence by itself, then every part of the state and each table against the others. Needs no key
//! and repairs nothing. Must not know how evidence is written.

use super::foreign;
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::{self, VerifyReport};
use crate::job::output_of;
use crate::job::recover::{self, TableMatch};
use crate::policy::Project;
use crate::publish::{self, CurrentTable, Target};
use crate::state::{Dataset, FieldType, State};
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet};

/// Verifies the state in the root `state` and the tables of all jobs, those that are gone from the specs included. `head`
/// is `SEQ:DIGEST` of an earlier verification or run. Faults are in the report: ask its [`VerifyReport::outcome`].
///
/// # Errors
/// A policy error for a malformed `head` or without a root `state`; a storage error when the ledger cannot be read; those
/// of [`foreign::verify`].
pub fn verify(project: &Project, roots: &BTreeMap<String, Root>, head: Option<&str>) -> Result<VerifyReport> {
    let root = roots.get("state").ok_or_else(|| Error::new(Code::NameUnknown, "the policy has no root \"state\""))?;
    let mut report = evidence::verify(root, roots, head)?;
    let state = match State::open(root) {
        Ok(state) => state,
        Err(error) => {
            tell(&mut report, "the state", &error);
            return Ok(report);
        }
    };
    match state.compare() {
        Ok(older) if older.is_empty() => {
            report.proven.push("no part of the state is older than another part has seen it".into());
        }
        Ok(older) => report.faults.extend(older.iter().map(ToString::to_string)),
        Err(error) => tell(&mut report, "the parts of the state", &error),
    }
    match state.check_notices() {
        Ok(0) => {}
        Ok(notices) => report.proven.push(format!("notices to recipients ({notices}) are those that the ledger has")),
        Err(error) => tell(&mut report, "notices to recipients", &error),
    }
    match datasets(&state, project, &mut report) {
        Ok(datasets) => tables(&state, roots, &datasets, &mut report),
        Err(error) => tell(&mut report, "the datasets", &error),
    }
    if !report.faults.is_empty() {
        report.proven.clear();
    }
    foreign::verify(project, roots, &state, &mut report)?;
    Ok(report)
}

/// What could not be read was not looked at; anything else is a fault.
fn tell(report: &mut VerifyReport, what: &str, error: &Error) {
    if matches!(error.kind(), Kind::Storage) {
        report.not_proven.push(format!("{what}: could not be read, so this was not looked at: {error}"));
    } else if !report.faults.iter().any(|fault| fault == error.message()) {
        report.faults.push(error.message().to_owned());
    }
}

/// The newest record of each table, and an empty one of each output that has none. A job that the ledger has seen a
/// record of, and that has none, is a fault.
fn datasets(state: &State, project: &Project, report: &mut VerifyReport) -> Result<Vec<Dataset>> {
    report.faults.extend(state.records_lost()?.iter().map(ToString::to_string));
    let mut newest = state.tables()?;
    for plan in project.jobs.values() {
        let output = output_of(plan);
        newest.entry(output.clone()).or_insert_with(|| Dataset::new(&plan.job, &output));
    }
    Ok(newest.into_values().collect())
}

fn tables(state: &State, roots: &BTreeMap<String, Root>, datasets: &[Dataset], report: &mut VerifyReport) {
    let (mut agreed, mut whole) = (0, true);
    for dataset in datasets {
        let Some((lake, path)) =
            dataset.dataset.split_once(':').and_then(|(root, path)| Some((roots.get(root)?, path)))
        else {
            whole = false;
            continue;
        };
        let companions = format!("companions/{}", dataset.job);
        let target = Target { lake, path, state: state.root(), companions: &companions };
        match table(state, &target, dataset, report) {
            Ok(TableMatch::Agreed) => agreed += u64::from(dataset.current.is_some()),
            Ok(TableMatch::Unfinished) => {
                whole = false;
                report
                    .notes
                    .push(format!("{}: the last run was cut short; the next one completes it", dataset.dataset));
            }
            Err(error) => {
                whole = false;
                tell(report, &dataset.dataset, &error);
            }
        }
    }
    if agreed > 0 {
        report.proven.push(format!(
            "the logs of tables ({agreed}) are at the version that state and ledger know, and name its files and no others"
        ));
    }
    if whole {
        report.not_proven.retain(|line| line != evidence::LOG_NOT_READ);
    }
}

/// Whether table, record and ledger agree, and the table names the files that the record does.
fn table(state: &State, target: &Target<'_>, dataset: &Dataset, report: &mut VerifyReport) -> Result<TableMatch> {
    let (table, found) = recover::compare(state, dataset, &|| publish::current(target.lake, target.path))?;
    if let (Some(table), TableMatch::Agreed) = (&table, found) {
        same_files(state, target, dataset, table)?;
        same_columns(dataset, table)?;
    }
    if found == TableMatch::Agreed {
        same_history(target, dataset, report)?;
        let stray = recover::stray(state, target, dataset)?;
        if stray > 0 {
            report.notes.push(format!("{}: {stray} files that no version names wait for removal", dataset.dataset));
        }
    }
    Ok(found)
}

/// The log and the manifest name the same files, with the same rows and lengths.
fn same_files(state: &State, target: &Target<'_>, dataset: &Dataset, table: &CurrentTable) -> Result<()> {
    let Some(current) = &dataset.current else { return Ok(()) };
    let manifest = state.manifest(&current.run, current.attempt, &current.manifest)?;
    let known = manifest.output.files.iter().map(|file| (file.path.clone(), file.rows, file.bytes));
    let named = table.files.iter().map(|file| (target.file(&file.name), file.rows, file.bytes));
    if named.collect::<BTreeSet<_>>() == known.collect() {
        return Ok(());
    }
    let what = format!(
        "{}: the table's log and state name other files, or the same with other rows or lengths",
        dataset.dataset
    );
    Err(Error::new(Code::TableApart, what))
}

/// The files of the table's history have the bytes that they had when a run or sweep met them.
fn same_history(target: &Target<'_>, dataset: &Dataset, report: &mut VerifyReport) -> Result<()> {
    let there = publish::history(target.lake, target.path, &BTreeMap::new())?;
    for (path, digest) in &there {
        match dataset.history.get(path) {
            Some(known) if known == digest => report.history += 1,
            Some(_) => report.faults.push(format!("{} has other bytes than were recorded", target.lake.display(path))),
            None => {}
        }
    }
    let unrecorded = there.keys().filter(|path| !dataset.history.contains_key(*path)).count();
    if unrecorded > 0 {
        report.not_proven.push(format!(
            "that files of the log of {} ({unrecorded}) have the bytes that were written: no run or sweep has recorded them",
            dataset.dataset
        ));
    }
    Ok(())
}

/// Every field that the last run published is a column of the table, of the same type. A table keeps the columns of fields
/// that a job has given up, so it may have more.
fn same_columns(dataset: &Dataset, table: &CurrentTable) -> Result<()> {
    let is_there = |field: &&FieldType| {
        table.columns.iter().any(|column| column.name == field.name && column.kind.to_string() == field.data_type)
    };
    let Some(field) = dataset.fields.iter().find(|field| !is_there(field)) else { return Ok(()) };
    let what = format!("{}: the table's log has no column {} of type {}", dataset.dataset, field.name, field.data_type);
    Err(Error::new(Code::TableApart, what))
}
