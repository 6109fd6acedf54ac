//! What the name of one set says: its numbers, the dates and times that these can be (R38).

use crate::clock::Instant;
use crate::clock::date_format::MONTHS;
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A number of any length: how many digits without leading zeros, then these.
type LongNumber = (usize, String);
/// What names are sorted by.
pub type OrderKey = Vec<LongNumber>;

/// Added to seconds since 1970, so that none is below 0.
const SECONDS_BEFORE_1970: i64 = 10_000_000_000;

/// The order of the parts of a date.
#[derive(Clone, Copy)]
pub enum PartsOrder {
    YearMonthDay,
    DayMonthYear,
    MonthDayYear,
}

impl PartsOrder {
    /// At which of three places year, month and day are.
    fn places(self) -> [usize; 3] {
        match self {
            PartsOrder::YearMonthDay => [0, 1, 2],
            PartsOrder::DayMonthYear => [2, 1, 0],
            PartsOrder::MonthDayYear => [2, 0, 1],
        }
    }
}

/// How a date may stand in the numbers of a name.
#[derive(Clone, Copy)]
pub enum DateInName {
    /// Three numbers, the year of four digits.
    Three(PartsOrder),
    /// The first eight digits of one number.
    Compact(PartsOrder),
    /// A year of two digits, in three numbers or in one of six digits.
    Short(PartsOrder),
}

/// What the numbers after a date are.
#[derive(Clone, Copy)]
pub enum AfterDate {
    /// Numbers that count; also a time of day, where these sort alike.
    Numbers,
    /// A time of day, `23`, `2301` or `230159`.
    Time,
    /// A time of day with its fraction and its offset from UTC.
    TimeWithOffset,
}

impl AfterDate {
    pub const ALL: [AfterDate; 3] = [AfterDate::Numbers, AfterDate::Time, AfterDate::TimeWithOffset];
}

pub const WHOLE_DATES: &[DateInName] = &[
    DateInName::Three(PartsOrder::YearMonthDay),
    DateInName::Three(PartsOrder::DayMonthYear),
    DateInName::Three(PartsOrder::MonthDayYear),
    DateInName::Compact(PartsOrder::YearMonthDay),
    DateInName::Compact(PartsOrder::DayMonthYear),
    DateInName::Compact(PartsOrder::MonthDayYear),
];
pub const SHORT_DATES: &[DateInName] = &[
    DateInName::Short(PartsOrder::YearMonthDay),
    DateInName::Short(PartsOrder::DayMonthYear),
    DateInName::Short(PartsOrder::MonthDayYear),
];

/// A name taken apart.
pub struct Form<'n> {
    /// What stands around the numbers; a number, or the name of a month, is an empty part.
    pub shape: Vec<&'n str>,
    pub numbers: Vec<Digits>,
}

pub struct Digits {
    text: String,
    /// Written as the name of a month.
    month: bool,
    /// What stands between it and the next number.
    after: String,
}

impl Digits {
    /// The one mark between it and the next number; none where letters or more marks are.
    fn mark(&self) -> Option<char> {
        let mark = self.after.chars().next()?;
        (mark.len_utf8() == self.after.len() && !mark.is_alphabetic()).then_some(mark)
    }
}

/// A date in a name, and how many numbers it takes.
struct DateFound<'f> {
    date: Date,
    numbers: usize,
    /// Digits of the same number that follow it.
    packed: &'f str,
}

/// A time of day after a date.
struct Timed {
    /// Seconds of the day.
    seconds: i64,
    /// How many numbers it takes.
    numbers: usize,
    offset: Option<Offset>,
}

struct Offset {
    seconds: i64,
    /// A part of a second, as nine digits.
    fraction: String,
    /// How many numbers fraction and offset take.
    numbers: usize,
    /// Nothing else can be meant.
    sure: bool,
}

impl<'n> Form<'n> {
    /// Takes a name apart.
    pub fn of(name: &'n str) -> Form<'n> {
        let (mut shape, mut numbers) = (Vec::new(), Vec::<Digits>::new());
        let mut rest = name;
        while let Some(first) = rest.chars().next() {
            let same = |letter: char| match first {
                digit if digit.is_ascii_digit() => letter.is_ascii_digit(),
                word if word.is_alphabetic() => letter.is_alphabetic(),
                _ => false,
            };
            let length = rest.find(|letter| !same(letter)).unwrap_or(rest.len()).max(first.len_utf8());
            let (part, after) = rest.split_at(length);
            rest = after;
            let month = month_number(part);
            if !first.is_ascii_digit() && month.is_none() {
                shape.push(part);
                if let Some(before) = numbers.last_mut() {
                    before.after.push_str(part);
                }
                continue;
            }
            shape.push("");
            let text = month.map_or(part.to_string(), |number| number.to_string());
            numbers.push(Digits { text, month: month.is_some(), after: String::new() });
        }
        Form { shape, numbers }
    }

    /// All numbers from left to right.
    pub fn natural(&self) -> OrderKey {
        self.numbers.iter().map(|digits| number(&digits.text)).collect()
    }

    /// A week, quarter or month before its year, and nothing else.
    pub fn of_year(&self) -> Option<OrderKey> {
        let [part, year] = &self.numbers[..] else { return None };
        (is_part(&part.text) && is_year(&year.text)).then(|| vec![number(&year.text), number(&part.text)])
    }

    /// The earliest day on which the week, quarter or month begins that is all that the name says, before or after its
    /// year.
    pub fn period_begins(&self) -> Option<Instant> {
        let [one, other] = &self.numbers[..] else { return None };
        let (part, year) = if is_year(&one.text) { (other, one) } else { (one, other) };
        if !is_part(&part.text) || !is_year(&year.text) {
            return None;
        }
        let (part_number, year) = (part.text.parse::<i64>().ok()?.max(1) - 1, year.text.parse().ok()?);
        let first = Date::new(year, 1, 1).ok()?;
        // The first week of a year may begin three days before it.
        let of_week = first.checked_add(Span::new().try_days(part_number * 7 - 3).ok()?).ok()?;
        let of_month = Date::new(year, i8::try_from(part_number + 1).ok()?, 1);
        Some(midnight(if part.month { of_month.ok()? } else { of_week }))
    }

    /// The date at a number, then all other numbers.
    pub fn read(&self, reading: DateInName, at: usize, after: AfterDate) -> Option<OrderKey> {
        let dated = self.dated(reading, at)?;
        let timed = self.timed(at + dated.numbers, dated.packed);
        let offset = timed.as_ref().and_then(|timed| timed.offset.as_ref());
        let (mut key, used) = match (after, &timed, offset) {
            (AfterDate::Numbers, _, _) => {
                let parts = [dated.date.year().into(), dated.date.month().into(), i64::from(dated.date.day())];
                let packed = (!dated.packed.is_empty()).then(|| number(dated.packed));
                (parts.iter().map(|part| number(&part.to_string())).chain(packed).collect(), dated.numbers)
            }
            (AfterDate::Time, Some(_), Some(offset)) if offset.sure => return None,
            (AfterDate::Time, Some(timed), _) => {
                (vec![seconds(dated.date, timed.seconds)], dated.numbers + timed.numbers)
            }
            (AfterDate::TimeWithOffset, Some(timed), Some(offset)) => {
                let instant = seconds(dated.date, timed.seconds - offset.seconds);
                (vec![instant, number(&offset.fraction)], dated.numbers + timed.numbers + offset.numbers)
            }
            (AfterDate::Time | AfterDate::TimeWithOffset, _, _) => return None,
        };
        let others = self.numbers.iter().enumerate().filter(|(other, _)| !(at..at + used).contains(other));
        key.extend(others.map(|(_, digits)| number(&digits.text)));
        Some(key)
    }

    /// How long the text is that can only be a time of day after the date, and which offset it surely has. Where all
    /// names agree in it, the order of their numbers is that of their times; none where no time is written for sure.
    pub fn timing(&self, reading: DateInName, at: usize) -> Option<(usize, Option<i64>)> {
        let dated = self.dated(reading, at)?;
        let next = at + dated.numbers;
        let timed = self.timed(next, dated.packed);
        let offset = timed.and_then(|timed| timed.offset).filter(|offset| offset.sure).map(|offset| offset.seconds);
        let lettered = self.numbers[next - 1].after.eq_ignore_ascii_case("t");
        let text = match (dated.packed, self.numbers.get(next)) {
            ("", Some(digits)) if lettered && digits.text.len() > 2 => digits.text.len(),
            ("", _) => 0,
            (packed, _) => packed.len(),
        };
        (text > 0 || offset.is_some()).then_some((text, offset))
    }

    /// The first moment of the date at a number.
    pub fn day(&self, reading: DateInName, at: usize) -> Option<Instant> {
        self.whole_date(reading, at).map(midnight)
    }

    /// Returns the date that begins at number `at` by a reading.
    pub fn whole_date(&self, reading: DateInName, at: usize) -> Option<Date> {
        self.dated(reading, at).map(|dated| dated.date)
    }

    fn dated(&self, reading: DateInName, at: usize) -> Option<DateFound<'_>> {
        let digits = &self.numbers.get(at)?.text;
        match reading {
            DateInName::Three(parts) => Some(DateFound { date: self.date(at, parts)?, numbers: 3, packed: "" }),
            DateInName::Compact(parts) => {
                Some(DateFound { date: compact(digits, parts)?, numbers: 1, packed: digits.get(8..).unwrap_or("") })
            }
            DateInName::Short(parts) => {
                let (date, numbers) = self.short(at, parts)?;
                Some(DateFound { date, numbers, packed: "" })
            }
        }
    }

    /// Year, month and day from three neighbouring numbers, which are at these places.
    fn date(&self, at: usize, parts: PartsOrder) -> Option<Date> {
        let (three, [year, month, day]) = (self.neighbours(at, parts)?, parts.places());
        let named = three.iter().position(|digits| digits.month);
        if named.is_some_and(|named| named != month) || !is_year(&three[year].text) {
            return None;
        }
        real([&three[year].text, &three[month].text, &three[day].text])
    }

    /// Three numbers with the same mark between them. With points between them nobody writes the month first.
    fn neighbours(&self, at: usize, parts: PartsOrder) -> Option<&[Digits]> {
        let three = self.numbers.get(at..at + 3)?;
        let named = three.iter().any(|digits| digits.month);
        let points = three[0].mark() == Some('.') && matches!(parts, PartsOrder::MonthDayYear);
        let joined = three[0].mark().is_some() && three[0].mark() == three[1].mark() && !points;
        (named || joined).then_some(three)
    }

    fn short(&self, at: usize, parts: PartsOrder) -> Option<(Date, usize)> {
        let [year, month, day] = parts.places();
        let digits = &self.numbers[at].text;
        if digits.len() == 6 {
            let part = |place: usize| &digits[place * 2..place * 2 + 2];
            return Some((real([&format!("20{}", part(year)), part(month), part(day)])?, 1));
        }
        let three = self.neighbours(at, parts)?;
        let year = Some(&three[year].text).filter(|year| year.len() == 2)?;
        Some((real([&format!("20{year}"), &three[month].text, &three[day].text])?, 3))
    }

    /// The time of day after a date: in the digits that follow it in the same number, or in the number `at`.
    fn timed(&self, at: usize, packed: &str) -> Option<Timed> {
        if !packed.is_empty() {
            return Some(Timed { seconds: of_day(packed)?, numbers: 0, offset: self.offset(at) });
        }
        let first = self.numbers.get(at).filter(|digits| !digits.month)?;
        let before = &self.numbers[at - 1];
        let lettered = before.after.eq_ignore_ascii_case("t");
        if !lettered && before.mark().is_none() {
            return None;
        }
        let (text, numbers) = self.joined_time(at, lettered).unwrap_or((first.text.clone(), 1));
        if !lettered && numbers == 1 && !matches!(text.len(), 4 | 6) {
            return None;
        }
        Some(Timed { seconds: of_day(&text)?, numbers, offset: self.offset(at + numbers) })
    }

    /// Hours, minutes and, if they are there, seconds of two digits each, with the same mark between them.
    fn joined_time(&self, at: usize, lettered: bool) -> Option<(String, usize)> {
        let mark = self.numbers[at].mark().filter(|mark| *mark != '+')?;
        let two = |at: usize| self.numbers.get(at).map(|digits| digits.text.as_str()).filter(|text| text.len() == 2);
        let (hour, minute) = (two(at)?, two(at + 1)?);
        let second = two(at + 2).filter(|_| self.numbers[at + 1].mark() == Some(mark));
        let known = lettered || mark == ':' || second.is_some();
        let numbers = if second.is_some() { 3 } else { 2 };
        known.then(|| (format!("{hour}{minute}{}", second.unwrap_or_default()), numbers))
    }

    /// What follows the time that ends before the number `at`: a fraction of a second, then an offset from UTC.
    fn offset(&self, at: usize) -> Option<Offset> {
        let fraction = Some(&self.numbers[at - 1].after).filter(|after| [".", ","].contains(&after.as_str()));
        let fraction = fraction.and_then(|_| self.numbers.get(at)).filter(|digits| digits.text.len() <= 9);
        let next = at + usize::from(fraction.is_some());
        let (sign, hours) = (self.numbers[next - 1].mark()?, &self.numbers.get(next)?.text);
        let minutes = self.numbers.get(next + 1).filter(|_| self.numbers[next].mark() == Some(':'));
        let (digits, numbers) = match (hours.len(), minutes) {
            (2, Some(minutes)) => (format!("{hours}{}", minutes.text), 2),
            (2, None) => (format!("{hours}00"), 1),
            _ => (hours.clone(), 1),
        };
        let quarter = digits.len() == 4 && matches!(&digits[2..], "00" | "15" | "30" | "45");
        let length = of_day(&digits).filter(|length| quarter && *length <= 14 * 3600)?;
        let seconds = match sign {
            '+' => length,
            '-' if hours.len() == 4 || numbers == 2 => -length,
            _ => return None,
        };
        let fraction = fraction.map_or(String::new(), |digits| digits.text.clone());
        let taken = next - at + numbers;
        Some(Offset { seconds, fraction: format!("{fraction:0<9}"), numbers: taken, sure: sign == '+' })
    }
}

/// Seconds of the day that a text of digits says: hours, then minutes and seconds where they are there. What is more than
/// that is a fraction, and left to the order of numbers.
fn of_day(text: &str) -> Option<i64> {
    let even = if text.len() % 2 == 1 && text.len() < 6 { format!("0{text}") } else { text.to_string() };
    let part = |at: usize, below: i64| match even.get(at..at + 2) {
        Some(digits) => digits.parse().ok().filter(|part| *part < below),
        None => Some(0),
    };
    (even.len() <= 6).then_some(())?;
    Some(part(0, 24)? * 3600 + part(2, 60)? * 60 + part(4, 60)?)
}

fn seconds(date: Date, of_day: i64) -> LongNumber {
    number(&(midnight(date).0 / 1_000_000 + of_day + SECONDS_BEFORE_1970).to_string())
}

/// The first moment of a day in UTC.
pub fn midnight(date: Date) -> Instant {
    let start = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    Instant(start.map_or(i64::MAX, |start| start.as_microsecond()))
}

/// A week, quarter or month.
fn is_part(digits: &str) -> bool {
    digits.parse::<u32>().is_ok_and(|part| part <= 53)
}

fn number(digits: &str) -> LongNumber {
    let digits = digits.trim_start_matches('0');
    (digits.len(), digits.to_string())
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4 && digits.parse::<u16>().is_ok_and(|year| (1900..2200).contains(&year))
}

fn real(date: [&str; 3]) -> Option<Date> {
    let [year, month, day] = date.map(|part| part.parse::<i16>().ok().filter(|_| part.len() <= 4));
    Date::new(year?, i8::try_from(month?).ok()?, i8::try_from(day?).ok()?).ok()
}

/// Year, month and day at the beginning of a number that may go on with a time of day.
fn compact(digits: &str, order: PartsOrder) -> Option<Date> {
    if !matches!(digits.len(), 8 | 10 | 12 | 14 | 17) {
        return None;
    }
    let [year, month, day] = match order {
        PartsOrder::YearMonthDay => [0..4, 4..6, 6..8],
        PartsOrder::DayMonthYear => [4..8, 2..4, 0..2],
        PartsOrder::MonthDayYear => [4..8, 0..2, 2..4],
    }
    .map(|part| &digits[part]);
    real([year, month, day]).filter(|_| is_year(year))
}

fn month_number(word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    let is = |month: &str| month == word || month[..3] == word;
    MONTHS.iter().position(|month| is(month)).map(|at| at + 1)
}
