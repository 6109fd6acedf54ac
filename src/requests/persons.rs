//! Whether requests under one id are of one person (R54). Ids are given by people, and one may be given twice: a lift
//! would then end what nobody meant.

use super::entry::{Requests, StoredBond};
use crate::policy::Effect;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is known of whom some requests are about.
#[derive(Default)]
pub(super) struct KnownValues {
    /// By entry: values with a normal form that it names, or that strong links have led to.
    sure: HashMap<u32, BTreeSet<[u8; 16]>>,
    /// By entry: all that it names.
    named: HashMap<u32, BTreeSet<[u8; 16]>>,
}

/// Of whom nothing is known.
static NOTHING: BTreeSet<[u8; 16]> = BTreeSet::new();

impl Requests {
    /// Gathers what is known of whom these entries are about.
    pub(super) fn values_of(&self, entries: impl IntoIterator<Item = u32>) -> KnownValues {
        let sure: HashMap<u32, BTreeSet<[u8; 16]>> = entries.into_iter().map(|at| (at, BTreeSet::new())).collect();
        let mut known = KnownValues { named: sure.clone(), sure };
        if known.sure.is_empty() {
            return known;
        }
        for found in self.table.iter().filter(|found| found.bond() != StoredBond::ViaWeak) {
            if let Some(values) = known.sure.get_mut(&found.entry()).filter(|_| !found.raw()) {
                values.insert(found.prefix);
            }
            let named = found.bond() == StoredBond::Named;
            if let Some(values) = known.named.get_mut(&found.entry()).filter(|_| named) {
                values.insert(found.prefix);
            }
        }
        known
    }

    /// Returns an entry of each request id under which requests are stored of several persons, as far as is known.
    pub fn of_several_persons(&self) -> Vec<u32> {
        let asks = |at: &u32| {
            let entry = self.entry(*at);
            !entry.ended && !matches!(entry.effect, Effect::Lift | Effect::Consent)
        };
        let mut by_id: Vec<(u64, u32)> =
            (0..self.len() as u32).filter(asks).map(|at| (self.requests[at as usize], at)).collect();
        by_id.sort_unstable();
        let shared: Vec<&[(u64, u32)]> = by_id.chunk_by(|a, b| a.0 == b.0).filter(|of| of.len() > 1).collect();
        let known = self.values_of(shared.iter().flat_map(|of| of.iter().map(|(_, at)| *at)));
        let several = |of: &&&[(u64, u32)]| !known.of_one_person(&of.iter().map(|(_, at)| *at).collect::<Vec<_>>());
        shared.iter().filter(several).map(|of| of[0].1).collect()
    }

    /// Whether all that is stored under a request id is of one person, as far as is known.
    pub fn is_of_one_person(&self, request: &str) -> bool {
        let asks = |at: &u32| !matches!(self.entry(*at).effect, Effect::Lift | Effect::Consent);
        let entries: Vec<u32> = self.of_request(request).into_iter().filter(asks).collect();
        self.values_of(entries.iter().copied()).of_one_person(&entries)
    }
}

impl KnownValues {
    /// Returns all that an entry names.
    pub(super) fn named(&self, entry: u32) -> &BTreeSet<[u8; 16]> {
        self.named.get(&entry).unwrap_or(&NOTHING)
    }

    /// Whether entries are of one person: each is tied to the others by a value that they share. A raw form ties nobody, and
    /// a weak link may lead to somebody else, but what names exactly the same is the same.
    pub(super) fn of_one_person(&self, entries: &[u32]) -> bool {
        let mut groups: BTreeMap<u32, u32> = entries.iter().map(|at| (*at, *at)).collect();
        let mut unite = |one: u32, other: u32| {
            let (from, to) = (groups[&one], groups[&other]);
            groups.values_mut().filter(|group| **group == from).for_each(|group| *group = to);
        };
        let (mut by_value, mut by_all) = (BTreeMap::new(), BTreeMap::new());
        for at in entries {
            for value in self.sure.get(at).unwrap_or(&NOTHING) {
                unite(*at, *by_value.entry(*value).or_insert(*at));
            }
            unite(*at, *by_all.entry(self.named(*at)).or_insert(*at));
        }
        groups.values().collect::<BTreeSet<_>>().len() <= 1
    }
}
