//! Whom an erasure of some values would reach: the values followed over published rows as a request would be, and
//! nothing stored.

use crate::decide::{self, Belongs, Bond, Doubt, EffectSet, Follows, LinkLimits, mark};
use crate::error::Result;
use crate::job::CompanionFiles;
use crate::monitor::Monitor;
use crate::policy::Effect;
use crate::publish::{CompanionGroup, Companions};
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
    /// Rows that stay, and lose the cells that are about the person as another one than the row's own (R68).
    pub as_other: u64,
    /// Which columns lead to them, and how; a row that several lead to counts under each.
    pub links: Vec<LinkTo>,
    /// Why a person would have to look, and links are not followed to their end.
    pub review: Option<&'static str>,
}

/// A column whose values lead to rows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LinkTo {
    /// The column of the source; none where the job is gone or its columns have changed since.
    pub column: Option<String>,
    /// What it is there: `key`, `strong` or `weak`.
    pub role: &'static str,
    /// How its values came to belong to the person.
    pub bond: LinkBond,
    /// Rows that have such a value in it.
    pub rows: u64,
}

/// How a value came to belong to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkBond {
    /// The value itself was given.
    Given,
    /// Strong links lead to it (R13).
    Strong,
    /// A weak value leads to its subject (R14).
    ViaWeak,
}

impl LinkBond {
    fn of(bond: Bond) -> LinkBond {
        match bond {
            Bond::Named => LinkBond::Given,
            Bond::Strong => LinkBond::Strong,
            Bond::ViaWeak => LinkBond::ViaWeak,
        }
    }
}

/// One dataset that is asked: the companions of its version, and the columns of their slots as far as they are known.
pub struct FollowedDataset {
    /// Paths of the companions that are asked.
    pub companions: Vec<String>,
    /// Names of columns, slot by slot.
    pub columns: Vec<String>,
}

/// The values and what they lead to, as if they were a request.
struct Person(BTreeMap<[u8; 16], (Bond, bool)>);

impl Person {
    /// The nearest bond of a row's identities; none when none is the person's.
    fn bond(&self, group: &CompanionGroup, row: usize) -> Option<Bond> {
        let carried = (0..group.identities()).filter_map(|slot| group.identity(row, slot));
        carried.filter_map(|identity| Some(self.0.get(identity)?.0)).min()
    }
}

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
    datasets: &[FollowedDataset],
    limits: LinkLimits,
    monitor: &dyn Monitor,
) -> Result<Vec<Reach>> {
    let mut person = Person(values.iter().map(|(identity, raw)| (*half(identity), (Bond::Named, *raw))).collect());
    let mut doubts = vec![None; datasets.len()];
    loop {
        let known = person.0.len();
        for (asked, doubt) in datasets.iter().zip(&mut doubts) {
            let companions = CompanionFiles::open(state, asked.companions.clone())?;
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
    let mut weak = BTreeSet::new();
    for of in datasets {
        each_row(state, of, &mut |group, row| {
            // The weak values of rows that strong links reach are what leads on (R14).
            if person.bond(group, row).is_some_and(|bond| bond < Bond::ViaWeak) {
                let slots = (0..group.identities()).filter(|slot| group.mark(row, *slot) == mark::WEAK);
                weak.extend(slots.filter_map(|slot| group.identity(row, slot)).copied());
            }
        })?;
    }
    datasets.iter().zip(doubts).map(|(of, doubt)| reached(state, of, (&person, &weak), doubt)).collect()
}

/// Calls `each` with every row of a dataset's version.
fn each_row(state: &Root, of: &FollowedDataset, each: &mut dyn FnMut(&CompanionGroup, usize)) -> Result<()> {
    for path in &of.companions {
        let mut companions = Companions::open_identities(state, path)?;
        while let Some(group) = companions.next_group()? {
            (0..group.rows()).for_each(|row| each(&group, row));
        }
    }
    Ok(())
}

fn reached(
    state: &Root,
    of: &FollowedDataset,
    (person, weak): (&Person, &BTreeSet<[u8; 16]>),
    doubt: Option<Doubt>,
) -> Result<Reach> {
    let mut reach = Reach { review: doubt.map(why), ..Reach::default() };
    let (mut subjects, mut links) = (BTreeSet::new(), BTreeMap::new());
    each_row(state, of, &mut |group, row| {
        let other = group.others(row).any(|(_, identity)| person.0.contains_key(identity));
        let Some(bond) = person.bond(group, row) else {
            reach.as_other += u64::from(other);
            return;
        };
        reach.rows += 1;
        reach.by_strong_links += u64::from(bond == Bond::Strong);
        reach.by_weak_values += u64::from(bond == Bond::ViaWeak);
        subjects.insert(*group.person(row));
        let leads = |slot: &usize| {
            group.identity(row, *slot).is_some_and(|identity| match person.0.get(identity) {
                Some((known, _)) => *known == bond,
                None => bond == Bond::ViaWeak && group.mark(row, *slot) == mark::WEAK && weak.contains(identity),
            })
        };
        let mut slots: Vec<usize> = (0..group.identities()).filter(leads).collect();
        // Whom a weak value leads to is known by the key as well: that says nothing of the way.
        if bond == Bond::ViaWeak && slots.len() > 1 {
            slots.retain(|slot| group.mark(row, *slot) & !mark::RAW != mark::KEY);
        }
        let way = |slot: usize| {
            let column = of.columns.get(slot).filter(|_| of.columns.len() == group.identities());
            (LinkBond::of(bond), role(group.mark(row, slot)), column.cloned())
        };
        // A cell of several values is one way to the row.
        let ways: BTreeSet<_> = slots.into_iter().map(way).collect();
        ways.into_iter().for_each(|way| *links.entry(way).or_insert(0) += 1);
    })?;
    reach.subjects = subjects.len() as u64;
    let told = |((bond, role, column), rows)| LinkTo { column, role, bond, rows };
    reach.links = links.into_iter().map(told).collect();
    Ok(reach)
}

fn role(mark: u8) -> &'static str {
    match mark & !mark::RAW {
        mark::KEY => "key",
        mark::STRONG => "strong",
        _ => "weak",
    }
}

fn why(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::SharedAlias => "a value is shared by too many persons and links nobody (R15)",
        Doubt::TooMany => "links lead to too many persons and are not followed (R13)",
        Doubt::BrokenLink => "a value that was never theirs led it to somebody (R82)",
    }
}
