//! Which keys of `[read]` each format has: one table.

use super::finding::Page;
use super::source_spec::{Format, ReadSpec};
use super::spec::At;
use std::ops::Range;

use Format::{Csv, Json, Ndjson, Parquet, Xlsx};

/// A key, where it stands in the spec, the formats that have it, and what it is for.
pub(super) type FormatKey = (&'static str, Option<Range<usize>>, &'static [Format], &'static str);

/// Refuses keys that the format does not have.
pub(super) fn idle_keys(page: Page, read: &ReadSpec) {
    const TEXT: &[Format] = &[Csv, Json, Ndjson];
    // Whether names can stand elsewhere is judged with the header.
    const HEADED: &[Format] = &[Csv, Parquet, Xlsx];
    let keys: [FormatKey; 12] = [
        ("encoding", span(read.encoding.as_ref()), TEXT, "CSV"),
        ("bom", span(read.bom.as_ref()), TEXT, "CSV"),
        ("delimiter", span(read.delimiter.as_ref()), &[Csv], "CSV"),
        ("quote", span(read.quote.as_ref()), &[Csv], "CSV"),
        ("stray_quotes", span(read.stray_quotes.as_ref()), &[Csv], "CSV"),
        ("header", span(read.header.as_ref()), &[Csv, Xlsx], "CSV"),
        ("names", span(read.names.as_ref()), HEADED, "CSV"),
        ("model", span(read.model.as_ref()), HEADED, "CSV"),
        ("entity", span(read.entity.as_ref()), HEADED, "CSV"),
        // Of lines there is more to say.
        ("records", span(read.records.as_ref()), &[Json, Ndjson], "format = \"json\""),
        ("sheet", span(read.sheet.as_ref()), &[Xlsx], "workbooks"),
        ("formulas", span(read.formulas.as_ref()), &[Xlsx], "workbooks"),
    ];
    refuse_others(page, keys, *read.format);
}

/// Refuses those of the keys that a format does not have.
pub(super) fn refuse_others(page: Page, keys: impl IntoIterator<Item = FormatKey>, format: Format) {
    for (key, at, formats, of) in keys {
        if let Some(at) = at.filter(|_| !formats.contains(&format)) {
            page.fault(at, "unused-key", format!("`{key}` is for {of}"), "leave it out, or change `format`");
        }
    }
}

/// Returns where a key stands.
pub(super) fn span<T>(at: Option<&At<T>>) -> Option<Range<usize>> {
    at.map(At::span)
}
