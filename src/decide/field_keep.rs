//! R26: a field with a `keep` of its own is null from the instant on at which that is over, by the clock of its row,
//! and so is its hash for the gates (R36, R41). This is the one place where a published value becomes null for that
//! reason: runs, sweeps, gates and companions all ask here.

use super::retention::past;
use crate::clock::Instant;
use crate::stage::NULL_QUASI;

/// Which fields have a `keep` of their own, and the instant that it is over at.
#[derive(Clone)]
pub(super) struct FieldKeeps {
    as_of: Instant,
    /// Published fields with a `keep`, by their place in the layout.
    fields: Vec<usize>,
    /// Per field that gates hash, its place among those.
    hashed: Vec<Option<usize>>,
}

impl FieldKeeps {
    /// The fields of a job, or of a version, at an instant.
    pub(super) fn new(as_of: Instant, fields: Vec<usize>, hashed: Vec<Option<usize>>) -> FieldKeeps {
        FieldKeeps { as_of, fields, hashed }
    }

    /// Returns the instant judged at.
    pub(super) fn as_of(&self) -> Instant {
        self.as_of
    }

    /// Returns how many fields have a `keep`.
    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// Returns how many fields gates hash.
    pub(super) fn hashed(&self) -> usize {
        self.hashed.len()
    }

    /// Returns the place of a field among those that have a `keep`.
    pub(super) fn place(&self, field: usize) -> Option<usize> {
        self.fields.iter().position(|of| *of == field)
    }

    /// Returns the place of a hashed field among those that have a `keep`.
    pub(super) fn place_of_hash(&self, q: usize) -> Option<usize> {
        self.hashed.get(q).copied().flatten()
    }

    /// Returns whether a value that stays until then is null.
    #[inline]
    pub(super) fn over(&self, until: i64) -> bool {
        past(until, self.as_of)
    }

    /// Returns the hash of what is published of a hashed field; `until` says until when a field with a `keep` stays.
    #[inline]
    pub(super) fn hash(&self, q: usize, hash: u64, until: impl Fn(usize) -> i64) -> u64 {
        if self.place_of_hash(q).is_some_and(|place| self.over(until(place))) { NULL_QUASI } else { hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r26_values_and_their_hashes_are_null_from_the_very_instant_on() {
        let keeps = FieldKeeps::new(Instant(10), vec![2, 3], vec![None, Some(1), Some(0)]);
        assert_eq!((keeps.place(3), keeps.place(0), keeps.place_of_hash(2)), (Some(1), None, Some(0)));
        assert_eq!((keeps.over(11), keeps.over(10), keeps.over(9)), (false, true, true));
        let untils = [11, 10];
        assert_eq!([0, 1, 2].map(|q| keeps.hash(q, 7, |place| untils[place])), [7, NULL_QUASI, 7]);
        assert_eq!(keeps.hash(2, 9, |_| 10), NULL_QUASI);
    }
}
