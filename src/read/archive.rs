//! The directory of a zip archive: which members are read, and where their bytes are. Zip64 included.
//! Refuses what two unpackers could read differently. Must not know what members hold.

use super::container::damaged;
use crate::error::{Error, Result};
use crate::policy::ReadFormat;
use crate::store::{Object, Root, SeekSource, from_io};
use zip::read::ZipReadOptions;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// One file in a zip.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Full path in the archive.
    pub name: String,
    /// Where its compressed bytes begin.
    pub start: u64,
    pub compressed: u64,
    pub size: u64,
    pub crc: u32,
    /// Deflated, else stored.
    pub deflated: bool,
}

/// The members that the source's `member` glob matches, by full path or base name, in the directory's order; all files
/// without one.
///
/// # Errors
/// An input error for a damaged archive, too many members, equal names, members that overlap, or a matching member that
/// is encrypted, a link, or compressed in a way that is not read.
pub(super) fn members(root: &Root, object: &Object, format: &ReadFormat) -> Result<Vec<Member>> {
    let place = root.display(&object.path);
    let mut archive = ZipArchive::new(root.open_seek(object)?).map_err(|e| unreadable(&place, e))?;
    if archive.len() > format.max_members {
        return Err(Error::input(format!(
            "{place} has {} members, limits.max_members is {}",
            archive.len(),
            format.max_members
        ))
        .help("raise limits.max_members in the source if the export is right"));
    }
    if archive.has_duplicate_names() {
        return Err(damaged(&place, "two members have the same name"));
    }
    let chosen = directory(&archive, &place, format)?;
    chosen.into_iter().map(|index| member(&mut archive, index, &place)).collect()
}

/// Looks at every entry: the indexes of those that are read, once it is known that none overlap.
fn directory(archive: &ZipArchive<Box<dyn SeekSource>>, place: &str, format: &ReadFormat) -> Result<Vec<usize>> {
    let (mut chosen, mut extents) = (Vec::new(), Vec::new());
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|e| unreadable(place, e))?;
        let header = 30 + entry.name_raw().len() as u64;
        let end = entry.header_start().saturating_add(header).saturating_add(entry.compressed_size());
        extents.push((entry.header_start(), end));
        let name = entry.name().map_err(|e| unreadable(place, e))?;
        let base = name.rsplit('/').next().unwrap_or_default();
        let matches = format.member.as_ref().is_none_or(|glob| glob.is_match(&*name) || glob.is_match(base));
        if matches && !entry.is_dir() {
            chosen.push(index);
        }
    }
    extents.sort_unstable();
    let overlap = extents.windows(2).any(|pair| pair[0].1 > pair[1].0);
    if overlap || extents.last().is_some_and(|(_, end)| *end > archive.central_directory_start()) {
        return Err(damaged(place, "members overlap"));
    }
    Ok(chosen)
}

fn member(archive: &mut ZipArchive<Box<dyn SeekSource>>, index: usize, place: &str) -> Result<Member> {
    let entry = archive.by_index_data(index).map_err(|e| unreadable(place, e))?;
    let name = entry.name().map_err(|e| unreadable(place, e))?.into_owned();
    let place = format!("{place}, member {name}");
    if entry.encrypted() {
        return Err(Error::input(format!("{place} is encrypted")).help("have it exported without a password"));
    }
    if entry.is_symlink() {
        return Err(Error::input(format!("{place} is a link, not a file")));
    }
    let deflated = match entry.compression() {
        CompressionMethod::Stored => false,
        CompressionMethod::Deflated => true,
        _ => {
            return Err(Error::input(format!("{place} is compressed in a way that is not read"))
                .help("have it packed with deflate, as all zip tools do by default"));
        }
    };
    let (compressed, size, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
    let options = ZipReadOptions::new().enforce_header_consistency(true);
    let start = archive.by_index_with_options(index, options).map_err(|e| unreadable(&place, e))?.data_start();
    let start = start.ok_or_else(|| damaged(&place, "it has no place in the archive"))?;
    Ok(Member { name, start, compressed, size, crc, deflated })
}

fn unreadable(place: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(io) if io.kind() != std::io::ErrorKind::UnexpectedEof => from_io(place, io),
        _ => damaged(place, "its zip directory cannot be read"),
    }
}
