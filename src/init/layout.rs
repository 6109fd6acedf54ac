//! How the records of a file lie in it, whatever its format: told by its first bytes, and by a list of names beside it. Must
//! not know what columns mean.

use super::dialect::{self, Dialect};
use super::records_at;
use crate::error::{Code, Error, Result};
use crate::policy::{Formulas, JsonFormat, ModelFile, NamesFrom, ReadFormat, RecordFormat, RecordPath, XlsxFormat};
use crate::read::{Beginning, FileKind, Member, Records, beginning, file_kind, model_of, sheets, what_to_do};
use crate::store::Root;

/// Bytes that say what a file is like.
const BEGINNING: usize = 256 * 1024;
/// Rows of a sheet among which its header is looked for.
const HEADERS: u64 = 20;
/// Objects within objects that are looked into.
const DEEPEST: usize = 4;

/// How the records of a file lie in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "format")]
pub enum FileLayout {
    /// CSV with a header.
    Csv(Dialect),
    /// CSV without one, whose columns a file beside it names.
    Headless {
        /// What its text is like.
        dialect: Dialect,
        /// Name of the file with the names.
        model: String,
        /// Entity in that file.
        entity: String,
    },
    /// A sheet of a workbook.
    Xlsx {
        /// Name of the sheet.
        sheet: String,
        /// It is the only one that is not hidden.
        only: bool,
        /// Number of the row with the names.
        header: u64,
    },
    /// An array of objects, or pages that have one.
    Json {
        /// Keys that lead to the array.
        records: String,
        /// Objects in records that have columns in them.
        objects: Vec<String>,
        /// What somebody has to look at.
        doubts: Vec<String>,
    },
    /// An object in each line.
    Ndjson {
        /// Objects in records that have columns in them.
        objects: Vec<String>,
        /// What somebody has to look at.
        doubts: Vec<String>,
    },
    /// Leaf columns of a Parquet file.
    Parquet,
}

impl FileLayout {
    /// Returns how such a file is read.
    pub fn read_format(&self) -> ReadFormat {
        let of = |records| ReadFormat { records, ..ReadFormat::csv() };
        match self {
            FileLayout::Csv(dialect) => dialect.read_format(),
            FileLayout::Headless { dialect, model, entity } => ReadFormat {
                names: NamesFrom::Model(ModelFile { name: model.clone(), entity: entity.clone() }),
                ..dialect.read_format()
            },
            FileLayout::Xlsx { sheet, header, .. } => of(workbook(Some(sheet.clone()), *header)),
            FileLayout::Json { records, .. } => {
                let path = RecordPath::read(records).ok().and_then(RecordPath::keys).unwrap_or_default();
                of(RecordFormat::Json(JsonFormat::Arrays { path }))
            }
            FileLayout::Ndjson { .. } => of(RecordFormat::Json(JsonFormat::Lines)),
            FileLayout::Parquet => of(RecordFormat::Parquet),
        }
    }

    /// Returns what somebody has to look at.
    pub fn doubts(&self) -> &[String] {
        match self {
            FileLayout::Csv(dialect) | FileLayout::Headless { dialect, .. } => &dialect.doubts,
            FileLayout::Json { doubts, .. } | FileLayout::Ndjson { doubts, .. } => doubts,
            FileLayout::Xlsx { .. } | FileLayout::Parquet => &[],
        }
    }

    /// Opens a file that is laid out so, to look at so many blocks of it.
    ///
    /// # Errors
    /// Input errors for a file that cannot be read; storage errors.
    pub fn open(&self, root: &Root, member: &Member, blocks: usize) -> Result<Records> {
        let objects = match self {
            FileLayout::Json { objects, .. } | FileLayout::Ndjson { objects, .. } => &objects[..],
            _ => &[],
        };
        Records::open_beginning(root, member, &self.read_format(), objects, blocks)
    }
}

/// Returns how members are found before it is known what they are: a workbook is one, whatever it is made of.
pub(super) fn any_format() -> ReadFormat {
    ReadFormat { records: workbook(None, 1), ..ReadFormat::csv() }
}

fn workbook(sheet: Option<String>, header: u64) -> RecordFormat {
    RecordFormat::Xlsx(XlsxFormat { sheet, header, formulas: Formulas::Cached })
}

/// Tells how a file lies, of a workbook each sheet that is not hidden.
///
/// # Errors
/// Input errors for a file that is none of an export, or that cannot be read; storage errors.
pub(super) fn layouts(root: &Root, member: &Member, path: &str) -> Result<Vec<FileLayout>> {
    let start = beginning(root, member, BEGINNING)?;
    match file_kind(root, member, &start.bytes)? {
        FileKind::Cells => of_text(root, member, &start).map(|layout| vec![layout]),
        FileKind::Json => of_json(root, member, &start).map(|layout| vec![layout]),
        FileKind::Parquet => Ok(vec![FileLayout::Parquet]),
        FileKind::Workbook => of_sheets(root, member),
        FileKind::Other(what) => Err(other_format(member.place(), path, what)),
    }
}

/// CSV: without a header where a file beside it has the names of such an entity.
fn of_text(root: &Root, member: &Member, start: &Beginning) -> Result<FileLayout> {
    let found = model_of(root, member)?;
    let headed = dialect::detect(member.place(), &start.bytes, start.whole);
    match (found, headed) {
        (Some(ModelFile { name, entity }), Err(error)) if error.code() == Code::HeaderMissing => {
            let dialect = dialect::detect_headless(member.place(), &start.bytes, start.whole)?;
            Ok(FileLayout::Headless { dialect, model: name, entity })
        }
        (_, headed) => headed.map(FileLayout::Csv),
    }
}

fn of_json(root: &Root, member: &Member, start: &Beginning) -> Result<FileLayout> {
    let text = String::from_utf8_lossy(&start.bytes);
    let none = || {
        let what =
            format!("{} is JSON, and no array of records is seen in it, nor one record per line", member.place());
        Error::new(Code::FormatNotRead, what)
            .help("have it exported as an array of objects, or with one object per line")
    };
    let at = records_at::find(&text).ok_or_else(none)?;
    let (records, doubts) = (at.path, at.doubt.into_iter().collect());
    let mut layout = match at.lines {
        true => FileLayout::Ndjson { objects: Vec::new(), doubts },
        false => FileLayout::Json { records, objects: Vec::new(), doubts },
    };
    for _ in 0..DEEPEST {
        let more = objects(layout.open(root, member, 2)?);
        let (FileLayout::Json { objects, .. } | FileLayout::Ndjson { objects, .. }) = &mut layout else { break };
        if more.is_empty() {
            break;
        }
        objects.extend(more);
    }
    Ok(layout)
}

/// The columns that hold objects, as names of what is in them begin.
fn objects(mut records: Records) -> Vec<String> {
    let names = records.names().to_vec();
    records.want(&(0..names.len()).collect::<Vec<_>>());
    let Ok(Some(batch)) = records.batch() else { return Vec::new() };
    let is_object = |at: &usize| {
        let values = batch.values(*at);
        (0..batch.rows()).any(|row| values.get(row).is_some_and(|cell| cell.starts_with('{') && cell.ends_with('}')))
    };
    (0..names.len()).filter(is_object).map(|at| format!("{}.", names[at])).collect()
}

fn of_sheets(root: &Root, member: &Member) -> Result<Vec<FileLayout>> {
    let names = sheets(root, member, &any_format())?;
    let only = names.len() == 1;
    let mut found = Vec::new();
    let mut refused = None;
    for sheet in names {
        match header_of(root, member, &sheet) {
            Ok(header) => found.push(FileLayout::Xlsx { sheet, only, header }),
            // A sheet of notes beside that of the records is none of an export.
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// The row of a sheet's header: the first of its first rows with half as many names as the widest of them has, and no
/// values.
fn header_of(root: &Root, member: &Member, sheet: &str) -> Result<u64> {
    let (mut rows, mut refused) = (Vec::new(), None);
    for row in 1..=HEADERS {
        let read = ReadFormat { records: workbook(Some(sheet.to_owned()), row), ..ReadFormat::csv() };
        match Records::open_beginning(root, member, &read, &[], 1) {
            Ok(records) => rows.push((row, records.names().to_vec())),
            Err(error) if error.code() == Code::HeaderMissing => refused = refused.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    let filled = |names: &[String]| names.iter().filter(|name| !name.is_empty()).count();
    let widest = rows.iter().map(|(_, names)| filled(names)).max().unwrap_or(0);
    let found = rows.iter().find(|(_, names)| filled(names) * 2 > widest);
    match (found, refused) {
        (Some((row, names)), _) if !dialect::are_values(names) => Ok(*row),
        (Some((row, _)), _) => {
            let what = format!("{}, sheet {sheet} has no header: row {row} holds values", member.place());
            Err(Error::new(Code::HeaderMissing, what)
                .help("write the names of the columns into a row above the records"))
        }
        (None, Some(error)) => Err(error),
        (None, None) => Err(Error::new(Code::HeaderMissing, format!("{}, sheet {sheet} is empty", member.place()))
            .help("name a workbook whose sheet has a header and records")),
    }
}

/// The error for a file that is none that is read.
fn other_format(place: &str, path: &str, what: &str) -> Error {
    let named_xls = path.to_ascii_lowercase().ends_with(".xls") && what.contains("HTML");
    let (what, help) = match named_xls {
        true => (
            "an HTML table that is called .xls",
            "choose CSV, not Excel, where it is exported (in Salesforce reports: Details Only, .csv)",
        ),
        false => (what, what_to_do(what)),
    };
    Error::new(Code::FormatNotRead, format!("{place} is {what}, which is not read")).help(help)
}
