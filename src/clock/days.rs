//! Days of the proleptic Gregorian calendar as numbers, and times as they were written. The years that everybody can
//! read are 0001 to 9999: Delta, SQL and Python have no others.

use super::{Instant, instant_of};
use jiff::civil;
use jiff::tz::TimeZone;

/// Microseconds of a day of 24 hours.
pub const DAY: i64 = 86_400_000_000;
/// Days from 1970-01-01 to 0001-01-01 and to 9999-12-31.
pub const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;
/// Days of 400 years: the calendar, weekdays and the rules of zones repeat after them.
const ERA: i32 = 146_097;
/// 9999-01-01: instants of later days are looked up an era before, as jiff's timestamps end in that year.
const LOOKED_UP: i32 = 2_932_532;

/// A time as it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Number of the day, counted from 1970-01-01.
    pub day: i32,
    /// The same as year, month and day.
    pub date: (i32, u32, u32),
    /// Microseconds since that day's midnight.
    pub micros: i64,
    /// Seconds east of UTC, when it says so.
    pub offset: Option<i32>,
}

impl Moment {
    /// Its instant, in a zone when it says no offset itself (R23).
    pub fn instant(&self, zone: &TimeZone) -> Instant {
        match self.offset {
            Some(offset) => Instant(self.instant_at(offset)),
            None => instant_at(self.day, self.micros, zone),
        }
    }

    /// Its instant in microseconds, so many seconds east of UTC.
    pub fn instant_at(&self, offset: i32) -> i64 {
        i64::from(self.day) * DAY + self.micros - i64::from(offset) * 1_000_000
    }
}

impl Instant {
    /// Whether it is in the years 0001 to 9999 of UTC (R23).
    pub fn in_years(self) -> bool {
        (i64::from(*DAYS.start()) * DAY..(i64::from(*DAYS.end()) + 1) * DAY).contains(&self.0)
    }
}

/// The instant of a time of day in a zone (R23).
pub fn instant_at(day: i32, micros: i64, zone: &TimeZone) -> Instant {
    let back = if day > LOOKED_UP { ERA } else { 0 };
    let (year, month, date) = civil_of(day - back);
    let (seconds, micros) = (micros / 1_000_000, (micros % 1_000_000) as i32);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let date = (year as i16, month as i8, date as i8);
    let time = (hour as i8, minute as i8, second as i8, micros * 1000);
    let civil = civil::DateTime::new(date.0, date.1, date.2, time.0, time.1, time.2, time.3);
    let instant = civil.map_or(i64::from(day - back) * DAY, |civil| instant_of(civil, zone).0);
    Instant(instant + i64::from(back) * DAY)
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. After Howard Hinnant's
/// "chrono-compatible low-level date algorithms". Years from -9999 on.
pub fn day_number(year: i32, month: u32, day: u32) -> i32 {
    // Years from March on, from far enough back that none is negative.
    let years = (year + 12_000 - i32::from(month <= 2)) as u32;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + of_year;
    days as i32 - 12_000 / 400 * 146_097 - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub fn civil_of(day: i32) -> (i32, u32, u32) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let (month, day) = (if part < 10 { part + 3 } else { part - 9 }, of_year - (153 * part + 2) / 5 + 1);
    (year + era * 400 + i32::from(month <= 2), month as u32, day as u32)
}
