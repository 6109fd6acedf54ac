//! How the columns of the newest export differ from those that the source declares, and the lines that would make it
//! agree: new columns and such as nobody ever declared, columns that are gone, that have another name now, that are
//! empty. Nothing is written here, and nothing that is proposed allows anything.

use crate::clock::Instant;
use crate::error::Result;
use crate::init::{ColumnGuess, Guesser};
use crate::job::{Call, Ready};
use crate::monitor::{Monitor, Silent};
use crate::policy::{Category, Column, Source};
use crate::read::{self, ReadReport, Reader, Scratch};
use crate::run::columns::{self as run_columns, ColumnChanges};
use crate::run::pinned::{Pinned, pin};
use crate::threads;
use std::collections::{BTreeMap, BTreeSet};

/// How an export differs from what its source declares.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct DriftReport {
    /// `tamis-drift/1`.
    pub schema: &'static str,
    /// The job whose export it is.
    pub job: String,
    /// Name of the source.
    pub source: String,
    /// The set that was looked at, where the input has sets.
    pub set: Option<String>,
    /// Columns that differ, in the order of the export, then those that are gone.
    pub columns: Vec<DriftedColumn>,
    /// Columns that no line can name: without a name, or with one that others have.
    pub nameless: u64,
}

/// What has become of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnFate {
    /// It was not there in the run before, and nothing declares it.
    New,
    /// Nothing declares it, and it was there before or nobody knows.
    Undeclared,
    /// It is new and holds what a column held that is gone.
    Renamed,
    /// It is declared and not in the export, and the job does not need it.
    Vanished,
    /// It is declared and not in the export, and the job needs it.
    Missing,
    /// It is declared and not in every file of the export.
    Partial,
    /// It is declared, had values in the run before and has none in the first records now.
    Emptied,
}

/// A column that is not as the source has it.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct DriftedColumn {
    /// Name of the column.
    pub column: String,
    /// In which way it differs.
    pub fate: ColumnFate,
    /// Since when runs have seen that, where one has.
    pub since: Option<Instant>,
    /// The column that held the same in the run before.
    pub was: Option<String>,
    /// Of a hundred marks, so many are equal.
    pub alike: Option<u8>,
    /// What it seems to hold, of columns that nothing declares.
    pub guess: Option<GuessedAs>,
}

/// What a column seems to hold, guessed from its name and a sample.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct GuessedAs {
    /// Name of the category, as specs write it.
    pub category: &'static str,
    /// What makes it look so.
    pub why: String,
    /// Kind of identifier, if the values look like one.
    pub identifier: Option<String>,
    /// Name of the treatment that a field of it would begin with.
    pub treat: Option<&'static str>,
    /// The line that declares it for no purpose.
    pub line: String,
}

/// Compares the newest export of a job with what its source declares.
///
/// # Errors
/// Policy errors for specs, keys and state; input and storage errors.
pub fn drift(call: &Call, monitor: &dyn Monitor) -> Result<DriftReport> {
    let ready = Ready::prepare(call, monitor)?;
    let pinned = pin(&ready)?;
    let export = Export::read(&ready, &pinned, monitor)?;
    Ok(export.report(&ready, &pinned))
}

/// The columns of an export, by all that is known of them.
struct Export {
    report: ReadReport,
    changes: ColumnChanges,
    guesses: BTreeMap<String, ColumnGuess>,
}

impl Export {
    fn read(ready: &Ready, pinned: &Pinned, monitor: &dyn Monitor) -> Result<Export> {
        let mut source = ready.plan().source.clone();
        // Whoever asks what has drifted is not to be refused for it.
        source.read.refuse_drift = false;
        let report = names(ready, pinned, &source, monitor)?;
        let seen = run_columns::look(ready, pinned, &source, &report.names)?;
        let told = |name: &str| run_columns::declared_only(ready.plan(), name);
        let changes = run_columns::changes(&ready.dataset.columns, &seen, told);
        let names = all_names(&report);
        let undeclared = report.drift.iter().map(|drift| &drift.name).filter(|name| names.contains(name));
        let undeclared: BTreeSet<&str> = undeclared.map(String::as_str).collect();
        let guesses = match undeclared.is_empty() {
            true => Vec::new(),
            false => guesses(ready, pinned, &source, &names, &undeclared)?,
        };
        let guesses = guesses.into_iter().map(|guess| (guess.column.clone(), guess)).collect();
        Ok(Export { report, changes, guesses })
    }

    fn report(self, ready: &Ready, pinned: &Pinned) -> DriftReport {
        let order: BTreeMap<&String, usize> =
            self.report.names.iter().enumerate().map(|(at, name)| (name, at)).collect();
        let mut columns: Vec<DriftedColumn> =
            self.guesses.values().map(|guess| self.undeclared(ready, guess)).collect();
        columns.sort_by_key(|column| order.get(&column.column).copied());
        columns.extend(self.report.lost.iter().map(|lost| self.lost(ready, &lost.name, lost.inputs)));
        columns.extend(self.changes.emptied.iter().map(|name| of(name, ColumnFate::Emptied)));
        let all: u64 = self.report.drift.iter().map(|drift| drift.columns.max(1)).sum();
        DriftReport {
            schema: "tamis-drift/1",
            job: ready.plan().job.clone(),
            source: ready.plan().source.name.clone(),
            set: pinned.main.set.clone(),
            nameless: all - self.guesses.len() as u64,
            columns,
        }
    }

    fn undeclared(&self, ready: &Ready, guess: &ColumnGuess) -> DriftedColumn {
        let renamed = self.changes.renamed.iter().find(|renamed| renamed.to == guess.column);
        let fate = match renamed {
            Some(_) => ColumnFate::Renamed,
            None if self.changes.new.contains(&guess.column) => ColumnFate::New,
            None => ColumnFate::Undeclared,
        };
        DriftedColumn {
            since: ready.dataset.drift.get(&guess.column).copied(),
            was: renamed.map(|renamed| renamed.from.clone()),
            alike: renamed.map(|renamed| renamed.alike),
            guess: Some(GuessedAs {
                category: Category::name(guess.category),
                why: guess.why.clone(),
                identifier: guess.identifier.clone(),
                treat: guess.treat,
                line: guess.line.clone(),
            }),
            ..of(&guess.column, fate)
        }
    }

    fn lost(&self, ready: &Ready, name: &str, inputs: usize) -> DriftedColumn {
        let fate = match () {
            () if inputs < self.report.inputs.len() => ColumnFate::Partial,
            () if ready.plan().columns.iter().any(|column| column.name == name) => ColumnFate::Missing,
            () => ColumnFate::Vanished,
        };
        DriftedColumn { since: ready.dataset.lost.get(name).copied(), ..of(name, fate) }
    }
}

/// The columns of all files that a line can name: those of the first, in its order, then what only others have.
fn all_names(report: &ReadReport) -> Vec<String> {
    let others = report.drift.iter().map(|drift| &drift.name).filter(|name| !report.names.contains(name));
    let all: Vec<String> = report.names.iter().chain(others).cloned().collect();
    read::single_names(&all).cloned().collect()
}

fn of(name: &str, fate: ColumnFate) -> DriftedColumn {
    DriftedColumn { column: name.to_owned(), fate, since: None, was: None, alike: None, guess: None }
}

/// Reads all files for the names of their columns alone.
fn names(ready: &Ready, pinned: &Pinned, source: &Source, monitor: &dyn Monitor) -> Result<ReadReport> {
    let request = run_columns::request(ready, source, &[]);
    let reader = Reader::open(ready.root(&ready.plan().input.root), &pinned.main, &request, monitor)?;
    let read = || {
        let mut scratch = Scratch::default();
        while let Some(batch) = reader.next(&mut scratch)? {
            ready.call.stop.check()?;
            scratch.recycle(batch);
        }
        Ok(())
    };
    threads::side_by_side(ready.call.threads, read).into_iter().collect::<Result<Vec<()>>>()?;
    reader.finish()
}

/// Guesses from the first records what columns are.
fn guesses(
    ready: &Ready,
    pinned: &Pinned,
    source: &Source,
    names: &[String],
    undeclared: &BTreeSet<&str>,
) -> Result<Vec<ColumnGuess>> {
    let columns: Vec<Column> = names.iter().map(|name| Column::text(name)).collect();
    let request = run_columns::request(ready, source, &columns);
    let first = run_columns::first(pinned);
    let reader = Reader::open(ready.root(&ready.plan().input.root), &first, &request, &Silent)?;
    let (mut guesser, mut scratch) = (Guesser::new(names.to_vec(), ready.call.now), Scratch::default());
    while let Some(batch) = reader.next(&mut scratch)? {
        let more = guesser.take(&batch);
        scratch.recycle(batch);
        if !more {
            break;
        }
    }
    let wanted = |name: &str| undeclared.contains(name);
    Ok(guesser.finish(wanted, |name| wanted(name) || source.listed.iter().any(|listed| listed == name)))
}
