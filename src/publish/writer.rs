//! Row groups on their way into a Parquet file: encoded from columns, or copied as they are from another file.

use super::groups::GROUP_ROWS;
use super::groups::Groups;
use crate::error::{Code, Error, Result};
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use std::io::Write;

/// A Parquet file of ours while it is written, without the Arrow schema in its metadata.
pub(super) struct GroupWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// The row group under way.
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl<W: Write + Send> GroupWriter<W> {
    /// Starts a file with this schema that is written to `out`.
    pub fn new(out: W, schema: SchemaRef, properties: WriterProperties) -> Result<GroupWriter<W>> {
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, schema.clone(), options);
        let (file, factory) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(write_error)?;
        Ok(GroupWriter { file, factory, schema, columns: Vec::new(), rows: 0 })
    }

    /// Appends rows, column by column. A row group ends after `GROUP_ROWS` rows.
    pub fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns.first().map_or(0, |column| column.len());
        let mut from = 0;
        while from < rows {
            let count = (rows - from).min(GROUP_ROWS - self.rows);
            let part: Vec<ArrayRef> = columns.iter().map(|column| column.slice(from, count)).collect();
            self.append(&part).map_err(write_error)?;
            from += count;
            self.rows += count;
            if self.rows == GROUP_ROWS {
                self.cut()?;
            }
        }
        Ok(())
    }

    fn append(&mut self, columns: &[ArrayRef]) -> parquet::errors::Result<()> {
        if self.columns.is_empty() {
            self.columns = self.factory.create_column_writers(self.file.flushed_row_groups().len())?;
        }
        let mut writers = self.columns.iter_mut();
        for (field, column) in self.schema.fields().iter().zip(columns) {
            for leaf in compute_leaves(field, column)? {
                let writer = writers.next().ok_or_else(|| ParquetError::General("no such column".into()))?;
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }

    /// Ends the row group under way.
    pub fn cut(&mut self) -> Result<()> {
        self.rows = 0;
        let columns = std::mem::take(&mut self.columns);
        if columns.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group().map_err(write_error)?;
        for column in columns {
            column.close().and_then(|chunk| chunk.append_to_row_group(&mut group)).map_err(write_error)?;
        }
        group.close().map(|_| ()).map_err(write_error)
    }

    /// Appends a row group of another file of the same columns, byte for byte, with what its footer says of it.
    pub fn copy(&mut self, from: &mut Groups, group: usize) -> Result<()> {
        self.cut()?;
        let (bytes, columns) = from.chunks(group)?;
        let mut group = self.file.next_row_group().map_err(write_error)?;
        columns.into_iter().try_for_each(|column| group.append_column(&bytes, column)).map_err(write_error)?;
        group.close().map(|_| ()).map_err(write_error)
    }

    /// Writes what is left and the footer; gives the sink back.
    pub fn finish(mut self) -> Result<W> {
        self.cut()?;
        self.file.into_inner().map_err(write_error)
    }
}

/// An error of the sink keeps its own words; of anything else only the fact is told.
fn write_error(error: ParquetError) -> Error {
    let ParquetError::External(inner) = &error else {
        return Error::new(Code::StoreAway, "Parquet could not be written");
    };
    let io = inner.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
    match io.and_then(|own| own.downcast_ref::<Error>()) {
        Some(own) => own.clone(),
        None => Error::new(Code::StoreAway, "Parquet could not be written"),
    }
}
