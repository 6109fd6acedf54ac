//! How lists name persons and requests: kinds of identifier, columns and their parts, ids, dates.

use super::finding::Page;
use super::format::{self, Dated};
use super::plan::{Identifier, ListMatch, Normal, PhoneRegion};
use super::policy_spec::ListSpec;
use super::spec::At;
use super::value;
use crate::same_name;
use jiff::tz::TimeZone;

const REQUEST_PATTERN: &str = "[A-Za-z0-9-]{1,40}";
/// Most columns that make up one value.
const MOST_PARTS: usize = 8;

/// R4: the rules of an identifier as written; `None` when there is no such kind.
fn normal(kind: &str, phone: PhoneRegion) -> Option<Normal> {
    match kind {
        "email" => Some(Normal::Email),
        "salesforce-id" => Some(Normal::SalesforceId),
        "phone" => Some(Normal::Phone(phone)),
        "guid" => Some(Normal::Guid),
        _ => {
            let (name, normal) = match kind.strip_suffix("/any-case") {
                Some(name) => (name, Normal::AnyCase),
                None => (kind, Normal::Text),
            };
            let scoped =
                name.split_once('@').is_some_and(|(name, scope)| value::is_name(name) && value::is_name(scope));
            (name == "text" || scoped).then_some(normal)
        }
    }
}

/// Whether there is such a kind of identifier.
pub(super) fn is_kind(kind: &str) -> bool {
    normal(kind, PhoneRegion::International).is_some()
}

/// R4: an identifier as written, with its normalisation version. Phones get `phone` as their region.
pub(super) fn identifier(page: Page, at: &At<String>, phone: PhoneRegion) -> Option<Identifier> {
    let Some(normal) = normal(at, phone) else {
        let help = "use email, phone, salesforce-id, guid, text, or name@scope for a numbering of its own, the last two \
                    with /any-case after it where case says nothing (R4)";
        page.fault(at.span(), "identifier", "not a kind of identifier", help);
        return None;
    };
    Some(Identifier::new(format!("{}/1", at.as_str()), normal))
}

/// R51: an identifier put together of parts. They have no rule but that of text.
pub(super) fn of_parts(page: Page, at: &At<String>, identifier: Identifier, parts: usize) -> Option<Identifier> {
    if parts > 1 && !matches!(identifier.normal, Normal::Text | Normal::AnyCase) {
        let help = "write name@scope for a numbering of its own, with /any-case after it where case says nothing (R51)";
        page.fault(at.span(), "parts", "a value of this kind is not put together of parts", help);
        return None;
    }
    Some(identifier.of_parts(parts))
}

pub(super) fn matches(page: Page, spec: &ListSpec) -> Option<Vec<ListMatch>> {
    let region = match &spec.region {
        Some(at) => PhoneRegion::Fixed(value::region(page, at)?),
        None => PhoneRegion::International,
    };
    let pairs: Vec<_> = spec.r#match.iter().flat_map(|m| m.iter()).collect();
    for (i, (column, _)) in pairs.iter().enumerate() {
        if pairs[..i].iter().any(|(other, _)| same_name::normal(other) == same_name::normal(column)) {
            page.fault(column.span(), "duplicate-column", "another column has the same name", "keep one");
        }
    }
    for (name, columns) in spec.parts.iter().flat_map(|parts| parts.iter()) {
        if !pairs.iter().any(|(other, _)| value::trimmed(other) == value::trimmed(name)) {
            let help = "name it in `match` too, with its kind of identifier";
            page.fault(columns.span(), "parts", "`match` has nothing of this name", help);
        }
    }
    let read: Vec<_> = pairs
        .into_iter()
        .map(|(column, kind)| {
            let parts = spec.parts.as_ref().and_then(|parts| parts.get(column));
            let columns = match parts {
                Some(parts) => part_names(page, parts),
                None => value::said(page, column).map(|c| vec![value::trimmed(&c)]),
            };
            let found = identifier(page, kind, region.clone());
            let identifier = found.and_then(|found| of_parts(page, kind, found, parts.map_or(1, |parts| parts.len())));
            Some(ListMatch { columns: columns?, identifier: identifier? })
        })
        .collect();
    read.into_iter().collect()
}

/// R67: a file has a name once, so two spellings of it are never both there.
pub(super) fn spellings(page: Page, spec: &ListSpec) {
    let optional = [&spec.received, &spec.from, &spec.to, &spec.until, &spec.lifts, &spec.informed, &spec.review_by];
    let when = spec.when.iter().map(|when| &when.column);
    let parts = spec.parts.iter().flat_map(|parts| parts.iter());
    let whole = |name: &At<String>| spec.parts.as_ref().is_some_and(|parts| parts.get(name).is_some());
    let matched = spec.r#match.iter().flat_map(|of| of.iter()).map(|(name, _)| name).filter(|name| !whole(name));
    let of_parts = parts.flat_map(|(_, columns)| columns.iter());
    let all = std::iter::once(&spec.request).chain(optional.into_iter().flatten()).chain(when);
    let all: Vec<&At<String>> = all.chain(matched).chain(of_parts).collect();
    for (place, at) in all.iter().enumerate() {
        let other = |one: &&At<String>| {
            same_name::folded(one) == same_name::folded(at) && same_name::normal(one) != same_name::normal(at)
        };
        if all[..place].iter().any(other) {
            let help = "a file has a name once, whatever its case and what nobody sees: write it as the file does";
            page.fault(at.span(), "duplicate-column", "another column has the same name, in another spelling", help);
        }
    }
}

/// Names of the columns of a value put together: two or more, each once.
pub(super) fn part_names(page: Page, list: &At<Vec<At<String>>>) -> Option<Vec<String>> {
    let names: Option<Vec<String>> =
        list.iter().map(|at| value::said(page, at).map(|at| value::trimmed(&at))).collect();
    let names = names?;
    let twice = (1..names.len()).find(|at| names[..*at].contains(&names[*at]));
    if let Some(at) = twice {
        page.fault(list[at].span(), "parts", "the column is named twice", "name each column once");
    }
    if names.len() < 2 || names.len() > MOST_PARTS {
        let help = format!("name from 2 to {MOST_PARTS} columns, or leave `parts` out");
        page.fault(list.span(), "parts", "a value is put together of two columns or more", help);
        return None;
    }
    Some(names).filter(|_| twice.is_none())
}

pub(super) fn request_pattern(page: Page, at: Option<&At<String>>) -> Option<regex::Regex> {
    let text = at.map_or(REQUEST_PATTERN, |at| at.as_str());
    let span = at.map_or(0..0, At::span);
    // Compiled alone first: text such as `a)|(b` becomes valid only inside the anchors.
    let built = regex::Regex::new(text).and_then(|_| regex::Regex::new(&format!("^(?:{text})$")));
    match built {
        Ok(pattern) => {
            if pattern.is_match("") || pattern.is_match("name@example.org") {
                let help = "an opaque id shows up in evidence and reports; keep the pattern as narrow as the ids are";
                page.hint(
                    span,
                    "request-pattern-wide",
                    "the pattern lets e-mail addresses or blanks pass as ids",
                    help,
                );
            }
            Some(pattern)
        }
        Err(_) => {
            page.fault(span, "request-pattern", "not a regular expression", "write one as the regex crate documents");
            None
        }
    }
}

/// Formats of a list's dates; inner `None` = the forms that need none.
pub(super) fn list_formats(page: Page, spec: &ListSpec, zone: Option<&TimeZone>) -> Option<Option<Vec<String>>> {
    let Some(list) = &spec.formats else { return Some(None) };
    format::formats(page, list, Dated::List, zone.unwrap_or(&TimeZone::UTC)).map(|(formats, _)| Some(formats))
}
