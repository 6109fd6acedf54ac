//! Digests of the files of the log that are written once: entries, checkpoints, checksums. The hint at the newest
//! checkpoint is replaced in place and has none.

use super::log;
use super::trim::version_in;
use crate::error::Result;
use crate::store::Root;
use std::collections::BTreeMap;

/// As [`super::super::history`].
pub(super) fn history(lake: &Root, path: &str, known: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let folder = log::folder(path);
    let mut found = BTreeMap::new();
    for object in lake.list(&folder)?.into_iter().filter(|object| version_in(&object.path, &folder).is_some()) {
        let digest = match known.get(&object.path) {
            Some(digest) => Some(digest.clone()),
            None => lake.get(&object.path)?.map(|bytes| blake3::hash(&bytes).to_hex().to_string()),
        };
        found.extend(digest.map(|digest| (object.path, digest)));
    }
    Ok(found)
}
