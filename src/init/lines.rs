//! The first records of a CSV text, taken apart loosely, to compare one delimiter with another. The reader of runs is
//! `read`: this one refuses nothing and counts what is odd.

/// Records that are looked at.
const MOST_ROWS: usize = 400;

/// A record with the cells that were looked at.
pub(super) struct LineRow {
    /// Line it begins in, from 1.
    pub line: u64,
    pub cells: Vec<String>,
}

impl LineRow {
    /// Whether it holds nothing.
    pub fn blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// How many lines end in which way, quoted ones not counted.
#[derive(Default)]
pub(super) struct Ends {
    pub lf: u64,
    pub crlf: u64,
    pub lone_cr: u64,
}

/// The first records of a text.
#[derive(Default)]
pub(super) struct LineScan {
    pub rows: Vec<LineRow>,
    pub ends: Ends,
    /// Cells with a quote inside and none around.
    pub stray: u64,
    /// Cells with text after their closing quote.
    pub after_quote: u64,
    /// The text ends within quotes.
    pub open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineAt {
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes: the end of the cell, or the first half of a doubled one.
    Closing,
}

/// Takes a text apart; of one that is not whole the last record is left out.
pub(super) fn scan(text: &str, delimiter: char, quote: Option<char>, whole: bool) -> LineScan {
    let mut found = LineScan::default();
    let (mut at, mut line, mut began, mut odd) = (LineAt::Start, 1, 1, (false, false));
    let (mut cell, mut cells) = (String::new(), Vec::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        line += u64::from(letter == '\n');
        let is_quote = Some(letter) == quote;
        if at == LineAt::Quoted {
            if is_quote {
                at = LineAt::Closing
            } else {
                cell.push(letter)
            }
            continue;
        }
        if is_quote && at == LineAt::Start {
            at = LineAt::Quoted;
        } else if is_quote && at == LineAt::Closing {
            cell.push(letter);
            at = LineAt::Quoted;
        } else if letter == delimiter || letter == '\n' || letter == '\r' {
            let (stray, after) = std::mem::take(&mut odd);
            (found.stray, found.after_quote) = (found.stray + u64::from(stray), found.after_quote + u64::from(after));
            cells.push(std::mem::take(&mut cell));
            at = LineAt::Start;
            if letter != delimiter {
                let crlf = letter == '\r' && letters.next_if_eq(&'\n').is_some();
                line += u64::from(crlf);
                match (letter, crlf) {
                    ('\n', _) => found.ends.lf += 1,
                    (_, true) => found.ends.crlf += 1,
                    _ => found.ends.lone_cr += 1,
                }
                found.rows.push(LineRow { line: began, cells: std::mem::take(&mut cells) });
                began = line;
                if found.rows.len() == MOST_ROWS {
                    return found;
                }
            }
        } else {
            odd = (odd.0 | is_quote, odd.1 | (at == LineAt::Closing));
            at = LineAt::Plain;
            cell.push(letter);
        }
    }
    found.open = at == LineAt::Quoted;
    if whole && (!cell.is_empty() || !cells.is_empty()) {
        cells.push(cell);
        found.rows.push(LineRow { line: began, cells });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_know_their_line_and_odd_cells_are_counted() {
        let found = scan("a,b\r\n\"x\ny\",\"say \"\"hi\"\"\"\n5\",\"c\"d\n", ',', Some('"'), true);
        let lines: Vec<u64> = found.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [1, 2, 4]);
        assert_eq!(found.rows[1].cells, ["x\ny", "say \"hi\""]);
        assert_eq!((found.stray, found.after_quote, found.open), (1, 1, false));
        assert_eq!((found.ends.lf, found.ends.crlf, found.ends.lone_cr), (2, 1, 0));
    }

    #[test]
    fn a_record_that_is_cut_is_left_out_unless_the_text_is_whole() {
        assert_eq!(scan("a,b\n1", ',', Some('"'), false).rows.len(), 1);
        assert_eq!(scan("a,b\n1", ',', Some('"'), true).rows.len(), 2);
        assert!(scan("a\n\"b", ',', Some('"'), true).open);
    }
}
