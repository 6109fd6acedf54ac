//! `Records`: one member read in order on one thread, where each record counts for itself, as in lists of requests
//! (R31): one that cannot be read is told, and what stands before a fault is given out.

use super::batch::{ColumnMap, RawBatch};
use super::columns::AS_TEXT;
use super::container::Member;
use super::format::{self, BadRecords, Blocks, Failure, FaultSpot, FileFormat, NamesKnown, RecordFault, Survey};
use super::found::FoundNames;
use super::reader::Scratch;
use super::wanted::{KnownColumns, Structures, WantedNames};
use crate::error::{Code, Error, Result};
use crate::policy::{Column, ReadFormat, Source};
use crate::same_name::normal;
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// About how much text is one block.
const BLOCK: usize = 1 << 20;

/// A member being read.
pub struct Records {
    format: Box<dyn FileFormat>,
    names: Vec<String>,
    /// Which of them have values that name somebody.
    named: Vec<bool>,
    blocks: Box<dyn Blocks>,
    columns: Arc<ColumnMap>,
    scratch: Scratch,
    /// Records given out, left out ones included.
    records: u64,
    /// What comes after the records given out.
    broken: Option<Broken>,
}

/// For whom a member is opened, and how far it is looked into.
struct Opening<'a> {
    known: &'a KnownColumns,
    /// Where names are in records, those of so many blocks count.
    blocks: usize,
    bad: BadRecords,
}

/// Why no later record of a member can be read.
pub struct Broken {
    /// The record that cannot be read.
    pub record: u64,
    /// Where in the member, when that is known.
    pub byte: Option<u64>,
    /// What is wrong; without its place when there is a byte.
    pub error: Error,
}

/// Reads a member to its end before any of its records is believed. The digest is keyed.
///
/// # Errors
/// Input errors for each doubt about the whole of it (R39); storage errors; a policy error for an unknown encoding.
pub fn survey(root: &Root, member: &Member, format: &ReadFormat, key: &[u8; 32]) -> Result<Survey> {
    format::of(format, BadRecords::Tell, &WantedNames::none())?.survey(root, member, key)
}

impl Records {
    /// Opens a member at its first record, by who knows some of its columns. Where names are in records, it is read once
    /// for them.
    ///
    /// # Errors
    /// Input errors for a member that has no header that can be read, and for a column that is to name somebody and tells
    /// no two persons apart; storage errors.
    pub fn open(root: &Root, member: &Member, format: &ReadFormat, known: &KnownColumns) -> Result<Records> {
        let how = Opening { known, blocks: usize::MAX, bad: BadRecords::Tell };
        Records::open_wanted(root, member, format, &WantedNames::needing(&known.needed), &how)
    }

    /// Opens a member of a source, which says which objects and arrays have columns in them, to look at its records: a cell
    /// that has no value which can be believed is empty, be it of a column that nobody declared.
    ///
    /// # Errors
    /// As those of [`Records::open`].
    pub fn open_source(root: &Root, member: &Member, source: &Source) -> Result<Records> {
        let wanted = WantedNames::of(source, &[], Structures::AsWritten);
        // All values are text as written, also a word for null.
        let read = ReadFormat { null: Vec::new(), ..source.read.clone() };
        let how = Opening { known: &KnownColumns::default(), blocks: usize::MAX, bad: BadRecords::Look };
        Records::open_wanted(root, member, &read, &wanted, &how)
    }

    /// Opens a member to look at its beginning: where names are in records, those of so many blocks count. In objects whose
    /// columns begin with one of `beginnings`, all keys are columns.
    ///
    /// # Errors
    /// As those of [`Records::open`].
    pub fn open_beginning(
        root: &Root,
        member: &Member,
        format: &ReadFormat,
        beginnings: &[String],
        blocks: usize,
    ) -> Result<Records> {
        let wanted = WantedNames { beginnings: beginnings.to_vec(), ..WantedNames::none() };
        let how = Opening { known: &KnownColumns::default(), blocks, bad: BadRecords::Tell };
        Records::open_wanted(root, member, format, &wanted, &how)
    }

    fn open_wanted(
        root: &Root,
        member: &Member,
        read: &ReadFormat,
        wanted: &WantedNames<'_>,
        &Opening { known, blocks: most_blocks, bad }: &Opening<'_>,
    ) -> Result<Records> {
        let names_of_all = |all: &mut dyn Iterator<Item = &String>| all.map(|name| normal(name)).collect();
        let identifying: BTreeSet<String> = names_of_all(&mut known.identifying.iter());
        let needed: BTreeSet<String> = names_of_all(&mut known.needed.iter());
        let mut format = format::of(read, bad, wanted)?;
        let format::OpenedMember { names, mut blocks } = format.open(root, member, 0)?;
        let names = match names {
            NamesKnown::Ahead(names) => names,
            NamesKnown::InRecords => {
                let names = names_of(&*format, blocks, (read.max_columns, most_blocks), &known.needed);
                let column = |name: &String| Column { identified: identifying.contains(name), ..Column::text(name) };
                let columns: Vec<Column> = names.iter().map(column).collect();
                let all = wanted.all(&columns);
                let all = match needed.is_empty() {
                    true => all,
                    false => WantedNames {
                        needed: Some(names.iter().map(|name| needed.contains(name)).collect()),
                        structures: Structures::Refuse,
                        ..all
                    },
                };
                format = format::of(read, bad, &all)?;
                blocks = format.open(root, member, 0)?.blocks;
                names
            }
        };
        let named: Vec<bool> = names.iter().map(|name| identifying.contains(name)).collect();
        for at in (0..names.len()).filter(|at| named[*at]) {
            if let Some(why) = blocks.no_identifier(at) {
                let what = format!("{}: column {} is an identifier and {why}", member.place(), names[at]);
                return Err(Error::new(Code::FormatNotRead, what).help(AS_TEXT));
            }
        }
        for at in (0..names.len()).filter(|at| needed.contains(&names[*at])) {
            if let Some(why) = blocks.unread(at) {
                let what = format!("{}: column {} {why}", member.place(), names[at]);
                return Err(
                    Error::new(Code::FormatNotRead, what).help("have it written as text, a number, a date or a time")
                );
            }
        }
        let columns = Arc::new(ColumnMap { positions: Vec::new(), identified: Vec::new(), width: names.len() });
        Ok(Records { format, names, named, blocks, columns, scratch: Scratch::default(), records: 0, broken: None })
    }

    /// Says why a column has no values that can be read, where that is so.
    pub fn unread(&self, column: usize) -> Option<&'static str> {
        self.blocks.unread(column)
    }

    /// Returns the names of its columns, trimmed and NFC.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Says which of its columns batches give, in this order. Values are all text as written; a blank cell has one, too.
    pub fn want(&mut self, columns: &[usize]) {
        let positions = columns.iter().map(|column| Some(*column)).collect();
        let identified = columns.iter().map(|column| self.named[*column]).collect();
        self.columns = Arc::new(ColumnMap { positions, identified, width: self.names.len() });
        self.blocks.want(&self.columns);
    }

    /// Takes a batch's buffers back.
    pub fn recycle(&mut self, batch: RawBatch) {
        self.scratch.recycle(batch);
    }

    /// Reads the next records; none at the end.
    ///
    /// # Errors
    /// What ends the member early; all records before it have been given out. Nothing may be read after it.
    pub fn batch(&mut self) -> Result<Option<RawBatch>, Broken> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        let mut bytes = self.scratch.buffer();
        let Some(block) = self.blocks.next(&mut bytes, BLOCK) else { return Ok(None) };
        let first = self.records + 1;
        let parsed = self.scratch.parse(&*self.format, block, bytes, &self.columns);
        let mut parsed = parsed.map_err(|failure| match failure {
            Failure::Fault(fault) => broken(first, fault),
            Failure::Error(error) => Broken { record: first, byte: None, error },
        })?;
        self.broken = parsed.fault.take().map(|fault| broken(first, fault));
        self.records += (parsed.rows + parsed.dropped.len()) as u64;
        Ok(Some(self.scratch.batch(&*self.format, 0, first, parsed, self.columns.clone())))
    }
}

fn broken(first: u64, fault: RecordFault) -> Broken {
    let RecordFault { record, spot, code, what, help } = fault;
    let (byte, what) = match spot {
        FaultSpot::Byte { at, .. } => (Some(at), what),
        spot => (None, format!("{spot}: {what}")),
    };
    Broken { record: first + record, byte, error: Error::new(code, what).help(help) }
}

/// Reads a member for the names that its records have, up to what cannot be read of it (who reads it then is told), and no
/// more than so many blocks.
fn names_of(
    format: &dyn FileFormat,
    mut blocks: Box<dyn Blocks>,
    (most, most_blocks): (usize, usize),
    needed: &[String],
) -> Vec<String> {
    let (mut found, mut scratch) = (FoundNames::default(), Scratch::default());
    let columns = ColumnMap { positions: Vec::new(), identified: Vec::new(), width: 0 };
    let mut bytes = Vec::new();
    for _ in 0..most_blocks {
        let Some(block) = blocks.next(&mut bytes, BLOCK) else { break };
        let Ok(parsed) = scratch.parse(format, block, std::mem::take(&mut bytes), &columns) else { break };
        found.append(parsed.found, most);
        bytes = parsed.text.into_bytes();
    }
    found.columns(&needed.iter().collect::<Vec<_>>(), &BTreeMap::new())
}
