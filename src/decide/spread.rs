//! R41: how the values of a sensitive field spread over the subjects of each group. A subject counts once with each of
//! its values. Values are keyed hashes.

use crate::gates::Spread;
use std::collections::HashMap;

/// Bytes of a record: group 8, value 8, subjects 4.
pub(super) const BYTES: usize = 20;

/// Returns the record of a value in a group.
pub(super) fn encode(group: u64, value: u64, subjects: u32) -> [u8; BYTES] {
    let mut record = [0; BYTES];
    record[..8].copy_from_slice(&group.to_le_bytes());
    record[8..16].copy_from_slice(&value.to_le_bytes());
    record[16..].copy_from_slice(&subjects.to_le_bytes());
    record
}

fn decode(record: &[u8; BYTES]) -> (u64, u64, u32) {
    let word = |at: usize| record[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    (word(0), word(8), record[16..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word)))
}

/// Adds up the records of whole groups.
pub(super) fn of(records: &[u8]) -> HashMap<u64, Spread> {
    let mut records: Vec<(u64, u64, u32)> = records.as_chunks().0.iter().map(decode).collect();
    records.sort_unstable();
    let count = |values: &[(u64, u64, u32)]| values.iter().map(|(.., subjects)| u64::from(*subjects)).sum::<u64>();
    let spread = |group: &[(u64, u64, u32)]| {
        let counts = group.chunk_by(|a, b| a.1 == b.1).map(count);
        (group[0].0, spread(&counts.collect::<Vec<_>>()))
    };
    records.chunk_by(|a, b| a.0 == b.0).map(spread).collect()
}

/// Of the subjects of each value: `H = -Σ p ln p = ln n - (Σ c ln c) / n`.
fn spread(counts: &[u64]) -> Spread {
    let all = counts.iter().sum::<u64>() as f64;
    let within: f64 = counts.iter().map(|count| *count as f64).map(|count| count * count.ln()).sum();
    Spread { values: u32::try_from(counts.len()).unwrap_or(u32::MAX), entropy: all.ln() - within / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r41_values_of_one_group_add_up_over_buckets() {
        let of_two = [encode(7, 1, 2), encode(9, 1, 4), encode(7, 5, 1), encode(7, 1, 1), encode(7, 0, 3)].concat();
        let spreads = of(&of_two);
        assert_eq!(spreads.len(), 2);
        assert_eq!(spreads[&9], Spread { values: 1, entropy: 0.0 });
        let of_seven: f64 = [3.0f64, 1.0, 3.0].iter().map(|c| -c / 7.0 * (c / 7.0).ln()).sum();
        assert_eq!(spreads[&7].values, 3, "null is a value");
        assert!((spreads[&7].entropy - of_seven).abs() < 1e-12);
    }
}
