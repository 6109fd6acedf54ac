//! What a number of a cell is as text: a number, or by its style a date, a time or a length of time (R58).

use super::styles::NumberKind;
use jiff::ToSpan;
use jiff::civil::{Date, Time, date, time};
use std::fmt::Write;

/// From which day a workbook counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DaySystem {
    /// 1 is 1 January 1900, and 60 is a 29 February 1900 that never was.
    From1900,
    /// 0 is 1 January 1904.
    From1904,
}

/// The most digits that a spreadsheet keeps of a number.
const KEPT_DIGITS: usize = 15;

/// A number that no date or time is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadNumber {
    /// The text is no number.
    NotANumber,
    /// As a date it is before the first or after the last that a workbook has.
    NoDate,
}

const DAY: i64 = 86_400_000;
/// 31 December 9999, from 1900.
const LAST_DAY: i64 = 2_958_465;

/// Adds a number as text: whole ones as they are written, others in the fewest digits that mean the same.
pub(super) fn add(written: &str, kind: NumberKind, system: DaySystem, text: &mut String) -> Result<(), BadNumber> {
    let written = written.trim();
    if kind == NumberKind::Plain && is_whole(written) {
        text.push_str(written);
        return Ok(());
    }
    let number = parse(written).ok_or(BadNumber::NotANumber)?;
    if kind == NumberKind::Plain {
        // Zero has no sign.
        let _ = write!(text, "{}", if number == 0.0 { 0.0 } else { number });
        return Ok(());
    }
    let thousandths = (number * DAY as f64).round();
    if number < 0.0 || thousandths >= ((LAST_DAY + 1) * DAY) as f64 {
        return Err(BadNumber::NoDate);
    }
    let thousandths = thousandths as i64;
    let (days, time) = (thousandths / DAY, thousandths % DAY);
    match kind {
        NumberKind::Elapsed => add_time(thousandths, text),
        NumberKind::Time | NumberKind::ByValue if days == 0 => add_time(time, text),
        NumberKind::Date | NumberKind::ByValue if time == 0 => add_day(days, system, text)?,
        _ => {
            add_day(days, system, text)?;
            text.push('T');
            add_time(time, text);
        }
    }
    Ok(())
}

/// A whole number as its shortest text has it.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let first = digits.bytes().next();
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (first > Some(b'0') || text == "0")
}

fn parse(text: &str) -> Option<f64> {
    let letters = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E');
    let number: f64 = text.bytes().all(letters).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

/// Returns whether a number has more digits than a spreadsheet keeps, zeros at its beginning not counted.
pub(super) fn is_cut(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count() > KEPT_DIGITS
}

/// Adds a date that is written as ISO 8601, as the same text that a number of its style would have. `Z` says nothing: dates
/// of a workbook have no zone.
pub(super) fn add_iso(written: &str, kind: NumberKind, system: DaySystem, text: &mut String) -> Result<(), BadNumber> {
    let written = written.trim();
    let written = written.strip_suffix('Z').filter(|rest| rest.contains(':')).unwrap_or(written);
    let (day, clock) = match written.split_once('T') {
        Some((day, clock)) => (Some(day), Some(clock)),
        None if written.contains(':') => (None, Some(written)),
        None => (Some(written), None),
    };
    let mut day = day.map(iso_day).transpose()?;
    let thousandths = match clock.map(iso_time).transpose()? {
        Some(DAY) => {
            day = day.map(Date::tomorrow).transpose().map_err(|_| BadNumber::NoDate)?;
            Some(0)
        }
        thousandths => thousandths,
    };
    let Some(day) = day else {
        add_time(thousandths.unwrap_or(0), text);
        return Ok(());
    };
    if day < system.first_day() {
        return Err(BadNumber::NoDate);
    }
    let _ = write!(text, "{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
    let plain = matches!(kind, NumberKind::Date | NumberKind::ByValue);
    let shown = match thousandths {
        None => kind == NumberKind::Moment,
        Some(thousandths) => !plain || thousandths != 0,
    };
    if shown {
        text.push('T');
        add_time(thousandths.unwrap_or(0), text);
    }
    Ok(())
}

fn iso_day(text: &str) -> Result<Date, BadNumber> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        part.and_then(|part| part.parse::<i16>().ok()).ok_or(BadNumber::NotANumber)
    };
    let bytes = text.as_bytes();
    if text.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return Err(BadNumber::NotANumber);
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    Date::new(year, month as i8, day as i8).map_err(|_| BadNumber::NoDate)
}

/// Thousandths of a second since midnight, rounded; seconds and their fraction may be left out.
fn iso_time(text: &str) -> Result<i64, BadNumber> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let two = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = matches!(parts.len(), 2 | 3) && parts.iter().all(two);
    let fine = !text.ends_with('.') && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let exact = fraction.is_empty() || parts.len() == 3;
    if !whole || !fine || !exact {
        return Err(BadNumber::NotANumber);
    }
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<i8>().ok()).unwrap_or(0);
    let at: Time = Time::new(number(0), number(1), number(2), 0).map_err(|_| BadNumber::NoDate)?;
    let seconds = at.duration_since(time(0, 0, 0, 0)).as_secs();
    let rest = format!("0.{fraction}0").parse::<f64>().map_err(|_| BadNumber::NotANumber)?;
    Ok(seconds * 1000 + (rest * 1000.0).round() as i64)
}

impl DaySystem {
    fn first_day(self) -> Date {
        match self {
            DaySystem::From1900 => date(1900, 1, 1),
            DaySystem::From1904 => date(1904, 1, 1),
        }
    }
}

/// As Excel shows it, days that never were included: `1900-01-00` is 0, and `1900-02-29` is 60.
fn add_day(days: i64, system: DaySystem, text: &mut String) -> Result<(), BadNumber> {
    let first: Date = match (system, days) {
        (DaySystem::From1900, 0) => {
            text.push_str("1900-01-00");
            return Ok(());
        }
        (DaySystem::From1900, 60) => {
            text.push_str("1900-02-29");
            return Ok(());
        }
        (DaySystem::From1900, ..60) => date(1899, 12, 31),
        (DaySystem::From1900, _) => date(1899, 12, 30),
        (DaySystem::From1904, _) => date(1904, 1, 1),
    };
    let day = first.checked_add(days.days()).map_err(|_| BadNumber::NoDate)?;
    let _ = write!(text, "{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
    Ok(())
}

/// Hours, minutes and seconds; thousandths only where there are any.
fn add_time(thousandths: i64, text: &mut String) {
    let (seconds, rest) = (thousandths / 1000, thousandths % 1000);
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest > 0 {
        let _ = write!(text, ".{rest:03}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(written: &str, kind: NumberKind, system: DaySystem) -> Result<String, BadNumber> {
        let mut text = String::new();
        add(written, kind, system, &mut text).map(|()| text)
    }

    #[test]
    fn r58_numbers_are_their_shortest_text_and_whole_ones_as_written() {
        for (written, expected) in [
            ("7", "7"),
            ("-7", "-7"),
            ("0", "0"),
            ("-0", "0"),
            ("007", "7"),
            ("1.0", "1"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1.0000000000000001E-2", "0.01"),
            ("4.6876912345678899E+17", "468769123456789000"),
            ("1E3", "1000"),
            ("12345678901234567890", "12345678901234567890"),
            (" 5 ", "5"),
        ] {
            assert_eq!(text(written, NumberKind::Plain, DaySystem::From1900).as_deref(), Ok(expected), "{written}");
        }
        for bad in ["", "inf", "NaN", "1e999", "1,5", "0x10", "--1", "#N/A", "1_000"] {
            assert_eq!(text(bad, NumberKind::Plain, DaySystem::From1900), Err(BadNumber::NotANumber), "{bad}");
        }
    }

    #[test]
    fn r58_days_of_both_systems_with_the_leap_day_that_never_was() {
        use DaySystem::{From1900, From1904};
        for (written, system, expected) in [
            ("0", From1900, "1900-01-00"),
            ("1", From1900, "1900-01-01"),
            ("59", From1900, "1900-02-28"),
            ("60", From1900, "1900-02-29"),
            ("61", From1900, "1900-03-01"),
            ("45322", From1900, "2024-01-31"),
            ("2958465", From1900, "9999-12-31"),
            ("0", From1904, "1904-01-01"),
            ("60", From1904, "1904-03-01"),
            ("43860", From1904, "2024-01-31"),
        ] {
            assert_eq!(text(written, NumberKind::Date, system).as_deref(), Ok(expected), "{written}");
        }
        for bad in ["-1", "2958466", "1e300"] {
            assert_eq!(text(bad, NumberKind::Date, From1900), Err(BadNumber::NoDate), "{bad}");
        }
        assert_eq!(text("2958465", NumberKind::Date, From1904), Err(BadNumber::NoDate));
    }

    #[test]
    fn r58_times_are_exact_to_the_thousandth_and_no_part_of_a_moment_is_lost() {
        use NumberKind::{ByValue, Date, Elapsed, Moment, Time};
        for (written, kind, expected) in [
            ("45322.604166666664", Moment, "2024-01-31T14:30:00"),
            ("45322", Moment, "2024-01-31T00:00:00"),
            ("45322.999999999", Moment, "2024-02-01T00:00:00"),
            ("45322.000011574077", Moment, "2024-01-31T00:00:01"),
            ("45322.0000057870370", Moment, "2024-01-31T00:00:00.500"),
            ("45322.5", Date, "2024-01-31T12:00:00"),
            ("0.5", Time, "12:00:00"),
            ("1.5", Time, "1900-01-01T12:00:00"),
            ("1.25", Elapsed, "30:00:00"),
            ("0.5", ByValue, "12:00:00"),
            ("45322", ByValue, "2024-01-31"),
            ("0.5", Moment, "1900-01-00T12:00:00"),
        ] {
            assert_eq!(text(written, kind, DaySystem::From1900).as_deref(), Ok(expected), "{written}");
        }
    }

    #[test]
    fn r66_dates_written_as_iso_8601_have_the_text_that_a_number_would_have() {
        use NumberKind::{Date, Moment, Plain, Time};
        let iso = |written: &str, kind, system| {
            let mut text = String::new();
            add_iso(written, kind, system, &mut text).map(|()| text)
        };
        for (written, kind, expected) in [
            ("2024-01-31", Plain, "2024-01-31"),
            ("2024-01-31", Moment, "2024-01-31T00:00:00"),
            ("2024-01-31T00:00:00", Date, "2024-01-31"),
            ("2024-01-31T00:00:00", Plain, "2024-01-31T00:00:00"),
            ("2024-01-31T14:30", Date, "2024-01-31T14:30:00"),
            ("2024-01-31T14:30:00.25Z", Moment, "2024-01-31T14:30:00.250"),
            ("2024-01-31T23:59:59.9996", Moment, "2024-02-01T00:00:00"),
            ("14:30:00", Time, "14:30:00"),
            (" 14:30 ", Plain, "14:30:00"),
            ("9999-12-31", Date, "9999-12-31"),
        ] {
            assert_eq!(iso(written, kind, DaySystem::From1900).as_deref(), Ok(expected), "{written}");
        }
        for bad in [
            "",
            "31.01.2024",
            "2024-1-31",
            "20240131",
            "2024-01-31Z",
            "2024-01-31T",
            "2024-01-31 14:30",
            "2024-01-31T14",
            "2024-01-31T14:30:00+01:00",
            "2024-01-31T14:30.5",
            "2024-01-31T14:30:00.",
            "45322",
            "+024-01-31",
            "Ada",
        ] {
            assert_eq!(iso(bad, Date, DaySystem::From1900), Err(BadNumber::NotANumber), "{bad}");
        }
        for (bad, system) in [
            ("2024-02-30", DaySystem::From1900),
            ("2024-01-31T24:00:00", DaySystem::From1900),
            ("1899-12-31", DaySystem::From1900),
            ("1903-12-31", DaySystem::From1904),
            ("9999-12-31T23:59:59.9999", DaySystem::From1900),
        ] {
            assert_eq!(iso(bad, Date, system), Err(BadNumber::NoDate), "{bad}");
        }
    }

    #[test]
    fn r66_a_number_of_more_than_fifteen_digits_is_cut() {
        for (text, cut) in [
            ("999999999999999", false),
            ("-000999999999999999", false),
            ("0.000000000000000123", false),
            ("1000000000000000", true),
            ("4687691234567890", true),
            ("0.30000000000000004", true),
            ("0", false),
        ] {
            assert_eq!(is_cut(text), cut, "{text}");
        }
    }
}
