//! The files of requests in one object, and how they are read: as exports are.

use crate::error::{Code, Error, Result};
use crate::policy::{List, ReadFormat};
use crate::read::{Member, members};
use crate::store::{Object, Root};

/// Returns how a list's files are read. An archive is bound by its length, not by its number of members or its ratio:
/// it may be an export for whose source more is allowed.
pub(super) fn format(list: &List) -> ReadFormat {
    ReadFormat {
        records: list.records.clone(),
        encoding: list.encoding.clone(),
        member: list.member.clone(),
        member_text: list.member_text.clone(),
        max_members: usize::MAX,
        max_ratio: u64::MAX,
        ..ReadFormat::csv()
    }
}

/// Returns the files in an object: what it is or unpacks to, or with a `member` in the list those of its members that
/// match. An archive without one of these has none: exports come in several archives.
///
/// # Errors
/// An input error for an archive that cannot be trusted or that holds nothing, and for what is none where the list has a
/// `member`; storage errors.
pub(super) fn parts(root: &Root, object: &Object, list: &List, format: &ReadFormat) -> Result<Vec<Member>> {
    let (found, place) = (members(root, object, format)?, root.display(&object.path));
    if list.member.is_some() && found.iter().any(|part| !part.container().is_archive()) {
        return Err(Error::new(Code::FormatNotRead, format!("{place} is no archive, and the list names a member")));
    }
    if list.member.is_none() && found.is_empty() {
        return Err(Error::new(Code::ArchiveMembers, format!("{place} is an archive without a file in it")));
    }
    Ok(found)
}

/// Returns what an error says of an object, the place itself left out: that is told beside it.
pub(super) fn said(place: &str, error: &Error) -> String {
    let message = error.message();
    let said = match message.strip_prefix(place) {
        Some(rest) if rest.starts_with(", ") => rest[2..].to_owned(),
        Some(rest) if rest.starts_with(' ') => format!("it{rest}"),
        _ => message.to_owned(),
    };
    if said.contains("which is not read") { format!("{said}: save it as CSV") } else { said }
}
