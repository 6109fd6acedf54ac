//! Requests that keep bytes from being removed for good: legal holds (R34, R70), and restrictions of persons who oppose
//! erasure or need their data (R69).

use super::entry::{Entry, Requests, StoredBond};
use crate::clock::Instant;
use crate::policy::Effect;
use std::collections::{BTreeMap, BTreeSet};

impl Entry<'_> {
    /// Whether it has an effect at an instant: what was ended has none (R30), nor has a hold that is over (R70). Consents
    /// are judged apart (R32).
    pub fn in_force(&self, at: Instant) -> bool {
        let over = self.effect == Effect::Hold && self.to.is_some_and(|until| until <= at);
        !self.ended && !over
    }

    /// Whether bytes with the person's rows are not removed on its account, as long as it is in force.
    pub fn keeps_bytes(&self) -> bool {
        match self.effect {
            Effect::Hold => true,
            Effect::Restrict => self.ground.is_some_and(|ground| ground.keeps_bytes()),
            _ => false,
        }
    }
}

impl Requests {
    /// Returns the entries in force at an instant that keep bytes.
    pub fn keepers(&self, at: Instant) -> Vec<u32> {
        let keeping: BTreeSet<u32> = (0..).zip(&self.terms).filter(|(_, of)| may_keep(of.1)).map(|(n, _)| n).collect();
        if keeping.is_empty() {
            return Vec::new();
        }
        let all = (0..).zip(&self.terms_of).filter(|(_, terms)| keeping.contains(terms)).map(|(entry, _)| entry);
        all.filter(|entry| {
            let entry = self.entry(*entry);
            entry.keeps_bytes() && entry.in_force(at)
        })
        .collect()
    }

    /// Whether bytes of a purpose's datasets may have to be kept.
    pub fn keeps_bytes_of(&self, purpose: &str, at: Instant) -> bool {
        self.keepers(at).into_iter().any(|entry| self.entry(entry).concerns(purpose))
    }

    /// Whether raw exports have to be kept: by a hold, or by a restriction all of whose values no later erasure names, so
    /// that nobody can say that the same person has asked for it (R69).
    pub fn keeps_raw(&self, at: Instant) -> bool {
        let keepers = self.keepers(at);
        let held = keepers.iter().any(|entry| self.entry(*entry).effect == Effect::Hold);
        held || keepers.len() > self.erased_since(&keepers)
    }

    /// Returns how many of these entries a later erasure of everything has overtaken that names all of their values.
    fn erased_since(&self, keepers: &[u32]) -> usize {
        let mut named: BTreeMap<u32, Vec<[u8; 16]>> = keepers.iter().map(|entry| (*entry, Vec::new())).collect();
        if named.is_empty() {
            return 0;
        }
        for found in self.table.iter().filter(|found| found.bond() == StoredBond::Named) {
            named.entry(found.entry()).and_modify(|values| values.push(found.prefix));
        }
        let overtaken = |(keeper, values): &(&u32, &Vec<[u8; 16]>)| {
            let mut common: Option<BTreeSet<u32>> = None;
            for value in *values {
                let erasers = self.erasers(value, self.entry(**keeper).received);
                common = Some(match common {
                    None => erasers,
                    Some(common) => common.intersection(&erasers).copied().collect(),
                });
            }
            common.is_some_and(|erasers| !erasers.is_empty())
        };
        named.iter().filter(overtaken).count()
    }

    /// Returns the erasures of every purpose that know a value, not by a weak link, and were received since.
    fn erasers(&self, value: &[u8; 16], since: Instant) -> BTreeSet<u32> {
        let known = self.effects(value).iter().filter(|found| found.bond() != StoredBond::ViaWeak);
        let erases = |entry: &u32| {
            let entry = self.entry(*entry);
            entry.effect == Effect::Erase && !entry.ended && entry.purposes.is_none() && entry.received >= since
        };
        known.map(|found| found.entry()).filter(erases).collect()
    }
}

fn may_keep(effect: Effect) -> bool {
    matches!(effect, Effect::Hold | Effect::Restrict)
}
