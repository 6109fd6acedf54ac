//! `tamis verify`: the evidence by itself, then every part of the state and each table against the others. Needs no key
//! and repairs nothing.

use super::foreign;
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::{self, VerifyReport};
use crate::job::recover::{self, TableMatch};
use crate::job::{output_of, root_of};
use crate::policy::Project;
use crate::publish::{self, CurrentTable, Target};
use crate::state::{Dataset, FieldType, NoticesChecked, State};
use crate::store::{Object, Root};
use std::collections::{BTreeMap, BTreeSet};

/// Files that nobody knows are named up to so many in one place.
const NAMED: usize = 20;

/// Verifies the state in the root `state` and the tables of all jobs, those that are gone from the specs included. `head`
/// is `SEQ:DIGEST` of an earlier verification or run. Faults are in the report: ask its [`VerifyReport::outcome`].
///
/// # Errors
/// A policy error for a malformed `head` or without a root `state`; a storage error when the ledger cannot be read; those
/// of [`foreign::verify`].
pub fn verify(project: &Project, roots: &BTreeMap<String, Root>, head: Option<&str>) -> Result<VerifyReport> {
    let root = root_of(roots, "state")?;
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
        Ok(checked) => tell_notices(&mut report, checked),
        Err(error) => tell(&mut report, "notices to recipients", &error),
    }
    match state.check_sign_offs() {
        Ok(0) => {}
        Ok(signed) => report.proven.push(format!("what was signed ({signed}) is what the ledger has")),
        Err(error) => tell(&mut report, "what was signed", &error),
    }
    match state.check_breaches() {
        Ok(0) => {}
        Ok(noted) => report.proven.push(format!("what was said of breaches ({noted}) is what the ledger has")),
        Err(error) => tell(&mut report, "breaches", &error),
    }
    match datasets(&state, project, &mut report) {
        Ok(datasets) => tables(&state, roots, &datasets, &mut report),
        Err(error) => tell(&mut report, "the datasets", &error),
    }
    match state.unknown(roots.values()) {
        Ok(mut unknown) => {
            unknown.retain(|object| !project.lists_read("state", &object.path));
            name_unknown(&mut report, state.root(), &unknown);
        }
        Err(error) => tell(&mut report, "what else lies in the state", &error),
    }
    if !report.faults.is_empty() {
        report.proven.clear();
    }
    foreign::verify(project, roots, &state, &mut report)?;
    Ok(report)
}

fn tell_notices(report: &mut VerifyReport, checked: NoticesChecked) {
    let NoticesChecked { notices, former, former_untold } = checked;
    if notices > 0 {
        report.proven.push(format!("notices to recipients ({notices}) are those that the ledger has"));
    }
    if former > former_untold {
        let told = former - former_untold;
        report
            .proven
            .push(format!("lists of tokens that recipients may still know ({told}) have the bytes that were written"));
    }
    if former_untold > 0 {
        report.not_proven.push(format!(
            "that lists of tokens of an earlier build ({former_untold}) have the bytes that were written: they have no digest"
        ));
    }
}

/// What could not be read was not looked at; anything else is a fault.
fn tell(report: &mut VerifyReport, what: &str, error: &Error) {
    if matches!(error.kind(), Kind::Storage) {
        report.not_proven.push(format!("{what}: could not be read, so this was not looked at: {error}"));
    } else if !report.faults.iter().any(|fault| fault == error.message()) {
        report.faults.push(error.message().to_owned());
    }
}

/// Names files that nobody knows: nothing rests on them, and whatever they hold is reached by no request.
fn name_unknown(report: &mut VerifyReport, root: &Root, unknown: &[Object]) {
    let told = |object: &Object| {
        format!("{}: tamis does not write such a file, and has not looked into it", root.display(&object.path))
    };
    report.notes.extend(unknown.iter().take(NAMED).map(told));
    if unknown.len() > NAMED {
        let more = unknown.len() - NAMED;
        report.notes.push(format!("{}: {more} more files that tamis does not write", root.display("")));
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
        name_unknown(report, target.lake, &unknown_files(target, dataset)?);
    }
    Ok(found)
}

/// What lies below a table and is neither a file of a version, nor history, nor named as tamis names files.
fn unknown_files(target: &Target<'_>, dataset: &Dataset) -> Result<Vec<Object>> {
    let current = dataset.current.iter().flat_map(|current| &current.files);
    let replaced = dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    let known: BTreeSet<&str> = current.chain(replaced).map(|file| file.path.as_str()).collect();
    let ours = |path: &str| {
        let name = path.strip_prefix(target.path).map(|rest| rest.trim_start_matches('/')).unwrap_or_default();
        known.contains(path) || publish::is_known_history(target.path, path) || publish::written_by(name).is_some()
    };
    // A listing does not show names such as `rows.csv#1`, under which the store stages its writes.
    let staged = target.lake.staging_leftovers(target.path)?.0.into_iter();
    let staged = staged.filter(|object| !publish::is_staged(target, &object.path));
    let objects = target.lake.list(target.path)?.into_iter().filter(|object| !ours(&object.path));
    Ok(objects.chain(staged).collect())
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
