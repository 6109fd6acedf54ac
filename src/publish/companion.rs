//! Companion files (R40): what lists and retention need to know of published rows, row for row, kept in `state` only.

use super::companion_group::{CompanionGroup, IDENTITY_BYTES, first};
use super::encode::{fixed_binary, properties, refill, timestamps};
use super::groups::{GROUP_ROWS, Groups};
use super::stretch::Stretch;
use super::writer::GroupWriter;
use crate::decide::{NO_SINCE, mark};
use crate::error::{Code, Error, Result};
use crate::store::Root;
use arrow::array::{ArrayRef, Int64Array, UInt8Array, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

const SUBJECT: &str = "subject";
const SINCE: &str = "since";

/// What a companion holds of one row.
#[cfg(test)]
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
    #[cfg(test)]
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

    /// Writes a row group of these columns.
    pub fn group(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.cut()?;
        self.writer.write(columns)?;
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

/// Which columns of a companion are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CompanionPart {
    /// All columns of the companion.
    All,
    /// What tells persons apart.
    Persons,
    /// What tells whose rows they are and what they carry.
    Identities,
    /// What lists and retention ask for: all but the hashes of published values.
    Rules,
    /// What gates ask for: persons, hashes of published values, and until when these stay.
    Hashes,
}

impl CompanionPart {
    fn has(self, column: &str) -> bool {
        let starts = |any: &[&str]| any.iter().any(|start| column.starts_with(start));
        match self {
            CompanionPart::All => true,
            CompanionPart::Persons => starts(&[SUBJECT, "identity_0", "mark_0"]),
            CompanionPart::Identities => starts(&[SUBJECT, "identity_", "mark_"]),
            CompanionPart::Rules => !starts(&["quasi_"]),
            CompanionPart::Hashes => starts(&[SUBJECT, "identity_0", "mark_0", "until_", "quasi_"]),
        }
    }
}

/// Reads one companion, a row group at a time, in the order of the published rows.
pub struct Companions {
    groups: Groups,
    /// Places of the columns to read.
    columns: Vec<usize>,
    wide: bool,
    next: usize,
}

impl Companions {
    /// Opens the companion at `path` of `state`.
    ///
    /// # Errors
    /// An evidence error when it is missing or is no companion; a storage error when it cannot be read.
    pub fn open(state: &Root, path: &str) -> Result<Companions> {
        Self::of(Groups::open(state, path, no_companion)?)
    }

    /// Opens the companion whose BLAKE3 is this one; none when it is another file. See `Groups::open_named`.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_named(state: &Root, path: &str, blake3: &str) -> Result<Option<Companions>> {
        Groups::open_named(state, path, blake3, no_companion)?.map(Self::of).transpose()
    }

    /// Opens only what tells persons apart, for what counts them (R35).
    ///
    /// # Errors
    /// As `open`.
    pub fn open_persons(state: &Root, path: &str) -> Result<Companions> {
        Ok(Self::open(state, path)?.only(CompanionPart::Persons))
    }

    /// Opens only what tells whose rows they are and what they carry, for what follows requests.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_identities(state: &Root, path: &str) -> Result<Companions> {
        Ok(Self::open(state, path)?.only(CompanionPart::Identities))
    }

    fn of(groups: Groups) -> Result<Companions> {
        let of = CompanionColumns::of(groups.schema()).ok_or_else(|| no_companion(groups.place()))?;
        Ok(Companions { groups, columns: Vec::new(), wide: of.wide, next: 0 }.only(CompanionPart::All))
    }

    /// Reads from here on only some columns.
    pub fn only(mut self, part: CompanionPart) -> Companions {
        let fields = self.groups.schema().fields().iter().enumerate();
        self.columns = fields.filter(|(_, field)| part.has(field.name())).map(|(at, _)| at).collect();
        self
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

    /// Fields with a `keep` of their own, and hashes of published values.
    pub fn field_untils_and_quasis(&self) -> (usize, usize) {
        (count(self.groups.schema(), "until_"), count(self.groups.schema(), "quasi_"))
    }

    /// Whether it is as companions were before 2026-11-27.
    pub(super) fn is_wide(&self) -> bool {
        self.wide
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

    /// First bits of the least and the greatest token, by the footer alone; none when it does not say.
    pub fn range(&self) -> Option<(u32, u32)> {
        let all: Vec<(u32, u32)> =
            (0..self.groups.len()).map(|group| self.groups.bounds(group).and_then(bounds)).collect::<Option<_>>()?;
        Some((all.iter().map(|(least, _)| *least).min()?, all.iter().map(|(_, greatest)| *greatest).max()?))
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
        let batch = self.groups.read(self.next, &self.columns)?;
        self.next += 1;
        CompanionGroup::of(batch, self.wide).map(Some).ok_or_else(|| no_companion(self.groups.place()))
    }

    /// Calls `each` with all groups that are left.
    ///
    /// # Errors
    /// As `next_group`, and what `each` returns.
    pub fn each(&mut self, each: &mut dyn FnMut(&CompanionGroup) -> Result<()>) -> Result<()> {
        while let Some(group) = self.next_group()? {
            each(&group)?;
        }
        Ok(())
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
}
