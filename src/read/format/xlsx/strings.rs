//! The shared strings of a workbook, in memory: cells name them by number. Nothing of them is written anywhere.
//! Must not know cells or sheets.

use super::part::{BookPart, buffered, without_mark};
use super::xml::{BadXml, add_text, judge, unescape};
use crate::error::{Code, Error, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::BufReader;

/// Strings that lie together.
const TOGETHER: usize = 1024;
/// What a string takes besides its text.
const EACH: u64 = 4;

/// All strings of a workbook by number. Phonetic hints are left out, and formats of letters.
/// Deliberately without `Debug`: it holds raw values.
#[derive(Default)]
pub(super) struct SharedStrings {
    chunks: Vec<StringChunk>,
}

/// Some strings, one after the other.
struct StringChunk {
    text: Box<str>,
    ends: Box<[u32]>,
}

/// How far a table of strings is read.
#[derive(Clone, Copy)]
pub(super) struct StringLimits {
    /// Strings that are needed: those after them stay unread.
    pub count: usize,
    /// The most bytes that they may take.
    pub bytes: u64,
}

impl SharedStrings {
    /// Returns the shared string of this number.
    pub fn get(&self, at: usize) -> Option<&str> {
        let chunk = self.chunks.get(at / TOGETHER)?;
        let end = *chunk.ends.get(at % TOGETHER)? as usize;
        let start = (at % TOGETHER).checked_sub(1).map_or(0, |before| chunk.ends[before] as usize);
        chunk.text.get(start..end)
    }

    /// Reads the part with the strings; also gives how many bytes came out of it.
    ///
    /// # Errors
    /// Input errors for a part that cannot be unpacked or is no XML, and for more bytes than may be held.
    pub fn read(part: BookPart, name: &str, place: &str, limits: StringLimits) -> Result<(SharedStrings, u64)> {
        let mut strings = StringReader {
            reader: Reader::from_reader(buffered(part)),
            buffer: Vec::new(),
            found: SharedStrings::default(),
            text: String::new(),
            ends: Vec::new(),
            held: 0,
        };
        let read = strings.all(limits);
        let StringReader { reader, found, .. } = strings;
        let mut part = reader.into_inner().into_inner();
        match read {
            Ok(()) => Ok((found, part.unpacked())),
            Err(StringStop::Xml) => Err(part.why(place, name)),
            Err(StringStop::TooMany) => Err(Error::new(
                Code::InputTooLarge,
                format!("{place} has more shared text than limits.max_shared_text allows ({} bytes)", limits.bytes),
            )
            .help("raise limits.max_shared_text in the source, or have it exported as CSV")),
        }
    }
}

/// Why reading strings ends early.
enum StringStop {
    Xml,
    TooMany,
}

impl From<BadXml> for StringStop {
    fn from(_: BadXml) -> StringStop {
        StringStop::Xml
    }
}

struct StringReader {
    reader: Reader<BufReader<BookPart>>,
    buffer: Vec<u8>,
    found: SharedStrings,
    text: String,
    ends: Vec<u32>,
    held: u64,
}

impl StringReader {
    fn all(&mut self, limits: StringLimits) -> Result<(), StringStop> {
        without_mark(self.reader.get_mut())?;
        // What is around what is being read, the strings themselves at depth 2.
        let (mut depth, mut count, mut kept) = (0_usize, 0, TextSeen::default());
        while count < limits.count {
            self.buffer.clear();
            self.reader.get_mut().get_mut().settle();
            match self.reader.read_event_into(&mut self.buffer).map_err(BadXml::from)? {
                Event::Start(start) => {
                    depth += 1;
                    kept.open(depth, &start);
                }
                Event::End(end) => {
                    let string = depth == 2 && end.local_name().as_ref() == b"si";
                    kept.close(depth);
                    depth = depth.checked_sub(1).ok_or(StringStop::Xml)?;
                    if string {
                        count += 1;
                        self.end(limits.bytes)?;
                    }
                }
                Event::Empty(start) if depth == 1 && start.local_name().as_ref() == b"si" => {
                    count += 1;
                    self.end(limits.bytes)?;
                }
                Event::Decl(declaration) => judge(&declaration)?,
                Event::Eof if depth == 0 => break,
                Event::Eof => return Err(StringStop::Xml),
                event if kept.text() => add_text(&event, &mut self.text)?,
                Event::DocType(_) => return Err(StringStop::Xml),
                _ => {}
            }
        }
        self.chunk();
        Ok(())
    }

    /// Ends the string that is being read.
    fn end(&mut self, most: u64) -> Result<(), StringStop> {
        let from = self.ends.last().map_or(0, |end| *end as usize);
        unescape(&mut self.text, from);
        self.held += (self.text.len() - from) as u64 + EACH;
        if self.held > most {
            return Err(StringStop::TooMany);
        }
        self.ends.push(u32::try_from(self.text.len()).map_err(|_| StringStop::TooMany)?);
        if self.ends.len() == TOGETHER {
            self.chunk();
        }
        Ok(())
    }

    fn chunk(&mut self) {
        let text = self.text.as_str().into();
        self.found.chunks.push(StringChunk { text, ends: self.ends.as_slice().into() });
        self.text.clear();
        self.ends.clear();
    }
}

/// Which text of a string counts: that in `t`, by itself or in a run `r`, and not that of a phonetic hint `rPh`.
#[derive(Default)]
pub(super) struct TextSeen {
    /// Depth of the `t` that is open.
    text: Option<usize>,
    /// Depth of the hint that is open.
    hint: Option<usize>,
}

impl TextSeen {
    /// Notes that an element begins.
    pub fn open(&mut self, depth: usize, start: &BytesStart<'_>) {
        match start.local_name().as_ref() {
            b"rPh" if self.hint.is_none() => self.hint = Some(depth),
            b"t" if self.hint.is_none() && self.text.is_none() => self.text = Some(depth),
            _ => {}
        }
    }

    /// Notes that an element ends.
    pub fn close(&mut self, depth: usize) {
        self.text = self.text.filter(|open| *open != depth);
        self.hint = self.hint.filter(|open| *open != depth);
    }

    /// Returns whether text here counts.
    pub fn text(&self) -> bool {
        self.text.is_some()
    }
}
