//! What the controller has signed of a job, and on which advice: found in the ledger, read from the state (R76). Must not
//! know what a signature is needed for.

use super::names::output_of;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::policy::{Plan, Project, RiskProfile};
use crate::state::State;

/// A signature of the controller, or an advice of the data protection officer.
#[derive(Clone, Debug)]
pub struct Signature {
    /// When it was given.
    pub at: Instant,
    /// BLAKE3 hex of what was signed.
    pub digest: String,
    /// What was signed; the rows are those of the first version after it where there was none before.
    pub profile: RiskProfile,
}

/// Returns the newest signature of a job, under any of its names.
///
/// # Errors
/// Evidence errors for a profile that is missing or was changed; storage errors.
pub fn signature(state: &State, entries: &[LedgerEntry], names: &[String]) -> Result<Option<Signature>> {
    newest(state, entries, names, false)
}

/// Returns the newest advice on a job, under any of its names.
///
/// # Errors
/// As [`signature`].
pub fn advice(state: &State, entries: &[LedgerEntry], names: &[String]) -> Result<Option<Signature>> {
    newest(state, entries, names, true)
}

fn newest(state: &State, entries: &[LedgerEntry], names: &[String], advises: bool) -> Result<Option<Signature>> {
    let of = |entry: &LedgerEntry| match &entry.event {
        LedgerEvent::SignedOff { job, profile, advice, .. } if names.contains(job) && *advice == advises => {
            Some((entry.seq, entry.at, job.clone(), profile.clone()))
        }
        _ => None,
    };
    let Some((seq, at, job, digest)) = entries.iter().rev().find_map(of) else { return Ok(None) };
    let bytes = state.signed_profile(&job, &digest)?;
    let mut profile: RiskProfile = serde_json::from_slice(&bytes).map_err(|_| {
        Error::new(Code::StateBeyond, format!("what was signed of job {job} cannot be read by this version of tamis"))
            .help("use the version of tamis with which it was signed, or sign again")
    })?;
    let first = |entry: &&LedgerEntry| match &entry.event {
        LedgerEvent::Published { job, rows_out, .. } if entry.seq > seq && names.contains(job) => Some(*rows_out),
        _ => None,
    };
    profile.rows = profile.rows.or_else(|| entries.iter().find_map(|entry| first(&entry)));
    Ok(Some(Signature { at, digest, profile }))
}

/// Returns how many breaches of a table the ledger has; one that goes on from an earlier one is the same.
pub fn breaches(entries: &[LedgerEntry], dataset: &str) -> u64 {
    let of = |entry: &&LedgerEntry| match &entry.event {
        LedgerEvent::BreachNoted { updates: None, datasets, .. } => datasets.iter().any(|of| of == dataset),
        _ => false,
    };
    entries.iter().filter(of).count() as u64
}

/// Returns what is signed of a job now: its profile with the rows that are published and the breaches that the ledger has.
pub fn profile_now(project: &Project, plan: &Plan, rows: Option<u64>, entries: &[LedgerEntry]) -> RiskProfile {
    RiskProfile { rows, breaches: breaches(entries, &output_of(plan)), ..project.risks[&plan.job].clone() }
}
