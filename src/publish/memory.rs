//! Columns in memory as those of a published table: the same names, types and values. Nothing is written, and nothing
//! is published by them.

use super::encode::ColumnBuffer;
use super::schema;
use super::stretch::FieldValues;
use crate::decide::Layout;
use crate::error::{Code, Error, Result};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows whose tokens have no more than 2 GiB of digits.
const MOST_ROWS: usize = i32::MAX as usize / 32;

/// Columns that grow row by row.
pub(crate) struct MemoryColumns {
    columns: Vec<ColumnBuffer>,
    schema: SchemaRef,
    rows: usize,
}

impl MemoryColumns {
    /// Makes the columns of a layout. `about` is said of the whole of them, as a key and a text.
    ///
    /// # Errors
    /// A policy error for a name that a table cannot have.
    pub fn new(layout: &Layout, binary_tokens: bool, about: (&str, &str)) -> Result<MemoryColumns> {
        let planned = schema::plan(layout, binary_tokens, &[])?;
        let fields = planned.iter().map(|p| Field::new(&p.column.name, p.column.kind.arrow(), true));
        let about = HashMap::from([(about.0.to_owned(), about.1.to_owned())]);
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()).with_metadata(about));
        Ok(MemoryColumns { columns: planned.iter().map(ColumnBuffer::new).collect(), schema, rows: 0 })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// An input error when the text of a column passes 2 GiB.
    pub fn extend(&mut self, rows: &impl FieldValues) -> Result<()> {
        self.rows += rows.count();
        if self.rows > MOST_ROWS || self.columns.iter_mut().any(|column| column.extend(rows).is_err()) {
            return Err(Error::new(Code::InputTooLarge, "the text of a field of one batch passes 2 GiB")
                .help("hand over smaller batches"));
        }
        Ok(())
    }

    /// Returns all rows.
    ///
    /// # Errors
    /// A fault, when rows did not have the shape of the layout.
    pub fn finish(mut self) -> Result<RecordBatch> {
        let rows = self.rows;
        let arrays = self.columns.iter_mut().map(|column| column.take(rows)).collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(self.schema, arrays).map_err(|_| Error::fault("columns in memory"))
    }
}
