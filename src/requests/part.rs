//! The files of requests in one object: the object itself, or members of a zip archive.
//! Must not know what is in them.

use super::text::Trouble;
use crate::error::Error;
use crate::policy::List;
use crate::store::{Object, Root, SeekSource};
use crate::zip_layout;
use std::io::{ErrorKind, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// Most bytes read of one member: a request file is small, and a bomb is not.
const MOST: u64 = 1 << 36;

/// One file of requests.
pub(super) enum Part {
    /// The object.
    Whole,
    /// A member by index, and its name.
    Member(usize, String),
}

impl Part {
    /// What follows the object's place in messages.
    pub(super) fn place(&self, object: &str) -> String {
        match self {
            Part::Whole => object.to_owned(),
            Part::Member(_, name) => format!("{object}, member {name}"),
        }
    }
}

/// The parts of an object: itself, or with a `member` in the list those that match by full path or base name. An
/// archive without one has none: exports come in several archives.
pub(super) fn parts(root: &Root, object: &Object, list: &List) -> Result<Vec<Part>, Trouble> {
    let Some(member) = &list.member else { return Ok(vec![Part::Whole]) };
    let mut archive = archive(root, object)?;
    if archive.has_duplicate_names() {
        return Err(broken("two members of the archive have the same name"));
    }
    let mut source = root.open_seek(object).map_err(|error| Trouble::Store(std::io::Error::other(error)))?;
    match zip_layout::stray(&archive, &mut source, object.bytes) {
        Ok(None) => {}
        Ok(Some(stray)) => {
            return Err(Trouble::Broken {
                byte: stray.byte(),
                what: "bytes that no member of the archive accounts for",
            });
        }
        Err(error) => return Err(unreadable(error.into())),
    }
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(unreadable)?;
        let name = entry.name().map_err(unreadable)?.into_owned();
        let base = name.rsplit('/').next().unwrap_or_default();
        if !entry.is_dir() && !zip_layout::of_macos(&name) && (member.is_match(&name) || member.is_match(base)) {
            parts.push(Part::Member(index, name));
        }
    }
    Ok(parts)
}

/// Calls `read` with the bytes of a part.
pub(super) fn with<T>(
    root: &Root,
    object: &Object,
    part: &Part,
    read: impl FnOnce(&mut dyn Read) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let store = |error| Trouble::Store(std::io::Error::other(error));
    match part {
        Part::Whole => read(&mut root.open_object(object).map_err(store)?),
        Part::Member(index, _) => {
            let mut archive = archive(root, object)?;
            let member = archive.by_index(*index).map_err(unreadable)?;
            read(&mut Unpacked(member.take(MOST)))
        }
    }
}

fn archive(root: &Root, object: &Object) -> Result<ZipArchive<Box<dyn SeekSource>>, Trouble> {
    let source = root.open_seek(object).map_err(|error| Trouble::Store(std::io::Error::other(error)))?;
    ZipArchive::new(source).map_err(unreadable)
}

/// What does not unpack is damaged; what the store says stays.
struct Unpacked<R>(R);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(out).map_err(|error| if stores(&error) { error } else { ErrorKind::InvalidData.into() })
    }
}

fn stores(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Interrupted || error.get_ref().is_some_and(|inner| inner.is::<Error>())
}

fn unreadable(error: ZipError) -> Trouble {
    match error {
        ZipError::Io(io) if stores(&io) => Trouble::Store(io),
        _ => broken("it is no zip archive that can be read whole"),
    }
}

fn broken(what: &'static str) -> Trouble {
    Trouble::Broken { byte: 0, what }
}
