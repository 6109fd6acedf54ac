//! Runs by schedule: known by job and instant, so a repeated or late one is the same run, with another attempt (R28).

use super::pinned::Pinned;
use super::report::Report;
use crate::error::{Code, Error, Result};
use crate::evidence::Manifest;
use crate::job::{Ready, earlier, scheduled_id};
use crate::key;
use crate::publish::Receipt;
use crate::state::Intent;
use crate::store::Created;

/// What a scheduled call came to.
pub enum Ran {
    /// It has published a version.
    Now(Box<Report>),
    /// The run had been published before.
    Before,
}

/// Whether this run has a version already.
///
/// # Errors
/// Evidence and storage errors.
pub fn published(ready: &Ready) -> Result<bool> {
    let current = ready.dataset.current.as_ref();
    let Some(intent) = &ready.earlier else { return Ok(false) };
    if current.is_some_and(|current| current.run == intent.run) {
        return Ok(true);
    }
    Ok(ready.state.ledger().published(intent.of(1))?.is_some())
}

/// The intent in force and a new attempt: the first one's pins count for all.
///
/// # Errors
/// An input error when the export is no longer the one that was pinned.
pub fn begin(ready: &Ready, mut intent: Intent, pinned: &Pinned) -> Result<(Intent, u32)> {
    let makes = intent.makes();
    let run = scheduled_id(&intent.job, intent.as_of);
    intent.run = run.clone();
    if ready.state.intent(&run, &intent)? == Created::Exists {
        let first = earlier(&ready.state, &run, &intent.plan)?;
        intent = first
            .ok_or_else(|| Error::new(Code::StoreAway, format!("the intent of run {run} cannot be read just now")))?;
        if intent.objects != pinned.pins {
            return Err(Error::new(
                Code::ExportChangedSince,
                format!("the export is no longer the one that run {run} began with"),
            )
            .help("run the job by hand, or wait for its next scheduled time: that is a new run"));
        }
    }
    let nonce = key::nonce()?;
    let attempt = ready.state.next_attempt(&run, &nonce, makes, ready.call.now)?;
    Ok((intent, attempt))
}

/// The manifest that is published: another attempt's when two hosts ran this run at once and that one was first.
///
/// # Errors
/// An evidence error when it is not there.
pub fn winner(ready: &Ready, receipt: &Receipt, own: &Manifest) -> Result<Manifest> {
    if !ready.call.scheduled || receipt.attempt == own.attempt {
        return Ok(own.clone());
    }
    ready.state.manifest(&own.run, receipt.attempt, &receipt.manifest)
}
