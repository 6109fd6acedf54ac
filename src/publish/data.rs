//! A data file of ours read back row by row, each value in the bytes that the encoder takes.
//! Must not know companions nor which rows stay.

use super::column::TableColumn;
use super::encode::Encoder;
use super::groups::Groups;
use super::table::Target;
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use std::io::Write;

/// The rows of a data file, one after the other. Holds one row group.
pub(super) struct Data {
    groups: Groups,
    /// Columns that hold tokens as hex digits.
    hex: Vec<bool>,
    next: usize,
    batch: Option<RecordBatch>,
    at: usize,
    fixed: Vec<[u8; 16]>,
}

impl Data {
    /// Opens the file called `name`, which has these columns; `tokens` are those with tokens.
    ///
    /// # Errors
    /// An evidence error when it is missing or has other columns; a storage error when it cannot be read.
    pub fn open(target: &Target<'_>, name: &str, columns: &[TableColumn], tokens: &[String]) -> Result<Data> {
        let groups = Groups::open(target.lake, &target.file(name), not_ours)?;
        let fields = groups.schema().fields();
        let same = |(f, c): (&arrow::datatypes::FieldRef, &TableColumn)| {
            *f.name() == c.name && *f.data_type() == c.kind.arrow()
        };
        if fields.len() != columns.len() || !fields.iter().zip(columns).all(same) {
            return Err(not_ours(groups.place()));
        }
        let hex = |c: &TableColumn| c.kind.arrow() == DataType::Utf8 && tokens.contains(&c.name);
        let (hex, fixed) = (columns.iter().map(hex).collect(), vec![[0; 16]; columns.len()]);
        Ok(Data { groups, hex, next: 0, batch: None, at: 0, fixed })
    }

    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.groups.rows()
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.groups.bytes()
    }

    /// Rows of each row group.
    pub fn group_rows(&self) -> Vec<usize> {
        self.groups.group_rows()
    }

    /// Copies the next row group into a file of the same columns; `advance` has gone to the end of the one before.
    ///
    /// # Errors
    /// Storage errors.
    pub fn copy<W: Write + Send>(&mut self, into: &mut Encoder<W>) -> Result<()> {
        into.copy(&mut self.groups, self.next)?;
        self.next += 1;
        self.batch = None;
        Ok(())
    }

    /// Goes to the first or the next row, reading the next group when it is in that one.
    ///
    /// # Errors
    /// Evidence, past the end or for bytes that do not decode; storage errors.
    pub fn advance(&mut self) -> Result<()> {
        self.at += 1;
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.num_rows()) {
            if self.next == self.groups.len() {
                return Err(not_ours(self.groups.place()));
            }
            self.batch = Some(self.groups.read(self.next, usize::MAX)?);
            self.next += 1;
            self.at = 0;
        }
        Ok(())
    }

    /// The values of the current row, by column.
    ///
    /// # Errors
    /// Evidence, for a token that is none.
    pub fn fields(&mut self) -> Result<Vec<Option<&[u8]>>> {
        let Some(batch) = &self.batch else { return Err(not_ours(self.groups.place())) };
        for ((column, fixed), hex) in batch.columns().iter().zip(&mut self.fixed).zip(&self.hex) {
            read(column, self.at, *hex, fixed).ok_or_else(|| not_ours(self.groups.place()))?;
        }
        let values = batch.columns().iter().zip(&self.fixed).zip(&self.hex);
        Ok(values.map(|((column, fixed), hex)| value(column, self.at, *hex, fixed)).collect())
    }
}

fn not_ours(place: &str) -> Error {
    Error::new(Code::TableApart, format!("{place} cannot be read as a file of this table"))
        .help("compare its hash with the manifest: `tamis verify`")
}

/// Puts a value of fixed width into `out`; none when a token is not 32 hex digits.
fn read(column: &ArrayRef, row: usize, hex: bool, out: &mut [u8; 16]) -> Option<()> {
    if column.is_null(row) {
        return Some(());
    }
    match column.data_type() {
        DataType::Utf8 if hex => *out = token(column.as_string::<i32>().value(row))?,
        DataType::Int32 => out[..4].copy_from_slice(&column.as_primitive::<Int32Type>().value(row).to_le_bytes()),
        DataType::Date32 => out[..4].copy_from_slice(&column.as_primitive::<Date32Type>().value(row).to_le_bytes()),
        DataType::Int64 => out[..8].copy_from_slice(&column.as_primitive::<Int64Type>().value(row).to_le_bytes()),
        DataType::Float64 => out[..8].copy_from_slice(&column.as_primitive::<Float64Type>().value(row).to_le_bytes()),
        DataType::Decimal128(..) => *out = column.as_primitive::<Decimal128Type>().value(row).to_le_bytes(),
        DataType::Timestamp(..) => {
            out[..8].copy_from_slice(&column.as_primitive::<TimestampMicrosecondType>().value(row).to_le_bytes());
        }
        DataType::Boolean => out[0] = u8::from(column.as_boolean().value(row)),
        _ => {}
    }
    Some(())
}

/// The value as the encoder takes it.
fn value<'a>(column: &'a ArrayRef, row: usize, hex: bool, fixed: &'a [u8; 16]) -> Option<&'a [u8]> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 if !hex => column.as_string::<i32>().value(row).as_bytes(),
        DataType::FixedSizeBinary(_) => column.as_fixed_size_binary().value(row),
        DataType::Int32 | DataType::Date32 => &fixed[..4],
        DataType::Boolean => &fixed[..1],
        DataType::Utf8 | DataType::Decimal128(..) => fixed,
        _ => &fixed[..8],
    })
}

/// A token from its hex digits.
fn token(text: &str) -> Option<[u8; 16]> {
    let mut token = [0; 16];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != token.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in token.iter_mut().zip(pairs) {
        let digit = |d: u8| (d as char).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::encode::hex;

    #[test]
    fn tokens_are_read_back_from_their_digits_and_nothing_else_is() {
        let made: [u8; 16] = std::array::from_fn(|i| (i * 17) as u8);
        assert_eq!(token(std::str::from_utf8(&hex(&made)).expect("digits")), Some(made));
        for bad in ["", "00", &"g0".repeat(16), &"0".repeat(33)] {
            assert_eq!(token(bad), None);
        }
    }
}
