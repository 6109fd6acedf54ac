//! Which files of a table nothing refers to: those of attempts that came to nothing.

use super::seen_persons::seen_by;
use super::table::Target;
use super::{file, format};
use crate::error::Result;
use crate::store::{Object, Root, Unseen};
use std::collections::BTreeSet;

/// Files of earlier attempts that nothing refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Data files in the lake.
    pub files: Vec<Object>,
    /// Companions of the version, which lie in `state`.
    pub companions: Vec<Object>,
    /// What lies there, may be one of them, and cannot be read.
    pub unseen: Vec<Unseen>,
}

/// Lists data files and companions that bear our kind of name and are not in `known` (names of files that a version,
/// a grace period or an attempt under way still needs). Whether they are old enough to remove is the caller's.
///
/// # Errors
/// Storage errors.
pub fn orphans(target: &Target<'_>, known: &BTreeSet<String>) -> Result<Orphans> {
    let mut unseen = Vec::new();
    let mut unknown = |root: &Root, prefix: &str| -> Result<Vec<Object>> {
        let stray = |object: &Object| name_in(&object.path, prefix).is_some_and(|name| !known.contains(name));
        let found = root.look(prefix)?;
        let folder = |unseen: &Unseen| unseen.path == prefix.as_bytes();
        let ours =
            |unseen: &Unseen| std::str::from_utf8(&unseen.path).is_ok_and(|path| name_in(path, prefix).is_some());
        unseen.extend(found.unseen.into_iter().filter(|unseen| folder(unseen) || ours(unseen)));
        Ok(found.objects.into_iter().filter(stray).collect())
    };
    let (files, companions) = (unknown(target.lake, target.path)?, unknown(target.state, target.companions)?);
    Ok(Orphans { files, companions, unseen })
}

/// Whether a staged write is one of ours: it is called after what it would have become, `part-….parquet`, `seen-….bin` or one
/// of the history.
pub fn is_staged(target: &Target<'_>, path: &str) -> bool {
    let becomes = path.rsplit_once('#').map_or(path, |(becomes, _)| becomes);
    let part = |prefix: &&str| {
        let name = becomes.strip_prefix(*prefix).and_then(|rest| rest.strip_prefix('/'));
        let part = |name: &str| name.starts_with("part-") && name.ends_with(".parquet") && !name.contains('/');
        name.is_some_and(|name| part(name) || seen_by(name).is_some())
    };
    format::is_history(target.path, becomes) || [target.path, target.companions].iter().any(part)
}

/// The name of a data file or companion that lies directly below `prefix`.
fn name_in<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix)?.strip_prefix('/').filter(|name| file::is_file_name(name))
}
