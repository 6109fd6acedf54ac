//! The controller has signed what the job does, where the purpose asks for it (R76). Finds signatures by itself.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::Result;
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::policy::{RiskProfile, risks_raised};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "signed-off",
    article: "Art. 35 GDPR",
    severity: Severity::Error,
    holds: "Where the purpose has `dpia.required = true`, the controller has signed what the job does (R76).",
    fix: "look at `tamis report dpia JOB`, then sign it: `tamis sign-off JOB --by ROLE --reason …`",
    look: Look::Table(look),
};

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(plan) = table.plan.filter(|plan| plan.purpose.signed) else { return Ok(()) };
    let names = [&plan.job, &table.dataset.job];
    let entries = table.scene.state.ledger().entries()?;
    let newest = entries.iter().rev().find_map(|entry| match &entry.event {
        LedgerEvent::SignedOff { job, profile, advice: false, .. } if names.contains(&job) => Some((job, profile)),
        _ => None,
    });
    let Some((job, profile)) = newest else {
        found.say(AuditSpot::default(), "nobody has signed what the job does".to_owned());
        return Ok(());
    };
    let bytes = table.scene.state.signed_profile(job, profile)?;
    let Ok(signed) = serde_json::from_slice::<RiskProfile>(&bytes) else {
        found.say(AuditSpot::default(), "what was signed cannot be read by this version of tamis".to_owned());
        return Ok(());
    };
    let of_table = |entry: &&LedgerEntry| match &entry.event {
        LedgerEvent::BreachNoted { updates: None, datasets, .. } => datasets.contains(&table.dataset.dataset),
        _ => false,
    };
    let breaches = entries.iter().filter(of_table).count() as u64;
    let rows = Some(table.current.rows);
    let now = RiskProfile { rows, breaches, ..table.scene.project.risks[&plan.job].clone() };
    for change in risks_raised(&signed, &now) {
        found.say(AuditSpot::default(), format!("riskier than what was signed: {}", change.what));
    }
    Ok(())
}
