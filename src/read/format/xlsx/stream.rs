//! The XML of a sheet as it comes out of the workbook, cut into pieces of whole rows. It is done under the reader's
//! lock; reading the rows is not.

use super::part::{BookPart, damaged, unreadable};
use super::rows::RowReader;
use super::sheet::{CellRange, row};
use super::xml::{BadXml, DEEPEST, OwnNames, add_text, attribute, judge, value};
use crate::error::{Code, Error, Result};
use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufReader, Read};

/// Read at once where a header is looked for.
const PIECE: usize = 64 * 1024;
/// The most bytes before the first row: widths of columns and the like.
const LONGEST_START: usize = 16 << 20;
/// The most ranges of merged cells.
const MOST_RANGES: usize = 1 << 20;

/// The rows of one sheet.
pub(super) struct RowStream {
    part: BookPart,
    /// Name of the part, and place of the sheet, for messages.
    name: String,
    place: String,
    /// Read and not yet given out.
    carry: Vec<u8>,
    /// Names of elements that are of a workbook, by the prefix of the root.
    pub own: OwnNames,
    marks: RowMarks,
    /// The sheet has no rows, and nothing ends them.
    empty: bool,
    /// Number of the last row given out.
    pub line: u64,
    longest: usize,
    state: StreamState,
    /// Rows to be given next, and the number of the last row before them.
    pending: Option<(u64, Vec<u8>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamState {
    Rows,
    /// After the last row.
    Tail,
    Ended,
}

/// What ends a row, what ends them all, and what a row begins with, as the sheet spells it.
struct RowMarks {
    row: Vec<u8>,
    row_end: Vec<u8>,
    all_end: Vec<u8>,
}

impl RowStream {
    /// Reads a sheet up to its rows.
    ///
    /// # Errors
    /// Input errors for a part that is no sheet or cannot be unpacked.
    pub fn open(part: BookPart, name: &str, place: &str, longest: usize) -> Result<RowStream> {
        let (part, name, place) = (part, name.to_owned(), place.to_owned());
        let own = OwnNames::default();
        let (marks, carry, empty, state) = (RowMarks::of(&own), Vec::new(), false, StreamState::Rows);
        let mut stream =
            RowStream { part, name, place, carry, own, marks, empty, line: 0, longest, state, pending: None };
        loop {
            let more = stream.fill(PIECE)?;
            if let Some(found) = sheet_data(&stream.carry).map_err(|BadXml| stream.unreadable())? {
                stream.carry.drain(..found.end);
                (stream.marks, stream.own, stream.empty) = (RowMarks::of(&found.own), found.own, found.empty);
                if stream.empty {
                    stream.state = StreamState::Tail;
                }
                return Ok(stream);
            }
            if !more || stream.carry.len() > LONGEST_START {
                return Err(stream.unreadable());
            }
        }
    }

    /// Bytes taken from the store, and bytes that came out of it, so far.
    pub fn progress(&self) -> (u64, u64) {
        (self.part.taken(), self.part.unpacked())
    }

    /// Gives the next whole rows, and the number of the last row before them; none after the last.
    ///
    /// # Errors
    /// Input errors for a sheet that is cut short or cannot be unpacked, and for a row that is too long.
    pub fn next(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<Option<u64>> {
        if let Some((before, rows)) = self.pending.take() {
            buffer.clear();
            buffer.extend_from_slice(&rows);
            return Ok(Some(before));
        }
        let mut looked = 0;
        while self.state == StreamState::Rows {
            let more = self.fill(want)?;
            let from = looked.max(self.marks.all_end.len()) - self.marks.all_end.len();
            let end = match memmem::find(&self.carry[from..], &self.marks.all_end) {
                Some(at) => {
                    self.state = StreamState::Tail;
                    Some(from + at)
                }
                None => memmem::rfind(&self.carry[from..], &self.marks.row_end)
                    .map(|at| from + at + self.marks.row_end.len())
                    // Rows without cells may have no end of their own: those before the last one are whole.
                    .or_else(|| self.marks.last_begin(&self.carry).filter(|at| *at > 0)),
            };
            if let Some(end) = end {
                return Ok(Some(self.give(buffer, end)));
            }
            looked = self.carry.len();
            if !more {
                return Err(damaged(&self.place, "it ends between its rows"));
            }
            if looked > self.longest.saturating_add(want) {
                let what = format!("{}, row after {}: it is longer than {} bytes", self.place, self.line, self.longest);
                return Err(Error::new(Code::RecordMalformed, what)
                    .help("raise limits.max_record_bytes in the source if the export is right"));
            }
        }
        Ok(None)
    }

    fn give(&mut self, buffer: &mut Vec<u8>, end: usize) -> u64 {
        buffer.clear();
        buffer.extend_from_slice(&self.carry[..end]);
        self.carry.drain(..end);
        let before = self.line;
        self.line = self.marks.last_row(buffer, &self.own, before);
        before
    }

    /// Reads rows up to one by its number, and gives its XML; none when there is no such row. Rows after it come next.
    ///
    /// # Errors
    /// As for [`RowStream::next`], and an input error for rows that are no XML or not in order.
    pub fn row(&mut self, number: u64) -> Result<Option<String>> {
        let mut rows = Vec::new();
        while let Some(before) = self.next(&mut rows, PIECE)? {
            let xml = std::str::from_utf8(&rows).map_err(|_| self.unreadable())?;
            let (mut reader, mut start) = (RowReader::new(xml, &self.own, before), 0);
            while let Some(line) = reader.next_row().map_err(|_| self.unreadable())? {
                while reader.next_cell().map_err(|_| self.unreadable())?.is_some() {}
                let end = reader.position() as usize;
                if line >= number {
                    self.pending = Some((line, rows[end..].to_vec()));
                    return Ok((line == number).then(|| xml[start..end].to_owned()));
                }
                start = end;
            }
        }
        Ok(None)
    }

    /// Reads what comes after the rows: which cells are merged.
    ///
    /// # Errors
    /// Input errors for a sheet that cannot be unpacked, or is no XML after its rows.
    pub fn merged(&mut self) -> Result<Vec<CellRange>> {
        self.state = StreamState::Ended;
        let around = if self.empty { &["worksheet"][..] } else { &["worksheet", "sheetData"] };
        let mut tail = SheetTail {
            own: self.own.clone(),
            around: around.iter().map(|name| self.own.of(name)).collect(),
            merged: Vec::new(),
        };
        let carry = std::mem::take(&mut self.carry);
        let mut reader = Reader::from_reader(BufReader::with_capacity(PIECE, carry.as_slice().chain(&mut self.part)));
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        reader.config_mut().expand_empty_elements = true;
        let read = tail.read(&mut reader);
        drop(reader);
        read.map(|()| tail.merged).map_err(|BadXml| self.part.why(&self.place, &self.name))
    }

    fn unreadable(&self) -> Error {
        unreadable(&self.place, &self.name)
    }

    /// Reads on; false at the end.
    fn fill(&mut self, want: usize) -> Result<bool> {
        let (mut filled, target) = (self.carry.len(), self.carry.len() + want);
        self.carry.resize(target, 0);
        while filled < target {
            match self.part.more(&mut self.carry[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        self.carry.truncate(filled);
        Ok(filled == target)
    }
}

/// Where the rows of a sheet begin.
struct RowsFound {
    end: usize,
    own: OwnNames,
    /// The sheet has no rows.
    empty: bool,
}

/// Looks for where rows begin; none while it is not there yet.
fn sheet_data(xml: &[u8]) -> Result<Option<RowsFound>, BadXml> {
    let mark = if xml.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut reader = Reader::from_reader(&xml[mark..]);
    let (mut depth, mut own) = (0, OwnNames::default());
    loop {
        // What cannot be read may be cut.
        let Ok(event) = reader.read_event() else { return Ok(None) };
        let (start, empty) = match &event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Decl(declaration) => {
                judge(declaration)?;
                continue;
            }
            Event::DocType(_) => return Err(BadXml),
            Event::Eof => return Ok(None),
            _ => continue,
        };
        match depth {
            0 => {
                own = OwnNames::of_root(start)?;
                if own.strip(start) != Some(b"worksheet") {
                    return Err(BadXml);
                }
            }
            1 if own.local(start)? == Some(b"sheetData") => {
                let end = mark + reader.buffer_position() as usize;
                return Ok(Some(RowsFound { end, own, empty }));
            }
            _ => {}
        }
        depth += i32::from(!empty);
    }
}

impl RowMarks {
    fn of(own: &OwnNames) -> RowMarks {
        let mark = |open: &[u8], name: &str| [open, &own.of(name)].concat();
        RowMarks { row: mark(b"<", "row"), row_end: mark(b"</", "row>"), all_end: mark(b"</", "sheetData>") }
    }

    /// Returns where the last row begins.
    fn last_begin(&self, rows: &[u8]) -> Option<usize> {
        let begins = |at: &usize| rows.get(at + self.row.len()).is_some_and(|next| b" \t\r\n/>".contains(next));
        memmem::rfind_iter(rows, &self.row).find(begins)
    }

    /// The number of the last row. Rows that are not in order are found when they are read.
    fn last_row(&self, rows: &[u8], own: &OwnNames, before: u64) -> u64 {
        let Some(at) = self.last_begin(rows) else { return before };
        let tag = &rows[at + 1..];
        let tag = &tag[..memchr::memchr(b'>', tag).unwrap_or(tag.len())];
        let numbered = std::str::from_utf8(tag).ok().and_then(|tag| {
            let start = BytesStart::from_content(tag.trim_end_matches('/'), self.row.len() - 1);
            attribute(&start, "r").ok()?.and_then(|number| row(number.as_bytes()))
        });
        numbered.unwrap_or_else(|| counted(rows, own, before))
    }
}

/// Counts rows that have no numbers.
fn counted(rows: &[u8], own: &OwnNames, before: u64) -> u64 {
    let mut reader = RowReader::new(std::str::from_utf8(rows).unwrap_or_default(), own, before);
    while let Ok(Some(_)) = reader.next_row() {}
    reader.line
}

type TailReader<'a> = Reader<BufReader<std::io::Chain<&'a [u8], &'a mut BookPart>>>;

/// What comes after the rows of a sheet: well-formed to its end, and without rows.
struct SheetTail {
    own: OwnNames,
    /// Names of the elements that are open.
    around: Vec<Vec<u8>>,
    merged: Vec<CellRange>,
}

impl SheetTail {
    fn read(&mut self, reader: &mut TailReader<'_>) -> Result<(), BadXml> {
        let (mut buffer, mut text) = (Vec::new(), String::new());
        loop {
            buffer.clear();
            text.clear();
            reader.get_mut().get_mut().get_mut().1.settle();
            match reader.read_event_into(&mut buffer)? {
                Event::Start(start) => self.open(&start)?,
                Event::End(end) if self.around.pop().is_some_and(|open| open == end.name().as_ref()) => {}
                Event::End(_) | Event::DocType(_) | Event::Decl(_) => return Err(BadXml),
                Event::Eof if self.around.is_empty() => return Ok(()),
                Event::Eof => return Err(BadXml),
                Event::Comment(_) | Event::PI(_) => {}
                event => {
                    add_text(&event, &mut text)?;
                    if self.around.is_empty() && !text.trim().is_empty() {
                        return Err(BadXml);
                    }
                }
            }
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), BadXml> {
        if self.around.is_empty() || self.around.len() > DEEPEST {
            return Err(BadXml);
        }
        for attribute in start.attributes() {
            value(&attribute.map_err(|_| BadXml)?)?;
        }
        // Extensions may have anything in them.
        let extended = self.around.iter().any(|name| *name == self.own.of("extLst"));
        match self.own.local(start).or(if extended { Ok(None) } else { Err(BadXml) })? {
            Some(b"mergeCell") if !extended => {
                let range = attribute(start, "ref")?.ok_or(BadXml)?;
                self.merged.push(CellRange::read(&range).ok_or(BadXml)?);
                if self.merged.len() > MOST_RANGES {
                    return Err(BadXml);
                }
            }
            Some(b"sheetData" | b"row") if !extended => return Err(BadXml),
            _ => {}
        }
        self.around.push(start.name().as_ref().to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_under_any_prefix_and_the_last_one_by_its_number_or_by_counting() {
        let xml = b"\xef\xbb\xbf<?xml version=\"1.0\"?><x:worksheet xmlns:x=\"http://purl.oclc.org/ooxml/spreadsheetml/main\"><x:cols><x:col/></x:cols><x:sheetData><x:row/>";
        let found = sheet_data(xml).unwrap().unwrap();
        assert_eq!((found.end, found.own.of("row"), found.empty), (xml.len() - 8, b"x:row".to_vec(), false));
        assert!(sheet_data(&xml[..xml.len() - 10]).unwrap().is_none());
        assert!(sheet_data(b"<worksheet><sheetData/>").unwrap().unwrap().empty);
        assert!(sheet_data(b"<!DOCTYPE a><worksheet><sheetData>").is_err());
        assert!(sheet_data(b"<chartsheet/>").is_err());
        let marks = RowMarks::of(&found.own);
        for (rows, last) in [
            ("<x:row r=\"5\"><x:c/></x:row>", 5),
            ("<x:row r='5'/><x:row spans='1:2' r='9'/><x:rows r='7'/>", 9),
            ("<x:row r='5'/><x:row/><x:row><x:c/></x:row>", 7),
            ("\n", 3),
        ] {
            assert_eq!(marks.last_row(rows.as_bytes(), &found.own, 3), last, "{rows}");
        }
    }
}
