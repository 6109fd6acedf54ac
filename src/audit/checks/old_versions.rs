//! Files of earlier versions go when the grace is over. A legal hold or a restriction may keep them (R34, R69).

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::clock::{Instant, add};
use crate::error::Result;
use jiff::tz::TimeZone;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "old-versions-gone",
    article: "Art. 5(1)(e), 17 GDPR; R34",
    severity: Severity::Error,
    holds: "No file of an earlier version is still there three days after its `grace`, unless a hold or a restriction keeps bytes.",
    fix: "call `tamis sweep`: it removes what no version needs; find out why no sweep came",
    look: Look::Table(look),
};

/// With the time that an attempt may take, and that a sweep may need to come.
const WAIT: i64 = 3 * 86_400_000_000;

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(lake) = table.lake else {
        found.cannot("its root is not in the policy any more");
        return Ok(());
    };
    let grace = &table.scene.project.removal.grace;
    let due = |at: Instant| add(at, grace, &TimeZone::UTC).0.saturating_add(WAIT) <= table.scene.now.0;
    let Ok(requests) = &table.scene.requests else {
        found.cannot("stored requests cannot be read, so nobody can say whether a hold keeps old versions");
        return Ok(());
    };
    let held = requests.keeps_bytes_of(&table.manifest.purpose, table.scene.now);
    for replaced in table.dataset.replaced.iter().filter(|replaced| due(replaced.at)) {
        for file in &replaced.files {
            if lake.head(&file.path)?.is_none() {
                continue;
            }
            let (severity, why) = match held {
                true => (Severity::Warning, ", and a hold or restriction is in force that may keep it"),
                false => (Severity::Error, ""),
            };
            let what = format!("a file of version {}, which was replaced{why}", replaced.version);
            let place = lake.display(&file.path);
            found.say_as(
                severity,
                AuditSpot { file: Some(&place), since: Some(replaced.at), ..AuditSpot::default() },
                what,
            );
        }
    }
    Ok(())
}
