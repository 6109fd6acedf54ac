//! A list of corrections on its own.

use super::check_match;
use super::finding::Page;
use super::plan::CorrectionList;
use super::policy_spec::ListSpec;
use super::spec::At;
use super::value::{self, PlaceKind};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::ops::Range;

/// What stands for the name of an export set in a place.
const SET: &str = "{set}";

/// Checks a list of corrections (R80).
pub(super) fn list(
    page: Page,
    name: &At<String>,
    spec: &ListSpec,
    roots: &BTreeMap<String, String>,
) -> Option<CorrectionList> {
    foreign_keys(page, spec);
    let input = value::location(page, &spec.input, roots, PlaceKind::List);
    if spec.input.contains(SET) {
        page.fault(spec.input.span(), "list-rectify", "corrections have no sets", "leave {set} out");
    }
    if spec.input.starts_with("state:") {
        let help = "put the file into a root of raw exports: its values go nowhere else";
        page.fault(spec.input.span(), "list-rectify", "corrections are no part of the state", help);
    }
    let needed = |at: &Option<At<String>>, key: &str| match at {
        Some(at) => value::said(page, at).map(|at| value::trimmed(&at)),
        None => {
            let (what, help) =
                (format!("a list of corrections needs `{key}`"), "add it: docs/howto/rectify.md shows how");
            page.fault(name.span(), "list-rectify", what, help);
            None
        }
    };
    let own = value::name(page, name);
    let source = needed(&spec.source, "source");
    let (column, was, right) = (needed(&spec.column, "column"), needed(&spec.was, "was"), needed(&spec.value, "value"));
    let (reason, received) = (needed(&spec.reason, "reason"), needed(&spec.received, "received"));
    let record = check_match::matches(page, spec)?;
    let [record] = &record[..] else {
        let at = spec.r#match.as_ref().map_or(name.span(), At::span);
        let help =
            "write match = { Column = \"kind\" }, with the column of the record's id and the kind of the source's key";
        page.fault(at, "list-rectify", "a list of corrections names records by one identifier", help);
        return None;
    };
    let zone = spec.zone.as_ref().map_or(Some(TimeZone::UTC), |at| value::zone(page, at));
    let formats = check_match::list_formats(page, spec, zone.as_ref());
    let request = value::said(page, &spec.request).map(|at| value::trimmed(&at));
    Some(CorrectionList {
        name: own?,
        input: input?,
        source: source?,
        record: record.clone(),
        column: column?,
        was: was?,
        value: right?,
        reason: reason?,
        decision: spec.decision.as_ref().map(|at| value::trimmed(at)),
        request: request?,
        request_pattern: check_match::request_pattern(page, spec.request_pattern.as_ref())?,
        received: received?,
        formats: formats?,
        zone: zone?,
        delimiter: spec.delimiter.as_ref().map_or(Some(b','), |at| value::ascii(page, at))?,
        may_be_empty: spec.may_be_empty.as_ref().is_some_and(|at| **at),
    })
}

/// Keys of lists of requests, which mean nothing here.
fn foreign_keys(page: Page, spec: &ListSpec) {
    let texts = [
        ("member", &spec.member),
        ("until", &spec.until),
        ("review_by", &spec.review_by),
        ("informed", &spec.informed),
        ("from", &spec.from),
        ("to", &spec.to),
        ("lifts", &spec.lifts),
        ("max_lifted", &spec.max_lifted),
        ("set_format", &spec.set_format),
        ("encoding", &spec.encoding),
        ("sheet", &spec.sheet),
        ("records", &spec.records),
    ];
    let texts = texts.into_iter().filter_map(|(key, at)| Some((key, at.as_ref()?.span())));
    let others: [(&str, Option<Range<usize>>); 9] = [
        ("format", spec.format.as_ref().map(At::span)),
        ("header", spec.header.as_ref().map(At::span)),
        ("signal", spec.signal.as_ref().map(At::span)),
        ("given_by", spec.given_by.as_ref().map(At::span)),
        ("when", spec.when.as_ref().map(At::span)),
        ("purposes", spec.purposes.as_ref().map(At::span)),
        ("ground", spec.ground.as_ref().map(At::span)),
        ("lift_erase", spec.lift_erase.as_ref().map(At::span)),
        ("snapshot", spec.snapshot.as_ref().map(At::span)),
    ];
    for (key, span) in texts.chain(others.into_iter().filter_map(|(key, span)| Some((key, span?)))) {
        page.fault(span, "unused-key", format!("`{key}` is not for corrections"), "leave it out");
    }
}

/// Keys of corrections in a list of requests.
pub(super) fn unused(page: Page, spec: &ListSpec) {
    let keys = [
        ("source", &spec.source),
        ("column", &spec.column),
        ("was", &spec.was),
        ("value", &spec.value),
        ("reason", &spec.reason),
        ("decision", &spec.decision),
    ];
    for (key, at) in keys.into_iter().filter_map(|(key, at)| Some((key, at.as_ref()?))) {
        page.fault(at.span(), "unused-key", format!("`{key}` is for lists with effect = \"rectify\""), "leave it out");
    }
}
