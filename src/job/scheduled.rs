//! Runs by schedule are known by job and instant (R28).

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::state::{Intent, State, stamp};

/// Id of the run of a job at a scheduled instant.
pub fn scheduled_id(job: &str, instant: Instant) -> String {
    format!("{job}-{}-s", stamp(instant))
}

/// What an earlier attempt of this run has pinned.
///
/// # Errors
/// A policy error when the specs have changed since.
pub fn earlier(state: &State, run: &str, plan: &str) -> Result<Option<Intent>> {
    let Some(intent) = state.stored_intent(run)? else { return Ok(None) };
    if intent.plan != plan {
        return Err(Error::new(Code::SpecsChanged, format!("the specs have changed since run {run} began"))
            .help("run the job by hand, or wait for its next scheduled time: that is a new run"));
    }
    Ok(Some(intent))
}
