//! The header of a sheet: the names in its row.

use super::rows::{CellKind, RowReader};
use super::sheet::{MOST_COLUMNS, Sheet};
use super::xml::OwnNames;
use crate::error::{Code, Error, Result};
use crate::read::format::FaultSpot;
use crate::same_name::normal;

/// Returns how many of the shared strings a row needs: those up to the last one that it names.
pub(super) fn strings_of(row: &str, own: &OwnNames) -> usize {
    let (mut reader, mut count) = (RowReader::new(row, own, 0), 0);
    if let Ok(Some(_)) = reader.next_row() {
        while let Ok(Some(cell)) = reader.next_cell() {
            if cell.kind == CellKind::Shared {
                count = count.max(reader.text.trim().parse::<usize>().map_or(0, |at| at.saturating_add(1)));
            }
        }
    }
    count
}

/// Reads the names of columns, trimmed and NFC, up to the last one that there is.
///
/// # Errors
/// Input errors for a cell without a value that can be believed, for NUL and lost characters, and for too many columns.
pub(super) fn names(sheet: &Sheet, row: &str, max_columns: usize) -> Result<Vec<String>> {
    let (mut reader, mut names) = (RowReader::new(row, &sheet.own, sheet.header - 1), Vec::new());
    let place = |column: usize| format!("{}, {}", sheet.place, FaultSpot::Cell { column, line: sheet.header });
    let broken = |column: usize| {
        Error::new(Code::RecordMalformed, format!("{}: what is written here is not a sheet's", place(column)))
            .help("have it exported or transferred again")
    };
    reader.next_row().map_err(|_| broken(0))?;
    while let Some(cell) = reader.next_cell().map_err(|_| broken(reader.column.min(MOST_COLUMNS - 1)))? {
        let mut text = String::new();
        if let Err(why) = sheet.add_value(&cell, &reader.text, &mut text) {
            return Err(Error::new(why.code, format!("{}: {}", place(cell.column), why.what)).help(why.help));
        }
        if text.contains(['\0', '\u{fffd}']) {
            let what = format!("{}: a NUL or the replacement character U+FFFD in the header", place(cell.column));
            return Err(Error::new(Code::EncodingWrong, what).help("have it exported again"));
        }
        let name = normal(&text);
        if !name.is_empty() {
            names.resize(cell.column, String::new());
            names.push(name);
        }
    }
    if names.len() > max_columns {
        let what =
            format!("{}: its header has {} columns, limits.max_columns is {max_columns}", sheet.place, names.len());
        return Err(Error::new(Code::InputTooLarge, what).help("raise limits.max_columns in the source"));
    }
    Ok(names)
}
