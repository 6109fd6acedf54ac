//! Published files and their companions, read by the plain Parquet reader and nothing else of tamis.

use crate::error::Result;
use crate::store::Root;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, TimestampMicrosecondType, UInt8Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Mark of an identity in a companion that is of another person than the row's own (R68).
const OTHER: u8 = 0x10;

/// What could be read of a file, or why it could not be.
pub(super) type Readable<T> = std::result::Result<T, String>;

/// A published file, all of it.
pub(super) struct AuditedFile {
    /// Where the file is, as `ROOT:path`.
    pub place: String,
    /// BLAKE3 of its bytes, hex.
    pub blake3: String,
    /// All rows of the file.
    pub batch: RecordBatch,
    /// What the state holds beside it.
    pub companion: Readable<AuditedCompanion>,
}

/// A companion as an audit reads it (R40).
pub(super) struct AuditedCompanion {
    batch: RecordBatch,
    identities: Vec<(ArrayRef, ArrayRef)>,
    until: Vec<ArrayRef>,
}

impl AuditedFile {
    /// Reads a file and its companion; what is missing or is no Parquet is said instead.
    ///
    /// # Errors
    /// Storage errors.
    pub fn read(lake: &Root, path: &str, state: &Root, companion: &str) -> Result<Readable<AuditedFile>> {
        let Some(bytes) = lake.get(path)? else { return Ok(Err(format!("{} is not there", lake.display(path)))) };
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let place = lake.display(path);
        let Some(batch) = decoded(bytes) else { return Ok(Err(format!("{place} cannot be read as Parquet"))) };
        let beside = state.display(companion);
        let companion = match state.get(companion)? {
            None => Err(format!("{beside} is not there")),
            Some(bytes) => decoded(bytes)
                .and_then(AuditedCompanion::of)
                .ok_or_else(|| format!("{beside} cannot be read as a companion")),
        };
        Ok(Ok(AuditedFile { place, blake3, batch, companion }))
    }

    /// Returns the rows of the companion, when they are as many as those of the file.
    pub fn rows_beside(&self) -> Readable<&AuditedCompanion> {
        let companion = self.companion.as_ref().map_err(String::clone)?;
        let (rows, beside) = (self.batch.num_rows(), companion.batch.num_rows());
        if rows == beside {
            return Ok(companion);
        }
        Err(format!("{} has {rows} rows and its companion {beside}, so nobody can say which is whose", self.place))
    }
}

/// Decodes a whole file; none when it is no Parquet.
pub(super) fn decoded(bytes: Vec<u8>) -> Option<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).ok()?;
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build().ok()?.collect::<std::result::Result<_, _>>().ok()?;
    concat_batches(&schema, &batches).ok()
}

/// Returns the names of a Parquet file's columns; none when it is no Parquet.
pub(super) fn column_names(bytes: Vec<u8>) -> Option<Vec<String>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).ok()?;
    Some(builder.schema().fields().iter().map(|field| field.name().clone()).collect())
}

impl AuditedCompanion {
    /// None when columns are missing or of another type.
    fn of(batch: RecordBatch) -> Option<AuditedCompanion> {
        let numbered = |name: &str| {
            let column = |at: usize| batch.column_by_name(&format!("{name}_{at}")).cloned();
            (0..).map_while(column).collect::<Vec<ArrayRef>>()
        };
        let (identities, marks, until) = (numbered("identity"), numbered("mark"), numbered("until"));
        let is_time = |column: &ArrayRef| column.as_primitive_opt::<TimestampMicrosecondType>().is_some();
        let times = ["since", "consent_until"].iter().filter_map(|name| batch.column_by_name(name));
        let whole = batch.column_by_name("keep_until").is_some_and(is_time)
            && batch.column_by_name("subject").is_some()
            && times.chain(&until).all(is_time)
            && identities.iter().all(|column| column.as_fixed_size_binary_opt().is_some())
            && marks.iter().all(|column| column.as_primitive_opt::<UInt8Type>().is_some())
            && identities.len() == marks.len();
        let identities = identities.into_iter().zip(marks).collect();
        whole.then_some(AuditedCompanion { batch, identities, until })
    }

    fn time(column: &ArrayRef, row: usize) -> Option<i64> {
        let column = column.as_primitive::<TimestampMicrosecondType>();
        (!column.is_null(row)).then(|| column.value(row))
    }

    fn named(&self, name: &str, row: usize) -> Option<i64> {
        self.batch.column_by_name(name).and_then(|column| Self::time(column, row))
    }

    /// When the row goes, in microseconds.
    pub fn keep_until(&self, row: usize) -> i64 {
        self.named("keep_until", row).unwrap_or(i64::MAX)
    }

    /// When the consent was given that it rests on.
    pub fn since(&self, row: usize) -> Option<i64> {
        self.named("since", row)
    }

    /// Whether it says anything of consent.
    pub fn knows_consent(&self) -> bool {
        self.batch.column_by_name("since").is_some()
    }

    /// When that consent ends.
    pub fn consent_until(&self, row: usize) -> Option<i64> {
        self.named("consent_until", row)
    }

    /// When the value goes of the field that is number `keep` of those with a `keep` of their own.
    pub fn field_until(&self, keep: usize, row: usize) -> Option<i64> {
        self.until.get(keep).and_then(|column| Self::time(column, row))
    }

    /// How many fields have a `keep` of their own.
    pub fn field_untils(&self) -> usize {
        self.until.len()
    }

    /// Whether the row is of the person with this token, as far as the companion says.
    pub fn is_of(&self, row: usize, token: &[u8; 16]) -> bool {
        let Some(subject) = self.batch.column_by_name("subject") else { return false };
        match subject.data_type() {
            DataType::UInt32 => token.starts_with(&subject.as_primitive::<UInt32Type>().value(row).to_be_bytes()),
            DataType::FixedSizeBinary(_) => subject.as_fixed_size_binary().value(row) == token,
            _ => false,
        }
    }

    /// First halves of the identities that a row carries of its own person, each with its mark, by slot.
    pub fn carried(&self, row: usize) -> impl Iterator<Item = (usize, u8, [u8; 16])> {
        self.in_slots(row).filter(|(_, mark, _)| mark & OTHER == 0)
    }

    /// Those of other persons of the row, each with the number of the person (R68).
    pub fn others(&self, row: usize) -> impl Iterator<Item = (u64, [u8; 16])> {
        let others = self.in_slots(row).filter(|(_, mark, _)| mark & OTHER != 0);
        others.map(|(_, mark, half)| (u64::from(mark & 0x0f), half))
    }

    fn in_slots(&self, row: usize) -> impl Iterator<Item = (usize, u8, [u8; 16])> {
        self.identities.iter().enumerate().filter_map(move |(slot, (identities, marks))| {
            let mark = marks.as_primitive::<UInt8Type>().value(row);
            let identities = identities.as_fixed_size_binary();
            let half = identities.value(row).first_chunk::<16>().copied();
            (mark != 0 && !identities.is_null(row)).then_some((slot, mark, half?))
        })
    }
}
