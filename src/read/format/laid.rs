//! Records whose cells were found as they were read, as in workbooks and Parquet files. What is left is to judge the
//! cells that are wanted.

use super::null::means_null;
use super::seam::{
    BadRecords, Block, BlockStop, Failure, FaultSpot, FormatScratch, LaidRows, OddCell, OddReason, Parsed, RecordFault,
};
use crate::error::Code;
use crate::read::batch::{Cell, ColumnMap};
use crate::read::found::FoundNames;

const NUL: OddReason =
    OddReason { code: Code::EncodingWrong, what: "a NUL character", help: "have it exported without NUL" };
const REPLACEMENT: OddReason = OddReason {
    code: Code::EncodingWrong,
    what: "the replacement character U+FFFD: an earlier conversion has lost text",
    help: "have it exported again from where the text is whole",
};
/// Bytes of a cell that are no text.
pub(super) const MALFORMED: OddReason = OddReason {
    code: Code::EncodingWrong,
    what: "bytes that are malformed for utf-8",
    help: "have it exported again with text in UTF-8",
};

/// What stands for a value that has no text; such a cell is a fault where it is wanted, and never given out.
pub(super) const NO_TEXT: &str = "?";

impl LaidRows {
    /// Takes back the record under way, `at` its row and column: it is longer than a record may be.
    pub(super) fn too_long(&mut self, at: (usize, usize), width: usize, longest: usize) -> RecordFault {
        let (row, column) = at;
        self.ends.truncate(row * width);
        self.odd.retain(|odd| odd.row as usize != row);
        let what = format!("the record is longer than {longest} bytes");
        let help = "raise limits.max_record_bytes in the source if the export is right";
        RecordFault { record: row as u64, spot: FaultSpot::Column(column), code: Code::RecordMalformed, what, help }
    }
}

/// How the cells of one source are judged.
pub(in crate::read) struct LaidCells<'a> {
    pub bad: BadRecords,
    /// Cells that mean null, besides blank ones; none where every cell has its text as a value.
    pub null: Option<&'a [String]>,
}

impl LaidCells<'_> {
    /// Judges the wanted cells of a block: the first that cannot be believed is its fault.
    ///
    /// # Errors
    /// That fault, and what stopped the block; with [`BadRecords::Tell`] what stands before it is given out.
    pub fn parse(
        &self,
        block: Block,
        bytes: Vec<u8>,
        columns: &ColumnMap,
        scratch: &mut FormatScratch,
    ) -> Result<Parsed, Failure> {
        let LaidRows { ends, dropped, odd, lines } = *block.laid.unwrap_or_default();
        let mut fault = match block.stop {
            Some(BlockStop::Error(error)) => return Err(Failure::Error(error)),
            Some(BlockStop::Fault(fault)) => Some(fault),
            _ => None,
        };
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::Fault(fault_at(0, FaultSpot::Column(0), &MALFORMED)))?;
        let wanted = |column: u32| columns.positions.contains(&Some(column as usize));
        let means_null = |odd: &OddCell| {
            let at = odd.row as usize * columns.width + odd.column as usize;
            self.null.is_some() && means_null(cell(&ends, at).of(&text), self.null)
        };
        let judged = |column: u32| self.bad != BadRecords::Look && wanted(column);
        let odd = odd.into_iter().find(|odd| judged(odd.column) && !means_null(odd));
        let found = [odd, lost(&text, &ends, columns.width, judged)];
        let first = found.into_iter().flatten().min_by_key(|odd| (odd.row, odd.column));
        let mut parsed = Parsed {
            rows: ends.len() / columns.width,
            text,
            dropped,
            blank: Vec::new(),
            found: FoundNames::default(),
            fault: None,
        };
        scratch.laid = ends;
        if let Some(OddCell { row, column, why }) = first {
            let before = parsed.dropped.iter().filter(|at| **at <= row).count();
            let line = lines.get(row as usize).copied();
            let column = column as usize;
            let spot = line.map_or(FaultSpot::Column(column), |line| FaultSpot::Cell { column, line });
            fault = Some(fault_at(u64::from(row) + before as u64, spot, why));
            parsed.rows = row as usize;
            parsed.dropped.truncate(before);
            scratch.laid.truncate(parsed.rows * columns.width);
        }
        parsed.blank = blank(&parsed.text, &scratch.laid, columns.width);
        parsed.fault = fault;
        if self.bad == BadRecords::Tell { Ok(parsed) } else { parsed.whole() }
    }

    /// Gives the wanted cells of a block just judged.
    pub fn find(&self, text: &str, columns: &ColumnMap, scratch: &FormatScratch, cells: &mut Vec<Cell>) {
        let (ends, width) = (&scratch.laid, columns.width);
        let rows = ends.len() / width;
        cells.clear();
        cells.resize(rows * columns.positions.len(), Cell::default());
        for (column, position) in columns.positions.iter().enumerate() {
            let Some(position) = position else { continue };
            for row in 0..rows {
                let cell = cell(ends, row * width + position);
                if cell.start < cell.end && !means_null(cell.of(text), self.null) {
                    cells[column * rows + row] = cell;
                }
            }
        }
    }
}

/// Says that a record cannot be read for what is in a cell of it.
pub(super) fn fault_at(record: u64, spot: FaultSpot, why: &OddReason) -> RecordFault {
    RecordFault { record, spot, code: why.code, what: why.what.into(), help: why.help }
}

/// The first wanted cell with a character that no text may hold (R39).
fn lost(text: &str, ends: &[u32], width: usize, wanted: impl Fn(u32) -> bool) -> Option<OddCell> {
    let nul = memchr::memchr_iter(0, text.as_bytes()).map(|at| (at, &NUL));
    let lost = memchr::memmem::find_iter(text.as_bytes(), "\u{fffd}".as_bytes()).map(|at| (at, &REPLACEMENT));
    let odd = |(at, why): (usize, &'static OddReason)| {
        let cell = ends.partition_point(|end| *end as usize <= at);
        let (row, column) = ((cell / width) as u32, (cell % width) as u32);
        wanted(column).then_some(OddCell { row, column, why })
    };
    let found = [nul.filter_map(odd).next(), lost.filter_map(odd).next()];
    found.into_iter().flatten().min_by_key(|odd| (odd.row, odd.column))
}

fn cell(ends: &[u32], at: usize) -> Cell {
    Cell { start: at.checked_sub(1).map_or(0, |before| ends[before]), end: ends[at] }
}

/// Rows without anything but blanks.
fn blank(text: &str, ends: &[u32], width: usize) -> Vec<u32> {
    let (mut from, mut blank) = (0, Vec::new());
    for (row, ends) in ends.chunks_exact(width).enumerate() {
        let end = ends[ends.len() - 1] as usize;
        if text[std::mem::replace(&mut from, end)..end].trim().is_empty() {
            blank.push(row as u32);
        }
    }
    blank
}
