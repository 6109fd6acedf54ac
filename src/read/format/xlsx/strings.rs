//! The shared strings of a workbook, in memory: cells name them by number. Nothing of them is written anywhere.

use super::part::{BookPart, buffered, without_mark};
use super::xml::{BadXml, DEEPEST, OwnNames, add_text, judge, unescape};
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
        let (mut at, mut count) = (StringPlace::default(), 0);
        while count < limits.count {
            self.buffer.clear();
            self.reader.get_mut().get_mut().settle();
            let ended = match self.reader.read_event_into(&mut self.buffer).map_err(BadXml::from)? {
                Event::Start(start) => {
                    at.open(&start)?;
                    false
                }
                Event::Empty(start) => {
                    at.open(&start)?;
                    at.close()?
                }
                Event::End(_) => at.close()?,
                Event::Decl(declaration) => {
                    judge(&declaration)?;
                    false
                }
                Event::Eof if at.over() => break,
                Event::Eof | Event::DocType(_) => return Err(StringStop::Xml),
                event if at.kept.text() && at.extension.is_none() => {
                    add_text(&event, &mut self.text)?;
                    false
                }
                Event::Text(text) if at.depth == 0 && !text.iter().all(u8::is_ascii_whitespace) => {
                    return Err(StringStop::Xml);
                }
                _ => false,
            };
            if ended {
                count += 1;
                self.end(limits.bytes)?;
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

/// Where in the part the reading is.
#[derive(Default)]
struct StringPlace {
    own: Option<OwnNames>,
    /// Elements around what is being read; strings themselves are the second.
    depth: usize,
    /// The second of them is a string.
    string: bool,
    /// Depth of the extension that is open, in which there may be anything.
    extension: Option<usize>,
    kept: TextSeen,
}

impl StringPlace {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), BadXml> {
        let Some(own) = &self.own else {
            (self.own, self.depth) = (Some(OwnNames::of_root(start)?), 1);
            return Ok(());
        };
        if self.depth == 0 || self.depth > DEEPEST {
            return Err(BadXml);
        }
        self.depth += 1;
        if self.extension.is_some() {
            return Ok(());
        }
        match own.local(start)?.ok_or(BadXml)? {
            b"extLst" => self.extension = Some(self.depth),
            local => {
                self.string = if self.depth == 2 { local == b"si" } else { self.string };
                self.kept.open(self.depth, start);
            }
        }
        Ok(())
    }

    /// Ends an element; says whether it was a string.
    fn close(&mut self) -> Result<bool, BadXml> {
        let ended = self.depth == 2 && self.extension.is_none() && self.string;
        self.kept.close(self.depth);
        self.extension = self.extension.filter(|open| *open != self.depth);
        self.depth = self.depth.checked_sub(1).ok_or(BadXml)?;
        Ok(ended)
    }

    fn over(&self) -> bool {
        self.own.is_some() && self.depth == 0
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
