//! What treatments of dates and times share. Times fall on their day in the job's zone (R20).

use super::about::About;
use super::apply::{Apply, Given, Row, TreatOutcome, of_date};
use super::number::Bands;
use crate::cell::dates::{Calendar, Calendars, DateReader, DateReading};
use crate::cell::kind::TypeName;
use crate::clock::Instant;
use crate::clock::days::{Moment, civil_of, day_number};
use crate::error::Result;
use jiff::tz::TimeZone;

/// What treatments that count days of the calendar share.
pub const ABOUT: About = About { takes: &[TypeName::Date, TypeName::Timestamp], calendar: true, ..About::USUAL };

/// A part of the dates of a column; no treatment where it has none.
pub fn ready(part: Part, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
    let Some(column) = given.column else { return Ok(None) };
    let births = column.birth.then(|| Births::at(given.as_of, given.zone));
    Ok(column.dates()?.map(|reader| Box::new(CalendarParts { reader, part, births }) as Box<dyn Apply>))
}

/// Something made of a date or time.
struct CalendarParts {
    reader: DateReader,
    part: Part,
    births: Option<Births>,
}

impl Apply for CalendarParts {
    fn apply(
        &self,
        value: &str,
        row: &mut Row<'_>,
        calendars: &mut Option<Calendars>,
        out: &mut Vec<u8>,
    ) -> TreatOutcome {
        self.apply_read(self.reader.read(value), row, calendars, out)
    }

    fn apply_read(
        &self,
        read: DateReading,
        _: &mut Row<'_>,
        calendars: &mut Option<Calendars>,
        out: &mut Vec<u8>,
    ) -> TreatOutcome {
        of_date(read, calendars, |moment, calendars| {
            self.part.of(&self.reader, moment, self.births.as_ref(), calendars, out)
        })
    }

    fn reader(&self) -> Option<&DateReader> {
        Some(&self.reader)
    }
}

/// Years that nobody living is older than.
const OLDEST: i32 = 130;

/// What is published of a date or time.
pub enum Part {
    /// Microseconds since 1970 in UTC.
    Instant,
    /// The year, as a whole number.
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
    /// The first day of the month.
    Month,
    /// The Monday of the week.
    Week,
    /// The day as it is.
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
    ) -> TreatOutcome {
        if let (Part::Instant, None) = (self, births) {
            out.extend_from_slice(&reader.instant(moment, calendars).to_le_bytes());
            return TreatOutcome::Value;
        }
        let Some((day, date)) = reader.local_day(moment, calendars) else { return TreatOutcome::Untreated };
        let age = births.map(|births| births.age(date));
        if age == Some(None) {
            return TreatOutcome::Untreated;
        }
        match (self, age.flatten()) {
            (Part::Instant, _) => out.extend_from_slice(&reader.instant(moment, calendars).to_le_bytes()),
            (Part::Year, _) => out.extend_from_slice(&date.0.to_le_bytes()),
            (Part::First(unit), _) => out.extend_from_slice(&first_day(day, date, *unit).to_le_bytes()),
            (Part::Age(bands), Some(age)) => out.extend_from_slice(bands.label(age.into()).as_bytes()),
            (Part::Age(_), None) => return TreatOutcome::Untreated,
        }
        TreatOutcome::Value
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

    /// Returns whether somebody living can have been born on the day.
    pub fn lives(&self, born: (i32, u32, u32)) -> bool {
        self.age(born).is_some()
    }

    /// Completed years, from 0 to 130; none for a birth in the future or longer ago. Someone born on 29 February is a
    /// year older on 1 March of other years.
    pub fn age(&self, (born, birth_month, birth_day): (i32, u32, u32)) -> Option<i32> {
        let (year, month, day) = self.today;
        let age = year - born - i32::from((month, day) < (birth_month, birth_day));
        (0..=OLDEST).contains(&age).then_some(age)
    }
}

#[cfg(test)]
mod tests {
    use super::TreatOutcome::{Null, Untreated};
    use crate::cell::kind::{DateRule, ValueType};
    use crate::clock::days::day_number;
    use crate::treatments::tests::{days, times, treat, treat_birth, treated_text};
    use crate::treatments::{AgeBand, AsIs, Day, Month, Present, Quarter, Treatment, Week, Year};

    fn day(year: i32, month: u32, day: u32) -> Vec<u8> {
        day_number(year, month, day).to_le_bytes().to_vec()
    }

    #[test]
    fn r20_units_begin_on_their_first_day() {
        assert_eq!(treat(Year, days(), "1984-02-29"), Ok(1984i32.to_le_bytes().to_vec()));
        assert_eq!(treat(Quarter, days(), "2026-11-24"), Ok(day(2026, 10, 1)));
        assert_eq!(treat(Month, days(), "2026-11-24"), Ok(day(2026, 11, 1)));
        assert_eq!(treat(Week, days(), "2026-11-22"), Ok(day(2026, 11, 16)));
        assert_eq!(treat(Week, days(), "2026-11-23"), Ok(day(2026, 11, 23)));
        assert_eq!(treat(Week, days(), "1969-12-28"), Ok(day(1969, 12, 22)));
        assert_eq!(treat(Day, days(), "2026-11-24"), Ok(day(2026, 11, 24)));
        assert_eq!(treat(AsIs, days(), "2026-11-24"), Ok(day(2026, 11, 24)));
    }

    #[test]
    fn r20_times_fall_on_their_day_in_the_jobs_zone() {
        assert_eq!(treat(Month, times(), "2026-10-31T23:30:00+0000"), Ok(day(2026, 11, 1)));
        assert_eq!(treat(Day, times(), "2026-07-01T00:30:00+0200"), Ok(day(2026, 7, 1)));
        let micros = 1_793_489_400_000_000i64;
        assert_eq!(treat(AsIs, times(), "2026-10-31T23:30:00+0000"), Ok(micros.to_le_bytes().to_vec()));
    }

    #[test]
    fn r20_sentinels_are_null_and_other_text_is_untreated() {
        assert_eq!(treat(Year, days(), "1900-01-01"), Err(Null));
        assert_eq!(treat(Year, days(), "24.11.2026"), Err(Untreated));
    }

    #[test]
    fn r20_age_bands_count_completed_years_at_as_of() {
        let bands = AgeBand { edges: vec![18, 25, 35, 85] };
        for (birth, band) in [
            ("2008-11-24", "18-24"),
            ("2008-11-25", "<18"),
            ("2001-11-24", "25-34"),
            ("1941-11-24", "85+"),
            ("2026-11-24", "<18"),
        ] {
            assert_eq!(treated_text(bands.clone(), days(), birth).as_deref(), Ok(band), "{birth}");
        }
        assert_eq!(treat(bands, days(), "2026-11-25"), Err(Untreated));
    }

    #[test]
    fn r20_births_that_make_nobody_living_are_untreated_in_every_treatment() {
        for how in [
            Treatment::from(AgeBand { edges: vec![18, 85] }),
            Year.into(),
            Quarter.into(),
            Month.into(),
            Week.into(),
            Day.into(),
            AsIs.into(),
        ] {
            for (birth, lives) in [
                ("2026-11-24", true),
                ("2026-11-25", false),
                ("2062-05-17", false),
                ("1895-11-25", true),
                ("1895-11-24", false),
                ("1066-10-14", false),
            ] {
                assert_eq!(treat_birth(how.clone(), birth).is_ok(), lives, "{how:?} of {birth}");
            }
        }
        assert!(treat(Year, days(), "2062-05-17").is_ok(), "the year of a contract");
        assert_eq!(treat_birth(Present, "2062-05-17"), Ok(vec![1]));
    }

    #[test]
    fn r23_years_are_0001_to_9999_as_written_in_utc_and_in_the_jobs_zone() {
        let formats = vec!["%Y-%m-%dT%H:%M:%S%z".into()];
        let times = ValueType::Timestamp(DateRule { formats, zone: None, epoch: None });
        let all: [Treatment; 6] = [AsIs.into(), Year.into(), Quarter.into(), Month.into(), Week.into(), Day.into()];
        for how in &all {
            assert_eq!(treat(how.clone(), days(), "0000-12-31"), Err(Untreated), "{how:?}");
            assert!(
                treat(how.clone(), days(), "0001-01-02").is_ok() && treat(how.clone(), days(), "9999-12-30").is_ok(),
                "{how:?}"
            );
            for text in ["0000-12-31T23:59:59Z", "9999-12-31T23:00:00-0200", "0001-01-01T01:00:00+0200"] {
                assert_eq!(treat(how.clone(), times.clone(), text), Err(Untreated), "{how:?} of {text}");
            }
            assert!(treat(how.clone(), times.clone(), "0001-01-01T12:00:00+0000").is_ok());
        }
        // 00:30 of the year 10000 in the job's zone, which is Paris.
        let last = "9999-12-31T23:30:00+0000";
        assert_eq!(treat(AsIs, times.clone(), last), Ok(253_402_299_000_000_000i64.to_le_bytes().to_vec()));
        assert_eq!(treat(Year, times, last), Err(Untreated));
    }
}
