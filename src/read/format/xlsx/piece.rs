//! A piece of a sheet to records: the cells that are wanted, one after the other, as formats that find cells as they
//! read lay them out.

use super::rows::{BadRow, CellFound, RowReader};
use super::sheet::{CellRange, Sheet, SheetPiece};
use super::value::{CUT, MERGED, in_place};
use crate::error::{Code, Error};
use crate::read::batch::ColumnMap;
use crate::read::format::{BadRecords, Block, BlockStop, FaultSpot, LaidRows, OddCell, RecordFault};

/// The most text of one piece: a few bytes in a sheet may stand for a long shared string.
const MOST_TEXT: usize = 512 << 20;

/// Records of a piece.
pub(super) struct PieceOfRecords {
    pub block: Block,
    pub text: Vec<u8>,
    /// Rows without anything but blanks, ascending.
    pub blank: Vec<u32>,
}

/// Reads a piece of a sheet up to its first fault.
pub(super) fn read(
    block: Block,
    piece: &SheetPiece,
    xml: &[u8],
    columns: &ColumnMap,
    bad: BadRecords,
) -> PieceOfRecords {
    let (mut wanted, mut identified) = (vec![false; columns.width], vec![false; columns.width]);
    for (column, at) in columns.positions.iter().enumerate().filter_map(|(column, at)| Some((column, (*at)?))) {
        wanted[at] = true;
        identified[at] |= columns.identified.get(column) == Some(&true);
    }
    let mut laying = Laying {
        sheet: &piece.sheet,
        wanted,
        identified,
        bad,
        text: String::new(),
        laid: LaidRows::default(),
        blank: Vec::new(),
        rows: 0,
    };
    let stop = block.stop.or_else(|| match std::str::from_utf8(xml) {
        Ok(xml) => laying.all(xml, piece).err(),
        Err(_) => Some(laying.stop(&RowReader::new("", &piece.sheet.own, piece.before), BadRow::Xml)),
    });
    let Laying { text, laid, blank, .. } = laying;
    PieceOfRecords { block: Block { laid: Some(Box::new(laid)), stop, ..block }, text: text.into_bytes(), blank }
}

struct Laying<'a> {
    sheet: &'a Sheet,
    /// By place in the header.
    wanted: Vec<bool>,
    /// Whose values name somebody, likewise.
    identified: Vec<bool>,
    bad: BadRecords,
    text: String,
    laid: LaidRows,
    blank: Vec<u32>,
    rows: u32,
}

impl Laying<'_> {
    fn all(&mut self, xml: &str, piece: &SheetPiece) -> Result<(), BlockStop> {
        if self.bad != BadRecords::Look
            && let Some(merged) = piece.merged.iter().find_map(|range| self.merged(range))
        {
            return Err(merged);
        }
        let mut rows = RowReader::new(xml, &piece.sheet.own, piece.before);
        loop {
            match rows.next_row() {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => self.row(&mut rows)?,
                Err(why) => return Err(self.stop(&rows, why)),
            }
        }
    }

    /// Lays out the cells of a row. One without cells is none; one without values is blank.
    fn row(&mut self, rows: &mut RowReader<'_>) -> Result<(), BlockStop> {
        let (text, ends, odd) = (self.text.len(), self.laid.ends.len(), self.laid.odd.len());
        let (mut next, mut seen, mut filled, mut outside) = (0, false, false, None);
        loop {
            let cell = match rows.next_cell() {
                Ok(Some(cell)) => cell,
                Ok(None) => break,
                Err(why) => {
                    self.back(text, ends, odd);
                    return Err(self.stop(rows, why));
                }
            };
            seen = true;
            if cell.column >= self.wanted.len() {
                if outside.is_none() && self.sheet.is_filled(&cell, &rows.text) {
                    outside = Some(cell.column);
                }
                continue;
            }
            self.gap(next, cell.column);
            filled |= self.cell(&cell, rows, filled);
            self.laid.ends.push(self.text.len() as u32);
            next = cell.column + 1;
        }
        if rows.bytes() > self.sheet.longest as u64 || self.text.len() - text > self.sheet.longest {
            self.back(text, ends, odd);
            let what = format!("the record is longer than {} bytes", self.sheet.longest);
            return Err(self.fault(rows, what, "raise limits.max_record_bytes in the source if the export is right"));
        }
        if self.text.len() > MOST_TEXT {
            let place = &self.sheet.place;
            let what = format!("{place}, row {}: cells share more text than can be read at once", rows.line);
            return Err(BlockStop::Error(Error::new(Code::InputTooLarge, what).help("have it exported as CSV")));
        }
        match outside {
            None if !seen => self.back(text, ends, odd),
            None => {
                self.gap(next, self.wanted.len());
                if !filled {
                    self.blank.push(self.rows);
                }
                self.laid.lines.push(rows.line);
                self.rows += 1;
            }
            Some(column) => {
                self.back(text, ends, odd);
                if self.bad == BadRecords::Refuse {
                    return Err(self.ragged(rows, column));
                }
                self.laid.dropped.push(self.rows);
            }
        }
        Ok(())
    }

    /// Takes a cell in; returns whether it holds anything but blanks, where that is not known of its row yet.
    fn cell(&mut self, cell: &CellFound, rows: &RowReader<'_>, filled: bool) -> bool {
        let (from, column) = (self.text.len(), cell.column as u32);
        if !self.wanted[cell.column] {
            return !filled && self.sheet.is_filled(cell, &rows.text);
        }
        match self.sheet.add_value(cell, &rows.text, &mut self.text) {
            Err(why) => {
                if self.bad != BadRecords::Look {
                    self.text.push_str(in_place(why, &rows.text));
                }
                self.laid.odd.push(OddCell { row: self.rows, column, why });
            }
            // It stays a word for null where it is one.
            Ok(()) if self.identified[cell.column] && self.sheet.lost_digits(cell, &self.text[from..]) => {
                self.laid.odd.push(OddCell { row: self.rows, column, why: &CUT });
            }
            Ok(()) => {}
        }
        !filled && self.sheet.is_filled(cell, &rows.text)
    }

    /// Cells that the file does not have.
    fn gap(&mut self, from: usize, to: usize) {
        self.laid.ends.extend(std::iter::repeat_n(self.text.len() as u32, to - from));
    }

    /// Takes a row back.
    fn back(&mut self, text: usize, ends: usize, odd: usize) {
        self.text.truncate(text);
        self.laid.ends.truncate(ends);
        self.laid.odd.truncate(odd);
    }

    fn stop(&self, rows: &RowReader<'_>, why: BadRow) -> BlockStop {
        let (what, help) = match why {
            BadRow::Xml => ("what is written here is not a sheet's", "have it exported or transferred again"),
            BadRow::Order => {
                ("its rows or cells are not in ascending order", "have it saved anew by a spreadsheet program")
            }
        };
        self.fault(rows, what.into(), help)
    }

    fn ragged(&self, rows: &RowReader<'_>, column: usize) -> BlockStop {
        let what = format!("a value to the right of the header, which has {} columns", self.wanted.len());
        let help = "give the column a name, or set limits.on_bad_record = \"drop\" in the job";
        self.fault_in(column, rows.line, what, help)
    }

    fn fault(&self, rows: &RowReader<'_>, what: String, help: &'static str) -> BlockStop {
        self.fault_in(rows.column.saturating_sub(1), rows.line, what, help)
    }

    fn fault_in(&self, column: usize, line: u64, what: String, help: &'static str) -> BlockStop {
        let spot = FaultSpot::Cell { column, line };
        let record = u64::from(self.rows) + self.laid.dropped.len() as u64;
        BlockStop::Fault(RecordFault { record, spot, code: Code::RecordMalformed, what, help })
    }

    /// Refuses merged cells of a wanted column, at or below the header.
    fn merged(&self, range: &CellRange) -> Option<BlockStop> {
        let (from, to) = range.columns;
        let column = (from..=to.min(self.wanted.len().checked_sub(1)?)).find(|column| self.wanted[*column])?;
        if range.rows.1 < self.sheet.header {
            return None;
        }
        let line = range.rows.0.max(self.sheet.header);
        let what = format!("{}, {}: {}", self.sheet.place, FaultSpot::Cell { column, line }, MERGED.what);
        Some(BlockStop::Error(Error::new(MERGED.code, what).help(MERGED.help)))
    }
}
