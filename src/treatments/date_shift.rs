//! `date-shift`: all dates of a person moved by the same number of days, which only the token key tells.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Row, TreatOutcome, Typed, of_date};
use super::calendar::{self, Births};
use super::field_kind::FieldKind;
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::clock::days::{DAY, DAYS, Moment};
use crate::error::Result;
use zeroize::Zeroizing;

/// Moved by a person's own number of days.
#[derive(Clone, Debug, PartialEq)]
pub struct DateShift {
    /// The most days, back or forth.
    pub window_days: i64,
}

impl Treats for DateShift {
    const ABOUT: About = About {
        name: "date-shift",
        does: "The date or time, moved by the same number of days for all dates of a person.",
        keys: &[KeyAbout {
            name: "window_days",
            shape: KeyShape::Number,
            says: "most days that a person's dates are moved by, back or forth.",
            allows: "\u{2014} ; 1 to 3650",
        }],
        gives: "as the column's type; a date moved out of the years 0001 to 9999 is untreated",
        example: "of a person moved by -11 days: `2026-11-24` -> `2026-11-13`",
        calendar: false,
        ..calendar::ABOUT
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        Some(DateShift { window_days: keys.number("window_days", 1..3_651, None)? })
    }

    fn words(&self) -> String {
        format!("date-shift within {} days", self.window_days)
    }

    fn gives(&self, column: Option<Typed<'_>>) -> FieldKind {
        column.map_or(FieldKind::Date, |column| column.kind())
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let Some(column) = given.column else { return Ok(None) };
        let births = column.birth.then(|| Births::at(given.as_of, given.zone));
        let (kind, window) = (column.kind(), self.window_days.unsigned_abs().max(1));
        let key = (given.key)("tamis v1 date-shift");
        let ready = column.dates()?.map(|reader| Shift { reader, births, kind, window, key });
        Ok(ready.map(|shift| Box::new(shift) as Box<dyn Apply>))
    }
}

struct Shift {
    reader: DateReader,
    births: Option<Births>,
    kind: FieldKind,
    window: u64,
    key: Zeroizing<[u8; 32]>,
}

impl Shift {
    /// Returns a person's days: from -window to window, and never 0, which would publish the dates as they are.
    fn days(&self, subject: &[u8; 16]) -> i32 {
        let hash = blake3::keyed_hash(&self.key, subject);
        let number = hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let at = i32::try_from(number % (2 * self.window)).unwrap_or_default();
        let window = i32::try_from(self.window).unwrap_or_default();
        if at < window { at - window } else { at - window + 1 }
    }

    fn shifted(&self, moment: &Moment, row: &Row<'_>, calendars: &mut Calendars, out: &mut Vec<u8>) -> TreatOutcome {
        let Some((_, date)) = self.reader.local_day(moment, calendars) else { return TreatOutcome::Untreated };
        if self.births.as_ref().is_some_and(|births| !births.lives(date)) {
            return TreatOutcome::Untreated;
        }
        // Rows without a subject are not published; should one be, it has no date.
        let Some(subject) = &row.subject else { return TreatOutcome::Null };
        let days = self.days(subject);
        if self.kind == FieldKind::Date {
            return match moment.day + days {
                day if DAYS.contains(&day) => put(&day.to_le_bytes(), out),
                _ => TreatOutcome::Untreated,
            };
        }
        // Days of 24 hours, so that gaps between times stay what they were.
        let instant = self.reader.instant(moment, calendars) + i64::from(days) * DAY;
        match i32::try_from(instant.div_euclid(DAY)) {
            Ok(day) if DAYS.contains(&day) => put(&instant.to_le_bytes(), out),
            _ => TreatOutcome::Untreated,
        }
    }
}

fn put(bytes: &[u8], out: &mut Vec<u8>) -> TreatOutcome {
    out.extend_from_slice(bytes);
    TreatOutcome::Value
}

impl Apply for Shift {
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
        row: &mut Row<'_>,
        calendars: &mut Option<Calendars>,
        out: &mut Vec<u8>,
    ) -> TreatOutcome {
        of_date(read, calendars, |moment, calendars| self.shifted(moment, row, calendars, out))
    }

    fn reader(&self) -> Option<&DateReader> {
        Some(&self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::clock::days::day_number;
    use crate::treatments::tests::{Cells, days, times, treat_birth, treat_row};
    use proptest::prelude::*;

    fn shift(
        window_days: i64,
        value: &ValueType,
        subject: Option<[u8; 16]>,
        text: &str,
    ) -> Result<Vec<u8>, TreatOutcome> {
        let sentinels = [jiff::civil::date(1900, 1, 1)];
        let column =
            Typed { value, sentinels: &sentinels, birth: false, forms: &crate::cell::forms::CellForms::default() };
        treat_row(&DateShift { window_days }.into(), column, text, &Cells { subject, others: &[] }).0
    }

    fn day(window_days: i64, subject: [u8; 16], text: &str) -> i32 {
        let bytes = shift(window_days, &days(), Some(subject), text).expect("a date");
        i32::from_le_bytes(bytes.try_into().expect("four bytes"))
    }

    fn micros(subject: [u8; 16], text: &str) -> i64 {
        let bytes = shift(30, &times(), Some(subject), text).expect("a time");
        i64::from_le_bytes(bytes.try_into().expect("eight bytes"))
    }

    proptest! {
        #[test]
        fn r20_dates_of_a_person_move_together_within_the_window_and_never_by_nothing(
            subject: [u8; 16], window in 1i64..3651, one in 1u32..29, two in 1u32..29
        ) {
            let text = |day: u32| format!("2024-02-{day:02}");
            let (first, second) = (day(window, subject, &text(one)), day(window, subject, &text(two)));
            prop_assert_eq!(first - second, one as i32 - two as i32);
            let moved = i64::from(first - day_number(2024, 2, one));
            prop_assert!(moved != 0 && moved.abs() <= window);
        }
    }

    #[test]
    fn r20_every_number_of_days_of_the_window_is_somebodys() {
        let real = day_number(2024, 2, 1);
        let found: std::collections::BTreeSet<i32> =
            (0..200u8).map(|person| day(3, [person; 16], "2024-02-01") - real).collect();
        assert_eq!(Vec::from_iter(found), [-3, -2, -1, 1, 2, 3]);
    }

    #[test]
    fn r20_times_move_with_dates_and_keep_their_time_of_day_and_their_gaps() {
        let subject = [9; 16];
        // Between them, Paris goes from winter to summer time.
        let (before, after) = (micros(subject, "2026-03-28T10:15:00Z"), micros(subject, "2026-03-30T10:15:00Z"));
        assert_eq!(after - before, 2 * DAY);
        assert_eq!(before.rem_euclid(DAY), 615 * 60 * 1_000_000);
        let moved = day(30, subject, "2026-03-28") - day_number(2026, 3, 28);
        assert_eq!(before.div_euclid(DAY), i64::from(day_number(2026, 3, 28) + moved));
    }

    #[test]
    fn r20_a_row_without_a_subject_has_no_date_and_other_cells_are_as_in_other_treatments() {
        assert_eq!(shift(30, &days(), None, "2024-02-01"), Err(TreatOutcome::Null));
        assert_eq!(shift(30, &days(), Some([1; 16]), "1900-01-01"), Err(TreatOutcome::Null));
        assert_eq!(shift(30, &days(), Some([1; 16]), "1.2.2024"), Err(TreatOutcome::Untreated));
        assert_eq!(treat_birth(DateShift { window_days: 30 }, "1066-10-14"), Err(TreatOutcome::Untreated));
        let out = |person: u8| shift(3650, &days(), Some([person; 16]), "9999-12-31").is_err();
        assert!((0..20).any(out) && !(0..20).all(out), "moved out of the calendar, or back into it");
    }
}
