//! Keyed hashes of quasi-identifiers (R40). Few values make groups of k, so hashes are remembered by value.

use super::rows::NULL_QUASI;
use super::simd::hash_column;

/// Hashes remembered; a power of two.
const REMEMBERED: usize = 1024;
/// Bytes of the longest value whose hash is remembered: its length comes after it.
const LONGEST: usize = 23;

/// A short value as three words, its length + 1 in the last byte, so that none is all zeros.
#[derive(Clone, Copy)]
struct Short(u64, u64, u64);

/// Hashes columns under one key.
pub struct QuasiIdentifierHasher {
    known: Vec<(Short, u64)>,
    /// Values of a column whose hashes are not known, and the rows they are in.
    values: Vec<u8>,
    ends: Vec<u32>,
    rows: Vec<u32>,
    hashes: Vec<[u8; 32]>,
}

impl QuasiIdentifierHasher {
    /// One that knows nothing.
    pub fn new() -> QuasiIdentifierHasher {
        QuasiIdentifierHasher {
            known: vec![(Short(0, 0, 0), NULL_QUASI); REMEMBERED],
            values: Vec::new(),
            ends: Vec::new(),
            rows: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// Writes the hash of the value of every row, `NULL_QUASI` where it is not valid. Row `r`'s value ends at `ends[r]`.
    /// The key must always be the same.
    pub fn hash(&mut self, key: &[u8; 32], bytes: &[u8], ends: &[u32], valid: &[bool], out: &mut [u64]) {
        self.values.clear();
        self.ends.clear();
        self.rows.clear();
        let mut start = 0;
        for (row, (end, valid)) in ends.iter().zip(valid).enumerate() {
            let from = std::mem::replace(&mut start, *end as usize);
            out[row] = NULL_QUASI;
            if *valid && !self.recall(bytes, from, start, &mut out[row]) {
                self.values.extend_from_slice(&bytes[from..start]);
                self.ends.push(self.values.len() as u32);
                self.rows.push(row as u32);
            }
        }
        hash_column(key, &self.values, &self.ends, &mut self.hashes);
        start = 0;
        for ((row, end), hash) in self.rows.iter().zip(&self.ends).zip(&self.hashes) {
            let from = std::mem::replace(&mut start, *end as usize);
            let hash = hash.first_chunk().map_or(0, |first| u64::from_le_bytes(*first)).max(1);
            out[*row as usize] = hash;
            if let Some(value) = short(&self.values, from, start) {
                self.known[slot(&value)] = (value, hash);
            }
        }
    }

    #[inline]
    fn recall(&self, bytes: &[u8], from: usize, to: usize, out: &mut u64) -> bool {
        let Some(value) = short(bytes, from, to) else { return false };
        let (known, hash) = &self.known[slot(&value)];
        let same = (known.0 ^ value.0) | (known.1 ^ value.1) | (known.2 ^ value.2) == 0;
        if same {
            *out = *hash;
        }
        same
    }
}

/// A window of 24 bytes at `24 - n` keeps the first `n` bytes of a value.
const KEEP: [u8; 48] = {
    let mut bytes = [0; 48];
    let mut at = 0;
    while at < 24 {
        bytes[at] = 0xff;
        at += 1;
    }
    bytes
};

#[inline]
fn short(bytes: &[u8], from: usize, to: usize) -> Option<Short> {
    let length = to - from;
    if length > LONGEST {
        return None;
    }
    let mut copy = [0; 24];
    let window = bytes[from..].first_chunk().unwrap_or_else(|| {
        copy[..length].copy_from_slice(&bytes[from..to]);
        &copy
    });
    let word = |of: &[u8], at: usize| of[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    let kept = |at: usize| word(window, at) & word(&KEEP, 24 - length + at);
    Some(Short(kept(0), kept(8), kept(16) | (length as u64 + 1) << 56))
}

#[inline]
fn slot(value: &Short) -> usize {
    // Odd numbers without pattern; the high bits of the product depend on all of the words.
    let Short(a, b, c) = *value;
    let mixed = (a ^ b.rotate_left(23) ^ c.rotate_left(46)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (u64::BITS - REMEMBERED.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(value: &[u8]) -> u64 {
        let hash = blake3::keyed_hash(&[3; 32], value);
        u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("8 bytes"))
    }

    #[test]
    fn r40_remembered_hashes_are_those_of_the_values() {
        let mut hasher = QuasiIdentifierHasher::new();
        for round in 0..3 {
            let (mut bytes, mut ends, mut valid, mut wanted) = (vec![], vec![], vec![], vec![]);
            for n in 0..3_000usize {
                let value = format!("{}{}", n % 1500 / 2 * (round % 2 + 1), "\0z".repeat(n % 15));
                valid.push(n % 7 != 0);
                let value = if valid[n] { value.as_bytes() } else { b"" };
                bytes.extend_from_slice(value);
                ends.push(bytes.len() as u32);
                wanted.push(if valid[n] { expected(value) } else { NULL_QUASI });
            }
            let mut out = vec![7; ends.len()];
            hasher.hash(&[3; 32], &bytes, &ends, &valid, &mut out);
            assert_eq!(out, wanted);
        }
    }

    #[test]
    fn values_that_differ_in_zeros_or_length_only_are_not_mixed_up() {
        let mut hasher = QuasiIdentifierHasher::new();
        for value in [&b""[..], b"\0", b"\0\0", b"a", b"a\0", &[0; 23], &[0; 24], &[b'a'; 23], &[b'a'; 24]] {
            let mut bytes = value.to_vec();
            bytes.extend_from_slice(b"what comes after it in the column");
            let mut out = [0; 2];
            let ends = [value.len() as u32, bytes.len() as u32];
            for _ in 0..2 {
                hasher.hash(&[3; 32], &bytes, &ends, &[true, true], &mut out);
                assert_eq!(out, [expected(value), expected(&bytes[value.len()..])]);
            }
        }
    }
}
