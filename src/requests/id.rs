//! Ids of entries are keyed hashes: their own bits spread them. Ids of requests that name a person have a keyed hash in their
//! place (R83). Must not know what an entry says.

use crate::key::Key;
use std::hash::Hasher;

/// Takes the first bytes of an id as they are: ids are keyed hashes.
#[derive(Clone, Copy, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Where in sorted ids those begin that have the same first bits: ids are hashes, so few have.
pub(super) struct IdPlaces {
    starts: Vec<u32>,
    bits: u32,
}

impl IdPlaces {
    /// Counts the ids by their first bits; they are sorted.
    pub(super) fn of(ids: &[[u8; 16]]) -> IdPlaces {
        let bits = (ids.len() as u64 / 2).max(2).ilog2();
        let mut places = IdPlaces { starts: vec![0; (1 << bits) + 1], bits };
        for id in ids {
            let first = places.first(id);
            places.starts[first + 1] += 1;
        }
        for at in 1..places.starts.len() {
            places.starts[at] += places.starts[at - 1];
        }
        places
    }

    fn first(&self, id: &[u8; 16]) -> usize {
        (u128::from_be_bytes(*id) >> (128 - self.bits)) as usize
    }

    /// Returns the place of an id among those that were counted.
    pub(super) fn find(&self, ids: &[[u8; 16]], id: &[u8; 16]) -> Option<usize> {
        let first = self.first(id);
        let (from, to) = (self.starts[first] as usize, self.starts[first + 1] as usize);
        let at = ids[from..to].iter().position(|known| u128::from_ne_bytes(*known) == u128::from_ne_bytes(*id))?;
        Some(from + at)
    }
}

/// Makes the ids that stand for those that name a person (R83).
pub struct RequestIds(Key);

impl RequestIds {
    /// Derives what is needed from the identity key.
    pub fn new(identity: &Key) -> RequestIds {
        RequestIds(identity.derive("tamis v1 request id", &[]))
    }

    /// Returns what stands for an id that names a person, and says nothing about them without the key.
    pub fn opaque(&self, request: &str) -> String {
        format!("record-{:016x}", self.hash(request))
    }

    /// Returns what stands for a request id in memory.
    pub(super) fn hash(&self, request: &str) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::keyed_hash(self.0.expose(), request.as_bytes()).as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}
