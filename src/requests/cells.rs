//! The CSV grammar of request files, strict: a quote in the wrong place stops the file instead of swallowing requests
//! (R39). Lists are small beside exports, so this one goes byte by byte. Must not know lists or values' meaning.

use super::text::{Text, Trouble};
use std::io::Read;

/// Longest record in bytes of decoded text, and most cells of one.
const MAX_RECORD: usize = 1 << 20;
const MAX_CELLS: usize = 2000;

/// One record; reused from record to record.
#[derive(Default)]
pub(super) struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    /// Number of cells.
    pub(super) fn cells(&self) -> usize {
        self.ends.len()
    }

    /// Whether all cells are blank.
    pub(super) fn blank(&self) -> bool {
        (0..self.cells()).all(|at| self.cell(at).trim().is_empty())
    }

    /// A cell as written, unquoted.
    pub(super) fn cell(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        std::str::from_utf8(&self.text[start..self.ends[at]]).unwrap_or("")
    }

    fn is_empty_line(&self, quoted: bool) -> bool {
        self.ends.len() == 1 && self.text.is_empty() && !quoted
    }
}

/// Where in a cell the reader is.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Plain,
    /// A CR in or after an unquoted cell: line end when LF follows, text otherwise.
    PlainCr,
    Quoted,
    /// A quote inside a quoted cell: its end, or the first of a doubled one.
    Quote,
    /// A CR after a closing quote.
    QuoteCr,
}

/// Reads records one after the other.
pub(super) struct Cells<R> {
    text: Text<R>,
    delimiter: u8,
    chunk: Vec<u8>,
    at: usize,
    byte: u64,
    ended: bool,
}

impl<R: Read> Cells<R> {
    /// Starts at the header.
    pub(super) fn new(text: Text<R>, delimiter: u8) -> Cells<R> {
        Cells { text, delimiter, chunk: Vec::new(), at: 0, byte: 0, ended: false }
    }

    /// Reads the next record; false at the end. Empty lines are skipped. After `Broken` there is no next record:
    /// where it would start is not known.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, Trouble> {
        loop {
            record.text.clear();
            record.ends.clear();
            let mut quoted = false;
            let mut state = State::Start;
            let whole = loop {
                let Some(byte) = self.peek()? else { break self.end(record, state)? };
                quoted |= state == State::Start && byte == b'"';
                let (next, done) = step(state, byte, self.delimiter, record).map_err(|what| self.broken(what))?;
                state = next;
                self.at += 1;
                self.byte += 1;
                if done {
                    break true;
                }
                if record.text.len() > MAX_RECORD || record.ends.len() > MAX_CELLS {
                    return Err(self.broken("a record is longer than lists may have"));
                }
            };
            if !whole || !record.is_empty_line(quoted) {
                return Ok(whole);
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Trouble> {
        while self.at == self.chunk.len() && !self.ended {
            self.at = 0;
            self.ended = !self.text.next(&mut self.chunk)?;
        }
        Ok(self.chunk.get(self.at).copied())
    }

    /// The object ends: a last record without line end counts.
    fn end(&self, record: &mut Record, state: State) -> Result<bool, Trouble> {
        match state {
            State::Quoted => Err(self.broken("a quote is opened and never closed")),
            State::PlainCr | State::QuoteCr => Err(self.broken("a carriage return alone ends a line")),
            State::Start if record.ends.is_empty() => Ok(false),
            State::Start | State::Plain | State::Quote => {
                record.ends.push(record.text.len());
                Ok(true)
            }
        }
    }

    fn broken(&self, what: &'static str) -> Trouble {
        Trouble::Broken { byte: self.byte, what }
    }
}

/// One byte further: the next state, and whether the record ends with this byte.
fn step(state: State, byte: u8, delimiter: u8, record: &mut Record) -> Result<(State, bool), &'static str> {
    match (state, byte) {
        (State::PlainCr, b'\n') => return Ok(close(record, true)),
        (State::PlainCr, _) => record.text.push(b'\r'),
        (State::QuoteCr, b'\n') => return Ok(close(record, true)),
        (State::QuoteCr, _) => return Err("text after a closing quote"),
        (State::Quoted, b'"') => return Ok((State::Quote, false)),
        (State::Quoted, _) => {
            record.text.push(byte);
            return Ok((State::Quoted, false));
        }
        (State::Quote, b'"') => {
            record.text.push(b'"');
            return Ok((State::Quoted, false));
        }
        (State::Quote, b'\r') => return Ok((State::QuoteCr, false)),
        (State::Quote, _) if byte != delimiter && byte != b'\n' => return Err("text after a closing quote"),
        (State::Start, b'"') => return Ok((State::Quoted, false)),
        (State::Start | State::Plain | State::Quote, _) => {}
    }
    match byte {
        _ if byte == delimiter => Ok(close(record, false)),
        b'\n' => Ok(close(record, true)),
        b'\r' => Ok((State::PlainCr, false)),
        b'"' => Err("a quote inside an unquoted cell"),
        _ => {
            record.text.push(byte);
            Ok((State::Plain, false))
        }
    }
}

fn close(record: &mut Record, done: bool) -> (State, bool) {
    record.ends.push(record.text.len());
    (State::Start, done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Vec<String>>, Option<&'static str>) {
        let mut cells = Cells::new(Text::new(text.as_bytes(), encoding_rs::UTF_8), b',');
        let (mut record, mut all) = (Record::default(), Vec::new());
        loop {
            match cells.next(&mut record) {
                Ok(true) => all.push((0..record.cells()).map(|c| record.cell(c).to_owned()).collect()),
                Ok(false) => return (all, None),
                Err(Trouble::Broken { what, .. }) => return (all, Some(what)),
                Err(Trouble::Store(_) | Trouble::Foreign(_)) => return (all, Some("store")),
            }
        }
    }

    #[test]
    fn r39_records_and_cells() {
        let (records, fault) = read("a,b\r\n\"x \"\"y\"\"\n,\",\n\n\"\"\n1\r2,\r3\nlast,");
        assert_eq!(fault, None);
        assert_eq!(
            records,
            [vec!["a", "b"], vec!["x \"y\"\n,", ""], vec![""], vec!["1\r2", "\r3"], vec!["last", ""]]
                .map(|r| r.into_iter().map(String::from).collect::<Vec<_>>())
        );
    }

    #[test]
    fn r39_quotes_in_the_wrong_place_stop_the_file() {
        for (text, what) in [
            ("a\nb\"c\n", "inside an unquoted"),
            ("a\n\"b\"c\n", "after a closing"),
            ("a\n\"b\" ,c\n", "after a closing"),
            ("a\n\"b\"\rc\n", "after a closing"),
            ("a\n\"b\nc\n", "never closed"),
            ("a\rb\r", "carriage return"),
        ] {
            let (records, fault) = read(text);
            assert!(fault.is_some_and(|f| f.contains(what)), "{text:?}: {fault:?}");
            assert!(records.len() <= 1, "{text:?}");
        }
    }

    #[test]
    fn an_empty_file_has_no_record_and_limits_hold() {
        assert_eq!(read("").0.len(), 0);
        assert_eq!(read("\n\r\n\n").0.len(), 0);
        assert!(read(&"a".repeat(MAX_RECORD + 2)).1.is_some());
        assert!(read(&",".repeat(MAX_CELLS + 2)).1.is_some());
    }
}
