//! Delta tables: versions in `_delta_log`, one JSON entry each, checkpoints of them, and data files beside it. The only
//! folder that knows Delta.

mod foreign;
mod history;
mod kernel;
mod log;
mod protocol;
mod seen;
mod trim;

use super::seam::{Change, Commit, Seen, TableFormat};
use crate::error::Result;
use crate::publish::table::{CurrentTable, Receipt, Target, Written};
use crate::store::{Object, Root};
use std::collections::BTreeMap;

/// The format of Delta Lake.
pub(super) struct Delta;

/// Endings of what holds rows: data files, and vectors that say which of their rows are gone.
const DATA: [&str; 2] = [".parquet", ".bin"];

impl TableFormat for Delta {
    fn current(&self, lake: &Root, path: &str) -> Result<Option<CurrentTable>> {
        kernel::current(lake, path)
    }
    fn commit(&self, change: &Change<'_>, target: &Target<'_>, commit: &Commit<'_>) -> Result<Receipt> {
        kernel::commit(change, target, commit)
    }
    fn adopt(&self, written: &Written, target: &Target<'_>, commit: &Commit<'_>, expected: u64) -> Result<Receipt> {
        kernel::adopt(written, target, commit, expected)
    }
    fn seen(&self, lake: &Root, path: &str) -> Result<Option<Seen>> {
        seen::seen(lake, path)
    }
    fn history_entry(&self, path: &str, version: u64) -> String {
        log::entry_path(path, version)
    }
    fn is_history(&self, path: &str, object: &str) -> bool {
        object.strip_prefix(&log::folder(path)).is_some_and(|rest| rest.starts_with('/'))
    }
    fn is_known_history(&self, path: &str, object: &str) -> bool {
        let folder = log::folder(path);
        let hint = object.strip_prefix(&folder).is_some_and(|rest| rest == "/_last_checkpoint");
        hint || trim::version_in(object, &folder).is_some()
    }
    fn may_hold_rows(&self, path: &str, object: &str) -> bool {
        DATA.iter().any(|end| object.ends_with(end)) && !self.is_history(path, object)
    }
    fn history(&self, lake: &Root, path: &str, known: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        history::history(lake, path, known)
    }
    fn trim(&self, target: &Target<'_>, current: u64, floor: u64) -> Result<Vec<Object>> {
        trim::trim(target, current, floor)
    }
    fn name(&self) -> &'static str {
        "Delta"
    }
    fn allows_column(&self, name: &str) -> bool {
        !name.is_empty() && !name.contains([' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='])
    }
    fn sample_command(&self, location: &str) -> String {
        format!("duckdb -c \"INSTALL delta; LOAD delta; FROM delta_scan('{location}') LIMIT 5\"")
    }
}
