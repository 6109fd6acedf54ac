//! strftime formats as steps, and reading a text by them (R23). docs/spec.md lists the directives.

use super::days::{Moment, day_number};

use crate::error::{Code, Error, Result};

/// One step of reading a text by a format.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Literal(u8),
    /// Year, month and day in ten characters: `%Y-%m-%d` where it is written in full, else the steps after it do.
    IsoDate,
    /// `%H:%M:%S` likewise, in eight.
    IsoTime,
    Year,
    MonthNumber,
    MonthName,
    Day,
    Hour,
    /// Of 12; 0 and 12 are the same, as exports write both.
    HalfDayHour,
    HalfDay,
    Minute,
    Second,
    /// Digits after a point that the format has already.
    Fraction,
    /// A point and digits, or nothing.
    PointFraction,
    Offset,
}

/// What a text says by several formats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// No format reads it.
    Nothing,
    /// All that read it agree.
    Moment(Moment),
    /// Two read it, with different results (R23).
    Different,
}

/// Formats that are tried all.
pub struct Formats(Vec<Vec<Op>>);

impl Formats {
    /// From formats as written.
    ///
    /// # Errors
    /// A policy error for a directive that is not known.
    pub fn new(formats: &[String]) -> Result<Formats> {
        formats.iter().map(|format| compile(format)).collect::<Result<_>>().map(Formats)
    }

    /// Whether there is more than one.
    pub fn several(&self) -> bool {
        self.0.len() > 1
    }

    /// Reads the whole of a text; `agree` says whether two moments are one time.
    #[inline]
    pub fn read(&self, text: &str, agree: impl Fn(&Moment, &Moment) -> bool) -> Said {
        if let [format] = &self.0[..] {
            return parse(format, text.as_bytes()).map_or(Said::Nothing, Said::Moment);
        }
        let mut read = self.0.iter().filter_map(|format| parse(format, text.as_bytes()));
        let Some(first) = read.next() else { return Said::Nothing };
        if read.all(|moment| agree(&first, &moment)) { Said::Moment(first) } else { Said::Different }
    }
}

/// Names of months in English; their first three letters are short for them.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Turns a strftime format into steps.
///
/// # Errors
/// A policy error for a directive that is not known.
fn compile(format: &str) -> Result<Vec<Op>> {
    let mut ops = steps(format)?;
    let is = |ops: &[Op], at: usize, wanted: [Op; 5]| ops.get(at..at + 5).is_some_and(|five| five == wanted);
    let date = [Op::Year, Op::Literal(b'-'), Op::MonthNumber, Op::Literal(b'-'), Op::Day];
    let time = [Op::Hour, Op::Literal(b':'), Op::Minute, Op::Literal(b':'), Op::Second];
    for at in (0..ops.len()).rev() {
        if is(&ops, at, date) {
            ops.insert(at, Op::IsoDate);
        } else if is(&ops, at, time) {
            ops.insert(at, Op::IsoTime);
        }
    }
    Ok(ops)
}

fn steps(format: &str) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    let mut rest = format;
    while let Some(first) = rest.bytes().next() {
        let Some(directive) = rest.strip_prefix('%') else {
            ops.push(Op::Literal(first));
            rest = rest.get(1..).unwrap_or_else(|| {
                // The other bytes of a character that is not ASCII.
                let width = rest.chars().next().map_or(1, char::len_utf8);
                ops.extend(rest.bytes().take(width).skip(1).map(Op::Literal));
                &rest[width..]
            });
            continue;
        };
        if let Some((name, whole)) = COMPOSED.iter().find(|(name, _)| directive.starts_with(name)) {
            ops.extend(steps(whole)?);
            rest = &directive[name.len()..];
            continue;
        }
        let found = DIRECTIVES.iter().find(|(name, _)| directive.starts_with(name));
        let Some((name, op)) = found else {
            return Err(Error::new(
                Code::SpecUnusable,
                format!("the date format {format:?} has a directive that is not known"),
            )
            .help("docs/spec.md lists the directives"));
        };
        ops.push(*op);
        rest = &directive[name.len()..];
    }
    Ok(ops)
}

/// Directives that stand for several.
const COMPOSED: [(&str, &str); 3] = [("F", "%Y-%m-%d"), ("T", "%H:%M:%S"), ("R", "%H:%M")];

/// Directives without their percent sign. Numbers are read with or without padding.
const DIRECTIVES: [(&str, Op); 20] = [
    ("Y", Op::Year),
    ("m", Op::MonthNumber),
    ("-m", Op::MonthNumber),
    ("b", Op::MonthName),
    ("B", Op::MonthName),
    ("d", Op::Day),
    ("-d", Op::Day),
    ("e", Op::Day),
    ("H", Op::Hour),
    ("-H", Op::Hour),
    ("I", Op::HalfDayHour),
    ("-I", Op::HalfDayHour),
    ("p", Op::HalfDay),
    ("M", Op::Minute),
    ("S", Op::Second),
    (".f", Op::PointFraction),
    ("f", Op::Fraction),
    ("z", Op::Offset),
    (":z", Op::Offset),
    ("%", Op::Literal(b'%')),
];

/// Parts of a time while it is being read.
#[derive(Default)]
struct TimeParts {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    half_day_hour: Option<u32>,
    afternoon: bool,
    minute: u32,
    second: u32,
    micros: u32,
    offset: Option<i32>,
}

/// Reads the whole of a text by the steps; none when it does not fit or says no real date.
#[inline]
fn parse(ops: &[Op], text: &[u8]) -> Option<Moment> {
    let mut parts = TimeParts::default();
    if let ([Op::IsoDate, _, _, _, _, _], Some((date, []))) = (ops, iso_date(text)) {
        [parts.year, parts.month, parts.day] = date;
        return parts.moment();
    }
    let (mut rest, mut ops) = (text, ops);
    while let [op, later @ ..] = ops {
        ops = later;
        match op {
            Op::IsoDate => {
                if let Some(([year, month, day], after)) = iso_date(rest) {
                    (parts.year, parts.month, parts.day) = (year, month, day);
                    (rest, ops) = (after, &later[5..]);
                }
            }
            Op::IsoTime => {
                if let Some(([hour, minute, second], after)) = iso_time(rest) {
                    (parts.hour, parts.minute, parts.second) = (hour, minute, second);
                    (rest, ops) = (after, &later[5..]);
                }
            }
            Op::Literal(byte) => rest = rest.strip_prefix(&[*byte])?,
            Op::Year => parts.year = number(&mut rest, 4, 4)?,
            Op::MonthNumber => parts.month = number(&mut rest, 1, 2)?,
            Op::MonthName => parts.month = month_name(&mut rest)?,
            Op::Day => {
                rest = rest.strip_prefix(b" ").unwrap_or(rest);
                parts.day = number(&mut rest, 1, 2)?;
            }
            Op::Hour => parts.hour = number(&mut rest, 1, 2)?,
            Op::HalfDayHour => parts.half_day_hour = Some(number(&mut rest, 1, 2)?),
            Op::HalfDay => parts.afternoon = half_day(&mut rest)?,
            Op::Minute => parts.minute = number(&mut rest, 1, 2)?,
            Op::Second => parts.second = number(&mut rest, 1, 2)?,
            Op::Fraction => parts.micros = fraction(&mut rest)?,
            Op::PointFraction => {
                if let Some(after) = rest.strip_prefix(b".") {
                    rest = after;
                    parts.micros = fraction(&mut rest)?;
                }
            }
            Op::Offset => parts.offset = Some(offset(&mut rest)?),
        }
    }
    if rest.is_empty() { parts.moment() } else { None }
}

/// `YYYY-MM-DD` and what comes after it.
fn iso_date(text: &[u8]) -> Option<([u32; 3], &[u8])> {
    let (head, rest) = text.split_first_chunk()?;
    let ([tens, ones], rest) = rest.split_first_chunk()?;
    let [century, _, of_century, _, _, month, ..] = pairs(head, b"0000-00-")?;
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    let date = [u32::from(century) * 100 + u32::from(of_century), month.into(), u32::from(tens) * 10 + u32::from(ones)];
    (tens < 10 && ones < 10).then_some((date, rest))
}

/// `HH:MM:SS` and what comes after it.
fn iso_time(text: &[u8]) -> Option<([u32; 3], &[u8])> {
    let (time, rest) = text.split_first_chunk()?;
    let [hour, _, _, minute, _, _, second, _] = pairs(time, b"00:00:00")?;
    Some(([hour.into(), minute.into(), second.into()], rest))
}

/// For each byte the number that it and the byte after it write, when the text has digits where the shape has zeros and
/// is like the shape elsewhere. All eight bytes at once.
fn pairs(text: &[u8; 8], shape: &[u8; 8]) -> Option<[u8; 8]> {
    let digits = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*shape);
    // What may be added to a byte without touching its higher half: six to a digit, fifteen to nothing.
    let room = u64::from_le_bytes(shape.map(|byte| if byte == b'0' { 6 } else { 15 }));
    let good = (digits | digits.wrapping_add(room)) & 0xF0F0_F0F0_F0F0_F0F0 == 0;
    good.then(|| (digits * 10 + (digits >> 8)).to_le_bytes())
}

impl TimeParts {
    #[inline]
    fn moment(&self) -> Option<Moment> {
        let hour = match self.half_day_hour {
            Some(hour) if hour > 12 => return None,
            Some(hour) => hour % 12 + if self.afternoon { 12 } else { 0 },
            None => self.hour,
        };
        // A leap second counts as the second before it.
        let second = if self.second == 60 { 59 } else { self.second };
        let valid = (1..=12).contains(&self.month)
            && (1..=month_length(self.year, self.month)).contains(&self.day)
            && hour < 24
            && self.minute < 60
            && second < 60;
        valid.then(|| Moment {
            day: day_number(self.year as i32, self.month, self.day),
            date: (self.year as i32, self.month, self.day),
            micros: i64::from(hour * 3600 + self.minute * 60 + second) * 1_000_000 + i64::from(self.micros),
            offset: self.offset,
        })
    }
}

fn month_length(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn number(rest: &mut &[u8], least: usize, most: usize) -> Option<u32> {
    let digits = rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if digits < least {
        return None;
    }
    let value = rest[..digits].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    *rest = &rest[digits..];
    Some(value)
}

const POWERS: [u32; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

/// One to nine digits of a second, cut to microseconds.
fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let digits = rest.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let kept = digits.min(6);
    let value = rest[..kept].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')) * POWERS[6 - kept];
    *rest = &rest[digits..];
    Some(value)
}

fn month_name(rest: &mut &[u8]) -> Option<u32> {
    let starts = |name: &str| rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()));
    let (index, width) = MONTHS.iter().enumerate().find_map(|(index, name)| {
        let width = if starts(name) { Some(name.len()) } else { starts(&name[..3]).then_some(3) };
        Some((index, width?))
    })?;
    *rest = &rest[width..];
    Some(index as u32 + 1)
}

/// `AM` or `PM` in any case; true after noon.
fn half_day(rest: &mut &[u8]) -> Option<bool> {
    let afternoon = match rest {
        [b'a' | b'A', b'm' | b'M', ..] => false,
        [b'p' | b'P', b'm' | b'M', ..] => true,
        _ => return None,
    };
    *rest = &rest[2..];
    Some(afternoon)
}

/// `Z`, `+02`, `+0200`, `+02:00`; seconds east of UTC.
fn offset(rest: &mut &[u8]) -> Option<i32> {
    let (sign, after) = match rest {
        [b'Z' | b'z', after @ ..] => (0, after),
        [b'+', after @ ..] => (1, after),
        [b'-', after @ ..] => (-1, after),
        _ => return None,
    };
    *rest = after;
    if sign == 0 {
        return Some(0);
    }
    let hours = number(rest, 2, 2)?;
    let colon = rest.strip_prefix(b":");
    let mut minutes = colon.unwrap_or(rest);
    let minutes = match number(&mut minutes, 2, 2) {
        Some(value) => {
            *rest = minutes;
            value
        }
        None if colon.is_some() => return None,
        None => 0,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a documented row says: the directive, and a format, a text and what the text means.
    fn documented() -> Vec<(&'static str, [&'static str; 3])> {
        let docs = include_str!("../../docs/spec.md");
        let (_, table) = docs.split_once("| directive | reads | for example |\n").expect("the table of directives");
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        let of_row = |row: &'static str| {
            let cells: Vec<&str> =
                row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
            let (format, rest) = cells[2].split_once("` reads `").expect("an example");
            let (text, says) = rest.split_once("` as `").expect("what it says");
            (cells[0], [format, text, says])
        };
        rows.map(of_row).collect()
    }

    #[test]
    fn every_directive_is_documented_and_reads_its_example() {
        let documented = documented();
        let told: Vec<&str> = documented.iter().map(|(directive, _)| &directive[1..]).collect();
        let known = DIRECTIVES.iter().map(|(name, _)| *name).chain(COMPOSED.iter().map(|(name, _)| *name));
        for name in known.clone() {
            assert!(told.contains(&name), "%{name} is not documented");
        }
        for (directive, [format, text, says]) in documented {
            assert!(known.clone().any(|name| name == &directive[1..]), "{directive} is documented and not known");
            assert!(format.contains(directive), "{directive} is not in {format}");
            let read = |format: &str, text: &str| parse(&compile(format).expect("a format"), text.as_bytes());
            let zoned = format.contains("z");
            let usual = if zoned { "%Y-%m-%dT%H:%M:%S%.f%z" } else { "%Y-%m-%dT%H:%M:%S%.f" };
            let (found, expected) = (read(format, text), read(usual, says));
            assert!(expected.is_some() && found == expected, "{directive}: {format} {text}");
        }
    }
}
