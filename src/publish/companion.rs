//! Companion files (R40): what lists and retention need to know of published rows, row for row, kept in `state` only.
//! Must not know published fields nor the log.

use super::cleared::Stretch;
use super::encode::{GROUP_ROWS, fixed_binary, properties, refill, timestamps, write_error, writer};
use crate::decide::{NO_SINCE, mark};
use crate::error::{Error, Result};
use crate::store::{Object, Root, SeekSource, from_io};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt8Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt8Type};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use std::io::{SeekFrom, Write};
use std::ops::Range;
use std::sync::Arc;

/// What a companion holds of one row.
#[derive(Clone, Copy)]
pub(crate) struct CompanionRow<'a> {
    /// Subject token.
    pub subject: &'a [u8; 16],
    /// The row goes when `as_of` reaches this, in microseconds.
    pub keep_until: i64,
    /// When the consent it rests on was given, or `NO_SINCE`.
    pub since: i64,
    /// When that consent ends; `i64::MAX` for no end or no consent.
    pub consent_until: i64,
    /// Per field with a `keep` of its own, in the layout's order: its value goes when `as_of` reaches this.
    pub field_until: &'a [i64],
    /// Per identity slot: `mark` and identity, zeros where the mark is `NONE`.
    pub identities: &'a [(u8, &'a [u8; 32])],
    /// Per quasi-identifier the keyed hash of what is published, `NULL_QUASI` for null.
    pub quasi: &'a [u64],
}

/// Columns of the companions of one run.
pub(super) struct CompanionShape {
    identities: usize,
    until: usize,
    quasi: usize,
    schema: SchemaRef,
    properties: WriterProperties,
}

fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl CompanionShape {
    /// `until` is the number of fields with a `keep` of their own.
    pub fn new(identities: usize, until: usize, quasi: usize) -> CompanionShape {
        let mut fields = vec![Field::new("subject", DataType::FixedSizeBinary(16), false)];
        for slot in 0..identities {
            fields.push(Field::new(format!("identity_{slot}"), DataType::FixedSizeBinary(32), true));
            fields.push(Field::new(format!("mark_{slot}"), DataType::UInt8, false));
        }
        fields.push(Field::new("keep_until", micros(), false));
        fields.push(Field::new("since", micros(), true));
        fields.push(Field::new("consent_until", micros(), true));
        fields.extend((0..until).map(|k| Field::new(format!("until_{k}"), micros(), false)));
        fields.extend((0..quasi).map(|q| Field::new(format!("quasi_{q}"), DataType::Int64, false)));
        let properties = fields.iter().fold(properties("subject", 0), |properties, field| {
            let path = ColumnPath::new(vec![field.name().clone()]);
            match field.data_type() {
                DataType::FixedSizeBinary(_) => properties.set_column_compression(path, Compression::UNCOMPRESSED),
                // Marks and published values are few: a dictionary is cheaper than leaving it to zstd.
                DataType::UInt8 | DataType::Int64 => properties.set_column_dictionary_enabled(path, true),
                _ => properties,
            }
        });
        let schema = Arc::new(Schema::new(fields));
        CompanionShape { identities, until, quasi, schema, properties: properties.build() }
    }
}

/// Encodes companion rows into one Parquet file. Holds one row group.
pub(super) struct CompanionEncoder<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    rows: usize,
    subject: Vec<u8>,
    identities: Vec<(Vec<u8>, Vec<u8>)>,
    keep_until: Vec<i64>,
    since: Vec<i64>,
    consent_until: Vec<i64>,
    until: Vec<Vec<i64>>,
    quasi: Vec<Vec<i64>>,
}

impl<W: Write + Send> CompanionEncoder<W> {
    /// Starts a file.
    pub fn new(shape: &CompanionShape, out: W) -> Result<CompanionEncoder<W>> {
        Ok(CompanionEncoder {
            writer: writer(out, shape.schema.clone(), shape.properties.clone())?,
            schema: shape.schema.clone(),
            rows: 0,
            subject: Vec::new(),
            identities: vec![(Vec::new(), Vec::new()); shape.identities],
            keep_until: Vec::new(),
            since: Vec::new(),
            consent_until: Vec::new(),
            until: vec![Vec::new(); shape.until],
            quasi: vec![Vec::new(); shape.quasi],
        })
    }

    /// Takes one row.
    pub fn push(&mut self, row: &CompanionRow<'_>) -> Result<()> {
        self.subject.extend_from_slice(row.subject);
        for ((identities, marks), (mark, identity)) in self.identities.iter_mut().zip(row.identities) {
            identities.extend_from_slice(*identity);
            marks.push(*mark);
        }
        self.keep_until.push(row.keep_until);
        self.since.push(row.since);
        self.consent_until.push(row.consent_until);
        for (column, until) in self.until.iter_mut().zip(row.field_until) {
            column.push(*until);
        }
        for (column, quasi) in self.quasi.iter_mut().zip(row.quasi) {
            column.push(quasi.cast_signed());
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    /// Takes rows column by column.
    pub fn extend(&mut self, mut rows: Stretch<'_>) -> Result<()> {
        while let Some(part) = rows.take(GROUP_ROWS - self.rows) {
            self.columns(&part);
            self.rows += part.len();
            if self.rows == GROUP_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn columns(&mut self, rows: &Stretch<'_>) {
        rows.subjects().for_each(|subject| self.subject.extend_from_slice(subject));
        for (slot, (identities, marks)) in self.identities.iter_mut().enumerate() {
            for (mark, identity) in rows.identities(slot) {
                identities.extend_from_slice(identity);
                marks.push(mark);
            }
        }
        self.keep_until.extend(rows.keep_until());
        self.since.extend(rows.consents().map(|consent| consent.since));
        self.consent_until.extend(rows.consents().map(|consent| consent.until));
        self.until.iter_mut().enumerate().for_each(|(keep, column)| column.extend(rows.field_until(keep)));
        self.quasi.iter_mut().enumerate().for_each(|(q, column)| rows.quasi(q, |hash| column.push(hash.cast_signed())));
    }

    fn flush(&mut self) -> Result<()> {
        self.rows = 0;
        let mut arrays = vec![fixed_binary(16, refill(&mut self.subject), None)?];
        for (identities, marks) in &mut self.identities {
            let there = BooleanBuffer::collect_bool(marks.len(), |row| marks[row] != mark::NONE);
            arrays.push(fixed_binary(32, refill(identities), Some(NullBuffer::new(there)))?);
            arrays.push(Arc::new(UInt8Array::from(refill(marks))));
        }
        arrays.push(timestamps(refill(&mut self.keep_until), None));
        arrays.push(optional_times(&mut self.since, NO_SINCE));
        arrays.push(optional_times(&mut self.consent_until, i64::MAX));
        arrays.extend(self.until.iter_mut().map(|column| timestamps(refill(column), None)));
        arrays.extend(self.quasi.iter_mut().map(|column| Arc::new(Int64Array::from(refill(column))) as ArrayRef));
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|_| Error::evidence("a row of a companion does not have the shape of its layout"))?;
        self.writer.write(&batch).map_err(write_error)
    }

    /// Writes what is left and the footer; gives the sink back.
    pub fn finish(mut self) -> Result<W> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.writer.into_inner().map_err(write_error)
    }
}

fn optional_times(column: &mut Vec<i64>, none: i64) -> ArrayRef {
    let there = BooleanBuffer::collect_bool(column.len(), |row| column[row] != none);
    timestamps(refill(column), Some(NullBuffer::new(there)))
}

/// Reads one companion, a row group at a time, in the order of the published rows.
pub struct Companions {
    source: Box<dyn SeekSource>,
    bytes: u64,
    place: String,
    metadata: ArrowReaderMetadata,
    subjects_only: bool,
    next: usize,
}

impl Companions {
    /// Opens the companion at `path` of `state`.
    ///
    /// # Errors
    /// An evidence error when it is missing or is no companion; a storage error when it cannot be read.
    pub fn open(state: &Root, path: &str) -> Result<Companions> {
        Self::start(state, path, false)
    }

    /// Opens only the subject tokens, for what counts persons (R35).
    ///
    /// # Errors
    /// As `open`.
    pub fn open_subjects(state: &Root, path: &str) -> Result<Companions> {
        Self::start(state, path, true)
    }

    fn start(state: &Root, path: &str, subjects_only: bool) -> Result<Companions> {
        let place = state.display(path);
        let object: Object = state.head(path)?.ok_or_else(|| {
            Error::evidence(format!("{place} is missing"))
                .help("companions live as long as the files they belong to; restore it or publish a new version")
        })?;
        let mut source = state.open_seek(&object)?;
        let footer = footer(source.as_mut(), object.bytes, &place)?;
        let metadata = ArrowReaderMetadata::try_new(Arc::new(footer), ArrowReaderOptions::new())
            .map_err(|_| no_companion(&place))?;
        if metadata.schema().fields().first().is_none_or(|f| f.name() != "subject") {
            return Err(no_companion(&place));
        }
        Ok(Companions { source, bytes: object.bytes, place, metadata, subjects_only, next: 0 })
    }

    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Passes over the groups that cannot hold a subject for which `wanted(least, greatest)` is false, judged by the
    /// tokens of the footer alone; returns how many were passed over.
    pub fn skip_while(&mut self, wanted: impl Fn(&[u8; 16], &[u8; 16]) -> bool) -> usize {
        let from = self.next;
        while let Some((least, greatest)) = self.bounds(self.next) {
            if wanted(&least, &greatest) {
                break;
            }
            self.next += 1;
        }
        self.next - from
    }

    fn bounds(&self, group: usize) -> Option<([u8; 16], [u8; 16])> {
        let group = self.metadata.metadata().row_groups().get(group)?;
        let Some(Statistics::FixedLenByteArray(bounds)) = group.column(0).statistics() else { return None };
        Some((bounds.min_bytes_opt()?.try_into().ok()?, bounds.max_bytes_opt()?.try_into().ok()?))
    }

    /// The next row group; `None` at the end.
    ///
    /// # Errors
    /// A storage error when it cannot be read, an evidence error when its bytes do not decode.
    pub fn next_group(&mut self) -> Result<Option<CompanionGroup>> {
        if self.next == self.metadata.metadata().num_row_groups() {
            return Ok(None);
        }
        let batch = self.read(self.next)?;
        self.next += 1;
        Ok(Some(CompanionGroup::new(batch).ok_or_else(|| no_companion(&self.place))?))
    }

    fn read(&mut self, group: usize) -> Result<RecordBatch> {
        let columns = self.metadata.metadata().row_group(group).columns();
        let columns = if self.subjects_only { &columns[..1] } else { columns };
        let start = columns.iter().map(|c| c.byte_range().0).min().unwrap_or(0);
        let end = columns.iter().map(|c| c.byte_range().0.saturating_add(c.byte_range().1)).max().unwrap_or(0);
        let window = Window::read(self.source.as_mut(), start..end, self.bytes, &self.place)?;
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = if self.subjects_only { ProjectionMask::roots(schema, [0]) } else { ProjectionMask::all() };
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(window, self.metadata.clone())
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_batch_size(GROUP_ROWS)
            .build()
            .map_err(|_| no_companion(&self.place))?;
        reader.next().and_then(|batch| batch.ok()).ok_or_else(|| no_companion(&self.place))
    }
}

fn no_companion(place: &str) -> Error {
    Error::evidence(format!("{place} cannot be read as a companion"))
        .help("compare its hash with the manifest: `tamis verify`")
}

fn footer(source: &mut dyn SeekSource, bytes: u64, place: &str) -> Result<ParquetMetaData> {
    let tail = Window::read(source, bytes.saturating_sub(8)..bytes, bytes, place)?;
    let length = tail.bytes.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    let window = Window::read(source, bytes.saturating_sub(8 + length)..bytes, bytes, place)?;
    ParquetMetaDataReader::new().parse_and_finish(&window).map_err(|_| no_companion(place))
}

/// A stretch of a file in memory: one ranged read per row group.
struct Window {
    start: u64,
    bytes: Bytes,
    file: u64,
}

impl Window {
    fn read(source: &mut dyn SeekSource, range: Range<u64>, file: u64, place: &str) -> Result<Window> {
        let length = range.end.min(file).checked_sub(range.start).and_then(|n| usize::try_from(n).ok());
        let mut bytes = vec![0; length.ok_or_else(|| no_companion(place))?];
        let read = source.seek(SeekFrom::Start(range.start)).and_then(|_| source.read_exact(&mut bytes));
        read.map_err(|e| from_io(place, e))?;
        Ok(Window { start: range.start, bytes: bytes.into(), file })
    }

    fn slice(&self, start: u64, length: Option<usize>) -> parquet::errors::Result<Bytes> {
        let from = start.checked_sub(self.start).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let to = length.map_or(Some(self.bytes.len()), |n| from.checked_add(n));
        match to {
            Some(to) if from <= to && to <= self.bytes.len() => Ok(self.bytes.slice(from..to)),
            _ => Err(parquet::errors::ParquetError::EOF("outside of the window".into())),
        }
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.file
    }
}

impl ChunkReader for Window {
    type T = std::io::Cursor<Bytes>;
    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.slice(start, None).map(std::io::Cursor::new)
    }
    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.slice(start, Some(length))
    }
}

/// The rows of one row group.
pub struct CompanionGroup {
    batch: RecordBatch,
    identities: usize,
    keep_until: usize,
    until: usize,
    quasi: usize,
}

impl CompanionGroup {
    fn new(batch: RecordBatch) -> Option<CompanionGroup> {
        let schema = batch.schema();
        let count = |prefix: &str| schema.fields().iter().filter(|f| f.name().starts_with(prefix)).count();
        let (identities, until, quasi) = (count("identity_"), count("until_"), count("quasi_"));
        let keep_until = 1 + 2 * identities;
        let whole = batch.num_columns() == 1 || batch.num_columns() == keep_until + 3 + until + quasi;
        let shape = CompanionShape::new(identities, until, quasi);
        let typed = schema.fields().iter().zip(shape.schema.fields()).all(|(a, b)| a.data_type() == b.data_type());
        (whole && typed).then_some(CompanionGroup { batch, identities, keep_until, until, quasi })
    }
    fn micros(&self, column: usize, row: usize) -> i64 {
        self.batch.column(column).as_primitive::<TimestampMicrosecondType>().value(row)
    }
    fn optional(&self, column: usize, row: usize) -> Option<i64> {
        (!self.batch.column(column).is_null(row)).then(|| self.micros(column, row))
    }
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }
    /// Identity slots per row; 0 when only subjects were read.
    pub fn identities(&self) -> usize {
        self.identities
    }
    /// Fields with a `keep` of their own.
    pub fn field_untils(&self) -> usize {
        self.until
    }
    /// Quasi-identifiers.
    pub fn quasis(&self) -> usize {
        self.quasi
    }
    /// Subject token.
    pub fn subject(&self, row: usize) -> &[u8; 16] {
        self.batch.column(0).as_fixed_size_binary().value(row).first_chunk().unwrap_or(&[0; 16])
    }
    /// `mark` of a slot.
    pub fn mark(&self, row: usize, slot: usize) -> u8 {
        self.batch.column(2 + 2 * slot).as_primitive::<UInt8Type>().value(row)
    }
    /// Identity of a slot, when there is one.
    pub fn identity(&self, row: usize, slot: usize) -> Option<&[u8; 32]> {
        let column = self.batch.column(1 + 2 * slot).as_fixed_size_binary();
        if column.is_null(row) { None } else { column.value(row).first_chunk() }
    }
    /// The row goes when `as_of` reaches this, in microseconds.
    pub fn keep_until(&self, row: usize) -> i64 {
        self.micros(self.keep_until, row)
    }
    /// When the consent the row rests on was given, or `NO_SINCE`.
    pub fn since(&self, row: usize) -> i64 {
        self.optional(self.keep_until + 1, row).unwrap_or(NO_SINCE)
    }
    /// When that consent ends; `i64::MAX` for no end or no consent.
    pub fn consent_until(&self, row: usize) -> i64 {
        self.optional(self.keep_until + 2, row).unwrap_or(i64::MAX)
    }
    /// The value of the `k`-th field with a `keep` of its own goes when `as_of` reaches this.
    pub fn field_until(&self, row: usize, k: usize) -> i64 {
        self.micros(self.keep_until + 3 + k, row)
    }
    /// Keyed hash of a published quasi-identifier, `NULL_QUASI` for null.
    pub fn quasi(&self, row: usize, q: usize) -> u64 {
        self.batch.column(self.keep_until + 3 + self.until + q).as_primitive::<Int64Type>().value(row).cast_unsigned()
    }
}
