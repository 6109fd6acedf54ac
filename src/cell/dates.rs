//! Dates and times as exports write them: compiled strftime formats, epochs, sentinels, and days in a zone (R23, R24).

use super::kind::{DateRule, Epoch};
use super::text::trim;
use jiff::civil;
use jiff::tz::TimeZone;

use crate::clock::Instant;
use crate::clock::date_format::{Formats, Said};
use crate::clock::days::{DAY, DAYS, Moment, civil_of, day_number, instant_at};
use crate::error::Result;

/// Days remembered per zone; a power of two.
const REMEMBERED: usize = 1024;

/// What a cell of a date or timestamp column turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DateReading {
    /// No format reads it, or it is outside of the years 0001 to 9999, as written or in UTC (R23).
    Unreadable,
    /// Two formats read it, with different results: the run is refused (R23).
    Ambiguous,
    /// A date that means "no value" (R24).
    Sentinel,
    /// A point in time, with its zone applied.
    At(Moment),
}

/// Reads the cells of one date or timestamp column.
pub struct DateReader {
    formats: Formats,
    epoch: Option<Epoch>,
    /// Zone of times without one; none for whole days.
    zone: Option<TimeZone>,
    whole_days: bool,
    sentinels: Vec<i32>,
}

impl DateReader {
    /// A reader for a column of days (`whole_days`) or of times.
    ///
    /// # Errors
    /// A policy error when a format has a directive that is not known.
    pub fn new(rule: &DateRule, whole_days: bool, sentinels: &[civil::Date]) -> Result<DateReader> {
        Ok(DateReader {
            formats: Formats::new(&rule.formats)?,
            epoch: rule.epoch,
            zone: rule.zone.clone(),
            whole_days,
            sentinels: sentinels.iter().map(|date| day_of(*date)).collect(),
        })
    }

    /// Reads a cell as the column's formats say.
    #[inline]
    pub fn read(&self, text: &str) -> DateReading {
        let text = trim(text);
        let said = match self.epoch {
            None => self.formats.read(text, |one, other| self.agree(one, other)),
            Some(unit) => epoch(text, unit).map_or(Said::Nothing, Said::Moment),
        };
        match said {
            Said::Nothing => DateReading::Unreadable,
            Said::Different => DateReading::Ambiguous,
            Said::Moment(moment) if self.sentinels.contains(&moment.day) => DateReading::Sentinel,
            Said::Moment(moment) if self.usable(&moment) => DateReading::At(moment),
            Said::Moment(_) => DateReading::Unreadable,
        }
    }

    /// Whether two formats may read one text differently.
    pub fn may_disagree(&self) -> bool {
        self.formats.several()
    }

    /// Whether it has a zone, and is in the years 0001 to 9999 as written and in UTC.
    fn usable(&self, moment: &Moment) -> bool {
        if !self.whole_days && moment.offset.is_none() && self.zone.is_none() {
            return false;
        }
        let (first, last) = (*DAYS.start(), *DAYS.end());
        // No offset is as long as a day, so only those of the first and the last day can leave the range.
        let inside = first < moment.day && moment.day < last;
        inside || DAYS.contains(&moment.day) && (self.whole_days || moment.instant(&self.own_zone()).in_years())
    }

    fn agree(&self, one: &Moment, other: &Moment) -> bool {
        if self.whole_days {
            return one.day == other.day;
        }
        one == other || one.instant(&self.own_zone()) == other.instant(&self.own_zone())
    }

    fn own_zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or(TimeZone::UTC)
    }

    /// The calendars that `instant` and `local_day` work with; `job` is the zone of the job.
    pub fn calendars(&self, job: &TimeZone) -> Calendars {
        Calendars { own: Calendar::new(self.own_zone()), job: Calendar::new(job.clone()) }
    }

    /// The instant in microseconds: of a day its first moment in the job's zone (R23).
    pub fn instant(&self, moment: &Moment, calendars: &mut Calendars) -> i64 {
        match moment.offset {
            _ if self.whole_days => calendars.job.instant(moment.day, 0),
            Some(offset) => moment.instant_at(offset),
            None => calendars.own.instant(moment.day, moment.micros),
        }
    }

    /// The day it falls on, as written, or of a time the day in the job's zone; also as year, month and day. None where
    /// that is outside of the years 0001 to 9999.
    pub fn local_day(&self, moment: &Moment, calendars: &mut Calendars) -> Option<(i32, (i32, u32, u32))> {
        if self.whole_days {
            return Some((moment.day, moment.date));
        }
        let instant = self.instant(moment, calendars);
        let day = calendars.job.day(instant);
        DAYS.contains(&day).then(|| (day, if day == moment.day { moment.date } else { civil_of(day) }))
    }
}

/// The zone of the times as written and the zone of the job.
pub struct Calendars {
    own: Calendar,
    job: Calendar,
}

/// Days of one zone, with the last ones asked for remembered.
pub struct Calendar {
    zone: TimeZone,
    /// Microseconds east of UTC, in zones where that never changes.
    fixed: Option<i64>,
    days: Vec<LocalDay>,
}

#[derive(Clone, Copy)]
struct LocalDay {
    day: i32,
    start: i64,
    /// 24 hours without a change of offset.
    plain: bool,
}

impl Calendar {
    /// A calendar of a zone.
    pub fn new(zone: TimeZone) -> Calendar {
        let fixed = zone.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()) * 1_000_000);
        Calendar { zone, fixed, days: Vec::new() }
    }

    /// The instant of a time of day: in a gap later by its length, in an overlap the earlier one (R23).
    pub fn instant(&mut self, day: i32, micros: i64) -> i64 {
        if let Some(offset) = self.fixed {
            return i64::from(day) * DAY + micros - offset;
        }
        let local = self.local(day);
        if local.plain || micros == 0 { local.start + micros } else { self.exact(day, micros) }
    }

    /// The local day of an instant.
    pub fn day(&mut self, instant: i64) -> i32 {
        if let Some(offset) = self.fixed {
            return (instant + offset).div_euclid(DAY) as i32;
        }
        let near = instant.div_euclid(DAY) as i32;
        let later = (near..=near + 1).filter(|day| self.local(*day).start <= instant).last();
        later.unwrap_or(near - 1)
    }

    fn local(&mut self, day: i32) -> LocalDay {
        if self.days.is_empty() {
            self.days = vec![LocalDay { day: i32::MIN, start: 0, plain: false }; REMEMBERED];
        }
        let slot = day as usize & (REMEMBERED - 1);
        if self.days[slot].day != day {
            let (start, end) = (self.exact(day, 0), self.exact(day + 1, 0));
            let change = self.zone.following(Instant(start).timestamp()).next();
            let steady = change.is_none_or(|change| change.timestamp().as_microsecond() >= end);
            self.days[slot] = LocalDay { day, start, plain: steady && end - start == DAY };
        }
        self.days[slot]
    }

    fn exact(&self, day: i32, micros: i64) -> i64 {
        instant_at(day, micros, &self.zone).0
    }
}

fn day_of(date: civil::Date) -> i32 {
    day_number(i32::from(date.year()), date.month() as u32, date.day() as u32)
}

fn epoch(text: &str, unit: Epoch) -> Option<Moment> {
    let number: i64 = text.parse().ok()?;
    let micros = number.checked_mul(match unit {
        Epoch::Seconds => 1_000_000,
        Epoch::Millis => 1_000,
    })?;
    let day = i32::try_from(micros.div_euclid(DAY)).ok()?;
    DAYS.contains(&day).then(|| Moment { day, date: civil_of(day), micros: micros.rem_euclid(DAY), offset: Some(0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{instant_of, zone};

    fn reader(formats: &[&str], zone: Option<&str>) -> DateReader {
        let zone = zone.map(|name| crate::clock::zone(name).expect("bundled"));
        let rule = DateRule { formats: formats.iter().map(ToString::to_string).collect(), zone, epoch: None };
        let sentinels = [civil::date(1900, 1, 1), civil::date(2154, 12, 31)];
        DateReader::new(&rule, false, &sentinels).expect("formats")
    }

    /// The instant as RFC 3339, `?` for unreadable, `-` for a sentinel, `!` for two ways.
    fn instant(reader: &DateReader, text: &str) -> String {
        let mut calendars = reader.calendars(&TimeZone::UTC);
        match reader.read(text) {
            DateReading::Unreadable => "?".into(),
            DateReading::Ambiguous => "!".into(),
            DateReading::Sentinel => "-".into(),
            DateReading::At(moment) => Instant(reader.instant(&moment, &mut calendars)).to_string(),
        }
    }

    #[test]
    fn r23_shapes_of_real_exports_are_read() {
        for (format, zone, text, expected) in [
            ("%Y-%m-%dT%H:%M:%S%.f%:z", None, "2024-08-14T11:37:45.65+00:00", "2024-08-14T11:37:45.65Z"),
            ("%Y-%m-%dT%H:%M:%S%.f%z", None, "2022-10-20T22:45:01.000+0000", "2022-10-20T22:45:01Z"),
            ("%Y-%m-%dT%H:%M:%S%.fZ", Some("UTC"), "2006-04-15T03:23:15.000Z", "2006-04-15T03:23:15Z"),
            ("%Y-%m-%dT%H:%M:%S%.fZ", Some("UTC"), "2020-01-01T00:15:00.0000000Z", "2020-01-01T00:15:00Z"),
            ("%Y-%m-%dT%H:%M:%S%.fZ", Some("UTC"), "2020-01-01T00:15:00Z", "2020-01-01T00:15:00Z"),
            ("%Y-%m-%d %H:%M:%S", Some("Europe/Paris"), "2020-02-26 22:55:12", "2020-02-26T21:55:12Z"),
            ("%m/%d/%Y %I:%M:%S %p", Some("UTC"), "1/1/2020 0:00:00 PM", "2020-01-01T12:00:00Z"),
            ("%m/%d/%Y %I:%M:%S %p", Some("UTC"), "4/14/2026 8:21:50 pm", "2026-04-14T20:21:50Z"),
            ("%m/%d/%Y %I:%M:%S %p", Some("UTC"), "4/14/2026 12:21:50 AM", "2026-04-14T00:21:50Z"),
            ("%m/%d/%Y %H:%M", Some("UTC"), "8/25/2020 13:03", "2020-08-25T13:03:00Z"),
            ("%m/%d/%YT%H:%M:%S%z", None, "07/15/2009T02:14:45+0800", "2009-07-14T18:14:45Z"),
            ("%F %T.%f", Some("UTC"), "2020-02-26 22:55:12.1234567", "2020-02-26T22:55:12.123456Z"),
            ("%Y-%m-%d %H:%M:%S", Some("UTC"), "2020-2-6 2:5:1", "2020-02-06T02:05:01Z"),
            ("%d %b %Y, %R", Some("UTC"), "4 sept 2021, 07:05", "?"),
            ("%d %b %Y, %R", Some("UTC"), "4 Sep 2021, 07:05", "2021-09-04T07:05:00Z"),
            ("%e. %B %Y %R", Some("UTC"), " 4. May 2021 07:05", "2021-05-04T07:05:00Z"),
            ("%Y-%m-%d %H:%M:%S", Some("UTC"), "2016-12-31 23:59:60", "2016-12-31T23:59:59Z"),
            ("%Y-%m-%d %H:%M", Some("UTC"), "2154-12-31 23:59", "-"),
            ("%d.%m.%Y um %H:%M é", Some("UTC"), "04.05.2021 um 07:05 é", "2021-05-04T07:05:00Z"),
        ] {
            assert_eq!(instant(&reader(&[format], zone), text), expected, "{format} on {text}");
        }
    }

    #[test]
    fn r23_other_text_is_unreadable() {
        let reader = reader(&["%Y-%m-%d %H:%M:%S%.f"], Some("UTC"));
        for bad in [
            "2021-02-29 00:00:00",
            "2021-13-01 00:00:00",
            "2021-00-01 00:00:00",
            "2021-01-01 24:00:00",
            "2021-01-01",
            "21-01-01 00:00:00",
            "2021-01-01 00:00:00 ?",
            "2021-01-01 00:00:00.",
            "2021-01-01 00:00:00.1234567890",
            "n/a",
            "2021-01-32 00:00:00",
            "2021-01-01 00:60:00",
        ] {
            assert_eq!(instant(&reader, bad), "?", "{bad}");
        }
    }

    #[test]
    fn r23_two_formats_with_different_results_refuse_the_value() {
        let both = reader(&["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"], Some("UTC"));
        assert_eq!(instant(&both, "03/04/2020 00:00"), "!");
        assert_eq!(instant(&both, "04/04/2020 00:00"), "2020-04-04T00:00:00Z");
        assert_eq!(instant(&both, "13/04/2020 00:00"), "2020-04-13T00:00:00Z");
        let mixed = reader(&["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ"], Some("UTC"));
        assert_eq!(instant(&mixed, "2020-04-13T01:02:03Z"), "2020-04-13T01:02:03Z");
    }

    #[test]
    fn r24_sentinels_are_judged_by_the_date_as_written() {
        let east = reader(&["%Y-%m-%dT%H:%M:%S%:z"], None);
        assert_eq!(instant(&east, "1900-01-01T12:00:00+14:00"), "-");
        assert_eq!(instant(&east, "1900-01-02T00:30:00+14:00"), "1900-01-01T10:30:00Z");
    }

    #[test]
    fn r23_a_day_is_its_first_moment_in_the_jobs_zone() {
        let rule = DateRule { formats: vec!["%Y-%m-%d".into()], zone: None, epoch: None };
        let days = DateReader::new(&rule, true, &[]).expect("formats");
        let at = |text, name| {
            let mut calendars = days.calendars(&zone(name).expect("bundled"));
            let DateReading::At(moment) = days.read(text) else { panic!("readable") };
            Instant(days.instant(&moment, &mut calendars)).to_string()
        };
        assert_eq!(at("2026-07-01", "Europe/Paris"), "2026-06-30T22:00:00Z");
        assert_eq!(at("2026-07-01", "UTC"), "2026-07-01T00:00:00Z");
        // Midnight is in a gap: the day begins at 01:00.
        assert_eq!(at("2018-11-04", "America/Sao_Paulo"), "2018-11-04T03:00:00Z");
    }

    #[test]
    fn r23_remembered_days_agree_with_jiff_through_every_change_of_offset() {
        for name in ["Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"] {
            let zone = zone(name).expect("bundled");
            let mut calendar = Calendar::new(zone.clone());
            for day in day_number(2006, 1, 1)..day_number(2020, 1, 1) {
                let (y, m, d) = civil_of(day);
                for minutes in [0i16, 30, 90, 119, 121, 150, 720, 1439] {
                    let civil =
                        civil::date(y as i16, m as i8, d as i8).at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
                    let expected = instant_of(civil, &zone).0;
                    let found = calendar.instant(day, i64::from(minutes) * 60_000_000);
                    assert_eq!(found, expected, "{name} {civil}");
                    let local = Instant(expected).timestamp().to_zoned_datetime(zone.clone()).date();
                    assert_eq!(calendar.day(expected), day_of(local), "{name} {civil}");
                }
            }
        }
    }

    #[test]
    fn days_and_dates_convert_both_ways() {
        assert_eq!(day_number(1970, 1, 1), 0);
        for day in (-719_528..2_932_897).step_by(97) {
            let (y, m, d) = civil_of(day);
            assert_eq!(day_number(y, m, d), day);
            let date = civil::date(y as i16, m as i8, d as i8);
            assert_eq!(day_of(date), day);
        }
        assert_eq!(civil_of(day_number(2024, 2, 29)), (2024, 2, 29));
    }

    #[test]
    fn epochs_are_whole_numbers_of_their_unit() {
        let rule = |unit| DateRule { formats: vec![], zone: None, epoch: Some(unit) };
        let millis = DateReader::new(&rule(Epoch::Millis), false, &[]).expect("no formats");
        assert_eq!(instant(&millis, "1661707291575"), "2022-08-28T17:21:31.575Z");
        assert_eq!(instant(&millis, "-1"), "1969-12-31T23:59:59.999Z");
        let seconds = DateReader::new(&rule(Epoch::Seconds), false, &[]).expect("no formats");
        assert_eq!(instant(&seconds, "1661707291"), "2022-08-28T17:21:31Z");
        for bad in ["1661707291575000", "1.5", "", "x", "9223372036854775807"] {
            assert_eq!(instant(&seconds, bad), "?", "{bad}");
        }
    }

    #[test]
    fn unknown_directives_are_refused() {
        let rule = DateRule { formats: vec!["%Y-%q".into()], zone: None, epoch: None };
        assert!(DateReader::new(&rule, true, &[]).is_err());
    }
}
