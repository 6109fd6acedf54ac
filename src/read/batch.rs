//! `RawBatch`: the product of `read`, a block of decoded records with the ends of their cells.
//! Raw values live here and in `minimize`, nowhere else, and cannot be formatted.

use crate::error::{Code, Error, Result};
use std::sync::Arc;

/// Which cell of a record each needed column is in, for one file's header.
#[derive(Debug)]
pub struct ColumnMap {
    /// Needed column (index into the reader's list) -> position in the record; none when the file lacks it.
    pub positions: Vec<Option<usize>>,
    /// Needed columns whose values name somebody; those after the last are none.
    pub identified: Vec<bool>,
    /// Cells that each record has.
    pub width: usize,
}

/// Where in a block's text a value is; empty when there is none.
#[derive(Clone, Copy, Default)]
pub(super) struct Cell {
    pub start: u32,
    pub end: u32,
}

impl Cell {
    #[inline]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A block of whole records of one object or member, decoded to UTF-8.
/// Deliberately without `Debug`: it holds raw values.
pub struct RawBatch {
    /// Index of the object or member among the run's inputs.
    pub input: usize,
    /// Number of the first record in its file, from 1, the header not counted; [`RawBatch::record`] gives the others.
    pub first_record: u64,
    /// The text of the block: whole records with their line ends, then needed values that differ from what is written.
    pub(super) text: String,
    /// Values of the needed columns, one column after the other.
    pub(super) cells: Vec<Cell>,
    pub(super) rows: usize,
    /// Rows before which a bad record was dropped, once per record, ascending.
    pub(super) dropped: Vec<u32>,
    /// Rows without anything but blanks, ascending.
    pub(super) blank: Vec<u32>,
    pub(super) columns: Arc<ColumnMap>,
}

/// The values of one needed column of a batch.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    text: &'a str,
    cells: &'a [Cell],
}

impl<'a> Values<'a> {
    /// The value in a row, as [`RawBatch::value`] gives it.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        let cell = self.cells[row];
        if cell.start < cell.end { Some(cell.of(self.text)) } else { None }
    }

    /// Whether there is one.
    #[inline]
    pub fn has(&self, row: usize) -> bool {
        let cell = self.cells[row];
        cell.start < cell.end
    }
}

impl RawBatch {
    /// Records in the block.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of a row's record in its file, from 1, dropped records counted and the header not.
    pub fn record(&self, row: usize) -> u64 {
        let before = self.dropped.partition_point(|&at| at as usize <= row);
        self.first_record + (row + before) as u64
    }

    /// Returns the records in order, each by its number and with its row, or without one where it was left out.
    pub fn records(&self) -> impl Iterator<Item = (u64, Option<usize>)> {
        let left_out = self.dropped.iter().map(|at| (*at as usize, None));
        let rows = (0..self.rows).map(|row| (row, Some(row)));
        let mut all: Vec<_> = left_out.chain(rows).collect();
        all.sort_by_key(|(at, row)| (*at, row.is_some()));
        (self.first_record..).zip(all).map(|(record, (_, row))| (record, row))
    }

    /// Returns whether a row holds nothing but blanks, in the columns that are not needed, too.
    pub fn is_blank(&self, row: usize) -> bool {
        self.blank.binary_search(&(row as u32)).is_ok()
    }

    /// Whether the file has the needed column.
    pub fn has(&self, column: usize) -> bool {
        self.columns.positions[column].is_some()
    }

    /// The cell of a needed column, unquoted; `None` when the file lacks the column, the cell is blank after trim
    /// (R5) or, after trim, one of the source's null tokens. Otherwise the text as written, not trimmed.
    #[inline]
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        self.values(column).get(row)
    }

    /// Makes room for columns that are in no file, after those that are; their cells are blank.
    pub fn widen(&mut self, columns: usize) {
        if self.cells.len() < columns * self.rows {
            self.cells.resize(columns * self.rows, Cell::default());
        }
    }

    /// Puts another value into a cell of a needed column, or none.
    ///
    /// # Errors
    /// An input error when the text of the block passes 4 GiB.
    pub fn set(&mut self, row: usize, column: usize, value: &str) -> Result<()> {
        let start = self.text.len();
        self.text.push_str(value);
        let ends = (u32::try_from(start), u32::try_from(self.text.len()));
        let (Ok(start), Ok(end)) = ends else {
            return Err(Error::new(Code::InputNotReadable, "a block of records has more than 4 GiB of text"));
        };
        self.cells[column * self.rows + row] = Cell { start, end };
        Ok(())
    }

    /// All cells of a needed column.
    #[inline]
    pub fn values(&self, column: usize) -> Values<'_> {
        Values { text: &self.text, cells: &self.cells[column * self.rows..][..self.rows] }
    }
}

#[cfg(test)]
impl RawBatch {
    /// A batch of a small CSV with a header, comma and double quotes, for tests of the stages after this one.
    pub(crate) fn sample(csv: &str, needed: &[&str]) -> RawBatch {
        RawBatch::sample_with_null(csv, needed, &[])
    }

    fn sample_with_null(csv: &str, needed: &[&str], null: &[&str]) -> RawBatch {
        use super::format::{BadRecords, Block, of};
        let (header, body) = csv.split_once('\n').unwrap();
        let names: Vec<&str> = header.trim().split(',').collect();
        let positions = needed.iter().map(|n| names.iter().position(|name| name == n)).collect();
        let columns = Arc::new(ColumnMap { positions, identified: Vec::new(), width: names.len() });
        let null = null.iter().map(ToString::to_string).collect();
        let read = crate::policy::ReadFormat { null, ..crate::policy::ReadFormat::csv() };
        let wanted = super::wanted::WantedNames::none();
        let (format, mut scratch) = (of(&read, BadRecords::Refuse, &wanted).unwrap(), super::Scratch::default());
        let (block, mut bytes) =
            (Block { offset: 0, taken: 0, laid: None, sheet: None, stop: None }, body.as_bytes().to_vec());
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        let Ok(parsed) = scratch.parse(&*format, block, bytes, &columns) else { panic!("the sample is not CSV") };
        scratch.batch(&*format, 0, 1, parsed, columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_blank_cells_and_null_tokens_are_none_and_other_text_is_as_written() {
        let csv = "a,b,c\n \u{a0},\" x \",\"say \"\"hi\"\"\"\r\nNULL,\"\",z\r\n\"a \"\"\",\"x\"\"\"\"\",\"\"\"\"\r\n";
        let batch = RawBatch::sample_with_null(csv, &["c", "a", "d", "b"], &["NULL", "a \""]);
        assert_eq!((batch.rows(), batch.has(0), batch.has(2)), (3, true, false));
        assert_eq!(batch.value(0, 0), Some("say \"hi\""));
        assert_eq!(batch.value(0, 1), None);
        assert_eq!(batch.value(0, 2), None);
        assert_eq!(batch.value(0, 3), Some(" x "));
        assert_eq!((batch.value(1, 1), batch.value(1, 3)), (None, None));
        assert_eq!(batch.value(1, 0), Some("z"));
        assert_eq!((batch.value(2, 0), batch.value(2, 1), batch.value(2, 3)), (Some("\""), None, Some("x\"\"")));
    }

    #[test]
    fn a_cell_takes_another_value_and_columns_that_no_file_has_are_blank() {
        let mut batch = RawBatch::sample("a,b\n1,2\n3,4\n", &["a", "b"]);
        batch.widen(3);
        assert_eq!((batch.value(0, 2), batch.value(1, 2)), (None, None));
        batch.set(1, 2, "4").expect("set");
        batch.set(1, 1, "five").expect("set");
        batch.set(0, 0, "").expect("set");
        assert_eq!((batch.value(0, 0), batch.value(0, 1)), (None, Some("2")));
        assert_eq!((batch.value(1, 0), batch.value(1, 1), batch.value(1, 2)), (Some("3"), Some("five"), Some("4")));
    }

    #[test]
    fn record_numbers_count_dropped_records() {
        let mut batch = RawBatch::sample("a\n1\n2\n3\n", &["a"]);
        batch.first_record = 10;
        batch.dropped = vec![0, 2, 2];
        assert_eq!([batch.record(0), batch.record(1), batch.record(2)], [11, 12, 15]);
        let all: Vec<_> = batch.records().collect();
        assert_eq!(all, [(10, None), (11, Some(0)), (12, Some(1)), (13, None), (14, None), (15, Some(2))]);
    }
}
