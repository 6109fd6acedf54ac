//! What the rest of tamis knows of a table format: versions and their files, a commit, the history, removal.

use crate::error::Result;
use crate::publish::table::{CurrentTable, Passed, Receipt, Target, Written};
use crate::store::{Object, Root};
use std::collections::{BTreeMap, BTreeSet};

/// A format of published tables. What is published is the same in all of them: Parquet files, one companion each.
pub(in crate::publish) trait TableFormat: Sync {
    /// As [`super::current()`].
    fn current(&self, lake: &Root, path: &str) -> Result<Option<CurrentTable>>;
    /// Makes the version after `commit.expected`, all of it or nothing, unless the commit of that sequence is there
    /// already. Errors as those of [`super::commit()`].
    fn commit(&self, change: &Change<'_>, target: &Target<'_>, commit: &Commit<'_>) -> Result<Receipt>;
    /// As [`super::adopt()`].
    fn adopt(&self, written: &Written, target: &Target<'_>, commit: &Commit<'_>, expected: u64) -> Result<Receipt>;
    /// As [`super::seen()`].
    fn seen(&self, lake: &Root, path: &str) -> Result<Option<Seen>>;
    /// As [`super::history_entry()`].
    fn history_entry(&self, path: &str, version: u64) -> String;
    /// As [`super::is_history()`].
    fn is_history(&self, path: &str, object: &str) -> bool;
    /// As [`super::is_known_history()`].
    fn is_known_history(&self, path: &str, object: &str) -> bool;
    /// As [`super::may_hold_rows()`].
    fn may_hold_rows(&self, path: &str, object: &str) -> bool;
    /// As [`super::history()`].
    fn history(&self, lake: &Root, path: &str, known: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>>;
    /// As [`super::trim()`].
    fn trim(&self, target: &Target<'_>, current: u64, floor: u64) -> Result<Vec<Object>>;
    /// What people call the format.
    fn name(&self) -> &'static str;
    /// Says whether a column may have this name.
    fn allows_column(&self, name: &str) -> bool;
    /// As [`super::sample_command()`].
    fn sample_command(&self, location: &str) -> String;
}

/// What a commit says of itself, and what it rests on.
pub struct Commit<'a> {
    /// Whose `sequence` it is.
    pub app: &'a str,
    /// Strictly rising per `app`: a commit whose answer was lost is known again by it.
    pub sequence: i64,
    /// Digest of the manifest.
    pub manifest: &'a str,
    /// The version seen before writing, which it takes the place of.
    pub expected: Option<&'a CurrentTable>,
    /// Asked immediately before it is sent, each time: whether it may be.
    pub may: &'a dyn Fn() -> Result<()>,
}

/// What a commit adds and removes.
#[derive(Clone, Copy)]
pub(in crate::publish) struct Change<'a> {
    pub written: &'a Written,
    /// Names of the files that are removed; none for all.
    pub gone: Option<&'a BTreeSet<String>>,
}

/// The end of a table's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The newest version of tamis that the history still names: version, run, attempt, digest of its manifest.
    pub own: Option<(u64, String, u32, String)>,
    /// Commits of other programs after it, and whether each changes nothing by what it says of itself.
    pub foreign: Vec<(Passed, bool)>,
    /// Number of the newest version.
    pub tip: u64,
}
