//! When a job runs: cron text and zone become instants, with the rules of crontab(5) and of its users' clock changes.

use super::finding::Page;
use super::schedule_spec::{CatchUp, ScheduleSpec};
use super::spec::At;
use super::value;
use crate::clock::{Instant, Period};
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use std::cmp::Ordering;

/// Longest jump of a zone's clock after which a skipped run is made up for at once; cron takes a longer one for a
/// correction of the clock. Samoa once left out a whole day.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(3);
/// How far the wall clock may lie apart from the order of instants.
const SLACK: SignedDuration = SignedDuration::from_hours(4);
/// A moment that every schedule is tried from: what does not come within the reach of the search never comes.
const TRIED_FROM: Instant = Instant(1_704_067_200_000_000);
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];
const SECOND: i64 = 1_000_000;

/// `[schedule]` of a job, resolved.
#[derive(Clone)]
pub struct Schedule {
    /// The five fields as written.
    pub cron: String,
    /// Name of the zone.
    pub timezone: String,
    /// What happens after missed runs.
    pub catch_up: CatchUp,
    /// How late a run may begin.
    pub deadline: Option<Period>,
    /// Longest time that a run may take.
    pub timeout: Period,
    /// This job's share of `jitter`: microseconds a run begins after its instant.
    pub delay: i64,
    /// Whether the schedule is suspended.
    pub suspend: bool,
    zone: TimeZone,
    pattern: Cron,
    every_hour: bool,
}

impl Schedule {
    /// The first instant after `after`; `None` beyond the reach of calendars.
    pub fn next(&self, after: Instant) -> Option<Instant> {
        if self.every_hour {
            let found = self.pattern.find_next_occurrence(&CronMoment::of(after, &self.zone), false).ok()?;
            return Some(found.instant());
        }
        let mut wall = CronMoment::wall(after, &self.zone, -SLACK)?;
        loop {
            wall = self.pattern.find_next_occurrence(&wall, false).ok()?;
            if let Some(instant) = instant_of(wall.0.datetime(), &self.zone).filter(|found| *found > after) {
                return Some(instant);
            }
        }
    }

    /// The last instant up to `at`; `None` when there was none.
    pub fn latest(&self, at: Instant) -> Option<Instant> {
        if self.every_hour {
            let found = self.pattern.find_previous_occurrence(&CronMoment::of(at, &self.zone), true).ok()?;
            return Some(found.instant());
        }
        let mut wall = CronMoment::wall(at, &self.zone, SLACK)?;
        loop {
            wall = self.pattern.find_previous_occurrence(&wall, false).ok()?;
            if let Some(instant) = instant_of(wall.0.datetime(), &self.zone).filter(|found| *found <= at) {
                return Some(instant);
            }
        }
    }

    /// The instants after `after`, in order; without end for most schedules.
    pub fn after(&self, after: Instant) -> impl Iterator<Item = Instant> + '_ {
        std::iter::successors(self.next(after), |last| self.next(*last))
    }

    /// Returns the zone in which the schedule's hours are meant.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// An instant as the zone's clock shows it.
    pub fn local(&self, instant: Instant) -> String {
        instant.timestamp().to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }
}

/// The instant of a wall-clock time that a fixed hour names: of an overlap the earlier, of a gap its end, so it comes
/// once; none in a gap too long.
fn instant_of(wall: DateTime, zone: &TimeZone) -> Option<Instant> {
    let offset = zone.to_ambiguous_timestamp(wall);
    let timestamp = match offset.offset() {
        AmbiguousOffset::Gap { before, after } => {
            let gap = after.seconds() - before.seconds();
            let inside = before.to_timestamp(wall).ok()?;
            let end = zone.preceding(inside.checked_add(SignedDuration::from_secs(1)).ok()?).next()?.timestamp();
            Some(end).filter(|_| SignedDuration::from_secs(i64::from(gap)) <= LONGEST_GAP)
        }
        _ => offset.earlier().ok(),
    };
    timestamp.map(|timestamp| Instant(timestamp.as_microsecond()))
}

/// What croner searches over.
#[derive(Clone)]
struct CronMoment(ZonedDateTime);

impl CronMoment {
    fn of(instant: Instant, zone: &TimeZone) -> CronMoment {
        let whole = Timestamp::from_second(instant.0.div_euclid(SECOND)).unwrap_or(instant.timestamp());
        CronMoment(whole.to_zoned_datetime(zone.clone()))
    }

    /// The zone's wall clock, taken for UTC, where every time comes once.
    fn wall(instant: Instant, zone: &TimeZone, moved: SignedDuration) -> Option<CronMoment> {
        let wall = CronMoment::of(instant, zone).0.datetime().checked_add(moved).ok()?;
        wall.to_zoned_datetime(TimeZone::UTC).ok().map(CronMoment)
    }

    fn instant(&self) -> Instant {
        Instant(self.0.timestamp().as_microsecond())
    }
}

impl CronDateTime for CronMoment {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let part = |n: i8| u32::from(n.unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(at.year()), part(at.month()), part(at.day())),
            CivilTime::from_parts_unchecked(part(at.hour()), part(at.minute()), part(at.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |n: u32| i8::try_from(n).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let at = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)?;
        let found = self.0.time_zone().to_ambiguous_zoned_datetime(at);
        let bad = |_| CronError::InvalidTime;
        Ok(match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(CronMoment(found.unambiguous().map_err(bad)?)),
            AmbiguousOffset::Fold { .. } => {
                let earlier = found.clone().earlier().map_err(bad)?;
                Resolution::Ambiguous(CronMoment(earlier), CronMoment(found.later().map_err(bad)?))
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(CronMoment)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

/// Checks `[schedule]`; `None` where there is a finding.
pub(super) fn check(page: Page, spec: &ScheduleSpec, job: &str) -> Option<Schedule> {
    let pattern = pattern(page, &spec.cron);
    let deadline = spec.deadline.as_ref().map(|at| value::period(page, at));
    let timeout = timeout(page, spec.timeout.as_ref());
    let jitter = value::period_or(page, spec.jitter.as_ref(), "PT0S");
    let zone = value::zone(page, &spec.zone);
    let schedule = Schedule {
        cron: spec.cron.split_whitespace().collect::<Vec<_>>().join(" "),
        timezone: spec.zone.to_string(),
        catch_up: spec.catch_up.as_ref().map_or(CatchUp::Once, |at| **at),
        deadline: deadline.map_or(Some(None), |period| period.map(Some))?,
        timeout: timeout?,
        delay: delay(job, &jitter?),
        suspend: spec.suspend.as_ref().is_some_and(|at| **at),
        zone: zone?,
        every_hour: spec.cron.split_whitespace().nth(1).is_some_and(|hour| hour.contains('*')),
        pattern: pattern?,
    };
    if schedule.next(TRIED_FROM).is_none() {
        let help = "no calendar has such a day: look at day of month and month";
        page.fault(spec.cron.span(), "cron-never", "this schedule never comes", help);
        return None;
    }
    Some(schedule)
}

/// The five fields, as crontab(5) has them: letters only as names of months and days.
fn pattern(page: Page, at: &At<String>) -> Option<Cron> {
    let fields: Vec<&str> = at.split_whitespace().collect();
    let fault = |text: String| {
        let help = "write minute, hour, day of month, month and day of week, such as \"0 2 * * *\"";
        page.fault(at.span(), "cron", text, help);
    };
    if fields.len() != 5 {
        fault("not a cron expression of five fields".into());
        return None;
    }
    if let Some(bad) = (0..5).find(|place| !known(fields[*place], *place)) {
        fault(format!("the field {} cannot be read", FIELDS[bad]));
        return None;
    }
    if !fields[2].starts_with('*') && !fields[4].starts_with('*') {
        let help = "the job runs on days that match either field, as in crontab(5); set one of them to * if both must \
         match";
        page.hint(at.span(), "cron-days", "day of month and day of week are both set", help);
    } else if [fields[2], fields[4]].iter().all(|day| *day != "*") {
        let help = "set one of them to *: if one field has a step, cron programs differ on whether both fields must \
         match";
        page.fault(at.span(), "cron-days", "a stepped * in one day field and days in the other", help);
        return None;
    }
    let read = parse(&fields.join(" "));
    if read.is_none() {
        fault("the fields cannot be read together".into());
    }
    read
}

fn known(field: &str, place: usize) -> bool {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let names: &[&str] = match place {
        3 => &MONTHS,
        4 => &DAYS,
        _ => &[],
    };
    let upper = field.to_ascii_uppercase();
    let words = upper.split(|c: char| !c.is_ascii_alphanumeric());
    let plain = field.bytes().all(|b| b.is_ascii_alphanumeric() || b"*/,-".contains(&b));
    let named = words.filter(|w| !w.bytes().all(|b| b.is_ascii_digit())).all(|word| names.contains(&word));
    let mut alone = ["*"; 5];
    alone[place] = field;
    plain && named && parse(&alone.join(" ")).is_some()
}

fn parse(text: &str) -> Option<Cron> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(text).ok()
}

fn timeout(page: Page, at: Option<&At<String>>) -> Option<Period> {
    let period = value::period_or(page, at, "PT6H")?;
    if period != Period::default() {
        return Some(period);
    }
    if let Some(at) = at {
        page.fault(at.span(), "duration", "a run needs some time", "write a longer one, such as PT6H");
    }
    None
}

/// From the job's name, so that it is the same on every host and every night.
fn delay(job: &str, jitter: &Period) -> i64 {
    let hash = blake3::hash(job.as_bytes());
    let number = hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    let seconds = u64::try_from(jitter.micros() / SECOND).unwrap_or(0);
    i64::try_from(number % (seconds + 1)).unwrap_or(0) * SECOND
}

#[cfg(test)]
mod tests;
