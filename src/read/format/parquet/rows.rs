//! The rows of one Parquet file as blocks: the wanted columns are decoded side by side, row group by row group.

use super::chunks::{ChunkHome, ColumnChunks, FileChunks, PageTally};
use super::footer::Footer;
use super::leaves::{LeafReader, STEP};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::batch::ColumnMap;
use crate::read::container::{Caps, MemberFacts};
use crate::read::format::laid::NO_TEXT;
use crate::read::format::seam::{Block, BlockStop, Blocks, LaidRows, OddCell};
use crate::store::{Object, Root, from_io};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Cells of one block, at most, whatever is in them: columns can be all null.
const MOST_CELLS: usize = 1 << 20;

/// How the whole of a file is vouched for when it has been read.
pub(super) enum Whole {
    /// Read once more, for its hash.
    Object(Box<(Root, Object, blake3::Hasher)>),
    /// It was unpacked before.
    Known(MemberFacts),
}

/// A file whose footer has been read.
pub(super) struct RowBlocks {
    pub file: Arc<FileChunks>,
    pub footer: Footer,
    pub whole: Whole,
    caps: Caps,
    longest: usize,
    wanted: Vec<usize>,
    tally: Arc<Mutex<PageTally>>,
    /// The row group being read, and its rows that have not been decoded.
    group: usize,
    left: usize,
    leaves: Vec<LeafReader>,
    /// Rows decoded and not given out.
    held: usize,
    /// Text given out, and records.
    out: u64,
    stop: Option<BlockStop>,
    cell: String,
}

impl RowBlocks {
    pub fn new(file: FileChunks, footer: Footer, whole: Whole, read: &ReadFormat, spent: u64) -> RowBlocks {
        RowBlocks {
            file: Arc::new(file),
            footer,
            whole,
            caps: Caps::new(read, spent),
            longest: read.max_record_bytes,
            wanted: Vec::new(),
            tally: Arc::default(),
            group: 0,
            left: 0,
            leaves: Vec::new(),
            held: 0,
            out: 0,
            stop: None,
            cell: String::new(),
        }
    }

    /// Decodes more rows; false at the end of the file.
    fn refill(&mut self) -> Result<bool> {
        while self.left == 0 {
            self.leaves.iter_mut().try_for_each(LeafReader::end)?;
            self.leaves.clear();
            if self.group == self.footer.meta.num_row_groups() {
                return Ok(false);
            }
            if self.group == 0 {
                self.hold()?;
            }
            self.open()?;
            self.group += 1;
        }
        let rows = self.left.min(STEP);
        self.leaves.iter_mut().try_for_each(|leaf| leaf.decode(rows))?;
        (self.left, self.held) = (self.left - rows, rows);
        Ok(true)
    }

    /// Judges how many cells the file says that it has before any is decoded: a few bytes can stand for any number of rows.
    fn hold(&self) -> Result<()> {
        let rows = u64::try_from(self.footer.meta.file_metadata().num_rows()).unwrap_or(u64::MAX);
        let cells = rows.saturating_mul(self.wanted.len().max(1) as u64);
        self.caps.hold(&self.file.place, cells, Some(self.file.length))
    }

    /// Opens the wanted columns of the next row group; where there are none, one that tells how many rows there are.
    fn open(&mut self) -> Result<()> {
        let group = self.footer.meta.row_group(self.group);
        let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
        let mut columns = self.wanted.clone();
        if columns.iter().all(|column| self.footer.kinds[*column].is_err()) {
            columns.extend(self.footer.kinds.iter().position(Result::is_ok));
        }
        for column in columns {
            let name = &self.footer.names[column];
            let Ok(kind) = self.footer.kinds[column] else { continue };
            let meta = group.column(column);
            let place = format!("{}, row group {}, column {name}", self.file.place, self.group + 1);
            Footer::column(&self.file, &place, meta)?;
            let (file, tally, caps) = (self.file.clone(), self.tally.clone(), self.caps);
            let chunks = ColumnChunks { file, place, caps, tally, window: Mutex::default() };
            self.leaves.push(LeafReader::open(column, kind, chunks, meta, rows)?);
        }
        if self.leaves.is_empty() {
            let what = format!("{} has no column with one value for each record", self.file.place);
            return Err(Error::new(Code::FormatNotRead, what).help("have it written flat: one column for each value"));
        }
        self.left = rows;
        Ok(())
    }

    /// Lays out the next row; a fault for one that is too long, or beyond what may be unpacked.
    fn row(&mut self, buffer: &mut Vec<u8>, laid: &mut LaidRows, row: usize) -> Option<BlockStop> {
        let (start, mut column, width) = (buffer.len(), 0, self.footer.names.len());
        for leaf in &mut self.leaves {
            laid.ends.extend(std::iter::repeat_n(buffer.len() as u32, leaf.column - column));
            self.cell.clear();
            if let Err(why) = leaf.write(&mut self.cell) {
                self.cell.push_str(NO_TEXT);
                laid.odd.push(OddCell { row: row as u32, column: leaf.column as u32, why });
            }
            if buffer.len() - start + self.cell.len() > self.longest {
                buffer.truncate(start);
                return Some(BlockStop::Fault(laid.too_long((row, leaf.column), width, self.longest)));
            }
            buffer.extend_from_slice(self.cell.as_bytes());
            laid.ends.push(buffer.len() as u32);
            column = leaf.column + 1;
        }
        laid.ends.extend(std::iter::repeat_n(buffer.len() as u32, width - column));
        self.out += (buffer.len() - start + self.leaves.len()) as u64;
        self.caps.hold(&self.file.place, self.out, Some(self.file.length)).err().map(BlockStop::Error)
    }
}

impl Blocks for RowBlocks {
    fn unread(&self, column: usize) -> Option<&'static str> {
        self.footer.kinds.get(column)?.err()
    }

    fn no_identifier(&self, column: usize) -> Option<&'static str> {
        self.footer.kinds.get(column)?.ok()?.no_identifier()
    }

    fn want(&mut self, columns: &ColumnMap) {
        self.wanted = columns.positions.iter().flatten().copied().collect();
        self.wanted.sort_unstable();
        self.wanted.dedup();
    }

    fn next(&mut self, buffer: &mut Vec<u8>, block_bytes: usize) -> Option<Block> {
        buffer.clear();
        let (mut laid, mut row) = (LaidRows::default(), 0);
        while self.stop.is_none() && buffer.len() < block_bytes && laid.ends.len() < MOST_CELLS {
            if self.held == 0 {
                match self.refill() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        self.stop = Some(BlockStop::Error(error));
                        break;
                    }
                }
            }
            self.held -= 1;
            self.stop = self.row(buffer, &mut laid, row);
            row += 1;
        }
        // What stops the file comes by itself, so that the rows before it count.
        let stop = match &self.stop {
            Some(BlockStop::Error(_)) if row > 0 => None,
            _ => self.stop.take(),
        };
        if row == 0 && stop.is_none() {
            return None;
        }
        let packed = self.tally.lock().unwrap_or_else(PoisonError::into_inner).taken();
        Some(Block { offset: 0, taken: packed, laid: Some(Box::new(laid)), sheet: None, stop })
    }

    fn close(self: Box<Self>) -> Result<MemberFacts> {
        match self.whole {
            Whole::Known(facts) => Ok(facts),
            Whole::Object(whole) => {
                let (root, object, mut hasher) = *whole;
                let place = root.display(&object.path);
                let (mut source, mut piece) = (root.open_object(&object)?, vec![0; 1 << 16]);
                loop {
                    match source.read(&mut piece) {
                        Ok(0) => break,
                        Ok(count) => drop(hasher.update(&piece[..count])),
                        Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(e) => return Err(from_io(&place, e)),
                    }
                }
                Ok(MemberFacts { bytes: object.bytes, unpacked: self.out, hash: Some(hasher.finalize()), pages: None })
            }
        }
    }
}

/// Opens the bytes of a plain object, or of what was unpacked.
pub(super) fn chunks(home: ChunkHome, length: u64, place: &str) -> FileChunks {
    FileChunks { home, length, place: place.to_string() }
}
