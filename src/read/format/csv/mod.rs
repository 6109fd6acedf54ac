//! CSV: RFC 4180 and its relatives (R39). Blocks are scanned fast; what does not add up goes to an exact parser that
//! names the byte.

mod blocks;
mod cells;
mod exact;
mod fault;
mod header;
mod scan;
mod survey;

pub(in crate::read::format) use scan::Positions;

use self::blocks::CsvBlocks;
use self::cells::CellFinder;
use self::exact::Grammar;
use self::fault::{FaultAt, What, unit};
use self::scan::Marks;
use super::{
    BadRecords, Block, BlockStop, Failure, FaultSpot, FileFormat, FormatScratch, NamesKnown, OpenedMember, Parsed,
    RecordFault, Survey,
};
use crate::error::{Code, Result};
use crate::policy::{CsvFormat, NamesFrom, ReadFormat};
use crate::read::LARGEST;
use crate::read::batch::{Cell, ColumnMap};
use crate::read::container::{Bytes, Member};
use crate::read::found::FoundNames;
use crate::read::model;
use crate::read::text::{self, Text};
use crate::same_name::normal;
use crate::store::Root;
use encoding_rs::Encoding;

/// The CSV of one source.
pub(super) struct Csv {
    read: ReadFormat,
    rules: CsvFormat,
    grammar: Grammar,
    bad: BadRecords,
    encoding: &'static Encoding,
}

impl Csv {
    pub fn new(read: &ReadFormat, rules: CsvFormat, bad: BadRecords) -> Result<Csv> {
        let grammar = Grammar {
            delimiter: rules.delimiter,
            quote: rules.quote,
            literal: rules.stray_quotes_literal,
            longest: read.max_record_bytes.min(LARGEST),
        };
        let encoding = text::encoding(&read.encoding)?;
        Ok(Csv { read: read.clone(), rules, grammar, bad, encoding })
    }

    fn fault(&self, offset: u64, fault: FaultAt) -> RecordFault {
        let FaultAt { at, record, what } = fault;
        let spot = FaultSpot::Byte { at: offset + at as u64, unit: unit(self.encoding) };
        let said = match (what, &self.read.names) {
            (What::Cells { .. }, NamesFrom::Header) => what.message(),
            (What::Cells { found, expected }, _) => {
                format!("the record has {found} cells, and {expected} columns are named")
            }
            _ => what.message(),
        };
        RecordFault { record, spot, code: what.code(), what: said, help: what.help() }
    }

    fn stopped(&self, offset: u64, stop: BlockStop) -> Failure {
        match stop {
            BlockStop::Error(error) => Failure::Error(error),
            BlockStop::Malformed { at } => Failure::Fault(RecordFault {
                record: 0,
                spot: FaultSpot::Byte { at, unit: " of the file" },
                code: Code::EncodingWrong,
                what: text::not_of(self.encoding),
                help: text::MALFORMED,
            }),
            BlockStop::Fault(fault) => Failure::Fault(fault),
            BlockStop::TooLong => {
                let what = What::TooLong { longest: self.grammar.longest };
                Failure::Fault(self.fault(offset, FaultAt { at: 0, record: 0, what }))
            }
        }
    }

    /// The quick way; the bytes back when anything is not plain.
    fn plain(&self, bytes: Vec<u8>, positions: &mut Positions, width: usize) -> Result<Parsed, Vec<u8>> {
        let marks = Marks { delimiter: self.grammar.delimiter, quote: self.grammar.quote };
        let seen = scan::scan(&bytes, marks, positions);
        if seen.odd || !regular(&bytes, &positions.ends, width, seen.lines, self.grammar.longest) {
            return Err(bytes);
        }
        let text = scan::text(bytes, seen)?;
        if seen.lost && memchr::memmem::find(text.as_bytes(), "\u{fffd}".as_bytes()).is_some() {
            return Err(text.into_bytes());
        }
        Ok(Parsed {
            text,
            rows: seen.lines,
            dropped: Vec::new(),
            blank: Vec::new(),
            found: FoundNames::default(),
            fault: None,
        })
    }

    /// The exact way, at the first fault of which the block ends.
    fn exact(&self, offset: u64, bytes: &[u8], positions: &mut Positions, width: usize) -> Result<Parsed, Failure> {
        let exact = exact::parse(bytes, &self.grammar, width, self.bad, true);
        *positions = Positions { ends: exact.ends, doubled: exact.doubled };
        let fault = exact.fault.map(|fault| self.fault(offset, fault));
        let parsed = Parsed {
            text: exact.text,
            rows: exact.rows,
            dropped: exact.dropped,
            blank: Vec::new(),
            found: FoundNames::default(),
            fault,
        };
        if self.bad == BadRecords::Tell { Ok(parsed) } else { parsed.whole() }
    }

    /// Finds records that hold nothing but blanks, such as those that Excel writes below a table. Where a record begins
    /// with a letter or digit there is no need to look further.
    fn blank(&self, parsed: &Parsed, ends: &[u32], width: usize) -> Vec<u32> {
        let (text, mut from, mut blank) = (&parsed.text, 0, Vec::new());
        for (row, record) in ends.chunks_exact(width).enumerate() {
            let start = std::mem::replace(&mut from, record[width - 1] as usize + 1);
            if text.as_bytes()[start].is_ascii_alphanumeric() {
                continue;
            }
            if self.grammar.is_blank(text, start, record) {
                blank.push(row as u32);
            }
        }
        blank
    }
}

impl FileFormat for Csv {
    fn open(&self, root: &Root, member: &Member, spent: u64) -> Result<OpenedMember> {
        let bytes = Bytes::open(root, member, &self.read, spent, blake3::Hasher::new())?;
        let mut text = Text::open(bytes, &self.read)?;
        let header = match &self.read.names {
            NamesFrom::Header => self.header(&mut text)?,
            NamesFrom::Given(names) => self.headless(&mut text, names.iter().map(|name| normal(name)).collect())?,
            NamesFrom::Model(file) => self.headless(&mut text, model::names(root, &member.object, file)?)?,
        };
        let blocks = Box::new(CsvBlocks::new(text, self.grammar, header.end));
        Ok(OpenedMember { names: NamesKnown::Ahead(header.names), blocks })
    }

    fn parse(
        &self,
        block: Block,
        bytes: Vec<u8>,
        columns: &ColumnMap,
        scratch: &mut FormatScratch,
    ) -> Result<Parsed, Failure> {
        let (Block { offset, stop, .. }, width) = (block, columns.width);
        if let Some(stop) = stop {
            let fault = exact::parse(&bytes, &self.grammar, width, self.bad, false).fault;
            return Err(match fault {
                Some(fault) => Failure::Fault(self.fault(offset, fault)),
                None => self.stopped(offset, stop),
            });
        }
        let positions = &mut scratch.csv;
        let mut parsed = match self.plain(bytes, positions, width) {
            Ok(parsed) => parsed,
            Err(bytes) => self.exact(offset, &bytes, positions, width)?,
        };
        parsed.blank = self.blank(&parsed, &positions.ends, width);
        Ok(parsed)
    }

    fn cells(&self, text: &mut String, columns: &ColumnMap, scratch: &FormatScratch, cells: &mut Vec<Cell>) {
        let Positions { ends, doubled } = &scratch.csv;
        let null = self.bad.null_words(&self.read);
        CellFinder { quote: self.grammar.quote, null, columns }.find(text, ends, doubled, cells);
    }

    fn survey(&self, root: &Root, member: &Member, key: &[u8; 32]) -> Result<Survey> {
        let bytes = Bytes::open(root, member, &self.read, 0, blake3::Hasher::new_keyed(key))?;
        survey::survey(Text::open(bytes, &self.read)?)
    }

    fn encoding(&self) -> String {
        self.encoding.name().to_lowercase()
    }

    fn delimiter(&self) -> Option<char> {
        Some(char::from(self.grammar.delimiter))
    }
}

/// Whether the ends are those of so many lines of so many cells, none too long.
fn regular(text: &[u8], ends: &[u32], width: usize, lines: usize, longest: usize) -> bool {
    if ends.len() != lines * width {
        return false;
    }
    let mut from = 0;
    for record in ends.chunks_exact(width) {
        let end = record[width - 1] as usize;
        if text[end] != b'\n' || end - from > longest {
            return false;
        }
        from = end + 1;
    }
    from == text.len()
}
