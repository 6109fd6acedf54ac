//! The columns of an export against those of the run before: which are new, which have another name now, which went
//! empty. They are compared by sketches of the first records.

use super::pinned::Pinned;
use crate::error::{Code, Error, Result};
use crate::evidence::manifest::{CoveredColumns, Renamed};
use crate::job::Ready;
use crate::minimize::{Sketcher, alike};
use crate::monitor::Silent;
use crate::policy::{Column, CoveredBy, Plan, Source};
use crate::read::{self, ReadRequest, Reader, Scratch, Selection, Structures, UnlistedColumn};
use crate::state::ColumnSeen;
use std::collections::{BTreeMap, BTreeSet};

/// Of a hundred marks, so many have to be equal for two columns to be told as one.
const ALIKE: u8 = 70;

/// Every column of an export by name, as the record keeps them.
pub type SeenColumns = BTreeMap<String, ColumnSeen>;

/// How columns differ from those of the run before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnChanges {
    /// Columns that it did not have; none where it is not known which it had.
    pub new: BTreeSet<String>,
    /// Columns that it had, each with the new one that holds its values.
    pub renamed: Vec<Renamed>,
    /// Columns that had values in the first records and have none there now.
    pub emptied: Vec<String>,
}

/// Looks at the first records of an export of a source, all of whose columns are named.
///
/// # Errors
/// Input and storage errors.
pub fn look(ready: &Ready, pinned: &Pinned, source: &Source, names: &[String]) -> Result<SeenColumns> {
    let columns: Vec<Column> = read::single_names(names).map(|name| Column::text(name)).collect();
    let plan = ready.plan();
    let request = request(ready, source, &columns);
    let reader = Reader::open(ready.root(&plan.input.root), &first(pinned), &request, &Silent)?;
    let mut sketcher = Sketcher::new(&ready.keys, &plan.job, columns.len());
    if let Some(batch) = reader.next(&mut Scratch::default())? {
        sketcher.take(&batch);
    }
    let seen = columns.iter().zip(sketcher.finish()).map(|(column, sketch)| {
        let seen = ColumnSeen { sketch: sketch.marks, filled: sketch.filled, rows: sketch.rows };
        (column.name.clone(), seen)
    });
    Ok(seen.collect())
}

/// Returns the first file of an export.
pub fn first(pinned: &Pinned) -> Selection {
    Selection { objects: pinned.main.objects.iter().take(1).cloned().collect(), ..pinned.main.clone() }
}

/// Returns how files are read for what their columns are, and not for a job.
pub fn request<'a>(ready: &Ready, source: &'a Source, columns: &'a [Column]) -> ReadRequest<'a> {
    let drop_bad_records = ready.plan().limits.drop_bad_records;
    let (structures, block_bytes) = (Structures::AsWritten, ready.call.block_bytes);
    ReadRequest { source, columns, required: &[], structures, drop_bad_records, block_bytes }
}

/// Says whether it is worth telling that a column has no values any more: the source declares it, and no field that lost
/// all its values tells it.
pub fn declared_only(plan: &Plan, name: &str) -> bool {
    let declared = plan.source.listed.iter().any(|listed| listed == name) || plan.source.pattern_of(name).is_some();
    declared && !plan.fields.iter().any(|field| field.from.is_some_and(|from| plan.columns[from].name == name))
}

/// Compares with the columns of the run before. `told` says of a column whether it is worth telling that it has no values
/// any more.
pub fn changes(before: &SeenColumns, now: &SeenColumns, told: impl Fn(&str) -> bool) -> ColumnChanges {
    if before.is_empty() {
        return ColumnChanges::default();
    }
    let new: BTreeSet<String> = now.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    let renamed = gone.filter_map(|(from, seen)| {
        let (alike, to) = most_alike(&seen.sketch, now.iter().filter(|(name, _)| new.contains(*name)))?;
        Some(Renamed { from: from.clone(), to: to.clone(), alike })
    });
    let emptied = now.iter().filter(|(name, seen)| {
        let had = before.get(*name).is_some_and(|before| before.filled * 10 >= before.rows.max(1));
        seen.filled == 0 && seen.rows > 0 && had && told(name)
    });
    ColumnChanges { renamed: renamed.collect(), emptied: emptied.map(|(name, _)| name.clone()).collect(), new }
}

fn most_alike<'a>(sketch: &str, among: impl Iterator<Item = (&'a String, &'a ColumnSeen)>) -> Option<(u8, &'a String)> {
    let alike = among.filter_map(|(name, seen)| Some((alike(sketch, &seen.sketch)?, name)));
    alike.filter(|(alike, _)| *alike >= ALIKE).max_by_key(|(alike, _)| *alike)
}

/// All columns of the first file of an export. Where they are in its records, it is read for them.
fn names(ready: &Ready, pinned: &Pinned) -> Result<Vec<String>> {
    let plan = ready.plan();
    let request = request(ready, &plan.source, &[]);
    let reader = Reader::open(ready.root(&plan.input.root), &first(pinned), &request, &Silent)?;
    let ahead = reader.names();
    if !ahead.is_empty() {
        return Ok(ahead);
    }
    let mut scratch = Scratch::default();
    while let Some(batch) = reader.next(&mut scratch)? {
        scratch.recycle(batch);
    }
    Ok(reader.finish()?.names)
}

/// Adds to the error for a column that is missing which column holds what it held; by its place, for nobody knows yet
/// whether the header is one.
pub fn explained(ready: &Ready, pinned: &Pinned, error: Error) -> Error {
    if error.code() != Code::ColumnMissing {
        return error;
    }
    let found = || {
        let names = names(ready, pinned).ok()?;
        let changes =
            changes(&ready.dataset.columns, &look(ready, pinned, &ready.plan().source, &names).ok()?, |_| false);
        let missing = |renamed: &&Renamed| ready.plan().columns.iter().any(|column| column.name == renamed.from);
        let renamed = changes.renamed.into_iter().find(|renamed| missing(&renamed))?;
        let place = names.iter().position(|name| *name == renamed.to)? + 1;
        let of = ready.plan().source.read.records.has_names_in();
        Some(format!(
            "column {place} of the {of} holds what {} held in the run before ({} of 100 marks are equal): if it was renamed, rename \
             it in the source, too",
            renamed.from, renamed.alike
        ))
    };
    let Some(said) = found() else { return error };
    let help = error.help_text().map_or(said.clone(), |help| format!("{said}\n{help}"));
    error.help(help)
}

/// Groups columns that a source does not list by what covers them.
pub fn covered(source: &Source, columns: &[UnlistedColumn], new: &BTreeSet<String>) -> Vec<CoveredColumns> {
    let mut groups: BTreeMap<(u8, String), CoveredColumns> = BTreeMap::new();
    for column in columns {
        let Some(by) = source.cover.of(&column.name) else { continue };
        let (rank, by, category, purposes) = match by {
            CoveredBy::Line(line) => (0, line.pattern.as_str(), Some(line.category.name()), line.purposes.clone()),
            CoveredBy::Ignore => (1, "read.ignore", None, Vec::new()),
            CoveredBy::Deny => (2, "read.deny", None, Vec::new()),
        };
        let empty = || CoveredColumns {
            by: by.to_owned(),
            category: category.map(str::to_owned),
            purposes,
            columns: Vec::new(),
            new: Vec::new(),
        };
        let group = groups.entry((rank, by.to_owned())).or_insert_with(empty);
        group.columns.push(column.name.clone());
        group.new.extend(new.contains(&column.name).then(|| column.name.clone()));
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(all: &[(&str, &str, u64)]) -> SeenColumns {
        let seen = |(name, sketch, filled): &(&str, &str, u64)| {
            ((*name).to_owned(), ColumnSeen { sketch: sketch.repeat(4), filled: *filled, rows: 10 })
        };
        all.iter().map(seen).collect()
    }

    #[test]
    fn new_renamed_and_emptied_columns_are_told_apart() {
        let before =
            columns(&[("Id", "12345678", 10), ("City", "9abc9abc", 9), ("Note", "11111111", 1), ("Rare", "2", 0)]);
        let now = columns(&[
            ("Id", "12345678", 0),
            ("Town", "9abc9abd", 9),
            ("Note", "00000000", 0),
            ("Mood", "31313131", 5),
        ]);
        let told = changes(&before, &now, |name| name != "Note");
        assert_eq!(told.new.iter().collect::<Vec<_>>(), ["Mood", "Town"]);
        assert_eq!(told.renamed, [Renamed { from: "City".into(), to: "Town".into(), alike: 87 }]);
        assert_eq!(told.emptied, ["Id"]);
        assert_eq!(changes(&SeenColumns::new(), &now, |_| true), ColumnChanges::default());
    }
}
