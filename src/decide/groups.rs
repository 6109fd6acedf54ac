//! Rows of the whole run by their combination of published quasi-identifiers: distinct subjects, rows, and how the
//! values of sensitive fields spread (R36). Gates judge the groups; what they suppress is remembered here. Combinations
//! and values are keyed hashes.

use super::frame::{self, Group};
use super::lists::FirstBytes;
use super::parts::{PARTS, Parts};
use super::spread;
use crate::error::Result;
use crate::gates::{Gate, GroupCount, GroupFate, Spread};
use crate::stage::SpillStore;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

pub(super) type Hashes = HashSet<u64, BuildHasherDefault<FirstBytes>>;

/// Hash of a combination: keyed hashes of the published values in the gate's order, `NULL_QUASI` being a value too.
/// They are unpredictable without the key, so mixing them well is enough.
pub fn combine(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(0x243f_6a88_85a3_08d3, |hash, value| {
        let mut h = (hash.rotate_left(25) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h = (h ^ (h >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        h ^ (h >> 29)
    })
}

/// Rows and distinct subjects of something; rows of one person follow each other.
#[derive(Default)]
struct Count {
    subjects: u32,
    rows: u32,
    last: Option<u32>,
}

impl Count {
    fn see(&mut self, person: u32) {
        self.rows += 1;
        if self.last != Some(person) {
            self.last = Some(person);
            self.subjects += 1;
        }
    }
}

/// Counts of a whole table, taken in pieces that share no person, so that subjects add up. They wait in the spill store, in
/// parts by hash, so that only one part is in memory when they are added. Sweeps count again with it.
pub struct Counter {
    groups: Parts<BYTES>,
    /// Per sensitive field, its values in each group.
    values: Vec<Parts<{ spread::BYTES }>>,
}

const BYTES: usize = 16;

/// What became of the groups that gates have judged.
#[derive(Default)]
pub struct GroupOutcome {
    /// Rows in groups that a gate suppresses.
    pub rows_suppressed: u64,
    /// Rows in groups that fall below what any gate asks for.
    pub rows_below: u64,
    hashes: Hashes,
}

impl Counter {
    /// One that counts combinations, and in each the values of so many sensitive fields.
    pub fn new(sensitive: usize) -> Counter {
        Counter { groups: Parts::default(), values: (0..sensitive).map(|_| Parts::default()).collect() }
    }

    /// Adds rows: person, combination, and the hashes of sensitive values; the persons numbered in order. Persons of two
    /// calls are never the same.
    ///
    /// # Errors
    /// A storage error when the spill refuses.
    pub fn add<'v>(&self, spill_store: &SpillStore, rows: impl Iterator<Item = (u32, u64, &'v [u64])>) -> Result<()> {
        let mut groups: HashMap<u64, Count, BuildHasherDefault<FirstBytes>> = HashMap::default();
        let mut values: Vec<HashMap<(u64, u64), Count>> = self.values.iter().map(|_| HashMap::new()).collect();
        for (person, group, sensitive) in rows {
            groups.entry(group).or_default().see(person);
            for (counts, value) in values.iter_mut().zip(sensitive) {
                counts.entry((group, *value)).or_default().see(person);
            }
        }
        let groups = groups.into_iter().map(|(group, count)| (group, encode(group, &count)));
        self.groups.put(spill_store, groups)?;
        for (counts, parts) in values.into_iter().zip(&self.values) {
            let record =
                |((group, value), count): ((u64, u64), Count)| (group, spread::encode(group, value, count.subjects));
            parts.put(spill_store, counts.into_iter().map(record))?;
        }
        Ok(())
    }

    /// Adds up everything and shows each group to the gates; which groups are suppressed is remembered when `hashes` is
    /// set.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn finish(self, spill_store: &SpillStore, gates: &mut [Gate], hashes: bool) -> Result<GroupOutcome> {
        let mut outcome = GroupOutcome::default();
        for part in 0..PARTS {
            let bytes = self.groups.read(spill_store, part)?;
            let partial: Vec<Group> = bytes.as_chunks::<BYTES>().0.iter().map(decode).collect();
            if partial.is_empty() {
                continue;
            }
            let spreads = self.values.iter().map(|values| Ok(spread::of(&values.read(spill_store, part)?)));
            let spreads: Vec<HashMap<u64, Spread>> = spreads.collect::<Result<_>>()?;
            outcome.add(&frame::groups(&partial)?, &spreads, gates, hashes);
        }
        Ok(outcome)
    }
}

impl GroupOutcome {
    /// Whether the rows of a combination are suppressed; known only when asked for at `finish`.
    pub fn suppresses(&self, group: u64) -> bool {
        self.hashes.contains(&group)
    }

    fn add(&mut self, groups: &[Group], spreads: &[HashMap<u64, Spread>], gates: &mut [Gate], hashes: bool) {
        for group in groups {
            let spreads = spreads.iter().map(|of| of.get(&group.group).copied().unwrap_or_default());
            let count = GroupCount { subjects: group.subjects, rows: group.rows, spreads: spreads.collect() };
            let fate = Gate::judge(gates, &count);
            self.rows_below += if fate == GroupFate::Stays { 0 } else { u64::from(group.rows) };
            if fate == GroupFate::Suppressed {
                self.rows_suppressed += u64::from(group.rows);
                if hashes {
                    self.hashes.insert(group.group);
                }
            }
        }
    }
}

fn encode(group: u64, count: &Count) -> [u8; BYTES] {
    let [a, b, c, d, e, f, g, h] = group.to_le_bytes();
    let ([s0, s1, s2, s3], [r0, r1, r2, r3]) = (count.subjects.to_le_bytes(), count.rows.to_le_bytes());
    [a, b, c, d, e, f, g, h, s0, s1, s2, s3, r0, r1, r2, r3]
}

fn decode(bytes: &[u8; BYTES]) -> Group {
    let [a, b, c, d, e, f, g, h, s0, s1, s2, s3, r0, r1, r2, r3] = *bytes;
    Group {
        group: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        subjects: u32::from_le_bytes([s0, s1, s2, s3]),
        rows: u32::from_le_bytes([r0, r1, r2, r3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{GroupTerms, Share};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn r36_subjects_are_counted_once_per_combination() {
        let rows = [(0, 7), (0, 7), (0, 9), (0, 7), (1, 7), (2, 9), (2, 9), (2, 7), (2, 9)];
        let mut expected: BTreeMap<u64, (BTreeSet<u32>, u32)> = BTreeMap::new();
        for (person, group) in rows {
            let entry = expected.entry(group).or_default();
            entry.0.insert(person);
            entry.1 += 1;
        }
        let mut counted: BTreeMap<u64, Count> = BTreeMap::new();
        rows.into_iter().for_each(|(person, group)| counted.entry(group).or_default().see(person));
        let counted: BTreeMap<u64, (u32, u32)> =
            counted.into_iter().map(|(group, count)| (group, (count.subjects, count.rows))).collect();
        let expected: BTreeMap<u64, (u32, u32)> =
            expected.into_iter().map(|(g, (s, r))| (g, (s.len() as u32, r))).collect();
        assert_eq!(counted, expected);
    }

    #[test]
    fn r36_null_is_a_value_and_places_matter() {
        let all = [vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1], vec![0], vec![1], vec![]];
        let hashes: BTreeSet<u64> = all.iter().map(|v| combine(v.iter().copied())).collect();
        assert_eq!(hashes.len(), all.len());
        let parts: BTreeSet<u64> = (0..400).map(|v| combine([v, 0].into_iter()) >> 59).collect();
        assert_eq!(parts.len(), PARTS, "the first bits spread");
    }

    #[test]
    fn r36_counts_add_up_across_buckets_also_when_sealed() {
        let dir = tempfile::tempdir().expect("a directory");
        for budget in [0, 1 << 20] {
            let spill_store = SpillStore::new(budget, dir.path().to_path_buf(), [3; 32]).expect("a spill_store");
            let counter = Counter::new(0);
            let hash = |v: u64| combine([v].into_iter());
            for bucket in 0..4u32 {
                let values = (0..100u64).filter(|v| *v >= 50 || bucket == 0);
                counter
                    .add(&spill_store, values.zip(0..).flat_map(|(v, person)| [(person, hash(v), &[][..]); 2]))
                    .expect("added");
            }
            let (quasi_identifiers, max_suppressed) = (vec!["city".into()], Share(0));
            let terms = GroupTerms { quasi_identifiers, k: 2, suppress: true, max_suppressed, diversity: None };
            let mut gates = Gate::over_groups(&terms);
            let outcome = counter.finish(&spill_store, &mut gates, true).expect("finished");
            let [Gate::KAnonymity(k)] = &gates[..] else { panic!("one gate") };
            assert_eq!((k.groups, k.groups_below, k.rows_suppressed, k.smallest), (100, 50, 50 * 2, Some(1)));
            assert_eq!((outcome.rows_below, outcome.rows_suppressed), (50 * 2, 50 * 2));
            assert!((0..100).all(|v| outcome.suppresses(hash(v)) == (v < 50)));
        }
    }
}
