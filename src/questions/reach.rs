//! Whom an erasure of some values would reach: the values followed over published rows as a request would be, and
//! nothing stored. Must not know requests, nor where values were typed.

use crate::decide::{self, Belongs, Bond, Doubt, EffectSet, Follows, LinkLimits};
use crate::error::Result;
use crate::job::CompanionFiles;
use crate::monitor::Monitor;
use crate::policy::Effect;
use crate::publish::Companions;
use crate::requests::half;
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet};

/// Rows that an erasure of the values would take out of one dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reach {
    /// Rows that are reached in any way.
    pub rows: u64,
    /// Distinct subjects of those rows.
    pub subjects: u64,
    /// Of the rows, those that only strong links lead to (R13).
    pub by_strong_links: u64,
    /// Of the rows, those that only a weak value leads to (R14).
    pub by_weak_values: u64,
    /// Why a person would have to look, and links are not followed to their end.
    pub review: Option<&'static str>,
}

/// The values and what they lead to, as if they were a request.
struct Person(BTreeMap<[u8; 16], (Bond, bool)>);

impl decide::Known for Person {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn knows(&self, identity: &[u8; 16]) -> bool {
        self.0.contains_key(identity)
    }

    fn bonds(&self, identity: &[u8; 16], each: &mut dyn FnMut(Belongs)) {
        if let Some((bond, raw)) = self.0.get(identity) {
            each(Belongs { entry: 0, bond: *bond, follows: Follows::of(*raw) });
        }
    }

    fn effects(&self, _: u32) -> EffectSet {
        EffectSet::of(Effect::Erase)
    }
}

/// What the values, each with whether it is a raw form, reach in each dataset, which is given by the companions of its
/// current version. What one dataset shows is followed in the others too, as sweeps do one after the other.
///
/// # Errors
/// Evidence and storage errors of companions; why the monitor ends the work.
pub fn of_values(
    state: &Root,
    values: &[([u8; 32], bool)],
    datasets: &[Vec<String>],
    limits: LinkLimits,
    monitor: &dyn Monitor,
) -> Result<Vec<Reach>> {
    let mut person = Person(values.iter().map(|(identity, raw)| (*half(identity), (Bond::Named, *raw))).collect());
    let mut doubts = vec![None; datasets.len()];
    loop {
        let known = person.0.len();
        for (paths, doubt) in datasets.iter().zip(&mut doubts) {
            let companions = CompanionFiles::open(state, paths.clone())?;
            let links = decide::follow(&companions, &person, limits, 1, monitor)?;
            *doubt = links.reached.first().and_then(|reached| reached.doubt);
            for new in &links.learned {
                let (bond, _) = person.0.entry(new.identity).or_insert((new.bond, false));
                *bond = (*bond).min(new.bond);
            }
        }
        if person.0.len() == known {
            break;
        }
    }
    datasets.iter().zip(doubts).map(|(paths, doubt)| reached(state, paths, &person, doubt)).collect()
}

fn reached(state: &Root, paths: &[String], person: &Person, doubt: Option<Doubt>) -> Result<Reach> {
    let mut reach = Reach { review: doubt.map(why), ..Reach::default() };
    let mut subjects = BTreeSet::new();
    for path in paths {
        let mut companions = Companions::open_identities(state, path)?;
        while let Some(group) = companions.next_group()? {
            for row in 0..group.rows() {
                let carried = (0..group.identities()).filter_map(|slot| group.identity(row, slot));
                let bonds = carried.filter_map(|identity| Some(person.0.get(identity)?.0));
                let Some(bond) = bonds.min() else { continue };
                reach.rows += 1;
                reach.by_strong_links += u64::from(bond == Bond::Strong);
                reach.by_weak_values += u64::from(bond == Bond::ViaWeak);
                subjects.insert(*group.person(row));
            }
        }
    }
    reach.subjects = subjects.len() as u64;
    Ok(reach)
}

fn why(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::SharedAlias => "a value is shared by too many persons and links nobody (R15)",
        Doubt::TooMany => "links lead to too many persons and are not followed (R13)",
    }
}
