//! What is said afterwards: ledger, manifest, verification. Plain structs of its own.
//! Must not know batches, keys or values.

mod accepted;
pub mod keys_in_use;
pub mod ledger;
pub mod manifest;
mod own;
mod present;
mod record;
mod replaced;
mod report;
pub mod segments;
mod stored;
mod verify;
mod witness;

pub(crate) use accepted::{accept_path, used_path};
pub use ledger::{Head, Ledger, LedgerEntry, LedgerEvent, RunRef};
pub use manifest::Manifest;
pub(crate) use own::in_place;
pub use present::{changed, check_same, has_digest};
pub(crate) use record::{OwnDigest, own_digest, parse, record};
pub use report::VerifyReport;
pub(crate) use verify::intent_path;
pub use verify::{LOG_NOT_READ, verify};
pub use witness::Witness;

use crate::error::{Code, Error, Result};
use crate::store::Root;
use std::collections::BTreeMap;
use std::io::Read;

/// BLAKE3 hex of whole files of evidence, never of a value.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// BLAKE3 hex and length of what a reader gives.
///
/// # Errors
/// What the reader fails with.
pub fn digest_of(mut source: impl Read) -> std::io::Result<(String, u64)> {
    let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finalize().to_hex().to_string(), length)),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Indented JSON with a final newline; fields in the order of the struct, maps in key order: one content, one sequence of
/// bytes.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|_| Error::new(Code::RowsDoNotAddUp, "a record cannot be written as JSON"))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests;

/// Returns the path of the newest file of each folder below `folder`: later records have greater names.
///
/// # Errors
/// A storage error when the store is away.
pub(crate) fn newest_records(state: &Root, folder: &str) -> Result<Vec<String>> {
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for object in state.list(folder)? {
        let Some((job, _)) = object.path.rsplit_once('/') else { continue };
        let path = newest.entry(job.to_owned()).or_default();
        *path = object.path.clone().max(std::mem::take(path));
    }
    Ok(newest.into_values().collect())
}
