//! How the bytes of a source become cells: `[read]` and its limits as resolved.

use super::name_place::NamesFrom;
use super::record_path::JsonFormat;
use globset::GlobMatcher;

/// How records lie in a file, one variant for each name that `read.format` has; `read::format` reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// Records of separated cells, as `format = "csv"` says.
    Csv(CsvFormat),
    /// Leaf columns of a Parquet file, as `format = "parquet"` says.
    Parquet,
    /// JSON objects, as `format = "json"` or `"ndjson"` says.
    Json(JsonFormat),
    /// Rows of a sheet, as `format = "xlsx"` says.
    Xlsx(XlsxFormat),
}

/// The keys of `[read]` that only workbooks have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XlsxFormat {
    /// Name of the sheet; none = the only one that is not hidden.
    pub sheet: Option<String>,
    /// Row number of the header, from 1.
    pub header: u64,
    /// What a cell with a formula is.
    pub formulas: Formulas,
}

/// `formulas`: what a cell with a formula is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Formulas {
    /// The value that the formula had when the workbook was saved.
    Cached,
    /// Refused where the job reads the column.
    Refuse,
}

impl RecordFormat {
    /// Returns whether a file of this format is an archive by itself, so that its files are no members.
    pub fn is_document(&self) -> bool {
        matches!(self, RecordFormat::Xlsx(_))
    }

    /// Returns what of a file has the names of its columns, for messages.
    pub fn has_names_in(&self) -> &'static str {
        match self {
            RecordFormat::Csv(_) | RecordFormat::Parquet | RecordFormat::Xlsx(_) => "header",
            RecordFormat::Json(_) => "records",
        }
    }

    /// Returns what an operator can do about a column that a file does not have.
    pub fn help_with_missing(&self) -> &'static str {
        match self {
            RecordFormat::Csv(_) => "check read.header and read.delimiter, or ask whether the export lost the column",
            RecordFormat::Parquet => "ask whether the export lost the column",
            RecordFormat::Json(_) => {
                "no record has it: check the path and read.records, or ask whether the export lost the column"
            }
            RecordFormat::Xlsx(_) => "check read.header and read.sheet, or ask whether the export lost the column",
        }
    }
}

/// The keys of `[read]` that only CSV has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvFormat {
    /// The one ASCII byte that stands between cells.
    pub delimiter: u8,
    /// One ASCII byte, or none.
    pub quote: Option<u8>,
    /// Row number of the header, from 1.
    pub header: u64,
    /// A quote inside an unquoted cell is text, as `stray_quotes = "literal"` says.
    pub stray_quotes_literal: bool,
}

/// `[read]` and the source's `[limits]`.
#[derive(Clone, Debug)]
pub struct ReadFormat {
    /// `format`, with the keys that only it has.
    pub records: RecordFormat,
    /// WHATWG encoding label, already known to exist.
    pub encoding: String,
    /// What a byte order mark means.
    pub bom: Bom,
    /// Where the names of columns are.
    pub names: NamesFrom,
    /// Cells that mean null, besides blank ones.
    pub null: Vec<String>,
    /// Members of an archive to read; none = all.
    pub member: Option<GlobMatcher>,
    /// The member glob as written.
    pub member_text: Option<String>,
    /// A member is in exactly one object, as `complete.member_in = "exactly-one"` says.
    pub member_in_exactly_one: bool,
    /// Columns that nobody has described refuse the set, as `on_drift = "refuse"` says.
    pub refuse_drift: bool,
    /// Longest record, in bytes after decoding.
    pub max_record_bytes: usize,
    /// Most columns of a header.
    pub max_columns: usize,
    /// Most members of one archive.
    pub max_members: usize,
    /// Highest ratio of unpacked to packed bytes.
    pub max_ratio: u64,
    /// Most decompressed bytes per object.
    pub max_decompressed: u64,
    /// Most bytes of text that cells of a workbook share.
    pub max_shared_text: u64,
}

impl CsvFormat {
    /// What holds where a source sets none of them.
    pub const UNSET: CsvFormat =
        CsvFormat { delimiter: b',', quote: Some(b'"'), header: 1, stray_quotes_literal: false };
}

impl ReadFormat {
    /// Returns what holds where a source sets nothing but `format = "csv"`.
    pub fn csv() -> ReadFormat {
        ReadFormat {
            records: RecordFormat::Csv(CsvFormat::UNSET),
            encoding: "utf-8".into(),
            bom: Bom::Allow,
            names: NamesFrom::Header,
            null: Vec::new(),
            member: None,
            member_text: None,
            member_in_exactly_one: false,
            refuse_drift: false,
            max_record_bytes: 1 << 20,
            max_columns: 2000,
            max_members: 10_000,
            max_ratio: 200,
            max_decompressed: 1 << 40,
            max_shared_text: 1 << 30,
        }
    }
}

/// Says whether a byte order mark may or must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bom {
    /// It may be there or not.
    Allow,
    /// A file without it is refused.
    Require,
    /// Must not be there.
    Refuse,
}
