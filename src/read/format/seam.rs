//! What every format does, and what it is given and gives: the seam between formats and those who read through them.

use super::{csv, json, xlsx};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::batch::{Cell, ColumnMap};
use crate::read::container::{Member, MemberFacts};
use crate::read::found::FoundNames;
use crate::store::Root;
use std::fmt;

/// What a record that cannot be read does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum BadRecords {
    /// The input is refused.
    Refuse,
    /// Records with too many or too few cells are left out and counted; others refuse the input.
    DropRagged,
    /// Records with too many or too few cells are left out, and a cell that has no value which can be believed is empty:
    /// columns are only looked at.
    Look,
    /// Records with too many or too few cells are told one by one; at another fault the input ends, and all that was
    /// readable before it counts (R31).
    Tell,
}

impl BadRecords {
    /// Returns the words of a source that mean null, besides blank cells. Lists have none: they say for themselves what a
    /// blank cell means.
    pub fn null_words(self, read: &ReadFormat) -> Option<&[String]> {
        (self != BadRecords::Tell).then_some(read.null.as_slice())
    }
}

/// One format with the settings of one source, shared by all workers.
pub(in crate::read) trait FileFormat: Send + Sync {
    /// Opens a member and reads on to its first record. `spent` is what other members of its object unpacked to.
    fn open(&self, root: &Root, member: &Member, spent: u64) -> Result<OpenedMember>;

    /// Finds the records of a block, whose bytes are given, on any worker and in any order of blocks. What it notes in
    /// `scratch` is for [`FileFormat::cells`].
    fn parse(
        &self,
        block: Block,
        bytes: Vec<u8>,
        columns: &ColumnMap,
        scratch: &mut FormatScratch,
    ) -> Result<Parsed, Failure>;

    /// Finds the wanted cells of a block just parsed, one column after the other. It is apart from `parse`, since only
    /// that has to be done before the block's turn comes in the order of the records.
    fn cells(&self, text: &mut String, columns: &ColumnMap, scratch: &FormatScratch, cells: &mut Vec<Cell>);

    /// Reads a member to its end before any of its records is believed, whatever its records are like.
    ///
    /// # Errors
    /// Input errors for each doubt about the whole of it: damage, or an encoding that is not the declared one.
    fn survey(&self, root: &Root, member: &Member, key: &[u8; 32]) -> Result<Survey>;

    /// Returns the encoding that text is decoded from, WHATWG name, lower case.
    fn encoding(&self) -> String;

    /// Returns what stands between cells, where it is one character.
    fn delimiter(&self) -> Option<char>;
}

/// Buffers of one worker that a format uses from block to block.
#[derive(Default)]
pub(in crate::read) struct FormatScratch {
    pub(in crate::read::format) csv: csv::Positions,
    pub(in crate::read::format) json: json::JsonScratch,
    /// Ends of cells that were laid out before.
    pub(in crate::read::format) laid: Vec<u32>,
}

/// A member whose first record comes next.
pub(in crate::read) struct OpenedMember {
    pub names: NamesKnown,
    pub blocks: Box<dyn Blocks>,
}

/// How the names of a member's columns are known.
pub(in crate::read) enum NamesKnown {
    /// Before its first record, trimmed and NFC.
    Ahead(Vec<String>),
    /// By its records: each block says which it has. The cells of a row are those of the wanted columns, in their order.
    InRecords,
}

/// The blocks of one member, one after the other.
pub(in crate::read) trait Blocks: Send {
    /// Says why a column of the member has no values that can be read; they are null for who asks for them all the same.
    fn unread(&self, _column: usize) -> Option<&'static str> {
        None
    }

    /// Says why values of a column are not fit to tell persons apart.
    fn no_identifier(&self, _column: usize) -> Option<&'static str> {
        None
    }

    /// Says which columns will be asked for, before the first block: those of others need not be found.
    fn want(&mut self, _columns: &ColumnMap) {}

    /// Reads the next whole records, about `block_bytes` of them; none at the end. After a `stop` nothing follows.
    fn next(&mut self, buffer: &mut Vec<u8>, block_bytes: usize) -> Option<Block>;

    /// Closes the member after its last block, when all of it can be judged.
    fn close(self: Box<Self>) -> Result<MemberFacts>;
}

/// A piece of work: bytes at a record's start, in the worker's buffer.
pub(in crate::read) struct Block {
    /// Position of the block in its text.
    pub offset: u64,
    /// Bytes taken from the store for it.
    pub taken: u64,
    /// Where the cells are in the bytes, in formats that find them as they read.
    pub laid: Option<Box<LaidRows>>,
    /// What the bytes are rows of, in workbooks.
    pub sheet: Option<Box<xlsx::SheetPiece>>,
    pub stop: Option<BlockStop>,
}

/// The cells of a block's records, all of them one after the other, with nothing between them.
#[derive(Default)]
pub(in crate::read) struct LaidRows {
    /// Where each cell ends, which is where the next one begins.
    pub ends: Vec<u32>,
    /// Rows before which a record with too many or too few cells was left out, ascending.
    pub dropped: Vec<u32>,
    /// Cells with no value that can be believed, in their order. They are faults where they are wanted.
    pub odd: Vec<OddCell>,
    /// Of a sheet the number of each row.
    pub lines: Vec<u64>,
}

/// A cell with no value that can be believed.
pub(in crate::read) struct OddCell {
    /// Row of the block.
    pub row: u32,
    /// Which cell of it.
    pub column: u32,
    pub why: &'static OddReason,
}

/// What is wrong with a cell.
#[derive(Debug)]
pub(in crate::read) struct OddReason {
    pub code: Code,
    pub what: &'static str,
    pub help: &'static str,
}

/// Why a member ends early; the block with it holds the beginning of the record that it cut.
pub(in crate::read) enum BlockStop {
    Error(Error),
    /// Bytes that the encoding does not have, so far into the file.
    Malformed {
        at: u64,
    },
    /// No record end in more bytes than a record may have.
    TooLong,
    /// A record that cannot be read; those before it are in the block.
    Fault(RecordFault),
}

/// A block whose records have been found.
pub(in crate::read) struct Parsed {
    /// The text that holds its records.
    pub text: String,
    pub rows: usize,
    /// Rows before which a bad record was left out, once per record, ascending.
    pub dropped: Vec<u32>,
    /// Rows without anything but blanks, ascending.
    pub blank: Vec<u32>,
    /// Names of columns, where they are in records.
    pub found: FoundNames,
    /// What ends the member after these records; only with [`BadRecords::Tell`].
    pub fault: Option<RecordFault>,
}

/// Why a block could not be parsed.
pub(in crate::read) enum Failure {
    Fault(RecordFault),
    /// Said in full already.
    Error(Error),
}

/// Where a fault is, as far as its format can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum FaultSpot {
    /// Byte of the member; `unit` says what it counts in and is empty for bytes of the file that are those of its text.
    Byte { at: u64, unit: &'static str },
    /// Cell of a sheet: the column's place, from 0, and the number of the row.
    Cell { column: usize, line: u64 },
    /// Column of the member, from 0.
    Column(usize),
}

impl fmt::Display for FaultSpot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultSpot::Byte { at, unit } => write!(f, "byte {at}{unit}"),
            FaultSpot::Cell { column, line } => write!(f, "cell {}{line}", letters(*column)),
            FaultSpot::Column(at) => write!(f, "column {}", at + 1),
        }
    }
}

/// The letters of a sheet's column, from 0: A to Z, AA, …
fn letters(column: usize) -> String {
    let (mut rest, mut letters) = (column + 1, Vec::new());
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// A record that cannot be read; says no value.
pub(in crate::read) struct RecordFault {
    /// Records of the block before it.
    pub record: u64,
    pub spot: FaultSpot,
    /// Which error it is.
    pub code: Code,
    /// What is wrong, in words without a value.
    pub what: String,
    /// What an operator can do about it.
    pub help: &'static str,
}

impl RecordFault {
    /// Returns it as an error at its place; `first` is the number of the block's first record.
    pub fn error(self, place: &str, first: u64) -> Error {
        let RecordFault { record, spot, code, what, help } = self;
        Error::new(code, format!("{place}, record {}, {spot}: {what}", first + record)).help(help)
    }
}

impl Parsed {
    /// Takes the fault out: with one, the block counts for nothing.
    pub fn whole(mut self) -> Result<Parsed, Failure> {
        match self.fault.take() {
            Some(fault) => Err(Failure::Fault(fault)),
            None => Ok(self),
        }
    }
}

/// What one pass over a member says of it.
pub struct Survey {
    /// Keyed hash of the object's bytes; of a member of an archive of what it unpacked to.
    pub digest: [u8; 32],
    /// There is nothing in it, or nothing but a byte order mark and empty lines.
    pub empty: bool,
}
