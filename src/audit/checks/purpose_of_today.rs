//! The version was published for what the policy of today says: the same purpose, basis and recipient, tokens of the
//! epoch in use.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::Result;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "purpose-of-today",
    article: "Art. 5(1)(b), 6 GDPR; R3",
    severity: Severity::Error,
    holds: "The version has the purpose, lawful basis and recipient that its job has today, and tokens of the epoch in use.",
    fix: "run the job: the new version is for the purpose of today, with tokens of the epoch in use",
    look: Look::Table(look),
};

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let (manifest, epoch) = (&table.manifest, &table.scene.project.keys.epoch);
    if table.current.epoch != *epoch {
        let said = format!("tokens of epoch {}, and the policy uses {epoch}", table.current.epoch);
        found.say(AuditSpot { since: Some(manifest.as_of), ..AuditSpot::default() }, said);
    }
    let Some(plan) = table.plan else { return Ok(()) };
    let basis = serde_json::to_value(plan.purpose.basis).unwrap_or_default();
    let recipient = plan.recipient.as_ref().map(|recipient| &recipient.name);
    for (what, was, is) in [
        ("purpose", Some(&manifest.purpose), Some(&plan.purpose.name)),
        ("lawful basis", Some(&manifest.lawful_basis), basis.as_str().map(str::to_owned).as_ref()),
        ("recipient", manifest.recipient.as_ref(), recipient),
    ] {
        if was != is {
            let none = String::from("none");
            let (was, is) = (was.unwrap_or(&none), is.unwrap_or(&none));
            found.say(AuditSpot::default(), format!("published for the {what} {was}, and the job of today has {is}"));
        }
    }
    Ok(())
}
