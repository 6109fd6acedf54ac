//! No request is past its deadline and not done (Art. 12(3)).

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::Result;
use crate::policy::Effect;
use crate::requests::{RequestState, Requests};
use std::collections::BTreeMap;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "requests-in-time",
    article: "Art. 12(3), 17, 21 GDPR; Civ. Code §1798.130(a)(2)",
    severity: Severity::Error,
    holds: "For every request past its deadline, a sweep has found that nothing of the person is left in the dataset.",
    fix: "call `tamis sweep`; `tamis report case ID` says what is left, and what keeps it",
    look: Look::Table(look),
};

/// Requests that are told one by one.
const TOLD: usize = 50;

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(requests) = found.needed(&table.scene.requests) else { return Ok(()) };
    let late: BTreeMap<u32, RequestState> =
        (0..requests.len() as u32).filter_map(|at| late(table, requests, at)).collect();
    let mut told = Vec::new();
    requests.told(table.scene.state.root(), &|at| late.contains_key(&at), &mut |at, record| {
        told.push((at, record.request.to_owned()));
        Ok(())
    })?;
    told.sort_by(|a, b| a.1.cmp(&b.1));
    for (at, request) in told.iter().take(TOLD) {
        let (entry, state) = (requests.entry(*at), late[at]);
        let due = table.scene.due(entry.list, entry.counts_from);
        let said = match state {
            RequestState::Received => "nobody has looked for the person since",
            _ => "it is applied, and no sweep has found yet that nothing of the person is left",
        };
        let what = format!("request {request} ({}) was due at {}: {said}", entry.effect.name(), due.to_seconds());
        found.say(AuditSpot { since: Some(due), ..AuditSpot::default() }, what);
    }
    if told.len() > TOLD {
        found.say(AuditSpot::default(), format!("{} more requests are past their deadline", told.len() - TOLD));
    }
    Ok(())
}

fn late(table: &AuditedTable<'_>, requests: &Requests, at: u32) -> Option<(u32, RequestState)> {
    let (entry, job) = (requests.entry(at), table.plan.map_or(&table.dataset.job, |plan| &plan.job));
    let asks = !entry.ended && !matches!(entry.effect, Effect::Lift | Effect::Consent | Effect::Hold);
    let due = table.scene.due(entry.list, entry.counts_from) <= table.scene.now;
    let state = requests.standing(at, job).state;
    // A restriction that keeps bytes is done where it is applied (R69).
    let open = state == RequestState::Received || state == RequestState::Applied && !entry.keeps_bytes();
    (asks && due && open && entry.concerns(&table.manifest.purpose)).then_some((at, state))
}
