//! Which version of its record a row is, and whether it ends the record (R75). Must not know other rows, nor which of them
//! counts.

use super::controls::typed;
use super::rows::RowVersion;
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::cell::forms::CellForms;
use crate::cell::text::trim;
use crate::error::Result;
use crate::key::Key;
use crate::policy::{Column, NewestRules};
use crate::read::RawBatch;
use jiff::tz::TimeZone;

/// A column whose cells are dates, or numbers or booleans where it has no reader of dates.
struct OrderColumn {
    column: usize,
    dates: Option<DateReader>,
    forms: CellForms,
}

/// Calendars of the columns.
pub(super) type VersionCalendars = [Option<Calendars>; 2];

/// Reads the version of a row.
pub(super) struct VersionReader {
    version: OrderColumn,
    deleted: Option<OrderColumn>,
    columns: usize,
    key: Key,
}

/// What a row says of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VersionRead {
    /// Which version it is; the print alone counts where that cannot be read.
    pub version: RowVersion,
    /// Whether it ends the record, or may do so because that cannot be read.
    pub ends: bool,
    /// The first column that cannot be read, as a place in [`VersionReader::columns`].
    pub unreadable: Option<usize>,
}

impl VersionRead {
    /// What is said of a record that ends the run.
    pub(super) const NONE: VersionRead =
        VersionRead { version: RowVersion { order: i64::MIN, print: 0 }, ends: false, unreadable: None };
}

impl VersionReader {
    /// Prepares the columns of a plan. `key` is for prints of rows, by which copies of one row are told from two versions.
    ///
    /// # Errors
    /// A policy error for a date format that cannot be read.
    pub(super) fn new(columns: &[Column], rules: &NewestRules, key: Key) -> Result<VersionReader> {
        let column = |column: usize| -> Result<OrderColumn> {
            let of = &columns[column];
            Ok(OrderColumn { column, dates: typed(of).dates()?, forms: of.forms.clone() })
        };
        Ok(VersionReader {
            version: column(rules.version)?,
            deleted: rules.deleted.map(column).transpose()?,
            columns: columns.len(),
            key,
        })
    }

    /// Returns the columns that are read: that of the version, then that of the deletion.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        std::iter::once(&self.version).chain(&self.deleted).map(|of| of.column)
    }

    /// Returns the calendars that `read` works with.
    pub(super) fn calendars(&self, zone: &TimeZone) -> VersionCalendars {
        let of = |column: &OrderColumn| column.dates.as_ref().map(|dates| dates.calendars(zone));
        [of(&self.version), self.deleted.as_ref().and_then(of)]
    }

    /// Reads a record. The error is a column that two formats read differently.
    pub(super) fn read(
        &self,
        batch: &RawBatch,
        record: usize,
        calendars: &mut VersionCalendars,
    ) -> std::result::Result<VersionRead, usize> {
        let [of_version, of_deleted] = calendars;
        let value = batch.value(record, self.version.column);
        let order = value.map(|value| self.version.order(value, of_version)).transpose()?.flatten();
        let ends = match &self.deleted {
            None => Some(false),
            Some(deleted) => match batch.value(record, deleted.column) {
                None => Some(false),
                Some(value) => deleted.mark(value, of_deleted)?,
            },
        };
        let unreadable = if order.is_none() { Some(0) } else { ends.is_none().then_some(1) };
        let version = RowVersion { order: order.unwrap_or(i64::MIN), print: self.print(batch, record) };
        Ok(VersionRead { version, ends: ends != Some(false), unreadable })
    }

    /// A keyed hash of all that the job reads of a record.
    fn print(&self, batch: &RawBatch, record: usize) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(self.key.expose());
        for column in 0..self.columns {
            let value = batch.value(record, column).unwrap_or_default();
            hasher.update(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
            hasher.update(value.as_bytes());
        }
        hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

impl OrderColumn {
    /// Returns where a value stands in the order of versions; none where it cannot be read or stands for none.
    fn order(&self, value: &str, calendars: &mut Option<Calendars>) -> std::result::Result<Option<i64>, usize> {
        let (Some(dates), Some(calendars)) = (&self.dates, calendars) else {
            return Ok(self.forms.numbers.plain(value).and_then(|plain| trim(&plain).parse().ok()));
        };
        match dates.read(value) {
            DateReading::Ambiguous => Err(self.column),
            DateReading::At(moment) => Ok(Some(dates.instant(&moment, calendars))),
            DateReading::Sentinel | DateReading::Unreadable => Ok(None),
        }
    }

    /// Returns whether a value ends the record: yes, or any date but one that means no value; none where it cannot be read.
    fn mark(&self, value: &str, calendars: &mut Option<Calendars>) -> std::result::Result<Option<bool>, usize> {
        let Some(dates) = &self.dates else { return Ok(self.forms.boolean(value)) };
        match dates.read(value) {
            DateReading::Sentinel => Ok(Some(false)),
            _ => self.order(value, calendars).map(|at| at.map(|_| true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{DateRule, ValueType};

    fn read(csv: &str, deleted: ValueType) -> Vec<(Option<usize>, bool, i64, u64)> {
        let column = |name: &str, value| Column { value, ..Column::text(name) };
        let columns = [column("v", ValueType::Integer), column("gone", deleted), column("x", ValueType::Text)];
        let rules = NewestRules { version: 0, deleted: Some(1) };
        let reader = VersionReader::new(&columns, &rules, Key::new([7; 32])).expect("columns");
        let batch = RawBatch::sample(csv, &["v", "gone", "x"]);
        let mut calendars = reader.calendars(&TimeZone::UTC);
        let read = |row| reader.read(&batch, row, &mut calendars).expect("one reading");
        let rows: Vec<VersionRead> = (0..batch.rows()).map(read).collect();
        rows.iter().map(|read| (read.unreadable, read.ends, read.version.order, read.version.print)).collect()
    }

    #[test]
    fn r75_versions_are_numbers_and_marks_say_yes_or_no() {
        let rows = read("v,gone,x\n12, TRUE,a\n-3,0,a\n,,a\n1.5,no,a\n7,maybe,a\n", ValueType::Boolean);
        let told: Vec<_> = rows.iter().map(|(unreadable, ends, ..)| (*unreadable, *ends)).collect();
        assert_eq!(told, [(None, true), (None, false), (Some(0), false), (Some(0), false), (Some(1), true)]);
        assert_eq!((rows[0].2, rows[1].2), (12, -3));
    }

    #[test]
    fn r75_any_date_of_deletion_ends_a_record_but_one_that_means_none() {
        let rule = DateRule { formats: vec!["%Y-%m-%d".into()], zone: None, epoch: None };
        let rows = read("v,gone,x\n1,2026-01-31,a\n1,,a\n1,soon,a\n", ValueType::Date(rule));
        let told: Vec<_> = rows.iter().map(|(unreadable, ends, ..)| (*unreadable, *ends)).collect();
        assert_eq!(told, [(None, true), (None, false), (Some(1), true)]);
    }

    #[test]
    fn r75_copies_of_a_row_have_one_print_and_cells_are_kept_apart() {
        let rows = read("v,gone,x\n1,no,ab\n1,no,ab\n1,no,a\n1,,noab\n", ValueType::Boolean);
        assert_eq!(rows[0].3, rows[1].3);
        assert_ne!(rows[0].3, rows[2].3);
        assert_ne!(rows[0].3, rows[3].3);
    }
}
