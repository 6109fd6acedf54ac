//! The directory of a zip archive: which members are read, and where their bytes are. Zip64 included. Refuses what two
//! unpackers could read differently.

use super::chosen::{Chosen, Wanted, wanted};
use super::damage::damaged;
use super::zip_layout;
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::signature;
use crate::store::{Object, Root, SeekSource, from_io};
use bytes::Bytes;
use std::io::{Cursor, ErrorKind, Seek, SeekFrom};
use zip::read::ZipReadOptions;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// An archive inside another one, unpacked into memory.
#[derive(Clone)]
pub(super) struct HeldArchive(pub Bytes);

/// It holds raw values, which are never formatted.
impl std::fmt::Debug for HeldArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Where the bytes of an archive are.
#[derive(Clone)]
pub(super) enum ZipHome {
    Object(Box<(Root, Object)>),
    /// Unpacked, since it lay in something else.
    Held(HeldArchive),
}

impl ZipHome {
    pub fn of(root: &Root, object: &Object) -> ZipHome {
        ZipHome::Object(Box::new((root.clone(), object.clone())))
    }

    fn length(&self) -> u64 {
        match self {
            ZipHome::Object(whole) => whole.1.bytes,
            ZipHome::Held(held) => held.0.len() as u64,
        }
    }

    fn open(&self) -> Result<Box<dyn SeekSource>> {
        match self {
            ZipHome::Object(whole) => whole.0.open_seek(&whole.1),
            ZipHome::Held(held) => Ok(Box::new(Cursor::new(held.0.clone()))),
        }
    }

    /// Opens the archive at the first byte of a file in it.
    ///
    /// # Errors
    /// Storage errors.
    pub fn at(&self, entry: &ZipEntry, place: &str) -> Result<Box<dyn SeekSource>> {
        let mut source = self.open()?;
        source.seek(SeekFrom::Start(entry.start)).map_err(|e| from_io(place, e))?;
        Ok(source)
    }
}

/// One file in a zip.
#[derive(Clone, Debug)]
pub(super) struct ZipEntry {
    /// Full path in the archive.
    pub name: String,
    /// Where its compressed bytes begin.
    pub start: u64,
    pub compressed: u64,
    pub size: u64,
    pub crc: u32,
    /// The member is deflated, else stored.
    pub deflated: bool,
}

/// The members that the source's `member` glob matches, by full path or base name, in the directory's order; all files
/// without one.
///
/// # Errors
/// An input error for a damaged archive, one that is an office document, bytes that no member accounts for, too many
/// members, equal names, or a matching member that is encrypted, a link, or compressed in a way that is not read.
pub(super) fn entries(root: &Root, object: &Object, format: &ReadFormat) -> Result<Chosen<ZipEntry>> {
    let (place, home) = (root.display(&object.path), ZipHome::of(root, object));
    let mut archive = opened(&home, &place)?;
    if let Some(document) = document_in(&archive) {
        return Err(signature::refused(&place, document));
    }
    trusted(&home, &place, &archive, format)?;
    let (chosen, of_macos) = directory(&archive, &place, format)?;
    let entries = chosen.into_iter().map(|index| entry(&mut archive, index, &place)).collect::<Result<_>>()?;
    Ok(Chosen { entries, of_macos })
}

/// Returns what document an archive is; none for one of files.
///
/// # Errors
/// An input error for an archive without a directory that can be read; storage errors.
pub(super) fn document(root: &Root, object: &Object) -> Result<Option<&'static str>> {
    Ok(document_in(&opened(&ZipHome::of(root, object), &root.display(&object.path))?))
}

/// Returns all files of an archive that is one document.
///
/// # Errors
/// As [`entries`], but for its being a document.
pub(super) fn parts(home: &ZipHome, place: &str, format: &ReadFormat) -> Result<Vec<ZipEntry>> {
    let mut archive = opened(home, place)?;
    trusted(home, place, &archive, format)?;
    let files = (0..archive.len()).filter(|index| archive.by_index_data(*index).is_ok_and(|entry| !entry.is_dir()));
    files.collect::<Vec<_>>().into_iter().map(|index| entry(&mut archive, index, place)).collect()
}

type SeekArchive = ZipArchive<Box<dyn SeekSource>>;

fn opened(home: &ZipHome, place: &str) -> Result<SeekArchive> {
    ZipArchive::new(home.open()?).map_err(|e| unreadable(place, e))
}

fn document_in(archive: &SeekArchive) -> Option<&'static str> {
    signature::document(|name| archive.index_for_name(name).is_some())
}

/// Refuses an archive that has too many members, two of one name, or bytes that no member accounts for.
fn trusted(home: &ZipHome, place: &str, archive: &SeekArchive, format: &ReadFormat) -> Result<()> {
    if archive.len() > format.max_members {
        return Err(Error::new(
            Code::InputTooLarge,
            format!("{place} has {} members, limits.max_members is {}", archive.len(), format.max_members),
        )
        .help("raise limits.max_members in the source if the export is right"));
    }
    if archive.has_duplicate_names() {
        return Err(damaged(place, "two members have the same name"));
    }
    match zip_layout::stray(archive, &mut home.open()?, home.length()) {
        Ok(None) => Ok(()),
        Ok(Some(stray)) => {
            let what = format!("{place} is damaged: {}", stray.message());
            Err(Error::new(Code::InputDamaged, what).help(zip_layout::HELP))
        }
        Err(error) => Err(unreadable(place, error.into())),
    }
}

/// Looks at every entry: the indexes of those that are read, and how many are left out because they are of macOS.
fn directory(archive: &SeekArchive, place: &str, format: &ReadFormat) -> Result<(Vec<usize>, u64)> {
    let (mut chosen, mut of_macos) = (Vec::new(), 0);
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|e| unreadable(place, e))?;
        let name = entry.name().map_err(|e| unreadable(place, e))?;
        match wanted(format, &name) {
            _ if entry.is_dir() => {}
            Wanted::No => {}
            Wanted::OfMacos => of_macos += 1,
            Wanted::Yes => chosen.push(index),
        }
    }
    Ok((chosen, of_macos))
}

fn entry(archive: &mut SeekArchive, index: usize, place: &str) -> Result<ZipEntry> {
    let entry = archive.by_index_data(index).map_err(|e| unreadable(place, e))?;
    let name = entry.name().map_err(|e| unreadable(place, e))?.into_owned();
    let place = format!("{place}, member {name}");
    if entry.encrypted() {
        return Err(Error::new(Code::FormatNotRead, format!("{place} is encrypted with a password"))
            .help("have it packed without a password, and keep it where only the export may be read"));
    }
    if entry.is_symlink() {
        return Err(Error::new(Code::FormatNotRead, format!("{place} is a link, not a file")));
    }
    let deflated = match entry.compression() {
        CompressionMethod::Stored => false,
        CompressionMethod::Deflated => true,
        _ => {
            return Err(Error::new(Code::FormatNotRead, format!("{place} is compressed in a way that is not read"))
                .help("have it packed with deflate, as all zip tools do by default"));
        }
    };
    let (compressed, size, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
    let options = ZipReadOptions::new().enforce_header_consistency(true);
    let start = archive.by_index_with_options(index, options).map_err(|e| unreadable(&place, e))?.data_start();
    let start = start.ok_or_else(|| damaged(&place, "it has no place in the archive"))?;
    Ok(ZipEntry { name, start, compressed, size, crc, deflated })
}

fn unreadable(place: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(io) if !matches!(io.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) => {
            from_io(place, io)
        }
        _ => damaged(place, "its zip directory cannot be read"),
    }
}
