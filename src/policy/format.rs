//! Formats of dates and times: which strftime directives a source may use, and what a format must say.

use super::finding::Page;
use super::plan::SetFormat;
use super::spec::At;
use crate::clock::date_format::{Formats, Said};
use crate::clock::days::Moment;
use jiff::civil::{DateTime, datetime};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

/// Directives a format may use, each as written. `%-m` and the like read digits without padding too, as `%m` does.
/// Not there on purpose: two-digit years (`%y`, `%D`) and zone abbreviations (`%Z`), which say too little.
const KNOWN: [&str; 20] = [
    "%Y", "%m", "%-m", "%d", "%-d", "%e", "%b", "%B", "%H", "%-H", "%I", "%-I", "%M", "%S", "%f", "%.f", "%p", "%z",
    "%:z", "%%",
];
/// Directives that stand for several.
const WHOLE: [(&str, &str); 3] = [("%F", "%Y-%m-%d"), ("%T", "%H:%M:%S"), ("%R", "%H:%M")];

/// What is written in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dated {
    /// The format says a day.
    Date,
    /// The format says a time.
    Timestamp,
    /// Either, as in lists of requests.
    List,
}

/// Checks formats; true with them when each carries its own offset. `zone` is that of times without one.
pub(super) fn formats(
    page: Page,
    list: &At<Vec<At<String>>>,
    dated: Dated,
    zone: &TimeZone,
) -> Option<(Vec<String>, bool)> {
    if list.is_empty() {
        page.fault(list.span(), "format", "no format at all", "write at least one, such as \"%Y-%m-%d\"");
        return None;
    }
    let mut zoned = true;
    let mut good = Vec::new();
    for at in list.iter() {
        match check(at, dated) {
            Ok(offset) => {
                zoned &= offset;
                good.push(at.to_string());
            }
            Err((why, help)) => page.fault(at.span(), "format", why, help),
        }
    }
    disagreements(page, list, dated, zone);
    (good.len() == list.len()).then_some((good, zoned))
}

/// How sets are named: `number`, `text` or a format, which must say a year and what sorts within it.
pub(super) fn set(page: Page, at: &At<String>) -> Option<SetFormat> {
    let refusal = match at.as_str() {
        "number" => return Some(SetFormat::Number),
        "text" => return Some(SetFormat::Text),
        format => match set_time(format) {
            None => return Some(SetFormat::Time(format.into())),
            Some(refusal) => refusal,
        },
    };
    page.fault(at.span(), "format", refusal.0, refusal.1);
    None
}

fn set_time(format: &str) -> Option<FormatRefusal> {
    // Weeks and short years are for names of sets only.
    let plain = format.replace("%y", "%Y").replace("%G", "%Y").replace("%V", "%m");
    let used = match directives(&plain) {
        Ok(used) => used,
        Err(refusal) => return Some(refusal),
    };
    let parts = [&["%Y"][..], &["%m", "%-m", "%b", "%B"], &["%d", "%-d", "%e"]];
    let said = parts.map(|same| used.iter().filter(|directive| same.contains(directive)).count());
    let week = format.contains("%V") == format.contains("%G");
    match said {
        [1, 1, 0 | 1] | [1, 0, 0] if week => None,
        _ => Some((
            "the format does not say year, month and day of a set, each once",
            "write one such as \"%d.%m.%Y\" or \"%G-W%V\", or \"number\" or \"text\"",
        )),
    }
}

type FormatRefusal = (&'static str, &'static str);

/// Whether the format carries an offset, or why it is refused.
fn check(format: &str, dated: Dated) -> Result<bool, FormatRefusal> {
    let used = directives(format)?;
    let has = |any: &[&str]| used.iter().any(|d| any.contains(d));
    let once = |any: &[&str]| used.iter().filter(|d| any.contains(d)).count() <= 1;
    let (month, day, hour) = (["%m", "%-m", "%b", "%B"], ["%d", "%-d", "%e"], ["%H", "%-H", "%I", "%-I"]);
    if !has(&["%Y"]) || !has(&month) || !has(&day) {
        return Err(("the format lacks year, month or day", "use %Y, one of %m %b %B, and one of %d %e"));
    }
    if ![&month[..], &day[..], &hour[..], &["%Y"], &["%M"], &["%S"], &["%f", "%.f"], &["%p"], &["%z", "%:z"]]
        .iter()
        .all(|same| once(same))
    {
        return Err(("the format has one part twice", "keep each part once"));
    }
    if has(&["%I", "%-I"]) != has(&["%p"]) {
        return Err(("%I and %p need each other", "use %H for 24 hours, or %I with %p"));
    }
    let offset = has(&["%z", "%:z"]);
    let (hours, minutes) = (has(&hour), has(&["%M"]));
    match dated {
        Dated::Timestamp if !(hours && minutes) => {
            return Err(("the format of a timestamp lacks hour or minute", "add %H and %M, or make the column a date"));
        }
        Dated::Date if offset => return Err(("a date has no offset", "make the column a timestamp")),
        Dated::List if hours != minutes || offset && !hours || has(&["%S"]) && !hours => {
            return Err(("the format says a time without hour or minute", "add %H and %M, or leave the time out"));
        }
        _ => {}
    }
    probe(format).ok_or(("the format cannot read back a date that it has written", "separate its parts"))?;
    Ok(offset)
}

/// The directives in order, composed ones taken apart.
fn directives(format: &str) -> Result<Vec<&'static str>, FormatRefusal> {
    const HELP: &str = "see the list of directives in docs/spec.md";
    let mut used = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        rest = &rest[at..];
        if let Some((short, whole)) = WHOLE.iter().find(|(short, _)| rest.starts_with(short)) {
            used.extend(directives(whole)?);
            rest = &rest[short.len()..];
            continue;
        }
        let Some(known) = KNOWN.iter().find(|d| rest.starts_with(**d)) else {
            let two_digits = rest.starts_with("%y") || rest.starts_with("%D");
            let why = if two_digits { "two-digit years are ambiguous" } else { "a directive that is not known here" };
            return Err((why, HELP));
        };
        used.push(*known);
        rest = &rest[known.len()..];
    }
    Ok(used)
}

/// A moment written and read back in the format; parts the format leaves out do not count.
fn probe(format: &str) -> Option<()> {
    let moment = datetime(2026, 11, 24, 9, 45, 56, 123_000_000);
    let back = read(format, &written(format, moment)?)?;
    (back.date == (2026, 11, 24)).then_some(())
}

fn written(format: &str, moment: DateTime) -> Option<String> {
    let zoned = Offset::UTC.to_timestamp(moment).ok()?.to_zoned_datetime(TimeZone::UTC);
    strtime::format(format, &zoned).ok()
}

fn read(format: &str, text: &str) -> Option<Moment> {
    match Formats::new(&[format.to_owned()]).ok()?.read(text, |_, _| true) {
        Said::Moment(moment) => Some(moment),
        Said::Nothing | Said::Different => None,
    }
}

/// R23: two formats that read one text as different times refuse the run when such a value comes; better said now.
fn disagreements(page: Page, list: &[At<String>], dated: Dated, zone: &TimeZone) {
    for (i, later) in list.iter().enumerate() {
        if list[..i].iter().any(|earlier| disagree([earlier, later], dated, zone)) {
            let help = "keep the one the export really uses: a value both accept with different results stops the run";
            page.fault(
                later.span(),
                "formats-disagree",
                "another format reads the same text as another time (R23)",
                help,
            );
        }
    }
}

/// Whether a text that one of two formats writes is read as two times by them.
fn disagree(formats: [&str; 2], dated: Dated, zone: &TimeZone) -> bool {
    let same = |one: &Moment, other: &Moment| match dated {
        Dated::Date => one.day == other.day,
        Dated::Timestamp | Dated::List => one.instant(zone) == other.instant(zone),
    };
    let two_ways = |text: String| match formats.map(|format| read(format, &text)) {
        [Some(one), Some(other)] => !same(&one, &other),
        _ => false,
    };
    let texts = |moment: DateTime| formats.into_iter().filter_map(move |format| written(format, moment));
    SAMPLES.iter().any(|year| samples(*year).flat_map(texts).any(two_ways))
}

/// Years of people's lives, some of which also read as days and months.
const SAMPLES: [i16; 5] = [1911, 1912, 2009, 2010, 2026];

/// Times of a year in every month and of days that can be mistaken for months, hours and minutes.
fn samples(year: i16) -> impl Iterator<Item = DateTime> {
    let days = (1..=12).flat_map(|month| [1, 3, 9, 10, 12, 20, 28].map(|day| (month, day)));
    days.map(move |(month, day)| datetime(year, month, day, 5, 6, 7, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_real_exports_are_accepted() {
        for (format, offset) in [
            ("%Y-%m-%dT%H:%M:%S%.fZ", false),
            ("%Y-%m-%dT%H:%M:%S%.f%z", true),
            ("%Y-%m-%dT%H:%M:%S%:z", true),
            ("%Y-%m-%d %H:%M:%S", false),
            ("%m/%d/%Y %I:%M:%S %p", false),
            ("%-m/%-d/%Y %-H:%M", false),
            ("%d.%m.%Y %R", false),
            ("%F %T", false),
            ("%d %b %Y, %H:%M", false),
        ] {
            assert_eq!(check(format, Dated::Timestamp), Ok(offset), "{format}");
        }
        assert_eq!(check("%Y-%m-%d", Dated::Date), Ok(false));
    }

    #[test]
    fn formats_that_say_too_little_or_twice_are_refused() {
        for format in
            ["%y-%m-%d", "%Y-%m", "%Y-%m-%d %Z", "%Y-%m-%d %I:%M", "%Y-%m-%d %H", "%F %d %R", "%Q", "%", "%Y%j"]
        {
            assert!(check(format, Dated::Timestamp).is_err(), "{format}");
        }
        assert!(check("%F %R%z", Dated::Date).is_err());
        assert!(check("%F %R%z", Dated::List).is_ok() && check("%d.%m.%Y", Dated::List).is_ok());
        assert!(check("%F %H", Dated::List).is_err() && check("%F%z", Dated::List).is_err());
    }
}
