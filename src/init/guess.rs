//! Lines for columns that a source does not declare yet, guessed from a sample as `init` guesses whole tables. Must not
//! know sources nor how they are written.

use super::column::ColumnCells;
use super::propose::propose_columns;
use super::write::added;
use crate::clock::Instant;
use crate::policy::Category;
use crate::read::RawBatch;

/// Batches of a quarter of a mebibyte that are looked at: as much as `init` reads of a table.
const BATCHES: usize = 16;

/// Gathers the cells of all columns of an export.
/// Deliberately without `Debug`: it holds raw values.
pub struct Guesser {
    names: Vec<String>,
    columns: Vec<ColumnCells>,
    records: u64,
    batches: usize,
    now: Instant,
}

/// What a column seems to be, and the line that would declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnGuess {
    /// Name of the column.
    pub column: String,
    /// What the column seems to hold.
    pub category: Category,
    /// What makes it look so.
    pub why: String,
    /// Kind of identifier that the values seem to be, if any.
    pub identifier: Option<String>,
    /// The treatment that a field of it would begin with, by its name.
    pub treat: Option<&'static str>,
    /// The line of `[columns]`, without purposes.
    pub line: String,
}

impl Guesser {
    /// Begins with all columns that the batches will have, in their order. `now` is when they are looked at.
    pub fn new(names: Vec<String>, now: Instant) -> Guesser {
        let columns = names.iter().map(|_| ColumnCells::default()).collect();
        Guesser { names, columns, records: 0, batches: 0, now }
    }

    /// Takes a batch; returns whether another one would say more.
    pub fn take(&mut self, batch: &RawBatch) -> bool {
        for (at, cells) in self.columns.iter_mut().enumerate() {
            let values = batch.values(at);
            let rows = (0..batch.rows()).filter(|row| !batch.is_blank(*row));
            rows.for_each(|row| cells.take(values.get(row).unwrap_or("")));
        }
        self.records += batch.rows() as u64;
        self.batches += 1;
        self.batches < BATCHES
    }

    /// Returns a guess for each column that `wanted` says yes to, in their order. `usable` says whether another column may
    /// refer to one.
    pub fn finish(self, wanted: impl Fn(&str) -> bool, usable: impl Fn(&str) -> bool) -> Vec<ColumnGuess> {
        let cells = self.columns.into_iter().zip(&self.names);
        let facts: Vec<_> = cells.map(|(cells, name)| cells.facts(name, self.now)).collect();
        let proposed = propose_columns(&facts, self.records, usable);
        let of = facts.iter().zip(&proposed).filter(|(column, _)| wanted(&column.name));
        let guess = of.map(|(column, proposed)| ColumnGuess {
            column: column.name.clone(),
            category: proposed.category,
            why: proposed.why.clone(),
            identifier: proposed.identifier.clone(),
            treat: proposed.treat.map(super::propose::Treat::name),
            line: added(column, proposed),
        });
        guess.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_column_seems_to_be_and_allows_nothing() {
        let rows: String = (0..20).map(|n| format!("{n},p{n}@kunden.example,+49 40 66969{n:03},Ulm\n")).collect();
        let names = ["Id", "Second Mail", "Handy", "Town *"];
        let mut guesser = Guesser::new(names.map(String::from).into(), Instant(0));
        let batch = RawBatch::sample(&format!("{}\n{rows}", names.join(",")), &names);
        assert!(guesser.take(&batch));
        let guesses = guesser.finish(|name| name != "Id", |_| true);
        let lines: Vec<&str> = guesses.iter().map(|guess| guess.line.as_str()).collect();
        assert!(
            lines[0].starts_with(
                "\"Second Mail\" = { category = \"contact\", identifier = \"email\", purposes = [] }  # looks like"
            ),
            "{lines:?}"
        );
        assert!(lines[0].ends_with("a field of it would have treat = \"email-domain\""), "{lines:?}");
        assert!(lines[1].starts_with("Handy = { category = \"contact\", identifier = \"phone\", region = \"DE\""));
        assert!(lines[2].starts_with("\"Town \\\\*\" = { category = "), "{lines:?}");
        assert_eq!(guesses.len(), 3);
    }
}
