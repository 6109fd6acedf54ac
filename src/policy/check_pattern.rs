//! Pattern lines of a source, and its words on columns that nobody reads.

use super::finding::Page;
use super::name_pattern::{ColumnCover, NamePattern, PatternLine};
use super::source_spec::{ColumnSpec, SourceSpec};
use super::spec::{At, Category};
use super::value;

/// Checks what a pattern says: of which names, and nothing that somebody has to say of a column that they have seen.
pub(super) fn line(page: Page, at: &At<String>, spec: &ColumnSpec) {
    if NamePattern::read(at).letters() == 0 {
        let help = "write a part of the names, or list what is of no interest in read.ignore";
        page.fault(at.span(), "pattern", "this pattern matches every column", help);
    }
    let text = |key: &Option<At<String>>, name| key.as_ref().map(|at| (at.span(), name));
    let keys = [
        text(&spec.identifier, "identifier"),
        text(&spec.region, "region"),
        text(&spec.region_from, "region_from"),
        text(&spec.max_raw, "max_raw"),
        text(&spec.allow_raw, "allow_raw"),
        spec.several.as_ref().map(|at| (at.span(), "several")),
        spec.parts.as_ref().map(|at| (at.span(), "parts")),
        spec.names.as_ref().map(|at| (at.span(), "names")),
    ];
    for (span, name) in keys.into_iter().flatten() {
        let help = "give each such column a line of its own: who a value names, and whether it may leave as it is, is \
                    said of a column that somebody has looked at";
        page.fault(span, "pattern", format!("a pattern cannot say `{name}`"), help);
    }
}

/// Puts together what covers columns that no line names, and checks that nothing contradicts it.
pub(super) fn cover(page: Page, spec: &SourceSpec, lines: &[(&At<String>, &ColumnSpec)]) -> ColumnCover {
    let (ignore, deny) = (spec.read.ignore.iter(), spec.read.deny.iter());
    let (ignore, deny): (Vec<&At<String>>, Vec<&At<String>>) =
        (ignore.flat_map(|list| list.iter()).collect(), deny.flat_map(|list| list.iter()).collect());
    for at in ignore.iter().chain(&deny) {
        value::said(page, at);
    }
    let lines = lines.iter().map(|(at, column)| PatternLine {
        pattern: NamePattern::read(at),
        category: *column.category,
        purposes: column.purposes.iter().flat_map(|list| list.iter()).map(|at| at.to_string()).collect(),
    });
    let text = |list: &[&At<String>]| list.iter().map(|at| at.to_string()).collect::<Vec<_>>();
    let (ignored, denied) = (text(&ignore), text(&deny));
    let cover =
        ColumnCover::new(lines.collect(), ignored.iter().map(String::as_str), denied.iter().map(String::as_str));
    for (at, column) in spec.columns.iter() {
        let pattern = NamePattern::read(at);
        let Some(name) = pattern.exact() else { continue };
        if cover.denies(name) && *column.category != Category::Secret {
            let help = "take the line out, or give it category = \"secret\"; or change read.deny";
            page.fault(at.span(), "column-denied", "read.deny says that this column must not be declared", help);
        }
        if cover.ignores_by_name(name) {
            let help = "keep one of the two";
            page.fault(at.span(), "column-ignored", "read.ignore says that this column is of no interest", help);
        }
    }
    cover
}
