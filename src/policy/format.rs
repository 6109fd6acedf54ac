//! Formats of dates and times: which strftime directives a source may use, and what a format must say.
//! Must not know values; reading them is the work of `minimize`.

use super::finding::Page;
use super::plan::SetFormat;
use super::spec::At;
use jiff::civil::{DateTime, datetime};
use jiff::fmt::strtime;
use jiff::tz::Offset;

/// Directives a format may use, each as written. `%-m` and the like read digits without padding too, as `%m` does.
/// Not there on purpose: two-digit years (`%y`, `%D`) and zone abbreviations (`%Z`), which say too little.
const KNOWN: [&str; 20] = [
    "%Y", "%m", "%-m", "%d", "%-d", "%e", "%b", "%B", "%H", "%-H", "%I", "%-I", "%M", "%S", "%f", "%.f", "%p", "%z",
    "%:z", "%%",
];
/// Directives that stand for several.
const WHOLE: [(&str, &str); 3] = [("%F", "%Y-%m-%d"), ("%T", "%H:%M:%S"), ("%R", "%H:%M")];

/// Checks the formats of a date or timestamp column; true with them when each carries its own offset.
pub(super) fn formats(page: Page, list: &At<Vec<At<String>>>, timestamp: bool) -> Option<(Vec<String>, bool)> {
    if list.is_empty() {
        page.fault(list.span(), "format", "no format at all", "write at least one, such as \"%Y-%m-%d\"");
        return None;
    }
    let mut zoned = true;
    let mut good = Vec::new();
    for at in list.iter() {
        match check(at, timestamp) {
            Ok(offset) => {
                zoned &= offset;
                good.push(at.to_string());
            }
            Err((why, help)) => page.fault(at.span(), "format", why, help),
        }
    }
    disagreements(page, list);
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

fn set_time(format: &str) -> Option<Refusal> {
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

type Refusal = (&'static str, &'static str);

/// Whether the format carries an offset, or why it is refused.
fn check(format: &str, timestamp: bool) -> Result<bool, Refusal> {
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
        return Err(("the format says one part twice", "keep each part once"));
    }
    if has(&["%I", "%-I"]) != has(&["%p"]) {
        return Err(("%I and %p need each other", "use %H for 24 hours, or %I with %p"));
    }
    let offset = has(&["%z", "%:z"]);
    if timestamp && !(has(&hour) && has(&["%M"])) {
        return Err(("the format of a timestamp lacks hour or minute", "add %H and %M, or make the column a date"));
    }
    if !timestamp && offset {
        return Err(("a date has no offset", "make the column a timestamp"));
    }
    probe(format).ok_or(("the format does not read what it writes", "separate its parts"))?;
    Ok(offset)
}

/// The directives in order, composed ones taken apart.
fn directives(format: &str) -> Result<Vec<&'static str>, Refusal> {
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
fn probe(format: &str) -> Option<DateTime> {
    let moment = datetime(2026, 11, 24, 9, 45, 56, 123_000_000);
    let zoned = Offset::UTC.to_timestamp(moment).ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let text = strtime::format(format, &zoned).ok()?;
    let back = read(format, &text)?;
    (back.date() == moment.date()).then_some(back)
}

fn read(format: &str, text: &str) -> Option<DateTime> {
    let time = strtime::parse(format, text).ok()?;
    Some(time.to_date().ok()?.to_datetime(time.to_time().ok()?))
}

/// R23: two formats that read one text as different times refuse the run when such a value comes; better said now.
fn disagreements(page: Page, list: &[At<String>]) {
    let moment = datetime(2026, 3, 4, 5, 6, 7, 0);
    let Ok(zoned) = Offset::UTC.to_timestamp(moment).map(|t| t.to_zoned_datetime(jiff::tz::TimeZone::UTC)) else {
        return;
    };
    for (i, later) in list.iter().enumerate() {
        let Ok(text) = strtime::format(later.as_bytes(), &zoned) else { continue };
        let own = read(later, &text);
        let other = |f: &&At<String>| read(f, &text).is_some_and(|t| own.is_some_and(|o| o.date() != t.date()));
        if list[..i].iter().any(|f| other(&f)) {
            let help =
                "keep the one the export really uses: a value both accept with different results is refused (R23)";
            page.hint(later.span(), "formats-disagree", "another format reads the same text as another day", help);
        }
    }
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
            assert_eq!(check(format, true), Ok(offset), "{format}");
        }
        assert_eq!(check("%Y-%m-%d", false), Ok(false));
    }

    #[test]
    fn formats_that_say_too_little_or_twice_are_refused() {
        for format in
            ["%y-%m-%d", "%Y-%m", "%Y-%m-%d %Z", "%Y-%m-%d %I:%M", "%Y-%m-%d %H", "%F %d %R", "%Q", "%", "%Y%j"]
        {
            assert!(check(format, true).is_err(), "{format}");
        }
        assert!(check("%F %R%z", false).is_err());
    }
}
