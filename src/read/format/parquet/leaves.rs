//! One column of one row group, decoded a few rows at a time.

use super::chunks::{ColumnChunks, of_ours};
use super::leaf::{LeafKind, LeafValue};
use crate::error::Result;
use crate::read::container::damaged;
use crate::read::format::seam::OddReason;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Rows decoded at once.
pub(super) const STEP: usize = 1024;

/// Values as decoded, without those that are null.
enum LeafValues {
    Boolean(Vec<bool>),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Julian(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A column being decoded.
pub(super) struct LeafReader {
    /// Its place in the file.
    pub column: usize,
    kind: LeafKind,
    place: String,
    /// The level at which a value is there.
    present: i16,
    reader: ColumnReader,
    levels: Vec<i16>,
    values: LeafValues,
    /// Of the rows decoded, the next one, and its value.
    row: usize,
    value: usize,
}

impl LeafReader {
    /// Opens a column.
    ///
    /// # Errors
    /// An input error for one that cannot be decoded.
    pub fn open(
        column: usize,
        kind: LeafKind,
        chunks: ColumnChunks,
        meta: &ColumnChunkMetaData,
        rows: usize,
    ) -> Result<LeafReader> {
        let (place, descr) = (chunks.place.clone(), meta.column_descr_ptr());
        let pages = guarded(&place, || SerializedPageReader::new(Arc::new(chunks), meta, rows, None))?;
        let present = descr.max_def_level();
        let reader = get_column_reader(descr, Box::new(pages));
        let values = match &reader {
            ColumnReader::BoolColumnReader(_) => LeafValues::Boolean(Vec::new()),
            ColumnReader::Int32ColumnReader(_) => LeafValues::Int(Vec::new()),
            ColumnReader::Int64ColumnReader(_) => LeafValues::Long(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => LeafValues::Julian(Vec::new()),
            ColumnReader::FloatColumnReader(_) => LeafValues::Float(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => LeafValues::Double(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => LeafValues::Bytes(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => LeafValues::Fixed(Vec::new()),
        };
        Ok(LeafReader { column, kind, place, present, reader, levels: Vec::new(), values, row: 0, value: 0 })
    }

    /// Decodes so many more rows.
    ///
    /// # Errors
    /// An input error for bytes that cannot be decoded, and where there are fewer rows.
    pub fn decode(&mut self, rows: usize) -> Result<()> {
        if self.more(rows)? == rows { Ok(()) } else { Err(damaged(&self.place, "it ends before its row group does")) }
    }

    /// Makes sure that there are no more rows.
    ///
    /// # Errors
    /// An input error where there are.
    pub fn end(&mut self) -> Result<()> {
        if self.more(1)? == 0 { Ok(()) } else { Err(damaged(&self.place, "it has more rows than its row group")) }
    }

    fn more(&mut self, rows: usize) -> Result<usize> {
        (self.row, self.value) = (0, 0);
        self.levels.clear();
        let (reader, values, levels) = (&mut self.reader, &mut self.values, &mut self.levels);
        let (records, present, _) = guarded(&self.place, || decode(reader, values, levels, rows))?;
        let said = match self.present {
            0 => records,
            full => self.levels.iter().filter(|level| **level == full).count(),
        };
        let levels = if self.present == 0 { records } else { self.levels.len() };
        if levels != records || said != present || self.values.len() != present {
            return Err(damaged(&self.place, "its values and its levels do not agree"));
        }
        Ok(records)
    }

    /// Writes the next row's value, nothing for null.
    ///
    /// # Errors
    /// Why the value has no text.
    pub fn write(&mut self, text: &mut String) -> Result<(), &'static OddReason> {
        let present = self.present == 0 || self.levels.get(self.row) == Some(&self.present);
        self.row += 1;
        if !present {
            return Ok(());
        }
        self.value += 1;
        match self.values.at(self.value - 1) {
            Some(value) => self.kind.write(value, text),
            None => Ok(()),
        }
    }
}

impl LeafValues {
    fn len(&self) -> usize {
        match self {
            LeafValues::Boolean(all) => all.len(),
            LeafValues::Int(all) => all.len(),
            LeafValues::Long(all) => all.len(),
            LeafValues::Julian(all) => all.len(),
            LeafValues::Float(all) => all.len(),
            LeafValues::Double(all) => all.len(),
            LeafValues::Bytes(all) => all.len(),
            LeafValues::Fixed(all) => all.len(),
        }
    }

    fn at(&self, at: usize) -> Option<LeafValue<'_>> {
        Some(match self {
            LeafValues::Boolean(all) => LeafValue::Boolean(*all.get(at)?),
            LeafValues::Int(all) => LeafValue::Int(*all.get(at)?),
            LeafValues::Long(all) => LeafValue::Long(*all.get(at)?),
            LeafValues::Julian(all) => LeafValue::Julian(all.get(at)?),
            LeafValues::Float(all) => LeafValue::Float(*all.get(at)?),
            LeafValues::Double(all) => LeafValue::Double(*all.get(at)?),
            LeafValues::Bytes(all) => LeafValue::Bytes(all.get(at)?),
            LeafValues::Fixed(all) => LeafValue::Fixed(all.get(at)?),
        })
    }
}

type DecodedCounts = (usize, usize, usize);

fn decode(
    reader: &mut ColumnReader,
    values: &mut LeafValues,
    levels: &mut Vec<i16>,
    rows: usize,
) -> ParquetResult<DecodedCounts> {
    macro_rules! read {
        ($reader:expr, $values:expr) => {{
            $values.clear();
            $reader.read_records(rows, Some(levels), None, $values)
        }};
    }
    match (reader, values) {
        (ColumnReader::BoolColumnReader(reader), LeafValues::Boolean(all)) => read!(reader, all),
        (ColumnReader::Int32ColumnReader(reader), LeafValues::Int(all)) => read!(reader, all),
        (ColumnReader::Int64ColumnReader(reader), LeafValues::Long(all)) => read!(reader, all),
        (ColumnReader::Int96ColumnReader(reader), LeafValues::Julian(all)) => read!(reader, all),
        (ColumnReader::FloatColumnReader(reader), LeafValues::Float(all)) => read!(reader, all),
        (ColumnReader::DoubleColumnReader(reader), LeafValues::Double(all)) => read!(reader, all),
        (ColumnReader::ByteArrayColumnReader(reader), LeafValues::Bytes(all)) => read!(reader, all),
        (ColumnReader::FixedLenByteArrayColumnReader(reader), LeafValues::Fixed(all)) => read!(reader, all),
        _ => Ok((0, 0, 0)),
    }
}

/// Runs the decoder on bytes that nobody vouches for. What it says of a fault may hold a value and is not passed on; a
/// panic of it is a fault of the file.
pub(super) fn guarded<T>(place: &str, work: impl FnOnce() -> ParquetResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(of_ours(error).unwrap_or_else(|| damaged(place, "its bytes cannot be decoded"))),
        Err(_) => Err(damaged(place, "its bytes cannot be decoded")),
    }
}
