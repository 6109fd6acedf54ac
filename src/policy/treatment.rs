//! Treatments as a job writes them: which keys each takes, which column types it works on (R20).
//! Must not know purposes or categories, nor how values are treated.

use super::finding::Page;
use super::job_spec::{FieldSpec, Treat};
use super::plan::Treatment;
use super::source_spec::TypeName;
use super::spec::At;
use super::value;
use std::collections::BTreeMap;
use std::ops::Range;

/// The name as written in a spec.
fn name(treat: Treat) -> &'static str {
    match treat {
        Treat::AsIs => "as-is",
        Treat::Pseudonymize => "pseudonymize",
        Treat::Prefix => "prefix",
        Treat::Mask => "mask",
        Treat::Year => "year",
        Treat::Quarter => "quarter",
        Treat::Month => "month",
        Treat::Week => "week",
        Treat::Day => "day",
        Treat::AgeBand => "age-band",
        Treat::Bucket => "bucket",
        Treat::Round => "round",
        Treat::Map => "map",
        Treat::EmailDomain => "email-domain",
        Treat::Present => "present",
        Treat::Constant => "constant",
    }
}

/// Column types a treatment works on; empty = any.
fn types(treat: Treat) -> &'static [TypeName] {
    match treat {
        Treat::AsIs | Treat::Present | Treat::Constant => &[],
        Treat::Pseudonymize | Treat::Prefix | Treat::Mask | Treat::Map | Treat::EmailDomain => &[TypeName::Text],
        Treat::Year | Treat::Quarter | Treat::Month | Treat::Week | Treat::Day => {
            &[TypeName::Date, TypeName::Timestamp]
        }
        Treat::AgeBand => &[TypeName::Date],
        Treat::Bucket | Treat::Round => &[TypeName::Integer, TypeName::Decimal],
    }
}

fn type_name(kind: TypeName) -> &'static str {
    match kind {
        TypeName::Text => "text",
        TypeName::Integer => "integer",
        TypeName::Decimal => "decimal",
        TypeName::Boolean => "boolean",
        TypeName::Date => "date",
        TypeName::Timestamp => "timestamp",
    }
}

/// Reads a field's treatment; `column` is the type of the column it is made from.
pub(super) fn treatment(
    page: Page,
    field: &At<String>,
    spec: &FieldSpec,
    column: Option<TypeName>,
) -> Option<Treatment> {
    unused_keys(page, spec);
    let allowed = types(*spec.treat);
    if let Some(kind) = column.filter(|kind| !allowed.is_empty() && !allowed.contains(kind)) {
        let names: Vec<_> = allowed.iter().map(|k| type_name(*k)).collect();
        let text = format!("{} does not work on {}", name(*spec.treat), type_name(kind));
        let help = format!("it takes {}; choose another treatment or type the column", names.join(" or "));
        page.fault(spec.treat.span(), "treatment-type", text, help);
    }
    match *spec.treat {
        Treat::AsIs => Some(Treatment::AsIs),
        Treat::Pseudonymize => Some(Treatment::Pseudonymize),
        Treat::Prefix => prefix(page, field, spec),
        Treat::Mask => mask(page, spec),
        Treat::Year => Some(Treatment::Year),
        Treat::Quarter => Some(Treatment::Quarter),
        Treat::Month => Some(Treatment::Month),
        Treat::Week => Some(Treatment::Week),
        Treat::Day => Some(Treatment::Day),
        Treat::AgeBand => edges(page, field, spec, 0..151).map(|edges| Treatment::AgeBand { edges }),
        Treat::Bucket => edges(page, field, spec, i64::MIN..i64::MAX).map(|edges| Treatment::Bucket { edges }),
        Treat::Round => round(page, field, spec),
        Treat::Map => map(page, field, spec),
        Treat::EmailDomain => Some(Treatment::EmailDomain),
        Treat::Present => Some(Treatment::Present),
        Treat::Constant => constant(page, field, spec),
    }
}

fn unused_keys(page: Page, spec: &FieldSpec) {
    let treat = *spec.treat;
    let unused = |at: Option<Range<usize>>, key: &str, used: bool| {
        if let Some(at) = at.filter(|_| !used) {
            page.fault(at, "unused-key", format!("{} has no key `{key}`", name(treat)), "leave it out");
        }
    };
    let counted = !matches!(treat, Treat::Constant | Treat::Present);
    unused(spec.from.as_ref().map(At::span), "from", treat != Treat::Constant);
    unused(spec.max_untreated.as_ref().map(At::span), "max_untreated", counted);
    unused(spec.length.as_ref().map(At::span), "length", treat == Treat::Prefix);
    unused(spec.keep_last.as_ref().map(At::span), "keep_last", treat == Treat::Mask);
    unused(spec.with.as_ref().map(At::span), "with", treat == Treat::Mask);
    unused(spec.edges.as_ref().map(At::span), "edges", matches!(treat, Treat::AgeBand | Treat::Bucket));
    unused(spec.to.as_ref().map(At::span), "to", treat == Treat::Round);
    unused(spec.values.as_ref().map(At::span), "values", treat == Treat::Map);
    unused(spec.default.as_ref().map(At::span), "default", treat == Treat::Map);
    unused(spec.value.as_ref().map(At::span), "value", treat == Treat::Constant);
}

/// A key the treatment cannot do without.
fn need<'a, T>(page: Page, field: &At<String>, spec: &FieldSpec, at: &'a Option<T>, key: &str) -> Option<&'a T> {
    if at.is_none() {
        let text = format!("{} needs `{key}`", name(*spec.treat));
        page.fault(
            field.span(),
            "treatment-key",
            text,
            format!("add `{key}`; docs/spec.md has the table of treatments"),
        );
    }
    at.as_ref()
}

fn prefix(page: Page, field: &At<String>, spec: &FieldSpec) -> Option<Treatment> {
    let at = need(page, field, spec, &spec.length, "length")?;
    let length = value::number(page, Some(at), 1..10_001, 1)?;
    Some(Treatment::Prefix { length: usize::try_from(length).ok()? })
}

fn mask(page: Page, spec: &FieldSpec) -> Option<Treatment> {
    let keep_last = value::number(page, spec.keep_last.as_ref(), 0..10_001, 4);
    let with = spec.with.as_ref().map_or(Some('*'), |at| one_character(page, at));
    Some(Treatment::Mask { keep_last: usize::try_from(keep_last?).ok()?, with: with? })
}

fn one_character(page: Page, at: &At<String>) -> Option<char> {
    let mut characters = at.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) if !only.is_control() => Some(only),
        _ => {
            page.fault(at.span(), "one-character", "not one character", "write one character such as \"*\"");
            None
        }
    }
}

fn edges(page: Page, field: &At<String>, spec: &FieldSpec, bounds: Range<i64>) -> Option<Vec<i64>> {
    let list = need(page, field, spec, &spec.edges, "edges")?;
    let edges: Vec<i64> = list.iter().map(|at| **at).collect();
    if edges.is_empty() || edges.windows(2).any(|w| w[0] >= w[1]) {
        page.fault(list.span(), "edges", "edges must ascend", "write at least one, each greater than the one before");
        return None;
    }
    let read: Vec<_> = list.iter().map(|at| value::number(page, Some(at), bounds.clone(), 0)).collect();
    read.into_iter().collect()
}

fn round(page: Page, field: &At<String>, spec: &FieldSpec) -> Option<Treatment> {
    let at = need(page, field, spec, &spec.to, "to")?;
    value::number(page, Some(at), 1..i64::MAX, 1).map(|to| Treatment::Round { to })
}

fn map(page: Page, field: &At<String>, spec: &FieldSpec) -> Option<Treatment> {
    let values = need(page, field, spec, &spec.values, "values");
    let default = need(page, field, spec, &spec.default, "default");
    let (at, default) = (values?, default?);
    if at.is_empty() {
        page.fault(at.span(), "map-values", "the table is empty", "add at least one value, or use constant");
    }
    let mut table = BTreeMap::new();
    for (key, published) in at.iter() {
        if table.insert(value::folded(key), published.to_string()).is_some() {
            let help = "keys are compared after trim, NFC and case folding; keep one";
            page.fault(key.span(), "map-values", "another key of the table means the same", help);
        }
        if key.trim().is_empty() {
            page.fault(
                key.span(),
                "map-values",
                "a blank key never matches",
                "blank is null, and null stays null (R20)",
            );
        }
    }
    Some(Treatment::Map { values: table, default: default.to_string() })
}

fn constant(page: Page, field: &At<String>, spec: &FieldSpec) -> Option<Treatment> {
    let at = need(page, field, spec, &spec.value, "value")?;
    Some(Treatment::Constant { value: at.to_string() })
}
