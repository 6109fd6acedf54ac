//! What is wanted of files that are read.

use crate::policy::{Column, Source};
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted of the files.
#[derive(Clone, Copy)]
pub struct ReadRequest<'a> {
    /// How they are read.
    pub source: &'a Source,
    /// Columns wanted; batches give their cells by index into this.
    pub columns: &'a [Column],
    /// Indexes of the columns that every file must have.
    pub required: &'a [usize],
    /// What objects and arrays in place of a wanted value do, in formats that have them.
    pub structures: Structures,
    /// Leave out ragged records and count them.
    pub drop_bad_records: bool,
    /// About how much text is one block.
    pub block_bytes: usize,
}

/// What an object or array in place of a single value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structures {
    /// It refuses the input.
    Refuse,
    /// It is the value, as written: for who looks at a column without using it. A cell that has no value which can be
    /// believed is empty then, and no fault.
    AsWritten,
}

/// The names of columns that a format is asked for which finds names in records.
pub(super) struct WantedNames<'a> {
    pub columns: &'a [Column],
    /// Other names, each with the column's own.
    pub also: &'a BTreeMap<String, String>,
    /// Columns that are known and not wanted.
    pub listed: &'a [String],
    /// How names of columns begin that something covers without listing them.
    pub beginnings: Vec<String>,
    pub structures: Structures,
    /// Which of the columns are needed, where not all are: the others are read by nobody.
    pub needed: Option<Vec<bool>>,
}

/// What a reader of records knows of the columns of a file before it sees them.
#[derive(Default)]
pub struct KnownColumns {
    /// Columns that it will ask for: what is no single value there is told. None, where it looks at everything.
    pub needed: Vec<String>,
    /// Those of them whose values name somebody: what may be less than was meant there is told (R57, R60, R66).
    pub identifying: BTreeSet<String>,
}

/// Says of each column whether its values name somebody, by themselves or as a part of what does.
pub(super) fn identified(columns: &[Column]) -> Vec<bool> {
    let mut identified: Vec<bool> = columns.iter().map(|column| column.identified).collect();
    for part in columns.iter().filter(|column| column.identified).flat_map(|column| &column.parts) {
        identified[*part] = true;
    }
    identified
}

static NO_NAMES: BTreeMap<String, String> = BTreeMap::new();

impl<'a> WantedNames<'a> {
    /// Of who looks at everything and knows of no source.
    pub fn none() -> WantedNames<'static> {
        let structures = Structures::AsWritten;
        WantedNames { columns: &[], also: &NO_NAMES, listed: &[], beginnings: Vec::new(), structures, needed: None }
    }

    /// Of who needs some columns, and knows of no source.
    pub fn needing(needed: &'a [String]) -> WantedNames<'a> {
        WantedNames { listed: needed, ..WantedNames::none() }
    }

    /// Of who takes all columns under the names that a file has them by.
    pub fn all(&self, columns: &'a [Column]) -> WantedNames<'a> {
        let beginnings = self.beginnings.clone();
        WantedNames { columns, also: &NO_NAMES, beginnings, needed: None, ..*self }
    }

    /// Returns what a source and the wanted columns ask for.
    pub fn of(source: &'a Source, columns: &'a [Column], structures: Structures) -> WantedNames<'a> {
        let beginnings = source.cover.beginnings();
        WantedNames { columns, also: &source.also, listed: &source.listed, beginnings, structures, needed: None }
    }
}
