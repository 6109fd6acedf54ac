//! Finds the needed cells of a block's records, once for all uses.

use crate::read::batch::{Cell, ColumnMap};
use crate::read::format::null::means_null;

/// Records looked at column by column while their text is near.
const TILE: usize = 32;

/// Stands for a quote where the format has none: no byte is equal to it.
const NO_QUOTE: u16 = 256;

/// What a cell's text means in one source, and which cells are needed of one file.
pub(super) struct CellFinder<'a> {
    pub quote: Option<u8>,
    /// Cells that mean null, besides blank ones; none where every cell has its text as a value.
    pub null: Option<&'a [String]>,
    pub columns: &'a ColumnMap,
}

impl CellFinder<'_> {
    /// Fills `cells`, one needed column after the other. For record `r` and cell `c`, `ends[r * width + c]` is the
    /// position of the delimiter or LF after the cell; a cell starts one byte after the end before it; quotes of quoted
    /// cells, and the CR of a CRLF, lie between the two. `doubled` has, ascending, the positions of doubled quotes within
    /// cells, and may have others; values with doubled quotes are appended to the text as they are meant.
    pub fn find(&self, text: &mut String, ends: &[u32], doubled: &[u32], cells: &mut Vec<Cell>) {
        let ColumnMap { positions, width, .. } = self.columns;
        let rows = ends.len() / width;
        cells.clear();
        cells.resize(rows * positions.len(), Cell::default());
        for first in (0..rows).step_by(TILE) {
            for (column, position) in positions.iter().enumerate() {
                let Some(position) = position else { continue };
                let tile = column * rows + first..column * rows + rows.min(first + TILE);
                self.find_column(text, ends, first * width + position, &mut cells[tile]);
            }
        }
        self.undouble(text, ends, doubled, cells);
    }

    /// Finds the cells of one column in neighbouring records; `at` is the first one's place among the ends.
    fn find_column(&self, text: &str, ends: &[u32], at: usize, cells: &mut [Cell]) {
        let last = (at + 1).is_multiple_of(self.columns.width);
        for (at, cell) in (at..).step_by(self.columns.width).zip(cells) {
            *cell = self.value(text, self.inner(text, ends, at, last).1);
        }
    }

    /// A cell without the CR of a CRLF, which its record's `last` may have, and without its quotes; whether it has quotes.
    #[inline]
    fn inner(&self, text: &str, ends: &[u32], at: usize, last: bool) -> (bool, Cell) {
        let text = text.as_bytes();
        let (start, end) = match at.checked_sub(1) {
            Some(before) => (ends[before] + 1, ends[at]),
            None => (0, ends[0]),
        };
        // At an empty cell this is the separator, which is no quote.
        let quoted = u16::from(text[start as usize]) == self.quote.map_or(NO_QUOTE, u16::from);
        let cr = last && end > start && text[end as usize - 1] == b'\r';
        (quoted, Cell { start: start + u32::from(quoted), end: end - u32::from(cr) - u32::from(quoted) })
    }

    /// Nothing for a cell that is blank (R5) or one of the null tokens.
    #[inline]
    fn value(&self, text: &str, cell: Cell) -> Cell {
        let first = text.as_bytes()[cell.start as usize];
        let visible = first.is_ascii_graphic() && self.null.is_none_or(<[String]>::is_empty);
        if visible || !self.is_null(cell.of(text)) { cell } else { Cell::default() }
    }

    fn is_null(&self, text: &str) -> bool {
        means_null(text, self.null)
    }

    /// Gives the needed cells with doubled quotes their values.
    fn undouble(&self, text: &mut String, ends: &[u32], doubled: &[u32], cells: &mut [Cell]) {
        let ColumnMap { positions, width, .. } = self.columns;
        let (rows, mut row, mut done) = (ends.len() / width, 0, 0);
        for mark in doubled {
            if *mark < done {
                continue;
            }
            while ends[(row + 1) * width - 1] < *mark {
                row += 1;
            }
            let position = ends[row * width..][..*width].partition_point(|end| end < mark);
            done = ends[row * width + position];
            for (column, _) in positions.iter().enumerate().filter(|(_, needed)| **needed == Some(position)) {
                let (quoted, inner) = self.inner(text, ends, row * width + position, position + 1 == *width);
                if quoted {
                    cells[column * rows + row] = self.meant(text, inner);
                }
            }
        }
    }

    /// The value of a quoted cell that may have doubled quotes; if it has, it comes after the text.
    fn meant(&self, text: &mut String, cell: Cell) -> Cell {
        let start = text.len();
        let meant = self.quote.map_or_else(String::new, |quote| undoubled(cell.of(text), quote.into()));
        text.push_str(&meant);
        if self.is_null(&meant) { Cell::default() } else { Cell { start: start as u32, end: text.len() as u32 } }
    }
}

/// The text of a cell as written, its quotes taken off.
pub(super) fn unquote(cell: &str, quote: Option<u8>) -> String {
    match quote.filter(|q| cell.len() >= 2 && cell.as_bytes().first() == Some(q)) {
        Some(quote) => undoubled(&cell[1..cell.len() - 1], quote.into()),
        None => cell.to_string(),
    }
}

fn undoubled(inner: &str, quote: char) -> String {
    let one = quote.to_string();
    inner.replace(&one.repeat(2), &one)
}
