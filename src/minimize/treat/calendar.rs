//! Treatments of dates and times: as-is, year, quarter, month, week, day, age-band. Times fall on their day in the job's
//! zone (R20). Must not know other types.

use super::number::Bands;
use super::{Calendars, DateReader, Outcome};
use crate::clock::Instant;
use crate::clock::days::{Moment, civil_of, day_number};
use crate::minimize::dates::Calendar;
use jiff::tz::TimeZone;

/// Years that nobody living is older than.
const OLDEST: i32 = 130;

/// What is published of a date or time.
pub enum Part {
    /// Microseconds since 1970 in UTC.
    Instant,
    /// The year, Int32.
    Year,
    /// The first day of the unit, Date32.
    First(Unit),
    /// The age in completed years at `as_of`, as a band.
    Age(Bands),
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
    /// Appends the part of a moment. Of a date of birth `births` says how old somebody is; without an age that can be it
    /// is untreated, as is a day outside of the years 0001 to 9999.
    pub fn of(
        &self,
        reader: &DateReader,
        moment: &Moment,
        births: Option<&Births>,
        calendars: &mut Calendars,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if let (Part::Instant, None) = (self, births) {
            out.extend_from_slice(&reader.instant(moment, calendars).to_le_bytes());
            return Outcome::Value;
        }
        let Some((day, date)) = reader.local_day(moment, calendars) else { return Outcome::Untreated };
        let age = births.map(|births| births.age(date));
        if age == Some(None) {
            return Outcome::Untreated;
        }
        match (self, age.flatten()) {
            (Part::Instant, _) => out.extend_from_slice(&reader.instant(moment, calendars).to_le_bytes()),
            (Part::Year, _) => out.extend_from_slice(&date.0.to_le_bytes()),
            (Part::First(unit), _) => out.extend_from_slice(&first_day(day, date, *unit).to_le_bytes()),
            (Part::Age(bands), Some(age)) => out.extend_from_slice(bands.label(age.into()).as_bytes()),
            (Part::Age(_), None) => return Outcome::Untreated,
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

/// Ages on one day.
pub struct Births {
    today: (i32, u32, u32),
}

impl Births {
    /// On the day of `as_of` in the zone.
    pub fn at(as_of: Instant, zone: &TimeZone) -> Births {
        Births { today: civil_of(Calendar::new(zone.clone()).day(as_of.0)) }
    }

    /// Completed years, from 0 to 130; none for a birth in the future or longer ago. Someone born on 29 February is a
    /// year older on 1 March of other years.
    fn age(&self, (born, birth_month, birth_day): (i32, u32, u32)) -> Option<i32> {
        let (year, month, day) = self.today;
        let age = year - born - i32::from((month, day) < (birth_month, birth_day));
        (0..=OLDEST).contains(&age).then_some(age)
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::days::day_number;
    use crate::minimize::treat::Outcome::{Null, Untreated};
    use crate::minimize::treat::tests::{column, days, times, treat, treat_column, treated_text};
    use crate::policy::{Column, DateRule, Treatment, ValueType};

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

    #[test]
    fn r20_births_that_make_nobody_living_are_untreated_in_every_treatment() {
        let column = Column { birth: true, ..column(days()) };
        for how in [
            Treatment::AgeBand { edges: vec![18, 85] },
            Treatment::Year,
            Treatment::Quarter,
            Treatment::Month,
            Treatment::Week,
            Treatment::Day,
            Treatment::AsIs,
        ] {
            for (birth, lives) in [
                ("2026-11-24", true),
                ("2026-11-25", false),
                ("2062-05-17", false),
                ("1895-11-25", true),
                ("1895-11-24", false),
                ("1066-10-14", false),
            ] {
                assert_eq!(treat_column(&how, &column, birth).is_ok(), lives, "{how:?} of {birth}");
            }
        }
        assert!(treat(&Treatment::Year, days(), "2062-05-17").is_ok(), "the year of a contract");
        assert_eq!(treat_column(&Treatment::Present, &column, "2062-05-17"), Ok(vec![1]));
    }

    #[test]
    fn r23_years_are_0001_to_9999_as_written_in_utc_and_in_the_jobs_zone() {
        let formats = vec!["%Y-%m-%dT%H:%M:%S%z".into()];
        let times = ValueType::Timestamp(DateRule { formats, zone: None, epoch: None });
        let all =
            [Treatment::AsIs, Treatment::Year, Treatment::Quarter, Treatment::Month, Treatment::Week, Treatment::Day];
        for how in &all {
            assert_eq!(treat(how, days(), "0000-12-31"), Err(Untreated), "{how:?}");
            assert!(treat(how, days(), "0001-01-02").is_ok() && treat(how, days(), "9999-12-30").is_ok(), "{how:?}");
            for text in ["0000-12-31T23:59:59Z", "9999-12-31T23:00:00-0200", "0001-01-01T01:00:00+0200"] {
                assert_eq!(treat(how, times.clone(), text), Err(Untreated), "{how:?} of {text}");
            }
            assert!(treat(how, times.clone(), "0001-01-01T12:00:00+0000").is_ok());
        }
        // 00:30 of the year 10000 in the job's zone, which is Paris.
        let last = "9999-12-31T23:30:00+0000";
        assert_eq!(treat(&Treatment::AsIs, times.clone(), last), Ok(253_402_299_000_000_000i64.to_le_bytes().to_vec()));
        assert_eq!(treat(&Treatment::Year, times, last), Err(Untreated));
    }
}
