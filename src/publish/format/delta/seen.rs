//! What other programs have committed to a table, told without opening it.

use super::foreign::Foreign;
use super::log::{self, Newest};
use crate::error::Result;
use crate::publish::format::seam::Seen;
use crate::publish::table::Passed;
use crate::store::Root;

/// Looks at the end of the log of the table at `path`; none when there is no log.
///
/// # Errors
/// Storage errors.
pub(super) fn seen(lake: &Root, path: &str) -> Result<Option<Seen>> {
    let Some(tip) = log::tip(lake, path)? else { return Ok(None) };
    let Newest { own, foreign } = Newest::find(lake, path, tip)?;
    let passed =
        |(version, found): (u64, Foreign)| (Passed { version, operation: found.operation.into() }, found.harmless);
    Ok(Some(Seen {
        own: own.map(|(version, mark)| (version, mark.run, mark.attempt, mark.manifest)),
        foreign: foreign.into_iter().map(passed).collect(),
        tip,
    }))
}
