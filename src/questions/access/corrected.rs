//! Corrections of the person's records (Art. 16 GDPR): found by the records that files of corrections name, told as
//! versions say it.

use super::super::corrections::of_case;
use super::person::{Asker, Certainty};
use super::report::PersonCorrection;
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::LedgerEntry;
use crate::job::{Desk, PublishedDataset, corrections};
use crate::requests::half;
use crate::state::in_hex;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the corrections of records that are surely the person's, by when they were received, and the ids of their rows.
///
/// # Errors
/// Evidence and storage errors of the state. Corrections that cannot be read are told with what was not searched.
pub(super) fn corrected(
    desk: &Desk,
    published: &[PublishedDataset<'_>],
    ledger: &[LedgerEntry],
    asker: &Asker,
    now: Instant,
) -> Result<(Vec<PersonCorrection>, BTreeSet<String>)> {
    let mut cases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in corrections::all_readable(desk, now).0.into_values().flatten() {
        if asker.knows_of(half(&row.record)) == Some(Certainty::Sure) {
            cases.entry(row.case).or_default().insert(in_hex(&row.id));
        }
    }
    let mut told = Vec::new();
    for (case, ids) in &cases {
        for of in of_case(desk, published, ledger, &|of| of == case)?.into_iter().filter(|of| ids.contains(&of.id)) {
            let (case, dataset, column) = (case.clone(), of.dataset, of.column);
            let (reason, received, due) = (of.reason, of.received, of.due);
            told.push(PersonCorrection { case, dataset, column, reason, received, due, state: of.state, why: of.why });
        }
    }
    told.sort_by(|a, b| (a.received, &a.case, &a.dataset).cmp(&(b.received, &b.case, &b.dataset)));
    Ok((told, cases.into_values().flatten().collect()))
}
