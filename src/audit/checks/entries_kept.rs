//! Stored requests are personal data too: they have a term, and nothing drops them yet.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditScene;
use crate::clock::add;
use crate::error::Result;
use jiff::tz::TimeZone;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "entries-in-time",
    article: "Art. 5(1)(e) GDPR; 11 CCR §7101",
    severity: Severity::Warning,
    holds: "No stored request is older than `entry_keep`.",
    fix: "make `entry_keep` as long as requests are needed to keep erased persons out; tamis deletes none",
    look: Look::Whole(look),
};

fn look(scene: &AuditScene, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(requests) = found.needed(&scene.requests) else { return Ok(()) };
    let keep = &scene.project.removal.entry_keep;
    let received = (0..requests.len() as u32).map(|at| requests.entry(at).received);
    let old: Vec<_> = received.filter(|received| add(*received, keep, &TimeZone::UTC) <= scene.now).collect();
    if let Some(first) = old.iter().min() {
        let what = format!("{} stored requests are older than entry_keep", old.len());
        found.say(AuditSpot { since: Some(*first), ..AuditSpot::default() }, what);
    }
    Ok(())
}
