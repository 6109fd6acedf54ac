//! Request files hold raw values: they go once they have been taken in, and nobody but people can remove them.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditScene;
use crate::clock::add;
use crate::error::Result;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "request-files-gone",
    article: "Art. 5(1)(e), (f) GDPR",
    severity: Severity::Warning,
    holds: "No request file is still there when the time for a request (`due`) has passed since tamis took it in. Snapshots and lists over exports are left out.",
    fix: "delete the file: its requests are stored, and stay in force",
    look: Look::Whole(look),
};

fn look(scene: &AuditScene, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(requests) = found.needed(&scene.requests) else { return Ok(()) };
    for list in
        scene.project.lists.values().filter(|list| !list.snapshot && list.when.is_none() && list.member.is_none())
    {
        let Some(root) = scene.roots.get(&list.input.root) else { continue };
        for (object, taken) in requests.taken_files(&list.name) {
            let old = add(taken, &scene.project.removal.due, &list.zone) <= scene.now;
            let path = object.split_once(':').map_or(object, |(_, path)| path);
            if old && root.head(path)?.is_some() {
                let what = format!("a file of list {} that was taken in long ago", list.name);
                found.say(AuditSpot { file: Some(object), since: Some(taken), ..AuditSpot::default() }, what);
            }
        }
    }
    Ok(())
}
