//! Every object below the state has a place there by its name: records, companions, stored requests. What else lies there
//! may hold anything, and no request reaches it.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditScene;
use crate::error::{Kind, Result};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "unknown-in-state",
    article: "Art. 5(1)(f), 32 GDPR",
    severity: Severity::Error,
    holds: "Nothing lies in the state that tamis does not write there.",
    fix: "find out who put it there; what holds rows of persons is reached by no request: delete it",
    look: Look::Whole(look),
};

fn look(scene: &AuditScene, found: &mut CheckFound<'_>) -> Result<()> {
    let unknown = match scene.state.unknown(scene.roots.values()) {
        Err(error) if error.kind() == Kind::Evidence => {
            found.say(AuditSpot::default(), error.message());
            return Ok(());
        }
        unknown => unknown?,
    };
    for object in unknown.into_iter().filter(|object| !scene.project.lists_read("state", &object.path)) {
        let place = scene.state.root().display(&object.path);
        let spot = AuditSpot { file: Some(&place), since: Some(object.modified), ..AuditSpot::default() };
        found.say(spot, "a file that tamis does not write");
    }
    Ok(())
}
