//! Raw exports have an end: without `raw_keep` they are kept as long as somebody pays for the disk.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditScene;
use crate::error::Result;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "raw-keep-set",
    article: "Art. 5(1)(e) GDPR",
    severity: Severity::Warning,
    holds: "The policy says how long raw exports are kept.",
    fix: "set `raw_keep` in [removal], or write down who else removes raw exports, and when",
    look: Look::Whole(look),
};

fn look(scene: &AuditScene, found: &mut CheckFound<'_>) -> Result<()> {
    if scene.project.removal.raw_keep.is_none() && !scene.project.jobs.is_empty() {
        found.say(AuditSpot::default(), "the policy sets no raw_keep: tamis never removes a raw export");
    }
    Ok(())
}
