//! Which of several sets is the newer, by what their names say (R38): dates as time, other numbers as numbers, or as the
//! source declares it. What can be read in two ways has no order. Must not know objects or roots.

use crate::clock::Instant;
use crate::clock::date_format::MONTHS;
use crate::error::{Code, Error};
use crate::policy::SetFormat;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::fmt::strtime;
use std::collections::BTreeSet;

/// Why names have no order; the names are those of two sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// They are built in two ways, or tell nothing by numbers.
    Mixed(String, String),
    /// Their numbers can be read in two ways, of which each makes another one the newer.
    Ambiguous(String, String),
    /// Two names say the same.
    Alike(String, String),
    /// A name is not as the source declares.
    Undeclared(String),
}

impl Disorder {
    /// What is wrong.
    pub fn message(&self) -> String {
        match self {
            Disorder::Mixed(one, other) => format!("sets {one} and {other} are not named alike by dates or numbers"),
            Disorder::Ambiguous(one, other) => {
                format!("the names of sets {one} and {other} can be read in two ways, each with another order")
            }
            Disorder::Alike(one, other) => format!("the names of sets {one} and {other} say the same"),
            Disorder::Undeclared(one) => format!("set {one} is not named as complete.set_format says"),
        }
    }

    /// As an error that says how to go on; `input` is the glob.
    pub fn error(&self, input: &str) -> Error {
        Error::new(
            Code::SetOrderUnknown,
            format!("{input}: {}, so it cannot be told which set is the newest", self.message()),
        )
        .help(
            "move away what is no set of this export, or say in the source how sets are named: [complete] set_format, \
             such as \"%d.%m.%Y\", \"number\" or \"text\"",
        )
    }
}

/// Puts names of sets in order, the oldest first.
///
/// # Errors
/// Why there is no order.
pub fn in_order<'n>(
    names: impl IntoIterator<Item = &'n str>,
    format: Option<&SetFormat>,
) -> Result<Vec<&'n str>, Disorder> {
    let names: Vec<&str> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    match format {
        Some(SetFormat::Text) => Ok(names),
        Some(SetFormat::Number) => by_number(names),
        Some(SetFormat::Time(format)) => by_format(names, format),
        None if names.len() < 2 => Ok(names),
        None => by_form(names),
    }
}

/// The newest of some names that is older than `set`; those that are named in another way do not count.
pub fn newest_before<'n>(set: &str, names: &[&'n str], format: Option<&SetFormat>) -> Option<&'n str> {
    let alike = |name: &&&str| in_order([set, **name], format).is_ok();
    let known = |names: &[&str]| {
        in_order(names.iter().copied().chain([set]), format).ok().map(|all| {
            let at = all.iter().position(|name| *name == set).unwrap_or(0);
            at.checked_sub(1).map(|before| all[before].to_string())
        })
    };
    let found = known(names).or_else(|| known(&names.iter().filter(alike).copied().collect::<Vec<_>>()))??;
    names.iter().find(|name| **name == found).copied()
}

/// Returns the date that a name says, by the declared format, else by the only reading that it has: a week or a month is its
/// first day. None where it says none, or can be read in two ways.
pub fn date_in(name: &str, format: Option<&SetFormat>) -> Option<Date> {
    if let Some(SetFormat::Time(format)) = format {
        let time = strtime::parse(format, name).ok()?;
        let week = || ISOWeekDate::new(time.iso_week_year()?, time.iso_week()?, Weekday::Monday).ok();
        let month = || Date::new(time.year()?, time.month()?, 1).ok();
        return time.to_date().ok().or_else(|| week().map(ISOWeekDate::date)).or_else(month);
    }
    let form = Form::of(name);
    let at = |reading| (0..form.numbers.len()).filter_map(move |at| Some((reading, at)));
    let found: BTreeSet<[i16; 3]> = WHOLE_DATES
        .iter()
        .flat_map(|reading| at(*reading))
        .filter_map(|(reading, at)| match reading {
            DateInName::Three(parts) => form.date(at, parts),
            DateInName::Compact(parts) => compact(&form.numbers[at].text, parts),
            DateInName::Short(_) => None,
        })
        .collect();
    let mut found = found.into_iter();
    let [year, month, day] = found.next().filter(|_| found.next().is_none())?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn by_number(names: Vec<&str>) -> Result<Vec<&str>, Disorder> {
    let forms: Vec<Form<'_>> = names.iter().map(|name| Form::of(name)).collect();
    alike(&names, &forms)?;
    ranked(&names, forms.iter().map(|form| Some(form.natural())).collect()).unwrap_or(Ok(names))
}

fn by_format<'n>(names: Vec<&'n str>, format: &str) -> Result<Vec<&'n str>, Disorder> {
    if let Some(odd) = names.iter().find(|name| moment(format, name).is_none()) {
        return Err(Disorder::Undeclared((*odd).into()));
    }
    ranked(&names, names.iter().map(|name| moment(format, name)).collect()).unwrap_or(Ok(names))
}

/// A time as a key: as an instant where an offset is written, else by the calendar. Parts that are missing are the first.
fn moment(format: &str, name: &str) -> Option<Vec<i64>> {
    let time = strtime::parse(format, name).ok()?;
    if let Ok(instant) = time.to_timestamp() {
        return Some(vec![instant.as_microsecond()]);
    }
    let year = i64::from(time.iso_week_year().or(time.year())?);
    let week = time.iso_week().map(i64::from);
    let day = match (time.to_date(), week) {
        (Ok(date), _) => i64::from(date.day_of_year()),
        (Err(_), Some(week)) => week * 7,
        (Err(_), None) => i64::from(Date::new(time.year()?, time.month().unwrap_or(1), 1).ok()?.day_of_year()),
    };
    let clock = [time.hour(), time.minute(), time.second()].map(|part| i64::from(part.unwrap_or(0)));
    let year = time.to_date().map_or(year, |date| i64::from(date.year()));
    Some(vec![year, day, clock[0], clock[1], clock[2], i64::from(time.subsec_nanosecond().unwrap_or(0))])
}

/// By what the names themselves show: dates first, other numbers when no name holds a date.
fn by_form(names: Vec<&str>) -> Result<Vec<&str>, Disorder> {
    let instants: Vec<_> = names.iter().map(|name| Instant::parse(name)).collect();
    if let Some(order) = ranked(&names, instants) {
        return order;
    }
    let forms: Vec<Form<'_>> = names.iter().map(|name| Form::of(name)).collect();
    alike(&names, &forms)?;
    let count = forms[0].numbers.len();
    let read =
        |reading: DateInName, at: usize| forms.iter().map(move |form| form.read(reading, at)).collect::<Vec<_>>();
    let readings =
        |kinds: &'static [DateInName]| kinds.iter().flat_map(move |kind| (0..count).map(move |at| (*kind, at)));
    let dates: Vec<_> = readings(WHOLE_DATES).map(|(reading, at)| read(reading, at)).collect();
    let fitting: Vec<_> = dates.iter().filter(|keys| keys.iter().all(Option::is_some)).cloned().collect();
    if !fitting.is_empty() {
        return agreed(&names, fitting);
    }
    if let Some(odd) = forms.iter().enumerate().position(|(at, _)| dates.iter().any(|keys| keys[at].is_some())) {
        // Some are dates and some are not, or not dates of the same kind.
        let other = if odd == 0 { names[names.len() - 1] } else { names[0] };
        return Err(Disorder::Mixed(other.into(), names[odd].into()));
    }
    if let Some(order) = ranked(&names, forms.iter().map(Form::of_year).collect()) {
        return order;
    }
    let short = readings(SHORT_DATES).map(|(reading, at)| read(reading, at));
    let mut fitting: Vec<_> = short.filter(|keys| keys.iter().all(Option::is_some)).collect();
    fitting.push(forms.iter().map(|form| Some(form.natural())).collect());
    agreed(&names, fitting)
}

fn alike(names: &[&str], forms: &[Form<'_>]) -> Result<(), Disorder> {
    let odd =
        forms.iter().position(|form| form.shape != forms[0].shape || form.shape.iter().any(|part| half_day(part)));
    match odd {
        Some(odd) => Err(Disorder::Mixed(names[0].into(), names[odd.max(1)].into())),
        None => Ok(()),
    }
}

/// The one order of all readings.
fn agreed<'n>(names: &[&'n str], readings: Vec<Vec<Option<OrderKey>>>) -> Result<Vec<&'n str>, Disorder> {
    let mut orders = Vec::new();
    for keys in readings {
        orders.push(ranked(names, keys).unwrap_or_else(|| Ok(names.to_vec()))?);
    }
    let first = orders.swap_remove(0);
    match orders.iter().find(|other| **other != first) {
        None => Ok(first),
        Some(other) => {
            let differ = first.iter().zip(other).find(|(one, other)| one != other);
            let (one, other) = differ.unwrap_or((&first[0], &first[0]));
            Err(Disorder::Ambiguous((*one).into(), (*other).into()))
        }
    }
}

/// Names by their keys; none when one has no key.
fn ranked<'n, K: Ord>(names: &[&'n str], keys: Vec<Option<K>>) -> Option<Result<Vec<&'n str>, Disorder>> {
    let keys: Vec<K> = keys.into_iter().collect::<Option<_>>()?;
    let mut all: Vec<(K, &str)> = keys.into_iter().zip(names.iter().copied()).collect();
    all.sort();
    let twice = all.windows(2).find(|pair| pair[0].0 == pair[1].0);
    Some(match twice {
        Some(pair) => Err(Disorder::Alike(pair[0].1.into(), pair[1].1.into())),
        None => Ok(all.into_iter().map(|(_, name)| name).collect()),
    })
}

/// A number of any length: how many digits without leading zeros, then these.
type LongNumber = (usize, String);
type OrderKey = Vec<LongNumber>;

/// The order of the parts of a date.
#[derive(Clone, Copy)]
enum PartsOrder {
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
enum DateInName {
    /// Three numbers, the year of four digits.
    Three(PartsOrder),
    /// The first eight digits of one number.
    Compact(PartsOrder),
    /// A year of two digits, in three numbers or in one of six digits.
    Short(PartsOrder),
}

const WHOLE_DATES: &[DateInName] = &[
    DateInName::Three(PartsOrder::YearMonthDay),
    DateInName::Three(PartsOrder::DayMonthYear),
    DateInName::Three(PartsOrder::MonthDayYear),
    DateInName::Compact(PartsOrder::YearMonthDay),
    DateInName::Compact(PartsOrder::DayMonthYear),
    DateInName::Compact(PartsOrder::MonthDayYear),
];
/// A short year that comes first needs no reading of its own: that is the order of the numbers.
const SHORT_DATES: &[DateInName] =
    &[DateInName::Short(PartsOrder::DayMonthYear), DateInName::Short(PartsOrder::MonthDayYear)];

/// A name taken apart.
struct Form<'n> {
    /// What stands around the numbers; a number, or the name of a month, is an empty part.
    shape: Vec<&'n str>,
    numbers: Vec<Digits>,
}

struct Digits {
    text: String,
    /// Written as the name of a month.
    month: bool,
    /// The one mark between it and the next number; none where words or more marks are.
    mark: Option<char>,
}

impl<'n> Form<'n> {
    fn of(name: &'n str) -> Form<'n> {
        let (mut shape, mut numbers) = (Vec::new(), Vec::<Digits>::new());
        let (mut rest, mut between) = (name, String::new());
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
                between.push_str(part);
                continue;
            }
            if let Some(before) = numbers.last_mut() {
                let mut marks = between.chars().filter(|mark| !mark.is_alphabetic());
                before.mark = marks.next().filter(|mark| mark.len_utf8() == between.len());
            }
            shape.push("");
            let text = month.map_or(part.to_string(), |number| number.to_string());
            numbers.push(Digits { text, month: month.is_some(), mark: None });
            between.clear();
        }
        Form { shape, numbers }
    }

    /// All numbers from left to right.
    fn natural(&self) -> OrderKey {
        self.numbers.iter().map(|digits| number(&digits.text)).collect()
    }

    /// A week, quarter or month before its year, and nothing else.
    fn of_year(&self) -> Option<OrderKey> {
        let [part, year] = &self.numbers[..] else { return None };
        let small = part.text.parse::<u32>().is_ok_and(|part| part <= 53);
        (small && is_year(&year.text)).then(|| vec![number(&year.text), number(&part.text)])
    }

    /// The date at a number, then all other numbers.
    fn read(&self, reading: DateInName, at: usize) -> Option<OrderKey> {
        let (date, used, rest) = match reading {
            DateInName::Three(parts) => (self.date(at, parts)?, 3, None),
            DateInName::Compact(parts) => {
                let digits = &self.numbers[at].text;
                (compact(digits, parts)?, 1, digits.get(8..).filter(|rest| !rest.is_empty()).map(number))
            }
            DateInName::Short(parts) => {
                let (date, used) = self.short(at, parts)?;
                (date, used, None)
            }
        };
        let others = self.numbers.iter().enumerate().filter(|(other, _)| !(at..at + used).contains(other));
        let others = others.map(|(_, digits)| number(&digits.text));
        Some(date.map(|part| number(&part.to_string())).into_iter().chain(rest).chain(others).collect())
    }

    /// Year, month and day from three neighbouring numbers, which are at these places.
    fn date(&self, at: usize, parts: PartsOrder) -> Option<[i16; 3]> {
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
        let points = three[0].mark == Some('.') && matches!(parts, PartsOrder::MonthDayYear);
        let joined = three[0].mark.is_some() && three[0].mark == three[1].mark && !points;
        (named || joined).then_some(three)
    }

    fn short(&self, at: usize, parts: PartsOrder) -> Option<([i16; 3], usize)> {
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
}

fn number(digits: &str) -> LongNumber {
    let digits = digits.trim_start_matches('0');
    (digits.len(), digits.to_string())
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4 && digits.parse::<u16>().is_ok_and(|year| (1900..2200).contains(&year))
}

fn real(date: [&str; 3]) -> Option<[i16; 3]> {
    let [year, month, day] = date.map(|part| part.parse::<i16>().ok().filter(|_| part.len() <= 4));
    let date = Date::new(year?, i8::try_from(month?).ok()?, i8::try_from(day?).ok()?).ok()?;
    Some([date.year(), date.month().into(), date.day().into()])
}

/// Year, month and day at the beginning of a number that may go on with a time of day.
fn compact(digits: &str, order: PartsOrder) -> Option<[i16; 3]> {
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

/// Hours of twelve do not sort as numbers.
fn half_day(word: &str) -> bool {
    word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("pm")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest<'n>(names: &[&'n str], format: Option<&SetFormat>) -> Result<&'n str, Disorder> {
        in_order(names.iter().copied(), format).map(|all| all[all.len() - 1])
    }

    #[test]
    fn r38_names_that_hold_dates_sort_by_time_and_others_by_number() {
        for names in [
            // The newest stands last.
            &["2026-9-28", "2026-10-5"][..],
            &["2026-09-28", "2026-10-05", "2027-01-01"],
            &["28.09.2026", "05.10.2026"],
            &["06.09.2026", "05.10.2026"],
            &["9.12.2026", "10.1.2027"],
            &["09-28-2026", "01-04-2027"],
            &["28-09-2026", "05-10-2026", "04-01-2027"],
            &["20260928", "20261005"],
            &["28092026", "05102026"],
            &["20260928-2300", "20261005-0100", "20261005-0200"],
            &["20260928T230000Z", "20261005T010000Z"],
            &["202609282300", "202610050100"],
            &["28-Sep-2026", "05-Oct-2026"],
            &["28Sep2026", "05Oct2026"],
            &["September 2026", "October 2026", "January 2027"],
            &["09-2026", "10-2026", "01-2027"],
            &["Week 9", "Week 10"],
            &["2026-W9", "2026-W40", "2027-W1"],
            &["W52-2026", "W01-2027"],
            &["Q4 2026", "Q1 2027"],
            &["v2", "v9", "v10"],
            &["9", "10", "0011"],
            &["1759622400", "1759708800"],
            &["export-77-2026-9-28", "export-12-2026-10-5"],
            &["2026-10-05_v2", "2026-10-05_v10"],
            &["2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00"],
        ] {
            let mut backwards: Vec<&str> = names.to_vec();
            backwards.reverse();
            assert_eq!(in_order(backwards, None).as_deref(), Ok(names), "{names:?}");
        }
    }

    #[test]
    fn r38_names_without_one_order_are_refused() {
        for names in [
            &["2026-10-05", "20261005"][..],
            &["2026-10-05", "export-2026-10-12"],
            &["2026-10-05", "backup"],
            &["a", "b"],
            &["28.09.2026", "28.13.2026"],
            &["2026-09-28", "2026-10-05", "2026-13-05"],
            &["05-10-2026", "06-09-2026"],
            &["05102026", "06092026"],
            &["051026", "280926"],
            &["05.10.26", "28.09.26"],
            &["2026-10-05", "2026-10-5"],
            &["2026-10-05 09-30 AM", "2026-10-05 10-30 AM"],
            &["28. September 2026", "5. Oktober 2026"],
            &["Week 9", "week 10"],
        ] {
            assert!(in_order(names.iter().copied(), None).is_err(), "{names:?}: {:?}", newest(names, None));
        }
        assert_eq!(newest(&["anything"], None), Ok("anything"));
    }

    #[test]
    fn r38_a_declared_format_decides_and_all_names_must_have_it() {
        let time = |format: &str| Some(SetFormat::Time(format.into()));
        let pick = |names: &[&'static str], format: Option<SetFormat>| newest(names, format.as_ref());
        assert_eq!(pick(&["05-10-2026", "06-09-2026"], time("%d-%m-%Y")), Ok("05-10-2026"));
        assert_eq!(pick(&["05-10-2026", "06-09-2026"], time("%m-%d-%Y")), Ok("06-09-2026"));
        assert_eq!(pick(&["280926", "051026"], time("%d%m%y")), Ok("051026"));
        assert_eq!(pick(&["2026-10", "2026-9"], time("%Y-%m")), Ok("2026-10"));
        assert_eq!(pick(&["52/2026", "01/2027"], time("%V/%G")), Ok("01/2027"));
        let halves = ["2026-10-05 11-30 AM", "2026-10-05 12-30 AM"];
        assert_eq!(pick(&halves, time("%Y-%m-%d %I-%M %p")), Ok(halves[0]));
        assert_eq!(pick(&["051026", "280926"], Some(SetFormat::Number)), Ok("280926"));
        assert_eq!(pick(&["a9", "b10", "x"], Some(SetFormat::Text)), Ok("x"));
        assert_eq!(pick(&["2026-10-05", "20261005"], time("%Y-%m-%d")), Err(Disorder::Undeclared("20261005".into())));
        assert!(pick(&["a1", "b2"], Some(SetFormat::Number)).is_err());
    }

    #[test]
    fn r42_a_name_says_one_date_or_none() {
        let time = |format: &str| Some(SetFormat::Time(format.into()));
        for (name, format, said) in [
            ("2026-10-05", None, Some("2026-10-05")),
            ("20261005T020000Z", None, Some("2026-10-05")),
            ("WE_05.10.2026_2", None, Some("2026-10-05")),
            ("28-09-2026", None, Some("2026-09-28")),
            ("05-10-2026", None, None),
            ("05-10-2026", time("%d-%m-%Y"), Some("2026-10-05")),
            ("2026-W41", time("%G-W%V"), Some("2026-10-05")),
            ("2026-10", time("%Y-%m"), Some("2026-10-01")),
            ("2026-10-05 to 2026-10-12", None, None),
            ("17", None, None),
            ("20261005", Some(SetFormat::Number), Some("2026-10-05")),
        ] {
            let found = date_in(name, format.as_ref()).map(|date| date.to_string());
            assert_eq!(found.as_deref(), said, "{name}");
        }
    }

    #[test]
    fn the_set_before_is_the_newest_older_one_that_is_named_alike() {
        assert_eq!(newest_before("2026-10-5", &["2026-9-28", "2026-9-7", "2026-11-2"], None), Some("2026-9-28"));
        assert_eq!(newest_before("2026-9-7", &["2026-9-28", "2026-9-7"], None), None);
        assert_eq!(newest_before("20261012", &["2026-9-28", "20261005", "20260928"], None), Some("20261005"));
        assert_eq!(newest_before("20261012", &["2026-9-28"], None), None);
    }
}
