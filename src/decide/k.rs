//! R36: distinct subjects per combination of published quasi-identifiers, over the whole run, and what falls below k.
//! Combinations are hashes of keyed hashes. Must not know values or fields.

use super::frame::{self, Group};
use super::lists::FirstBytes;
use crate::error::Result;
use crate::stage::{Slot, Vault};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Mutex;

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

/// Counts rows and distinct subjects per combination; rows of one person follow each other.
fn count(rows: impl Iterator<Item = (u32, u64)>) -> impl Iterator<Item = Group> {
    let mut counts: HashMap<u64, Count, BuildHasherDefault<FirstBytes>> = HashMap::default();
    for (person, group) in rows {
        let count = counts.entry(group).or_default();
        count.rows += 1;
        // Rows of a person follow each other.
        if count.last != Some(person) {
            count.last = Some(person);
            count.subjects += 1;
        }
    }
    counts.into_iter().map(|(group, count)| Group { group, subjects: count.subjects, rows: count.rows })
}

#[derive(Default)]
struct Count {
    subjects: u32,
    rows: u32,
    last: Option<u32>,
}

const PARTS: usize = 32;
const BYTES: usize = 16;

/// Counts of a whole table, taken in pieces that share no person, so that subjects add up. They wait in the vault, in
/// parts by hash, so that only one part is in memory when they are added. Sweeps count again with it.
#[derive(Default)]
pub struct Counter {
    parts: [Mutex<Vec<Slot>>; PARTS],
}

/// What the counts say.
#[derive(Default)]
pub struct Outcome {
    /// Combinations.
    pub groups: u64,
    /// Combinations below k.
    pub groups_below: u64,
    /// Rows in them.
    pub rows_below: u64,
    /// Subjects of the smallest combination; none without rows.
    pub smallest: Option<u32>,
    hashes: Hashes,
}

impl Counter {
    /// Adds rows: person and combination, the persons numbered in order. Persons of two calls are never the same.
    ///
    /// # Errors
    /// A storage error when the spill refuses.
    pub fn add(&self, vault: &Vault, rows: impl Iterator<Item = (u32, u64)>) -> Result<()> {
        let mut parts: [Vec<u8>; PARTS] = Default::default();
        for group in count(rows) {
            let part = &mut parts[(group.group >> 59) as usize];
            part.extend_from_slice(&group.group.to_le_bytes());
            part.extend_from_slice(&group.subjects.to_le_bytes());
            part.extend_from_slice(&group.rows.to_le_bytes());
        }
        for (mut bytes, slots) in parts.into_iter().zip(&self.parts) {
            if !bytes.is_empty() {
                let slot = vault.put(&mut bytes)?;
                slots.lock().unwrap_or_else(|p| p.into_inner()).push(slot);
            }
        }
        Ok(())
    }

    /// Adds up everything; which groups are below k is remembered when `hashes` is set.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn finish(self, vault: &Vault, k: u32, hashes: bool) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for slots in self.parts {
            let mut bytes = Vec::new();
            for slot in slots.into_inner().unwrap_or_else(|p| p.into_inner()) {
                vault.read(&slot, &mut bytes)?;
            }
            let partial: Vec<Group> = bytes.as_chunks::<BYTES>().0.iter().map(decode).collect();
            if !partial.is_empty() {
                outcome.add(&frame::groups(&partial)?, k, hashes);
            }
        }
        Ok(outcome)
    }
}

impl Outcome {
    /// Whether a combination is below k; known only when asked for at `finish`.
    pub fn below(&self, group: u64) -> bool {
        self.hashes.contains(&group)
    }

    fn add(&mut self, groups: &[Group], k: u32, hashes: bool) {
        for group in groups {
            self.groups += 1;
            self.smallest = Some(self.smallest.map_or(group.subjects, |s| s.min(group.subjects)));
            if group.subjects < k {
                self.groups_below += 1;
                self.rows_below += u64::from(group.rows);
                if hashes {
                    self.hashes.insert(group.group);
                }
            }
        }
    }
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
        let counted = count(rows.into_iter());
        let counted: BTreeMap<u64, (u32, u32)> = counted.map(|g| (g.group, (g.subjects, g.rows))).collect();
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
            let vault = Vault::new(budget, dir.path().to_path_buf(), [3; 32]).expect("a vault");
            let counter = Counter::default();
            let hash = |v: u64| combine([v].into_iter());
            for bucket in 0..4u32 {
                let values = (0..100u64).filter(|v| *v >= 50 || bucket == 0);
                counter.add(&vault, values.zip(0..).flat_map(|(v, person)| [(person, hash(v)); 2])).expect("added");
            }
            let outcome = counter.finish(&vault, 2, true).expect("finished");
            assert_eq!((outcome.groups, outcome.groups_below, outcome.rows_below), (100, 50, 50 * 2));
            assert_eq!(outcome.smallest, Some(1));
            assert!((0..100).all(|v| outcome.below(hash(v)) == (v < 50)));
        }
    }
}
