//! What was accepted against the ledger and the manifests: an acceptance is there as long as the ledger has it, and one by
//! which a version was published is marked as used, for it is good for one run. Must not know what was let through.

use super::ledger::{LedgerEntry, LedgerEvent};
use super::manifest::Manifest;
use super::report::VerifyReport;
use crate::clock::Instant;
use crate::store::Root;
use serde::Deserialize;
use std::collections::BTreeSet;

/// What an acceptance and its entry say alike.
#[derive(Deserialize)]
struct ToldAccept {
    as_of: Instant,
    reason: String,
}

/// Verifies acceptances. Those of tables that were retired are used up, too, but nobody can use them again.
pub(super) fn accepted(state: &Root, entries: &[LedgerEntry], manifests: &[Manifest], report: &mut VerifyReport) {
    let (mut known, mut first) = (0, BTreeSet::new());
    for entry in entries {
        let LedgerEvent::Accepted { job, as_of, plan, reason, .. } = &entry.event else { continue };
        if !first.insert((job, plan)) {
            continue;
        }
        let path = accept_path(job, plan);
        let same = |bytes: &[u8]| {
            super::parse::<ToldAccept>(bytes).is_some_and(|told| told.as_of == *as_of && told.reason == *reason)
        };
        known += u64::from(there(state, &path, &format!("entry {} of the ledger", entry.seq), &same, report));
    }
    for manifest in manifests {
        let Some(plan) = manifest.brake.as_ref().and_then(|brake| brake.accepted.as_ref()) else { continue };
        let by = format!("run {}, which was let through by it,", manifest.run);
        there(state, &used_path(&manifest.job, plan), &by, &|_| true, report);
    }
    if known > 0 && report.faults.is_empty() {
        report.proven.push(format!("what was accepted ({known}) is what the ledger has"));
    }
}

/// Whether a file is there and `is_same`; says what is wrong with it.
fn there(state: &Root, path: &str, by: &str, is_same: &dyn Fn(&[u8]) -> bool, report: &mut VerifyReport) -> bool {
    let place = state.display(path);
    match state.get(path) {
        Ok(Some(bytes)) if is_same(&bytes) => return true,
        Ok(Some(_)) => report.faults.push(format!("{place} is not what {by} names")),
        Ok(None) => report.faults.push(format!("{place} is missing; {by} names it")),
        Err(error) => report.not_proven.push(format!("{place}: could not be read, so it was not looked at: {error}")),
    }
    false
}

/// Where an acceptance is, below the state root.
pub(crate) fn accept_path(job: &str, plan: &str) -> String {
    format!("accepts/{job}/{plan}.json")
}

/// Where it is noted that a run has used an acceptance.
pub(crate) fn used_path(job: &str, plan: &str) -> String {
    format!("accepts/{job}/{plan}.used.json")
}
