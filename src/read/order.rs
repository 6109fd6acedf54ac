//! Which of several sets is the newer, by what their names say (R38): dates as time, other numbers as numbers, or as
//! the source declares it. What can be read in two ways has no order.

use super::set_name::{AfterDate, DateInName, Form, OrderKey, SHORT_DATES, WHOLE_DATES, midnight};
use crate::clock::Instant;
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
    /// Returns what is wrong with the order, in words.
    pub fn message(&self) -> String {
        match self {
            Disorder::Mixed(one, other) => {
                format!("the names of sets {one} and {other} do not have the same form of dates or numbers")
            }
            Disorder::Ambiguous(one, other) => {
                format!("the names of sets {one} and {other} can be read in two ways, each with another order")
            }
            Disorder::Alike(one, other) => format!("the names of sets {one} and {other} mean the same"),
            Disorder::Undeclared(one) => format!("set {one} is not named as complete.set_format says"),
        }
    }

    /// As an error that says how to go on; `input` is the glob.
    pub fn error(&self, input: &str) -> Error {
        Error::new(
            Code::SetOrderUnknown,
            format!("{input}: {}, so nobody can tell which set is the newest", self.message()),
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
    let places = |reading| (0..form.numbers.len()).map(move |at| (reading, at));
    let readings = WHOLE_DATES.iter().filter(|reading| !matches!(reading, DateInName::Short(_)));
    let found: BTreeSet<Date> = readings
        .flat_map(|reading| places(*reading))
        .filter_map(|(reading, at)| form.whole_date(reading, at))
        .collect();
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none())
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
    let dates = DateReadings::of(&forms, WHOLE_DATES);
    if !dates.fitting.is_empty() {
        return agreed(&names, dates.fitting);
    }
    if let Some(odd) = dates.odd {
        // Some are dates and some are not, or not dates of the same kind, or their times are not.
        let other = if odd == 0 { names[names.len() - 1] } else { names[0] };
        return Err(Disorder::Mixed(other.into(), names[odd].into()));
    }
    if let Some(order) = ranked(&names, forms.iter().map(Form::of_year).collect()) {
        return order;
    }
    let mut fitting = DateReadings::of(&forms, SHORT_DATES).fitting;
    fitting.push(forms.iter().map(|form| Some(form.natural())).collect());
    agreed(&names, fitting)
}

/// What names say when they are read as dates.
struct DateReadings {
    /// Keys of all names, for each reading that fits all of them.
    fitting: Vec<Vec<Option<OrderKey>>>,
    /// Where a name is that can be read so.
    odd: Option<usize>,
}

impl DateReadings {
    fn of(forms: &[Form<'_>], kinds: &[DateInName]) -> DateReadings {
        let mut dates = DateReadings { fitting: Vec::new(), odd: None };
        for (kind, at) in places(forms, kinds) {
            let timings: BTreeSet<_> = forms.iter().map(|form| form.timing(kind, at)).collect();
            for after in AfterDate::ALL {
                let keys: Vec<_> = forms.iter().map(|form| form.read(kind, at, after)).collect();
                dates.odd = dates.odd.or(keys.iter().position(Option::is_some));
                // Times of differing lengths or offsets do not sort as numbers.
                let numbers = matches!(after, AfterDate::Numbers) && timings.len() > 1;
                if !numbers && keys.iter().all(Option::is_some) {
                    dates.fitting.push(keys);
                }
            }
        }
        dates
    }
}

/// Every way in which dates of these kinds may stand in names.
fn places(forms: &[Form<'_>], kinds: &[DateInName]) -> impl Iterator<Item = (DateInName, usize)> {
    let count = forms.first().map_or(0, |form| form.numbers.len());
    kinds.iter().flat_map(move |kind| (0..count).map(move |at| (*kind, at)))
}

/// The first day that the name of a set may mean, by every reading that fits the names of all sets; none where they need
/// not mean days.
pub fn first_day(set: &str, names: &[&str], format: Option<&SetFormat>) -> Option<Instant> {
    match format {
        Some(SetFormat::Text | SetFormat::Number) => return None,
        Some(SetFormat::Time(format)) => return begins(format, set),
        None => {}
    }
    if names.iter().all(|name| Instant::parse(name).is_some()) {
        return Instant::parse(set);
    }
    let forms: Vec<Form<'_>> = [set].into_iter().chain(names.iter().copied()).map(Form::of).collect();
    let earliest = |kinds| {
        let fits = |(kind, at): &(DateInName, usize)| forms.iter().all(|form| form.day(*kind, *at).is_some());
        places(&forms, kinds).filter(fits).filter_map(|(kind, at)| forms[0].day(kind, at)).min()
    };
    let period = || forms.iter().map(Form::period_begins).collect::<Option<Vec<_>>>()?.first().copied();
    earliest(WHOLE_DATES).or_else(period).or_else(|| earliest(SHORT_DATES))
}

/// The first moment of what a name says in a format.
fn begins(format: &str, name: &str) -> Option<Instant> {
    let time = strtime::parse(format, name).ok()?;
    if let Ok(instant) = time.to_timestamp() {
        return Some(Instant(instant.as_microsecond()));
    }
    let month = |time: &strtime::BrokenDownTime| Date::new(time.year()?, time.month().unwrap_or(1), 1).ok();
    let week =
        || ISOWeekDate::new(time.iso_week_year()?, time.iso_week()?, Weekday::Monday).ok().map(|week| week.date());
    time.to_date().ok().or_else(week).or_else(|| month(&time)).map(midnight)
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
            // Times of differing lengths, and of differing offsets.
            &["2026-10-05T230000", "2026-10-05T2301"],
            &["crm 2026-10-05T9", "crm 2026-10-05T0930", "crm 2026-10-05T1015"],
            &["202610052300", "20261005230001", "202610052301"],
            &["export-20261005T2301", "export-20261005T230130"],
            &["crm-2026-10-25T023000+0200", "crm-2026-10-25T021000+0100"],
            &["crm_2026-10-25_02-30-00+02:00", "crm_2026-10-25_02-10-00+01:00"],
            &["crm-2026-10-25T023000.5+0200", "crm-2026-10-25T023000.75+0200"],
            &["2026-10-05-9", "2026-10-05-10", "2026-10-05-1200"],
            &["202610050001", "202610050099", "202610059999"],
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
            // Times or numbers, and the order differs.
            &["051026T230000", "051026T2301", "061026T0900"],
            &["261005T230000", "261005T2301"],
            &["2026-10-05_230000", "2026-10-05_2301"],
            &["crm-2026-11-01T0130-0400", "crm-2026-11-01T0115-0500"],
            &["2026-10-05T9901", "2026-10-05T990102"],
            &["2026-10-05T2301", "2026-10-05T230061"],
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
    fn r38_the_first_day_that_a_name_may_mean() {
        let time = |format: &str| Some(SetFormat::Time(format.into()));
        for (names, format, day) in [
            (&["2099-01-01"][..], None, Some("2099-01-01T00:00:00Z")),
            (&["20990101T0200"], None, Some("2099-01-01T00:00:00Z")),
            (&["2099-01-01T02:00:00+01:00"], None, Some("2099-01-01T01:00:00Z")),
            (&["export 7 of 1-Jan-2099"], None, Some("2099-01-01T00:00:00Z")),
            // The day may come first or second: the earlier counts, until another name shows which.
            (&["05-03-2026"], None, Some("2026-03-05T00:00:00Z")),
            (&["03-05-2026"], None, Some("2026-03-05T00:00:00Z")),
            (&["03-05-2026", "28-04-2026"], None, Some("2026-05-03T00:00:00Z")),
            (&["991231"], None, Some("2099-12-31T00:00:00Z")),
            (&["31.12.99"], None, Some("2099-12-31T00:00:00Z")),
            // Weeks begin before months do.
            (&["2027-03"], None, Some("2027-01-12T00:00:00Z")),
            (&["W02-2027"], None, Some("2027-01-05T00:00:00Z")),
            (&["March 2027"], None, Some("2027-03-01T00:00:00Z")),
            (&["2099"], None, None),
            (&["v12"], None, None),
            (&["final"], None, None),
            (&["20990101", "20990199"], None, None),
            (&["20990101"], Some(SetFormat::Number), None),
            (&["2099-01-01"], Some(SetFormat::Text), None),
            (&["01.02.2099"], time("%d.%m.%Y"), Some("2099-02-01T00:00:00Z")),
            (&["2099/W01"], time("%G/W%V"), Some("2098-12-29T00:00:00Z")),
            (&["2099-02"], time("%Y-%m"), Some("2099-02-01T00:00:00Z")),
            (&["2099"], time("%Y"), Some("2099-01-01T00:00:00Z")),
        ] {
            assert_eq!(first_day(names[0], names, format.as_ref()), day.and_then(Instant::parse), "{names:?}");
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
