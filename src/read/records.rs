//! `Records`: one member read in order on one thread, where each record counts for itself, as in lists of requests (R31):
//! one that cannot be read is told, and what stands before a fault is given out. Must not know what columns are for.

use super::batch::{ColumnMap, RawBatch};
use super::container::Member;
use super::format::{self, BadRecords, Blocks, Failure, FaultSpot, FileFormat, NamesKnown, RecordFault, Survey};
use super::found::FoundNames;
use super::reader::Scratch;
use super::wanted::{Structures, WantedNames};
use crate::error::{Error, Result};
use crate::policy::{Column, ReadFormat, Source};
use crate::store::Root;
use std::collections::BTreeMap;
use std::sync::Arc;

/// About how much text is one block.
const BLOCK: usize = 1 << 20;

/// A member being read.
pub struct Records {
    format: Box<dyn FileFormat>,
    names: Vec<String>,
    blocks: Box<dyn Blocks>,
    columns: Arc<ColumnMap>,
    scratch: Scratch,
    /// Records given out, left out ones included.
    records: u64,
    /// What comes after the records given out.
    broken: Option<Broken>,
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
    /// Opens a member at its first record. Where names are in records, it is read once for them.
    ///
    /// # Errors
    /// Input errors for a member that has no header that can be read; storage errors.
    pub fn open(root: &Root, member: &Member, format: &ReadFormat) -> Result<Records> {
        Records::open_wanted(root, member, format, &WantedNames::none())
    }

    /// Opens a member of a source, which says which objects and arrays have columns in them.
    ///
    /// # Errors
    /// As those of [`Records::open`].
    pub fn open_source(root: &Root, member: &Member, source: &Source) -> Result<Records> {
        Records::open_wanted(root, member, &source.read, &WantedNames::of(source, &[], Structures::AsWritten))
    }

    fn open_wanted(root: &Root, member: &Member, read: &ReadFormat, wanted: &WantedNames<'_>) -> Result<Records> {
        let mut format = format::of(read, BadRecords::Tell, wanted)?;
        let format::OpenedMember { names, mut blocks } = format.open(root, member, 0)?;
        let names = match names {
            NamesKnown::Ahead(names) => names,
            NamesKnown::InRecords => {
                let names = names_of(&*format, blocks, read.max_columns);
                let columns: Vec<Column> = names.iter().map(|name| Column::text(name)).collect();
                format = format::of(read, BadRecords::Tell, &wanted.all(&columns))?;
                blocks = format.open(root, member, 0)?.blocks;
                names
            }
        };
        let columns = Arc::new(ColumnMap { positions: Vec::new(), width: names.len() });
        Ok(Records { format, names, blocks, columns, scratch: Scratch::default(), records: 0, broken: None })
    }

    /// Returns the names of its columns, trimmed and NFC.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Says which of its columns batches give, in this order. Values are all text as written; a blank cell has one, too.
    pub fn want(&mut self, columns: &[usize]) {
        let positions = columns.iter().map(|column| Some(*column)).collect();
        self.columns = Arc::new(ColumnMap { positions, width: self.names.len() });
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

/// Reads a member for the names that its records have, up to what cannot be read of it: who reads it then is told.
fn names_of(format: &dyn FileFormat, mut blocks: Box<dyn Blocks>, most: usize) -> Vec<String> {
    let (mut found, mut scratch) = (FoundNames::default(), Scratch::default());
    let columns = ColumnMap { positions: Vec::new(), width: 0 };
    let mut bytes = Vec::new();
    while let Some(block) = blocks.next(&mut bytes, BLOCK) {
        let Ok(parsed) = scratch.parse(format, block, std::mem::take(&mut bytes), &columns) else { break };
        found.append(parsed.found, most);
        bytes = parsed.text.into_bytes();
    }
    found.columns(&[], &BTreeMap::new())
}
