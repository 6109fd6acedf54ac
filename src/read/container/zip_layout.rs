//! Whether a zip archive is one archive and nothing else: every byte of it is in a member or in its directory. A
//! directory alone does not tell: of two archives one after the other it is that of the last.

use std::io::{self, Read, Seek, SeekFrom};
use zip::ZipArchive;

/// Local headers and directory ends are shorter; what fits in no more bytes than this hides nothing.
const LOCAL_HEADER: u64 = 30;
const END: u64 = 22;
const LOCATOR: u64 = 20;
/// Longest comment that an archive can end with, in bytes.
const COMMENT: u64 = 65_535;

/// Bytes that are in no member, or in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// Something comes before the archive, up to this byte.
    Before(u64),
    /// From this byte on, something that its directory does not have.
    Unlisted(u64),
    /// At this byte a member begins before the one before it ends.
    Overlap(u64),
    /// From this byte on, something that comes after its end.
    After(u64),
}

impl Stray {
    /// What is wrong, to stand after the archive's place.
    pub fn message(self) -> String {
        match self {
            Stray::Before(byte) => {
                format!("its first {byte} bytes belong to no member: another archive, or something else")
            }
            Stray::Unlisted(byte) => format!("the member at byte {byte} is not in its directory"),
            Stray::Overlap(byte) => format!("members overlap at byte {byte}"),
            Stray::After(byte) => format!("something follows its end at byte {byte}"),
        }
    }
}

/// What an operator can do about it.
pub const HELP: &str = "put each archive into a file of its own, or have it exported or transferred again";

/// Looks for bytes of an object of that length which the archive read from it does not account for.
///
/// # Errors
/// Those of reading; `InvalidData` for a directory that contradicts itself.
pub fn stray<A: Read + Seek>(
    archive: &ZipArchive<A>,
    source: &mut (impl Read + Seek + ?Sized),
    length: u64,
) -> io::Result<Option<Stray>> {
    if archive.offset() > 0 {
        return Ok(Some(Stray::Before(archive.offset())));
    }
    let directory = archive.central_directory_start();
    if let Some(stray) = after(source, length, directory)? {
        return Ok(Some(stray));
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|_| io::ErrorKind::InvalidData)?;
        members.push((entry.header_start(), entry.name_raw().len() as u64, entry.compressed_size()));
    }
    members.sort_unstable();
    let first = members.first().map_or(directory, |member| member.0);
    if first > 0 {
        return Ok(Some(Stray::Before(first)));
    }
    for (at, member) in members.iter().enumerate() {
        let next = members.get(at + 1).map_or(directory, |member| member.0);
        if let Some(stray) = between(source, *member, next)? {
            return Ok(Some(stray));
        }
    }
    Ok(None)
}

/// What is between a member and what comes next. A local header is read only where there is room for another one.
fn between(
    source: &mut (impl Read + Seek + ?Sized),
    (start, name, compressed): (u64, u64, u64),
    next: u64,
) -> io::Result<Option<Stray>> {
    let end = |name: u64, extra: u64| {
        [LOCAL_HEADER, name, extra, compressed].iter().fold(start, |sum, part| sum.saturating_add(*part))
    };
    match next.checked_sub(end(name, 0)) {
        None => return Ok(Some(Stray::Overlap(next))),
        Some(room) if room <= LOCAL_HEADER => return Ok(None),
        Some(_) => {}
    }
    let header = bytes(source, start, LOCAL_HEADER)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let end = end(small(&header, 26), small(&header, 28));
    // Lengths and checksum may follow a member: with or without a signature, of 32 or 64 bits.
    let follow = small(&header, 6) & 8 != 0;
    Ok(match next.checked_sub(end) {
        None => Some(Stray::Overlap(next)),
        Some(0) => None,
        Some(12 | 16 | 20 | 24) if follow => None,
        Some(_) => Some(Stray::Unlisted(end)),
    })
}

/// What is after the directory, apart from the records that end an archive.
fn after(source: &mut (impl Read + Seek + ?Sized), length: u64, directory: u64) -> io::Result<Option<Stray>> {
    let from = length.saturating_sub(END + COMMENT);
    let tail = bytes(source, from, length - from)?;
    let ends = memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").filter(|at| at + END as usize <= tail.len());
    let mut ends = ends.map(|at| (at, at as u64 + END + small(&tail[at..], 20)));
    let Some((at, _)) = ends.clone().find(|(_, end)| *end == tail.len() as u64) else {
        return Ok(Some(Stray::After(ends.next().map_or(directory, |(_, end)| from + end))));
    };
    let record = &tail[at..];
    let (mut offset, mut size, mut end) = (large(record, 16, 4), large(record, 12, 4), from + at as u64);
    let locator = match end.checked_sub(LOCATOR) {
        Some(locator) => bytes(source, locator, LOCATOR)?,
        None => Vec::new(),
    };
    if locator.starts_with(b"PK\x06\x07") {
        let place = large(&locator, 8, 8);
        let wide = bytes(source, place, 56)?;
        if !wide.starts_with(b"PK\x06\x06") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if place.saturating_add(12).saturating_add(large(&wide, 4, 8)) != end - LOCATOR {
            return Ok(Some(Stray::Unlisted(place)));
        }
        (size, offset, end) = (large(&wide, 40, 8), large(&wide, 48, 8), place);
    }
    let listed = offset.saturating_add(size);
    Ok((offset != directory || listed != end).then_some(Stray::Unlisted(listed.min(end))))
}

fn bytes(source: &mut (impl Read + Seek + ?Sized), from: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut found = vec![0; usize::try_from(count).map_err(|_| io::ErrorKind::InvalidData)?];
    source.seek(SeekFrom::Start(from))?;
    source.read_exact(&mut found)?;
    Ok(found)
}

fn small(bytes: &[u8], at: usize) -> u64 {
    large(bytes, at, 2)
}

/// A little-endian number of so many bytes.
fn large(bytes: &[u8], at: usize, width: usize) -> u64 {
    let number = bytes.get(at..at + width).unwrap_or_default();
    number.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
