//! Whom to notify of a breach (Art. 34 GDPR): people in files that somebody could read, with what the newest export
//! that is still kept has of them. Raw values go to who asks, and nowhere else.

use super::super::access::{ExportSearch, PublishedPast, Right, ShownValues};
use super::{BreachFound, BreachScene, KeptBreach};
use crate::error::Result;
use crate::evidence::LedgerEvent;
use crate::job::{Desk, SubjectCall, note};
use crate::monitor::Monitor;
use crate::policy::Category;
use std::collections::BTreeMap;

/// Whom to notify.
pub struct BreachSubjects {
    /// One for each person, by their key; the newest record that was found.
    pub people: Vec<ShownValues>,
    /// People of whom no export that is kept has a record.
    pub not_found: u64,
    /// People that were looked for.
    pub wanted: u64,
    /// Objects that were searched.
    pub objects: u64,
    /// Objects that could not be searched to their end, and corrections that could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// Finds the people of a breach that was noted, in the exports that are still kept. That it was asked is in the ledger.
///
/// # Errors
/// A policy error when there is no such breach; evidence and storage errors.
pub fn subjects(call: &SubjectCall, number: u64, monitor: &dyn Monitor) -> Result<BreachSubjects> {
    let desk = Desk::open(call)?;
    let kept = KeptBreach::read(&desk.state, number)?;
    note(&desk, call, "breach-subjects", LedgerEvent::Asked { command: format!("breach subjects {number}") })?;
    let Desk { project, register, roots, state, .. } = &desk;
    let scene = BreachScene { project, register, roots, state };
    let ledger = state.ledger().entries()?;
    let found = BreachFound::of(&scene, &ledger, &kept.asked, kept.aware)?;
    let past = PublishedPast::read(state, &ledger)?;
    let mut exports = ExportSearch::list(&desk, &past, Right::Access, call.now)?;
    let mut people: BTreeMap<[u8; 16], ShownValues> = BTreeMap::new();
    let wanted = |person: &[u8; 16]| found.people.binary_search(person).is_ok();
    exports.each_record(&wanted, monitor, &mut |person, source, mut values| {
        let facts = register.sources.get(source);
        let told = |name: &String| {
            let category = facts.and_then(|facts| facts.columns.get(name)).map(|column| column.category);
            let theirs = matches!(category, Some(Category::Identity | Category::Contact));
            theirs && !facts.is_some_and(|facts| facts.may_name_others(name))
        };
        values.retain(|name, _| told(name));
        people.insert(person, values);
    })?;
    let wanted = found.people.len() as u64;
    Ok(BreachSubjects {
        not_found: wanted - people.len() as u64,
        wanted,
        objects: exports.objects_count(),
        unreadable: exports.unreadable.iter().cloned().collect(),
        people: people.into_values().collect(),
    })
}
