//! Every table is served by a job: no request, no retention and no removal reaches one that is not.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::Result;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "served-by-job",
    article: "Art. 5(1)(e), 17 GDPR",
    severity: Severity::Error,
    holds: "Every published table is the output of a job in the specs, and lies in a root that the policy has.",
    fix: "bring the job back under any name with the same output, or end the table: `tamis dataset retire JOB --remove --reason …`",
    look: Look::Table(look),
};

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    if table.lake.is_none() {
        found.say(AuditSpot::default(), "the table lies in a root that the policy no longer has");
    }
    if table.plan.is_none() {
        found.say(AuditSpot::default(), "no job of the specs serves the table any more");
    }
    Ok(())
}
