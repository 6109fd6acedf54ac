//! A sheet that is being read: what its cells need to be understood, and a piece of its rows.

use super::number::DaySystem;
use super::strings::SharedStrings;
use super::styles::Styles;
use super::xml::OwnNames;
use crate::policy::Formulas;
use std::sync::Arc;

/// The most rows and columns of a sheet.
pub(super) const MOST_ROWS: u64 = 1_048_576;
pub(super) const MOST_COLUMNS: usize = 16_384;

/// What all rows of a sheet have in common.
/// Deliberately without `Debug`: it holds raw values.
pub(super) struct Sheet {
    /// Name of the sheet.
    pub name: String,
    /// Object and sheet, for messages.
    pub place: String,
    /// Row number of the header.
    pub header: u64,
    /// Names of elements that are of a workbook, by the prefix of the root.
    pub own: OwnNames,
    pub strings: SharedStrings,
    pub styles: Styles,
    pub system: DaySystem,
    pub formulas: Formulas,
    /// Values that formulas had are not believed.
    pub stale: bool,
    /// The most bytes of a row.
    pub longest: usize,
}

/// A piece of a sheet: whole rows, whose XML is in the block's bytes, or what comes after all of them.
pub(in crate::read) struct SheetPiece {
    pub(super) sheet: Arc<Sheet>,
    /// Number of the last row before it.
    pub(super) before: u64,
    /// Cells that are one with others; after all rows.
    pub(super) merged: Vec<CellRange>,
}

/// Cells from one to another, corners included. Columns count from 0, rows from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CellRange {
    pub columns: (usize, usize),
    pub rows: (u64, u64),
}

impl CellRange {
    /// Reads a range as `A1:B2`, or of one cell as `A1`.
    pub fn read(text: &str) -> Option<CellRange> {
        let (from, to) = text.split_once(':').unwrap_or((text, text));
        let (from, to) = (cell(from.as_bytes())?, cell(to.as_bytes())?);
        let ordered = from.0 <= to.0 && from.1 <= to.1;
        ordered.then_some(CellRange { columns: (from.0, to.0), rows: (from.1, to.1) })
    }
}

/// Reads the place of a cell such as `B17`: its column from 0, its row from 1.
pub(super) fn cell(text: &[u8]) -> Option<(usize, u64)> {
    let letters = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if letters == 0 || letters > 3 {
        return None;
    }
    let column = text[..letters].iter().fold(0, |sum, byte| sum * 26 + usize::from(byte - b'A') + 1) - 1;
    let row = row(&text[letters..])?;
    (column < MOST_COLUMNS).then_some((column, row))
}

/// Reads the number of a row.
pub(super) fn row(digits: &[u8]) -> Option<u64> {
    let plain = (1..=7).contains(&digits.len()) && digits[0] != b'0';
    if !plain || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let row = digits.iter().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
    (row <= MOST_ROWS).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_cells_are_read_and_others_are_not() {
        for (text, found) in [("A1", (0, 1)), ("Z9", (25, 9)), ("AA10", (26, 10)), ("XFD1048576", (16_383, 1_048_576))]
        {
            assert_eq!(cell(text.as_bytes()), Some(found), "{text}");
        }
        for text in ["", "A", "1", "A0", "A01", "a1", "XFE1", "A1048577", "AAAA1", "A-1", "$A$1", "A1 "] {
            assert_eq!(cell(text.as_bytes()), None, "{text}");
        }
        assert_eq!(CellRange::read("B2:C7"), Some(CellRange { columns: (1, 2), rows: (2, 7) }));
        assert_eq!(CellRange::read("B2"), Some(CellRange { columns: (1, 1), rows: (2, 2) }));
        assert_eq!((CellRange::read("C7:B2"), CellRange::read("B:C")), (None, None));
    }
}
