//! Which formats of dates and times fit every value of a column. Whether days or months come first is told only where a
//! value says so.

use crate::clock::date_format::{Formats, Said};
use crate::clock::days::{Moment, day_number};
use std::sync::LazyLock;

/// Dates and times of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Dates {
    /// Formats that read all values between them, none of which reads what another does.
    pub formats: Vec<String>,
    /// They have a time of day.
    pub timed: bool,
    /// Each carries an offset.
    pub offset: bool,
    /// Each ends with the letter Z, which is UTC.
    pub utc: bool,
    /// Hours are 1 to 12 with AM or PM.
    pub twelve_hours: bool,
    /// Cells that hold a date which means "no value".
    pub sentinels: u64,
    /// The other formats, with days and months the other way round, that fit every value as well.
    pub either: Vec<String>,
    /// Cells that no format reads.
    pub unread: u64,
}

/// A format, and whether days come before months in it; none where the year comes first or months have names.
struct Candidate {
    text: String,
    formats: Formats,
    day_first: Option<bool>,
}

const DAYS: [(&str, Option<bool>); 16] = [
    ("%Y-%m-%d", None),
    ("%Y/%m/%d", None),
    ("%Y.%m.%d", None),
    ("%d.%m.%Y", Some(true)),
    ("%m.%d.%Y", Some(false)),
    ("%d/%m/%Y", Some(true)),
    ("%m/%d/%Y", Some(false)),
    ("%d-%m-%Y", Some(true)),
    ("%m-%d-%Y", Some(false)),
    ("%d %b %Y", None),
    ("%d-%b-%Y", None),
    ("%b %d, %Y", None),
    ("%d. %b %Y", None),
    ("%d %B %Y", None),
    ("%B %d, %Y", None),
    ("%Y%m%d", None),
];
const TIMES: [&str; 7] = ["%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%I:%M:%S %p", "%I:%M %p", "%I:%M%p", "%H.%M"];
const ZONES: [&str; 6] = ["", "Z", "%z", "%:z", " UTC", " %z"];
/// Formats that a column may need beside each other.
const MOST_FORMATS: usize = 3;
/// Days that mean "no value", as every source has them.
const SENTINELS: [(i32, u32, u32); 5] = [(1, 1, 1), (1, 1, 3), (1900, 1, 1), (2154, 12, 31), (9999, 12, 31)];

static CANDIDATES: LazyLock<Vec<Candidate>> = LazyLock::new(|| {
    let whole = DAYS.iter().map(|(day, first)| ((*day).to_owned(), *first));
    let timed = DAYS.iter().flat_map(|(day, first)| {
        [" ", "T", ", "].iter().flat_map(move |between| {
            let times = TIMES.iter().flat_map(|time| ZONES.iter().map(move |zone| format!("{time}{zone}")));
            times.map(move |time| (format!("{day}{between}{time}"), *first))
        })
    });
    let candidate = |(text, day_first): (String, Option<bool>)| {
        let formats = Formats::new(std::slice::from_ref(&text)).ok()?;
        Some(Candidate { text, formats, day_first })
    };
    whole.chain(timed).filter_map(candidate).collect()
});

/// Formats that read the same values: indexes of candidates.
struct DateGroup(Vec<usize>);

/// Tells the formats of a column whose distinct values are given, each with how many cells hold it; none when they are
/// no dates.
pub(super) fn detect<'v>(values: impl Iterator<Item = (&'v str, u64)>) -> Option<Dates> {
    let (mut groups, mut cells, mut found): (Vec<DateGroup>, u64, Dates) = (Vec::new(), 0, Dates::default());
    for (value, count) in values {
        cells += count;
        let moment = (may_be_one(value)).then(|| sort_in(value, &mut groups)).flatten();
        match moment {
            None => found.unread += count,
            Some(moment) if is_sentinel(&moment) => found.sentinels += count,
            Some(_) => {}
        }
        // A text column is not looked at to its end.
        if groups.is_empty() && cells > 50 {
            return None;
        }
    }
    if groups.is_empty() || found.unread * 20 > cells {
        return None;
    }
    Some(judge(&groups, found))
}

fn may_be_one(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    (5..=30).contains(&digits) && value.len() <= 40
}

/// Narrows the group that reads the value, or makes one.
fn sort_in(value: &str, groups: &mut Vec<DateGroup>) -> Option<Moment> {
    let reads = |index: &usize| read(&CANDIDATES[*index], value).is_some();
    if let Some(group) = groups.iter_mut().find(|group| group.0.iter().any(reads)) {
        group.0.retain(reads);
        return read(&CANDIDATES[*group.0.first()?], value);
    }
    if groups.len() == MOST_FORMATS {
        return None;
    }
    let all: Vec<usize> = (0..CANDIDATES.len()).filter(reads).collect();
    let moment = read(&CANDIDATES[*all.first()?], value);
    groups.push(DateGroup(all));
    moment
}

fn read(candidate: &Candidate, value: &str) -> Option<Moment> {
    let Said::Moment(moment) = candidate.formats.read(value, |_, _| true) else { return None };
    // Eight digits are a date only where the year is one of ours.
    let ours = (1900..2100).contains(&moment.date.0);
    (ours || !candidate.text.starts_with("%Y%m")).then_some(moment)
}

fn is_sentinel(moment: &Moment) -> bool {
    SENTINELS.iter().any(|(year, month, day)| moment.day == day_number(*year, *month, *day))
}

fn judge(groups: &[DateGroup], mut found: Dates) -> Dates {
    let first = |group: &DateGroup| group.0.first().map(|index| &CANDIDATES[*index]);
    let chosen: Vec<&Candidate> = groups.iter().filter_map(first).collect();
    let all = |part: &dyn Fn(&str) -> bool| chosen.iter().all(|candidate| part(&candidate.text));
    found.timed = all(&|text| text.contains("%M"));
    found.utc = all(&|text| text.ends_with('Z') || text.ends_with("UTC"));
    found.offset = all(&|text| text.contains("%z") || text.contains("%:z"));
    found.twelve_hours = chosen.iter().any(|candidate| candidate.text.contains("%p"));
    for group in groups {
        let of = |day_first: bool| {
            group.0.iter().map(|index| &CANDIDATES[*index]).find(|candidate| candidate.day_first == Some(day_first))
        };
        if let (Some(one), Some(other)) = (of(true), of(false)) {
            found.either.push(other.text.clone());
            found.formats.push(one.text.clone());
        } else if let Some(candidate) = first(group) {
            found.formats.push(candidate.text.clone());
        }
    }
    found
}

/// Whether a value is a date whose year has two digits, which says too little.
pub(super) fn of_two_digits(value: &str) -> bool {
    let day = value.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['/', '.', '-']).collect();
    parts.len() == 3 && parts.iter().all(|part| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[&str]) -> Option<Dates> {
        detect(values.iter().map(|value| (*value, 1)))
    }

    #[test]
    fn formats_of_real_exports_are_told() {
        for (values, format, timed, offset, utc) in [
            (&["2026-05-01", "2026-12-31"][..], "%Y-%m-%d", false, false, false),
            (&["2026-05-01 10:15:00"], "%Y-%m-%d %H:%M:%S", true, false, false),
            (&["2006-04-15T03:23:15.000Z"], "%Y-%m-%dT%H:%M:%S%.fZ", true, false, true),
            (
                &["2024-08-14T11:37:45.65+00:00", "2024-08-14T11:37:45+00:00"],
                "%Y-%m-%dT%H:%M:%S%.f%z",
                true,
                true,
                false,
            ),
            (&["2022-10-20T22:45:01.000+0000"], "%Y-%m-%dT%H:%M:%S%.f%z", true, true, false),
            (&["8/25/2020 13:03", "12/31/2154 23:59"], "%m/%d/%Y %H:%M", true, false, false),
            (&["13/05/2024", "01/02/2024"], "%d/%m/%Y", false, false, false),
            (&["4 May 2021"], "%d %b %Y", false, false, false),
            (&["20240501"], "%Y%m%d", false, false, false),
        ] {
            let found = told(values).unwrap_or_else(|| panic!("{format}"));
            assert_eq!((&found.formats[..], found.timed), (&[format.to_owned()][..], timed), "{found:?}");
            assert_eq!((found.offset, found.utc, found.either.len(), found.unread), (offset, utc, 0, 0), "{format}");
        }
    }

    #[test]
    fn days_and_months_are_not_guessed() {
        let found = told(&["04/05/2024", "11/12/2023"]).expect("dates");
        assert_eq!(
            (&found.formats[..], &found.either[..]),
            (&["%d/%m/%Y".to_owned()][..], &["%m/%d/%Y".to_owned()][..])
        );
    }

    #[test]
    fn sentinels_and_twelve_hours_are_seen() {
        let found = told(&["4/14/2026 8:21:50 PM", "1/1/1900 12:00:00 AM", "12/31/9999 11:59:59 PM"]).expect("times");
        assert_eq!((found.twelve_hours, found.sentinels, found.formats[0].as_str()), (true, 2, "%m/%d/%Y %I:%M:%S %p"));
        let two = told(&["2024-05-01", "2024-05-01 10:00:00"]).expect("both");
        assert_eq!((two.formats.len(), two.timed), (2, false));
    }

    #[test]
    fn what_is_no_date_is_none() {
        assert_eq!(told(&["Ada", "Bo"]), None);
        assert_eq!(told(&["+49 40 1234567"]), None);
        assert_eq!(told(&["12345678"]), None);
        assert_eq!(told(&["2024-05-01", "x", "y"]), None);
        assert!(of_two_digits("05/01/24 10:00") && !of_two_digits("05/01/2024"));
    }
}
