//! What other programs have committed to a table, told without opening it. Must not know the kernel.

use super::Passed;
use super::log::{self, Newest};
use crate::error::Result;
use crate::store::Root;

/// The end of a table's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The newest version of tamis that the log still names: version, run, attempt, digest of its manifest.
    pub own: Option<(u64, String, u32, String)>,
    /// Commits of other programs after it, and whether each changes nothing by what it says of itself.
    pub foreign: Vec<(Passed, bool)>,
    /// The newest version.
    pub tip: u64,
}

/// Looks at the end of the log of the table at `path`; none when there is no log.
///
/// # Errors
/// Storage errors.
pub fn seen(lake: &Root, path: &str) -> Result<Option<Seen>> {
    let Some(tip) = log::tip(lake, path)? else { return Ok(None) };
    let Newest { own, foreign } = Newest::find(lake, path, tip)?;
    let passed = |(version, found): (u64, super::foreign::Foreign)| {
        (Passed { version, operation: found.operation.into() }, found.harmless)
    };
    Ok(Some(Seen {
        own: own.map(|(version, mark)| (version, mark.run, mark.attempt, mark.manifest)),
        foreign: foreign.into_iter().map(passed).collect(),
        tip,
    }))
}
