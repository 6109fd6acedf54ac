//! Where the names of columns are: in a header, in the source, or in a file beside the export (R59). Must not know values.

use super::finding::Page;
use super::name_pattern::NamePattern;
use super::plan::{CsvFormat, ModelFile, NamesFrom};
use super::source_spec::{HeaderSpec, ReadSpec, SourceSpec};
use super::spec::At;
use super::value;
use crate::same_name::{folded, normal};
use std::collections::HashSet;

/// Returns the line of the header and where names are.
pub(super) fn names(page: Page, read: &ReadSpec) -> Option<(u64, NamesFrom)> {
    let given = read.names.as_ref().map(At::span);
    let of_files = [
        ("names", given),
        ("model", read.model.as_ref().map(At::span)),
        ("entity", read.entity.as_ref().map(At::span)),
    ];
    let line = match read.header.as_ref().map(|at| (at.span(), **at)) {
        None => CsvFormat::UNSET.header,
        Some((at, HeaderSpec::Line(line))) => value::within(page, at, line, 1..1_000_001)?.try_into().ok()?,
        Some((at, HeaderSpec::Whether(true))) => {
            page.fault(at, "number", "`header` is the number of a line, or false", "write 1 for the first line");
            return None;
        }
        Some((at, HeaderSpec::Whether(false))) => return without(page, read, at).map(|names| (1, names)),
    };
    for (key, at) in of_files {
        if let Some(at) = at {
            let help = "leave it out, or set header = false";
            page.fault(at, "unused-key", format!("`{key}` is for files without a header"), help);
        }
    }
    Some((line, NamesFrom::Header))
}

/// Given names are those of all columns of the files: no file has a declared column that is not among them.
pub(super) fn columns(page: Page, spec: &SourceSpec, given: &[String]) {
    let there = |name: &str| given.iter().any(|given| normal(given) == normal(name));
    for (at, column) in spec.columns.iter().filter(|(_, column)| column.parts.is_none()) {
        let pattern = NamePattern::read(at);
        let others = column.names.iter().flat_map(|names| names.iter());
        if pattern.exact().is_none_or(there) || others.into_iter().any(|name| there(name)) {
            continue;
        }
        let what = "`names` lacks this column, so no file has it";
        page.fault(at.span(), "header-names", what, "add it to `names` in its place, or take the column out");
    }
}

/// Files without a header: the names are in one other place.
fn without(page: Page, read: &ReadSpec, at: std::ops::Range<usize>) -> Option<NamesFrom> {
    match (&read.names, &read.model, &read.entity) {
        (Some(names), None, None) => listed(page, names).map(NamesFrom::Given),
        (None, Some(model), Some(entity)) => {
            if model.contains(['/', '\\', '*', '?']) || model.trim().is_empty() {
                page.fault(
                    model.span(),
                    "location",
                    "`model` is the name of a file",
                    "write \"model.json\", without a folder",
                );
                return None;
            }
            Some(NamesFrom::Model(ModelFile { name: model.to_string(), entity: entity.to_string() }))
        }
        _ => {
            let help = "add names = [\"…\"], or model = \"model.json\" and entity = \"…\", and only one of the two";
            page.fault(
                at,
                "header-names",
                "the files have no header, and not exactly one place names their columns",
                help,
            );
            None
        }
    }
}

fn listed(page: Page, names: &At<Vec<At<String>>>) -> Option<Vec<String>> {
    if names.is_empty() {
        page.fault(names.span(), "header-names", "no name at all", "name every column of the files, in their order");
        return None;
    }
    let (mut known, mut good) = (HashSet::new(), true);
    for name in names.iter() {
        let (seen, named) = (folded(name), !normal(name).is_empty());
        let twice = !known.insert(seen.clone());
        if seen.is_empty() || twice {
            let what = match (seen.is_empty(), named) {
                (true, false) => "a blank name",
                (true, true) => "a name of which nobody sees anything",
                _ => "a name that is in the list already, apart from case and characters that nobody sees",
            };
            page.fault(name.span(), "header-names", what, "give each column a name of its own");
            good = false;
        }
    }
    good.then(|| names.iter().map(|name| normal(name)).collect())
}
