//! JSON: records in an array, in pages or one per line (R56), read without a tree of a file, with a parser of our own: it
//! has to say the byte of what is wrong, to see keys that come twice, and to leave numbers as they are written. Must not
//! know columns' uses.

mod blocks;
mod envelope;
mod fault;
mod lexer;
mod paths;
mod record;
mod shape;
#[cfg(test)]
mod tests;

use self::blocks::JsonBlocks;
use self::envelope::Envelope;
use self::fault::{JsonFault, JsonFlaw};
use self::lexer::Lexer;
use self::paths::Paths;
use self::record::JsonRows;
pub(in crate::read::format) use self::shape::JsonScratch;
use super::null::means_null;
use super::{
    BadRecords, Block, BlockStop, Failure, FaultSpot, FileFormat, FormatScratch, NamesKnown, OpenedMember, Parsed,
    RecordFault, Survey,
};
use crate::error::{Code, Error, Result};
use crate::policy::{JsonFormat, ReadFormat};
use crate::read::LARGEST;
use crate::read::batch::{Cell, ColumnMap};
use crate::read::container::{Bytes, Member};
use crate::read::text::{BrokenText, Text};
use crate::read::wanted::WantedNames;
use crate::store::Root;
use std::sync::Arc;

const PIECE: usize = 64 * 1024;

/// The JSON of one source.
pub(super) struct Json {
    read: ReadFormat,
    rules: JsonFormat,
    bad: BadRecords,
    longest: usize,
    paths: Arc<Paths>,
}

impl Json {
    pub fn new(read: &ReadFormat, rules: JsonFormat, bad: BadRecords, wanted: &WantedNames<'_>) -> Result<Json> {
        let (read, longest) = (read.clone(), read.max_record_bytes.min(LARGEST));
        Ok(Json { read, rules, bad, longest, paths: Arc::new(Paths::new(wanted)?) })
    }

    fn fault(&self, offset: u64, record: u64, JsonFault { at, what }: JsonFault) -> RecordFault {
        let spot = FaultSpot::Byte { at: offset + at as u64, unit: "" };
        let message = what.message(|leaf| self.paths.leaves[leaf].name.clone());
        RecordFault { record, spot, code: what.code(), what: message, help: what.help() }
    }

    /// Why the records of a block end early, told as a fault or an error; `at` is where its text ends.
    fn stopped(&self, stop: Option<BlockStop>, (offset, at, rows): (u64, usize, u64)) -> Failure {
        Failure::Fault(match stop {
            Some(BlockStop::Error(error)) => return Failure::Error(error),
            Some(BlockStop::Fault(fault)) => RecordFault { record: fault.record + rows, ..fault },
            Some(BlockStop::TooLong) => self.fault(offset, rows, JsonFlaw::TooLong { longest: self.longest }.at(0)),
            Some(BlockStop::Malformed { .. }) => self.fault(offset, rows, JsonFlaw::Malformed.at(at)),
            None => self.fault(offset, rows, JsonFlaw::CutShort.at(at)),
        })
    }
}

impl FileFormat for Json {
    fn open(&self, root: &Root, member: &Member, spent: u64) -> Result<OpenedMember> {
        let bytes = Bytes::open(root, member, &self.read, spent, blake3::Hasher::new())?;
        let text = Text::open(bytes, &self.read)?;
        let blocks = match &self.rules {
            JsonFormat::Lines => JsonBlocks::lines_of(text, self.longest),
            JsonFormat::Arrays { path } => {
                let envelope = Envelope::new(path.clone(), self.read.max_columns, self.longest);
                JsonBlocks::arrays_of(text, envelope, self.longest)
            }
        };
        Ok(OpenedMember { names: NamesKnown::InRecords, blocks: Box::new(blocks) })
    }

    fn parse(
        &self,
        block: Block,
        bytes: Vec<u8>,
        _: &ColumnMap,
        scratch: &mut FormatScratch,
    ) -> Result<Parsed, Failure> {
        let Block { offset, stop, .. } = block;
        let (mut text, malformed) = whole_text(bytes, stop.is_some());
        let JsonScratch { shape, cells } = &mut scratch.json;
        shape.begin(&self.paths, self.read.max_columns);
        let mut walk = RecordWalk {
            lost: memchr::memmem::find(text.as_bytes(), "\u{fffd}".as_bytes()),
            rows: JsonRows::new(Lexer::new(&text, self.read.max_columns), &self.paths, shape, cells),
            lines: matches!(self.rules, JsonFormat::Lines),
            longest: self.longest,
            count: 0,
            blank: Vec::new(),
        };
        let broken = walk.all();
        let RecordWalk { rows: JsonRows { values, .. }, count, blank, .. } = walk;
        let end = (offset, text.len(), count as u64);
        let failure = match broken {
            Err(fault) if fault.what != JsonFlaw::Open => Some(Failure::Fault(self.fault(offset, end.2, fault))),
            _ if malformed => Some(Failure::Fault(self.fault(offset, end.2, JsonFlaw::Malformed.at(text.len())))),
            Ok(()) if stop.is_none() => None,
            _ => Some(self.stopped(stop, end)),
        };
        text.push_str(&values);
        let found = shape.names(self.read.max_columns);
        let parsed = |fault| Parsed { text, rows: count, dropped: Vec::new(), blank, found, fault };
        match failure {
            None => Ok(parsed(None)),
            Some(Failure::Fault(fault)) if self.bad == BadRecords::Tell && count > 0 => Ok(parsed(Some(fault))),
            Some(failure) => Err(failure),
        }
    }

    fn cells(&self, text: &mut String, columns: &ColumnMap, scratch: &FormatScratch, cells: &mut Vec<Cell>) {
        let null = self.bad.null_words(&self.read);
        let (all, width) = (&scratch.json.cells, self.paths.width);
        let rows = all.len().checked_div(width).unwrap_or(0);
        cells.clear();
        cells.resize(rows * columns.positions.len(), Cell::default());
        for (column, position) in columns.positions.iter().enumerate() {
            let Some(position) = position else { continue };
            for (row, cell) in all.iter().skip(*position).step_by(width).enumerate() {
                if cell.start < cell.end && !means_null(cell.of(text), null) {
                    cells[column * rows + row] = *cell;
                }
            }
        }
    }

    fn survey(&self, root: &Root, member: &Member, key: &[u8; 32]) -> Result<Survey> {
        let bytes = Bytes::open(root, member, &self.read, 0, blake3::Hasher::new_keyed(key))?;
        let (mut text, mut buffer, mut empty) = (Text::open(bytes, &self.read)?, Vec::new(), true);
        loop {
            let mut filled = 0;
            let more = text.fill(&mut buffer, &mut filled, PIECE).map_err(|broken| match broken {
                BrokenText::Error(error) => error,
                BrokenText::Malformed { at } => {
                    crate::read::text::malformed(text.bytes().place(), "", at, text.encoding())
                }
            })?;
            empty &= buffer[..filled].iter().all(u8::is_ascii_whitespace);
            if !more {
                break;
            }
        }
        let unhashed = || Error::new(Code::InputNotReadable, format!("{} could not be hashed", text.bytes().place()));
        let digest = text.bytes().facts().hash.ok_or_else(unhashed)?;
        Ok(Survey { digest: *digest.as_bytes(), empty })
    }

    fn encoding(&self) -> String {
        "utf-8".into()
    }

    fn delimiter(&self) -> Option<char> {
        None
    }
}

/// The text of a block up to its first malformed byte, and whether there is one. Where a block is `cut`, so may be its last
/// character.
fn whole_text(bytes: Vec<u8>, cut: bool) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => {
            let (at, ends) = (error.utf8_error().valid_up_to(), error.utf8_error().error_len().is_none());
            let mut bytes = error.into_bytes();
            bytes.truncate(at);
            (String::from_utf8(bytes).unwrap_or_default(), !(cut && ends))
        }
    }
}

/// The records of a block, one after the other.
struct RecordWalk<'t, 'p> {
    rows: JsonRows<'t, 'p>,
    lines: bool,
    longest: usize,
    /// Where the first U+FFFD is.
    lost: Option<usize>,
    count: usize,
    blank: Vec<u32>,
}

/// What was read of a block in one step.
struct StepRead {
    /// Where it ends, without the comma, bracket or line end after it.
    end: usize,
    /// Whether the record holds anything but nulls and blanks; none for an empty line.
    filled: Option<bool>,
}

impl RecordWalk<'_, '_> {
    /// Reads all of them, up to the first that cannot be read.
    fn all(&mut self) -> Result<(), JsonFault> {
        loop {
            let start = self.rows.lexer.at;
            if start == self.rows.lexer.text.len() {
                return Ok(());
            }
            let read = if self.lines { self.line(start) } else { self.element() };
            let end = read.as_ref().map_or_else(|fault| fault.at, |read| read.end);
            let read = match self.lost.filter(|lost| *lost < end) {
                _ if end.saturating_sub(start) > self.longest => {
                    Err(JsonFlaw::TooLong { longest: self.longest }.at(start))
                }
                Some(lost) => Err(JsonFlaw::Replacement.at(lost)),
                None => read,
            };
            match read {
                Ok(StepRead { filled: None, .. }) => {}
                Ok(StepRead { filled: Some(filled), .. }) => {
                    self.blank.extend((!filled).then_some(self.count as u32));
                    self.count += 1;
                }
                Err(fault) => {
                    self.rows.keep(self.count);
                    return Err(fault);
                }
            }
        }
    }

    /// Reads an element of an array with what comes after it.
    fn element(&mut self) -> Result<StepRead, JsonFault> {
        let filled = Some(self.rows.record()?);
        let lexer = &mut self.rows.lexer;
        let another = lexer.another(b']')?;
        if !another && lexer.at < lexer.text.len() {
            return Err(JsonFlaw::Unexpected.at(lexer.at));
        }
        Ok(StepRead { end: lexer.at - 1, filled })
    }

    /// Reads a line, which has one record or nothing.
    fn line(&mut self, start: usize) -> Result<StepRead, JsonFault> {
        let text = self.rows.lexer.text;
        let found = memchr::memchr(b'\n', &text.as_bytes()[start..]).map(|at| start + at);
        let end = found.unwrap_or(text.len());
        self.rows.lexer.end = end;
        let filled = self.record_of_line().map_err(|fault| match fault.what {
            JsonFlaw::Open if found.is_some() => JsonFlaw::LineEnds.at(fault.at),
            _ => fault,
        })?;
        self.rows.lexer.end = text.len();
        self.rows.lexer.at = text.len().min(end + 1);
        Ok(StepRead { end, filled })
    }

    fn record_of_line(&mut self) -> Result<Option<bool>, JsonFault> {
        if !self.rows.lexer.more() {
            return Ok(None);
        }
        let filled = self.rows.record()?;
        match self.rows.lexer.more() {
            true => Err(JsonFlaw::AfterRecord.at(self.rows.lexer.at)),
            false => Ok(Some(filled)),
        }
    }
}
