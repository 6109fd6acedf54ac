//! `sources/*.toml` as written: the inventory of one export object. Doc comments here are the descriptions in the
//! JSON Schema. Must not know what the values mean beyond their shape.

use super::plan::{Bom, Epoch, Formulas};
use super::spec::{At, Category, Named};
pub use crate::cell::kind::TypeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `sources/*.toml`: how an export is read, and what each column is and may serve.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Version of the file's format: 1.
    pub spec: At<i64>,
    /// The source's name, unique among all sources.
    pub name: At<String>,
    /// What the export is.
    pub description: Option<At<String>>,
    /// How bytes become cells.
    pub read: At<ReadSpec>,
    /// When an export set may be read.
    pub complete: Option<At<CompleteSpec>>,
    /// Who a row is about.
    pub subject: At<SubjectSpec>,
    /// Other persons that a row may have, with columns of their own (R68).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<Vec<OtherSpec>>,
    /// Which of several versions of a record counts (R75). Default: each record is there once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<At<NewestSpec>>,
    /// Column that carries consent (R32).
    pub consent: Option<At<ConsentSpec>>,
    /// The columns of the export, by name or, where many are alike, by a pattern such as `*_date`.
    pub columns: At<Named<ColumnSpec>>,
    /// Limits of what is read.
    pub limits: Option<SourceLimitsSpec>,
}

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// RFC 4180 and its relatives (R39).
    Csv,
    /// A sheet of an Excel workbook, .xlsx or .xlsm (R58).
    Xlsx,
    /// Apache Parquet, by the paths of its columns (R60).
    Parquet,
    /// JSON whose records are in an array, or in pages that have one (R56).
    Json,
    /// One JSON object per line (R56).
    Ndjson,
}

/// What a quote inside an unquoted cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrayQuotes {
    /// The input is refused.
    Refuse,
    /// A quote in an unquoted cell is text.
    Literal,
}

/// Where the header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "expected the number of a line, or false")]
pub enum HeaderSpec {
    /// It is in the line of this number.
    Line(i64),
    /// Whether there is a header.
    Whether(bool),
}

/// What happens to columns that the source does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDrift {
    /// Dropped, counted and reported.
    Drop,
    /// The input is refused.
    Refuse,
}

/// What `[read]` of a source can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSpec {
    /// Format of the object or archive member.
    pub format: At<Format>,
    /// Name of the sheet in a workbook. Default the only one that is not hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<At<String>>,
    /// Cells with formulas in a workbook: cached, refuse. Default cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formulas: Option<At<Formulas>>,
    /// JSON: the path from a page to its array of records, such as `results`. Default: the file is the array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<At<String>>,
    /// WHATWG encoding label. Default utf-8.
    pub encoding: Option<At<String>>,
    /// Byte order mark: allow, require, refuse. Default allow.
    pub bom: Option<At<Bom>>,
    /// One ASCII character. Default `,`.
    pub delimiter: Option<At<String>>,
    /// One ASCII character or `none`. Default `"`.
    pub quote: Option<At<String>>,
    /// Row number of the header, from 1, or false: the files have none. Default 1.
    pub header: Option<At<HeaderSpec>>,
    /// Without a header: the names of all columns, in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<At<Vec<At<String>>>>,
    /// Without a header: name of the file that has the names, in the folder of the export or above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<At<String>>,
    /// Without a header: name of the export's entity in `model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<At<String>>,
    /// Values that mean null, besides blank cells. Default none.
    pub null: Option<At<Vec<String>>>,
    /// Glob of members inside an archive. Default all.
    pub member: Option<At<String>>,
    /// A quote inside an unquoted cell: refuse, literal. Default refuse.
    pub stray_quotes: Option<At<StrayQuotes>>,
    /// Columns the source does not list: drop, refuse. Default drop.
    pub on_drift: Option<At<OnDrift>>,
    /// Columns of no interest, by name or pattern: dropped, counted, and not reported one by one. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<At<Vec<At<String>>>>,
    /// Columns that must not be declared, by name or pattern, whatever their case: they are never read. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<At<Vec<At<String>>>>,
}

/// In how many objects of a set the member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberIn {
    /// The member is in exactly one object.
    ExactlyOne,
    /// The member may be in any number of objects.
    Any,
}

/// `[complete]`: `marker` or `settle`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteSpec {
    /// Name of an object that says that the set is complete.
    pub marker: Option<At<String>>,
    /// Time since the newest object, ISO 8601.
    pub settle: Option<At<String>>,
    /// exactly-one, any. Default any.
    pub member_in: Option<At<MemberIn>>,
    /// Share of the previous set's records. Default 90%.
    pub min_records: Option<At<String>>,
    /// Where the sender says how many records a set has (R64). Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<CountSpec>,
    /// How sets are named: a strftime format, `number` or `text`. Default: read from the names.
    pub set_format: Option<At<String>>,
    /// How far in the future the day may lie that a set is named after, ISO 8601. Default P1D.
    pub max_ahead: Option<At<String>>,
}

/// Where the sender says how many records there are.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountSpec {
    /// Name of the object that says it, which lies where a marker lies.
    pub file: At<String>,
    /// Where in its JSON the numbers are: keys with dots between, `*` for all. Default: it holds a number alone.
    pub at: Option<At<String>>,
}

/// What `[subject]` of a source can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectSpec {
    /// Column of the subject key. Required, unless `none` is there.
    pub key: Option<At<String>>,
    /// Why no row is about a person (R61), in place of `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub none: Option<At<String>>,
    /// Whether the key links where the source is observed (R17). Default by its category: all but technical.
    pub key_links: Option<At<bool>>,
    /// Columns that link strongly (R13). Default none.
    pub strong: Option<At<Vec<At<String>>>>,
    /// Columns that link weakly (R14). Default none.
    pub weak: Option<At<Vec<At<String>>>>,
    /// Columns a job may use as clock. Default none.
    pub clock: Option<At<Vec<At<String>>>>,
}

/// What `[[others]]` of a source can say: another person of the row than its subject.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherSpec {
    /// Name of the person, such as second-contact.
    pub name: At<String>,
    /// Columns that name the person; each has an identifier.
    pub by: At<Vec<At<String>>>,
    /// Columns that are about the person; those of `by` are, too. They become null when a request takes the person out.
    pub columns: Option<At<Vec<At<String>>>>,
}

/// What `[newest]` of a source can say: the export keeps earlier versions of records, which have the same subject key.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewestSpec {
    /// Column that orders versions, of type integer, date or timestamp: the greatest value is the newest.
    pub version: At<String>,
    /// Column that says that the record has ended: true, or any date or time. Default: none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<At<String>>,
}

/// What `[consent]` of a source can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentSpec {
    /// Column that says yes or no.
    pub column: At<String>,
    /// Values that mean yes.
    pub equals: At<Vec<At<String>>>,
    /// Column with the date it was given.
    pub since: Option<At<String>>,
}

/// Where values of a column come from (Art. 20 GDPR; WP242 rev.01, II).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnOrigin {
    /// The person gave them.
    Given,
    /// What the person did was recorded.
    Observed,
    /// Somebody made them of other data.
    Derived,
}

/// What `[columns.C]` of a source can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// What the column holds.
    pub category: At<Category>,
    /// Other names that the column may have in a file; a file has it under one of them or its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<At<Vec<At<String>>>>,
    /// Purposes it may serve. Default none.
    pub purposes: Option<At<Vec<At<String>>>>,
    /// Where values come from: given (by the person), observed or derived. Portability takes the first two. Default: not
    /// said, and not portable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<At<ColumnOrigin>>,
    /// email, phone, salesforce-id, guid, text or name@scope; the last two may end in /any-case.
    pub identifier: Option<At<String>>,
    /// Columns that make up its values, in order; the column itself is not in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<At<Vec<At<String>>>>,
    /// Phone: ISO 3166 code of numbers without `+`.
    pub region: Option<At<String>>,
    /// Phone: column with ISO codes or country names.
    pub region_from: Option<At<String>>,
    /// Share of the values that may have no normal form; beyond it the run is refused (R37). Default 100%.
    pub max_raw: Option<At<String>>,
    /// A strong or weak link: its cells hold several values.
    pub several: Option<At<SeveralSpec>>,
    /// text, integer, decimal, boolean, date, timestamp. Default text.
    pub r#type: Option<At<TypeName>>,
    /// Decimal: digits after the point.
    pub scale: Option<At<i64>>,
    /// Integer, decimal: how numbers are written. Default: a sign or none, digits, at most one point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<At<NumberSpec>>,
    /// Boolean: words that mean yes, in place of true, 1 and yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yes: Option<At<Vec<At<String>>>>,
    /// Boolean: words that mean no, in place of false, 0 and no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no: Option<At<Vec<At<String>>>>,
    /// Date, timestamp: strftime formats.
    pub formats: Option<At<Vec<At<String>>>>,
    /// Timestamp: IANA zone of times without one.
    pub zone: Option<At<String>>,
    /// Timestamp: whole numbers since 1970, `s` or `ms`, in place of `formats`.
    pub epoch: Option<At<Epoch>>,
    /// Dates (YYYY-MM-DD) that mean "no value", besides the five of R24. Default none.
    pub sentinels: Option<At<Vec<At<String>>>>,
    /// Date, timestamp: whether it is a date of birth; one that nobody living can have is untreated (R20).
    /// Default false; true where a job makes an age-band of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth: Option<At<bool>>,
    /// Retention period that binds every field made from the column, ISO 8601.
    pub keep: Option<At<String>>,
    /// Whether published fields are quasi-identifiers. Default by category (R36).
    pub quasi: Option<At<bool>>,
    /// Source without persons: why the column is not about a person, although its name sounds like it (R61).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_personal: Option<At<String>>,
    /// Reason why `as-is` is allowed though the category is identity, contact, special or free-text.
    pub allow_raw: Option<At<String>>,
}

/// How numbers are written.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberSpec {
    /// `.` or `,`: what stands before the fraction. Default `.`.
    pub decimal: Option<At<String>>,
    /// What stands between groups of three digits: `.`, `,`, `'` or a space. Default nothing.
    pub thousands: Option<At<String>>,
    /// Signs and words, one of which may stand before or after a number. Default none.
    pub currency: Option<At<Vec<At<String>>>>,
    /// Whether `1.5E+3` is read. Default false.
    pub exponents: Option<At<bool>>,
    /// Integer: whether `1.0` is read, as 1. Default false.
    pub zeros: Option<At<bool>>,
    /// Whether `(12)` is read, as -12. Default false.
    pub brackets: Option<At<bool>>,
}

/// Cells of several values.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeveralSpec {
    /// One character between values.
    pub separator: At<String>,
    /// One character at which a value ends, when more follows it that is not of the value.
    pub until: Option<At<String>>,
    /// Two characters between which a value stands where a cell has them, such as `<>` of `Name <address>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<At<String>>,
    /// Most values of a cell, 2 to 100. Default 10.
    pub most: Option<At<i64>>,
}

/// `[limits]` of a source.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceLimitsSpec {
    /// Longest record in bytes. Default 1048576 (1 MiB).
    pub max_record_bytes: Option<At<i64>>,
    /// Most columns. Default 2000.
    pub max_columns: Option<At<i64>>,
    /// Most members of an archive. Default 10000.
    pub max_members: Option<At<i64>>,
    /// Highest decompression ratio. Default 200.
    pub max_ratio: Option<At<i64>>,
    /// Most decompressed bytes per object. Default 1099511627776 (1 TiB).
    pub max_decompressed: Option<At<i64>>,
    /// Most bytes of text that cells of a workbook share, which are held in memory. Default 1073741824.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_shared_text: Option<At<i64>>,
}
