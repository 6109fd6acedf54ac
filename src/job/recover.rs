//! The table against what state says of it. A run that was killed between its commit and its last entry is made whole
//! here; whatever a crash cannot leave is refused. Nothing else of an earlier attempt needs repair: files that no commit
//! names are nobody's.

use super::prepare::Ready;
use crate::error::{Code, Error, Result};
use crate::publish::{self, CurrentTable, Passed, Target};
use crate::state::{Dataset, Since, State};
use std::collections::{BTreeMap, BTreeSet};

/// Compares the table with what state knows of it and completes the entries of a version that is only in the table.
///
/// # Errors
/// Evidence, when one of table, record, ledger and files is older than another, or the table was written by somebody
/// else; storage, when another run is at work.
pub fn unfinished(ready: &mut Ready) -> Result<Option<CurrentTable>> {
    let (table, found) = looked_at(ready)?;
    if let (Some(table), TableMatch::Unfinished) = (&table, found) {
        complete(ready, &(table.version, table.run.clone(), table.attempt, table.manifest.clone()))?;
    }
    ready.passed = table.as_ref().map(|table| table.passed.clone()).unwrap_or_default();
    stray(&ready.state, &ready.target(), &ready.dataset)?;
    Ok(table)
}

/// The table as a plan may see it: a version that is not in `state` yet stops it, for a plan repairs nothing. Gives
/// commits of other programs after it.
///
/// # Errors
/// Evidence, when table and state differ.
pub fn unpublished(ready: &Ready) -> Result<Vec<Passed>> {
    let (table, found) = looked_at(ready)?;
    if found == TableMatch::Unfinished {
        return Err(Error::new(Code::RunCutShort, format!("{}: the last run was cut short", ready.dataset.dataset))
            .help(format!("`tamis run {}` completes its evidence first", ready.call.job)));
    }
    stray(&ready.state, &ready.target(), &ready.dataset)?;
    Ok(table.map(|table| table.passed).unwrap_or_default())
}

/// How table and state stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TableMatch {
    /// At the same version.
    Agreed,
    /// The table has one version more, and all that was written before its commit is there: a crash leaves that.
    Unfinished,
}

fn looked_at(ready: &Ready) -> Result<(Option<CurrentTable>, TableMatch)> {
    let target = ready.target();
    compare(&ready.state, &ready.dataset, &|| publish::current(target.lake, target.path))
}

/// Compares a dataset's record with the ledger, then both with the table, which is read last: what was told before is
/// never newer.
///
/// # Errors
/// Evidence, when they differ by more than a crash can leave; storage, when another run is at work.
pub fn compare(
    state: &State,
    dataset: &Dataset,
    table: &dyn Fn() -> Result<Option<CurrentTable>>,
) -> Result<(Option<CurrentTable>, TableMatch)> {
    let known = dataset.current.as_ref().map(|current| (current.version, current.manifest.as_str()));
    let since = state.since(dataset)?;
    let said = since.version.as_ref().map(|(version, manifest)| (*version, manifest.as_str()));
    if since.missing.is_some() || since.versions > 1 {
        return Err(older_record(state, dataset, &since)?);
    }
    let table = table()?;
    if since.retired {
        return Err(retired(state, dataset, table.is_some()));
    }
    let there = table.as_ref().map(|table| (table.version, table.manifest.as_str()));
    match there {
        _ if there == known && said.is_none() => {
            if let Some(current) = &dataset.current {
                state.manifest(&current.run, current.attempt, &current.manifest)?;
            }
            Ok((table, TableMatch::Agreed))
        }
        // Commits of other programs may lie in between, so it need not be the next number.
        Some((version, _))
            if Some(version) > known.map(|(version, _)| version) && said.is_none_or(|said| Some(said) == there) =>
        {
            prepared(state, dataset, table.as_ref())?;
            Ok((table, TableMatch::Unfinished))
        }
        _ => Err(older_table(dataset, there, said.or(known))),
    }
}

fn told(version: Option<(u64, &str)>) -> String {
    version.map_or("none".to_string(), |(version, _)| format!("version {version}"))
}

/// The ledger has seen a newer record. Another process may just have saved it.
fn older_record(state: &State, dataset: &Dataset, since: &Since) -> Result<Error> {
    let (job, newest) = match &since.missing {
        Some(missing) => (&missing.job, missing.newest),
        None => (&dataset.job, dataset.seq),
    };
    if state.dataset(job)?.is_some_and(|now| now.seq > newest) {
        return Ok(Error::new(Code::Overtaken, format!("another run of job {job} is under way or has just ended"))
            .help("run again: it then continues where the other one stopped"));
    }
    let shown = match &since.missing {
        Some(missing) => {
            format!("the ledger has seen its record {} or a later one, and the newest is {newest}", missing.seen)
        }
        None => format!("the ledger has {} versions that none of its records has", since.versions),
    };
    Ok(state.behind(&format!("datasets/{job}"), shown).error())
}

/// The ledger says that the table has ended, and the record does not. A retirement that was cut short leaves that, but no
/// table.
fn retired(state: &State, dataset: &Dataset, there: bool) -> Error {
    if there {
        let shown = "the ledger says that its table was retired since, and the table is there".to_owned();
        return state.behind(&format!("datasets/{}", dataset.job), shown).error();
    }
    Error::new(
        Code::StatePartOlder,
        format!("{}: its retirement was cut short, or its record is older", dataset.dataset),
    )
    .help(format!("`tamis dataset retire {} --reason …` goes on", dataset.dataset))
}

fn older_table(dataset: &Dataset, there: Option<(u64, &str)>, said: Option<(u64, &str)>) -> Error {
    let there = match there {
        None => "gone".to_string(),
        Some((version, _)) if Some(version) == said.map(|(version, _)| version) => {
            format!("at a version {version} that has another manifest")
        }
        Some((version, _)) => format!("at version {version}"),
    };
    Error::new(Code::TableApart, format!("{}: state says {}, but the table is {there}", dataset.dataset, told(said)))
        .help("a restored table or state would bring erased persons back: restore the newer one, or use a new output")
}

/// The manifest that the table's newest commit names: it is there, follows the version that state knows, and what it saw
/// of the other parts is there still.
fn prepared(state: &State, dataset: &Dataset, table: Option<&CurrentTable>) -> Result<()> {
    let Some(table) = table else { return Ok(()) };
    if !state.has_begun(&table.run)? {
        let shown = format!("{} is at version {} of run {}", dataset.dataset, table.version, table.run);
        return Err(state.behind("runs", format!("{shown}, which is not in it")).error());
    }
    let manifest = state.manifest(&table.run, table.attempt, &table.manifest)?;
    let before = manifest.previous.as_ref().map(|previous| (previous.version, previous.run.as_str()));
    let known = dataset.current.as_ref().map(|current| (current.version, current.run.as_str()));
    if manifest.output.version != table.version || before != known {
        let shown = format!("{} has a version that was not made from the one that the record knows", dataset.dataset);
        return Err(state.behind(&format!("datasets/{}", dataset.job), shown).error());
    }
    let by = format!("the manifest of run {}", table.run);
    manifest.witness.map_or(Ok(()), |witness| state.check_witness(&by, &witness))
}

/// Files and companions that no version names are what a crash left, or of runs that state has forgotten: each was
/// written after the intent of its run. Gives how many there are.
///
/// # Errors
/// Evidence, for a file of a run that is not in state; storage errors.
pub fn stray(state: &State, target: &Target<'_>, dataset: &Dataset) -> Result<usize> {
    let current = dataset.current.iter().flat_map(|current| &current.files);
    let replaced = dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    let name = |path: &str| path.rsplit('/').next().unwrap_or("").to_string();
    let known: BTreeSet<String> = current.chain(replaced).map(|file| name(&file.path)).collect();
    let found = publish::orphans(target, &known)?;
    let names: Vec<String> = found.files.iter().chain(&found.companions).map(|object| name(&object.path)).collect();
    let runs: BTreeSet<&str> = names.iter().filter_map(|name| Some(publish::written_by(name)?.0)).collect();
    for run in runs {
        if !state.has_begun(run)? {
            let shown = format!("{} or its companions have files of run {run}, which is not in it", dataset.dataset);
            return Err(state.behind("runs", shown).error());
        }
    }
    Ok(names.len())
}

/// Makes the entries of a version whole that is in the table's log: version, run, attempt and digest of its manifest.
pub(crate) fn complete(ready: &mut Ready, (version, run, attempt, digest): &(u64, String, u32, String)) -> Result<()> {
    let manifest = ready.state.manifest(run, *attempt, digest)?;
    let intent = ready.state.stored_intent(run)?.ok_or_else(|| {
        Error::new(Code::StatePartMissing, format!("run {run} has published version {version} without an intent"))
            .help("compare the state with its copy: `tamis verify`")
    })?;
    ready.dataset.history = history(&ready.target(), &ready.dataset.history);
    ready.state.remember(&mut ready.dataset, &intent, &manifest, ready.call.now)?;
    ready.renew()
}

/// The digests of the table's history, with those of what has come since `known`. They only serve `verify`: what cannot be
/// read now is met by the next run or sweep.
pub fn history(target: &Target<'_>, known: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    publish::history(target.lake, target.path, known).unwrap_or_else(|_| known.clone())
}

/// What to do about a table that another program has changed.
pub(crate) fn foreign_help() -> &'static str {
    "stop the other program, look at what it did, then `tamis dataset adopt JOB --reason …`"
}
