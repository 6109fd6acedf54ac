//! The header of one CSV file: where it is and which names it has.

use super::Csv;
use super::cells::unquote;
use super::exact::Step;
use super::fault::What;
use crate::error::{Code, Error, Result};
use crate::read::format::BadRecords;
use crate::read::text::{BrokenText, Text, malformed};
use crate::same_name::{folded, normal};

const PIECE: usize = 64 * 1024;

/// A header as read.
pub(super) struct Header {
    /// Names, trimmed and NFC.
    pub names: Vec<String>,
    /// Position in the text of the first record.
    pub end: u64,
}

impl Csv {
    /// Reads a text up to its first record. `header` counts lines of the text from 1, empty ones too; the lines before
    /// it are passed over whatever they hold, quotes included, since footers and titles follow no grammar.
    pub(super) fn header(&self, text: &mut Text) -> Result<Header> {
        let (mut buffer, mut filled) = (Vec::new(), 0);
        let most = self.grammar.longest.saturating_mul(usize::try_from(self.rules.header).unwrap_or(usize::MAX));
        loop {
            let (more, broken) = match text.fill(&mut buffer, &mut filled, PIECE) {
                Ok(more) => (more, None),
                Err(broken) => (true, Some(broken)),
            };
            let found = self.header_record(&buffer[..filled], !more).map_err(|what| self.refuse(text, what))?;
            if let Some((start, end, next, cells)) = found {
                let names = self.names(&buffer[..filled], start, end, &cells);
                let names = names.map_err(|what| self.refuse(text, what))?;
                let next = next.min(filled);
                text.unread(&buffer[next..filled], broken);
                return Ok(Header { names, end: text.base() + next as u64 });
            }
            if let Some(broken) = broken {
                return Err(early(broken, text));
            }
            if !more {
                return Err(Error::new(
                    Code::HeaderMissing,
                    format!("{} ends before its header, line {}", text.bytes().place(), self.rules.header),
                )
                .help("an export has at least a header; check read.header in the source"));
            }
            if filled > most {
                return Err(self.refuse(text, What::TooLong { longest: self.grammar.longest }));
            }
        }
    }

    /// Takes the names of a text without a header, and compares their number with its first record (R59).
    pub(super) fn headless(&self, text: &mut Text, names: Vec<String>) -> Result<Header> {
        let place = text.bytes().place().to_string();
        if names.len() > self.read.max_columns {
            let (found, most) = (names.len(), self.read.max_columns);
            let what = format!("{place}: {found} columns are named, limits.max_columns is {most}");
            return Err(Error::new(Code::InputTooLarge, what).help("raise limits.max_columns in the source"));
        }
        let (mut buffer, mut filled, mut start) = (Vec::new(), 0, 0);
        let (mut cells, end) = (Vec::new(), text.base());
        loop {
            let (more, broken) = match text.fill(&mut buffer, &mut filled, PIECE) {
                Ok(more) => (more, None),
                Err(broken) => (true, Some(broken)),
            };
            let step = loop {
                cells.clear();
                match self.grammar.record(&buffer[..filled], start, !more, &mut cells) {
                    Step::Empty { next } if next < filled => start = next,
                    step => break step,
                }
            };
            if matches!(step, Step::Open | Step::Empty { .. }) && more && broken.is_none() {
                continue;
            }
            // What is wrong with the record itself is told where it is read.
            let width = (start < filled && matches!(step, Step::Record { .. })).then_some(cells.len());
            let first = match step {
                Step::Record { end, .. } if width == Some(names.len()) => {
                    self.names(&buffer[..filled], start, end, &cells).ok()
                }
                _ => None,
            };
            if first.is_some_and(|first| are_names(&first, &names)) {
                let what = format!("{place}: its first record is the names of its columns");
                return Err(Error::new(Code::RecordMalformed, what).help(
                    "the file has a header: leave header = false and the names out of the source, or have it exported without",
                ));
            }
            text.unread(&buffer[..filled], broken);
            return match width.filter(|width| *width != names.len()) {
                None => Ok(Header { names, end }),
                Some(found) => {
                    let what =
                        format!("{place}: its first record has {found} cells, and {} columns are named", names.len());
                    Err(Error::new(Code::RecordMalformed, what).help(
                        "check read.delimiter, and whether the names are those of this file, all of them in order",
                    ))
                }
            };
        }
    }

    /// The header's record; none while it is not all there.
    fn header_record(&self, text: &[u8], complete: bool) -> Result<Option<HeaderFound>, What> {
        let mut start = 0;
        for _ in 1..self.rules.header {
            match memchr::memchr(b'\n', &text[start..]) {
                Some(at) => start += at + 1,
                None => return Ok(None),
            }
        }
        let mut cells = Vec::new();
        loop {
            if complete && start >= text.len() {
                return Ok(None);
            }
            return match self.grammar.record(text, start, complete, &mut cells) {
                Step::Record { cr: Some(_), .. } => Err(What::CrLineEnd),
                Step::Record { end, next, .. } => Ok(Some((start, end, next, cells))),
                // In lists empty lines may stand above the header, too.
                Step::Empty { next } if self.bad == BadRecords::Tell => {
                    start = next;
                    continue;
                }
                Step::Empty { next } => Ok(Some((start, start, next, vec![start as u32]))),
                Step::Open => Ok(None),
                Step::Fault { what, .. } => Err(what),
            };
        }
    }

    fn names(&self, text: &[u8], start: usize, end: usize, cells: &[u32]) -> Result<Vec<String>, What> {
        if cells.len() > self.read.max_columns {
            return Err(What::Cells { found: cells.len(), expected: self.read.max_columns });
        }
        if text[start..end].contains(&0) {
            return Err(What::Nul);
        }
        let line = std::str::from_utf8(&text[start..end]).map_err(|_| What::Malformed)?;
        if line.contains('\u{fffd}') {
            return Err(What::Replacement);
        }
        let mut from = 0;
        let mut names = Vec::with_capacity(cells.len());
        for cell in cells {
            let to = *cell as usize - start;
            let written = line.get(from..to).ok_or(What::Malformed)?;
            names.push(normal(&unquote(written.strip_suffix('\r').unwrap_or(written), self.grammar.quote)));
            from = to + 1;
        }
        Ok(names)
    }

    fn refuse(&self, text: &Text, what: What) -> Error {
        let place = format!("{}, header in line {}", text.bytes().place(), self.rules.header);
        if let What::Cells { found, expected } = what {
            return Error::new(
                Code::InputTooLarge,
                format!("{place}: it has {found} columns, limits.max_columns is {expected}"),
            )
            .help("check read.delimiter, or raise limits.max_columns in the source");
        }
        Error::new(what.code(), format!("{place}: {}", what.message())).help(what.help())
    }
}

/// Whether a record says what the columns are called: every cell of it, whatever its case.
fn are_names(record: &[String], names: &[String]) -> bool {
    record.iter().zip(names).all(|(cell, name)| folded(cell) == folded(name))
}

type HeaderFound = (usize, usize, usize, Vec<u32>);

fn early(broken: BrokenText, text: &Text) -> Error {
    match broken {
        BrokenText::Error(error) => error,
        BrokenText::Malformed { at } => malformed(text.bytes().place(), "", at, text.encoding()),
    }
}
