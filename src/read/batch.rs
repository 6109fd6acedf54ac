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
    /// Number of the first record in its file, from 1, the header not counted.
    pub first_record: u64,
    /// The text of the block. Always valid UTF-8.
    pub(super) bytes: Vec<u8>,
    /// For record `r` and cell `c`, `ends[r * width + c]` is the position just after the cell's last byte (before a
    /// delimiter, LF or CRLF); `starts` likewise its first byte. Quotes of quoted cells are included.
    pub(super) starts: Vec<u32>,
    pub(super) ends: Vec<u32>,
    pub(super) rows: usize,
    pub(super) quote: Option<u8>,
    pub(super) columns: Arc<ColumnMap>,
    pub(super) null: Arc<Vec<String>>,
}

impl RawBatch {
    /// Records in the block.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the file has the needed column.
    pub fn has(&self, column: usize) -> bool {
        self.columns.positions[column].is_some()
    }

    /// The cell of a needed column, unquoted; `None` when the file lacks the column, the cell is blank after trim
    /// (R5) or it is one of the source's null tokens. Otherwise the text as written, not trimmed.
    pub fn value(&self, row: usize, column: usize) -> Option<Cow<'_, str>> {
        let at = row * self.columns.width + self.columns.positions[column]?;
        let cell = &self.bytes[self.starts[at] as usize..self.ends[at] as usize];
        let text = unquote(cell, self.quote)?;
        if text.trim().is_empty() || (!self.null.is_empty() && self.null.iter().any(|n| n == text.as_ref())) {
            return None;
        }
        Some(text)
    }
}

/// Takes the quotes off a well-formed cell; a doubled quote inside becomes one.
fn unquote(cell: &[u8], quote: Option<u8>) -> Option<Cow<'_, str>> {
    let Some(quote) = quote.filter(|q| cell.len() >= 2 && cell.first() == Some(q)) else {
        return Some(Cow::Borrowed(std::str::from_utf8(cell).ok()?));
    };
    let inner = std::str::from_utf8(&cell[1..cell.len() - 1]).ok()?;
    if memchr::memchr(quote, inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    let one = char::from(quote).to_string();
    Some(Cow::Owned(inner.replace(&one.repeat(2), &one)))
}
