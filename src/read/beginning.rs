//! The beginning of a member, for who has to find out what it is like before anything is declared. Must not
//! know what columns are for.

use super::container::{Bytes, Member, document};
use super::{model, signature};
use crate::error::Result;
use crate::policy::{ModelFile, ReadFormat};
use crate::store::Root;

/// The first bytes of a member, unpacked.
/// Deliberately without `Debug`: it holds raw values.
pub struct Beginning {
    /// At most as many as were asked for.
    pub bytes: Vec<u8>,
    /// That is all there is of it.
    pub whole: bool,
}

/// Reads the beginning of a member, at most `most` bytes of it.
///
/// # Errors
/// Input errors for a member that cannot be unpacked; storage errors.
pub fn beginning(root: &Root, member: &Member, most: usize) -> Result<Beginning> {
    let mut bytes = Bytes::open(root, member, &ReadFormat::csv(), 0, blake3::Hasher::new())?;
    let (mut start, mut filled) = (vec![0; most], 0);
    while filled < most {
        match bytes.read(&mut start[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    start.truncate(filled);
    Ok(Beginning { whole: filled < most, bytes: start })
}

/// What a file is, by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Text, which may have cells.
    Cells,
    /// A text in JSON.
    Json,
    /// A file of Apache Parquet.
    Parquet,
    /// A workbook, or what may be one: reading it tells.
    Workbook,
    /// Something that is not read, in words.
    Other(&'static str),
}

/// Tells what a member is whose beginning is given.
///
/// # Errors
/// An input error for an archive without a directory that can be read; storage errors.
pub fn file_kind(root: &Root, member: &Member, start: &[u8]) -> Result<FileKind> {
    if let Some(document) = document(root, member, start)? {
        return Ok(if document == signature::WORKBOOK { FileKind::Workbook } else { FileKind::Other(document) });
    }
    // In something else, the names of its first files tell.
    let has = |name: &str| memchr::memmem::find(start, name.as_bytes()).is_some();
    if start.starts_with(b"PK\x03\x04") && signature::document(has) == Some(signature::WORKBOOK) {
        return Ok(FileKind::Workbook);
    }
    Ok(match signature::foreign(start.get(..signature::LOOKED_AT).unwrap_or(start)) {
        None => FileKind::Cells,
        Some(signature::JSON) => FileKind::Json,
        Some(signature::PARQUET) => FileKind::Parquet,
        Some(signature::OLE) => FileKind::Workbook,
        Some(what) => FileKind::Other(what),
    })
}

/// Returns the names of the sheets of a workbook that are not hidden.
///
/// # Errors
/// Input errors for what is no workbook, and for one that cannot be trusted; storage errors.
pub fn sheets(root: &Root, member: &Member, read: &ReadFormat) -> Result<Vec<String>> {
    super::format::sheets(root, member, read)
}

/// Returns which entity of which file beside a member names its columns, where there is exactly one that is called as the
/// member or a folder of it.
///
/// # Errors
/// Storage errors.
pub fn model_of(root: &Root, member: &Member) -> Result<Option<ModelFile>> {
    if member.name().is_some() { Ok(None) } else { model::entity_of(root, &member.object) }
}

/// Returns what an operator can do about a file that is something else.
pub fn what_to_do(what: &str) -> &'static str {
    signature::help(what)
}
