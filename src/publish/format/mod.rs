//! Table formats: how files that were written become a version that readers see, and how versions go again. A format is
//! a folder here and its line in [`of`]; nothing outside of its folder knows which it is.

mod delta;
mod seam;

pub(super) use seam::{Change, TableFormat};
pub use seam::{Commit, Seen};

use super::table::{CurrentTable, Receipt, Rewritten, Target, Written};
use crate::error::Result;
use crate::store::{Object, Root};
use std::collections::BTreeMap;

/// Returns the format that tables are published in.
pub(super) fn of() -> &'static dyn TableFormat {
    &delta::Delta
}

/// Returns the current version of the table at `path`; none when there is no table yet.
///
/// # Errors
/// An evidence error when another program has changed the table; a policy error when it uses a feature that tamis does
/// not write; storage errors.
pub fn current(lake: &Root, path: &str) -> Result<Option<CurrentTable>> {
    of().current(lake, path)
}

/// Returns whether `current` is still what readers see: it is the newest version of tamis, and what others committed
/// after it changes nothing.
///
/// # Errors
/// As [`self::current`].
pub fn is_current(lake: &Root, path: &str, current: &CurrentTable) -> Result<bool> {
    Ok(self::current(lake, path)?.is_some_and(|there| there.is_same(current)))
}

/// Publishes what was written: one commit adds its files and removes all others.
///
/// # Errors
/// Storage when another run or sweep was there first or nothing was sent yet, evidence when another writer was or the
/// table was put back, policy when the table cannot take the columns, unknown when it could not be learned whether the
/// commit is in the history; what `may` says.
pub fn commit(written: &Written, target: &Target<'_>, commit: &Commit<'_>) -> Result<Receipt> {
    of().commit(&Change { written, gone: None }, target, commit)
}

/// As [`commit()`], for what a sweep rewrote: only the files that it takes the place of are removed, all others stay.
///
/// # Errors
/// As [`commit()`].
pub fn replace(rewritten: &Rewritten, target: &Target<'_>, commit: &Commit<'_>) -> Result<Receipt> {
    of().commit(&Change { written: &rewritten.written, gone: Some(&rewritten.gone) }, target, commit)
}

/// Takes a table back from another program: one commit after which it has `written`'s files and no others, of which those
/// that are current stay as they are. `expected` is the newest version, whoever made it.
///
/// # Errors
/// As [`commit()`]; policy, when the other program has changed columns.
pub fn adopt(written: &Written, target: &Target<'_>, commit: &Commit<'_>, expected: u64) -> Result<Receipt> {
    of().adopt(written, target, commit, expected)
}

/// Looks at the end of the history of the table at `path` without opening it; none when there is no history.
///
/// # Errors
/// Storage errors.
pub fn seen(lake: &Root, path: &str) -> Result<Option<Seen>> {
    of().seen(lake, path)
}

/// Returns where the history names a version of the table at `path`, below the lake's root.
pub fn history_entry(path: &str, version: u64) -> String {
    of().history_entry(path, version)
}

/// Returns whether an object of the table at `path` belongs to its history; all others are data.
pub fn is_history(path: &str, object: &str) -> bool {
    of().is_history(path, object)
}

/// Returns whether an object belongs to the history of the table at `path` and is one that its format has.
pub fn is_known_history(path: &str, object: &str) -> bool {
    of().is_known_history(path, object)
}

/// Returns the BLAKE3 of every object of the history of the table at `path` that is written once, by its path below the
/// lake's root. Those that are in `known` keep the digest that they have there; what is gone is left out.
///
/// # Errors
/// Storage errors.
pub fn history(lake: &Root, path: &str, known: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    of().history(lake, path, known)
}

/// Returns whether an object of the table at `path` may hold rows, whichever program wrote it.
pub fn may_hold_rows(path: &str, object: &str) -> bool {
    of().may_hold_rows(path, object)
}

/// Removes what of the history only versions before `floor` need; `current` is the version that readers see, which stays
/// readable throughout. Returns what was removed.
///
/// # Errors
/// Storage errors; evidence, when the table is at another version. Trimming again goes on where it stopped.
pub fn trim(target: &Target<'_>, current: u64, floor: u64) -> Result<Vec<Object>> {
    of().trim(target, current, floor)
}

/// Returns a command that shows the first rows of the table at a location.
pub fn sample_command(location: &str) -> String {
    of().sample_command(location)
}
