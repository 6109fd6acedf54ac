//! Files of corrections: found, read row by row, and written anew without rows that have to go. Must not know exports.

use super::correction::{Correction, CorrectionDecision, CorrectionReason};
use crate::cell::text::tidy;
use crate::clock::Instant;
use crate::error::{Code, Error, Kind, Result};
use crate::invisible;
use crate::key::Key;
use crate::policy::{CorrectionList, CsvFormat, ReadFormat, RecordFormat};
use crate::read::{Container, KnownColumns, Member, RawBatch, Records, members};
use crate::requests::{ListDates, Maker, RequestIds};
use crate::store::{Meant, Object, PathGlob, Root};
use std::fmt::Display;
use zeroize::Zeroizing;

const DAY: i64 = 86_400_000_000;
const BOM: &[u8] = b"\xef\xbb\xbf";
const CORRECT: &str = "correct the file: nothing is published until every correction can be read (R80)";

/// A file of corrections that was read.
pub struct CorrectionFile {
    /// As it was listed.
    pub object: Object,
    /// Keyed hash of its cells, hex.
    pub digest: String,
    /// Its records in their order, each with the correction that it is; none where all of its cells are blank.
    pub rows: Vec<Option<Correction>>,
}

/// All corrections of one list.
pub struct ReadCorrections {
    /// The files, in path order.
    pub files: Vec<CorrectionFile>,
}

/// Returns the objects of a list of corrections.
///
/// # Errors
/// An input error when there is none, or one cannot be seen; storage errors.
pub fn files(list: &CorrectionList, root: &Root) -> Result<Vec<Object>> {
    let wrong = || Error::new(Code::SpecUnusable, format!("list {}: input is not a glob", list.name));
    let Meant { objects, unseen, .. } = root.meant(&PathGlob::new(&list.input.path).ok_or_else(wrong)?)?;
    if let Some(unseen) = unseen.first() {
        return Err(fault(list, unseen.place(), unseen.said()));
    }
    if objects.is_empty() && !list.may_be_empty {
        let what = "no object matches; set may_be_empty when that is as it should be";
        return Err(fault(list, root.display(&list.input.path), what));
    }
    Ok(objects)
}

/// What the files of a list are read with.
pub struct CorrectionReading {
    /// Makes identities of the record's key.
    pub maker: Maker,
    /// What digests are made with.
    pub key: Key,
    /// Makes ids in place of those that name a person (R83).
    pub ids: RequestIds,
    /// The present: no request was received later.
    pub now: Instant,
}

/// Reads all corrections of a list.
///
/// # Errors
/// An input error for the first row or file that cannot be read; storage errors.
pub fn read(list: &CorrectionList, root: &Root, with: &CorrectionReading) -> Result<ReadCorrections> {
    let dates = ListDates::new(list.formats.as_deref(), &list.zone)?;
    let reading = FileReading { list, root, with, dates: &dates };
    let mut all = Vec::new();
    for object in files(list, root)? {
        all.extend(reading.file(object)?);
    }
    Ok(ReadCorrections { files: all })
}

/// Returns the text of a file of corrections without some of its records, by their place from 0.
///
/// # Errors
/// An input error when it is not the file any more that was read; storage errors.
pub fn without(list: &CorrectionList, root: &Root, object: &Object, gone: &[usize]) -> Result<Zeroizing<Vec<u8>>> {
    let format = format(list);
    let member = plain(list, root, object, &format)?;
    let mut records = Records::open(root, &member, &format, &KnownColumns::default())?;
    let names = records.names().to_vec();
    records.want(&(0..names.len()).collect::<Vec<_>>());
    let before = Zeroizing::new(root.get(&object.path)?.unwrap_or_default());
    let mut out = Zeroizing::new(Vec::with_capacity(before.len()));
    if before.starts_with(BOM) {
        out.extend_from_slice(BOM);
    }
    let first = before.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let ends = (list.delimiter, if before[..first].ends_with(b"\r") { "\r\n" } else { "\n" });
    row(&mut out, ends, names.iter().map(String::as_str));
    let mut at = 0;
    while let Some(batch) = records.batch().map_err(|broken| broken.error)? {
        for record in 0..batch.rows() {
            if gone.binary_search(&at).is_err() {
                row(&mut out, ends, (0..names.len()).map(|c| batch.value(record, c).unwrap_or_default()));
            }
            at += 1;
        }
        records.recycle(batch);
    }
    Ok(out)
}

/// Appends a record, each cell in quotes where it has to be.
fn row<'a>(out: &mut Vec<u8>, (delimiter, end): (u8, &str), cells: impl Iterator<Item = &'a str>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        let odd = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
        match cell.is_empty() && at == 0 || cell.bytes().any(odd) {
            true => out.extend(format!("\"{}\"", cell.replace('"', "\"\"")).into_bytes()),
            false => out.extend_from_slice(cell.as_bytes()),
        }
    }
    out.extend_from_slice(end.as_bytes());
}

fn format(list: &CorrectionList) -> ReadFormat {
    let csv = CsvFormat { delimiter: list.delimiter, quote: Some(b'"'), header: 1, stray_quotes_literal: false };
    ReadFormat { records: RecordFormat::Csv(csv), ..ReadFormat::csv() }
}

/// The object itself: what is packed cannot be written anew without a row.
fn plain(list: &CorrectionList, root: &Root, object: &Object, format: &ReadFormat) -> Result<Member> {
    let mut found = members(root, object, format)?;
    match found.pop().filter(|member| found.is_empty() && member.container() == Container::Plain) {
        Some(member) => Ok(member),
        None => {
            Err(fault(list, root.display(&object.path), "corrections are plain CSV, neither packed nor in an archive"))
        }
    }
}

fn fault(list: &CorrectionList, place: impl Display, what: impl Display) -> Error {
    Error::new(Code::CorrectionsUnreadable, format!("list {}: {place}: {what}", list.name)).help(CORRECT)
}

/// Where in a file's records the parts of a correction are.
struct CorrectionColumns {
    record: Vec<usize>,
    column: usize,
    was: usize,
    value: usize,
    reason: usize,
    request: usize,
    received: usize,
    decision: Option<usize>,
}

impl CorrectionColumns {
    /// Finds the columns; the error is the name of the first that the header has not, or has twice.
    fn find(list: &CorrectionList, names: &[String]) -> std::result::Result<CorrectionColumns, String> {
        let find = |name: &String| {
            let mut places = (0..names.len()).filter(|at| *tidy(&names[*at]) == *tidy(name));
            match (places.next(), places.next()) {
                (Some(at), None) => Ok(at),
                (None, _) => Err(format!("the header lacks the column {name:?}")),
                (Some(_), Some(_)) => Err(format!("the header has the column {name:?} twice")),
            }
        };
        Ok(CorrectionColumns {
            record: list.record.columns.iter().map(find).collect::<std::result::Result<_, _>>()?,
            column: find(&list.column)?,
            was: find(&list.was)?,
            value: find(&list.value)?,
            reason: find(&list.reason)?,
            request: find(&list.request)?,
            received: find(&list.received)?,
            decision: list.decision.as_ref().map(find).transpose()?,
        })
    }
}

/// One list being read.
struct FileReading<'a> {
    list: &'a CorrectionList,
    root: &'a Root,
    with: &'a CorrectionReading,
    dates: &'a ListDates,
}

impl FileReading<'_> {
    /// Reads a file; none where it is empty and may be.
    fn file(&self, object: Object) -> Result<Option<CorrectionFile>> {
        let place = self.root.display(&object.path);
        if object.bytes == 0 {
            let empty = fault(self.list, place, "the file is empty");
            return if self.list.may_be_empty { Ok(None) } else { Err(empty) };
        }
        let within = |error: Error| match error.kind() {
            Kind::Input => fault(self.list, error.message(), "it cannot be read"),
            _ => error,
        };
        let format = format(self.list);
        let member = plain(self.list, self.root, &object, &format)?;
        let mut records = Records::open(self.root, &member, &format, &KnownColumns::default()).map_err(within)?;
        let parts =
            CorrectionColumns::find(self.list, records.names()).map_err(|what| fault(self.list, &place, what))?;
        records.want(&(0..records.names().len()).collect::<Vec<_>>());
        let mut hasher = blake3::Hasher::new_keyed(self.with.key.expose());
        let (mut rows, width) = (Vec::new(), records.names().len());
        loop {
            let batch = records.batch().map_err(|broken| {
                fault(self.list, format_args!("{place}, record {}", broken.record), broken.error.message())
            })?;
            let Some(batch) = batch else { break };
            for (record, row) in batch.records() {
                let at = format_args!("{place}, record {record}").to_string();
                let row = row.ok_or_else(|| fault(self.list, &at, "more or fewer cells than the header"))?;
                for cell in (0..width).map(|column| batch.value(row, column).unwrap_or_default()) {
                    hasher.update(&(cell.len() as u64).to_le_bytes());
                    hasher.update(cell.as_bytes());
                }
                let blank = batch.is_blank(row);
                let correction = if blank { None } else { Some(self.correction(&parts, &batch, row)) };
                rows.push(correction.transpose().map_err(|what| fault(self.list, &at, what))?);
            }
            records.recycle(batch);
        }
        Ok(Some(CorrectionFile { object, digest: hasher.finalize().to_hex().to_string(), rows }))
    }

    /// Reads a record; the error says what is wrong, and names no value.
    fn correction(
        &self,
        parts: &CorrectionColumns,
        batch: &RawBatch,
        row: usize,
    ) -> std::result::Result<Correction, String> {
        let cell = |at: usize| batch.value(row, at).unwrap_or_default();
        let case = cell(parts.request).trim();
        if !self.list.request_pattern.is_match(case) {
            return Err("the request id does not match request_pattern".into());
        }
        let values: Vec<&str> = parts.record.iter().map(|at| cell(*at)).collect();
        let (_, record) = (self.with.maker)(&values).ok_or("the id of the record is missing")?;
        let column = tidy(cell(parts.column)).into_owned();
        if invisible::is_blank(&column) {
            return Err("it does not say which column is wrong".into());
        }
        let reason = CorrectionReason::named(cell(parts.reason).trim()).ok_or_else(|| {
            let names = CorrectionReason::ALL.map(CorrectionReason::name).join(", ");
            format!("column {:?} is none of {names}", self.list.reason)
        })?;
        let decision = CorrectionDecision::read(parts.decision.map(cell).unwrap_or_default())
            .ok_or("the decision is none of accepted, contested and refused:REASON")?;
        let received = self.dates.read(cell(parts.received));
        let received = received.map_err(|unusable| format!("column {:?}: {}", self.list.received, unusable.what()))?;
        // A date may be a day ahead of the time in UTC.
        if received.0 > self.with.now.0.saturating_add(DAY) {
            return Err(format!("column {:?}: the day is still to come", self.list.received));
        }
        let (was, value) = (cell(parts.was), cell(parts.value));
        if tidy(was) == tidy(value) {
            return Err("the value that is right is the one that is wrong".into());
        }
        let text = |text: &str| Zeroizing::new(text.to_owned());
        Ok(Correction {
            id: self.id(case, &record, &column),
            list: self.list.name.clone(),
            case: self.stored_case(case, &values, &record),
            received,
            record,
            column,
            reason,
            decision,
            was: text(was),
            value: text(value),
        })
    }

    /// R83: a request id that is the record's own is not kept as written.
    fn stored_case(&self, case: &str, values: &[&str], record: &[u8; 32]) -> String {
        let same = values.len() == 1 && (self.with.maker)(&[case]).is_some_and(|(_, identity)| identity == *record);
        match same || values.iter().any(|value| value.trim() == case) {
            true => self.with.ids.opaque(case),
            false => case.to_owned(),
        }
    }

    fn id(&self, case: &str, record: &[u8; 32], column: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(self.with.key.expose());
        for part in [self.list.name.as_bytes(), case.as_bytes(), record, column.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        id
    }
}
