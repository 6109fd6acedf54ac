//! The blocks of one sheet: rows as they come, shared strings before the first of them, merged cells after the last.

use super::header::names;
use super::ole;
use super::part::BookParts;
use super::sheet::{Sheet, SheetPiece};
use super::stream::RowStream;
use super::strings::{SharedStrings, StringLimits};
use super::workbook::{self, Workbook};
use crate::error::{Code, Error, Result};
use crate::policy::{ReadFormat, XlsxFormat};
use crate::read::LARGEST;
use crate::read::container::{Bytes, Container, Member, MemberFacts};
use crate::read::format::{Block, BlockStop, Blocks};
use crate::read::signature;
use crate::store::{Root, from_io};
use std::io::{Read, SeekFrom};
use std::sync::Arc;

/// A sheet whose header has been read.
pub(super) struct SheetBlocks {
    root: Root,
    member: Member,
    read: ReadFormat,
    parts: BookParts,
    /// What was spent before this member.
    spent: u64,
    rows: RowStream,
    /// The part with the shared strings, while they have not been read.
    strings: Option<String>,
    sheet: Arc<Sheet>,
    taken: u64,
    over: bool,
}

impl SheetBlocks {
    /// Opens a member at its first record; also gives the names of its columns.
    ///
    /// # Errors
    /// Input errors for what is no workbook, for one that cannot be trusted, and for a sheet without a header.
    pub fn open(
        root: &Root,
        member: &Member,
        read: &ReadFormat,
        rules: &XlsxFormat,
        spent: u64,
    ) -> Result<(Vec<String>, SheetBlocks)> {
        let place = member.place();
        is_workbook(root, member, read)?;
        let mut parts = BookParts::new(root, member, read, spent)?;
        let Workbook { sheet: name, rows, strings, styles, system, stale } =
            workbook::open(&mut parts, rules.sheet.as_deref(), place)?;
        let longest = read.max_record_bytes.min(LARGEST);
        let (within, header) = (format!("{place}, sheet {name}"), rules.header);
        let mut stream = RowStream::open(parts.open(&rows, place)?, &rows, &within, longest)?;
        let found = stream.row(header)?;
        let Some(found) = found else { return Err(headless(&within, header)) };
        let mut sheet = Sheet {
            name,
            place: within,
            header,
            own: stream.own.clone(),
            strings: SharedStrings::default(),
            styles,
            system,
            formulas: rules.formulas,
            stale,
            longest,
        };
        if let Some(part) = &strings {
            let count = super::header::strings_of(&found, &stream.own);
            let limits = StringLimits { count, bytes: read.max_shared_text };
            sheet.strings = SharedStrings::read(parts.open(part, place)?, part, place, limits)?.0;
        }
        let names = names(&sheet, &found, read.max_columns)?;
        if names.is_empty() {
            return Err(headless(&sheet.place, header));
        }
        let (root, member, read) = (root.clone(), member.clone(), read.clone());
        let sheet = Arc::new(sheet);
        Ok((
            names,
            SheetBlocks { root, member, read, parts, spent, rows: stream, strings, sheet, taken: 0, over: false },
        ))
    }

    fn piece(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<Option<SheetPiece>> {
        if let Some(part) = self.strings.take() {
            let (place, bytes) = (self.member.place(), self.read.max_shared_text);
            let limits = StringLimits { count: usize::MAX, bytes };
            let (strings, unpacked) = SharedStrings::read(self.parts.open(&part, place)?, &part, place, limits)?;
            self.parts.spent += unpacked;
            match Arc::get_mut(&mut self.sheet) {
                Some(sheet) => sheet.strings = strings,
                None => return Err(Error::new(Code::InputNotReadable, format!("{place} is being read twice"))),
            }
        }
        let piece = |before, merged| SheetPiece { sheet: self.sheet.clone(), before, merged };
        if let Some(before) = self.rows.next(buffer, want)? {
            return Ok(Some(piece(before, Vec::new())));
        }
        buffer.clear();
        if std::mem::replace(&mut self.over, true) {
            return Ok(None);
        }
        let merged = self.rows.merged()?;
        Ok((!merged.is_empty()).then(|| piece(self.rows.line, merged)))
    }
}

impl Blocks for SheetBlocks {
    fn next(&mut self, buffer: &mut Vec<u8>, block_bytes: usize) -> Option<Block> {
        let piece = self.piece(buffer, block_bytes);
        let taken = self.rows.progress().0;
        let mut block = Block {
            offset: 0,
            taken: taken - std::mem::replace(&mut self.taken, taken),
            laid: None,
            sheet: None,
            stop: None,
        };
        match piece {
            Ok(None) => return None,
            Ok(Some(piece)) => block.sheet = Some(Box::new(piece)),
            Err(error) => {
                buffer.clear();
                block.stop = Some(BlockStop::Error(error));
            }
        }
        Some(block)
    }

    /// Hashes the workbook as it is stored, which also finds out whether it is still the one that was read.
    fn close(self: Box<Self>) -> Result<MemberFacts> {
        let mut bytes = Bytes::open(&self.root, &self.member, &self.read, 0, blake3::Hasher::new())?;
        let mut buffer = vec![0; 1 << 16];
        while bytes.read(&mut buffer)? > 0 {}
        let unpacked = self.parts.spent - self.spent + self.rows.progress().1;
        Ok(MemberFacts { unpacked, ..bytes.facts() })
    }
}

/// Refuses what is no workbook.
///
/// # Errors
/// An input error that says what it is; storage errors.
pub(super) fn is_workbook(root: &Root, member: &Member, read: &ReadFormat) -> Result<()> {
    let place = member.place();
    let mut bytes = Bytes::open(root, member, read, 0, blake3::Hasher::new())?;
    let (mut start, mut filled) = (vec![0; ole::LOOKED_AT], 0);
    while filled < start.len() {
        match bytes.read(&mut start[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    start.truncate(filled);
    if start.starts_with(b"PK\x03\x04") {
        return Ok(());
    }
    let directory = directory(root, member, &start)?;
    if let Some(what) = ole::kind(&start, &directory) {
        return Err(Error::new(Code::FormatNotRead, format!("{place} is {}, which is not read", what.words()))
            .help(what.help()));
    }
    let looked = &start[..start.len().min(signature::LOOKED_AT)];
    let what = signature::foreign(looked).map_or(String::new(), |what| format!(": it is {what}"));
    Err(Error::new(Code::FormatNotRead, format!("{place} is no workbook{what}"))
        .help("check read.format in the source, or have it exported as .xlsx"))
}

/// The beginning of the directory of an older document, where it can be gone to.
fn directory(root: &Root, member: &Member, start: &[u8]) -> Result<Vec<u8>> {
    let mut found = Vec::new();
    if let Some(at) = ole::directory_at(start).filter(|_| member.container() == Container::Plain) {
        let mut source = root.open_seek(&member.object)?;
        let read = source.seek(SeekFrom::Start(at)).and_then(|_| source.take(ole::DIRECTORY).read_to_end(&mut found));
        read.map_err(|e| from_io(member.place(), e))?;
    }
    Ok(found)
}

fn headless(place: &str, header: u64) -> Error {
    Error::new(Code::HeaderMissing, format!("{place} has no header in row {header}"))
        .help("check read.header and read.sheet in the source against the workbook")
}
