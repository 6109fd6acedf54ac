//! The directory of a zip archive: which members are read, and where their bytes are. Zip64 included.
//! Refuses what two unpackers could read differently. Must not know what members hold.

use super::chosen::{Chosen, Wanted, wanted};
use super::damage::damaged;
use super::zip_layout;
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::signature;
use crate::store::{Object, Root, SeekSource, from_io};
use std::io::ErrorKind;
use zip::read::ZipReadOptions;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

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
    let place = root.display(&object.path);
    let mut archive = ZipArchive::new(root.open_seek(object)?).map_err(|e| unreadable(&place, e))?;
    if let Some(document) = signature::document(|name| archive.index_for_name(name).is_some()) {
        return Err(signature::refused(&place, document));
    }
    if archive.len() > format.max_members {
        return Err(Error::new(
            Code::InputTooLarge,
            format!("{place} has {} members, limits.max_members is {}", archive.len(), format.max_members),
        )
        .help("raise limits.max_members in the source if the export is right"));
    }
    if archive.has_duplicate_names() {
        return Err(damaged(&place, "two members have the same name"));
    }
    match zip_layout::stray(&archive, &mut root.open_seek(object)?, object.bytes) {
        Ok(None) => {}
        Ok(Some(stray)) => {
            let what = format!("{place} is damaged: {}", stray.message());
            return Err(Error::new(Code::InputDamaged, what).help(zip_layout::HELP));
        }
        Err(error) => return Err(unreadable(&place, error.into())),
    }
    let (chosen, of_macos) = directory(&archive, &place, format)?;
    let entries = chosen.into_iter().map(|index| entry(&mut archive, index, &place)).collect::<Result<_>>()?;
    Ok(Chosen { entries, of_macos })
}

/// Looks at every entry: the indexes of those that are read, and how many are left out because they are of macOS.
fn directory(archive: &ZipArchive<Box<dyn SeekSource>>, place: &str, format: &ReadFormat) -> Result<(Vec<usize>, u64)> {
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

fn entry(archive: &mut ZipArchive<Box<dyn SeekSource>>, index: usize, place: &str) -> Result<ZipEntry> {
    let entry = archive.by_index_data(index).map_err(|e| unreadable(place, e))?;
    let name = entry.name().map_err(|e| unreadable(place, e))?.into_owned();
    let place = format!("{place}, member {name}");
    if entry.encrypted() {
        return Err(Error::new(Code::FormatNotRead, format!("{place} is encrypted"))
            .help("have it exported without a password"));
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
