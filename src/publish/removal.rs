//! What of a table may go for good: the log below a fresh checkpoint, files of attempts that came to nothing.
//! Must not know why something is old enough.

use super::seen_persons::seen_by;
use super::{Target, delta, file, log};
use crate::error::{Code, Error, Result};
use crate::store::{Object, Root, Unseen};
use std::collections::BTreeSet;

/// Files of earlier attempts that nothing refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Data files in the lake.
    pub files: Vec<Object>,
    /// Companions in `state`.
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
/// of the log.
pub fn is_staged(target: &Target<'_>, path: &str) -> bool {
    let becomes = path.rsplit_once('#').map_or(path, |(becomes, _)| becomes);
    let log = becomes.strip_prefix(&log::folder(target.path)).is_some_and(|rest| rest.starts_with('/'));
    let part = |prefix: &&str| {
        let name = becomes.strip_prefix(*prefix).and_then(|rest| rest.strip_prefix('/'));
        let part = |name: &str| name.starts_with("part-") && name.ends_with(".parquet") && !name.contains('/');
        name.is_some_and(|name| part(name) || seen_by(name).is_some())
    };
    log || [target.path, target.companions].iter().any(part)
}

/// The name of a data file or companion that lies directly below `prefix`.
fn name_in<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix)?.strip_prefix('/').filter(|name| file::is_file_name(name))
}

/// Removes entries and checkpoints of the log that only versions before `floor` need; `current` is the version that
/// readers see. A checkpoint of it is there before anything goes, and its own entry stays. Returns what was removed.
///
/// # Errors
/// Storage errors; evidence, when the checkpoint cannot be made. Trimming again goes on where it stopped.
pub fn trim(target: &Target<'_>, current: u64, floor: u64) -> Result<Vec<Object>> {
    let folder = log::folder(target.path);
    let floor = floor.min(current);
    let entries = target.lake.list(&folder)?;
    let old: Vec<Object> =
        entries.into_iter().filter(|o| version_in(&o.path, &folder).is_some_and(|v| v < floor)).collect();
    if old.is_empty() {
        return Ok(old);
    }
    // Commits of other programs may follow the current version: the checkpoint is of the newest.
    let tip = log::tip(target.lake, target.path)?.unwrap_or(current).max(current);
    let checkpoint = format!("{folder}/{tip:020}.checkpoint.parquet");
    if target.lake.head(&checkpoint)?.is_none() {
        let made = delta::checkpoint(target.lake, target.path, current);
        // An answer may have been lost though it is there.
        if target.lake.head(&checkpoint)?.is_none() {
            made?;
            let place = target.lake.display(&checkpoint);
            return Err(Error::new(Code::ObjectMissing, format!("{place} is not there"))
                .help("the log is kept as it is; sweep again"));
        }
    }
    drop_stale_hint(target.lake, &folder, tip)?;
    for object in &old {
        target.lake.delete(&object.path)?;
    }
    Ok(old)
}

/// A crash between a checkpoint and the hint at it leaves a hint at an older one, which is about to go. Without a hint
/// readers look for the newest checkpoint themselves.
fn drop_stale_hint(lake: &Root, folder: &str, version: u64) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Hint {
        version: u64,
    }
    let path = format!("{folder}/_last_checkpoint");
    let Some(hint) = lake.get(&path)? else { return Ok(()) };
    let right = serde_json::from_slice::<Hint>(&hint).is_ok_and(|hint| hint.version == version);
    if right { Ok(()) } else { lake.delete(&path) }
}

/// The version that a file of the log belongs to: an entry, its checksum, a checkpoint or a part of one.
fn version_in(path: &str, folder: &str) -> Option<u64> {
    let name = path.strip_prefix(folder)?.strip_prefix('/')?;
    let (version, rest) = name.split_once('.')?;
    let kind = ["json", "crc", "checkpoint."].iter().any(|kind| rest.starts_with(kind));
    let digits = version.len() == 20 && version.bytes().all(|b| b.is_ascii_digit());
    version.parse().ok().filter(|_| kind && digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_log_are_known_by_their_version_and_others_are_left_alone() {
        let version = |name: &str| version_in(&format!("t/_delta_log/{name}"), "t/_delta_log");
        for name in ["00000000000000000007.json", "00000000000000000007.crc", "00000000000000000007.checkpoint.parquet"]
        {
            assert_eq!(version(name), Some(7), "{name}");
        }
        for name in ["_last_checkpoint", "7.json", "00000000000000000007.txt", "_sidecars/x.parquet"] {
            assert_eq!(version(name), None, "{name}");
        }
    }
}
