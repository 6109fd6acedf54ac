//! The exact CSV grammar (RFC 4180 and R39), one record at a time: what `scan` cannot call plain comes here. Gives the
//! same cell ends as `scan`, or the first fault.

use super::fault::{FaultAt, What};
use crate::read::format::BadRecords;

/// The marks of one source's CSV.
#[derive(Clone, Copy)]
pub(super) struct Grammar {
    pub delimiter: u8,
    pub quote: Option<u8>,
    /// A quote inside an unquoted cell is text (`stray_quotes = "literal"`).
    pub literal: bool,
    /// Longest record in bytes, its line end not counted.
    pub longest: usize,
}

/// What stands at a place where a record may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record up to `end` (its LF, or the end of the text); the next starts at `next`. `cr` is the first CR alone
    /// outside quotes.
    Record { end: usize, next: usize, cr: Option<usize> },
    /// A line with nothing in it.
    Empty { next: usize },
    /// The text ends inside a record and is not complete.
    Open,
    /// Something that no record may hold.
    Fault { at: usize, what: What },
}

/// Records in order, bad ones left out; what a `RawBatch` is made of.
#[derive(Default)]
pub(super) struct Exact {
    pub text: String,
    pub ends: Vec<u32>,
    /// Wherever two quotes stand together, in empty cells too: the second.
    pub doubled: Vec<u32>,
    pub rows: usize,
    pub dropped: Vec<u32>,
    /// What no later record can be read for.
    pub fault: Option<FaultAt>,
}

impl Exact {
    /// Adds a row of blank cells, as wide as the others.
    fn blank_row(&mut self, width: usize, grammar: &Grammar, bytes: &mut Vec<u8>) {
        for cell in 1..=width {
            self.ends.push(bytes.len() as u32);
            bytes.push(if cell == width { b'\n' } else { grammar.delimiter });
        }
        self.rows += 1;
    }
}

impl Grammar {
    /// Reads the record at `from` and appends the ends of its cells. `complete`: no more text will come.
    pub fn record(&self, text: &[u8], from: usize, complete: bool, ends: &mut Vec<u32>) -> Step {
        let step = self.cells(text, from, complete, ends);
        let reached = match step {
            Step::Record { end, .. } => end,
            Step::Open => text.len(),
            Step::Fault { what: What::UnclosedQuote, .. } => text.len(),
            Step::Fault { at, .. } => at,
            Step::Empty { .. } => from,
        };
        if reached - from > self.longest {
            return Step::Fault { at: from, what: What::TooLong { longest: self.longest } };
        }
        step
    }

    fn cells(&self, text: &[u8], from: usize, complete: bool, ends: &mut Vec<u32>) -> Step {
        let (mut at, mut cr) = (from, None);
        loop {
            if self.quote.is_some_and(|q| text.get(at) == Some(&q)) {
                match self.quoted(text, at, complete) {
                    Ok(after) => at = after,
                    Err(step) => return step,
                }
            } else {
                match self.bare(text, at, &mut cr) {
                    Ok(after) => at = after,
                    Err(step) => return step,
                }
            }
            match text.get(at) {
                None if !complete => return Step::Open,
                None if text.last() == Some(&b'\r') && at > from => {
                    return Step::Fault { at: at - 1, what: What::CrLineEnd };
                }
                Some(b'\n') if empty(&text[from..at]) => return Step::Empty { next: at + 1 },
                None | Some(b'\n') => {
                    ends.push(at as u32);
                    return Step::Record { end: at, next: at + 1, cr };
                }
                Some(_) => ends.push(at as u32),
            }
            at += 1;
        }
    }

    /// From an opening quote to the separator after the closing one, or to the end of the text.
    fn quoted(&self, text: &[u8], open: usize, complete: bool) -> Result<usize, Step> {
        let quote = text[open];
        let mut at = open + 1;
        loop {
            let Some(found) = memchr::memchr(quote, &text[at..]) else {
                let unclosed = Step::Fault { at: open, what: What::UnclosedQuote };
                return Err(if complete { unclosed } else { Step::Open });
            };
            at += found + 1;
            match text.get(at) {
                Some(&b) if b == quote => at += 1,
                Some(&b) if b == self.delimiter || b == b'\n' => return Ok(at),
                None => return Ok(at),
                Some(b'\r') if text.get(at + 1) == Some(&b'\n') => return Ok(at + 1),
                Some(b'\r') if text.len() == at + 1 && !complete => return Err(Step::Open),
                Some(b'\r') => return Err(Step::Fault { at, what: What::CrLineEnd }),
                Some(_) => return Err(Step::Fault { at, what: What::TextAfterQuote }),
            }
        }
    }

    /// From the start of an unquoted cell to the separator after it, or to the end of the text.
    fn bare(&self, text: &[u8], from: usize, cr: &mut Option<usize>) -> Result<usize, Step> {
        for (at, &byte) in text.iter().enumerate().skip(from) {
            if byte == self.delimiter || byte == b'\n' {
                return Ok(at);
            }
            if byte == b'\r' && cr.is_none() && text.get(at + 1).is_some_and(|next| *next != b'\n') {
                *cr = Some(at);
            }
            if Some(byte) == self.quote && !self.literal {
                return Err(Step::Fault { at, what: What::StrayQuote });
            }
        }
        Ok(text.len())
    }
}

fn empty(line: &[u8]) -> bool {
    line.is_empty() || line == b"\r"
}

impl Grammar {
    /// Returns whether a record holds nothing but blanks, quoted or not. It begins at `start` and its cells end at `ends`.
    pub fn is_blank(&self, text: &str, start: usize, ends: &[u32]) -> bool {
        let quote = self.quote.map(char::from);
        let starts = std::iter::once(start).chain(ends.iter().map(|end| *end as usize + 1));
        let told = |byte: &u8| byte.is_ascii_alphanumeric() && self.quote != Some(*byte);
        starts.zip(ends).all(|(start, end)| {
            let cell = &text[start..*end as usize];
            // Most records are told by the first byte or two.
            if cell.as_bytes().iter().take(2).any(told) {
                return false;
            }
            let cell = cell.trim();
            let inner = quote.and_then(|quote| cell.strip_prefix(quote)?.strip_suffix(quote));
            inner.unwrap_or(cell).trim().is_empty()
        })
    }

    /// The same of a record that lies in bytes which may be no text.
    fn is_blank_bytes(&self, text: &[u8], start: usize, ends: &[u32]) -> bool {
        let Some(end) = ends.last() else { return false };
        let relative: Vec<u32> = ends.iter().map(|end| end - start as u32).collect();
        std::str::from_utf8(&text[start..*end as usize]).is_ok_and(|record| self.is_blank(record, 0, &relative))
    }
}

/// Reads all records of a text that starts at a record's start, up to the first fault; what `bad` says is no fault is
/// left out. Text that is not `complete` holds the beginning of one record at its end, which is looked at for faults only.
pub(super) fn parse(text: &[u8], grammar: &Grammar, width: usize, bad: BadRecords, complete: bool) -> Exact {
    let mut out = Exact::default();
    let (mut bytes, mut cells) = (Vec::with_capacity(text.len() + 1), Vec::new());
    let fault = records(text, grammar, (width, bad, complete), &mut out, &mut bytes, &mut cells).err();
    out.fault = fault;
    if let Some(quote) = grammar.quote {
        out.doubled.extend(memchr::memmem::find_iter(&bytes, &[quote; 2]).map(|at| at as u32 + 1));
    }
    match String::from_utf8(bytes) {
        Ok(text) => out.text = text,
        Err(_) => {
            return Exact { fault: Some(FaultAt { at: 0, record: 0, what: What::Malformed }), ..Exact::default() };
        }
    }
    out
}

fn records(
    text: &[u8],
    grammar: &Grammar,
    (width, bad, complete): (usize, BadRecords, bool),
    out: &mut Exact,
    bytes: &mut Vec<u8>,
    cells: &mut Vec<u32>,
) -> Result<(), FaultAt> {
    let lost = first_bad(text, complete);
    let (mut from, mut record) = (0, 0);
    while from < text.len() {
        cells.clear();
        let step = match grammar.record(text, from, complete, cells) {
            Step::Empty { next } if width == 1 => {
                cells.push(next as u32 - 1);
                Step::Record { end: next - 1, next, cr: None }
            }
            other => other,
        };
        let reached = match step {
            Step::Record { next, .. } | Step::Empty { next } => next,
            Step::Open => text.len(),
            Step::Fault { at, .. } => at,
        };
        if let Some((at, what)) = lost.filter(|(at, _)| *at < reached) {
            return Err(FaultAt { at, record, what });
        }
        match step {
            Step::Fault { at, what } => return Err(FaultAt { at, record, what }),
            Step::Open => break,
            Step::Empty { .. } => {}
            Step::Record { cr: Some(at), .. } if bad.cr_ends_a_line(cells.len(), width) => {
                return Err(FaultAt { at, record, what: What::CrLineEnd });
            }
            Step::Record { end, .. } if cells.len() == width => {
                let shift = |cell: &u32| cell - from as u32 + bytes.len() as u32;
                out.ends.extend(cells.iter().map(shift));
                bytes.extend_from_slice(&text[from..end]);
                bytes.push(b'\n');
                out.rows += 1;
                record += 1;
            }
            Step::Record { .. } if bad == BadRecords::Tell && grammar.is_blank_bytes(text, from, cells) => {
                out.blank_row(width, grammar, bytes);
                record += 1;
            }
            Step::Record { .. } if bad != BadRecords::Refuse => {
                out.dropped.push(out.rows as u32);
                record += 1;
            }
            Step::Record { .. } => {
                let what = What::Cells { found: cells.len(), expected: width };
                return Err(FaultAt { at: from, record, what });
            }
        }
        from = reached;
    }
    Ok(())
}

impl BadRecords {
    /// Whether a CR alone in a record with so many cells is taken for a line end, as it is where the cells do not add up.
    /// Where each record is told on its own, one too short is no reason to doubt those after it.
    fn cr_ends_a_line(self, cells: usize, width: usize) -> bool {
        width == 1 || (cells != width && self != BadRecords::Tell)
    }
}

/// The first byte that no text may hold: NUL, malformed UTF-8 or U+FFFD. A character cut at the end of a text that is
/// not complete is none.
pub(super) fn first_bad(text: &[u8], complete: bool) -> Option<(usize, What)> {
    let nul = memchr::memchr(0, text).map(|at| (at, What::Nul));
    let lost = memchr::memmem::find(text, "\u{fffd}".as_bytes()).map(|at| (at, What::Replacement));
    let malformed = simdutf8::compat::from_utf8(text).err();
    let malformed =
        malformed.filter(|e| complete || e.error_len().is_some()).map(|e| (e.valid_up_to(), What::Malformed));
    [nul, lost, malformed].into_iter().flatten().min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Grammar = Grammar { delimiter: b',', quote: Some(b'"'), literal: false, longest: 100 };

    fn fault(text: &str, width: usize) -> (usize, u64, What) {
        let fault = parse(text.as_bytes(), &COMMA, width, BadRecords::Refuse, true).fault.expect("a fault");
        (fault.at, fault.record, fault.what)
    }

    fn rows(text: &str, width: usize, grammar: &Grammar, bad: BadRecords) -> (usize, Vec<u32>) {
        let exact = parse(text.as_bytes(), grammar, width, bad, true);
        assert_eq!(exact.fault, None);
        (exact.rows, exact.dropped)
    }

    #[test]
    fn r39_faults_are_refused_with_record_and_position() {
        assert_eq!(fault("a,b\nc,d\"e\n", 2), (7, 1, What::StrayQuote));
        assert_eq!(fault("a,\"b\"c\n", 2), (5, 0, What::TextAfterQuote));
        assert_eq!(fault("a,\"b\" ,c\n", 3), (5, 0, What::TextAfterQuote));
        assert_eq!(fault("a,b\na,\"b\n", 2), (6, 1, What::UnclosedQuote));
        assert_eq!(fault("a,b\rc,d\re,f", 2), (3, 0, What::CrLineEnd));
        assert_eq!(fault("a\rb\n", 1), (1, 0, What::CrLineEnd));
        assert_eq!(fault("a,b\r", 2), (3, 0, What::CrLineEnd));
        assert_eq!(fault("a,\"b\"\rc,d\n", 2), (5, 0, What::CrLineEnd));
        assert_eq!(fault("a,b\n\nc,\0\n", 2), (7, 1, What::Nul));
        assert_eq!(fault("a,b\nc,\u{fffd}\n", 2), (6, 1, What::Replacement));
        assert_eq!(fault("a,b\nc\n", 2), (4, 1, What::Cells { found: 1, expected: 2 }));
        assert_eq!(fault(&format!("a,{}\n", "b".repeat(99)), 2), (0, 0, What::TooLong { longest: 100 }));
        assert_eq!(fault(&format!("a,\"{}", "b".repeat(99)), 2), (0, 0, What::TooLong { longest: 100 }));
    }

    #[test]
    fn a_fault_earlier_in_the_text_wins() {
        assert_eq!(fault("a\nb,c\0\n", 2), (0, 0, What::Cells { found: 1, expected: 2 }));
        assert_eq!(fault("a,\0\nb\n", 2), (2, 0, What::Nul));
        assert_eq!(fault("a,\"b\0\n", 2), (2, 0, What::UnclosedQuote));
    }

    #[test]
    fn r39_what_is_allowed() {
        assert_eq!(rows("a,b\r\n\r\n\nc,\"d\r\nd\"\r\n", 2, &COMMA, BadRecords::Refuse).0, 2);
        assert_eq!(rows("a\n\nb\n", 1, &COMMA, BadRecords::Refuse).0, 3);
        assert_eq!(rows("\"\"\na\n", 1, &COMMA, BadRecords::Refuse).0, 2);
        assert_eq!(rows("\"\"\"\",b", 2, &COMMA, BadRecords::Refuse).0, 1);
        assert_eq!(rows("a\rb,c\n", 2, &COMMA, BadRecords::Refuse).0, 1);
        assert_eq!(rows("a,\"b\rc\"\n", 2, &COMMA, BadRecords::Refuse).0, 1);
        let literal = Grammar { literal: true, ..COMMA };
        assert_eq!(rows("5\" nail,b\"\"\n\"q\",c\n", 2, &literal, BadRecords::Refuse).0, 2);
        let unquoted = Grammar { quote: None, ..COMMA };
        assert_eq!(rows("\"a,b\"\n", 2, &unquoted, BadRecords::Refuse).0, 1);
    }

    #[test]
    fn ragged_records_of_blanks_are_rows_of_a_list_and_one_with_a_quote_in_it_is_not_blank() {
        let found = parse(b"a,b\n ,\"\",\n\"\"\"\"\n,,,\nc,d\n", &COMMA, 2, BadRecords::Tell, true);
        assert_eq!((found.text.as_str(), found.rows, found.dropped), ("a,b\n,\n,\nc,d\n", 4, vec![2]));
    }

    #[test]
    fn only_ragged_records_are_dropped_and_counted() {
        assert_eq!(rows("a\na,b\na,b,c\nd,e\nf\n", 2, &COMMA, BadRecords::DropRagged), (2, vec![0, 1, 2]));
        assert!(parse(b"a\n\"b\n", &COMMA, 2, BadRecords::DropRagged, true).fault.is_some());
    }

    #[test]
    fn r31_what_stands_before_a_fault_is_there_and_a_cr_in_a_ragged_record_is_no_line_end() {
        let told = |text: &str| parse(text.as_bytes(), &COMMA, 2, BadRecords::Tell, true);
        let found = told("a,b\nc\rc\nd,e\n\"f\"g,h\ni,j\n");
        assert_eq!((found.text.as_str(), found.rows, found.dropped), ("a,b\nd,e\n", 2, vec![1]));
        assert_eq!(found.fault, Some(FaultAt { at: 15, record: 3, what: What::TextAfterQuote }));
        assert_eq!(told("a,b\r").fault.map(|fault| fault.what), Some(What::CrLineEnd));
    }
}
