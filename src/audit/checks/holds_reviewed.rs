//! A legal hold keeps bytes of persons who may have asked for erasure: somebody asks now and then whether it is needed.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditScene;
use crate::clock::{Instant, Period, add};
use crate::error::Result;
use crate::policy::Effect;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "holds-reviewed",
    article: "Art. 5(1)(e), 17(3)(e) GDPR; R34, R70",
    severity: Severity::Warning,
    holds: "No legal hold is past its day of review. No hold that has neither such a day nor an end is older than a year.",
    fix: "ask whether the claim still needs it; end it by a lift, or give it again under a new id",
    look: Look::Whole(look),
};

const YEAR: Period = Period { months: 12, days: 0, seconds: 0 };

fn look(scene: &AuditScene, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(requests) = found.needed(&scene.requests) else { return Ok(()) };
    let old = |at: &u32| {
        let entry = requests.entry(*at);
        let review = match (entry.review_by, entry.to) {
            (Some(day), _) => day,
            (None, Some(_)) => return false,
            (None, None) => add(entry.received, &YEAR, &TimeZone::UTC),
        };
        entry.effect == Effect::Hold && entry.in_force(scene.now) && review <= scene.now
    };
    let holds: Vec<u32> = (0..requests.len() as u32).filter(old).collect();
    let mut told: BTreeMap<String, Instant> = BTreeMap::new();
    requests.told(scene.state.root(), &|at| holds.contains(&at), &mut |at, record| {
        told.insert(record.request.to_owned(), requests.entry(at).received);
        Ok(())
    })?;
    for (request, received) in told {
        found.say(
            AuditSpot { since: Some(received), ..AuditSpot::default() },
            format!("hold {request} is to be reviewed"),
        );
    }
    Ok(())
}
