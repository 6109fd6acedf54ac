//! Containers: an object gives members, which are the object itself, what a gzip stream unpacks to, or files in a zip
//! archive. Checks lengths, CRCs and limits, and hashes what it reads. Nothing is written anywhere.

mod chosen;
mod damage;
mod hashed;
mod packed;
mod tar;
mod tar_name;
mod tar_part;
mod zip;
mod zip_layout;

use self::chosen::Chosen;
use self::damage::broken;
pub(super) use self::damage::{Caps, damaged};
use self::hashed::{HashedReader, WholeObject, hashed};
use self::packed::{BUFFER, PackedStream, Packing};
use self::tar::TarEntry;
use self::tar_part::TarHome;
use self::zip::{HeldArchive, ZipEntry, ZipHome};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::pages::PagesSaid;
use crate::store::{Object, Root, SeekSource, from_io};
use blake3::Hasher;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::io::{BufReader, Read, Take};

/// What an object is, by its first bytes; its name says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// The object is the text.
    Plain,
    /// RFC 1952, all members of it.
    Gzip,
    /// RFC 8878, all frames of it.
    Zstd,
    /// All streams of it.
    Bzip2,
    /// Members of a zip archive.
    Zip,
    /// Members of a tar archive, be it compressed or not.
    Tar,
}

impl Container {
    /// Whether its members have names.
    pub fn is_archive(self) -> bool {
        matches!(self, Container::Zip | Container::Tar)
    }
}

/// The largest document that is unpacked into memory, where it is in something.
const MOST_HELD: u64 = 64 << 20;
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// One file to read: an object, or what is in one.
#[derive(Clone, Debug)]
pub struct Member {
    /// As pinned when it was listed.
    pub(super) object: Object,
    within: Within,
    /// For messages: `ROOT:path`, and the name in the archive.
    pub(super) place: String,
    /// At the first member of an archive: files of macOS left out of it.
    pub(super) of_macos: u64,
}

/// Where in its object a member is.
#[derive(Clone, Debug)]
enum Within {
    Plain,
    Packed(Packing),
    Zip(ZipEntry),
    /// A file of an archive that was unpacked.
    Held(ZipEntry, HeldArchive),
    Tar(TarEntry, TarHome),
}

impl Within {
    /// Returns its path in its archive.
    fn name(&self) -> Option<&str> {
        match self {
            Within::Zip(entry) | Within::Held(entry, _) => Some(&entry.name),
            Within::Tar(entry, _) => Some(&entry.name),
            Within::Plain | Within::Packed(_) => None,
        }
    }
}

/// Returns the members of an object: of an archive those that the source's `member` means, in the order in which it has
/// them; else one.
///
/// # Errors
/// An input error for an empty object, and for an archive that cannot be trusted; storage errors.
pub fn members(root: &Root, object: &Object, format: &ReadFormat) -> Result<Vec<Member>> {
    let member = |within: Within, of_macos: u64| {
        let place = match within.name() {
            Some(name) => format!("{}, member {name}", root.display(&object.path)),
            None => root.display(&object.path),
        };
        Member { object: object.clone(), within, place, of_macos }
    };
    Ok(match found(root, object)? {
        ObjectKind::Whole(None) => vec![member(Within::Plain, 0)],
        ObjectKind::Whole(Some(packing)) => vec![member(Within::Packed(packing), 0)],
        ObjectKind::Zip if format.records.is_document() && zip::document(root, object)?.is_some() => {
            vec![member(Within::Plain, 0)]
        }
        ObjectKind::Zip => {
            let Chosen { entries, mut of_macos } = zip::entries(root, object, format)?;
            entries.into_iter().map(|entry| member(Within::Zip(entry), std::mem::take(&mut of_macos))).collect()
        }
        ObjectKind::Tar(packing) => {
            let Chosen { entries, mut of_macos } = tar::entries(root, object, packing, format)?;
            let home = TarHome::new(packing);
            let within = |entry| Within::Tar(entry, home.clone());
            entries.into_iter().map(|entry| member(within(entry), std::mem::take(&mut of_macos))).collect()
        }
    })
}

/// Returns the files that a member is made of, where it is a document such as a workbook, and how many bytes were unpacked
/// for them: one that lies in something else is held in memory.
///
/// # Errors
/// An input error for what is no such document, one that cannot be trusted, and one that is too large to be held; storage
/// errors.
pub(super) fn parts(root: &Root, member: &Member, format: &ReadFormat, spent: u64) -> Result<(Vec<Member>, u64)> {
    let (object, place) = (&member.object, &member.place);
    let held = match member.within {
        Within::Plain => None,
        _ => Some(HeldArchive(held(root, member, format, spent)?.into())),
    };
    let home = held.clone().map_or_else(|| ZipHome::of(root, object), ZipHome::Held);
    let part = |entry: ZipEntry| {
        let place = format!("{place}, part {}", entry.name);
        let within = match &held {
            None => Within::Zip(entry),
            Some(bytes) => Within::Held(entry, bytes.clone()),
        };
        Member { object: object.clone(), within, place, of_macos: 0 }
    };
    let parts = zip::parts(&home, place, format)?.into_iter().map(part).collect();
    Ok((parts, held.map_or(0, |held| held.0.len() as u64)))
}

/// Returns the bytes of a member that has to be held whole.
fn held(root: &Root, member: &Member, format: &ReadFormat, spent: u64) -> Result<Vec<u8>> {
    let mut bytes = Bytes::open(root, member, format, spent, Hasher::new())?;
    let (mut held, mut piece) = (Vec::new(), vec![0; BUFFER]);
    loop {
        match bytes.read(&mut piece)? {
            0 => return Ok(held),
            count => held.extend_from_slice(&piece[..count]),
        }
        if held.len() as u64 > MOST_HELD {
            let what = format!("{} is a document of more than {} MiB in something else", member.place, MOST_HELD >> 20);
            return Err(
                Error::new(Code::InputTooLarge, what).help("have it put there as it is: it is compressed by itself")
            );
        }
    }
}

/// Returns what document a member that begins so is; none where it is no archive.
///
/// # Errors
/// An input error for an archive without a directory that can be read; storage errors.
pub(super) fn document(root: &Root, member: &Member, start: &[u8]) -> Result<Option<&'static str>> {
    match member.within {
        Within::Plain if ZIP.iter().any(|mark| start.starts_with(mark)) => zip::document(root, &member.object),
        _ => Ok(None),
    }
}

impl Member {
    /// Returns where it is, for messages: `ROOT:path`, and its name in the archive.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns what its object is.
    pub fn container(&self) -> Container {
        match self.within {
            Within::Plain => Container::Plain,
            Within::Packed(Packing::Gzip) => Container::Gzip,
            Within::Packed(Packing::Zstd) => Container::Zstd,
            Within::Packed(Packing::Bzip2) => Container::Bzip2,
            Within::Zip(_) | Within::Held(..) => Container::Zip,
            Within::Tar(..) => Container::Tar,
        }
    }

    /// Returns its path in its archive.
    pub fn name(&self) -> Option<&str> {
        self.within.name()
    }

    /// Returns how many bytes reading it takes from the store.
    pub(super) fn stored(&self) -> u64 {
        match &self.within {
            Within::Zip(entry) | Within::Held(entry, _) => entry.compressed,
            Within::Tar(entry, _) => entry.size,
            Within::Plain | Within::Packed(_) => self.object.bytes,
        }
    }
}

/// What an object is.
enum ObjectKind {
    /// One text, plain or compressed.
    Whole(Option<Packing>),
    Zip,
    /// An archive, plain or compressed as a whole.
    Tar(Option<Packing>),
}

/// Looks at an object's first bytes, and at those that it unpacks to.
fn found(root: &Root, object: &Object) -> Result<ObjectKind> {
    let place = root.display(&object.path);
    if object.bytes == 0 {
        return Err(Error::new(Code::HeaderMissing, format!("{place} is empty"))
            .help("have it exported again, or remove the object: one with nothing in it is no export of any format"));
    }
    let mut start = Vec::new();
    root.open_object(object)?.take(tar::BLOCK).read_to_end(&mut start).map_err(|e| from_io(&place, e))?;
    if start.len() as u64 == tar::BLOCK && start.iter().all(|byte| *byte == 0) {
        return Err(Error::new(Code::ArchiveMembers, format!("{place} begins with nothing but NUL"))
            .help("it may be a tar archive without a member, or a file whose bytes were never written: have it exported again"));
    }
    if ZIP.iter().any(|mark| start.starts_with(mark)) {
        return Ok(ObjectKind::Zip);
    }
    let packing = Packing::of(&start);
    if let Some(packing) = packing {
        let stream = PackedStream::open(root, object, packing, &place, Hasher::new())?;
        start.clear();
        // What is wrong with it is told where it is read: what comes before that may still count.
        let _ = stream.take(tar::BLOCK).read_to_end(&mut start);
    }
    Ok(if tar::is_tar(&start) { ObjectKind::Tar(packing) } else { ObjectKind::Whole(packing) })
}

type ArchivePart = Take<Box<dyn SeekSource>>;

enum MemberStream {
    Plain(WholeObject),
    Packed(Box<PackedStream>),
    Stored(HashedReader<ArchivePart>, Checked),
    Deflated(Box<HashedReader<DeflateDecoder<BufReader<ArchivePart>>>>, Checked),
    /// With the length that it must have.
    Tar(HashedReader<Box<dyn Read + Send>>, u64),
}

/// What a zip says of a member, and what has come out of it.
struct Checked {
    crc: Crc,
    expected: u32,
    size: u64,
    compressed: u64,
}

/// One input's bytes after decompression.
pub(super) struct Bytes {
    stream: MemberStream,
    place: String,
    /// Bytes out of it so far.
    out: u64,
    /// All bytes that it takes from the store.
    whole: u64,
    caps: Caps,
    over: bool,
}

/// What is known of an input after its last byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberFacts {
    /// Bytes taken from the store.
    pub bytes: u64,
    /// Bytes that it unpacked to.
    pub unpacked: u64,
    pub hash: Option<blake3::Hash>,
    /// What its pages say of others, where it has pages.
    pub pages: Option<PagesSaid>,
}

impl Bytes {
    /// Opens a member. `spent` is what other members of the same object have come to.
    pub fn open(root: &Root, member: &Member, format: &ReadFormat, spent: u64, hasher: Hasher) -> Result<Bytes> {
        let (object, place) = (&member.object, member.place.clone());
        let stream = match &member.within {
            Within::Plain => MemberStream::Plain(hashed(root.open_object(object)?, hasher)),
            Within::Packed(packing) => {
                MemberStream::Packed(Box::new(PackedStream::open(root, object, *packing, &place, hasher)?))
            }
            Within::Tar(entry, home) => MemberStream::Tar(hashed(home.part(root, object, entry)?, hasher), entry.size),
            Within::Zip(entry) => part(&ZipHome::of(root, object), &place, entry, hasher)?,
            Within::Held(entry, bytes) => part(&ZipHome::Held(bytes.clone()), &place, entry, hasher)?,
        };
        let whole = member.stored();
        Ok(Bytes { stream, place, out: 0, whole, caps: Caps::new(format, spent), over: false })
    }

    /// Object and member, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the text comes out of something.
    pub fn packed(&self) -> bool {
        !matches!(self.stream, MemberStream::Plain(_))
    }

    /// Bytes taken from the store so far.
    pub fn taken(&self) -> u64 {
        match &self.stream {
            MemberStream::Plain(raw) => raw.bytes,
            MemberStream::Packed(stream) => stream.taken(),
            MemberStream::Tar(part, _) => part.bytes,
            MemberStream::Stored(part, _) => part.bytes,
            MemberStream::Deflated(part, _) => part.inner.total_in(),
        }
    }

    /// Reads on; 0 at the end, after all checks.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.over || buffer.is_empty() {
            return Ok(0);
        }
        let read = loop {
            match self.stream.read(buffer) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let count = read.map_err(|e| broken(&self.place, e))?;
        self.out += count as u64;
        if count == 0 {
            self.over = true;
            self.end()?;
        }
        self.limits()?;
        Ok(count)
    }

    /// The hash of the object as stored, or of the member's text: one pass over a whole archive would cost another read.
    pub fn facts(&self) -> MemberFacts {
        let hash = match &self.stream {
            MemberStream::Plain(raw) => Some(raw.hasher.finalize()),
            MemberStream::Packed(stream) => stream.raw().map(|raw| raw.hasher.finalize()),
            MemberStream::Tar(part, _) => Some(part.hasher.finalize()),
            MemberStream::Stored(part, _) => Some(part.hasher.finalize()),
            MemberStream::Deflated(part, _) => Some(part.hasher.finalize()),
        };
        MemberFacts { bytes: self.taken(), unpacked: self.out, hash, pages: None }
    }

    fn end(&self) -> Result<()> {
        match &self.stream {
            MemberStream::Stored(_, checked) | MemberStream::Deflated(_, checked)
                if self.out != checked.size
                    || self.taken() != checked.compressed
                    || checked.crc.sum() != checked.expected =>
            {
                Err(damaged(&self.place, "its length or its checksum is not what the archive says"))
            }
            MemberStream::Tar(_, size) if self.out != *size => Err(damaged(&self.place, "it is cut short")),
            _ => Ok(()),
        }
    }

    fn limits(&self) -> Result<()> {
        let compressed = matches!(self.stream, MemberStream::Packed(_) | MemberStream::Deflated(..));
        self.caps.hold(&self.place, self.out, compressed.then_some(self.whole))
    }
}

impl MemberStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            MemberStream::Plain(raw) => raw.read(buffer),
            MemberStream::Packed(stream) => stream.read(buffer),
            MemberStream::Tar(part, _) => part.read(buffer),
            MemberStream::Stored(part, checked) => checked.count(part.read(buffer)?, buffer),
            MemberStream::Deflated(part, checked) => checked.count(part.read(buffer)?, buffer),
        }
    }
}

impl Checked {
    fn count(&mut self, count: usize, buffer: &[u8]) -> std::io::Result<usize> {
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

fn part(home: &ZipHome, place: &str, entry: &ZipEntry, hasher: Hasher) -> Result<MemberStream> {
    let part = home.at(entry, place)?.take(entry.compressed);
    let ZipEntry { crc: expected, size, compressed, .. } = *entry;
    let checked = Checked { crc: Crc::new(), expected, size, compressed };
    Ok(match entry.deflated {
        false => MemberStream::Stored(hashed(part, hasher), checked),
        true => {
            let part = BufReader::with_capacity(BUFFER, part);
            MemberStream::Deflated(Box::new(hashed(DeflateDecoder::new(part), hasher)), checked)
        }
    })
}
