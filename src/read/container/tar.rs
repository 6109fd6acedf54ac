//! The members of a tar archive, plain or compressed as a whole. A tar has no directory, so all of it is looked through
//! before any member is read. Refuses what two unpackers could read differently.

use super::chosen::{Chosen, Wanted, wanted};
use super::damage::{Caps, broken, damaged};
use super::packed::{PackedStream, Packing};
use super::tar_name::{self, MemberPath};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::store::{Object, Root, SeekSource, from_io};
use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};
use tar::{EntryType, Header};

pub(super) const BLOCK: u64 = 512;
const CHECKSUM: std::ops::Range<usize> = 148..156;
/// The longest name or set of properties that stands before a member.
const MOST_BEFORE: u64 = 1 << 20;
/// A compressed archive can have more members than it has bytes.
const MOST_MEMBERS: usize = 1_000_000;

/// One file in a tar.
#[derive(Clone, Debug)]
pub(super) struct TarEntry {
    /// Full path in the archive, without `./`.
    pub name: String,
    /// Where its bytes begin, in the archive as unpacked.
    pub start: u64,
    pub size: u64,
    /// No member that is read comes after it.
    pub last: bool,
}

/// Whether a file that begins so is a tar: its first header says its own checksum, or who wrote it.
pub(super) fn is_tar(start: &[u8]) -> bool {
    let Some(block) = start.get(..BLOCK as usize) else { return false };
    block[257..].starts_with(b"ustar") || sums_up(block)
}

fn sums_up(block: &[u8]) -> bool {
    let byte = |(at, byte): (usize, &u8)| u32::from(if CHECKSUM.contains(&at) { b' ' } else { *byte });
    let sum: u32 = block.iter().enumerate().map(byte).sum();
    Header::from_byte_slice(block).cksum().is_ok_and(|said| said == sum)
}

/// The members that the source's `member` glob matches, by full path or base name, in their order; all files without one.
///
/// # Errors
/// An input error for a damaged archive, bytes after its end, too many members, equal names, sparse files, and a matching
/// member that is no plain file or whose name leads elsewhere.
pub(super) fn entries(
    root: &Root,
    object: &Object,
    packing: Option<Packing>,
    format: &ReadFormat,
) -> Result<Chosen<TarEntry>> {
    let place = root.display(&object.path);
    let source = match packing {
        Some(packing) => TarSource::Packed(PackedStream::open(root, object, packing, &place, blake3::Hasher::new())?),
        None => TarSource::Plain(root.open_seek(object)?),
    };
    let caps = Caps::new(format, 0);
    let mut walk = Walk { source, at: 0, length: object.bytes, caps, place };
    let (mut chosen, mut names, mut count) = (Chosen { entries: Vec::new(), of_macos: 0 }, HashSet::new(), 0);
    while let Some(member) = walk.member()? {
        count += 1;
        let most = format.max_members.min(MOST_MEMBERS);
        if count > most {
            let what = format!("{} has more than {most} members", walk.place);
            let help = "raise limits.max_members in the source if the export is right";
            return Err(Error::new(Code::InputTooLarge, what).help(help));
        }
        take(member, &walk.place, format, &mut names, &mut chosen)?;
    }
    chosen.entries.iter_mut().next_back().into_iter().for_each(|entry| entry.last = true);
    Ok(chosen)
}

/// What one header says, with those that stand before it.
struct TarMember {
    name: MemberPath,
    kind: EntryType,
    start: u64,
    size: u64,
}

fn take(
    member: TarMember,
    place: &str,
    format: &ReadFormat,
    names: &mut HashSet<String>,
    chosen: &mut Chosen<TarEntry>,
) -> Result<()> {
    let TarMember { name: MemberPath { name, elsewhere, folder }, kind, start, size } = member;
    if kind == EntryType::Directory || folder {
        return Ok(());
    }
    if !names.insert(name.clone()) {
        return Err(damaged(place, "two members have the same name"));
    }
    match wanted(format, &name) {
        Wanted::No => return Ok(()),
        Wanted::OfMacos => {
            chosen.of_macos += 1;
            return Ok(());
        }
        Wanted::Yes => {}
    }
    let what = match kind {
        _ if elsewhere => "has a path that leads out of the archive",
        EntryType::Regular | EntryType::Continuous => {
            chosen.entries.push(TarEntry { name, start, size, last: false });
            return Ok(());
        }
        EntryType::Link | EntryType::Symlink => "is a link, not a file",
        _ => "is a device, a pipe or something else that is no file",
    };
    let what = format!("{place}, member {name} {what}");
    let help = "have it packed as a plain file, or set read.member in the source to the members that are meant";
    Err(Error::new(Code::FormatNotRead, what).help(help))
}

enum TarSource {
    Plain(Box<dyn SeekSource>),
    Packed(PackedStream),
}

/// Goes through an archive from header to header.
struct Walk {
    source: TarSource,
    at: u64,
    /// How long it is, as it is stored.
    length: u64,
    caps: Caps,
    place: String,
}

impl Walk {
    /// Reads on to the next member, and past its bytes; none at the end.
    fn member(&mut self) -> Result<Option<TarMember>> {
        let (mut long, mut properties) = (None, None);
        loop {
            let (at, mut block) = (self.at, [0; BLOCK as usize]);
            self.fill(&mut block)?;
            if block == [0; BLOCK as usize] {
                if long.is_some() || properties.is_some() {
                    return Err(damaged(&self.place, "its last member is missing"));
                }
                return self.end().map(|()| None);
            }
            let header = Header::from_byte_slice(&block);
            let (Ok(said), true) = (header.entry_size(), sums_up(&block)) else {
                return Err(damaged(&self.place, &format!("its header at byte {at} makes no sense")));
            };
            match header.entry_type() {
                EntryType::GNULongName => {
                    let mut name = self.before(said)?;
                    name.truncate(name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
                    long = Some(name);
                }
                EntryType::GNULongLink => drop(self.before(said)?),
                EntryType::XHeader => properties = Some(self.before(said)?),
                EntryType::XGlobalHeader => {
                    let global = tar_name::properties(&self.before(said)?).filter(|all| all.harmless());
                    global
                        .ok_or_else(|| damaged(&self.place, &format!("properties at byte {at} are for all members")))?;
                }
                kind => return self.found(at, header, kind, said, (long, properties)).map(Some),
            }
        }
    }

    fn found(
        &mut self,
        at: u64,
        header: &Header,
        kind: EntryType,
        said: u64,
        (long, properties): (Option<Vec<u8>>, Option<Vec<u8>>),
    ) -> Result<TarMember> {
        let wrong = |what: &str| damaged(&self.place, &format!("the member at byte {at} {what}"));
        let properties = tar_name::properties(properties.as_deref().unwrap_or_default())
            .ok_or_else(|| wrong("has properties that make no sense"))?;
        if kind == EntryType::GNUSparse || properties.sparse {
            let what = format!("{}: the member at byte {at} is a sparse file", self.place);
            return Err(Error::new(Code::FormatNotRead, what).help("have it packed without --sparse"));
        }
        if long.is_some() && properties.path.is_some() {
            return Err(wrong("has two names"));
        }
        let written = long.or(properties.path).unwrap_or_else(|| header.path_bytes().into_owned());
        let name = tar_name::name(&written).ok_or_else(|| wrong("has a name that is not UTF-8, or none"))?;
        let size = properties.size.unwrap_or(said);
        let without = kind == EntryType::Directory || kind.is_hard_link() || kind.is_symlink() || name.folder;
        if without && size > 0 {
            return Err(wrong("is no file and has a length"));
        }
        let start = self.at;
        self.skip(size.checked_next_multiple_of(BLOCK).ok_or_else(|| wrong("has a length that makes no sense"))?)?;
        Ok(TarMember { name, kind, start, size })
    }

    /// Reads what stands before a member.
    fn before(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > MOST_BEFORE {
            let what = format!("{}: what stands before a member at byte {} is too long", self.place, self.at);
            return Err(Error::new(Code::InputTooLarge, what).help("have it packed without extended attributes"));
        }
        let mut bytes = vec![0; size.next_multiple_of(BLOCK) as usize];
        self.fill(&mut bytes)?;
        bytes.truncate(size as usize);
        Ok(bytes)
    }

    /// Reads the second of the two empty blocks that end an archive, and what fills it up.
    fn end(&mut self) -> Result<()> {
        let mut block = [0; BLOCK as usize];
        self.fill(&mut block)?;
        let mut count = block.len();
        while count > 0 {
            if let Some(other) = block[..count].iter().position(|byte| *byte != 0) {
                let at = self.at - (count - other) as u64;
                return Err(damaged(&self.place, &format!("something follows its end at byte {at}")));
            }
            count = self.read(&mut block)?;
        }
        Ok(())
    }

    fn skip(&mut self, count: u64) -> Result<()> {
        let end = self.at.saturating_add(count);
        if let TarSource::Plain(source) = &mut self.source {
            if end > self.length {
                return Err(damaged(&self.place, "it is cut short"));
            }
            source.seek(SeekFrom::Start(end)).map_err(|e| from_io(&self.place, e))?;
            self.at = end;
        }
        let mut passed = vec![0; usize::try_from((end - self.at).min(1 << 16)).unwrap_or_default()];
        while self.at < end {
            let most = passed.len().min(usize::try_from(end - self.at).unwrap_or(usize::MAX));
            self.fill(&mut passed[..most])?;
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => return Err(damaged(&self.place, "it is cut short")),
                count => filled += count,
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = loop {
            let read = match &mut self.source {
                TarSource::Plain(source) => source.read(buffer),
                TarSource::Packed(stream) => stream.read(buffer),
            };
            match read {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| broken(&self.place, e))?,
            }
        };
        self.at += count as u64;
        let whole = matches!(self.source, TarSource::Packed(_)).then_some(self.length);
        self.caps.hold(&self.place, self.at, whole)?;
        Ok(count)
    }
}
