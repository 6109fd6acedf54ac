//! Companion files (R40): what lists and retention need to know of published rows, row for row, kept in `state` only.
//! Must not know published fields nor the log.

use super::encode::{fixed_binary, properties, refill, timestamps, write_error, writer};
use super::groups::{GROUP_ROWS, Groups};
use super::stretch::Stretch;
use crate::decide::{NO_SINCE, mark};
use crate::error::{Code, Error, Result};
use crate::store::Root;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt8Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt8Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::io::Write;
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
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|_| {
            Error::new(Code::RowsDoNotAddUp, "a row of a companion does not have the shape of its layout")
        })?;
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
    groups: Groups,
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
        let groups = Groups::open(state, path, no_companion)?;
        if groups.schema().fields().first().is_none_or(|f| f.name() != "subject") {
            return Err(no_companion(&state.display(path)));
        }
        Ok(Companions { groups, subjects_only, next: 0 })
    }

    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.groups.rows()
    }

    /// Identity slots per row.
    pub fn identities(&self) -> usize {
        self.groups.schema().fields().iter().filter(|field| field.name().starts_with("identity_")).count()
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.groups.bytes()
    }

    /// Passes over the groups that cannot hold a subject for which `wanted(least, greatest)` is false, judged by the
    /// tokens of the footer alone; returns how many were passed over.
    pub fn skip_while(&mut self, wanted: impl Fn(&[u8; 16], &[u8; 16]) -> bool) -> usize {
        let from = self.next;
        while let Some((least, greatest)) = self.groups.bounds(self.next) {
            if wanted(&least, &greatest) {
                break;
            }
            self.next += 1;
        }
        self.next - from
    }

    /// The next row group; `None` at the end.
    ///
    /// # Errors
    /// A storage error when it cannot be read, an evidence error when its bytes do not decode.
    pub fn next_group(&mut self) -> Result<Option<CompanionGroup>> {
        if self.next == self.groups.len() {
            return Ok(None);
        }
        let batch = self.groups.read(self.next, self.subjects_only)?;
        self.next += 1;
        Ok(Some(CompanionGroup::new(batch).ok_or_else(|| no_companion(self.groups.place()))?))
    }
}

fn no_companion(place: &str) -> Error {
    Error::new(Code::CompanionBroken, format!("{place} cannot be read as a companion"))
        .help("compare its hash with the manifest: `tamis verify`")
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
