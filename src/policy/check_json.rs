//! What a source says of JSON: where records are, and names of columns that are paths into them.

use super::finding::Page;
use super::record_path::{JsonFormat, PathStep, RecordPath};
use super::source_spec::{Format, ReadSpec, SourceSpec};
use std::collections::BTreeMap;
use std::ops::Range;

/// Reads the keys of `[read]` that only JSON has.
pub(super) fn rules(page: Page, spec: &SourceSpec, encoding: Option<&str>) -> Option<JsonFormat> {
    let read: &ReadSpec = &spec.read;
    let other = |label: &str| encoding_rs::Encoding::for_label(label.as_bytes()) != Some(encoding_rs::UTF_8);
    if let Some(at) = read.encoding.as_ref().filter(|_| encoding.is_some_and(other)) {
        page.fault(at.span(), "encoding", "JSON is in UTF-8", "leave it out, or have it exported in UTF-8");
    }
    match (*read.format, &read.records) {
        (Format::Ndjson, None) => Some(JsonFormat::Lines),
        (Format::Ndjson, Some(at)) => {
            let help = "leave it out; pages with an array of records, one per line or not, are format = \"json\"";
            page.fault(
                at.span(),
                "unused-key",
                "`records` is for format = \"json\": here every line is a record",
                help,
            );
            None
        }
        (_, None) => Some(JsonFormat::Arrays { path: Vec::new() }),
        (_, Some(at)) => match RecordPath::read(at).ok().and_then(RecordPath::keys) {
            Some(path) => Some(JsonFormat::Arrays { path }),
            None => {
                let help = "write the keys that lead to the array of records, as in \"results\" or \"data.items\"";
                page.fault(at.span(), "column-path", "no path through objects", help);
                None
            }
        },
    }
}

/// Refuses names of columns that are no paths, and paths that go on from the end of another.
pub(super) fn names<'a>(page: Page, names: impl Iterator<Item = (&'a str, Range<usize>)>) {
    let mut ends: BTreeMap<Vec<String>, Range<usize>> = BTreeMap::new();
    for (name, span) in names {
        match RecordPath::read(name) {
            Err(what) => {
                let help = "write the path as in properties.email, emails[0].value or emails[primary=true].value; a \
                            backslash before a mark makes it part of a key";
                page.fault(span, "column-path", format!("no path into a JSON record: it has {what}"), help);
            }
            // A column that says whether there is something goes with what is in it.
            Ok(path) if path.steps.last() == Some(&PathStep::Present) => {}
            Ok(path) => {
                ends.insert(path.steps.iter().map(said).collect(), span);
            }
        }
    }
    for (path, span) in &ends {
        if (1..path.len()).any(|end| ends.contains_key(&path[..end])) {
            let help = "a column is a value or has columns in it; leave one of the two out";
            page.fault(span.clone(), "column-path", "another column ends on the way of this path", help);
        }
    }
}

fn said(step: &PathStep) -> String {
    format!("{step:?}")
}
