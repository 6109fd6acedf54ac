//! Containers: an object gives members, which are the object itself, what a gzip stream unpacks to, or files in a zip
//! archive. Checks lengths, CRCs and limits, and hashes what it reads. Nothing is written anywhere. Must not know formats.

mod damage;
mod zip;
mod zip_layout;

use self::damage::damaged;
use self::zip::{Chosen, ZipEntry};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::store::{Object, ObjectSource, Root, SeekSource, from_io};
use blake3::Hasher;
use flate2::Crc;
use flate2::bufread::{DeflateDecoder, GzDecoder};
use std::io::{BufRead, BufReader, Read, SeekFrom, Take};

/// What an object is, by its first bytes; its name says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// The object is the text.
    Plain,
    /// RFC 1952, all members of it.
    Gzip,
    /// Members of a zip archive.
    Zip,
}

const KNOWN: [(&[u8], Container); 3] =
    [(b"PK\x03\x04", Container::Zip), (b"PK\x05\x06", Container::Zip), (&GZIP, Container::Gzip)];
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The longest of these.
const MAGIC: usize = 4;
/// Below this the ratio of a stream says nothing.
const RATIO_FROM: u64 = 1 << 20;
const BUFFER: usize = 128 * 1024;

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
    Gzip,
    Zip(ZipEntry),
}

/// Returns the members of an object: of a zip archive those that the source's `member` means, in the order of its
/// directory; else one.
///
/// # Errors
/// An input error for an empty object, and for an archive that cannot be trusted; storage errors.
pub fn members(root: &Root, object: &Object, format: &ReadFormat) -> Result<Vec<Member>> {
    let member = |within: Within, of_macos: u64| {
        let place = match &within {
            Within::Zip(entry) => format!("{}, member {}", root.display(&object.path), entry.name),
            _ => root.display(&object.path),
        };
        Member { object: object.clone(), within, place, of_macos }
    };
    Ok(match container(root, object)? {
        Container::Plain => vec![member(Within::Plain, 0)],
        Container::Gzip => vec![member(Within::Gzip, 0)],
        Container::Zip if format.records.is_document() && zip::document(root, object)?.is_some() => {
            vec![member(Within::Plain, 0)]
        }
        Container::Zip => {
            let Chosen { entries, mut of_macos } = zip::entries(root, object, format)?;
            entries.into_iter().map(|entry| member(Within::Zip(entry), std::mem::take(&mut of_macos))).collect()
        }
    })
}

/// Returns the files that a member is made of, where it is a document such as a workbook.
///
/// # Errors
/// An input error for what is no such document, or one that cannot be trusted; storage errors.
pub(super) fn parts(root: &Root, member: &Member, format: &ReadFormat) -> Result<Vec<Member>> {
    let object = &member.object;
    let part = |entry: ZipEntry| {
        let place = format!("{}, part {}", member.place, entry.name);
        Member { object: object.clone(), within: Within::Zip(entry), place, of_macos: 0 }
    };
    Ok(zip::parts(root, object, format)?.into_iter().map(part).collect())
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
            Within::Gzip => Container::Gzip,
            Within::Zip(_) => Container::Zip,
        }
    }

    /// Returns its path in its archive.
    pub fn name(&self) -> Option<&str> {
        match &self.within {
            Within::Zip(entry) => Some(&entry.name),
            _ => None,
        }
    }

    /// Returns how many bytes reading it takes from the store.
    pub(super) fn stored(&self) -> u64 {
        match &self.within {
            Within::Zip(entry) => entry.compressed,
            _ => self.object.bytes,
        }
    }
}

/// Looks at an object's first bytes.
fn container(root: &Root, object: &Object) -> Result<Container> {
    let place = root.display(&object.path);
    if object.bytes == 0 {
        return Err(Error::new(Code::HeaderMissing, format!("{place} is empty"))
            .help("an export has at least a header; remove the object"));
    }
    let mut magic = Vec::new();
    root.open_object(object)?.take(MAGIC as u64).read_to_end(&mut magic).map_err(|e| from_io(&place, e))?;
    let known = KNOWN.iter().find(|(signature, _)| magic.starts_with(signature));
    Ok(known.map_or(Container::Plain, |(_, container)| *container))
}

/// Adds up what goes through it.
struct HashedReader<R> {
    inner: R,
    hasher: Box<Hasher>,
    bytes: u64,
}

impl<R: Read> Read for HashedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

fn hashed<R>(inner: R, hasher: Hasher) -> HashedReader<R> {
    HashedReader { inner, hasher: Box::new(hasher), bytes: 0 }
}

type ArchivePart = Take<Box<dyn SeekSource>>;
type WholeObject = HashedReader<Box<dyn ObjectSource>>;

enum MemberStream {
    Plain(WholeObject),
    Gzip(Box<GzipMembers>),
    Stored(HashedReader<ArchivePart>, Checked),
    Deflated(Box<HashedReader<DeflateDecoder<BufReader<ArchivePart>>>>, Checked),
}

/// The members of a gzip file, which are one text. Nothing else may follow them.
struct GzipMembers {
    /// Of the member being read.
    decoder: Option<GzDecoder<BufReader<WholeObject>>>,
    place: String,
}

impl GzipMembers {
    fn raw(&self) -> Option<&WholeObject> {
        self.decoder.as_ref().map(|decoder| decoder.get_ref().get_ref())
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let count = decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let rest = decoder.get_mut().fill_buf()?;
            if rest.is_empty() {
                return Ok(0);
            }
            if rest[0] != GZIP[0] || rest.get(1).is_some_and(|second| *second != GZIP[1]) {
                let left = rest.len() as u64;
                let what = format!("something follows its end at byte {}", decoder.get_ref().get_ref().bytes - left);
                return Err(std::io::Error::other(damaged(&self.place, &what)));
            }
            self.decoder = self.decoder.take().map(|decoder| GzDecoder::new(decoder.into_inner()));
        }
    }
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
    max_ratio: u64,
    max_out: u64,
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
}

impl Bytes {
    /// Opens a member. `spent` is what other members of the same object have come to.
    pub fn open(root: &Root, member: &Member, format: &ReadFormat, spent: u64, hasher: Hasher) -> Result<Bytes> {
        let (object, place) = (&member.object, member.place.clone());
        let stream = match &member.within {
            Within::Plain => MemberStream::Plain(hashed(root.open_object(object)?, hasher)),
            Within::Gzip => {
                let raw = BufReader::with_capacity(BUFFER, hashed(root.open_object(object)?, hasher));
                let (decoder, place) = (Some(GzDecoder::new(raw)), place.clone());
                MemberStream::Gzip(Box::new(GzipMembers { decoder, place }))
            }
            Within::Zip(entry) => part(root, object, entry, hasher)?,
        };
        let max_out = format.max_decompressed.saturating_sub(spent);
        Ok(Bytes { stream, place, out: 0, max_ratio: format.max_ratio, max_out, over: false })
    }

    /// Object and member, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the text comes out of gzip or zip.
    pub fn packed(&self) -> bool {
        !matches!(self.stream, MemberStream::Plain(_))
    }

    /// Bytes taken from the store so far.
    pub fn taken(&self) -> u64 {
        match &self.stream {
            MemberStream::Plain(raw) => raw.bytes,
            MemberStream::Gzip(gzip) => gzip.raw().map_or(0, |raw| raw.bytes),
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
        let count = read.map_err(|e| self.broken(e))?;
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
            MemberStream::Gzip(gzip) => gzip.raw().map(|raw| raw.hasher.finalize()),
            MemberStream::Stored(part, _) => Some(part.hasher.finalize()),
            MemberStream::Deflated(part, _) => Some(part.hasher.finalize()),
        };
        MemberFacts { bytes: self.taken(), unpacked: self.out, hash }
    }

    fn end(&self) -> Result<()> {
        let (MemberStream::Stored(_, checked) | MemberStream::Deflated(_, checked)) = &self.stream else {
            return Ok(());
        };
        if self.out != checked.size || self.taken() != checked.compressed || checked.crc.sum() != checked.expected {
            return Err(damaged(&self.place, "its length or its checksum is not what the archive says"));
        }
        Ok(())
    }

    fn limits(&self) -> Result<()> {
        if self.out > self.max_out {
            return Err(Error::new(
                Code::InputTooLarge,
                format!("{} holds more than limits.max_decompressed allows", self.place),
            )
            .help("raise limits.max_decompressed in the source if the export is right"));
        }
        let compressed = matches!(self.stream, MemberStream::Gzip(_) | MemberStream::Deflated(..));
        if compressed && self.out > RATIO_FROM && self.out / self.taken().max(1) > self.max_ratio {
            return Err(Error::new(
                Code::InputTooLarge,
                format!("{} unpacks to more than {} times its size", self.place, self.max_ratio),
            )
            .help("raise limits.max_ratio in the source if the export is right"));
        }
        Ok(())
    }

    /// Errors of the store hold ours and are of another kind; these are the decoders'.
    fn broken(&self, error: std::io::Error) -> Error {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof => damaged(&self.place, "it is cut short"),
            InvalidData | InvalidInput => damaged(&self.place, "its compressed bytes make no sense"),
            _ => from_io(&self.place, error),
        }
    }
}

impl MemberStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            MemberStream::Plain(raw) => raw.read(buffer),
            MemberStream::Gzip(gzip) => gzip.read(buffer),
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

fn part(root: &Root, object: &Object, entry: &ZipEntry, hasher: Hasher) -> Result<MemberStream> {
    let mut source = root.open_seek(object)?;
    source.seek(SeekFrom::Start(entry.start)).map_err(|e| from_io(&root.display(&object.path), e))?;
    let part = source.take(entry.compressed);
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
