//! Single rows of a data file as text, for who has to show a person what is published of them.

use super::groups::Groups;
use super::table::Target;
use crate::error::{Code, Error, Result};
use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The values of one row by column, in the order of the table; none for null.
pub type ShownRow = Vec<Option<String>>;

/// Rows of one file.
pub struct ShownRows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows asked for, in their order.
    pub rows: Vec<ShownRow>,
    /// Rows in the file.
    pub of: u64,
}

/// Reads some rows of the file called `name`, given by their places in it, ascending. Times are in UTC.
///
/// # Errors
/// An evidence error when the file is missing, does not decode or has no such row; a storage error when it cannot be read.
pub fn show_rows(target: &Target<'_>, name: &str, wanted: &[u64]) -> Result<ShownRows> {
    let mut groups = Groups::open(target.lake, &target.file(name), unreadable)?;
    let columns: Vec<String> = groups.schema().fields().iter().map(|field| field.name().clone()).collect();
    let places: Vec<usize> = (0..columns.len()).collect();
    let (mut rows, mut first, mut wanted) = (Vec::new(), 0, wanted.iter().copied().peekable());
    for (at, count) in groups.group_rows().into_iter().enumerate() {
        let end = first + count as u64;
        let mut within = Vec::new();
        while let Some(row) = wanted.next_if(|row| *row < end) {
            within.push((row - first) as usize);
        }
        if !within.is_empty() {
            let batch = groups.read(at, &places)?;
            rows.extend(shown(&batch, &within).ok_or_else(|| unreadable(groups.place()))?);
        }
        first = end;
    }
    match wanted.next() {
        None => Ok(ShownRows { columns, rows, of: first }),
        Some(_) => Err(unreadable(groups.place())),
    }
}

/// Reads all values of one column of the file called `name`; none when it has no such column.
///
/// # Errors
/// As [`show_rows`].
pub fn show_column(target: &Target<'_>, name: &str, column: &str) -> Result<Option<ShownRow>> {
    let mut groups = Groups::open(target.lake, &target.file(name), unreadable)?;
    let Some(place) = groups.schema().fields().iter().position(|field| field.name() == column) else { return Ok(None) };
    let mut values = Vec::new();
    for at in 0..groups.len() {
        let batch = groups.read(at, &[place])?;
        let all: Vec<usize> = (0..batch.num_rows()).collect();
        values.extend(shown(&batch, &all).ok_or_else(|| unreadable(groups.place()))?.into_iter().flatten());
    }
    Ok(Some(values))
}

fn shown(batch: &RecordBatch, rows: &[usize]) -> Option<Vec<ShownRow>> {
    let options = FormatOptions::new().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%SZ"));
    let columns = batch.columns().iter();
    let formatters: Vec<_> =
        columns.map(|column| ArrayFormatter::try_new(column, &options).ok()).collect::<Option<_>>()?;
    let value = |(column, formatter): (&dyn Array, &ArrayFormatter<'_>), row: usize| {
        (!column.is_null(row)).then(|| formatter.value(row).to_string())
    };
    let row =
        |row: &usize| batch.columns().iter().zip(&formatters).map(|(c, f)| value((c.as_ref(), f), *row)).collect();
    rows.iter().all(|row| *row < batch.num_rows()).then(|| rows.iter().map(row).collect())
}

fn unreadable(place: &str) -> Error {
    Error::new(Code::TableApart, format!("{place} cannot be read as a file of this table"))
        .help("compare its hash with the manifest: `tamis verify`")
}
