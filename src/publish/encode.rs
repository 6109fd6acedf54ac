//! Rows of treated fields become Parquet bytes: the same rows always give the same bytes.

use super::column::ColumnType;
use super::groups::{GROUP_ROWS, Groups};
use super::schema::Planned;
use super::stretch::{FieldValues, Stretch};
use super::writer::GroupWriter;
use crate::error::{Code, Error, Result};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

/// Text of a column held before it is handed to the encoder, far below what 32-bit offsets can address.
const TEXT_BYTES: usize = 32 << 20;

/// Columns of the data files of one run, and how they are written.
pub(super) struct FileShape {
    planned: Vec<Planned>,
    schema: SchemaRef,
    properties: WriterProperties,
}

impl FileShape {
    /// `subject` is the index of the subject's field in the layout; none where no row is about a person.
    ///
    /// # Errors
    /// A policy error when no column carries the subject's token.
    pub fn new(planned: Vec<Planned>, subject: Option<usize>) -> Result<FileShape> {
        let at = match subject {
            None => None,
            Some(_) => {
                let at = planned.iter().position(|p| p.field == subject && p.token);
                Some(at.ok_or_else(|| Error::new(Code::SpecUnusable, "no published field is the subject's token"))?)
            }
        };
        let fields = planned.iter().map(|p| Field::new(&p.column.name, p.column.kind.arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let sorted = match at {
            Some(at) => properties(&planned[at].column.name, at),
            None => common_properties(),
        };
        let properties = planned.iter().fold(sorted, |properties, p| {
            let path = ColumnPath::new(vec![p.column.name.clone()]);
            if p.token && p.column.kind == ColumnType::Text {
                // Lengths apart from digits: zstd then finds nothing but digits, two to a byte.
                properties.set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY)
            } else if p.token {
                properties.set_column_compression(path, Compression::UNCOMPRESSED)
            } else {
                properties.set_column_dictionary_enabled(path, p.column.kind == ColumnType::Text)
            }
        });
        Ok(FileShape { planned, schema, properties: properties.build() })
    }
}

/// What all files of ours have in common that are in the order of subjects: nothing is said of any value but min and max of
/// the subject's token per row group (design section 6).
pub(super) fn properties(subject: &str, at: usize) -> WriterPropertiesBuilder {
    let sorting = SortingColumn { column_idx: i32::try_from(at).unwrap_or(0), descending: false, nulls_first: false };
    common_properties()
        .set_column_statistics_enabled(ColumnPath::new(vec![subject.to_owned()]), EnabledStatistics::Chunk)
        .set_sorting_columns(Some(vec![sorting]))
}

/// What all files of ours have in common: zstd, no dictionary, no metadata, nothing said of any value.
fn common_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        // Readers ignore min and max of files whose writer they cannot parse as `NAME version VERSION`.
        .set_created_by("tamis version 1".into())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
}

/// Encodes rows into one Parquet file. Holds one row group.
pub(super) struct Encoder<W: Write + Send> {
    writer: GroupWriter<W>,
    columns: Vec<ColumnBuffer>,
    rows: usize,
}

impl<W: Write + Send> Encoder<W> {
    /// Starts a file of this shape that is written to `out`.
    pub fn new(shape: &FileShape, out: W) -> Result<Encoder<W>> {
        let writer = GroupWriter::new(out, shape.schema.clone(), shape.properties.clone())?;
        let columns = shape.planned.iter().map(ColumnBuffer::new).collect();
        Ok(Encoder { writer, columns, rows: 0 })
    }

    /// Writes a row group of these columns.
    pub fn group(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.cut()?;
        self.writer.write(columns)?;
        self.writer.cut()
    }

    /// Takes one row: a value per field of the layout, in the layout's order and bytes.
    #[cfg(test)]
    pub fn push(&mut self, fields: &[Option<&[u8]>]) -> Result<()> {
        let mut longest = 0;
        for column in &mut self.columns {
            let value = column.field.and_then(|field| fields.get(field).copied().flatten());
            longest = longest.max(column.push(value)?);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || longest >= TEXT_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Takes rows column by column. Row groups and what is held of text are cut as if rows came one by one.
    pub fn extend(&mut self, mut rows: Stretch<'_>) -> Result<()> {
        let held = |columns: &[ColumnBuffer]| columns.iter().map(ColumnBuffer::text_bytes).max().unwrap_or(0);
        let much = rows.text_bytes_at_most() + held(&self.columns) >= TEXT_BYTES;
        while let Some(part) = rows.take(if much { 1 } else { GROUP_ROWS - self.rows }) {
            self.columns.iter_mut().try_for_each(|column| column.extend(&part))?;
            self.rows += part.len();
            if self.rows == GROUP_ROWS || held(&self.columns) >= TEXT_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let arrays = self.columns.iter_mut().map(|column| column.take(rows)).collect::<Result<Vec<_>>>()?;
        if arrays.iter().any(|array| array.len() != rows) {
            return Err(broken_row());
        }
        self.writer.write(&arrays)
    }

    /// Ends the row group under way.
    pub fn cut(&mut self) -> Result<()> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.writer.cut()
    }

    /// Appends a row group of another file of this shape, as it is.
    pub fn copy(&mut self, from: &mut Groups, group: usize) -> Result<()> {
        self.cut()?;
        self.writer.copy(from, group)
    }

    /// Writes what is left and the footer; gives the sink back.
    pub fn finish(mut self) -> Result<W> {
        self.cut()?;
        self.writer.finish()
    }
}

fn broken_row() -> Error {
    Error::new(Code::RowsDoNotAddUp, "a staged row does not have the shape of its layout")
        .help("this is a fault of the program or of the machine's memory; nothing was published")
}

/// One column of the row group under way.
pub(super) struct ColumnBuffer {
    field: Option<usize>,
    kind: ColumnType,
    values: ColumnValues,
    valid: Validity,
}

/// Values so far, nulls as zeros or empty.
enum ColumnValues {
    Nothing,
    Hex { bytes: Vec<u8>, ends: Vec<i32> },
    Text { bytes: Vec<u8>, ends: Vec<i32> },
    Token(Vec<u8>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Decimal(Vec<i128>),
    Boolean(Vec<bool>),
}

/// Whether there is a value, one byte per row; packed once per row group, and not at all without nulls.
#[derive(Default)]
struct Validity {
    bits: Vec<bool>,
    nulls: bool,
}

impl Validity {
    fn push(&mut self, valid: bool) {
        self.nulls |= !valid;
        self.bits.push(valid);
    }
    /// Takes note of each value and passes it on.
    fn with<const N: usize>(&mut self, mut each: impl FnMut(&[u8; N])) -> impl FnMut(bool, &[u8; N]) {
        move |there, value| {
            self.push(there);
            each(value);
        }
    }
    fn take(&mut self) -> Option<NullBuffer> {
        let nulls = std::mem::take(&mut self.nulls);
        let packed = nulls.then(|| NullBuffer::new(BooleanBuffer::from(self.bits.as_slice())));
        self.bits.clear();
        packed
    }
}

/// 32 lower-case hex digits of a token.
pub(super) fn hex(token: &[u8; 16]) -> [u8; 32] {
    let mut out = [0; 32];
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(token) {
        // Two digits at once and no table, so that the compiler does many bytes at once.
        let byte = u16::from(*byte);
        let digits = (byte >> 4) | (byte & 15) << 8;
        let letters = ((digits + 0x0606) >> 4) & 0x0101;
        *pair = (digits + 0x3030 + letters * 39).to_le_bytes();
    }
    out
}

#[cfg(test)]
fn fixed<const N: usize>(value: Option<&[u8]>) -> Result<[u8; N]> {
    match value {
        None => Ok([0; N]),
        Some(value) => value.try_into().map_err(|_| broken_row()),
    }
}

impl ColumnBuffer {
    /// Makes one without rows.
    pub fn new(planned: &Planned) -> ColumnBuffer {
        let values = match planned.column.kind {
            _ if planned.field.is_none() => ColumnValues::Nothing,
            ColumnType::Text if planned.token => ColumnValues::Hex { bytes: Vec::new(), ends: vec![0] },
            ColumnType::Text => ColumnValues::Text { bytes: Vec::new(), ends: vec![0] },
            ColumnType::Binary => ColumnValues::Token(Vec::new()),
            ColumnType::Int32 | ColumnType::Date => ColumnValues::Int32(Vec::new()),
            ColumnType::Int64 | ColumnType::Timestamp => ColumnValues::Int64(Vec::new()),
            ColumnType::Float64 => ColumnValues::Float64(Vec::new()),
            ColumnType::Decimal(_) => ColumnValues::Decimal(Vec::new()),
            ColumnType::Boolean => ColumnValues::Boolean(Vec::new()),
        };
        ColumnBuffer { field: planned.field, kind: planned.column.kind, values, valid: Validity::default() }
    }

    /// Appends a value; returns the bytes of text held.
    #[cfg(test)]
    fn push(&mut self, value: Option<&[u8]>) -> Result<usize> {
        match &mut self.values {
            ColumnValues::Nothing => return Ok(0),
            ColumnValues::Text { bytes, ends } => {
                bytes.extend_from_slice(value.unwrap_or_default());
                ends.push(i32::try_from(bytes.len()).map_err(|_| broken_row())?);
                self.valid.push(value.is_some());
                return Ok(bytes.len());
            }
            ColumnValues::Hex { bytes, ends } => {
                if value.is_some() {
                    bytes.extend_from_slice(&hex(&fixed(value)?));
                }
                ends.push(bytes.len() as i32); // at most 32 bytes for each of 16,384 rows
            }
            ColumnValues::Token(bytes) => bytes.extend_from_slice(&fixed::<16>(value)?),
            ColumnValues::Int32(values) => values.push(i32::from_le_bytes(fixed(value)?)),
            ColumnValues::Int64(values) => values.push(i64::from_le_bytes(fixed(value)?)),
            ColumnValues::Float64(values) => values.push(f64::from_le_bytes(fixed(value)?)),
            ColumnValues::Decimal(values) => values.push(i128::from_le_bytes(fixed(value)?)),
            ColumnValues::Boolean(values) => values.push(fixed::<1>(value)?[0] != 0),
        }
        self.valid.push(value.is_some());
        Ok(0)
    }

    /// Bytes of text held.
    fn text_bytes(&self) -> usize {
        if let ColumnValues::Text { bytes, .. } = &self.values { bytes.len() } else { 0 }
    }

    /// Appends the values of rows.
    ///
    /// # Errors
    /// When the text passes 2 GiB.
    pub fn extend(&mut self, rows: &impl FieldValues) -> Result<()> {
        let Some(field) = self.field else { return Ok(()) };
        let valid = &mut self.valid;
        match &mut self.values {
            ColumnValues::Nothing => {}
            ColumnValues::Text { bytes, ends } => {
                rows.text(field, |value| {
                    bytes.extend_from_slice(value.unwrap_or_default());
                    ends.push(bytes.len() as i32);
                    valid.push(value.is_some());
                });
                i32::try_from(bytes.len()).map_err(|_| broken_row())?;
            }
            ColumnValues::Hex { bytes, ends } => {
                let mut end = bytes.len();
                bytes.resize(end + 32 * rows.count(), 0);
                rows.fixed(field, |there, token| {
                    bytes[end..end + 32].copy_from_slice(&hex(token));
                    end += 32 * usize::from(there);
                    ends.push(end as i32);
                    valid.push(there);
                });
                bytes.truncate(end);
            }
            ColumnValues::Token(bytes) => rows.fixed::<16>(field, valid.with(|token| bytes.extend_from_slice(token))),
            ColumnValues::Int32(values) => rows.fixed(field, valid.with(|v| values.push(i32::from_le_bytes(*v)))),
            ColumnValues::Int64(values) => rows.fixed(field, valid.with(|v| values.push(i64::from_le_bytes(*v)))),
            ColumnValues::Float64(values) => rows.fixed(field, valid.with(|v| values.push(f64::from_le_bytes(*v)))),
            ColumnValues::Decimal(values) => rows.fixed(field, valid.with(|v| values.push(i128::from_le_bytes(*v)))),
            ColumnValues::Boolean(values) => rows.fixed(field, valid.with(|[v]| values.push(*v != 0))),
        }
        Ok(())
    }

    /// The rows so far as an array made of these buffers and nothing else; starts over.
    pub fn take(&mut self, rows: usize) -> Result<ArrayRef> {
        let valid = self.valid.take();
        Ok(match (&mut self.values, self.kind) {
            (ColumnValues::Nothing, kind) => new_null_array(&kind.arrow(), rows),
            (ColumnValues::Hex { bytes, ends } | ColumnValues::Text { bytes, ends }, _) => text(bytes, ends, valid)?,
            (ColumnValues::Token(bytes), _) => fixed_binary(16, refill(bytes), valid)?,
            (ColumnValues::Int32(values), ColumnType::Date) => Arc::new(Date32Array::new(refill(values).into(), valid)),
            (ColumnValues::Int32(values), _) => Arc::new(Int32Array::new(refill(values).into(), valid)),
            (ColumnValues::Int64(values), ColumnType::Timestamp) => timestamps(refill(values), valid),
            (ColumnValues::Int64(values), _) => Arc::new(Int64Array::new(refill(values).into(), valid)),
            (ColumnValues::Float64(values), _) => Arc::new(Float64Array::new(refill(values).into(), valid)),
            (ColumnValues::Decimal(values), kind) => {
                Arc::new(Decimal128Array::new(refill(values).into(), valid).with_data_type(kind.arrow()))
            }
            (ColumnValues::Boolean(values), _) => {
                let bits = BooleanBuffer::from(values.as_slice());
                values.clear();
                Arc::new(BooleanArray::new(bits, valid))
            }
        })
    }
}

/// Takes the buffer and leaves one of the same size: row groups are alike.
pub(super) fn refill<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}

fn text(bytes: &mut Vec<u8>, ends: &mut Vec<i32>, valid: Option<NullBuffer>) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(refill(ends)));
    ends.push(0);
    let array = StringArray::try_new(offsets, Buffer::from_vec(refill(bytes)), valid).map_err(|_| broken_row())?;
    Ok(Arc::new(array))
}

/// Bytes of one width.
pub(super) fn fixed_binary(width: i32, bytes: Vec<u8>, valid: Option<NullBuffer>) -> Result<ArrayRef> {
    let array = FixedSizeBinaryArray::try_new(width, Buffer::from_vec(bytes), valid).map_err(|_| broken_row())?;
    Ok(Arc::new(array))
}

/// Returns microseconds since 1970 as a column in UTC.
pub(super) fn timestamps(values: Vec<i64>, valid: Option<NullBuffer>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::new(values.into(), valid).with_timezone("UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_lower_case_hex_digits() {
        for start in (0..=240).step_by(16) {
            let token: [u8; 16] = std::array::from_fn(|i| start + i as u8);
            let expected: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex(&token), expected.as_bytes());
        }
    }
}
