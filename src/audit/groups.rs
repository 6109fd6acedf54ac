//! Rows put together by what they have in some columns. Must not know why.

use super::finding::FoundRows;
use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Some columns of a file.
pub(super) struct GroupCells<'a> {
    columns: Vec<(&'a ArrayRef, ArrayFormatter<'a>)>,
}

impl<'a> GroupCells<'a> {
    /// The columns of these names; the name of one that is missing or cannot be written out.
    pub fn of(batch: &'a RecordBatch, names: &[&str]) -> Result<GroupCells<'a>, String> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new();
        let column = |name: &&str| {
            let column = batch.column_by_name(name).ok_or_else(|| (*name).to_owned())?;
            let formatter = ArrayFormatter::try_new(column.as_ref(), &OPTIONS).map_err(|_| (*name).to_owned())?;
            Ok((column, formatter))
        };
        Ok(GroupCells { columns: names.iter().map(column).collect::<Result<_, String>>()? })
    }

    /// Returns a digest of what a row has in them. Null differs from every value.
    pub fn digest(&self, row: usize) -> [u8; 16] {
        let (mut hasher, mut text) = (blake3::Hasher::new(), String::new());
        for (column, formatter) in &self.columns {
            text.clear();
            if column.is_null(row) {
                hasher.update(&[0]);
                continue;
            }
            let _ = write!(text, "{}", formatter.value(row));
            hasher.update(&[1]).update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().as_bytes().as_chunks().0[0]
    }
}

/// Rows of one group, by file.
#[derive(Default)]
pub(super) struct GroupRows(BTreeMap<usize, FoundRows>);

impl GroupRows {
    /// Adds a row of the file with that number.
    pub fn add(&mut self, file: usize, row: usize) {
        self.0.entry(file).or_default().add(row);
    }

    /// Puts the rows of several groups together by file, the first ones in order.
    pub fn by_file(groups: &[&GroupRows]) -> BTreeMap<usize, FoundRows> {
        let mut all: BTreeMap<usize, FoundRows> = BTreeMap::new();
        for (file, rows) in groups.iter().flat_map(|group| &group.0) {
            all.entry(*file).or_default().join(rows);
        }
        all
    }
}
