//! How the files of a list of requests are read: its `format`, and the keys that go with it.

use super::check_format::{self, FormatKey, span};
use super::check_json;
use super::finding::Page;
use super::policy_spec::ListSpec;
use super::read_format::{CsvFormat, Formulas, RecordFormat, XlsxFormat};
use super::record_path::{JsonFormat, RecordPath};
use super::source_spec::Format;
use super::spec::At;
use super::value;

/// Reads the format of a list.
pub(super) fn records(page: Page, spec: &ListSpec) -> Option<RecordFormat> {
    let format = spec.format.as_ref().map_or(Format::Csv, |at| **at);
    idle_keys(page, spec, format);
    match format {
        Format::Csv => {
            let delimiter =
                spec.delimiter.as_ref().map_or(Some(CsvFormat::UNSET.delimiter), |at| value::ascii(page, at));
            Some(RecordFormat::Csv(CsvFormat { delimiter: delimiter?, ..CsvFormat::UNSET }))
        }
        Format::Xlsx => {
            let header = value::number(page, spec.header.as_ref(), 1..1_048_577, 1);
            let sheet = spec.sheet.as_ref().map_or(Some(None), |at| value::said(page, at).map(Some));
            Some(RecordFormat::Xlsx(XlsxFormat {
                sheet: sheet?,
                header: u64::try_from(header?).ok()?,
                formulas: Formulas::Cached,
            }))
        }
        Format::Parquet => Some(RecordFormat::Parquet),
        Format::Ndjson => json(page, spec, JsonFormat::Lines),
        Format::Json => {
            let path = spec.records.as_ref().map_or(Some(Vec::new()), |at| {
                let path = RecordPath::read(at).ok().and_then(RecordPath::keys);
                if path.is_none() {
                    let help = "write the keys that lead to the array of rows, as in \"results\" or \"data.items\"";
                    page.fault(at.span(), "column-path", "no path through objects", help);
                }
                path
            });
            json(page, spec, JsonFormat::Arrays { path: path? })
        }
    }
}

/// In JSON, columns are paths.
fn json(page: Page, spec: &ListSpec, format: JsonFormat) -> Option<RecordFormat> {
    let matched = spec.r#match.iter().flat_map(|all| all.iter());
    let parted =
        |name: &At<String>| spec.parts.as_ref().is_some_and(|parts| parts.iter().any(|(part, _)| **part == **name));
    let matched = matched.map(|(name, _)| name).filter(|name| !parted(name));
    let parts = spec.parts.iter().flat_map(|all| all.iter()).flat_map(|(_, columns)| columns.iter());
    let others = [&spec.received, &spec.until, &spec.review_by, &spec.informed, &spec.from, &spec.to, &spec.lifts];
    let others = others.into_iter().flatten().chain([&spec.request]).chain(spec.when.as_ref().map(|when| &when.column));
    check_json::names(page, matched.chain(parts).chain(others).map(|at| (at.as_str(), at.span())));
    Some(RecordFormat::Json(format))
}

/// Refuses keys that the format does not have.
fn idle_keys(page: Page, spec: &ListSpec, format: Format) {
    const TEXT: &[Format] = &[Format::Csv];
    let keys: [FormatKey; 5] = [
        ("encoding", span(spec.encoding.as_ref()), TEXT, "CSV"),
        ("delimiter", span(spec.delimiter.as_ref()), TEXT, "CSV"),
        ("sheet", span(spec.sheet.as_ref()), &[Format::Xlsx], "workbooks"),
        ("header", span(spec.header.as_ref()), &[Format::Xlsx], "workbooks"),
        ("records", span(spec.records.as_ref()), &[Format::Json], "format = \"json\""),
    ];
    check_format::refuse_others(page, keys, format);
}
