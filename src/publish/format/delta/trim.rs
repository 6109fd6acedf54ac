//! The log below a fresh checkpoint is removed.

use super::{kernel, log};
use crate::error::{Code, Error, Result};
use crate::publish::table::Target;
use crate::store::{Object, Root};

/// Removes entries and checkpoints of the log that only versions before `floor` need; `current` is the version that
/// readers see. A checkpoint of it is there before anything goes, and its own entry stays. Returns what was removed.
///
/// # Errors
/// Storage errors; evidence, when the checkpoint cannot be made. Trimming again goes on where it stopped.
pub(super) fn trim(target: &Target<'_>, current: u64, floor: u64) -> Result<Vec<Object>> {
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
        let made = kernel::checkpoint(target.lake, target.path, current);
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
pub(super) fn version_in(path: &str, folder: &str) -> Option<u64> {
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
