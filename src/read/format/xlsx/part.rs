//! The parts of a workbook: the files that it is made of, and their bytes as a stream.

use super::xml::BadXml;
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::container::{Bytes, Member, parts};
use crate::store::Root;
use std::io::{BufRead, BufReader, Read};

/// The most bytes of a part that is read whole, and of one element of another.
const LARGEST_PIECE: usize = 64 << 20;
const BUFFER: usize = 128 * 1024;

/// The parts of one workbook.
pub(super) struct BookParts {
    root: Root,
    read: ReadFormat,
    members: Vec<Member>,
    /// What has been unpacked of it, and of other members of its object.
    pub spent: u64,
}

impl BookParts {
    pub fn new(root: &Root, member: &Member, read: &ReadFormat, spent: u64) -> Result<BookParts> {
        let (members, unpacked) = parts(root, member, read, spent)?;
        Ok(BookParts { root: root.clone(), read: read.clone(), members, spent: spent + unpacked })
    }

    /// Returns whether there is such a part. Names of parts are compared apart from case.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Member> {
        let same = |member: &&Member| member.name().is_some_and(|found| found.eq_ignore_ascii_case(name));
        self.members.iter().find(|member| member.name() == Some(name)).or_else(|| self.members.iter().find(same))
    }

    /// Opens a part; `place` is that of the workbook.
    pub fn open(&self, name: &str, place: &str) -> Result<BookPart> {
        let missing = || damaged(place, &format!("it has no part {name}"));
        let member = self.find(name).ok_or_else(missing)?;
        let bytes = Bytes::open(&self.root, member, &self.read, self.spent, blake3::Hasher::new())?;
        Ok(BookPart { bytes, quiet: 0, failed: None })
    }

    /// Reads a small part whole.
    pub fn whole(&mut self, name: &str, place: &str) -> Result<Vec<u8>> {
        let (mut part, mut all) = (self.open(name, place)?, Vec::new());
        let read = part.read_to_end(&mut all);
        self.spent += part.unpacked();
        match (part.failed.take(), read) {
            (Some(error), _) => Err(error),
            (None, Ok(_)) => Ok(all),
            (None, Err(_)) => Err(unreadable(place, name)),
        }
    }
}

/// The bytes of one part. Reading stops at an element that has no end.
pub(super) struct BookPart {
    bytes: Bytes,
    /// Bytes since somebody was done with those before.
    quiet: usize,
    failed: Option<Error>,
}

impl BookPart {
    /// Returns bytes taken from the store so far.
    pub fn taken(&self) -> u64 {
        self.bytes.taken()
    }

    /// Returns how many bytes came out of it so far.
    pub fn unpacked(&self) -> u64 {
        self.bytes.facts().unpacked
    }

    /// Says that what was read so far has been dealt with.
    pub fn settle(&mut self) {
        self.quiet = 0;
    }

    /// Returns why its XML cannot be read: what reading it met, or else that it makes no sense.
    pub fn why(&mut self, place: &str, name: &str) -> Error {
        self.failed.take().unwrap_or_else(|| unreadable(place, name))
    }

    /// Reads on; 0 at the end, after all checks.
    pub fn more(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Read for BookPart {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = if self.quiet > LARGEST_PIECE {
            let what = format!("{} has more than {LARGEST_PIECE} bytes in one piece", self.bytes.place());
            Err(Error::new(Code::InputTooLarge, what).help("have it exported again, or exported as CSV"))
        } else {
            self.bytes.read(buffer)
        };
        match read {
            Ok(count) => {
                self.quiet += count;
                Ok(count)
            }
            Err(error) => {
                self.failed = Some(error);
                Err(std::io::ErrorKind::Other.into())
            }
        }
    }
}

/// A part for a reader of XML.
pub(super) fn buffered(part: BookPart) -> BufReader<BookPart> {
    BufReader::with_capacity(BUFFER, part)
}

/// Returns whether a part begins with a mark of UTF-16, or passes over one of UTF-8.
pub(super) fn without_mark(part: &mut BufReader<BookPart>) -> Result<(), BadXml> {
    let start = part.fill_buf().map_err(|_| BadXml)?;
    if start.starts_with(b"\xef\xbb\xbf") {
        part.consume(3);
    }
    Ok(())
}

/// Says that a part cannot be read.
pub(super) fn unreadable(place: &str, name: &str) -> Error {
    damaged(place, &format!("its part {name} is no XML that can be read"))
}

/// Says that a workbook is damaged.
pub(super) fn damaged(place: &str, how: &str) -> Error {
    Error::new(Code::InputDamaged, format!("{place} is damaged: {how}"))
        .help("open it in a spreadsheet program and save it anew, or have it exported again")
}
