//! Treatments of dates and times: as-is, year, quarter, month, week, day, age-band. Times fall on their day in the job's
//! zone (R20). Must not know other types.

use super::number::Bands;
use super::{Calendars, DateReader, Moment, Outcome};
use crate::clock::Instant;
use crate::minimize::dates::{Calendar, civil_of, day_number};
use jiff::tz::TimeZone;

/// What is published of a date or time.
pub enum Part {
    /// Microseconds since 1970 in UTC.
    Instant,
    /// The year, Int32.
    Year,
    /// The first day of the unit, Date32.
    First(Unit),
    /// The age in completed years at `as_of`, as a band.
    Age(Ages),
}

/// Calendar units; weeks start on Monday.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Three months from January, April, July, October.
    Quarter,
    /// A month.
    Month,
    /// Monday to Sunday.
    Week,
    /// A day.
    Day,
}

impl Part {
    /// Appends the part of a moment.
    pub fn of(&self, reader: &DateReader, moment: &Moment, calendars: &mut Calendars, out: &mut Vec<u8>) -> Outcome {
        if let Part::Instant = self {
            out.extend_from_slice(&reader.instant(moment, calendars).to_le_bytes());
            return Outcome::Value;
        }
        let (day, date) = reader.local_day(moment, calendars);
        match self {
            Part::Instant => {}
            Part::Year => out.extend_from_slice(&date.0.to_le_bytes()),
            Part::First(unit) => out.extend_from_slice(&first_day(day, date, *unit).to_le_bytes()),
            Part::Age(ages) => return ages.band(date, out),
        }
        Outcome::Value
    }
}

/// The first day of the unit that a day is in, which is also given as year, month and day.
fn first_day(day: i32, (year, month, of_month): (i32, u32, u32), unit: Unit) -> i32 {
    match unit {
        Unit::Quarter => day_number(year, (month - 1) / 3 * 3 + 1, 1),
        Unit::Month => day + 1 - of_month as i32,
        // 1970-01-01 was a Thursday.
        Unit::Week => day - (day + 3).rem_euclid(7),
        Unit::Day => day,
    }
}

/// Age bands at one instant.
pub struct Ages {
    bands: Bands,
    today: (i32, u32, u32),
}

impl Ages {
    /// Bands of completed years on the day of `as_of` in the zone.
    pub fn new(edges: &[i64], as_of: Instant, zone: &TimeZone) -> Ages {
        Ages { bands: Bands::new(edges), today: civil_of(Calendar::new(zone.clone()).day(as_of.0)) }
    }

    /// A birth in the future is untreated. Someone born on 29 February is a year older on 1 March of other years.
    fn band(&self, (born, birth_month, birth_day): (i32, u32, u32), out: &mut Vec<u8>) -> Outcome {
        let (year, month, day) = self.today;
        let age = year - born - i32::from((month, day) < (birth_month, birth_day));
        if age < 0 {
            return Outcome::Untreated;
        }
        out.extend_from_slice(self.bands.label(age.into()).as_bytes());
        Outcome::Value
    }
}

#[cfg(test)]
mod tests {
    use crate::minimize::dates::day_number;
    use crate::minimize::treat::Outcome::{Null, Untreated};
    use crate::minimize::treat::tests::{days, times, treat, treated_text};
    use crate::policy::Treatment;

    fn day(year: i32, month: u32, day: u32) -> Vec<u8> {
        day_number(year, month, day).to_le_bytes().to_vec()
    }

    #[test]
    fn r20_units_begin_on_their_first_day() {
        assert_eq!(treat(&Treatment::Year, days(), "1984-02-29"), Ok(1984i32.to_le_bytes().to_vec()));
        assert_eq!(treat(&Treatment::Quarter, days(), "2026-11-24"), Ok(day(2026, 10, 1)));
        assert_eq!(treat(&Treatment::Month, days(), "2026-11-24"), Ok(day(2026, 11, 1)));
        assert_eq!(treat(&Treatment::Week, days(), "2026-11-22"), Ok(day(2026, 11, 16)));
        assert_eq!(treat(&Treatment::Week, days(), "2026-11-23"), Ok(day(2026, 11, 23)));
        assert_eq!(treat(&Treatment::Week, days(), "1969-12-28"), Ok(day(1969, 12, 22)));
        assert_eq!(treat(&Treatment::Day, days(), "2026-11-24"), Ok(day(2026, 11, 24)));
        assert_eq!(treat(&Treatment::AsIs, days(), "2026-11-24"), Ok(day(2026, 11, 24)));
    }

    #[test]
    fn r20_times_fall_on_their_day_in_the_jobs_zone() {
        assert_eq!(treat(&Treatment::Month, times(), "2026-10-31T23:30:00+0000"), Ok(day(2026, 11, 1)));
        assert_eq!(treat(&Treatment::Day, times(), "2026-07-01T00:30:00+0200"), Ok(day(2026, 7, 1)));
        let micros = 1_793_489_400_000_000i64;
        assert_eq!(treat(&Treatment::AsIs, times(), "2026-10-31T23:30:00+0000"), Ok(micros.to_le_bytes().to_vec()));
    }

    #[test]
    fn r20_sentinels_are_null_and_other_text_is_untreated() {
        assert_eq!(treat(&Treatment::Year, days(), "1900-01-01"), Err(Null));
        assert_eq!(treat(&Treatment::Year, days(), "24.11.2026"), Err(Untreated));
    }

    #[test]
    fn r20_age_bands_count_completed_years_at_as_of() {
        let bands = Treatment::AgeBand { edges: vec![18, 25, 35, 85] };
        for (birth, band) in [
            ("2008-11-24", "18-24"),
            ("2008-11-25", "<18"),
            ("2001-11-24", "25-34"),
            ("1941-11-24", "85+"),
            ("2026-11-24", "<18"),
        ] {
            assert_eq!(treated_text(&bands, days(), birth).as_deref(), Ok(band), "{birth}");
        }
        assert_eq!(treat(&bands, days(), "2026-11-25"), Err(Untreated));
    }
}
