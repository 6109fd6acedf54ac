//! The recipient's contract and transfer have been looked at in time (`review_by`).

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::Result;
use jiff::{Span, tz::TimeZone};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "recipient-review",
    article: "Art. 28, 44 GDPR",
    severity: Severity::Error,
    holds: "No recipient of a dataset is past its `review_by`. From 30 days before that day on, the check warns.",
    fix: "look at contract and transfer again, then write the next day into `review_by`",
    look: Look::Table(look),
};

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let today = TimeZone::UTC.to_datetime(table.scene.now.timestamp()).date();
    let register = &table.scene.register;
    let of_purpose = register.purposes.get(&table.manifest.purpose).map(|purpose| purpose.recipients.as_slice());
    let named = table.manifest.recipient.as_ref().map(std::slice::from_ref).or(of_purpose).unwrap_or_default();
    for name in named {
        let Some(by) = register.recipients.get(name).and_then(|facts| facts.review_by) else { continue };
        if by < today {
            found.say(AuditSpot::default(), format!("recipient {name} was to be reviewed by {by}"));
        } else if today.checked_add(Span::new().days(30)).is_ok_and(|soon| by < soon) {
            found.say_as(
                Severity::Warning,
                AuditSpot::default(),
                format!("recipient {name} is to be reviewed by {by}"),
            );
        }
    }
    Ok(())
}
