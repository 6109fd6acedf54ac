//! Recipients that had data of the person, as notices to them say it (Art. 15(1)(c) and 19 GDPR): the only trace once
//! the person's rows are gone.

use super::person::{Asker, Certainty};
use super::report::{AccessRecipient, FormerRecipient};
use crate::error::Result;
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::job::Desk;
use crate::state::{NoticeItem, bytes_of};
use std::collections::BTreeSet;

/// Returns who was told of the person, or of one of the person's `entries`: what notices say once tokens have gone from them.
///
/// # Errors
/// Evidence and storage errors of notices.
pub(super) fn former(
    desk: &Desk,
    ledger: &[LedgerEntry],
    asker: &Asker,
    entries: &BTreeSet<String>,
) -> Result<Vec<FormerRecipient>> {
    let noticed = |entry: &LedgerEntry| match &entry.event {
        LedgerEvent::RecipientNoticed { recipient, .. } => Some(recipient.clone()),
        _ => None,
    };
    let names: BTreeSet<String> = ledger.iter().filter_map(noticed).collect();
    let theirs = |item: &&NoticeItem| match bytes_of(&item.person) {
        Some(person) => asker.knows_of(&person) == Some(Certainty::Sure),
        None => entries.contains(&item.entry),
    };
    let mut found = BTreeSet::new();
    for name in names {
        for notice in desk.state.notices(&name, ledger)? {
            found.extend(notice.items.iter().filter(theirs).map(|item| FormerRecipient {
                recipient: AccessRecipient::of(&name, desk.register.recipients.get(&name)),
                dataset: notice.dataset.clone(),
                last_version: item.last_version,
                effect: item.effect.clone(),
                noticed: notice.at,
            }));
        }
    }
    Ok(found.into_iter().collect())
}
