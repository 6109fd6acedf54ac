//! Whether the person of a row is too young for a sale without an opt-in (R84).

use super::controls::typed;
use super::rows::flag;
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::cell::forms::CellForms;
use crate::clock::Instant;
use crate::error::Result;
use crate::policy::{Column, MinorRules};
use crate::treatments::Births;
use jiff::tz::TimeZone;

/// Reads the age of a row's person.
pub(super) struct MinorReader {
    column: Option<usize>,
    /// Reads dates of birth; none where the column has years.
    dates: Option<DateReader>,
    forms: CellForms,
    rules: MinorRules,
    births: Births,
}

impl MinorReader {
    /// Prepares the rules for the day of `as_of` in the zone.
    ///
    /// # Errors
    /// A policy error for a date format that cannot be read.
    pub(super) fn new(columns: &[Column], rules: &MinorRules, as_of: Instant, zone: &TimeZone) -> Result<MinorReader> {
        let column = rules.column.map(|column| &columns[column]);
        let dates = column.map(|column| typed(column).dates()).transpose()?.flatten();
        let forms = column.map_or_else(CellForms::default, |column| column.forms.clone());
        Ok(MinorReader { column: rules.column, dates, forms, rules: rules.clone(), births: Births::at(as_of, zone) })
    }

    /// Returns the column of the birth.
    pub(super) fn column(&self) -> Option<usize> {
        self.column
    }

    /// Returns the calendars that `flags` works with.
    pub(super) fn calendars(&self, zone: &TimeZone) -> Option<Calendars> {
        self.dates.as_ref().map(|dates| dates.calendars(zone))
    }

    /// Returns the flags of a row by its date or year of birth; none when two formats read it differently.
    pub(super) fn flags(&self, value: Option<&str>, calendars: &mut Option<Calendars>) -> Option<u16> {
        let born = match (value, &self.dates, calendars) {
            (None, ..) => None,
            (Some(value), Some(dates), Some(calendars)) => match dates.read(value) {
                DateReading::Ambiguous => return None,
                DateReading::At(moment) => dates.local_day(&moment, calendars).map(|(_, date)| date),
                DateReading::Sentinel | DateReading::Unreadable => None,
            },
            (Some(value), ..) => self.year(value),
        };
        Some(match born.and_then(|born| self.births.age(born)) {
            None if self.rules.unknown_sold => 0,
            None => flag::MINOR | flag::CHILD,
            Some(age) if age >= self.rules.under => 0,
            Some(age) if age >= self.rules.guardian_under => flag::MINOR,
            Some(_) => flag::MINOR | flag::CHILD,
        })
    }

    /// The last day on which somebody with this year of birth can have been born: nobody is taken to be older.
    fn year(&self, value: &str) -> Option<(i32, u32, u32)> {
        let year = self.forms.numbers.plain(value.trim())?.trim().parse().ok()?;
        Some((year, 12, 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{DateRule, ValueType};

    const CHILD: u16 = flag::MINOR | flag::CHILD;

    fn flags(value: ValueType, today: &str, unknown_sold: bool, text: Option<&str>) -> Option<u16> {
        let columns = [Column { value, ..Column::text("Born") }];
        let rules = MinorRules { column: Some(0), under: 16, guardian_under: 13, unknown_sold };
        let as_of = Instant::parse(&format!("{today}T12:00:00Z")).expect("a time");
        let reader = MinorReader::new(&columns, &rules, as_of, &TimeZone::UTC).expect("rules");
        reader.flags(text, &mut reader.calendars(&TimeZone::UTC))
    }

    fn days() -> ValueType {
        ValueType::Date(DateRule { formats: vec!["%Y-%m-%d".into()], zone: None, epoch: None })
    }

    #[test]
    fn r84_age_is_counted_in_completed_years_to_the_day() {
        for (born, today, expected) in [
            ("2010-11-25", "2026-11-24", flag::MINOR),
            ("2010-11-24", "2026-11-24", 0),
            ("2013-11-24", "2026-11-24", flag::MINOR),
            ("2013-11-25", "2026-11-24", CHILD),
            ("2012-02-29", "2028-02-28", flag::MINOR),
            ("2012-02-29", "2028-02-29", 0),
            ("2011-02-28", "2027-02-27", flag::MINOR),
            ("2026-11-25", "2026-11-24", CHILD),
            ("1850-01-01", "2026-11-24", CHILD),
            ("soon", "2026-11-24", CHILD),
        ] {
            assert_eq!(flags(days(), today, false, Some(born)), Some(expected), "{born} on {today}");
        }
        assert_eq!(flags(days(), "2026-11-24", false, None), Some(CHILD), "unknown is not sold");
        assert_eq!(flags(days(), "2026-11-24", true, None), Some(0), "unless the policy says so");
    }

    #[test]
    fn r84_a_year_of_birth_counts_from_its_last_day() {
        let year = |text, today| flags(ValueType::Integer, today, false, Some(text));
        assert_eq!(year("2010", "2026-12-30"), Some(flag::MINOR), "may be 15");
        assert_eq!(year("2010", "2026-12-31"), Some(0));
        assert_eq!(year("2009", "2026-01-01"), Some(0));
        assert_eq!(year("MMX", "2026-12-31"), Some(CHILD));
    }
}
