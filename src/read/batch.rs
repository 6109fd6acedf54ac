//! `RawBatch`: the product of `read`, a block of decoded records with the ends of their cells.
//! Raw values live here and in `minimize`, nowhere else, and cannot be formatted.

use std::borrow::Cow;
use std::sync::Arc;

/// Which cell of a record each needed column is in, for one file's header.
#[derive(Debug)]
pub struct ColumnMap {
    /// Needed column (index into the reader's list) -> position in the record; none when the file lacks it.
    pub positions: Vec<Option<usize>>,
    /// Cells per record.
    pub width: usize,
}

/// A block of whole records of one object or member, decoded to UTF-8.
/// Deliberately without `Debug`: it holds raw values.
pub struct RawBatch {
    /// Index of the object or member among the run's inputs.
    pub input: usize,
    /// Number of the first record in its file, from 1, the header not counted; [`RawBatch::record`] gives the others.
    pub first_record: u64,
    /// The text of the block: whole records, one after the other, each with its line end.
    pub(super) text: String,
    /// For record `r` and cell `c`, `ends[r * width + c]` is the position of the delimiter or LF after the cell. A cell
    /// starts one byte after the end before it. Quotes of quoted cells, and the CR of a CRLF, lie between the two.
    pub(super) ends: Vec<u32>,
    pub(super) rows: usize,
    /// Rows before which a bad record was dropped, once per record, ascending.
    pub(super) dropped: Vec<u32>,
    /// Whether a cell may hold doubled quotes.
    pub(super) doubled: bool,
    pub(super) quote: Option<u8>,
    pub(super) columns: Arc<ColumnMap>,
    pub(super) null: Arc<Vec<String>>,
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

    /// Whether the file has the needed column.
    pub fn has(&self, column: usize) -> bool {
        self.columns.positions[column].is_some()
    }

    /// The cell of a needed column, unquoted; `None` when the file lacks the column, the cell is blank after trim
    /// (R5) or, after trim, one of the source's null tokens. Otherwise the text as written, not trimmed; it is borrowed
    /// from the block unless the cell holds doubled quotes.
    #[inline]
    pub fn value(&self, row: usize, column: usize) -> Option<Cow<'_, str>> {
        let position = self.columns.positions[column]?;
        let text = self.unquoted(self.written(row, position)?)?;
        if blank(&text) || (!self.null.is_empty() && self.is_null(&text)) {
            return None;
        }
        Some(text)
    }

    /// The cell between its separators, quotes included.
    #[inline]
    fn written(&self, row: usize, position: usize) -> Option<&str> {
        let at = row * self.columns.width + position;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize + 1 };
        let cell = self.text.get(start..self.ends[at] as usize)?;
        if position + 1 == self.columns.width {
            return Some(cell.strip_suffix('\r').unwrap_or(cell));
        }
        Some(cell)
    }

    #[inline]
    fn unquoted<'a>(&self, cell: &'a str) -> Option<Cow<'a, str>> {
        let Some(quote) = self.quote.filter(|q| cell.as_bytes().first() == Some(q)) else {
            return Some(Cow::Borrowed(cell));
        };
        let inner = cell.get(1..cell.len().checked_sub(1)?)?;
        Some(if self.doubled { undoubled(inner, quote) } else { Cow::Borrowed(inner) })
    }

    fn is_null(&self, text: &str) -> bool {
        let text = text.trim();
        self.null.iter().any(|token| token == text)
    }
}

#[inline]
fn blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(byte) if *byte > b' ' && byte.is_ascii() => false,
        Some(_) => text.trim().is_empty(),
    }
}

/// The text of a cell as written, its quotes taken off.
pub(super) fn unquote(cell: &str, quote: Option<u8>) -> Cow<'_, str> {
    match quote.filter(|q| cell.len() >= 2 && cell.as_bytes().first() == Some(q)) {
        Some(quote) => undoubled(&cell[1..cell.len() - 1], quote),
        None => Cow::Borrowed(cell),
    }
}

fn undoubled(inner: &str, quote: u8) -> Cow<'_, str> {
    if memchr::memchr(quote, inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let one = char::from(quote).to_string();
    Cow::Owned(inner.replace(&one.repeat(2), &one))
}

#[cfg(test)]
impl RawBatch {
    /// A batch of a small CSV with a header, comma and double quotes, for tests of the stages after this one.
    pub(crate) fn sample(csv: &str, needed: &[&str]) -> RawBatch {
        let grammar = super::exact::Grammar { delimiter: b',', quote: Some(b'"'), literal: false, longest: 1 << 20 };
        let (header, body) = csv.split_once('\n').unwrap();
        let names: Vec<&str> = header.trim().split(',').collect();
        let positions = needed.iter().map(|n| names.iter().position(|name| name == n)).collect();
        let columns = Arc::new(ColumnMap { positions, width: names.len() });
        let Ok(exact) = super::exact::parse(body.as_bytes(), &grammar, names.len(), false, true) else {
            panic!("the sample is not CSV")
        };
        RawBatch {
            input: 0,
            first_record: 1,
            text: exact.text,
            rows: exact.rows,
            ends: exact.ends,
            dropped: exact.dropped,
            doubled: true,
            quote: Some(b'"'),
            columns,
            null: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_blank_cells_and_null_tokens_are_none_and_other_text_is_as_written() {
        let mut batch =
            RawBatch::sample("a,b,c\n \u{a0},\" x \",\"say \"\"hi\"\"\"\r\nNULL,\"\",z\r\n", &["c", "a", "d", "b"]);
        batch.null = Arc::new(vec!["NULL".into()]);
        assert_eq!((batch.rows(), batch.has(0), batch.has(2)), (2, true, false));
        assert_eq!(batch.value(0, 0).as_deref(), Some("say \"hi\""));
        assert_eq!(batch.value(0, 1), None);
        assert_eq!(batch.value(0, 2), None);
        assert_eq!(batch.value(0, 3).as_deref(), Some(" x "));
        assert_eq!((batch.value(1, 1), batch.value(1, 3)), (None, None));
        assert_eq!(batch.value(1, 0).as_deref(), Some("z"));
    }

    #[test]
    fn record_numbers_count_dropped_records() {
        let mut batch = RawBatch::sample("a\n1\n2\n3\n", &["a"]);
        batch.first_record = 10;
        batch.dropped = vec![0, 2, 2];
        assert_eq!([batch.record(0), batch.record(1), batch.record(2)], [11, 12, 15]);
    }
}
