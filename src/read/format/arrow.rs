//! The rows of an Arrow batch that is in memory, as blocks: what a value is as text goes by its type, as in Parquet
//! files (R60).

use super::laid::NO_TEXT;
use super::parquet::{LeafKind, LeafValue};
use super::seam::{Block, BlockStop, Blocks, LaidRows, OddCell, OddReason, RecordFault};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::batch::ColumnMap;
use crate::read::container::MemberFacts;
use crate::same_name::normal;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::record_batch::RecordBatch;

/// Cells of one block, at most, whatever is in them: columns can be all null.
const MOST_CELLS: usize = 1 << 20;

/// The rows of one batch.
pub(in crate::read) struct ArrowRows {
    /// Names of its columns, trimmed and NFC.
    pub names: Vec<String>,
    columns: Vec<ArrayRef>,
    kinds: Vec<Result<LeafKind, &'static str>>,
    wanted: Vec<usize>,
    longest: usize,
    rows: usize,
    /// The next row.
    row: usize,
    cell: String,
}

impl ArrowRows {
    /// Looks at the columns of a batch, which `place` names.
    ///
    /// # Errors
    /// An input error for one without columns, or with more than a source may have.
    pub fn new(batch: &RecordBatch, read: &ReadFormat, place: &str) -> Result<ArrowRows> {
        let count = batch.num_columns();
        if count == 0 {
            return Err(Error::new(Code::HeaderMissing, format!("{place} has no columns"))
                .help("hand over a batch with the columns of the export"));
        }
        if count > read.max_columns {
            let what = format!("{place}: it has {count} columns, limits.max_columns is {}", read.max_columns);
            return Err(Error::new(Code::InputTooLarge, what).help("raise limits.max_columns in the source"));
        }
        let spread = |column: &ArrayRef| match column.data_type() {
            DataType::Dictionary(_, values) => cast(column, values).map_err(|_| unspread(place)),
            _ => Ok(column.clone()),
        };
        let columns: Vec<ArrayRef> = batch.columns().iter().map(spread).collect::<Result<_>>()?;
        Ok(ArrowRows {
            names: batch.schema().fields().iter().map(|field| normal(field.name())).collect(),
            kinds: columns.iter().map(|column| LeafKind::of_arrow(column.data_type())).collect(),
            columns,
            wanted: Vec::new(),
            longest: read.max_record_bytes,
            rows: batch.num_rows(),
            row: 0,
            cell: String::new(),
        })
    }

    /// Lays out the next row, which is the `row`-th of its block; a fault for one that is too long.
    fn lay(&mut self, buffer: &mut Vec<u8>, laid: &mut LaidRows, row: usize) -> Option<RecordFault> {
        let (start, mut next, width) = (buffer.len(), 0, self.names.len());
        for column in self.wanted.iter().copied() {
            laid.ends.extend(std::iter::repeat_n(buffer.len() as u32, column - next));
            self.cell.clear();
            if let Ok(kind) = self.kinds[column]
                && let Err(why) = write(&*self.columns[column], kind, self.row, &mut self.cell)
            {
                self.cell.push_str(NO_TEXT);
                laid.odd.push(OddCell { row: row as u32, column: column as u32, why });
            }
            if buffer.len() - start + self.cell.len() > self.longest {
                buffer.truncate(start);
                return Some(laid.too_long((row, column), width, self.longest));
            }
            buffer.extend_from_slice(self.cell.as_bytes());
            laid.ends.push(buffer.len() as u32);
            next = column + 1;
        }
        laid.ends.extend(std::iter::repeat_n(buffer.len() as u32, width - next));
        None
    }
}

impl Blocks for ArrowRows {
    fn unread(&self, column: usize) -> Option<&'static str> {
        self.kinds.get(column)?.err()
    }

    fn no_identifier(&self, column: usize) -> Option<&'static str> {
        self.kinds.get(column)?.ok()?.no_identifier()
    }

    fn want(&mut self, columns: &ColumnMap) {
        self.wanted = columns.positions.iter().flatten().copied().collect();
        self.wanted.sort_unstable();
        self.wanted.dedup();
    }

    fn next(&mut self, buffer: &mut Vec<u8>, block_bytes: usize) -> Option<Block> {
        buffer.clear();
        let (mut laid, mut row, mut fault) = (LaidRows::default(), 0, None);
        while self.row < self.rows && fault.is_none() && buffer.len() < block_bytes && laid.ends.len() < MOST_CELLS {
            fault = self.lay(buffer, &mut laid, row);
            (row, self.row) = (row + 1, self.row + 1);
        }
        if row == 0 {
            return None;
        }
        if fault.is_some() {
            self.row = self.rows;
        }
        let (laid, stop) = (Some(Box::new(laid)), fault.map(BlockStop::Fault));
        Some(Block { offset: 0, taken: 0, laid, sheet: None, stop })
    }

    fn close(self: Box<Self>) -> Result<MemberFacts> {
        Ok(MemberFacts { bytes: 0, unpacked: 0, hash: None, pages: None })
    }
}

fn unspread(place: &str) -> Error {
    Error::new(Code::InputDamaged, format!("{place}: a column of it has a dictionary that does not fit"))
        .help("have the batch made anew")
}

/// Writes a value, nothing for null.
///
/// # Errors
/// Why it has no text.
fn write(column: &dyn Array, kind: LeafKind, row: usize, text: &mut String) -> Result<(), &'static OddReason> {
    if column.is_null(row) {
        return Ok(());
    }
    let value = match column.data_type() {
        DataType::Null => return Ok(()),
        DataType::Utf8 => return push(text, column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => return push(text, column.as_string::<i64>().value(row)),
        DataType::Utf8View => return push(text, column.as_string_view().value(row)),
        DataType::Boolean => LeafValue::Boolean(column.as_boolean().value(row)),
        DataType::Float32 => LeafValue::Float(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => LeafValue::Double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => LeafValue::Wide(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::UInt64 => LeafValue::Wide(column.as_primitive::<UInt64Type>().value(row).into()),
        _ => LeafValue::Long(whole(column, row)),
    };
    kind.write(value, text)
}

fn push(text: &mut String, value: &str) -> Result<(), &'static OddReason> {
    text.push_str(value);
    Ok(())
}

/// A whole number, or what a date or time counts from its beginning.
fn whole(column: &dyn Array, row: usize) -> i64 {
    match column.data_type() {
        DataType::Int8 => number::<Int8Type>(column, row),
        DataType::Int16 => number::<Int16Type>(column, row),
        DataType::Int32 => number::<Int32Type>(column, row),
        DataType::UInt8 => number::<UInt8Type>(column, row),
        DataType::UInt16 => number::<UInt16Type>(column, row),
        DataType::UInt32 => number::<UInt32Type>(column, row),
        DataType::Date32 => number::<Date32Type>(column, row),
        DataType::Time32(TimeUnit::Second) => number::<Time32SecondType>(column, row),
        DataType::Time32(_) => number::<Time32MillisecondType>(column, row),
        DataType::Time64(TimeUnit::Microsecond) => number::<Time64MicrosecondType>(column, row),
        DataType::Time64(_) => number::<Time64NanosecondType>(column, row),
        DataType::Timestamp(TimeUnit::Second, _) => number::<TimestampSecondType>(column, row),
        DataType::Timestamp(TimeUnit::Millisecond, _) => number::<TimestampMillisecondType>(column, row),
        DataType::Timestamp(TimeUnit::Microsecond, _) => number::<TimestampMicrosecondType>(column, row),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => number::<TimestampNanosecondType>(column, row),
        _ => number::<Int64Type>(column, row),
    }
}

fn number<T: ArrowPrimitiveType<Native: Into<i64>>>(column: &dyn Array, row: usize) -> i64 {
    column.as_primitive::<T>().value(row).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ReadFormat;
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array,
        LargeStringArray, NullArray, StringArray, StringViewArray, Time32SecondArray, TimestampMicrosecondArray,
        TimestampSecondArray, UInt64Array,
    };
    use std::sync::Arc;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }

    /// The text of the first row, by column, or why a value has none.
    fn first_row(columns: Vec<(&str, ArrayRef)>) -> Vec<String> {
        let mut rows = ArrowRows::new(&batch(columns), &ReadFormat::csv(), "the batch").expect("a batch");
        let positions = (0..rows.names.len()).map(Some).collect();
        rows.want(&ColumnMap { positions, identified: Vec::new(), width: rows.names.len() });
        let mut buffer = Vec::new();
        let laid = *rows.next(&mut buffer, 1 << 16).and_then(|block| block.laid).expect("a block");
        let text = String::from_utf8(buffer).expect("text");
        let starts = [0].into_iter().chain(laid.ends.iter().copied());
        let cells = starts.zip(&laid.ends).map(|(start, end)| text[start as usize..*end as usize].to_owned());
        let said = |(column, cell): (usize, String)| match laid.odd.iter().find(|odd| odd.column as usize == column) {
            Some(odd) => odd.why.what.to_owned(),
            None => cell,
        };
        cells.take(rows.names.len()).enumerate().map(said).collect()
    }

    #[test]
    fn r60_values_of_a_batch_have_the_text_of_values_of_a_file() {
        let dictionary: DictionaryArray<Int8Type> = ["Köln"].into_iter().collect();
        let said = first_row(vec![
            ("text", Arc::new(StringArray::from(vec![" a\u{a0}"]))),
            ("large", Arc::new(LargeStringArray::from(vec!["b"]))),
            ("view", Arc::new(StringViewArray::from(vec!["c"]))),
            ("dictionary", Arc::new(dictionary)),
            ("null", Arc::new(NullArray::new(1))),
            ("none", Arc::new(StringArray::from(vec![None::<&str>]))),
            ("yes", Arc::new(BooleanArray::from(vec![true]))),
            ("small", Arc::new(Int8Array::from(vec![-7]))),
            ("big", Arc::new(UInt64Array::from(vec![u64::MAX]))),
            ("day", Arc::new(Date32Array::from(vec![19_675]))),
            ("time", Arc::new(Time32SecondArray::from(vec![61]))),
            ("seconds", Arc::new(TimestampSecondArray::from(vec![0]))),
            ("micros", Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("Europe/Berlin"))),
            ("decimal", Arc::new(Decimal128Array::from(vec![-5]).with_data_type(DataType::Decimal128(38, 2)))),
            ("float", Arc::new(Float64Array::from(vec![0.1]))),
            ("nan", Arc::new(Float64Array::from(vec![f64::NAN]))),
        ]);
        let expected = [
            " a\u{a0}",
            "b",
            "c",
            "Köln",
            "",
            "",
            "true",
            "-7",
            "18446744073709551615",
            "2023-11-14",
            "00:01:01.000",
            "1970-01-01T00:00:00.000",
            "1970-01-01T00:00:00.000001Z",
            "-0.05",
            "0.1",
            "a value that is no number (NaN or infinite)",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn r60_columns_of_other_types_say_why_they_are_not_read() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("bytes", Arc::new(BinaryArray::from(vec![b"a".as_slice()]))),
            ("float", Arc::new(Float64Array::from(vec![1.0]))),
            ("text", Arc::new(StringArray::from(vec!["a"]))),
        ];
        let rows = ArrowRows::new(&batch(columns), &ReadFormat::csv(), "the batch").expect("a batch");
        assert_eq!([0, 1, 2].map(|column| rows.unread(column).is_some()), [true, false, false]);
        assert_eq!([0, 1, 2].map(|column| rows.no_identifier(column).is_some()), [false, true, false]);
    }

    #[test]
    fn a_record_that_is_too_long_ends_the_batch_at_its_place() {
        let read = ReadFormat { max_record_bytes: 3, ..ReadFormat::csv() };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("a", Arc::new(StringArray::from(vec!["1", "12", "1"]))),
            ("b", Arc::new(StringArray::from(vec!["2", "34", "2"]))),
        ];
        let mut rows = ArrowRows::new(&batch(columns), &read, "the batch").expect("a batch");
        rows.want(&ColumnMap { positions: vec![Some(0), Some(1)], identified: Vec::new(), width: 2 });
        let mut buffer = Vec::new();
        let block = rows.next(&mut buffer, 1 << 16).expect("a block");
        assert_eq!((buffer.as_slice(), block.laid.expect("rows").ends), (b"12".as_slice(), vec![1, 2]));
        let Some(BlockStop::Fault(fault)) = block.stop else { panic!("nothing stopped it") };
        assert_eq!(
            fault.error("the batch", 1).message(),
            "the batch, record 2, column 2: the record is longer than 3 bytes"
        );
        assert!(rows.next(&mut buffer, 1 << 16).is_none());
    }
}
