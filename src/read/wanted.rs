//! What is wanted of files that are read.

use crate::policy::{Column, Source};
use std::collections::BTreeMap;

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
}

static NO_NAMES: BTreeMap<String, String> = BTreeMap::new();

impl<'a> WantedNames<'a> {
    /// Of who looks at everything and knows of no source.
    pub fn none() -> WantedNames<'static> {
        let structures = Structures::AsWritten;
        WantedNames { columns: &[], also: &NO_NAMES, listed: &[], beginnings: Vec::new(), structures }
    }

    /// Of who takes all columns under the names that a file has them by.
    pub fn all(&self, columns: &'a [Column]) -> WantedNames<'a> {
        let beginnings = self.beginnings.clone();
        WantedNames { columns, also: &NO_NAMES, beginnings, ..*self }
    }

    /// Returns what a source and the wanted columns ask for.
    pub fn of(source: &'a Source, columns: &'a [Column], structures: Structures) -> WantedNames<'a> {
        let beginnings = source.cover.beginnings();
        WantedNames { columns, also: &source.also, listed: &source.listed, beginnings, structures }
    }
}
