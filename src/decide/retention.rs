//! R23, R26: until when a row or a field stays, by calendar arithmetic in the job's zone.

use crate::clock::{self, Instant, Period};
use jiff::tz::TimeZone;

const DAY: i64 = 86_400_000_000;
const DAYS: usize = 4096;

/// Adds one period to clocks, exactly as `clock::add` does. A UTC day in which neither end meets a change of offset
/// moves as a whole, so most clocks cost one look into a table; the others are added one by one.
pub struct Until {
    calendar: Period,
    micros: i64,
    zone: TimeZone,
    days: Vec<(i64, Option<i64>)>,
    instants: Vec<(i64, i64)>,
}

impl Until {
    /// For one period in one zone.
    pub fn new(period: &Period, zone: &TimeZone) -> Until {
        Until {
            calendar: Period { seconds: 0, ..*period },
            micros: period.seconds.saturating_mul(1_000_000),
            zone: zone.clone(),
            days: vec![(i64::MIN, None); DAYS],
            instants: vec![(i64::MIN, 0); DAYS],
        }
    }

    /// The first instant at which what has this clock no longer stays. Microseconds in and out.
    pub fn of(&mut self, clock: i64) -> i64 {
        let day = clock.div_euclid(DAY);
        let place = day.rem_euclid(DAYS as i64) as usize;
        if self.days[place].0 != day {
            self.days[place] = (day, self.shift_of(day));
        }
        let moved = match self.days[place].1 {
            Some(shift) => clock + shift,
            None => self.one_by_one(clock),
        };
        moved.saturating_add(self.micros).min(Instant::LAST.0)
    }

    /// How far all instants of a UTC day move, when they all move alike.
    fn shift_of(&self, day: i64) -> Option<i64> {
        let start = day.checked_mul(DAY)?;
        let end = start.checked_add(DAY - 1)?;
        let (to_start, to_end) = (self.add(start), self.add(end));
        let alike = to_end.checked_sub(to_start)? == DAY - 1;
        let steady = self.steady(start, end) && self.steady(to_start, to_end);
        (alike && steady).then_some(to_start - start)
    }

    fn steady(&self, start: i64, end: i64) -> bool {
        let next = self.zone.following(Instant(start).timestamp()).next();
        next.is_none_or(|change| change.timestamp() > Instant(end).timestamp())
    }

    fn one_by_one(&mut self, clock: i64) -> i64 {
        let place = (clock.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) as u64 >> 52) as usize;
        if self.instants[place].0 != clock {
            self.instants[place] = (clock, self.add(clock));
        }
        self.instants[place].1
    }

    fn add(&self, clock: i64) -> i64 {
        clock::add(Instant(clock), &self.calendar, &self.zone).0
    }
}

/// R23: what is due at `as_of` is gone at `as_of`.
pub(super) fn past(until: i64, as_of: Instant) -> bool {
    as_of.0 >= until
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(text: &str) -> i64 {
        Instant::parse(text).expect("a time").0
    }

    fn zones() -> [TimeZone; 5] {
        ["UTC", "Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]
            .map(|z| clock::zone(z).expect("bundled"))
    }

    #[test]
    fn r23_rows_stay_while_as_of_is_before_clock_plus_keep() {
        let keep = Period::parse("P1Y").expect("a period");
        let mut until = Until::new(&keep, &TimeZone::UTC);
        assert_eq!(until.of(micros("2024-02-29T00:00:00Z")), micros("2025-02-28T00:00:00Z"));
        let end = until.of(micros("2025-11-24T02:00:00Z"));
        assert!(past(end, Instant(micros("2026-11-24T02:00:00Z"))));
        assert!(!past(end, Instant(micros("2026-11-24T01:59:59.999999Z"))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn r23_the_table_of_days_agrees_with_calendar_arithmetic(
            zone in 0usize..5,
            months in 0i32..120, days in 0i32..60, seconds in prop_oneof![Just(0i64), 0i64..200_000],
            clocks in prop::collection::vec(0i64..2_000_000_000, 1..40),
        ) {
            let (zone, period) = (&zones()[zone], Period { months, days, seconds });
            let mut until = Until::new(&period, zone);
            for clock in clocks.iter().flat_map(|s| [s * 1_000_000, s / 86_400 * DAY, s / 86_400 * DAY + DAY - 1]) {
                let expected = clock::add(Instant(clock), &period, zone).0;
                prop_assert_eq!(until.of(clock), expected);
                prop_assert_eq!(until.of(clock), expected);
            }
        }
    }

    #[test]
    fn r23_days_with_a_change_of_offset_agree_every_minute() {
        let paris = clock::zone("Europe/Paris").expect("bundled");
        for (period, from) in
            [("P1Y", "2025-03-29T12:00:00Z"), ("P1Y", "2025-10-25T12:00:00Z"), ("P3D", "2026-03-26T00:00:00Z")]
        {
            let period = Period::parse(period).expect("a period");
            let mut until = Until::new(&period, &paris);
            for minute in 0..3000 {
                let clock = micros(from) + minute * 60_000_000;
                assert_eq!(until.of(clock), clock::add(Instant(clock), &period, &paris).0, "{minute}");
            }
        }
    }
}
