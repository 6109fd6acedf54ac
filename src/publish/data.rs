//! A data file of ours read back row group by row group, as columns that a writer takes.

use super::column::TableColumn;
use super::encode::Encoder;
use super::groups::Groups;
use super::table::Target;
use crate::error::{Code, Error, Result};
use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{FilterBuilder, nullif};
use std::io::Write;

/// The row groups of a data file, one after the other. Holds one.
pub(super) struct Data {
    groups: Groups,
    /// Places of its columns.
    columns: Vec<usize>,
    next: usize,
}

impl Data {
    /// Opens the file called `name`, which has these columns, when its BLAKE3 is this one; none when it is another file.
    ///
    /// # Errors
    /// An evidence error when it is missing or has other columns; a storage error when it cannot be read.
    pub fn open(target: &Target<'_>, name: &str, columns: &[TableColumn], blake3: &str) -> Result<Option<Data>> {
        let Some(groups) = Groups::open_named(target.lake, &target.file(name), blake3, not_ours)? else {
            return Ok(None);
        };
        let fields = groups.schema().fields();
        let same = |(f, c): (&arrow::datatypes::FieldRef, &TableColumn)| {
            *f.name() == c.name && *f.data_type() == c.kind.arrow()
        };
        if fields.len() != columns.len() || !fields.iter().zip(columns).all(same) {
            return Err(not_ours(groups.place()));
        }
        Ok(Some(Data { groups, columns: (0..columns.len()).collect(), next: 0 }))
    }

    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.groups.rows()
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.groups.bytes()
    }

    /// Rows of each row group.
    pub fn group_rows(&self) -> Vec<usize> {
        self.groups.group_rows()
    }

    /// Copies the next row group into a file of the same columns.
    ///
    /// # Errors
    /// Storage errors.
    pub fn copy<W: Write + Send>(&mut self, into: &mut Encoder<W>) -> Result<()> {
        into.copy(&mut self.groups, self.next)?;
        self.next += 1;
        Ok(())
    }

    /// The next row group's rows that stay; `over` says by column and row which values go, or nothing at all.
    ///
    /// # Errors
    /// Evidence, for bytes that do not decode; storage errors.
    pub fn kept(&mut self, stays: &BooleanBuffer, over: &[Option<&[bool]>]) -> Result<Vec<ArrayRef>> {
        let batch = self.groups.read(self.next, &self.columns)?;
        self.next += 1;
        let broken = |_| not_ours(self.groups.place());
        let filter = FilterBuilder::new(&BooleanArray::from(stays.clone())).optimize().build();
        let mut kept = Vec::with_capacity(batch.num_columns());
        for (at, column) in batch.columns().iter().enumerate() {
            let over = over.get(at).copied().flatten().map(|over| BooleanArray::from(BooleanBuffer::from(over)));
            let changed = over.map(|over| nullif(column, &over)).transpose().map_err(broken)?;
            kept.push(filter.filter(changed.as_ref().unwrap_or(column)).map_err(broken)?);
        }
        Ok(kept)
    }
}

fn not_ours(place: &str) -> Error {
    Error::new(Code::TableApart, format!("{place} cannot be read as a file of this table"))
        .help("compare its hash with the manifest: `tamis verify`")
}
