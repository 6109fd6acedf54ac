//! One value of a spec at a time: names, periods, shares, zones, places, patterns, formats. Each returns the value or
//! leaves a finding that points at it.

use super::finding::Page;
use super::share::Share;
use super::spec::At;
use crate::clock::{self, Period};
use globset::{GlobBuilder, GlobMatcher};
use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::{civil::Date, tz::TimeZone};
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use std::collections::BTreeMap;
use std::ops::Range;

/// A place in a root, written `ROOT:path-or-glob`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Name of a root.
    pub root: String,
    /// Path or glob below it, with at most one `{set}`.
    pub path: String,
}

/// R5: White_Space off both ends, NFC.
pub(super) fn trimmed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text.trim()).into_owned()
}

/// R5: trimmed, NFC, full case folding.
pub(super) fn folded(text: &str) -> String {
    CaseMapper::new().fold_string(&trimmed(text)).into_owned()
}

/// Returns whether text can be a name: `[a-z0-9][a-z0-9-]*` (R3).
pub(super) fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    plain && !text.is_empty() && !text.starts_with('-')
}

/// Checks a name against R3.
pub(super) fn name(page: Page, at: &At<String>) -> Option<String> {
    if is_name(at) {
        return Some(at.to_string());
    }
    page.fault(
        at.span(),
        "name",
        "not a name",
        "names are lower-case letters, digits and hyphens, not a hyphen first (R3)",
    );
    None
}

/// Checks the version of a file's format.
pub(super) fn version(page: Page, at: &At<i64>) {
    if **at != 1 {
        page.fault(at.span(), "spec-version", "this version of tamis reads spec = 1", "write spec = 1");
    }
}

/// Text that says something.
pub(super) fn said(page: Page, at: &At<String>) -> Option<String> {
    if !at.trim().is_empty() {
        return Some(at.to_string());
    }
    page.fault(
        at.span(),
        "empty-text",
        "empty text says nothing",
        "fill it in, or leave the key out where that is allowed",
    );
    None
}

/// An ISO 8601 period.
pub(super) fn period(page: Page, at: &At<String>) -> Option<Period> {
    let period = Period::parse(at);
    if period.is_none() {
        let help = "write an ISO 8601 duration in whole numbers, such as P3Y, P30D or PT20M";
        page.fault(at.span(), "duration", "not a duration", help);
    }
    period
}

/// An optional period with a default that is known to be one.
pub(super) fn period_or(page: Page, at: Option<&At<String>>, default: &str) -> Option<Period> {
    match at {
        Some(at) => period(page, at),
        None => Period::parse(default),
    }
}

/// A period that keeps something: longer than nothing.
pub(super) fn keep(page: Page, at: &At<String>) -> Option<Period> {
    let period = period(page, at)?;
    if period == Period::default() {
        page.fault(at.span(), "duration", "a duration of zero keeps nothing", "write a longer one");
        return None;
    }
    Some(period)
}

/// A share such as `2%` or `0.1%`, in millionths.
pub(super) fn share(page: Page, at: &At<String>) -> Option<Share> {
    let share = Share::read(at);
    if share.is_none() {
        let help = "write a percentage from 0% to 100% with at most four decimals, such as 2% or 0.1%";
        page.fault(at.span(), "share", "not a share", help);
    }
    share
}

/// An optional share with a default that is known to be one.
pub(super) fn share_or(page: Page, at: Option<&At<String>>, default: &str) -> Option<Share> {
    match at {
        Some(at) => share(page, at),
        None => Share::read(default),
    }
}

/// A whole number within bounds, or the default.
pub(super) fn number(page: Page, at: Option<&At<i64>>, bounds: Range<i64>, default: i64) -> Option<i64> {
    let Some(at) = at else { return Some(default) };
    within(page, at.span(), **at, bounds)
}

/// Returns a number that is within bounds.
pub(super) fn within(page: Page, at: Range<usize>, number: i64, bounds: Range<i64>) -> Option<i64> {
    if bounds.contains(&number) {
        return Some(number);
    }
    let help = match bounds.end {
        i64::MAX => format!("write a whole number of {} or more", bounds.start),
        end => format!("write a whole number from {} to {}", bounds.start, end - 1),
    };
    page.fault(at, "number", "the number is out of bounds", help);
    None
}

/// Returns the time zone that the IANA database has under the name.
pub(super) fn zone(page: Page, at: &At<String>) -> Option<TimeZone> {
    match clock::zone(at) {
        Ok(zone) => Some(zone),
        Err(_) => {
            page.fault(at.span(), "zone", "no such time zone", "use an IANA name such as Europe/Paris or UTC");
            None
        }
    }
}

/// A calendar date, YYYY-MM-DD.
pub(super) fn date(page: Page, at: &At<String>) -> Option<Date> {
    let date = at.parse::<Date>().ok().filter(|d| d.to_string() == **at);
    if date.is_none() {
        page.fault(at.span(), "date", "not a date", "write the date as \"YYYY-MM-DD\"");
    }
    date
}

/// A boolean after case folding, as columns of that type hold it (R22).
pub(super) fn boolean(folded: &str) -> Option<&'static str> {
    match folded {
        "true" | "1" | "yes" => Some("true"),
        "false" | "0" | "no" => Some("false"),
        _ => None,
    }
}

/// One ASCII character that can delimit or quote.
pub(super) fn ascii(page: Page, at: &At<String>) -> Option<u8> {
    let byte = match at.as_bytes() {
        [byte @ (b'\t' | b' '..=b'~')] if !byte.is_ascii_alphanumeric() => Some(*byte),
        _ => None,
    };
    if byte.is_none() {
        let help = "write one ASCII character that is no letter, digit or line end, such as \",\", \";\" or \"\\t\"";
        page.fault(at.span(), "delimiter", "not one usable ASCII character", help);
    }
    byte
}

/// A WHATWG encoding label for an encoding that can hold a CSV. UTF-7 and UTF-32 have none; `replacement` and
/// `x-user-defined` decode nothing real.
pub(super) fn encoding(page: Page, at: Option<&At<String>>) -> Option<String> {
    let Some(at) = at else { return Some("utf-8".into()) };
    let known = encoding_rs::Encoding::for_label_no_replacement(at.as_bytes());
    if known.is_some_and(|e| e != encoding_rs::X_USER_DEFINED) {
        return Some(at.trim().to_ascii_lowercase());
    }
    let help = "use a label of the WHATWG Encoding Standard such as utf-8, utf-16le, windows-1252 or shift_jis";
    page.fault(at.span(), "encoding", "no such encoding", help);
    None
}

/// A glob; `*` and `?` stay within one path segment.
pub(super) fn glob(page: Page, at: &At<String>) -> Option<GlobMatcher> {
    let built = GlobBuilder::new(at).literal_separator(true).build();
    if built.is_err() || at.trim().is_empty() {
        page.fault(at.span(), "glob", "not a glob", "use *, **, ?, [a-z] and {a,b}");
        return None;
    }
    built.ok().map(|g| g.compile_matcher())
}

/// What a place may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceKind {
    /// Objects of an export: a glob with at most one `{set}`.
    Export,
    /// Objects of a list: a glob.
    List,
    /// A dataset: a plain path.
    Dataset,
}

/// Reads `ROOT:path`. The root must be known, the path relative, without escapes of any kind.
pub(super) fn location(
    page: Page,
    at: &At<String>,
    roots: &BTreeMap<String, String>,
    place: PlaceKind,
) -> Option<Location> {
    let Some((root, path)) = at.split_once(':') else {
        page.fault(at.span(), "location", "not ROOT:path", "write the name of a root, a colon and a path below it");
        return None;
    };
    if !roots.contains_key(root) {
        let names: Vec<_> = roots.keys().map(String::as_str).collect();
        page.fault(at.span(), "unknown-root", "no such root in policy.toml", format!("roots: {}", names.join(", ")));
        return None;
    }
    if let Err(why) = path_is_plain(path) {
        page.fault(at.span(), "location", why, "write a relative path of plain segments, such as crm/contacts");
        return None;
    }
    if let Err((code, why, help)) = place_allows(path, place) {
        page.fault(at.span(), code, why, help);
        return None;
    }
    Some(Location { root: root.into(), path: path.into() })
}

fn path_is_plain(path: &str) -> Result<(), &'static str> {
    if path.starts_with('/') {
        return Err("the path is absolute");
    }
    if path.chars().any(|c| c.is_control() || matches!(c, '\\' | '%' | '#')) {
        return Err("the path has a backslash, %, # or a control character");
    }
    if path.split('/').any(|s| s.is_empty() || s == "." || s == "..") {
        return Err("the path has an empty, . or .. segment");
    }
    Ok(())
}

type PlaceRefusal = (&'static str, &'static str, &'static str);

fn place_allows(path: &str, place: PlaceKind) -> Result<(), PlaceRefusal> {
    let sets = path.matches("{set}").count();
    let rest = path.replace("{set}", "*");
    match place {
        PlaceKind::Dataset if path.contains(['*', '?', '[', ']', '{', '}', ':']) => {
            Err(("location", "a dataset needs a plain path", "leave out *, ?, brackets, braces and colons"))
        }
        _ if sets > 1 => Err(("set-place", "more than one {set}", "keep one {set} and use * for the rest")),
        _ if GlobBuilder::new(&rest).literal_separator(true).build().is_err() => {
            Err(("glob", "not a glob", "use *, **, ?, [a-z] and {a,b}"))
        }
        _ => Ok(()),
    }
}

pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// Checks the shape of an ISO 3166 code.
pub(super) fn country(page: Page, at: &At<String>) {
    if !is_country(at) {
        page.fault(at.span(), "region", "not a country", "write the ISO 3166 code in capitals, such as DE or FR");
    }
}

/// An ISO 3166 code of a region that has phone numbers, in capitals.
pub(super) fn region(page: Page, at: &At<String>) -> Option<String> {
    let known =
        Region::from_code(at).is_ok_and(|region| PHONE_NUMBER_UTIL.get_supported_regions().any(|r| r == region));
    if known && is_country(at) {
        return Some(at.to_string());
    }
    page.fault(at.span(), "region", "not a region", "write the ISO 3166 code in capitals, such as DE or FR");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_names() {
        assert!(is_name("crm-contacts") && is_name("2nd"));
        assert!(!is_name("") && !is_name("-a") && !is_name("A") && !is_name("a_b") && !is_name("ä"));
    }

    #[test]
    fn paths_stay_below_their_root() {
        assert_eq!(path_is_plain("a/b.c/*"), Ok(()));
        for bad in ["", "/a", "a//b", "../a", "a/..", "a/./b", "a\\b", "a%2e", "a#b", "a\0b", "a/"] {
            assert!(path_is_plain(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn r5_folding_is_full_and_composed() {
        assert_eq!(folded(" Stra\u{df}e\u{a0}"), "strasse");
        assert_eq!(trimmed("e\u{301}"), "\u{e9}");
    }
}
