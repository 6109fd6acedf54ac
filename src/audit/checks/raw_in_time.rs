//! No raw export lies there past `raw_keep`. A legal hold or a restriction may keep them (R34, R69).

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditScene;
use crate::clock::add;
use crate::error::Result;
use crate::store::PathGlob;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "raw-in-time",
    article: "Art. 5(1)(e) GDPR",
    severity: Severity::Error,
    holds: "No raw export is older than `raw_keep` and two days for the sweep, unless a hold or a restriction keeps them.",
    fix: "call `tamis sweep`: it removes raw exports that are due",
    look: Look::Whole(look),
};

const WAIT: i64 = 2 * 86_400_000_000;

fn look(scene: &AuditScene, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(keep) = &scene.project.removal.raw_keep else { return Ok(()) };
    let Some(requests) = found.needed(&scene.requests) else { return Ok(()) };
    let held = requests.keeps_raw(scene.now);
    let own = scene.project.jobs.values().map(|plan| &plan.input);
    let observed = scene.project.jobs.values().flat_map(|plan| &plan.observe).map(|observe| &observe.input);
    let inputs: BTreeSet<(&String, &String)> = own.chain(observed).map(|input| (&input.root, &input.path)).collect();
    for (root, path) in inputs {
        let (Some(root), Some(glob)) = (scene.roots.get(root), PathGlob::new(path)) else { continue };
        let meant = root.look_by(&glob)?;
        if let Some(unseen) = meant.unseen.first() {
            found.cannot(format!("what lies there cannot be seen: {unseen}"));
        }
        let due = |object: &&crate::store::Object| {
            add(object.modified, keep, &TimeZone::UTC).0.saturating_add(WAIT) <= scene.now.0
        };
        for object in meant.objects.iter().filter(|object| glob.matches(object.path.as_bytes())).filter(due) {
            let (severity, why) = match held {
                true => (Severity::Warning, ", which a hold or restriction may keep"),
                false => (Severity::Error, ""),
            };
            let place = root.display(&object.path);
            let spot = AuditSpot { file: Some(&place), since: Some(object.modified), ..AuditSpot::default() };
            found.say_as(severity, spot, format!("a raw export past raw_keep{why}"));
        }
    }
    Ok(())
}
