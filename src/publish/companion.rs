//! Companion files (R40): what lists and retention need to know of published rows, row for row, kept in `state` only.
//! Must not know published fields nor the log.

use super::encode::{fixed_binary, properties, refill, timestamps};
use super::groups::{GROUP_ROWS, Groups};
use super::stretch::Stretch;
use super::writer::GroupWriter;
use crate::decide::{NO_SINCE, mark};
use crate::error::{Code, Error, Result};
use crate::store::Root;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt8Array, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt32Type,
};
use arrow::record_batch::RecordBatch;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

const SUBJECT: &str = "subject";
const SINCE: &str = "since";
const IDENTITY_BYTES: i32 = 16;

/// The first bits of a subject token: all that a companion has of it, for the order of rows.
pub(super) fn first(subject: &[u8; 16]) -> u32 {
    u32::from_be_bytes(*subject.first_chunk().unwrap_or(&[0; 4]))
}

/// What a companion holds of one row.
#[derive(Clone, Copy)]
pub(crate) struct CompanionRow<'a> {
    /// `first` of the subject token.
    pub first: u32,
    /// The row goes when `as_of` reaches this, in microseconds.
    pub keep_until: i64,
    /// When the consent it rests on was given, or `NO_SINCE`.
    pub since: i64,
    /// When that consent ends; `i64::MAX` for no end or no consent.
    pub consent_until: i64,
    /// Per field with a `keep` of its own, in the layout's order: its value goes when `as_of` reaches this.
    pub field_until: &'a [i64],
    /// Per identity slot: `mark` and identity, zeros where the mark is `NONE`. The first is the subject's key.
    pub identities: &'a [(u8, &'a [u8; 16])],
    /// Per quasi-identifier the keyed hash of what is published, `NULL_QUASI` for null.
    pub quasi: &'a [u64],
}

/// Columns of the companions of one run.
pub(super) struct CompanionShape {
    identities: usize,
    consent: bool,
    until: usize,
    quasi: usize,
    schema: SchemaRef,
    properties: WriterProperties,
}

fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Columns of a companion. `wide` is how they were before 2026-11-27: the whole token of the subject, identities of 32
/// bytes, and consent whether there is any or not.
fn fields(identities: usize, consent: bool, until: usize, quasi: usize, wide: bool) -> Vec<Field> {
    let (subject, identity) =
        if wide { (DataType::FixedSizeBinary(16), 32) } else { (DataType::UInt32, IDENTITY_BYTES) };
    let mut fields = vec![Field::new(SUBJECT, subject, false)];
    for slot in 0..identities {
        fields.push(Field::new(format!("identity_{slot}"), DataType::FixedSizeBinary(identity), true));
        fields.push(Field::new(format!("mark_{slot}"), DataType::UInt8, false));
    }
    fields.push(Field::new("keep_until", micros(), false));
    if consent {
        fields.push(Field::new(SINCE, micros(), true));
        fields.push(Field::new("consent_until", micros(), true));
    }
    fields.extend((0..until).map(|k| Field::new(format!("until_{k}"), micros(), false)));
    fields.extend((0..quasi).map(|q| Field::new(format!("quasi_{q}"), DataType::Int64, false)));
    fields
}

impl CompanionShape {
    /// `until` is the number of fields with a `keep` of their own.
    pub fn new(identities: usize, consent: bool, until: usize, quasi: usize) -> CompanionShape {
        let fields = fields(identities, consent, until, quasi, false);
        let properties = fields.iter().fold(properties(SUBJECT, 0), |properties, field| {
            let path = ColumnPath::new(vec![field.name().clone()]);
            match field.data_type() {
                // In order, so that one differs from the next by few bits.
                DataType::UInt32 => properties
                    .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                    .set_column_compression(path, Compression::UNCOMPRESSED),
                DataType::FixedSizeBinary(_) => properties.set_column_compression(path, Compression::UNCOMPRESSED),
                // Marks and published values are few: a dictionary is cheaper than leaving it to zstd.
                DataType::UInt8 | DataType::Int64 => properties.set_column_dictionary_enabled(path, true),
                _ => properties,
            }
        });
        let schema = Arc::new(Schema::new(fields));
        CompanionShape { identities, consent, until, quasi, schema, properties: properties.build() }
    }

    /// Whether it has so many fields with a `keep` of their own and quasi-identifiers.
    pub fn fits(&self, until: usize, quasi: usize) -> bool {
        (self.until, self.quasi) == (until, quasi)
    }
}

/// Encodes companion rows into one Parquet file. Holds one row group.
pub(super) struct CompanionEncoder<W: Write + Send> {
    writer: GroupWriter<W>,
    rows: usize,
    consent: bool,
    first: Vec<u32>,
    identities: Vec<(Vec<u8>, Vec<u8>)>,
    keep_until: Vec<i64>,
    since: Vec<i64>,
    consent_until: Vec<i64>,
    until: Vec<Vec<i64>>,
    quasi: Vec<Vec<i64>>,
}

impl<W: Write + Send> CompanionEncoder<W> {
    /// Starts a companion file that is written to `out`.
    pub fn new(shape: &CompanionShape, out: W) -> Result<CompanionEncoder<W>> {
        Ok(CompanionEncoder {
            writer: GroupWriter::new(out, shape.schema.clone(), shape.properties.clone())?,
            rows: 0,
            consent: shape.consent,
            first: Vec::new(),
            identities: vec![(Vec::new(), Vec::new()); shape.identities],
            keep_until: Vec::new(),
            since: Vec::new(),
            consent_until: Vec::new(),
            until: vec![Vec::new(); shape.until],
            quasi: vec![Vec::new(); shape.quasi],
        })
    }

    /// Takes the next row, in the order of the published file.
    pub fn push(&mut self, row: &CompanionRow<'_>) -> Result<()> {
        self.first.push(row.first);
        for ((identities, marks), (mark, identity)) in self.identities.iter_mut().zip(row.identities) {
            identities.extend_from_slice(*identity);
            marks.push(*mark);
        }
        self.keep_until.push(row.keep_until);
        if self.consent {
            self.since.push(row.since);
            self.consent_until.push(row.consent_until);
        }
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
        self.first.extend(rows.subjects().map(first));
        for (slot, (identities, marks)) in self.identities.iter_mut().enumerate() {
            for (mark, identity) in rows.identities(slot) {
                identities.extend_from_slice(identity);
                marks.push(mark);
            }
        }
        self.keep_until.extend(rows.keep_until());
        if self.consent {
            self.since.extend(rows.consents().map(|consent| consent.since));
            self.consent_until.extend(rows.consents().map(|consent| consent.until));
        }
        self.until.iter_mut().enumerate().for_each(|(keep, column)| column.extend(rows.field_until(keep)));
        self.quasi.iter_mut().enumerate().for_each(|(q, column)| rows.quasi(q, |hash| column.push(hash.cast_signed())));
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(refill(&mut self.first)))];
        for (identities, marks) in &mut self.identities {
            let there = BooleanBuffer::collect_bool(marks.len(), |row| marks[row] != mark::NONE);
            arrays.push(fixed_binary(IDENTITY_BYTES, refill(identities), Some(NullBuffer::new(there)))?);
            arrays.push(Arc::new(UInt8Array::from(refill(marks))));
        }
        arrays.push(timestamps(refill(&mut self.keep_until), None));
        if self.consent {
            arrays.push(optional_times(&mut self.since, NO_SINCE));
            arrays.push(optional_times(&mut self.consent_until, i64::MAX));
        }
        arrays.extend(self.until.iter_mut().map(|column| timestamps(refill(column), None)));
        arrays.extend(self.quasi.iter_mut().map(|column| Arc::new(Int64Array::from(refill(column))) as ArrayRef));
        if arrays.iter().any(|array| array.len() != rows) {
            return Err(Error::new(Code::RowsDoNotAddUp, "a row of a companion does not have the shape of its layout"));
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

    /// Appends a row group of another companion of this shape, as it is.
    pub fn copy(&mut self, from: &mut Companions) -> Result<()> {
        self.cut()?;
        self.writer.copy(&mut from.groups, from.next)?;
        from.next += 1;
        Ok(())
    }

    /// Writes what is left and the footer; gives the sink back.
    pub fn finish(mut self) -> Result<W> {
        self.cut()?;
        self.writer.finish()
    }
}

fn optional_times(column: &mut Vec<i64>, none: i64) -> ArrayRef {
    let there = BooleanBuffer::collect_bool(column.len(), |row| column[row] != none);
    timestamps(refill(column), Some(NullBuffer::new(there)))
}

/// Reads one companion, a row group at a time, in the order of the published rows.
pub struct Companions {
    groups: Groups,
    /// Columns to read, from the first.
    most: usize,
    next: usize,
}

impl Companions {
    /// Opens the companion at `path` of `state`.
    ///
    /// # Errors
    /// An evidence error when it is missing or is no companion; a storage error when it cannot be read.
    pub fn open(state: &Root, path: &str) -> Result<Companions> {
        Self::start(state, path, usize::MAX)
    }

    /// Opens only what tells persons apart, for what counts them (R35).
    ///
    /// # Errors
    /// As `open`.
    pub fn open_persons(state: &Root, path: &str) -> Result<Companions> {
        Self::start(state, path, 3)
    }

    /// Opens only what tells whose rows they are and what they carry, for what follows requests.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_identities(state: &Root, path: &str) -> Result<Companions> {
        let mut companions = Self::start(state, path, usize::MAX)?;
        companions.most = 1 + 2 * companions.identities();
        Ok(companions)
    }

    fn start(state: &Root, path: &str, most: usize) -> Result<Companions> {
        let groups = Groups::open(state, path, no_companion)?;
        if CompanionColumns::of(groups.schema()).is_none() {
            return Err(no_companion(&state.display(path)));
        }
        Ok(Companions { groups, most, next: 0 })
    }

    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.groups.rows()
    }

    /// Identity slots per row.
    pub fn identities(&self) -> usize {
        count(self.groups.schema(), "identity_")
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.groups.bytes()
    }

    /// Whether it is as companions were before 2026-11-27.
    pub(super) fn is_wide(&self) -> bool {
        CompanionColumns::of(self.groups.schema()).is_none_or(|columns| columns.wide)
    }

    /// The columns that a companion of the same rows has now.
    pub(super) fn shape(&self) -> Option<CompanionShape> {
        let columns = CompanionColumns::of(self.groups.schema())?;
        Some(CompanionShape::new(columns.identities, columns.consent, columns.until, columns.quasi))
    }

    /// Rows of each row group.
    pub(super) fn group_rows(&self) -> Vec<usize> {
        self.groups.group_rows()
    }

    /// Passes over the groups that cannot hold a subject for which `wanted(least, greatest)` is false, judged by the
    /// first bits of tokens in the footer alone; returns how many were passed over.
    pub fn skip_while(&mut self, wanted: impl Fn(u32, u32) -> bool) -> usize {
        let from = self.next;
        while let Some((least, greatest)) = self.groups.bounds(self.next).and_then(bounds) {
            if wanted(least, greatest) {
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
        let columns = CompanionColumns::of(self.groups.schema()).ok_or_else(|| no_companion(self.groups.place()))?;
        let batch = self.groups.read(self.next, self.most)?;
        self.next += 1;
        let identities = columns.identities.min(batch.num_columns() / 2);
        Ok(Some(CompanionGroup { columns: CompanionColumns { identities, ..columns }, batch }))
    }
}

fn bounds(subjects: &Statistics) -> Option<(u32, u32)> {
    match subjects {
        Statistics::Int32(bounds) => Some((bounds.min_opt()?.cast_unsigned(), bounds.max_opt()?.cast_unsigned())),
        Statistics::FixedLenByteArray(bounds) => {
            let first = |token: &[u8]| token.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            Some((first(bounds.min_bytes_opt()?)?, first(bounds.max_bytes_opt()?)?))
        }
        _ => None,
    }
}

fn no_companion(place: &str) -> Error {
    Error::new(Code::CompanionBroken, format!("{place} cannot be read as a companion"))
        .help("compare its hash with the manifest: `tamis verify`")
}

fn count(schema: &Schema, prefix: &str) -> usize {
    schema.fields().iter().filter(|field| field.name().starts_with(prefix)).count()
}

/// Which columns a companion has.
#[derive(Clone, Copy)]
struct CompanionColumns {
    identities: usize,
    consent: bool,
    until: usize,
    quasi: usize,
    /// As `fields` has it.
    wide: bool,
}

impl CompanionColumns {
    /// None when these are not the columns of a companion.
    fn of(schema: &Schema) -> Option<CompanionColumns> {
        let (identities, until, quasi) = (count(schema, "identity_"), count(schema, "until_"), count(schema, "quasi_"));
        let consent = schema.fields().iter().any(|field| field.name() == SINCE);
        let wide = *schema.fields().first()?.data_type() != DataType::UInt32;
        let expected = fields(identities, consent, until, quasi, wide);
        let same = |(a, b): (&FieldRef, &Field)| a.name() == b.name() && a.data_type() == b.data_type();
        let whole = identities > 0 && schema.fields().len() == expected.len();
        let all = whole && schema.fields().iter().zip(&expected).all(same);
        all.then_some(CompanionColumns { identities, consent, until, quasi, wide })
    }

    fn keep_until(&self) -> usize {
        1 + 2 * self.identities
    }

    fn field_until(&self) -> usize {
        self.keep_until() + 1 + 2 * usize::from(self.consent)
    }
}

/// The rows of one row group.
pub struct CompanionGroup {
    batch: RecordBatch,
    columns: CompanionColumns,
}

impl CompanionGroup {
    fn micros(&self, column: usize, row: usize) -> i64 {
        self.batch.column(column).as_primitive::<TimestampMicrosecondType>().value(row)
    }
    fn optional(&self, column: usize, row: usize) -> Option<i64> {
        (!self.batch.column(column).is_null(row)).then(|| self.micros(column, row))
    }
    /// Returns how many rows the companion has.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }
    /// Identity slots per row; 1 when only persons were read.
    pub fn identities(&self) -> usize {
        self.columns.identities
    }
    /// Fields with a `keep` of their own.
    pub fn field_untils(&self) -> usize {
        self.columns.until
    }
    /// Returns how many hashes of quasi-identifiers each row has.
    pub fn quasis(&self) -> usize {
        self.columns.quasi
    }
    /// First bits of the subject token.
    pub fn first(&self, row: usize) -> u32 {
        let subjects = self.batch.column(0);
        if self.columns.wide {
            subjects.as_fixed_size_binary().value(row).first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
        } else {
            subjects.as_primitive::<UInt32Type>().value(row)
        }
    }
    /// Whose row it is: the identity of the subject's key, of which its token is made.
    pub fn person(&self, row: usize) -> &[u8; 16] {
        self.identity(row, 0).unwrap_or(&[0; 16])
    }
    /// `mark` of a slot.
    pub fn mark(&self, row: usize, slot: usize) -> u8 {
        self.batch.column(2 + 2 * slot).as_primitive::<UInt8Type>().value(row)
    }
    /// Identity of a slot, when there is one: its first half where a companion has all of it.
    pub fn identity(&self, row: usize, slot: usize) -> Option<&[u8; 16]> {
        let column = self.batch.column(1 + 2 * slot).as_fixed_size_binary();
        if column.is_null(row) { None } else { column.value(row).first_chunk() }
    }
    /// The row goes when `as_of` reaches this, in microseconds.
    pub fn keep_until(&self, row: usize) -> i64 {
        self.micros(self.columns.keep_until(), row)
    }
    /// When the consent the row rests on was given, or `NO_SINCE`.
    pub fn since(&self, row: usize) -> i64 {
        let column = self.columns.keep_until() + 1;
        if self.columns.consent { self.optional(column, row).unwrap_or(NO_SINCE) } else { NO_SINCE }
    }
    /// When that consent ends; `i64::MAX` for no end or no consent.
    pub fn consent_until(&self, row: usize) -> i64 {
        let column = self.columns.keep_until() + 2;
        if self.columns.consent { self.optional(column, row).unwrap_or(i64::MAX) } else { i64::MAX }
    }
    /// The value of the `k`-th field with a `keep` of its own goes when `as_of` reaches this.
    pub fn field_until(&self, row: usize, k: usize) -> i64 {
        self.micros(self.columns.field_until() + k, row)
    }
    /// Keyed hash of a published quasi-identifier, `NULL_QUASI` for null.
    pub fn quasi(&self, row: usize, q: usize) -> u64 {
        let column = self.columns.field_until() + self.columns.until + q;
        self.batch.column(column).as_primitive::<Int64Type>().value(row).cast_unsigned()
    }
}
