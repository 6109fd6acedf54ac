//! What is wanted of files that are read.

use crate::policy::{Column, Source};

/// What is wanted of the files.
pub struct ReadRequest<'a> {
    /// How they are read.
    pub source: &'a Source,
    /// Columns wanted; batches give their cells by index into this.
    pub columns: &'a [Column],
    /// Indexes of the columns that every file must have.
    pub required: &'a [usize],
    /// Leave out ragged records and count them.
    pub drop_bad_records: bool,
    /// Columns are only looked at: a cell that has no value which can be believed is empty, and no fault.
    pub look: bool,
    /// About how much text is one block.
    pub block_bytes: usize,
}
